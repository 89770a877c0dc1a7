"""Funnel: how far leads come, overall and per channel, and what their statuses are today."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import funnel, status_counts
from leadlib.ui import funnel_notes, kpis, plots, states
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Funnel")
states.stop_if_empty(view)
kpis.draw(view, ["leads", "reached_opened", "reached_responded", "waiting", "archived"])
theme = plots.current_theme()

left, right = st.columns(2)
with left:
    stages = view.ask(funnel)
    plots.draw(
        "All channels",
        charts.plot_funnel(stages, theme=theme),
        takeaway=charts.funnel_takeaway(stages),
        table=stages,
        metrics=["share_of_start", "share_of_previous", "archived_unknown"],
    )
with right:
    statuses = view.ask(status_counts)
    plots.draw(
        "Status today",
        charts.plot_status(statuses, theme=theme),
        takeaway=charts.status_takeaway(statuses),
        table=statuses,
        metrics=["waiting", "archived", "unrecognised"],
    )
per_channel = view.ask(funnel, by="channel")
plots.draw(
    "Channel by channel",
    charts.plot_funnel_by_channel(per_channel, theme=theme),
    takeaway=charts.funnel_by_channel_takeaway(per_channel),
    table=per_channel,
    metrics=["share_of_start", "share_of_previous"],
    notes=funnel_notes.notes(per_channel),
)
