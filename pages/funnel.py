"""Funnel: how far leads come and how long that takes, what follows what, and who responded in time week by week."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import funnel, settling, stage_times, status_counts, transitions, within_hours
from leadlib.ui import funnel_drill, funnel_notes, kpis, plots, states, within_notes
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
        notes=[*funnel_notes.beside_the_ladder(stages), "A bar leads to the leads known to have come so far."],
        on_choose=funnel_drill.to_reached(view),
    )
with right:
    statuses = view.ask(status_counts)
    plots.draw(
        "Status today",
        charts.plot_status(statuses, theme=theme),
        takeaway=charts.status_takeaway(statuses),
        table=statuses,
        metrics=["waiting", "archived", "unrecognised"],
        notes=["A bar leads to its leads."],
        on_choose=funnel_drill.to_status(view, statuses),
    )
per_channel = view.ask(funnel, by="channel")
plots.draw(
    "Channel by channel",
    charts.plot_funnel_by_channel(per_channel, theme=theme),
    takeaway=charts.funnel_by_channel_takeaway(per_channel),
    table=per_channel,
    metrics=["share_of_start", "share_of_previous"],
    notes=[*funnel_notes.notes(per_channel), "A bar leads to the leads known to have come so far."],
    on_choose=funnel_drill.to_reached(view),
)
weeks = view.ask(within_hours, by="week")
plots.draw(
    "Responded in time, week by week",
    charts.plot_within_trend(weeks, theme=theme),
    takeaway=charts.within_trend_takeaway(weeks),
    table=weeks,
    metrics=["response_rate_within", "unknown_within", "response_rate", "pending", "settled_h"],
    notes=within_notes.notes(weeks, view.ask(settling)),
    on_choose=funnel_drill.to_week(view),
)
moves = view.ask(transitions)
plots.draw(
    "From stage to stage",
    charts.plot_transitions(moves, theme=theme),
    takeaway=charts.transitions_takeaway(moves),
    table=moves,
    metrics=["moved"],
    offered=funnel_drill.words_of_moves(moves),
    on_choose=funnel_drill.to_move(view),
)
steps = view.ask(stage_times)
plots.draw(
    "Time between stages",
    charts.plot_stage_times(steps, theme=theme),
    takeaway=charts.stage_times_takeaway(steps),
    table=steps,
    metrics=["median_step_min"],
    notes=funnel_notes.on_steps(steps),
)
