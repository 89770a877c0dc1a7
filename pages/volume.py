"""Volume: how many leads come, through which channel, and at which hours of the week."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import heat_map, volume
from leadlib.ui import kpis, plots, states
from leadlib.ui.controls import BY_WORDS, GRAIN_WORDS, pick
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Volume")
states.stop_if_empty(view)
kpis.draw(view, ["leads", "unique_senders", "unassigned", "pending"])
theme = plots.current_theme()

with st.container(horizontal=True, vertical_alignment="bottom"):
    grain = pick("grain", "Grain", GRAIN_WORDS)
    by = pick("by", "Split by", BY_WORDS)
counted = view.ask(volume, grain=grain, by=by, limit=8)
plots.draw(
    f"Leads a {grain} by {BY_WORDS[by].lower()}",
    charts.plot_volume(counted, theme=theme),
    takeaway=charts.volume_takeaway(counted),
    table=counted,
    metrics=["leads"],
)
hours = view.ask(heat_map)
plots.draw(
    "When leads come in",
    charts.plot_heat_map(hours, theme=theme),
    takeaway=charts.heat_map_takeaway(hours),
    table=hours,
    metrics=["leads_per_hour"],
)
