"""Groups side by side: what leads are about, and which listings, projects and developers bring them."""

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import (
    Row,
    bar_rows,
    empty_figure,
    heading,
    interval_words,
    name_under,
    named,
    rate_words,
    safe,
    shortened,
)
from leadlib.metrics import metric_named
from leadlib.theme import PALETTES, Theme, group_colours

MOST_ROWS = 30
"""No league is drawn longer: the table has the rest."""

_NO_GROUP = {"none", "", "others"}


def plot_entity_types(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """What leads are about: a bar per entity type with its share of leads and response rate, from `metrics.breakdown`.

    customdata[0] of a bar is the entity type.
    """
    if frame.empty:
        return empty_figure(metric_named("leads").label, theme)
    total = float(frame["leads"].sum())
    colour_of = group_colours(frame["key"], theme)
    rows = [
        Row(
            key=row.key,
            left=f"<b>{safe(row.label)}</b>  {formats.number(row.leads)}",
            right=f"{formats.percent(row.leads / total)} of leads",
            hover=_hover(row, total),
            value=row.leads,
            colour=colour_of[row.key],
        )
        for row in named(frame)
    ]
    return bar_rows(rows, theme, longest=total)


def entity_types_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: the two largest groups and their shares."""
    if frame.empty:
        return "No leads for these filters."
    total = int(frame["leads"].sum())
    largest = sorted(zip(frame["label"], frame["leads"], strict=True), key=lambda row: -row[1])[:3]
    shares = [f"{label} {formats.percent(leads / total)}" for label, leads in largest]
    return f"Of {formats.count_of(total, 'lead')}: {formats.listed(shares)}."


def plot_league(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """The groups with most leads, longest bar on top, each with its response rate, from `metrics.breakdown`.

    Leads that belong to no group, and the rest beyond the limit, come last and in grey: they are no rivals. Bars are
    measured against the longest group, so that a large rest does not flatten them. customdata[0] of a bar is the key.
    """
    if frame.empty:
        return empty_figure(metric_named("leads").label, theme)
    colours = PALETTES[theme]
    total = float(frame["leads"].sum())
    is_group = ~frame["key"].isin(_NO_GROUP)
    groups, rest = frame[is_group].head(MOST_ROWS), frame[~is_group]
    longest = float((groups if len(groups) else rest)["leads"].max())
    rows = [
        Row(
            key=row.key,
            left=f"<b>{name_under(row.label)}</b>" if row.key not in _NO_GROUP else name_under(row.label),
            right=f"{formats.number(row.leads)} · {rate_words(*_rate(row))}",
            hover=_hover(row, total),
            # The rest is mostly longer than the longest bar, and is told in words alone then.
            value=row.leads if row.leads <= longest else math.nan,
            colour=colours.accent if row.key not in _NO_GROUP else colours.unjudged,
        )
        for row in [*named(groups), *named(rest)]
    ]
    over = heading("", f"Leads · {metric_named('response_rate').short_label.lower()}, 95{formats.NBSP}% interval")
    return bar_rows([over, *rows], theme, longest=longest, height_px=40, covers=True)


def plot_missed(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """What many ask for and fewer are answered than chance explains, most missing replies on top: `metrics.league`.

    A bar per listing, project or developer, as long as its leads. customdata[0] of a bar is the key.
    """
    missed = _missed(frame).head(MOST_ROWS)
    if missed.empty:
        return empty_figure("Popular but unanswered", theme, "none" if len(frame) else "no leads for these filters")
    total = float(frame["leads"].sum())
    rows = [
        Row(
            key=row.key,
            left=f"<b>{name_under(row.label)}</b>",
            right=f"{formats.number(row.leads)} · {rate_words(*_rate(row))} · {formats.number(row.waiting)} waiting",
            hover=f"{_hover(row, total)}<br>{_short(row)} short of the rate of all",
            value=row.leads,
            colour=PALETTES[theme].warning,
        )
        for row in named(missed)
    ]
    over = heading("", f"Leads · rate, 95{formats.NBSP}% interval · waiting now")
    return bar_rows([over, *rows], theme, longest=float(missed["leads"].max()), height_px=40, covers=True)


def missed_takeaway(frame: pd.DataFrame, of: str = "listing") -> str:
    """One plain sentence: how many of the popular are answered less than chance explains, and the worst of them."""
    if frame.empty:
        return "No leads for these filters."
    popular = f"{formats.count_of(int(frame['is_popular'].sum()), of)} with the most leads"
    missed = _missed(frame)
    if missed.empty:
        return f"Of the {popular}, none is answered less than chance explains."
    first = missed.iloc[0]
    return (
        f"Of the {popular}, {formats.number(len(missed))} "
        f"{'is' if len(missed) == 1 else 'are'} answered less than chance explains. "
        f"{shortened(str(first['label']))} comes first: {_short(first)} short of the rate of all, "
        f"{formats.number(first['waiting'])} waiting now."
    )


def _missed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["is_missed"]].sort_values(["replies_short", "key"], ascending=[False, True])


def _short(row: Any) -> str:
    return formats.count_of(round(row.replies_short), "reply", "replies")


def league_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: the first of the league, and how much the ones shown bring together."""
    groups = frame[~frame["key"].isin(_NO_GROUP)]
    if groups.empty:
        return "No leads for these filters." if frame.empty else "None of these leads belongs to a group."
    total = int(frame["leads"].sum())
    first = groups.iloc[0]
    sentence = (
        f"{shortened(str(first['label']))} comes first with {formats.number(first['leads'])} of "
        f"{formats.count_of(total, 'lead')} "
        f"({formats.percent(first['leads'] / total)})"
    )
    if len(groups) < 3:
        return f"{sentence}."
    return f"{sentence}; the {len(groups)} largest bring {formats.percent(groups['leads'].sum() / total)}."


def _rate(row: Any) -> tuple[float, float, float, str]:
    return row.response_rate, row.response_rate_low, row.response_rate_high, row.response_rate_quality


def _hover(row: Any, total: float) -> str:
    return (
        f"<b>{safe(row.label, 80)}</b><br>"
        f"{formats.count_of(row.leads, 'lead')}, {formats.percent(row.leads / total)} of all; "
        f"{formats.count_of(row.unique_senders, 'sender')}<br>"
        f"{metric_named('response_rate').label}: {interval_words(*_rate(row))}<br>"
        f"{formats.number(row.responded_matured)} of {formats.number(row.matured)} matured, "
        f"{formats.number(row.pending)} pending, {formats.number(row.waiting)} waiting"
    )
