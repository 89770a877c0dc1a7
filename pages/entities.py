"""Entities: what leads are about, and the league of listings, projects and developers."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import breakdown, dimension_named
from leadlib.ui import kpis, league, plots, states
from leadlib.ui.controls import LEAGUE_WORDS, pick
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Entities")
states.stop_if_empty(view)
kpis.draw(view, ["leads", "unique_senders", "response_rate", "waiting"])
theme = plots.current_theme()

types = view.ask(breakdown, by="entity_type")
plots.draw(
    "What leads are about",
    charts.plot_entity_types(types, theme=theme),
    takeaway=charts.entity_types_takeaway(types),
    table=types,
    metrics=["leads", "response_rate"],
)
by = pick("league", "League of", LEAGUE_WORDS)
top = view.ask(breakdown, by=by, limit=15)
plots.draw(
    f"Most leads by {dimension_named(by).label.lower()}",
    charts.plot_league(top, theme=theme),
    takeaway=charts.league_takeaway(top),
    table=top,
    metrics=["leads", "response_rate"],
)
st.header(f"All {LEAGUE_WORDS[by].lower()}", anchor=False)
league.draw(view, by)
