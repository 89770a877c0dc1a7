"""The page script: settings, guard, navigation, filter bar, then the page. Runs from top to bottom at every rerun."""

import logging
from pathlib import Path

import streamlit as st

from leadlib.errors import LeadlibError
from leadlib.ui import api_panel, drill, filter_bar, links, pinned, sandbox_note, states, status, style
from leadlib.ui.engine import get_engine
from leadlib.ui.names import load_vocabulary
from leadlib.ui.screens import all_screens
from leadlib.ui.view import View, set_view

log = logging.getLogger(__name__)
IMAGES = Path(__file__).resolve().parent / "images"

# Icons from files of our own: Streamlit would fetch a named one from a font server on the internet.
st.set_page_config(page_title="Leadlight", page_icon=IMAGES / "icon.svg", layout="wide", initial_sidebar_state=350)
st.logo(IMAGES / "logo.svg", size="large", link=None)
style.apply()
page = st.navigation(all_screens(), expanded=True)
st.set_page_config(page_title=f"{page.title} · Leadlight")
drill.follow()
try:
    engine = get_engine()
    problems = links.restore(page.url_path)
    vocabulary = load_vocabulary()
    with st.sidebar:
        pinned.draw_views(engine)
        filters = filter_bar.draw(vocabulary)
    view = View(engine, filters, vocabulary)
    set_view(view)
    links.publish(filters)
    with st.sidebar:
        pinned.draw(engine, page, filters)
        api_panel.draw(engine, filters)
    with st.container(gap="xxsmall"):
        sandbox_note.draw(engine)
        status.draw(engine)
    states.show_problems(problems)
    page.run()
except LeadlibError as error:
    states.show_error(error)
except Exception:
    # Streamlit's own screen for this offers to take the message to a search engine.
    log.exception("a page failed")
    states.show_bug()
