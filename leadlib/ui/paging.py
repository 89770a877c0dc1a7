"""Pages of a long table: which one is shown, kept in the link, and the row of numbers to turn them."""

import math

import streamlit as st

from leadlib.metrics.lead_rows import ROWS_PER_PAGE
from leadlib.ui.links import param, param_key, publish
from leadlib.ui.view import View


def current_page(view: View, n_rows: int) -> int:
    """The page that the link names, or the last one there is; then the address says so."""
    page = min(int(param("p")), _n_pages(n_rows))
    if str(page) != param("p"):
        st.session_state[param_key("p")] = str(page)
        publish(view.filters)
    return page


def draw(name: str, n_rows: int, page: int) -> tuple[int, int]:
    """Draws the numbers of the pages of a table and gives the first and the last row that are shown, from 1."""
    st.pagination(
        _n_pages(n_rows), key=_pagination_key(name, page), default=page, on_change=_turn, kwargs={"name": name}
    )
    return (page - 1) * ROWS_PER_PAGE + 1, min(page * ROWS_PER_PAGE, n_rows)


def turn_back() -> None:
    """For an on_change: back to the first page."""
    st.session_state[param_key("p")] = "1"


def _n_pages(n_rows: int) -> int:
    return max(1, math.ceil(n_rows / ROWS_PER_PAGE))


def _pagination_key(name: str, page: int) -> str:
    # A filter or the Back button may have turned the page: then a new widget begins there.
    n = st.session_state.setdefault(f"{name}_turned_elsewhere", 0)
    if st.session_state.get(f"{name}_page_{n}", page) != page:
        st.session_state[f"{name}_turned_elsewhere"] = n = n + 1
    return f"{name}_page_{n}"


def _turn(name: str) -> None:
    n = st.session_state[f"{name}_turned_elsewhere"]
    st.session_state[param_key("p")] = str(st.session_state[f"{name}_page_{n}"])
