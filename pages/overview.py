"""Overview: what came in, what became of it, and who answers - on one screen."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import breakdown, funnel, volume
from leadlib.ui import compared, drill, funnel_drill, kpis, plots, states
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Overview")
states.stop_if_empty(view)
kpis.draw(view)
theme = plots.current_theme()

by_day = view.ask(volume, grain="day", by="channel")
plots.draw(
    "Leads a day by channel",
    charts.plot_volume(by_day, theme=theme),
    takeaway=charts.volume_takeaway(by_day),
    table=by_day,
    metrics=["leads"],
    more="volume",
    notes=["A click on a bar leads to its leads."],
    on_choose=drill.to_bucket(view.filters, "channel"),
)
left, right = st.columns(2)
with left:
    stages = view.ask(funnel)
    plots.draw(
        "How far leads come",
        charts.plot_funnel(stages, theme=theme),
        takeaway=charts.funnel_takeaway(stages),
        table=stages,
        metrics=["share_of_start", "share_of_previous"],
        more="funnel",
        notes=["A bar leads to the leads known to have come so far."],
        on_choose=funnel_drill.to_reached(view),
    )
with right:
    types = view.ask(breakdown, by="entity_type")
    plots.draw(
        "What leads are about",
        charts.plot_entity_types(types, theme=theme),
        takeaway=charts.entity_types_takeaway(types),
        table=types,
        metrics=["leads"],
        more="entities",
        notes=["A row leads to its leads."],
        on_choose=compared.to_leads_of(view, "entity_type", types),
    )
agents = view.ask(breakdown, by="agent", limit=12)
plots.draw(
    "Who answers",
    charts.plot_response_rates(agents, theme=theme),
    takeaway=charts.response_rates_takeaway(agents),
    table=agents,
    metrics=["response_rate"],
    more="agents",
    notes=["A row leads to its leads."],
    on_choose=compared.to_leads_of(view, "agent", agents),
)
