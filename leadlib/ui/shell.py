"""The page script: settings, guard, navigation, filter bar, then the page. Runs from top to bottom at every rerun."""

import logging
import secrets
from pathlib import Path

import streamlit as st

from leadlib.access import Access, Shared
from leadlib.engine import Engine
from leadlib.errors import AccessError, LeadlibError
from leadlib.filters import Filters
from leadlib.ui import api_panel, drill, filter_bar, guard, guests, links, pinned, sandbox_note, states, status, style
from leadlib.ui.engine import current_access, get_engine
from leadlib.ui.names import load_vocabulary
from leadlib.ui.screens import screens_for, screens_for_nobody
from leadlib.ui.view import View, set_view

log = logging.getLogger("leadlib.ui.shell")  # Streamlit runs this file as __main__
IMAGES = Path(__file__).resolve().parent / "images"


def _enter() -> tuple[Engine, Access] | None:
    """The engine, and what whoever is there may; None, and the reason on the screen, if they may not enter."""
    try:
        engine = get_engine()
        return engine, current_access()
    except AccessError as refused:
        set_view(None)
        # Without this an address that somebody was sent would lead to “Page not found” here.
        st.navigation(screens_for_nobody(), position="hidden")
        guard.draw_refusal(engine, refused)
    except LeadlibError as error:
        st.navigation(screens_for_nobody(), position="hidden")
        states.show_error(error)
    return None


def _draw(engine: Engine, access: Access) -> None:
    # Icons from files of our own: Streamlit would fetch a named one from a font server on the internet.
    st.set_page_config(page_icon=IMAGES / "icon.svg")
    st.logo(IMAGES / "logo.svg", size="large", link=None)
    if access.shared is not None:
        _draw_for_guest(engine, access, access.shared)
        return
    page = st.navigation(screens_for(access), expanded=True)
    st.set_page_config(page_title=f"{page.title} · Leadlight")
    drill.follow()
    try:
        problems = links.restore(page.url_path)
        vocabulary = load_vocabulary()
        store = engine.store_for(access)
        with st.sidebar:
            guard.draw_who(engine, access)
            pinned.draw_views(store, access)
            filters = filter_bar.draw(vocabulary)
        view = View(engine, filters, vocabulary, access)
        set_view(view)
        links.publish(filters)
        with st.sidebar:
            pinned.draw(store, page, filters)
            api_panel.draw(view)
        with st.container(gap="xxsmall"):
            sandbox_note.draw(engine)
            status.draw(view)
        states.show_problems(problems)
        page.run()
    except LeadlibError as error:
        states.show_error(error)


def _draw_for_guest(engine: Engine, access: Access, shared: Shared) -> None:
    """A page that was shared: its filters are those of the link, whatever the address and the widgets say."""
    page = st.navigation(screens_for(access), position="top" if len(shared.pages) > 1 else "hidden")
    st.set_page_config(page_title=f"{page.title} · Leadlight")
    try:
        problems = links.restore(page.url_path)
        view = View(engine, guests.filters_of(shared), load_vocabulary(), access)
        set_view(view)
        links.publish(Filters())
        guests.draw_head(view, shared)
        states.show_problems(problems)
        guests.stop_if_small(view)
        page.run()
    except LeadlibError as error:
        states.show_error(error)


st.set_page_config(page_title="Leadlight", layout="wide", initial_sidebar_state=350)
style.apply()
try:
    entered = _enter()
    if entered is not None:
        _draw(*entered)
except Exception:
    # Streamlit's own screen for this offers to take the message to a search engine.
    code = secrets.token_hex(4)
    log.exception("a page failed, code %s", code)
    states.show_bug(code)
