"""Who responded within a fixed time, week by week, beside the rate so far."""

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import empty_figure, interval_words, named, safe
from leadlib.metrics import metric_named
from leadlib.theme import PALETTES, Theme, figure

_HEIGHT_PX = 320
_APART = timedelta(days=1)
"""How far the two rates of a week stand from its middle, so that neither hides the other."""


def plot_within_trend(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Both response rates per week of creation with their 95 % intervals, from `metrics.within_hours` by week.

    The rate within a fixed time is a line, the rate so far are hollow points. A week without enough leads or history
    has no point; its bounds are drawn. customdata[0] of a point is the Monday of its week.
    """
    metric = metric_named("response_rate_within")
    if frame["response_rate_within_low"].isna().all():
        return empty_figure(metric.label, theme, "no leads for these filters" if frame.empty else "too few leads")
    colours = PALETTES[theme]
    series = (("response_rate", colours.unjudged, -_APART), ("response_rate_within", colours.accent, _APART))
    return figure(
        [trace for key, colour, shift in series for trace in _series(frame, key, colour, shift, theme)],
        theme,
        _HEIGHT_PX,
        hovermode="closest",
        margin={"l": 8, "r": 12, "t": 36, "b": 8},
        legend={"traceorder": "reversed"},
        xaxis={
            "type": "date",
            "showgrid": False,
            "tickformat": "%-d %b\n%Y",
            "nticks": 6,
            "tickangle": 0,
            "automargin": True,
        },
        yaxis={"tickformat": ".0%", "range": [0, 1.03], "zeroline": False, "automargin": True, "nticks": 6},
    )


def within_trend_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: how far the weeks that can be compared lie apart, or why none can."""
    if frame.empty:
        return "No leads for these filters."
    known = frame[frame["response_rate_within_quality"] == "enough"]
    label = metric_named("response_rate_within").label
    if len(known) < 2:
        is_thin = (frame["response_rate_within_quality"] == "bounds").any()
        why = "the looks at these leads tell too little of that age" if is_thin else "too few weeks have enough leads"
        return f"{label}: {why} to compare weeks."
    first, last = known.iloc[0], known.iloc[-1]
    before, after = (formats.percent(week["response_rate_within"]) for week in (first, last))
    return (
        f"{label}: {before} of the leads of the {_lower(first['label'])} and {after} of those of the "
        f"{_lower(last['label'])}; the {formats.count_of(len(known), 'week')} that can be compared lie at "
        f"{formats.percent_range(known['response_rate_within'].min(), known['response_rate_within'].max())}."
    )


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]


def _series(frame: pd.DataFrame, key: str, colour: str, shift: timedelta, theme: Theme) -> Sequence[dict[str, Any]]:
    """An interval per week and, over them, the points of one rate."""
    is_main = key == "response_rate_within"
    label = metric_named(key).label
    rows = [row for row in named(frame) if not math.isnan(getattr(row, f"{key}_low"))]
    places = [(date.fromisoformat(row.key) + timedelta(days=3) + shift).isoformat() for row in rows]
    shares = [getattr(row, key) for row in rows]
    xs: list[str | None] = []
    ys: list[float | None] = []
    for row, place in zip(rows, places, strict=True):
        xs += [place, place, None]
        ys += [getattr(row, f"{key}_low"), getattr(row, f"{key}_high"), None]
    shared = {"type": "scatter", "legendgroup": key, "cliponaxis": False}
    bars = {
        **shared,
        "mode": "lines",
        "x": xs,
        "y": ys,
        "line": {"color": colour, "width": 3},
        "opacity": 0.45,
        "hoverinfo": "skip",
        "showlegend": False,
    }
    # Without a point the bounds answer to the pointer, in their middle.
    unseen = "rgba(0,0,0,0)"
    marks = [unseen if math.isnan(share) else colour for share in shares]
    points = {
        **shared,
        "mode": "markers",
        "x": places,
        "y": [
            (getattr(row, f"{key}_low") + getattr(row, f"{key}_high")) / 2 if math.isnan(share) else share
            for row, share in zip(rows, shares, strict=True)
        ],
        "marker": {
            "size": 9 if is_main else 8,
            "color": marks if is_main else [unseen if mark == unseen else PALETTES[theme].page for mark in marks],
            "line": {"color": marks, "width": 1.5},
        },
        "customdata": [[row.key, _hover(row, key, label)] for row in rows],
        "hovertemplate": "%{customdata[1]}<extra></extra>",
        "showlegend": False,
    }
    in_legend = {
        **shared,
        "mode": "lines+markers" if is_main else "markers",
        "x": [None if math.isnan(share) else place for place, share in zip(places, shares, strict=True)],
        "y": [None if math.isnan(share) else share for share in shares],
        "line": {"color": colour, "width": 1.5},
        "marker": {
            "size": 9 if is_main else 8,
            "color": colour if is_main else PALETTES[theme].page,
            "line": {"color": colour, "width": 1.5},
        },
        "name": label,
        "hoverinfo": "skip",
    }
    return [bars, in_legend, points]


def _hover(row: Any, key: str, label: str) -> str:
    rate = (getattr(row, f"{key}{end}") for end in ("", "_low", "_high", "_quality"))
    is_main = key == "response_rate_within"
    hits, unknown_leads = (
        (row.responded_within, row.unknown_within) if is_main else (row.responded_matured, row.unknown_matured)
    )
    counted = f"{formats.number(hits)} of {formats.number(row.matured)} matured leads"
    unknown_words = f", {formats.number(unknown_leads)} unknown" if unknown_leads else ""
    pending = f"; {formats.number(row.pending)} pending" if row.pending else ""
    return "<br>".join(
        [
            f"<b>{safe(row.label, None)}</b>",
            f"{label}: {interval_words(*rate)}",
            f"{counted}{unknown_words}{pending}",
            f"{formats.count_of(row.leads, 'lead')} in all",
        ]
    )
