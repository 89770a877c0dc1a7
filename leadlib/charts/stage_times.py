"""How long a step up the ladder takes."""

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import BAR_BELOW, Row, empty_figure, named, row_words, rows_height, touch
from leadlib.metrics import STEPS, metric_named
from leadlib.theme import PALETTES, Theme, figure

_TICKS = {1: "1 min", 15: "15 min", 60: "1 h", 240: "4 h", 1_440: "1 d", 10_080: "7 d"}
_END = math.log10(20_160)
_ROW_PX = 60


def plot_stage_times(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """The median time of each step as a dot on a scale from a minute to a fortnight, with its 95 % interval.

    From `metrics.stage_times`. A step that the looks do not tell of has neither. customdata[0] of a row is the step.
    """
    if frame.empty:
        return empty_figure(metric_named("median_step_min").label, theme)
    colours = PALETTES[theme]
    rows = [
        Row(
            key=row.key,
            left=f"<b>{row.label}</b>",
            right=_words(row),
            hover=_hover(row),
            value=row.median_step_min,
            colour=colours.stages[STEPS[row.key][1]],
        )
        for row in named(frame)
    ]
    places = [place + BAR_BELOW for place in range(len(rows))]
    shared = {"type": "scatter", "hoverinfo": "skip", "showlegend": False, "cliponaxis": False}
    lines = [
        {**shared, "mode": "lines", "x": [0, _END], "y": [place] * 2, "line": {"color": colours.track, "width": 6}}
        for place in places
    ]
    for row, place, told in zip(rows, places, named(frame), strict=True):
        if not math.isnan(told.median_step_min):
            ends = [_at(told.median_step_min_low), _at(told.median_step_min_high)]
            line = {"color": row.colour, "width": 4}
            lines.append({**shared, "mode": "lines", "x": ends, "y": [place] * 2, "line": line, "opacity": 0.55})
    dots = {
        **shared,
        "mode": "markers",
        "x": [None if not math.isfinite(row.value) else _at(row.value) for row in rows],
        "y": places,
        "marker": {
            "size": 11,
            "color": [row.colour for row in rows],
            "line": {"color": colours.page, "width": 1.5},
        },
    }
    return figure(
        [*lines, dots, *row_words(rows, _END, theme), touch(rows, _END)],
        theme,
        rows_height(len(rows), _ROW_PX) + 30,
        hovermode="closest",
        margin={"l": 14, "r": 14, "t": 2, "b": 30},
        xaxis={
            "range": [0, _END],
            "tickvals": [math.log10(minutes) for minutes in _TICKS],
            "ticktext": list(_TICKS.values()),
            "zeroline": False,
        },
        yaxis={"visible": False, "range": [len(rows) - 0.5, -0.55]},
    )


def stage_times_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: after how long half of the leads have taken each step, or that the looks do not tell."""
    if frame.empty:
        return "No leads for these filters."
    told = [f"{row.label.lower()}: {_words(row)}" for row in named(frame) if not math.isnan(row.median_step_min)]
    if not told:
        return "The looks at these leads are too few or too far apart to tell how long a stage takes."
    return f"Time until half of the leads are there, on the wall clock: {formats.listed(told)}."


def _at(minutes: float) -> float:
    """The place on the scale, whose ends stand for all that is beyond them."""
    return min(math.log10(max(minutes, 1.0)), _END)


def _words(row: Any) -> str:
    if math.isnan(row.median_step_min):
        return "not to be told"
    if math.isinf(row.median_step_min):
        return "fewer than half so far"
    span = formats.duration_range(row.median_step_min_low * 60, row.median_step_min_high * 60)
    return f"{formats.duration(row.median_step_min * 60)} ({span})"


def _hover(row: Any) -> str:
    counts = (
        f"{formats.number(row.n_reached)} got there, {formats.number(row.n_waiting)} wait, "
        f"{formats.number(row.n_archived)} were archived before"
    )
    unknown = f", {formats.number(row.n_unknown)} of unknown history are left out" if row.n_unknown else ""
    return f"<b>{row.label}</b><br>{row.reason or _words(row)}<br>{counts}{unknown}"
