"""At which hours of the day leads come, and how many of each responded."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import empty_figure, interval_words, named
from leadlib.metrics import metric_named
from leadlib.theme import PALETTES, Theme, figure

_HEIGHT_PX = 300
_DAY = range(8, 20)


def plot_hours(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Leads by the hour at which they came, on the account's clock, from `metrics.breakdown` by hour.

    A bar per hour: the responded below, the others above. customdata[0] of a bar is its hour.
    """
    metric = metric_named("leads")
    if frame.empty:
        return empty_figure(metric.label, theme)
    colours = PALETTES[theme]
    rows = list(named(frame))
    shared = {
        "type": "bar",
        "x": [int(row.key) for row in rows],
        "customdata": [[row.key, _hover(row)] for row in rows],
        "hovertemplate": "%{customdata[1]}<extra></extra>",
    }
    parts = (
        (metric_named("responded").label, [row.responded for row in rows], colours.accent),
        ("Not responded", [row.leads - row.responded for row in rows], colours.unjudged),
    )
    return figure(
        [{**shared, "name": name, "y": leads, "marker": {"color": colour}} for name, leads, colour in parts],
        theme,
        _HEIGHT_PX,
        barmode="stack",
        bargap=0.25,
        hovermode="closest",
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        xaxis={
            "title": {"text": "Hour of day"},
            "range": [-0.6, 23.6],
            "tickvals": list(range(0, 24, 4)),
            "ticktext": [f"{hour:02d}:00" for hour in range(0, 24, 4)],
            "showgrid": False,
            "automargin": True,
        },
        yaxis={"tickformat": ",~d", "zeroline": False, "automargin": True, "nticks": 6},
    )


def hours_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: the hour with most leads, and how many come outside 08:00 to 20:00."""
    if frame.empty:
        return "No leads for these filters."
    first = frame.sort_values("leads", ascending=False, kind="stable").iloc[0]
    total = int(frame["leads"].sum())
    at_night = int(frame.loc[~frame["key"].astype(int).isin(_DAY), "leads"].sum())
    return (
        f"Most leads come at {first['label']}, {formats.number(first['leads'])} of {formats.number(total)}; "
        f"{formats.percent(at_night / total)} come before 08:00 or after 20:00."
    )


def _hover(row: Any) -> str:
    rate = interval_words(row.response_rate, row.response_rate_low, row.response_rate_high, row.response_rate_quality)
    return (
        f"<b>{row.label}</b><br>{formats.count_of(row.leads, 'lead')}, {formats.number(row.responded)} responded<br>"
        f"{metric_named('response_rate').label}: {rate}<br>"
        f"{formats.number(row.responded_matured)} of {formats.number(row.matured)} matured leads"
    )
