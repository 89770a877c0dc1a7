"""Rescue queue: which leads wait for an answer now, whose they are, and which to save first."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import backlog
from leadlib.ui import lead_card, plots, rescue, states
from leadlib.ui.text import plain
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Rescue queue")
states.stop_if_empty(view)
n_waiting = rescue.draw_cards(view)
if not n_waiting:
    plain("Nothing waits under these filters.", tone="normal")
    st.stop()

st.header("Waiting leads", anchor=False)
chosen = rescue.draw_table(view, n_waiting)
if chosen is None:
    plain("Choose a row to see the lead in full.")
else:
    lead_card.draw(view, chosen)
by_agent = view.ask(backlog, by="agent")
plots.draw(
    "Whose leads wait",
    charts.plot_backlog(by_agent, theme=plots.current_theme()),
    takeaway=charts.backlog_takeaway(by_agent),
    table=by_agent,
    metrics=["waiting", "overdue", "waiting_again", "oldest_waiting_h"],
    notes=["Choose a row to leave that agent's leads alone in the queue."],
    on_choose=rescue.filter_by_agent,
)
rescue.offer_all_agents(view)
rescue.draw_chances(view)
