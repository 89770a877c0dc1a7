"""How leads fade with the age of a listing: leads a week since the first one."""

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import empty_figure, named, safe
from leadlib.metrics import MINIMUM_FOR_VERDICT, metric_named
from leadlib.theme import PALETTES, Theme, figure

_HEIGHT_PX = 330


def plot_decay(frame: pd.DataFrame, *, of: str = "listing", theme: Theme = "light") -> go.Figure:
    """Leads a week per listing (or `of`) over the weeks since its first lead, with 95 % intervals: `metrics.decay`.

    Grey where fewer than twenty were followed, no point below five. customdata[0] of a point is its week.
    """
    metric = metric_named("leads_a_week")
    rows = [row for row in named(frame) if not math.isnan(row.leads_a_week)]
    if not rows:
        return empty_figure(metric.label, theme, _why_not(frame, of))
    colours = PALETTES[theme]
    colour_of = [colours.accent if row.groups_followed >= MINIMUM_FOR_VERDICT else colours.unjudged for row in rows]
    shared = {"type": "scatter", "showlegend": False}
    whiskers: list[dict[str, Any]] = [
        {
            **shared,
            "mode": "lines",
            "x": [row.week, row.week],
            "y": [row.leads_a_week_low, row.leads_a_week_high],
            "line": {"color": colour, "width": 3},
            "opacity": 0.45,
            "hoverinfo": "skip",
        }
        for row, colour in zip(rows, colour_of, strict=True)
    ]
    points = {
        **shared,
        "mode": "lines+markers",
        "x": [row.week for row in rows],
        "y": [row.leads_a_week for row in rows],
        "line": {"color": colours.accent, "width": 1.5},
        "marker": {"size": 9, "color": colour_of, "line": {"color": colours.page, "width": 1.5}},
        "customdata": [[row.key, _hover(row, of)] for row in rows],
        "hovertemplate": "%{customdata[1]}<extra></extra>",
        "cliponaxis": False,
    }
    return figure(
        [*whiskers, points],
        theme,
        _HEIGHT_PX,
        hovermode="closest",
        margin={"l": 8, "r": 12, "t": 12, "b": 8},
        xaxis={
            "title": {"text": "Week since the first lead"},
            "range": [0.5, max(row.week for row in rows) + 0.5],
            "dtick": 1,
            "showgrid": False,
            "automargin": True,
        },
        yaxis={
            "title": {"text": f"Leads a week per {of}"},
            "rangemode": "tozero",
            "zeroline": False,
            "automargin": True,
            "nticks": 6,
        },
    )


def decay_takeaway(frame: pd.DataFrame, of: str = "listing") -> str:
    """One plain sentence: leads a week at first and in the last week that enough listings reached."""
    known = frame[frame["leads_a_week"].notna()]
    if len(known) < 2:
        return f"{_why_not(frame, of).capitalize()}."
    first, last = known.iloc[0], known.iloc[-1]
    more, later = (formats.number(row["leads_a_week"], 1) for row in (first, last))
    sentence = (
        f"A new {of} brings {more} more leads in {str(first['label']).lower()} after its first one, "
        f"and {later} in {str(last['label']).lower()}"
    )
    overlap = first["leads_a_week_low"] <= last["leads_a_week_high"] and (
        last["leads_a_week_low"] <= first["leads_a_week_high"]
    )
    return f"{sentence}; the difference may be chance." if overlap else f"{sentence}."


def _why_not(frame: pd.DataFrame, of: str) -> str:
    if frame.empty:
        return "no leads for these filters"
    n = int(frame["groups_followed"].max())
    return f"too few new {of}s: {formats.number(n)} with a first lead after four quiet weeks and four weeks followed"


def _hover(row: Any, of: str) -> str:
    interval = f"{formats.number(row.leads_a_week_low, 2)}–{formats.number(row.leads_a_week_high, 2)}"
    return (
        f"<b>{safe(row.label)}</b><br>{formats.number(row.leads_a_week, 2)} leads a week, "
        f"95{formats.NBSP}% interval {interval}<br>"
        f"{formats.count_of(row.leads, 'lead')} of {formats.count_of(row.groups_followed, of)}"
    )
