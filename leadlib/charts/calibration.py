"""Estimates beside what was planted in the sandbox: whether the intervals hold the truth as often as they say."""

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import BAR_BELOW, Row, empty_figure, named, row_words, rows_height, safe, touch
from leadlib.theme import PALETTES, Palette, Theme, figure

_HEIGHT_PX = 420
_ROOM = 0.04


def plot_agents_beside_truth(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """A point per agent, planted rate to the right, estimate with its interval upwards; the truth lies on the diagonal.

    `frame` holds rows of one topic of `calibration`; customdata[0] of a point is the agent's key.
    """
    told = frame[frame["is_inside"].notna()]
    if told.empty:
        return empty_figure("Estimate and truth", theme)
    colours = PALETTES[theme]
    least = max(0.0, min(told["planted"].min(), told["low"].min()) - _ROOM)
    most = min(1.0, max(told["planted"].max(), told["high"].max()) + _ROOM)
    diagonal = {
        "type": "scatter",
        "mode": "lines",
        "x": [least, most],
        "y": [least, most],
        "line": {"color": colours.quiet, "width": 1.3, "dash": "dash"},
        "name": "Estimate = truth",
        "hoverinfo": "skip",
    }
    is_inside = told["is_inside"].astype(bool)
    axis = {"tickformat": ".0%", "range": [least, most], "automargin": True, "zeroline": False}
    return figure(
        [
            diagonal,
            _points(told[is_inside], "Interval holds the truth", "circle", colours.accent),
            _points(told[~is_inside], "Interval misses it", "diamond", colours.warning),
        ],
        theme,
        _HEIGHT_PX,
        hovermode="closest",
        margin={"l": 8, "r": 12, "t": 36, "b": 8},
        xaxis={**axis, "title": {"text": "Planted"}},
        yaxis={**axis, "title": {"text": "Estimate"}},
    )


def plot_beside_truth(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """A row per share: its interval as a bar, the estimate as a dot in it, the planted share as a stroke across."""
    told = frame[frame["is_inside"].notna()]
    if told.empty:
        return empty_figure("Estimate and truth", theme)
    colours = PALETTES[theme]
    rows = [
        Row(row.key, f"<b>{safe(row.label)}</b>", _words(row), _hover(row), row.estimate, _colour(row, colours))
        for row in named(told)
    ]
    places = [place + BAR_BELOW for place in range(len(rows))]
    shared = {"type": "scatter", "mode": "markers", "y": places, "hoverinfo": "skip"}
    shown = [row.colour for row in rows]
    track = {"type": "bar", "orientation": "h", "y": places, "width": 0.3, "hoverinfo": "skip", "showlegend": False}
    planted = {"symbol": "line-ns", "size": 13, "line": {"color": colours.text, "width": 2.5}}
    return figure(
        [
            {**track, "x": [1.0] * len(rows), "marker": {"color": colours.track, "line": {"width": 0}}},
            {
                **track,
                "x": (told["high"] - told["low"]).clip(lower=0.004).tolist(),
                "base": told["low"].tolist(),
                "marker": {"color": shown, "opacity": 0.45, "line": {"width": 0}},
            },
            {
                **shared,
                "x": told["estimate"].tolist(),
                "marker": {"size": 9, "color": shown},
                "name": "Estimate, in its interval",
            },
            {**shared, "x": told["planted"].tolist(), "marker": planted, "name": "Planted"},
            *row_words(rows, 1.0, theme),
            touch(rows, 1.0),
        ],
        theme,
        rows_height(len(rows)) + 30,
        barmode="overlay",
        bargap=0,
        xaxis={"visible": False, "range": [0, 1]},
        yaxis={"visible": False, "range": [len(rows) - 0.5, -0.55]},
        margin={"l": 2, "r": 2, "t": 32, "b": 2},
        hovermode="closest",
    )


def calibration_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: how many of the 95 % intervals in a frame hold what was planted."""
    told = frame["is_inside"].dropna()
    if told.empty:
        return "No interval can be told yet, so there is nothing to compare."
    held = int(told.sum())
    intervals = formats.count_of(len(told), "interval")
    return (
        f"{formats.number(held)} of {intervals} that should hold the truth 95 times in 100 "
        f"{'holds' if held == 1 else 'hold'} what was planted ({formats.percent(held / len(told))})."
    )


def maturing_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: what the two rates say of the last days beside what was planted."""
    recent = frame[frame["key"] == "recent"].set_index("topic")
    if recent["estimate"].isna().any() or len(recent) < 2:
        return "Too few recent leads to compare the two rates."
    matured, plain = (formats.percent(share) for share in recent["estimate"].reindex(_RATES).tolist())
    return (
        f"Of the last days the matured leads stand at {matured}, all leads at {plain}, and "
        f"{formats.percent(recent['planted'].iloc[0])} were planted: the youngest have had little time."
    )


_RATES = ("response_rate", "response_rate_of_all")


def _points(rows: pd.DataFrame, words: str, symbol: str, colour: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": rows["planted"].tolist(),
        "y": rows["estimate"].tolist(),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": (rows["high"] - rows["estimate"]).tolist(),
            "arrayminus": (rows["estimate"] - rows["low"]).tolist(),
            "color": colour,
            "thickness": 1.5,
            "width": 0,
        },
        "name": words,
        "showlegend": len(rows) > 0,
        "marker": {"symbol": symbol, "size": 9, "color": colour},
        "customdata": [[row.key, _hover(row)] for row in named(rows)],
        "hovertemplate": "%{customdata[1]}<extra></extra>",
    }


def _colour(row: Any, colours: Palette) -> str:
    return colours.accent if row.is_inside else colours.warning


def _words(row: Any) -> str:
    estimate = formats.percent(row.estimate) if not math.isnan(row.estimate) else formats.MISSING_TEXT
    return f"{estimate}, planted {formats.percent(row.planted)}"


def _hover(row: Any) -> str:
    interval = formats.percent_range(row.low, row.high, 1)
    return (
        f"<b>{safe(row.label, 80)}</b><br>Estimate {formats.percent(row.estimate, 1)}, interval {interval}<br>"
        f"Planted {formats.percent(row.planted, 1)}: {'inside' if row.is_inside else 'outside'}<br>"
        f"{formats.count_of(row.leads, 'lead')}"
    )
