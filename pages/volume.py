"""Volume: how many leads come, from how many people, what stands out, and at which hours of the week."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import heat_map, senders_over_time, volume_change, volume_limits
from leadlib.ui import drill, kpis, plots, states
from leadlib.ui import volume as volume_ui
from leadlib.ui.controls import BY_WORDS, COMPARE_WORDS, GRAIN_WORDS, pick
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Volume")
states.stop_if_empty(view)
kpis.draw(view, ["leads", "unique_senders", "unassigned", "pending"])
theme = plots.current_theme()

with st.container(horizontal=True, vertical_alignment="bottom"):
    grain = pick("grain", "Grain", GRAIN_WORDS)
    by = pick("by", "Split by", BY_WORDS)
counted = view.ask(volume_limits, grain=grain, by=by, limit=8)
plots.draw(
    f"Leads a {grain} by {BY_WORDS[by].lower()}",
    charts.plot_volume(counted, grain=grain, theme=theme),
    takeaway=charts.volume_takeaway(counted),
    table=counted,
    metrics=["leads", "usual_leads", "signal"],
    notes=volume_ui.notes_on_volume(counted, grain),
    on_choose=drill.to_bucket(view.filters, by),
)
volume_ui.draw_silence(view)
compare = pick("compare", "Compare", COMPARE_WORDS)
change = view.ask(volume_change, by=compare)
plots.draw(
    "Beside the period before",
    charts.plot_volume_change(change, theme=theme),
    takeaway=charts.volume_change_takeaway(change),
    table=change,
    metrics=["leads_ratio"],
    notes=volume_ui.notes_on_change(change),
    on_choose=drill.to_bucket(view.filters, by),
)
left, right = st.columns(2)
with left:
    people = view.ask(senders_over_time, grain=grain)
    plots.draw(
        f"Leads and senders a {grain}",
        charts.plot_senders(people, grain=grain, theme=theme),
        takeaway=charts.senders_takeaway(people),
        table=people,
        metrics=["unique_senders", "repeat_share"],
        notes=volume_ui.notes_on_senders(grain),
        on_choose=drill.to_bucket(view.filters, by),
    )
with right:
    hours = view.ask(heat_map)
    plots.draw(
        "When leads come in",
        charts.plot_heat_map(hours, theme=theme),
        takeaway=charts.heat_map_takeaway(hours),
        table=hours,
        metrics=["leads_per_hour"],
        notes=["A cell leads to its leads."],
        on_choose=drill.to_hour(view.filters),
    )
