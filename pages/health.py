"""Data health: how old, how complete and how sure the data is, and the button that reads it anew."""

import streamlit as st

from leadlib.ui import health
from leadlib.ui.text import plain
from leadlib.ui.view import current_view

view = current_view()
st.title("Data health", anchor=False)
plain("Everything in the store, whatever the filters.", tone="normal")
health.draw_past(view)
health.draw_cards(view)
health.draw_buttons(view)
st.header("Coverage", anchor=False)
health.draw_gaps(view)
st.header("Last syncs", anchor=False)
health.draw_syncs(view)
st.header("Oddities", anchor=False)
health.draw_oddities(view)
st.header("Where it comes from", anchor=False)
health.draw_facts(view)
