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

    Over each cell that has leads lies an unseen bar, because Plotly tells of no click on a cell. customdata[0] of it is
    the cell's mark, "mon/9".
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
        "customdata": [[[_hover(row)] for row in named(day)] for day in cells],
        "hovertemplate": "%{customdata[0]}<extra></extra>",
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
    filled = [row for row in named(grid) if row.leads]
    touch = {
        "type": "bar",
        "x": [int(row.hour) for row in filled],
        "y": [1] * len(filled),
        "base": [row.weekday - 1.5 for row in filled],
        "width": 1,
        "marker": {"color": "rgba(0,0,0,0)", "line": {"width": 0}},
        "customdata": [[_mark(row), _hover(row)] for row in filled],
        "hovertemplate": "%{customdata[1]}<extra></extra>",
        "showlegend": False,
    }
    hours = list(range(0, 24, 3))
    return figure(
        [heat, touch],
        theme,
        330,
        barmode="overlay",
        hovermode="closest",
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


def _mark(row: Any) -> str:
    return f"{formats.WEEKDAYS[row.weekday - 1][:3].lower()}/{row.hour}"


def _hover(row: Any) -> str:
    return (
        f"<b>{formats.WEEKDAYS[row.weekday - 1]}, {formats.hour(row.hour)}</b><br>"
        f"{formats.number(row.leads_per_hour, 1)} leads per hour<br>"
        f"{formats.count_of(row.leads, 'lead')} in all; hours like this one: {formats.number(row.occurrences)}"
    )
