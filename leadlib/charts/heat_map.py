"""The week at a glance: at which hours leads come."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import empty_figure, named
from leadlib.metrics import metric_named
from leadlib.theme import PALETTES, Theme, figure


def plot_heat_map(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Leads per hour by weekday (Monday on top) and hour, from `metrics.heat_map`; hours never read stay blank.

    customdata[0] and [1] of a cell are its weekday (1 = Monday) and hour.
    """
    metric = metric_named("leads_per_hour")
    if frame.empty:
        return empty_figure(metric.label, theme)
    colours = PALETTES[theme]
    grid = frame.sort_values(["weekday", "hour"])
    cells = [grid[grid["weekday"] == weekday] for weekday in range(1, 8)]
    steps = len(colours.scale) - 1
    heat = {
        "type": "heatmap",
        "z": [
            [None if formats.is_missing(value) else float(value) for value in day["leads_per_hour"]] for day in cells
        ],
        "x": list(range(24)),
        "y": list(range(7)),
        "customdata": [[_cell(r) for r in named(day)] for day in cells],
        "hovertemplate": "<b>%{customdata[4]}</b><br>%{z:.1f} leads per hour<br>%{customdata[2]:,} leads in all; "
        "hours like this one: %{customdata[3]}<extra></extra>",
        "hoverongaps": False,
        "xgap": 2,
        "ygap": 2,
        "zmin": 0,
        "colorscale": [[place / steps, colour] for place, colour in enumerate(colours.scale)],
        "colorbar": {
            "orientation": "h",
            "thickness": 8,
            "len": 0.5,
            "lenmode": "fraction",
            "x": 1,
            "xanchor": "right",
            "y": -0.13,
            "yanchor": "top",
            "title": {"text": metric.label, "side": "top", "font": {"color": colours.quiet, "size": 12}},
            "tickfont": {"color": colours.quiet, "size": 11},
            "outlinewidth": 0,
            "nticks": 5,
        },
    }
    hours = list(range(0, 24, 3))
    return figure(
        [heat],
        theme,
        330,
        margin={"l": 8, "r": 8, "t": 8, "b": 74},
        xaxis={
            "tickvals": hours,
            "ticktext": [f"{hour:02d}:00" for hour in hours],
            "showgrid": False,
            "zeroline": False,
            "range": [-0.5, 23.5],
        },
        yaxis={
            "tickvals": list(range(7)),
            "ticktext": [name[:3] for name in formats.WEEKDAYS],
            "range": [6.5, -0.5],
            "showgrid": False,
            "zeroline": False,
            "automargin": True,
        },
    )


def heat_map_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: the busiest hour and the quietest day."""
    if frame.empty or frame["leads_per_hour"].isna().all():
        return "No leads for these filters."
    top = frame.iloc[int(frame["leads_per_hour"].argmax())]
    days = frame.groupby("weekday")["leads_per_hour"].mean()
    when = f"{formats.WEEKDAYS[int(top['weekday']) - 1]}, {formats.hour(int(top['hour']))}"
    sentence = f"The busiest hour of the week is {when}, with {formats.number(top['leads_per_hour'], 1)} leads per hour"
    if days.isna().any() or days.min() == days.max():
        return f"{sentence}."
    quietest = formats.WEEKDAYS[int(days.argmin())]
    return f"{sentence}; the quietest day is {quietest}, with {formats.number(days.min() * 24, 1)} a day."


def _cell(row: Any) -> list[object]:
    words = f"{formats.WEEKDAYS[row.weekday - 1]}, {formats.hour(row.hour)}"
    return [int(row.weekday), int(row.hour), int(row.leads), int(row.occurrences), words]
