"""Listings & projects: which bring leads, which of them nobody answers, and how their leads fade with age."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import breakdown, decay, dimension_named, league
from leadlib.ui import compared, kpis, plots, states
from leadlib.ui import league as league_ui
from leadlib.ui.controls import LEAGUE_WORDS, pick
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Listings & projects")
states.stop_if_empty(view)
kpis.draw(view, ["leads", "unique_senders", "response_rate", "waiting"])
theme = plots.current_theme()
by = pick("league", "League of", LEAGUE_WORDS)
one = dimension_named(by).label.lower()

everyone = view.ask(league, by=by)
plots.draw(
    "Popular but unanswered",
    charts.plot_missed(everyone, theme=theme),
    takeaway=charts.missed_takeaway(everyone, of=one),
    table=everyone[everyone["is_missed"]],
    metrics=["response_rate", "replies_short", "waiting", "verdict"],
    notes=league_ui.notes_on_missed(everyone),
    on_choose=compared.to_leads_of(view, by, everyone),
)
plots.draw(
    f"{LEAGUE_WORDS[by]} against chance",
    charts.plot_against_chance(everyone, of=one, theme=theme),
    takeaway=charts.against_chance_takeaway(everyone, of=one),
    table=everyone,
    metrics=["verdict", "response_rate", "shrunken_rate", "rank"],
    notes=["A point leads to its leads."],
    on_choose=compared.to_leads_of(view, by, everyone),
)
top = view.ask(breakdown, by=by, limit=15)
plots.draw(
    f"Most leads by {one}",
    charts.plot_league(top, theme=theme),
    takeaway=charts.league_takeaway(top),
    table=top,
    metrics=["leads", "response_rate"],
    notes=["A row leads to its leads."],
    on_choose=compared.to_leads_of(view, by, top),
)
weeks = view.ask(decay, by=by)
plots.draw(
    "Leads a week since the first one",
    charts.plot_decay(weeks, of=one, theme=theme),
    takeaway=charts.decay_takeaway(weeks, of=one),
    table=weeks,
    metrics=["leads_a_week"],
    notes=league_ui.notes_on_decay(one),
)
st.header(f"All {LEAGUE_WORDS[by].lower()}", anchor=False)
league_ui.draw(view, by)
