"""The page script: settings, guard, navigation, filter bar, then the page. Runs from top to bottom at every rerun."""

from pathlib import Path

import streamlit as st

from leadlib.errors import LeadlibError
from leadlib.ui import api_panel, drill, filter_bar, links, states, status, style
from leadlib.ui.engine import get_engine
from leadlib.ui.names import load_vocabulary
from leadlib.ui.view import View, set_view

IMAGES = Path(__file__).resolve().parent / "images"
PAGES = Path(__file__).resolve().parents[2] / "pages"

# Icons from files of our own: Streamlit would fetch a named one from a font server on the internet.
st.set_page_config(page_title="Leadlight", page_icon=IMAGES / "icon.svg", layout="wide", initial_sidebar_state=350)
st.logo(IMAGES / "logo.svg", size="large", link=None)
style.apply()
leads_page = st.Page(PAGES / "leads.py", title="Leads", icon=":material/list_alt:")
page = st.navigation(
    [
        st.Page(PAGES / "overview.py", title="Overview", icon=":material/dashboard:", default=True),
        st.Page(PAGES / "volume.py", title="Volume", icon=":material/bar_chart:"),
        st.Page(PAGES / "funnel.py", title="Funnel", icon=":material/filter_alt:"),
        st.Page(PAGES / "entities.py", title="Entities", icon=":material/home_work:"),
        st.Page(PAGES / "agents.py", title="Agents", icon=":material/support_agent:"),
        leads_page,
        st.Page(PAGES / "health.py", title="Data health", icon=":material/health_and_safety:"),
    ]
)
drill.follow(leads_page)
try:
    engine = get_engine()
    problems = links.restore(page.url_path)
    vocabulary = load_vocabulary()
    with st.sidebar:
        filters = filter_bar.draw(vocabulary)
    view = View(engine, filters, vocabulary)
    set_view(view)
    links.publish(filters)
    with st.sidebar:
        api_panel.draw(engine, filters)
    states.show_problems(problems)
    status.draw(engine)
    page.run()
except LeadlibError as error:
    states.show_error(error)
