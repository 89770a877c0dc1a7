"""A period's leads day by day beside an earlier period's."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import empty_figure, named
from leadlib.charts.volume import mark_of
from leadlib.metrics import metric_named
from leadlib.theme import PALETTES, Theme, figure

_HEIGHT_PX = 300


def plot_volume_change(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Bars of the period and a line of the earlier one over days since the start, from `metrics.volume_change`.

    Days that were not read whole are left empty, and those whose counterpart was not are hatched: neither is compared.
    customdata[0] of a bar is its mark, as in `plot_volume`.
    """
    metric = metric_named("leads")
    if frame.empty:
        return empty_figure(metric.label, theme, "no leads or no complete day to compare")
    colours = PALETTES[theme]
    rows = list(named(frame))
    places = frame["day_number"].tolist()
    shapes = ["" if row.is_compared else "/" for row in rows]
    pattern = {"shape": shapes, "size": 5, "solidity": 0.45, "fgcolor": colours.page, "fillmode": "overlay"}
    bars = {
        "type": "bar",
        "x": places,
        "y": [_height(row.leads) for row in rows],
        "name": formats.day_range(rows[0].day, rows[-1].day),
        "marker": {"color": colours.accent, "line": {"width": 0}, **({"pattern": pattern} if any(shapes) else {})},
        "customdata": [[mark_of(row.day, "day", "all"), _date(row.day)] for row in rows],
        "hovertemplate": "%{customdata[1]}: <b>%{y:,}</b><extra></extra>",
        "showlegend": False,
    }
    sample = {"type": "bar", "x": [None], "y": [None], "name": bars["name"], "marker": {"color": colours.accent}}
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": places,
        "y": [_height(row.previous_leads) for row in rows],
        "name": formats.day_range(rows[0].previous_day, rows[-1].previous_day),
        "line": {"color": colours.warning, "width": 2},
        "marker": {"color": colours.warning, "size": 6},
        "text": [_date(row.previous_day) for row in rows],
        "hovertemplate": "%{text}: <b>%{y:,}</b><extra></extra>",
    }
    return figure(
        [bars, sample, line],
        theme,
        _HEIGHT_PX,
        bargap=0.25,
        hovermode="closest",  # of two marks over one day, a click would be told of the line's
        margin={"l": 8, "r": 8, "t": 36, "b": 8},
        xaxis={
            "title": {"text": "Day of the period"},
            "showgrid": False,
            "tickformat": "d",
            "automargin": True,
            "range": [0.4, len(rows) + 0.6],
            "tick0": 1,
            "dtick": max(1, round(len(rows) / 8)),
        },
        yaxis={"rangemode": "tozero", "title": {"text": metric.label}, "tickformat": ",~d", "automargin": True},
    )


def volume_change_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: how many against how many, the difference, and whether chance may explain it."""
    if frame.empty:
        return "There is no complete day with leads to compare."
    row = next(named(frame.head(1)))
    now = formats.day_range(frame["day"].iloc[0], frame["day"].iloc[-1])
    if row.reason:
        return f"{now} cannot be compared: {row.reason[:1].lower()}{row.reason[1:]}"
    then = formats.day_range(frame["previous_day"].iloc[0], frame["previous_day"].iloc[-1])
    leads, earlier = formats.count_of(row.current_leads, "lead"), formats.number(row.earlier_leads)
    counts = f"{leads} in {now} against {earlier} in {then}"
    change = formats.signed((row.leads_ratio - 1) * 100)
    change = f"{change}{formats.NBSP}% (95{formats.NBSP}% interval {change_range(row)})"
    may_be_chance = row.leads_ratio_low <= 1 <= row.leads_ratio_high
    verdict = "which chance alone may explain" if may_be_chance else "more than chance explains"
    return f"{counts}: {change}, {verdict}."


def change_range(row: Any) -> str:
    """The interval of a ratio as a change: "−3 to +29 %"."""
    low, high = (formats.signed((end - 1) * 100) for end in (row.leads_ratio_low, row.leads_ratio_high))
    return f"{low} to {high}{formats.NBSP}%"


def _height(leads: float) -> int | None:
    return None if formats.is_missing(leads) else int(leads)


def _date(day: Any) -> str:
    return f"{formats.WEEKDAYS[day.weekday()][:3]} {formats.day(day)}"
