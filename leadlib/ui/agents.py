"""Agents beside each other in a sortable table, one agent's standing in words, and the ways to both."""

import math
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import streamlit as st

from leadlib import charts, formats
from leadlib.filters import MISSING
from leadlib.metrics import (
    VERDICT_WORDS,
    Clock,
    Verdict,
    age_range,
    age_words,
    agents,
    like_for_like,
    metric_named,
    newcombe,
    replies_by,
)
from leadlib.ui import compared, drill, plots
from leadlib.ui.engine import load
from leadlib.ui.guests import is_guest, without_ways
from leadlib.ui.links import filter_key
from leadlib.ui.text import facts, plain
from leadlib.ui.view import View

MIX_WORDS = {"raw": "As they are", "like_for_like": "Like for like"}
"""How agents are compared, by the page's setting `mix`."""

_STANDING = (
    *("verdict", "response_rate", "peer_rate", "standardised_rate", "shrunken_rate", "rank"),
    *("median_reply_min", "p90_reply_min", "replied_within", "oldest_waiting_h"),
)
_CHOICE = "agent_choice"
_QUESTIONS: Mapping[str, Callable[..., pd.DataFrame]] = {"raw": agents, "like_for_like": like_for_like}
_CARD: Mapping[str, Sequence[str]] = {
    "raw": ("verdict", "response_rate", "matured", "peer_rate"),
    "like_for_like": ("standardised_verdict", "standardised_rate", "observed_to_expected"),
}
_TABLE: Mapping[str, Sequence[str]] = {
    "raw": (
        *("verdict", "leads", "matured", "response_rate", "shrunken_rate", "rank", "peer_rate"),
        *("response_rate_of_all", "median_reply_min", "p90_reply_min", "replied_within"),
        *("waiting", "oldest_waiting_h"),
    ),
    "like_for_like": (
        *("standardised_verdict", "leads", "matured", "responded_matured", "expected_responded"),
        *("observed_to_expected", "standardised_rate", "standardised_shrunken_rate", "standardised_rank"),
        "response_rate",
    ),
}
_SORTED = "Best shrunken rate first. Choose a row to go to an agent. A click on a heading sorts."


def draw_against_chance(view: View, mix: str) -> None:
    """The card of agents against chance, as they are or like for like. A point leads to the agent's page."""
    rows = view.ask(_QUESTIONS[mix])
    notes = ["A point leads to the agent's own page."]
    if mix == "like_for_like":
        notes = [
            "Each agent is compared with what all agents answer of leads of the same channel, entity type and hour of "
            "arrival. That corrects for who gets the easy leads, and for nothing else: neither for how good they were "
            "nor for how many came at once.",
            *notes,
        ]
    plots.draw(
        "Agents against chance",
        charts.plot_against_chance(rows, theme=plots.current_theme()),
        takeaway=charts.against_chance_takeaway(rows),
        table=rows,
        metrics=_CARD[mix],
        notes=notes,
        on_choose=drill.to_agent,
    )


def draw(view: View, mix: str) -> None:
    """The league: verdict, rates with intervals, rank and backlog of each agent. A row leads to the agent's page."""
    plain(without_ways(_SORTED))
    rows = view.ask(_QUESTIONS[mix])
    if mix == "raw":
        replies = view.ask(replies_by, by="agent")
        rows = rows.merge(replies.drop(columns=["label", "is_active"]), on="key", how="left")
        plain(
            "Times to a reply are on the wall clock and without calls. A dash stands where fewer than twenty looks "
            "tell, looks are too far apart, or fewer than half ever replied. "
            + ("" if is_guest() else "An agent's own page says which.")
        )
    alt = "Agents with their response rates, ranks and verdicts, best shrunken rate first"
    row = compared.draw(rows, "Agent", _TABLE[mix], key=f"agents_{mix}", alt=alt)
    if row is None:
        return
    with st.container(horizontal=True):
        if row["key"] != MISSING:
            st.button("Open this agent's page", icon=":material/person:", on_click=drill.to_agent, args=(row["key"],))
        compared.offer_leads(view, "agent", row)


