"""From a figure to what is behind it: sets a filter and turns to another page."""

from datetime import date

import streamlit as st

from leadlib.filters import Filters
from leadlib.ui.links import filter_key, keep, param_key, put
from leadlib.ui.screens import screen

_WAITING = "drill_waiting"


def to_leads(key: str, value: str, order: str | None = None) -> None:
    """For a button's on_click: filters by one value, in the widgets' state, and asks for the page of leads.

    `order` is one of the page's own; None leaves it as the viewer had it.
    """
    st.session_state[filter_key(key)] = [value]
    st.session_state[param_key("p")] = "1"
    if order is not None:
        st.session_state[param_key("sort")] = order
    st.session_state[_WAITING] = "leads"


def to_leads_of_days(agent: str, first: date, last: date) -> None:
    """For a button's on_click: all leads of one agent and of these days, whatever was filtered by before."""
    put(Filters.of({"agent": [agent], "from": [first.isoformat()], "to": [last.isoformat()]}))
    st.session_state[param_key("p")] = "1"
    st.session_state[_WAITING] = "leads"


def to_leads_under(filters: Filters) -> None:
    """For a button's on_click: takes these filters in place of those in force, and asks for the page of leads."""
    put(filters)
    st.session_state[param_key("p")] = "1"
    st.session_state[_WAITING] = "leads"


def to_agent(key: str) -> None:
    """For a button's on_click: filters by one agent and asks for the agent's own page."""
    st.session_state[filter_key("agent")] = [key]
    st.session_state[_WAITING] = "agent"


def to_agents() -> None:
    """For a button's on_click: takes the filter by agent out and asks for the page of all agents."""
    st.session_state[filter_key("agent")] = []
    st.session_state[_WAITING] = "agents"


def follow() -> None:
    """Turns to the page that a click has asked for, if any. The shell calls this before it draws anything."""
    waiting = st.session_state.pop(_WAITING, None)
    if waiting is not None:
        keep()  # this run ends before the filters are drawn
        st.switch_page(screen(waiting))
