"""Agents and listings against the limits of chance: a funnel plot, raw or like for like."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import empty_figure, interval_words, named, safe, shortened
from leadlib.metrics import MINIMUM_FOR_VERDICT, VERDICT_WORDS, Verdict, metric_named
from leadlib.statistics import ACT, LOOK, funnel_limits
from leadlib.theme import PALETTES, Palette, Theme, figure

_HEIGHT_PX = 400
_CROWD = 100
"""More than so many are drawn from twenty leads on, where verdicts begin, and over a logarithm of their leads."""


@dataclass(frozen=True)
class _Group:
    """One entry of the legend: the verdicts it stands for, how its points look, and in which words."""

    verdicts: tuple[Verdict, ...]
    words: str
    symbol: str
    colour: str


def plot_against_chance(frame: pd.DataFrame, *, of: str = "agent", theme: Theme = "light") -> go.Figure:
    """Response rate so far over matured leads, a point per agent, between the limits of chance, from `metrics.agents`.

    Or per `of` from `metrics.league`. The dashed line is the rate of all together; 95 % of those that were all alike
    would lie within the inner limits and 99.8 % within the outer. Who has no rate has no point, leads without an agent
    neither; where more than 5 % of history is unknown a line stands for the point. customdata[0] of a point is its key.
    Of more than a hundred those with too few leads are left out.
    From `metrics.like_for_like` it is the rate like for like, and as agents then have limits of their own, each has
    them drawn as a line: 95 % of agents with such leads would lie on its thick part, and 99.8 % on the whole.
    """
    is_alike = "standardised_rate" in frame
    metric = metric_named("standardised_rate" if is_alike else "response_rate")
    shown = _as_rates(frame) if is_alike else frame
    compared = shown[shown["verdict"].notna() & (shown["matured"] > 0)]
    if compared.empty:
        return empty_figure(metric.label, theme)
    if compared["team_rate"].isna().all():
        return empty_figure(metric.label, theme, "too few leads, or too many of unknown history, for a common rate")
    colours = PALETTES[theme]
    team = float(compared["team_rate"].iloc[0])
    is_crowd = len(compared) > _CROWD
    compared = compared[(compared["verdict"] != "too_few") | (not is_crowd)]
    most = int(compared["matured"].max() * 1.06) + 1
    least = MINIMUM_FOR_VERDICT * 0.94 if is_crowd else 0
    points = compared[compared["response_rate"].notna()]
    bounded = compared[compared["response_rate_quality"] == "bounds"]
    return figure(
        [
            *(_own_limits(compared, colours) if is_alike else _limits(team, most, colours)),
            _team_line(team, most, of, colours),
            *_bounds(bounded, colours, width=1 if is_crowd else 3),
            *(_points(points[points["verdict"].isin(group.verdicts)], group, colours) for group in _groups(colours)),
        ],
        theme,
        _HEIGHT_PX,
        hovermode="closest",
        margin={"l": 8, "r": 8, "t": 56, "b": 8},
        annotations=_names(points, colours, is_crowd),
        xaxis={
            "title": {"text": metric_named("matured").label},
            **({"type": "log", "dtick": "D2"} if is_crowd else {}),
            "range": [math.log10(least), math.log10(most)] if is_crowd else [least, most],
            "showgrid": False,
            "automargin": True,
            "tickformat": ",~d",
        },
        yaxis={"tickformat": ".0%", "range": _range(compared), "zeroline": False, "automargin": True, "nticks": 8},
    )


def against_chance_takeaway(frame: pd.DataFrame, of: str = "agent") -> str:
    """One plain sentence: how many agents differ from the team by more than chance, and the lowest of them."""
    is_alike = "standardised_rate" in frame
    shown = _as_rates(frame) if is_alike else frame
    judged = shown[shown["verdict"].isin([verdict for verdict in VERDICT_WORDS if verdict != "too_few"])]
    if frame.empty:
        return "No leads for these filters."
    if judged.empty or judged["team_rate"].isna().all():
        return f"Too few leads, or too many of unknown history, to compare {of}s."
    worse, better = (int((judged["verdict"] == verdict).sum()) for verdict in ("worse", "better"))
    if worse == better == 0:
        return (
            f"All {of}s together stand at {formats.percent(judged['team_rate'].iloc[0])}. Chance explains how far the "
            f"{formats.count_of(len(judged), of)} with enough leads lie from it."
        )
    sentence = (
        f"All {of}s together stand at {formats.percent(judged['team_rate'].iloc[0])}. "
        f"{'With leads of the same kinds, chance' if is_alike else 'Chance'} does not explain that "
        f"{formats.number(worse)} of {formats.count_of(len(judged), of)} with enough leads "
        f"{'is' if worse == 1 else 'are'} lower and {formats.number(better)} higher."
    )
    lowest = judged[(judged["verdict"] == "worse") & judged["response_rate"].notna()].sort_values("response_rate")
    if lowest.empty:
        return sentence
    row = lowest.iloc[0]
    return f"{sentence} Lowest: {shortened(str(row['label']))}, {formats.percent(row['response_rate'])}."


def _as_rates(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame of `like_for_like` with its rates and verdicts in the place of the raw ones."""
    parts = ("", "_low", "_high", "_quality")
    raw = {f"response_rate{part}": f"raw_response_rate{part}" for part in parts}
    alike = {f"standardised_rate{part}": f"response_rate{part}" for part in parts}
    return frame.rename(columns={**raw, **alike, "standardised_verdict": "verdict"})


