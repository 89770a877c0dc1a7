"""Data health: how old, how complete and how sure the data is, and the button that reads it anew."""

import streamlit as st

from leadlib.ui import health
from leadlib.ui.view import current_view

view = current_view()
st.title("Data health", anchor=False)
health.draw_cards(view)
health.draw_buttons(view)
st.subheader("Coverage", anchor=False)
health.draw_gaps(view)
st.subheader("Last syncs", anchor=False)
health.draw_syncs(view)
st.subheader("Oddities", anchor=False)
health.draw_oddities(view)
st.subheader("Where it comes from", anchor=False)
health.draw_facts(view)
