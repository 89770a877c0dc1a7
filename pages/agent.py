"""Agent: one agent's own page - standing beside the others, trend, mix of channels and hours, backlog."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import breakdown, heat_map
from leadlib.ui import agents as agents_ui
from leadlib.ui import kpis, plots, states
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Agent")
states.stop_if_empty(view)
row = agents_ui.choose(view)
kpis.draw(view, ["leads", "response_rate", "response_rate_of_all", "waiting", "pending"])
theme = plots.current_theme()

left, right = st.columns(2)
with left:
    agents_ui.draw_standing(row)
with right:
    weeks = view.ask(breakdown, by="week")
    plots.draw(
        "Response rate week by week",
        charts.plot_response_trend(weeks, others=row["peer_rate"], theme=theme),
        takeaway=charts.response_trend_takeaway(weeks),
        table=weeks,
        metrics=["response_rate", "pending"],
    )
left, right = st.columns(2)
with left:
    channels = view.ask(breakdown, by="channel")
    plots.draw(
        "Response rate by channel",
        charts.plot_response_rates(channels, theme=theme),
        takeaway=charts.response_rates_takeaway(channels),
        table=channels,
        metrics=["response_rate", "waiting"],
    )
with right:
    week = view.ask(heat_map)
    plots.draw(
        "When this agent's leads come",
        charts.plot_heat_map(week, theme=theme),
        takeaway=charts.heat_map_takeaway(week),
        table=week,
        metrics=["leads_per_hour"],
    )
agents_ui.draw_ways_on(row)
