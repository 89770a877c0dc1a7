"""Who answers: rates with their intervals."""

import math
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import (
    BAR_BELOW,
    Row,
    empty_figure,
    heading,
    interval_words,
    named,
    rate_words,
    row_words,
    safe,
    spans,
    touch,
    tracks,
)
from leadlib.metrics import MAXIMUM_UNKNOWN_SHARE, MINIMUM_FOR_RATE, MINIMUM_FOR_VERDICT, metric_named
from leadlib.theme import PALETTES, Theme, figure

MOST_ROWS = 60
"""No figure is drawn longer: the table has the rest."""

_ROW_PX = 42
_NO_GROUP = {"none", "", "others"}


def plot_response_rates(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Response rate so far per group, highest on top: a dot, its 95 % interval, and a line for all together.

    From `metrics.breakdown`. Groups with fewer than five matured leads are grey and have no dot; where history is
    unknown there is an interval alone. Leads without a group and the rest come last. Overlapping intervals are no
    ranking. customdata[0] of a row is the group's key.
    """
    metric = metric_named("response_rate")
    if frame.empty:
        return empty_figure(metric.label, theme)
    colours = PALETTES[theme]
    ordered = _ordered(frame).head(MOST_ROWS)
    rows = [
        Row(
            key=row.key,
            left=_name(row),
            right=rate_words(
                row.response_rate, row.response_rate_low, row.response_rate_high, row.response_rate_quality
            ),
            hover=_hover(row),
            value=row.response_rate,
            colour=colours.accent
            if row.key not in _NO_GROUP and row.response_rate_quality == "enough"
            else colours.unjudged,
        )
        for row in named(ordered)
    ]
    places = [place + BAR_BELOW for place in range(len(rows))]
    over = heading("Name · matured leads", f"Rate (95{formats.NBSP}% interval)")
    low, high = list(ordered["response_rate_low"]), list(ordered["response_rate_high"])
    team = _team_rate(frame)
    top = -1.2 if team is None else -1.7
    ticks = [0, 0.25, 0.5, 0.75, 1]
    height = 46 + round((len(rows) - 0.5 - top) * _ROW_PX)
    return figure(
        [
            tracks(places, theme),
            *spans(rows, places, low, high),
            {
                "type": "scatter",
                "mode": "markers",
                "x": [None if math.isnan(row.value) else row.value for row in rows],
                "y": places,
                "marker": {
                    "size": 11,
                    "color": [row.colour for row in rows],
                    "line": {"color": colours.page, "width": 1.5},
                },
                "hoverinfo": "skip",
                "showlegend": False,
                "cliponaxis": False,
            },
            *row_words([over, *rows], 1.0, theme, first=-1),
            touch(rows, 1.0),
        ],
        theme,
        height,
        hovermode="closest",
        margin={"l": 16, "r": 22, "t": 2, "b": 44},
        shapes=[] if team is None else [_team_line(team, top, theme)],
        annotations=[] if team is None else [_team_words(team, top, theme)],
        xaxis={
            "range": [0, 1.002],
            "tickvals": ticks,
            "ticktext": [formats.percent(tick) for tick in ticks],
            "zeroline": False,
            "title": {"text": metric.label},
        },
        yaxis={"visible": False, "range": [len(rows) - 0.5, top]},
    )


def response_rates_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: the rate of all together and how far the groups with enough leads spread."""
    team = _team_rate(frame)
    if team is None:
        return "Too few leads, or too many of unknown history, for a response rate."
    known = frame[(frame["response_rate_quality"] == "enough") & ~frame["key"].isin(_NO_GROUP)]
    sentence = f"All together stand at {formats.percent(team)}"
    if len(known) < 2:
        return f"{sentence}; too few have {MINIMUM_FOR_VERDICT} matured leads or more to be compared."
    spread = f"{formats.percent(known['response_rate'].min())} to {formats.percent(known['response_rate'].max())}"
    return (
        f"{sentence}; the {len(known)} with at least {MINIMUM_FOR_VERDICT} matured leads range from {spread}, and "
        "where intervals overlap, the order may be chance."
    )


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Highest rate first, bounds at their middle, then those without a rate, then what is no group."""
    middle = (frame["response_rate_low"] + frame["response_rate_high"]).to_numpy() / 2
    height = np.where(frame["response_rate"].isna(), middle, frame["response_rate"])
    # The last key sorts first; a height of NaN goes last.
    return frame.iloc[np.lexsort((-frame["leads"].to_numpy(), -height, frame["key"].isin(_NO_GROUP)))]


def _team_rate(frame: pd.DataFrame) -> float | None:
    """The rate of all rows together; None with fewer than five matured leads or more than 5 % of unknown history."""
    matured = int(frame["matured"].sum())
    if matured < MINIMUM_FOR_RATE or frame["unknown_matured"].sum() > MAXIMUM_UNKNOWN_SHARE * matured:
        return None
    return float(frame["responded_matured"].sum() / matured)


def _name(row: Any) -> str:
    name = safe(row.label, 20)
    name = name if row.key in _NO_GROUP else f"<b>{name}</b>"
    left = " · left" if row.is_active is False else ""
    return f"{name}{left} · {formats.number(row.matured)}"


def _team_line(team: float, top: float, theme: Theme) -> dict[str, Any]:
    line = {"color": PALETTES[theme].quiet, "width": 1.5, "dash": "dot"}
    return {
        "type": "line",
        "x0": team,
        "x1": team,
        "yref": "y",
        "y0": top + 0.45,
        "y1": 1e6,
        "line": line,
        "layer": "below",
    }


def _team_words(team: float, top: float, theme: Theme) -> dict[str, Any]:
    return {
        "text": f"All together {formats.percent(team)}",
        "x": team,
        "y": top + 0.2,
        "showarrow": False,
        "xanchor": "left" if team < 0.5 else "right",
        "font": {"color": PALETTES[theme].quiet, "size": 12},
    }


def _hover(row: Any) -> str:
    rate = interval_words(row.response_rate, row.response_rate_low, row.response_rate_high, row.response_rate_quality)
    left = "<br>No longer active" if row.is_active is False else ""
    return (
        f"<b>{safe(row.label, 80)}</b><br>{metric_named('response_rate').label}: {rate}<br>"
        f"{formats.number(row.responded_matured)} of {formats.number(row.matured)} matured leads; "
        f"{formats.number(row.pending)} pending, {formats.number(row.waiting)} waiting now{left}"
    )
