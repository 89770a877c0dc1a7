"""Entities: what leads are about, and who of their senders gets an answer."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import breakdown
from leadlib.ui import compared, kpis, plots, states
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Entities")
states.stop_if_empty(view)
kpis.draw(view, ["leads", "unique_senders", "repeat_senders", "response_rate", "waiting"])
theme = plots.current_theme()

types = view.ask(breakdown, by="entity_type")
left, right = st.columns(2)
with left:
    plots.draw(
        "What leads are about",
        charts.plot_entity_types(types, theme=theme),
        takeaway=charts.entity_types_takeaway(types),
        table=types,
        metrics=["leads", "unique_senders"],
        notes=["A row leads to its leads."],
        on_choose=compared.to_leads_of(view, "entity_type", types),
        more="leagues",
    )
with right:
    plots.draw(
        "Response rate by entity type",
        charts.plot_response_rates(types, theme=theme),
        takeaway=charts.response_rates_takeaway(types),
        table=types,
        metrics=["response_rate", "waiting", "pending"],
        notes=["A row leads to its leads."],
        on_choose=compared.to_leads_of(view, "entity_type", types),
    )
