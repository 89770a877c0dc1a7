"""Agents: who answers, how surely that can be said, and whose leads wait."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import breakdown
from leadlib.ui import kpis, league, plots, states
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Agents")
states.stop_if_empty(view)
kpis.draw(view, ["leads", "response_rate", "response_rate_of_all", "waiting", "unassigned"])

agents = view.ask(breakdown, by="agent")
plots.draw(
    "Response rate so far, agent by agent",
    charts.plot_response_rates(agents, theme=plots.current_theme()),
    takeaway=charts.response_rates_takeaway(agents),
    table=agents,
    metrics=["response_rate", "matured", "pending", "response_rate_of_all"],
)
st.header("All agents", anchor=False)
league.draw(view, "agent")