def _groups(colours: Palette) -> Sequence[_Group]:
    return (
        _Group(("better",), VERDICT_WORDS["better"], "triangle-up", colours.accent),
        _Group(("worse",), VERDICT_WORDS["worse"], "triangle-down", colours.warning),
        _Group(("look_low", "look_high"), "Worth a look", "diamond", colours.text),
        _Group(("no_call",), VERDICT_WORDS["no_call"], "circle", colours.unjudged),
        _Group(("too_few",), VERDICT_WORDS["too_few"], "circle-open", colours.unjudged),
    )


def _limits(team: float, most: int, colours: Palette) -> list[dict[str, Any]]:
    """Two pairs of limits around the team's rate, at sizes that lie closer where the limits bend."""
    sizes = np.unique(np.geomspace(1, most, 90).round().astype(np.int64))
    drawn = []
    for within, dash in ((LOOK, "solid"), (ACT, "dot")):
        low, high = funnel_limits(sizes, team, within)
        line = {"color": colours.quiet, "width": 1.3, "dash": dash}
        shared = {"type": "scatter", "mode": "lines", "x": sizes.tolist(), "line": line, "hoverinfo": "skip"}
        name = f"{formats.percent(within, 0 if within == LOOK else 1)} limits"
        drawn += [
            {**shared, "y": low.round(5).tolist(), "name": name, "legendgroup": name},
            {**shared, "y": high.round(5).tolist(), "legendgroup": name, "showlegend": False},
        ]
    return drawn


def _own_limits(rows: pd.DataFrame, colours: Palette) -> list[dict[str, Any]]:
    """Both limits of each row as lines that stand at its size."""
    judged = rows[(rows["verdict"] != "too_few") & rows["act_low"].notna()]
    drawn = []
    for name, words, width, opacity in (("act", "99.8 %", 1.2, 1), ("look", "95 %", 7, 0.3)):
        xs: list[float | None] = []
        ys: list[float | None] = []
        for size, low, high in zip(judged["matured"], judged[f"{name}_low"], judged[f"{name}_high"], strict=True):
            xs += [size, size, None]
            ys += [low, min(high, 1.0), None]
        line = {"color": colours.quiet, "width": width}
        shared = {"type": "scatter", "mode": "lines", "x": xs, "y": ys, "line": line, "hoverinfo": "skip"}
        drawn.append(
            {**shared, "opacity": opacity, "name": f"{words} limits of an agent".replace(" %", f"{formats.NBSP}%")}
        )
    return drawn


def _team_line(team: float, most: int, of: str, colours: Palette) -> dict[str, Any]:
    line = {"color": colours.quiet, "width": 1.5, "dash": "dash"}
    middle = {"type": "scatter", "mode": "lines", "x": [0.1, most], "y": [team, team], "line": line}
    return {**middle, "name": f"All {of}s {formats.percent(team)}", "hoverinfo": "skip"}


