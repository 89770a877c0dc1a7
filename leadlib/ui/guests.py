"""What a guest's page has around it in place of the sidebar, and what of a page is kept from guests."""

import re
from contextlib import suppress

import streamlit as st

from leadlib import formats
from leadlib.access import Shared
from leadlib.engine import Engine
from leadlib.errors import AccessError, StoreReadOnlyError
from leadlib.filters import Filters
from leadlib.metrics import SMALLEST_GROUP
from leadlib.ui import guard
from leadlib.ui.engine import current_access
from leadlib.ui.text import plain
from leadlib.ui.view import View, current_view

_LOOK_EVERY_S = 5.0
"""For so long a page that is open may outlive its link."""

_COUNTED = "guest_counted"
# A sentence that promises a way to leads, or to another page: for guests there is none.
_WAYS = re.compile(r"(?:A (?:click on a )?(?:bar|row|cell|point) leads to|Choose a row to go to)[^.]*\.\s*")


def filters_of(shared: Shared) -> Filters:
    """The filters of a link as its pages ask them: of the store that it opens, which may have numbers for agents."""
    filters = Filters(shared.selected)
    return filters if shared.names_agents else filters.with_values("agent", ())


def is_guest() -> bool:
    """True if the page of this run is drawn for a guest."""
    return current_view().access.shared is not None


def without_ways(text: str) -> str:
    """The text, for guests without its sentences that promise a way to leads or to another page."""
    return _WAYS.sub("", text).strip() if is_guest() else text


def draw_head(view: View, shared: Shared) -> None:
    """What the link is called, what it shows and how old that is; and the way in for who works here."""
    _count(view.engine, shared)
    as_of = view.store.as_of()
    with st.container(horizontal=True, vertical_alignment="center"):
        plain(shared.title, tone="normal")
        guard.draw_ways_in(view.engine, is_asked=False)
    age = f"As of {formats.instant(as_of, view.store.timezone)}. " if as_of else ""
    planted = "A planted brokerage, no real lead in it. " if view.engine.is_sandbox else ""
    agents = "" if shared.names_agents else "Agents are told apart by numbers. "
    plain(
        f"{planted}{age}Somebody has shared this page with you: it shows these leads and no others. {agents}Groups of "
        f"fewer than {SMALLEST_GROUP} leads are left out, and smaller counts are written as <{SMALLEST_GROUP}."
    )
    st.fragment(_look, run_every=_LOOK_EVERY_S)(shared.link_id)


def stop_if_small(view: View) -> None:
    """Ends the page where there are so few leads that guests could tell people apart."""
    if view.n_leads < SMALLEST_GROUP:
        with st.container(border=True):
            st.header("Too few leads to show", anchor=False, icon=":material/group_off:")
            plain(f"Fewer than {SMALLEST_GROUP} leads are under the filters of this link.")
        st.stop()


def _look(link_id: str) -> None:
    try:
        shared = current_access().shared
    except AccessError:
        st.rerun()
    if shared is None or shared.link_id != link_id:
        st.rerun()


def _count(engine: Engine, shared: Shared) -> None:
    if st.session_state.get(_COUNTED) != shared.link_id:
        st.session_state[_COUNTED] = shared.link_id
        with suppress(StoreReadOnlyError):  # where nothing can be counted, links can be read all the same
            engine.store.guest_links.note_use(shared.link_id)
