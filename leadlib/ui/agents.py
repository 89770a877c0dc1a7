"""Agents beside each other in a sortable table, one agent's standing in words, and the ways to both."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.filters import MISSING
from leadlib.metrics import VERDICT_WORDS, Verdict, agents, metric_named, newcombe
from leadlib.ui import drill, league, plots
from leadlib.ui.engine import load
from leadlib.ui.links import filter_key
from leadlib.ui.numbers import COUNT, with_left
from leadlib.ui.selection import choose_row
from leadlib.ui.text import facts, plain
from leadlib.ui.view import View

_STANDING = ("verdict", "response_rate", "peer_rate", "shrunken_rate", "rank", "oldest_waiting_h")
_CHOICE = "agent_choice"


def draw(view: View) -> None:
    """The league: verdict, rates with intervals, rank and backlog of each agent. A row leads to the agent's page."""
    rows = view.ask(agents)
    label = {key: metric_named(key).short_label for key in (*_STANDING, "leads", "matured", "waiting")}
    plain_rate = metric_named("response_rate_of_all")
    shares = ("response_rate", "shrunken_rate", "peer_rate")
    shown = pd.DataFrame(
        {
            "Agent": with_left(rows["label"], rows["is_active"]),
            label["verdict"]: rows["verdict"].map(VERDICT_WORDS),
            label["leads"]: rows["leads"],
            label["matured"]: rows["matured"],
            label["response_rate"]: rows["response_rate"] * 100,
            "95 % interval": _ranges(rows, "response_rate"),
            label["shrunken_rate"]: rows["shrunken_rate"] * 100,
            label["rank"]: rows["rank"],
            "Rank, 95 %": [rank_range(row) for row in rows.to_dict("records")],
            label["peer_rate"]: rows["peer_rate"] * 100,
            plain_rate.short_label: rows["response_rate_of_all"] * 100,
            label["waiting"]: rows["waiting"],
            label["oldest_waiting_h"]: rows["oldest_waiting_h"] / 24,
        }
    )
    percent, count = "%.0f %%", COUNT
    formats_of = {**dict.fromkeys(shares, percent), **dict.fromkeys(("leads", "matured", "waiting", "rank"), count)}
    plain("Best shrunken rate first. Choose a row to go to an agent. A click on a heading sorts.")
    place = choose_row(
        shown,
        list(rows["key"]),
        key="agents",
        columns={
            label["verdict"]: st.column_config.TextColumn(help=metric_named("verdict").definition),
            **{
                label[key]: st.column_config.NumberColumn(format=form, help=metric_named(key).definition)
                for key, form in {**formats_of, "oldest_waiting_h": "%,.0f d"}.items()
            },
            plain_rate.short_label: st.column_config.NumberColumn(format=percent, help=plain_rate.definition),
            "Rank, 95 %": st.column_config.TextColumn(help=metric_named("rank").definition),
        },
        alt="Agents with their response rates, ranks and verdicts, best shrunken rate first",
    )
    if place is None:
        return
    row = rows.iloc[place]
    with st.container(horizontal=True):
        if row["key"] != MISSING:
            st.button("Open this agent's page", icon=":material/person:", on_click=drill.to_agent, args=(row["key"],))
        league.offer_leads(view, "agent", row)


def choose(view: View) -> pd.Series:
    """Draws the choice of an agent and gives the row of the chosen one, from `agents`; ends the page without one."""
    everyone = load(agents, view.filters.with_values("agent", ()))
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
    return everyone[everyone["key"] == chosen[0]].iloc[0]


def draw_standing(row: pd.Series) -> None:
    """A card with what can be said of an agent beside all others, and what each of the figures means."""
    verdict: Verdict = row["verdict"]
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
                metric_named("shrunken_rate").label: _rate_text(row, "shrunken_rate"),
                "Rank": _rank_text(row),
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


def rank_range(row: Mapping[Any, Any]) -> str:
    """The ranks that an agent may have: "3–6", "1" if that is sure, a dash without a rank."""
    best, worst = row["rank_best"], row["rank_worst"]
    if formats.is_missing(best):
        return formats.MISSING_TEXT
    return formats.number(best) if best == worst else f"{formats.number(best)}–{formats.number(worst)}"


def _take_choice() -> None:
    chosen = st.session_state[_CHOICE]
    st.session_state[filter_key("agent")] = [] if chosen is None else [chosen]


def _ranges(rows: pd.DataFrame, key: str) -> list[str]:
    ends = zip(rows[f"{key}_low"], rows[f"{key}_high"], strict=True)
    return [formats.percent_range(low, high) for low, high in ends]


def _rate_text(row: pd.Series, key: str) -> str:
    interval = formats.percent_range(row[f"{key}_low"], row[f"{key}_high"])
    if formats.is_missing(row[key]):
        return interval
    return f"{formats.percent(row[key])} ({interval})"


def _rank_text(row: pd.Series) -> str:
    if formats.is_missing(row["rank"]):
        return formats.MISSING_TEXT
    place = f"{formats.number(row['rank'])} of {formats.number(row['n_ranked'])}"
    return f"{place}, 95{formats.NBSP}% interval {rank_range(row.to_dict())}"
