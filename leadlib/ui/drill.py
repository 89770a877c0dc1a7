"""From a figure to what is behind it: sets a filter and turns to another page."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import streamlit as st

from leadlib.filters import Filters
from leadlib.metrics import ALL, between, days_of_bucket, grain_named
from leadlib.ui.links import filter_key, keep, param_key, put, put_query
from leadlib.ui.screens import screen

_WAITING = "drill_waiting"
# Every stage is also a status, and a filter by it finds the other dialect's word too.
_FILTER_OF = {"channel": "type", "entity_type": "entity", "stage": "status", "agent": "agent"}


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


def to_bucket(filters: Filters, by: str) -> Callable[[str], None]:
    """For `on_choose` of a chart of leads over time split by `by`, drawn under `filters`: asks for a bar's leads."""

    def choose(mark: str) -> None:
        put(filters_of_bar(filters, by, mark))
        st.session_state[param_key("p")] = "1"
        st.session_state[_WAITING] = "leads"

    return choose


def filters_of_bar(filters: Filters, by: str, mark: str) -> Filters:
    """The filters that leave exactly the leads of a bar, drawn under `filters`, by its mark (see `charts.mark_of`).

    Days that the filters leave out stay out.
    """
    start, grain, key = mark.split("/", 2)
    first, last = days_of_bucket(date.fromisoformat(start), grain_named(grain))
    since, until = filters.first("from"), filters.first("to")
    chosen = between(
        filters,
        max(first, date.fromisoformat(since)) if since else first,
        min(last, date.fromisoformat(until)) if until else last,
    )
    return chosen if key == ALL else chosen.with_values(_FILTER_OF[by], [key])


def to_hour(filters: Filters) -> Callable[[str], None]:
    """For `on_choose` of a chart of leads by hour, drawn under `filters`: asks for the leads of a cell or bar."""
    return lambda mark: to_leads_under(filters_of_hour(filters, mark))


def filters_of_hour(filters: Filters, mark: str) -> Filters:
    """The filters that leave exactly the leads of an hour of the day, "9", or of one weekday, "mon/9"."""
    weekday, _, hour = mark.rpartition("/")
    narrowed = filters.with_values("weekday", [weekday]) if weekday else filters
    return narrowed.with_values("hour", [hour])


def to_view(page: str, query: Mapping[str, Sequence[str]]) -> None:
    """For a button's on_click: what a link to this page with these parameters shows."""
    put_query(query)
    st.session_state[_WAITING] = page


def follow() -> None:
    """Turns to the page that a click has asked for, if any. The shell calls this before it draws anything."""
    waiting = st.session_state.pop(_WAITING, None)
    if waiting is not None:
        keep()  # this run ends before the filters are drawn
        st.switch_page(screen(waiting))
