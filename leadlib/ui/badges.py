"""The badge rules in words, and where each agent stands by them: what to do next, and the ways to the leads."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.badge_rules import BadgeRule
from leadlib.charts.badges import chance_text
from leadlib.metrics import BADGE_WORDS, metric_named
from leadlib.ui import drill
from leadlib.ui.numbers import COUNT
from leadlib.ui.selection import choose_row
from leadlib.ui.text import facts, plain
from leadlib.ui.view import View

_LABELS = {
    "share_answered": "Share answered",
    "whatsapp_minutes": "Mean time to a WhatsApp reply",
    "leads": "Leads",
}
_SHARE_PX, _ACTION_PX = 90, 330


def draw_rules(view: View, rows: pd.DataFrame) -> None:
    """A card with the rules of the next evaluation, and whether they are the account's own."""
    if rows.empty:
        return
    rules = view.store.badge_rules
    first = rows.iloc[0]
    day, today = first["evaluated_on"], first["counted_to"]
    words = {"Next evaluation": formats.day(day)}
    for figure, label in _LABELS.items():
        then, now = rules.in_force(figure, day), rules.in_force(figure, today)  # type: ignore[arg-type]  # its own keys
        text = _rule_words(then)
        if then != now:
            text += f" on that day; until then {_rule_words(now)}"
        words[label] = text
    with st.container(border=True):
        st.header("What is asked", anchor=False)
        if rules.is_example:
            st.warning(
                "These rules are an example. No document of the portal gives its figures: look them up there, then "
                "put them into a file of your own (LEADLIB_BADGE_RULES, docs/badges.md).",
                icon=":material/rule:",
            )
        facts(words)
        if set(dict(view.filters.selected)) - {"agent"}:
            plain("The portal counts all leads of an agent, so the other filters have no say on this page.")


def draw(view: View, rows: pd.DataFrame) -> None:
    """A row per agent: badge today, chance, next action and figures. A row leads to the agent and to what counts."""
    label = {key: metric_named(key).short_label for key in _KEYS}
    shown = pd.DataFrame(
        {
            "Agent": rows["label"],
            label["badge_chance"]: [chance_text(row) for row in rows.to_dict("records")],
            label["badge_verdict"]: rows["badge_verdict"].map(BADGE_WORDS),
            "Next": rows["badge_action"],
            label["badge_share"]: rows["badge_share"] * 100,
            "Against the rule": [formats.points(points) for points in rows["badge_share"] - rows["badge_share_needed"]],
            label["badge_to_answer"]: rows["badge_to_answer"],
            metric_named("waiting").short_label: rows["badge_waiting"],
            metric_named("leads").short_label: rows["badge_leads"],
            label["badge_whatsapp_min"]: [_minutes_text(row) for _, row in rows.iterrows()],
            "About the chance": rows["badge_chance_reason"],
        }
    )
    counts = (metric_named("waiting").short_label, metric_named("leads").short_label)
    definition = {metric_named(key).short_label: metric_named(key).definition for key in _KEYS}
    plain("Highest share first. Choose a row for the ways on. A click on a heading sorts.")
    place = choose_row(
        shown,
        list(rows["key"]),
        key="badges",
        columns={
            **{
                label[key]: st.column_config.TextColumn(help=metric_named(key).definition)
                for key in ("badge_chance", "badge_verdict", "badge_whatsapp_min")
            },
            "Next": st.column_config.TextColumn(width=_ACTION_PX),
            label["badge_share"]: st.column_config.NumberColumn(
                format="%.1f %%", help=definition[label["badge_share"]], width=_SHARE_PX
            ),
            label["badge_to_answer"]: st.column_config.NumberColumn(
                format=COUNT, help=definition[label["badge_to_answer"]]
            ),
            **{name: st.column_config.NumberColumn(format=COUNT) for name in counts},
        },
        alt="Agents with what the badge rules count of them, highest share answered first",
    )
    if place is not None:
        _draw_ways_on(rows.iloc[place])


def to_counted_leads(rows: pd.DataFrame) -> Callable[[str], None]:
    """For a chart's on_choose: turns to the leads that count for the agent of the mark."""

    def go(key: str) -> None:
        row = rows.iloc[0]
        drill.to_leads_of_days(key, row["counted_from"], row["counted_to"])

    return go


_KEYS = ("badge_chance", "badge_verdict", "badge_share", "badge_to_answer", "badge_whatsapp_min")


def _draw_ways_on(row: pd.Series) -> None:
    plain(f"{row['label']}: {row['badge_action']} {row['badge_chance_reason']}", tone="normal")
    with st.container(horizontal=True):
        st.button(
            f"Show the {formats.count_of(row['badge_leads'], 'lead')} that count",
            icon=":material/list_alt:",
            type="primary",
            on_click=drill.to_leads_of_days,
            args=(row["key"], row["counted_from"], row["counted_to"]),
        )
        st.button("Open this agent's page", icon=":material/person:", on_click=drill.to_agent, args=(row["key"],))


def _rule_words(rule: BadgeRule | None) -> str:
    if rule is None:
        return "no rule"
    days = f"over {formats.count_of(rule.window_days, 'day')}"
    if rule.figure == "share_answered":
        return f"at least {formats.percent(rule.threshold)} of all leads {days}"
    if rule.figure == "leads":
        return f"at least {formats.number(rule.threshold)} {days}"
    return f"at most {formats.duration(rule.threshold * 60)} {days}"


def _minutes_text(row: pd.Series) -> str:
    """The mean, or the ends between which it lies."""
    if not formats.is_missing(row["badge_whatsapp_min"]):
        return formats.duration(row["badge_whatsapp_min"] * 60)
    if not row["n_whatsapp"]:
        return formats.MISSING_TEXT
    low, high = (formats.duration(row[f"badge_whatsapp_min_{end}"] * 60) for end in ("low", "high"))
    return f"{low} to {high}"
