"""Agents: who answers, how surely that can be said, as they are and like for like, and whose leads wait."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import agents
from leadlib.ui import agents as agents_ui
from leadlib.ui import compared, kpis, plots, states
from leadlib.ui.controls import pick
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Agents")
states.stop_if_empty(view)
kpis.draw(view, ["leads", "response_rate", "response_rate_of_all", "waiting", "unassigned"])

mix = pick("mix", "Compare agents", agents_ui.MIX_WORDS)
agents_ui.draw_against_chance(view, mix)
if mix == "raw":
    everyone = view.ask(agents)
    plots.draw(
        "Response rate so far, agent by agent",
        charts.plot_response_rates(everyone, theme=plots.current_theme()),
        takeaway=charts.response_rates_takeaway(everyone),
        table=everyone,
        metrics=["response_rate", "shrunken_rate", "rank", "matured", "pending", "response_rate_of_all"],
        notes=["A row leads to its leads."],
        on_choose=compared.to_leads_of(view, "agent", everyone),
    )
st.header("All agents", anchor=False)
agents_ui.draw(view, mix)
