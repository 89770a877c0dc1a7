"""Agent: one agent's own page - standing beside the others, trend, mix by channel and hour, backlog."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import backlog, breakdown, heat_map
from leadlib.ui import agents as agents_ui
from leadlib.ui import drill, funnel_drill, kpis, plots, states
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Agent")
states.stop_if_empty(view)
row = agents_ui.choose(view)
kpis.draw(view, ["leads", "response_rate", "response_rate_of_all", "waiting", "pending"])
theme = plots.current_theme()

left, right = st.columns(2)
with left:
    agents_ui.draw_standing(view, row)
with right:
    weeks = view.ask(breakdown, by="week")
    plots.draw(
        "Response rate week by week",
        charts.plot_response_trend(weeks, others=row["peer_rate"], theme=theme),
        takeaway=charts.response_trend_takeaway(weeks),
        table=weeks,
        metrics=["response_rate", "pending"],
        notes=["A point leads to all leads of its week."],
        on_choose=funnel_drill.to_week(view),
    )
    hours = view.ask(breakdown, by="hour")
    plots.draw(
        "Leads by hour of arrival",
        charts.plot_hours(hours, theme=theme),
        takeaway=charts.hours_takeaway(hours),
        table=hours,
        metrics=["response_rate", "waiting"],
        notes=["A bar leads to all leads of its hour."],
        on_choose=drill.to_hour(view.filters),
    )
left, right = st.columns(2)
with left:
    channels = view.ask(breakdown, by="channel")
    plots.draw(
        "Leads and response rate by channel",
        charts.plot_response_rates(channels, theme=theme),
        takeaway=charts.response_rates_takeaway(channels),
        table=channels,
        metrics=["response_rate", "waiting"],
    )
with right:
    waiting = view.ask(backlog, by="channel")
    plots.draw(
        "What waits",
        charts.plot_backlog(waiting, theme=theme),
        takeaway=charts.backlog_takeaway(waiting),
        table=waiting,
        metrics=["waiting", "overdue", "waiting_again", "oldest_waiting_h"],
        more="queue",
    )
week = view.ask(heat_map)
plots.draw(
    "When this agent's leads come",
    charts.plot_heat_map(week, theme=theme),
    takeaway=charts.heat_map_takeaway(week),
    table=week,
    metrics=["leads_per_hour"],
    notes=["A cell leads to its leads."],
    on_choose=drill.to_hour(view.filters),
)
agents_ui.draw_ways_on(row)
