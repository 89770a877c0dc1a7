"""Badges: who passes the portal's rules today, what is missing, and how likely the next evaluation is passed."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import badges
from leadlib.ui import badges as badges_ui
from leadlib.ui import plots, states
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Badges")
states.stop_if_empty(view)
rows = view.ask(badges)
badges_ui.draw_rules(view, rows)
plots.draw(
    "Today and at the next evaluation",
    charts.plot_badges(rows, theme=plots.current_theme()),
    takeaway=charts.badges_takeaway(rows),
    table=rows,
    metrics=["badge_share", "badge_to_answer", "badge_verdict", "badge_chance", "badge_whatsapp_min"],
    notes=[
        "The dot is today, the line where the share will lie on the day, four times in five. A row leads to its leads."
    ],
    on_choose=badges_ui.to_counted_leads(rows),
)
st.header("All agents", anchor=False)
badges_ui.draw(view, rows)
