"""From a figure to the leads behind it: sets a filter and turns to the page of leads."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from leadlib.ui.links import filter_key, keep, param_key

_WAITING = "drill_waiting"


def to_leads(key: str, value: str) -> None:
    """For a button's on_click: filters by one value, in the widgets' state, and asks for the page of leads."""
    st.session_state[filter_key(key)] = [value]
    st.session_state[param_key("p")] = "1"
    st.session_state[_WAITING] = True


def follow(leads_page: StreamlitPage) -> None:
    """Turns to the page of leads if a click has asked for it. The shell calls this before it draws anything."""
    if st.session_state.pop(_WAITING, False):
        keep()  # this run ends before the filters are drawn
        st.switch_page(leads_page)
