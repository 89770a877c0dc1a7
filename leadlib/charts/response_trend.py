"""Who answers, over time: a rate with its interval, week by week."""

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import empty_figure, interval_words, named, safe
from leadlib.metrics import metric_named
from leadlib.theme import PALETTES, Theme, figure

_HEIGHT_PX = 300


def plot_response_trend(frame: pd.DataFrame, *, others: float = math.nan, theme: Theme = "light") -> go.Figure:
    """Response rate so far per week of creation with its 95 % interval, from `metrics.breakdown` by week.

    `others` is a rate to compare with, drawn as a dashed line; NaN draws none. Weeks with few leads are grey, weeks
    without a rate have no point. customdata[0] of a point is the Monday of its week.
    """
    metric = metric_named("response_rate")
    if frame["response_rate_low"].isna().all():
        return empty_figure(metric.label, theme, "no leads for these filters" if frame.empty else "too few leads")
    colours = PALETTES[theme]
    rows = [row for row in named(frame) if not math.isnan(row.response_rate_low)]
    grey = [colours.accent if row.response_rate_quality == "enough" else colours.unjudged for row in rows]
    shared = {"type": "scatter", "showlegend": False}
    whiskers: list[dict[str, Any]] = [
        {
            **shared,
            "mode": "lines",
            "x": [row.key, row.key],
            "y": [row.response_rate_low, row.response_rate_high],
            "line": {"color": colour, "width": 3},
            "opacity": 0.45,
            "hoverinfo": "skip",
        }
        for row, colour in zip(rows, grey, strict=True)
    ]
    points = {
        **shared,
        "mode": "lines+markers",
        "x": [row.key for row in rows],
        "y": [None if math.isnan(row.response_rate) else row.response_rate for row in rows],
        "line": {"color": colours.accent, "width": 1.5},
        "marker": {"size": 9, "color": grey, "line": {"color": colours.page, "width": 1.5}},
        "customdata": [[row.key, _hover(row)] for row in rows],
        "hovertemplate": "%{customdata[1]}<extra></extra>",
        "cliponaxis": False,
    }
    return figure(
        [*whiskers, points],
        theme,
        _HEIGHT_PX,
        hovermode="closest",
        margin={"l": 8, "r": 12, "t": 12, "b": 8},
        shapes=[] if math.isnan(others) else [_line(others, theme)],
        annotations=[] if math.isnan(others) else [_line_words(others, theme)],
        xaxis={"type": "date", "showgrid": False, "tickformat": "%-d %b\n%Y", "nticks": 8, "automargin": True},
        yaxis={"tickformat": ".0%", "range": [0, 1.03], "zeroline": False, "automargin": True, "nticks": 6},
    )


def response_trend_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: the lowest and the highest of the weeks with enough leads."""
    known = frame[frame["response_rate_quality"] == "enough"].sort_values("response_rate", kind="stable")
    if len(known) < 2:
        return "No leads for these filters." if frame.empty else "Too few weeks with enough leads to be compared."
    low, high = known.iloc[0], known.iloc[-1]
    return (
        f"The {formats.count_of(len(known), 'week')} with enough leads range from "
        f"{formats.percent(low['response_rate'])} ({low['label']}) to "
        f"{formats.percent(high['response_rate'])} ({high['label']}); where intervals overlap, that may be "
        "chance."
    )


def _line(others: float, theme: Theme) -> dict[str, Any]:
    line = {"color": PALETTES[theme].quiet, "width": 1.5, "dash": "dash"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": others, "y1": others, "line": line}


def _line_words(others: float, theme: Theme) -> dict[str, Any]:
    return {
        "text": f"All other agents {formats.percent(others)}",
        "xref": "paper",
        "x": 0,
        "xanchor": "left",
        "y": others,
        "yshift": 10,
        "showarrow": False,
        "font": {"color": PALETTES[theme].quiet, "size": 12},
    }


def _hover(row: Any) -> str:
    rate = interval_words(row.response_rate, row.response_rate_low, row.response_rate_high, row.response_rate_quality)
    return (
        f"<b>{safe(row.label, None)}</b><br>{rate}<br>"
        f"{formats.number(row.responded_matured)} of {formats.number(row.matured)} matured leads; "
        f"{formats.number(row.pending)} pending<br>"
        f"{formats.count_of(row.leads, 'lead')} in all"
    )