def choose(view: View) -> pd.Series:
    """Draws the choice of an agent and gives the row of the chosen one; ends the page without one.

    The row has the columns of `agents` and, where they differ, of `like_for_like`.
    """
    others = view.filters.with_values("agent", ())
    everyone = load(agents, others)
    labels = {key: label for key, label in zip(everyone["key"], everyone["label"], strict=True) if key != MISSING}
    chosen = view.filters["agent"]
    is_one = len(chosen) == 1 and chosen[0] in labels
    st.session_state[_CHOICE] = chosen[0] if is_one else None
    st.selectbox(
        "Agent",
        list(labels),
        key=_CHOICE,
        index=None,
        format_func=lambda key: str(labels[key]),
        placeholder="Choose an agent",
        on_change=_take_choice,
        width=320,
    )
    if not is_one:
        plain("This page is about one agent at a time.")
        st.stop()
    alike = load(like_for_like, others)
    wide = everyone.merge(alike.drop(columns=[name for name in everyone if name in alike and name != "key"]), on="key")
    return wide[wide["key"] == chosen[0]].iloc[0]


def draw_standing(view: View, row: pd.Series) -> None:
    """A card with what can be said of an agent beside all others, and what each of the figures means."""
    replies = view.ask(replies_by, by="agent").iloc[0]
    verdict: Verdict = row["verdict"]
    verdict_alike: Verdict = row["standardised_verdict"]
    difference, low, high = newcombe(
        row["responded_matured"], row["matured"], row["peers_responded"], row["peers_matured"]
    )
    is_compared = not formats.is_missing(row["response_rate"]) and not formats.is_missing(row["peer_rate"])
    ends = f"{formats.signed(float(low) * 100, 1)} to {formats.signed(float(high) * 100, 1)}"
    apart = f"{formats.points(float(difference))} ({ends})"
    with st.container(border=True, height="stretch", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.header("Beside all others", anchor=False)
            with st.popover("What these mean", type="tertiary", icon=":material/help:"):
                plots.define(_STANDING)
        facts(
            {
                "Verdict": VERDICT_WORDS[verdict],
                metric_named("response_rate").label: _rate_text(row, "response_rate"),
                "All other agents": _rate_text(row, "peer_rate"),
                "Difference": apart if is_compared else formats.MISSING_TEXT,
                "Limits of chance (95 %)": formats.percent_range(row["look_low"], row["look_high"]),
                metric_named("standardised_rate").label: _rate_text(row, "standardised_rate"),
                "Verdict, like for like": VERDICT_WORDS[verdict_alike],
                metric_named("shrunken_rate").label: _rate_text(row, "shrunken_rate"),
                "Rank": _rank_text(row),
                metric_named("median_reply_min").label: _reply_text(replies, "median_reply_min"),
                metric_named("p90_reply_min").label: _reply_text(replies, "p90_reply_min"),
                f"Replied within {formats.duration(replies['age_min'] * 60)}": _rate_text(replies, "replied_within"),
                "Oldest waiting": formats.duration(row["oldest_waiting_h"] * 3600),
            }
        )


def draw_ways_on(row: pd.Series) -> None:
    """The ways on: to the agent's leads, those that wait longest on top, and back to all agents."""
    with st.container(horizontal=True):
        st.button(
            f"Show the {formats.count_of(row['leads'], 'lead')}, longest waiting first",
            icon=":material/list_alt:",
            type="primary",
            on_click=drill.to_leads,
            args=("agent", row["key"], "longest_waiting"),
        )
        st.button("All agents", icon=":material/support_agent:", on_click=drill.to_agents)


def _take_choice() -> None:
    chosen = st.session_state[_CHOICE]
    st.session_state[filter_key("agent")] = [] if chosen is None else [chosen]


def _rate_text(row: pd.Series, key: str) -> str:
    interval = formats.percent_range(row[f"{key}_low"], row[f"{key}_high"])
    if formats.is_missing(row[key]):
        return interval
    return f"{formats.percent(row[key])} ({interval})"


def _reply_text(row: pd.Series, key: str) -> str:
    """An age with its interval; why there is none."""
    if row[f"{key}_reason"]:
        return str(row[f"{key}_reason"])
    clock: Clock = row["clock"]
    age = "fewer ever replied" if math.isinf(row[key]) else age_words(row[key], clock)
    return f"{age} ({age_range(row[f'{key}_low'], row[f'{key}_high'], clock)})"


def _rank_text(row: pd.Series) -> str:
    if formats.is_missing(row["rank"]):
        return formats.MISSING_TEXT
    place = f"{formats.number(row['rank'])} of {formats.number(row['n_ranked'])}"
    return f"{place}, 95{formats.NBSP}% interval {compared.rank_range(row.to_dict())}"