def _bounds(rows: pd.DataFrame, colours: Palette, width: int) -> list[dict[str, Any]]:
    xs: list[float | None] = []
    ys: list[float | None] = []
    for row in named(rows):
        xs += [row.matured, row.matured, None]
        ys += [row.response_rate_low, row.response_rate_high, None]
    if not xs:
        return []
    shared = {"type": "scatter", "legendgroup": "bounds"}
    line = {"color": colours.unjudged, "width": width}
    middles = ((rows["response_rate_low"] + rows["response_rate_high"]) / 2).tolist()
    return [
        {**shared, "mode": "lines", "x": xs, "y": ys, "line": line, "name": "History unknown", "hoverinfo": "skip"},
        # A line answers to the pointer at its ends alone.
        {
            **shared,
            "mode": "markers",
            "x": rows["matured"].tolist(),
            "y": middles,
            "marker": {"size": 16, "color": "rgba(0,0,0,0)"},
            "customdata": [[row.key, _hover(row)] for row in named(rows)],
            "hovertemplate": "%{customdata[1]}<extra></extra>",
            "showlegend": False,
        },
    ]


def _points(rows: pd.DataFrame, group: _Group, colours: Palette) -> dict[str, Any]:
    is_open = group.symbol.endswith("open")
    return {
        "type": "scatter",
        "mode": "markers",
        "x": rows["matured"].tolist(),
        "y": rows["response_rate"].tolist(),
        "name": group.words,
        "showlegend": len(rows) > 0,
        "marker": {
            "symbol": group.symbol,
            "size": 11,
            "color": group.colour,
            "line": {"color": group.colour if is_open else colours.page, "width": 1.5 if is_open else 1},
        },
        "customdata": [[row.key, _hover(row)] for row in named(rows)],
        "hovertemplate": "%{customdata[1]}<extra></extra>",
        "cliponaxis": False,
    }


def _names(points: pd.DataFrame, colours: Palette, is_log: bool) -> list[dict[str, Any]]:
    """The names at the lowest and at the highest point: more would lie over each other on a phone."""
    by_rate = points.sort_values(["response_rate", "key"])
    lowest = by_rate[by_rate["verdict"] == "worse"].head(1)
    highest = by_rate[by_rate["verdict"] == "better"].tail(1)
    return [
        {
            "x": math.log10(row.matured) if is_log else row.matured,
            "y": row.response_rate,
            "text": safe(row.label, 18),
            # Next to an edge a name in the middle of its point would be cut.
            "xanchor": "right" if row.matured > 0.85 * points["matured"].max() else "center",
            "showarrow": False,
            "yshift": shift,
            "font": {"color": colours.quiet, "size": 12},
        }
        for rows, shift in ((lowest, -14), (highest, 14))
        for row in named(rows)
    ]


def _range(compared: pd.DataFrame) -> list[float]:
    """The stretch of rates that is drawn: all points with their names, and the limits of those with enough leads."""
    rates = [compared["response_rate"]]
    rates += [compared.loc[compared["verdict"] != "too_few", name] for name in ("act_low", "act_high")]
    is_bounds = (compared["response_rate_quality"] == "bounds") & (compared["verdict"] != "too_few")
    rates += [compared.loc[is_bounds, name] for name in ("response_rate_low", "response_rate_high")]
    known = pd.concat([*rates, compared["team_rate"]]).dropna()
    return [max(-0.03, known.min() - 0.08), min(1.05, known.max() + 0.08)]


def _hover(row: Any) -> str:
    verdict: Verdict = row.verdict
    rate = interval_words(row.response_rate, row.response_rate_low, row.response_rate_high, row.response_rate_quality)
    lines = [f"<b>{safe(row.label, 80)}</b>", VERDICT_WORDS[verdict], rate]
    if hasattr(row, "expected_responded"):
        lines.append(
            f"{formats.number(row.responded_matured)} of {formats.number(row.matured)} matured leads; "
            f"{formats.number(row.expected_responded, 1)} expected of such leads"
        )
        raw = (row.raw_response_rate, row.raw_response_rate_low, row.raw_response_rate_high)
        lines.append(f"As they are: {interval_words(*raw, row.raw_response_rate_quality)}")
        lines.append(f"95{formats.NBSP}% limits {formats.percent_range(row.look_low, row.look_high)}")
    else:
        lines.append(f"{formats.number(row.responded_matured)} of {formats.number(row.matured)} matured leads")
        lines.append(f"All others {formats.percent(row.peer_rate)}")
        if not formats.is_missing(row.rank):
            ranks = f"{formats.number(row.rank_best)}–{formats.number(row.rank_worst)}"
            place = f"{formats.number(row.rank)} of {formats.number(row.n_ranked)}"
            lines.append(f"Rank {place}, 95{formats.NBSP}% interval {ranks}")
    return "<br>".join(lines)
