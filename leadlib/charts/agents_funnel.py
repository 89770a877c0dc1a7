"""Agents against the limits of chance: a funnel plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import empty_figure, interval_words, named, safe, shortened
from leadlib.metrics import VERDICT_WORDS, Verdict, metric_named
from leadlib.statistics import ACT, LOOK, funnel_limits
from leadlib.theme import PALETTES, Palette, Theme, figure

_HEIGHT_PX = 400


@dataclass(frozen=True)
class _Group:
    """One entry of the legend: the verdicts it stands for, how its points look, and in which words."""

    verdicts: tuple[Verdict, ...]
    words: str
    symbol: str
    colour: str


def plot_agents(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Response rate so far over matured leads, a point per agent, between the limits of chance, from `metrics.agents`.

    The dashed line is the rate of all agents; 95 % of agents that were all alike would lie within the inner limits and
    99.8 % within the outer. Agents without a rate have no point, unassigned leads neither; where more than 5 % of
    history is unknown a line stands for the point. customdata[0] of a point is the agent's key.
    """
    metric = metric_named("response_rate")
    compared = frame[frame["verdict"].notna() & (frame["matured"] > 0)]
    if compared.empty:
        return empty_figure(metric.label, theme)
    if compared["team_rate"].isna().all():
        return empty_figure(metric.label, theme, "too few leads, or too many of unknown history, for a common rate")
    colours = PALETTES[theme]
    team = float(compared["team_rate"].iloc[0])
    most = int(compared["matured"].max() * 1.06) + 1
    points = compared[compared["response_rate"].notna()]
    bounded = compared[compared["response_rate_quality"] == "bounds"]
    return figure(
        [
            *_limits(team, most, colours),
            *_bounds(bounded, colours),
            *(_points(points[points["verdict"].isin(group.verdicts)], group, colours) for group in _groups(colours)),
        ],
        theme,
        _HEIGHT_PX,
        hovermode="closest",
        margin={"l": 8, "r": 8, "t": 56, "b": 8},
        annotations=_names(points, colours),
        xaxis={
            "title": {"text": metric_named("matured").label},
            "range": [0, most],
            "showgrid": False,
            "automargin": True,
            "tickformat": ",~d",
        },
        yaxis={"tickformat": ".0%", "range": _range(compared), "zeroline": False, "automargin": True, "nticks": 8},
    )


def agents_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: how many agents differ from the team by more than chance, and the lowest of them."""
    judged = frame[frame["verdict"].isin([verdict for verdict in VERDICT_WORDS if verdict != "too_few"])]
    if frame.empty:
        return "No leads for these filters."
    if judged.empty or judged["team_rate"].isna().all():
        return "Too few leads, or too many of unknown history, to compare agents."
    worse, better = (int((judged["verdict"] == verdict).sum()) for verdict in ("worse", "better"))
    sentence = (
        f"All agents together stand at {formats.percent(judged['team_rate'].iloc[0])}. Chance does not explain that "
        f"{formats.number(worse)} of {formats.count_of(len(judged), 'agent')} with enough leads "
        f"{'is' if worse == 1 else 'are'} lower and {formats.number(better)} higher."
    )
    lowest = judged[(judged["verdict"] == "worse") & judged["response_rate"].notna()].sort_values("response_rate")
    if lowest.empty:
        return sentence
    row = lowest.iloc[0]
    return f"{sentence} Lowest: {shortened(str(row['label']))}, {formats.percent(row['response_rate'])}."


def _groups(colours: Palette) -> Sequence[_Group]:
    return (
        _Group(("better",), VERDICT_WORDS["better"], "triangle-up", colours.accent),
        _Group(("worse",), VERDICT_WORDS["worse"], "triangle-down", colours.warning),
        _Group(("look_low", "look_high"), "Worth a look", "diamond", colours.text),
        _Group(("no_call",), VERDICT_WORDS["no_call"], "circle", colours.unjudged),
        _Group(("too_few",), VERDICT_WORDS["too_few"], "circle-open", colours.unjudged),
    )


def _limits(team: float, most: int, colours: Palette) -> list[dict[str, Any]]:
    """The team's rate and two pairs of limits around it, at sizes that lie closer where the limits bend."""
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
    line = {"color": colours.quiet, "width": 1.5, "dash": "dash"}
    middle = {"type": "scatter", "mode": "lines", "x": [0, most], "y": [team, team], "line": line}
    return [*drawn, {**middle, "name": f"All agents {formats.percent(team)}", "hoverinfo": "skip"}]


def _bounds(rows: pd.DataFrame, colours: Palette) -> list[dict[str, Any]]:
    xs: list[float | None] = []
    ys: list[float | None] = []
    for row in named(rows):
        xs += [row.matured, row.matured, None]
        ys += [row.response_rate_low, row.response_rate_high, None]
    if not xs:
        return []
    shared = {"type": "scatter", "legendgroup": "bounds"}
    line = {"color": colours.unjudged, "width": 3}
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


def _names(points: pd.DataFrame, colours: Palette) -> list[dict[str, Any]]:
    """The names at the lowest and at the highest point: more would lie over each other on a phone."""
    by_rate = points.sort_values(["response_rate", "key"])
    lowest = by_rate[by_rate["verdict"] == "worse"].head(1)
    highest = by_rate[by_rate["verdict"] == "better"].tail(1)
    return [
        {
            "x": row.matured,
            "y": row.response_rate,
            "text": safe(row.label, 18),
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
    rank = (
        ""
        if formats.is_missing(row.rank)
        else f"Rank {formats.number(row.rank)} of {formats.number(row.n_ranked)}, "
        f"95{formats.NBSP}% interval {formats.number(row.rank_best)}–{formats.number(row.rank_worst)}<br>"
    )
    return (
        f"<b>{safe(row.label, 80)}</b><br>{VERDICT_WORDS[verdict]}<br>{rate}<br>"
        f"{formats.number(row.responded_matured)} of {formats.number(row.matured)} matured leads<br>"
        f"All others {formats.percent(row.peer_rate)}<br>{rank}"
    ).removesuffix("<br>")
