"""Leads: the rows behind every figure, fifty a page, and each lead in full."""

from leadlib.ui import lead_card, lead_table, states
from leadlib.ui.text import plain
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Leads")
states.stop_if_empty(view)
chosen = lead_table.draw(view)
if chosen is None:
    plain("Choose a row to see the lead in full.")
else:
    lead_card.draw(view, chosen)
