"""What people have pinned up for everybody: views by name, and notes on days that stand on every chart over time."""

from collections.abc import Mapping, Sequence
from datetime import date

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from leadlib import formats
from leadlib.access import Access
from leadlib.filters import Filters
from leadlib.store import Keepsake, Store
from leadlib.ui import drill, links
from leadlib.ui.engine import author, may
from leadlib.ui.screens import may_open, name_of
from leadlib.ui.text import literal, plain

_TITLE, _PINNED_BY = "pin_title", "pin_author"
_DAY, _WORDS, _NOTED_BY = "note_day", "note_words", "note_author"
_RIGHT = "may_edit_notebooks"
_FOR_ALL = "Everybody who opens this app sees it, so leave phones and addresses out."


def draw_views(store: Store, access: Access) -> None:
    """The views that are pinned, each a click away, of the pages that the viewer may open."""
    for view in store.words.saved_views():
        if not may_open(access, view.page):
            continue
        st.button(
            literal(view.title),
            key=f"pinned_{view.keepsake_id}",
            on_click=drill.to_view,
            args=(view.page, view.query),
            type="tertiary",
            icon=":material/keep:",
            help="A pinned view: page, filters and settings",
        )


def draw(store: Store, page: StreamlitPage, filters: Filters) -> None:
    """The boxes to pin this view and to note something on a day, for who may."""
    if store.is_read_only or not may(_RIGHT):
        return
    with st.container(horizontal=True):
        with st.popover("Pin view", icon=":material/keep:", key="pin_box"):
            _draw_pinning(store, name_of(page), links.query_of(filters))
        with st.popover("Note a day", icon=":material/edit_calendar:", key="note_box"):
            _draw_noting(store)


def words_by_day(store: Store) -> Mapping[date, Sequence[str]]:
    """What is noted, by day."""
    found: dict[date, list[str]] = {}
    for note in store.words.day_notes():
        found.setdefault(note.day, []).append(note.words)
    return found


def _draw_pinning(store: Store, page: str, query: Mapping[str, Sequence[str]]) -> None:
    with st.form("pin_form", clear_on_submit=True, border=False):
        st.text_input("Name of this view", key=_TITLE, max_chars=60, placeholder="Calls of last month")
        st.text_input("Your name", key=_PINNED_BY, max_chars=60, placeholder=author())
        plain(f"Page, filters and settings as they are now. {_FOR_ALL}")
        st.form_submit_button("Pin it", on_click=_pin, args=(store, page, query))
    for view in store.words.saved_views():
        _draw_taking_down(store, view, view.title, view.author)


def _draw_noting(store: Store) -> None:
    with st.form("note_form", clear_on_submit=True, border=False):
        st.date_input("Day", value=None, key=_DAY, format="YYYY-MM-DD")
        st.text_input("What happened", key=_WORDS, max_chars=80, placeholder="Campaign started")
        st.text_input("Your name", key=_NOTED_BY, max_chars=60, placeholder=author())
        plain(f"It stands on every chart over time. {_FOR_ALL}")
        st.form_submit_button("Note it", on_click=_note, args=(store,))
    for note in store.words.day_notes():
        _draw_taking_down(store, note, f"{formats.day(note.day)} – {note.words}", note.author)


def _pin(store: Store, page: str, query: Mapping[str, Sequence[str]]) -> None:
    if not may(_RIGHT):
        return
    if title := _typed(_TITLE):
        store.words.save_view(title, page, query, _typed(_PINNED_BY) or author())
    else:
        st.toast("Give the view a name, then pin it.")


def _note(store: Store) -> None:
    day = st.session_state[_DAY]
    if not may(_RIGHT):
        return
    if isinstance(day, date) and (words := _typed(_WORDS)):
        store.words.note_on_day(day, words, _typed(_NOTED_BY) or author())
    else:
        st.toast("A note needs a day and some words.")


def _take_down(store: Store, keepsake: Keepsake) -> None:
    if may(_RIGHT):
        store.words.take_down(keepsake)


def _typed(key: str) -> str:
    return " ".join(str(st.session_state[key]).split())


def _draw_taking_down(store: Store, keepsake: Keepsake, words: str, author: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        plain(f"{words} ({author})")
        st.button(
            "Take down",
            key=f"down_{keepsake.keepsake_id}",
            on_click=_take_down,
            args=(store, keepsake),
            type="tertiary",
            icon=":material/delete:",
        )
