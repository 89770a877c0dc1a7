"""Whose leads wait, and how many of them are overdue."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import (
    BAR_BELOW,
    Row,
    empty_figure,
    named,
    row_words,
    rows_height,
    safe,
    shortened,
    touch,
)
from leadlib.metrics import metric_named
from leadlib.theme import PALETTES, Theme, figure

MOST_ROWS = 15
"""No figure is drawn longer: the table has the rest."""


def plot_backlog(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """A bar per group of what waits, most overdue on top: the overdue part in the colour of warnings, then the rest.

    From `metrics.backlog` by agent or channel. customdata[0] of a row is the group's key.
    """
    if frame.empty:
        return empty_figure(metric_named("waiting").label, theme, "no leads wait under these filters")
    colours = PALETTES[theme]
    shown = frame.head(MOST_ROWS)
    rows = [
        Row(
            key=row.key,
            left=_name(row),
            right=f"{formats.number(row.overdue)} of {formats.number(row.waiting)} overdue",
            hover=_hover(row),
            value=row.waiting,
            colour=colours.warning,
        )
        for row in named(shown)
    ]
    end = float(frame["waiting"].max())
    places = [place + BAR_BELOW for place in range(len(rows))]
    shared: dict[str, Any] = {"type": "bar", "orientation": "h", "y": places, "width": 0.28, "hoverinfo": "skip"}
    shared["showlegend"] = False
    in_time = (shown["waiting"] - shown["overdue"]).tolist()
    return figure(
        [
            {**shared, "x": [end] * len(rows), "marker": {"color": colours.track, "line": {"width": 0}}},
            {**shared, "x": shown["overdue"].tolist(), "marker": {"color": colours.warning}},
            {**shared, "x": in_time, "base": shown["overdue"].tolist(), "marker": {"color": colours.accent}},
            *row_words(rows, end, theme),
            touch(rows, end),
        ],
        theme,
        rows_height(len(rows)),
        barmode="overlay",
        bargap=0,
        xaxis={"visible": False, "range": [0, end]},
        yaxis={"visible": False, "range": [len(rows) - 0.5, -0.55]},
        margin={"l": 2, "r": 2, "t": 2, "b": 2},
        hovermode="closest",
    )


def backlog_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: how many of the waiting leads are overdue, and with whom most of them lie."""
    if frame.empty:
        return "No leads wait under these filters."
    waiting, overdue = int(frame["waiting"].sum()), int(frame["overdue"].sum())
    allowed = f"{formats.number(frame['sla_minutes'].iloc[0])}{formats.NBSP}working minutes"
    if not overdue:
        return f"None of {formats.count_of(waiting, 'waiting lead')} has waited for more than {allowed}."
    of_all = f"{formats.number(overdue)} of {formats.count_of(waiting, 'waiting lead')}"
    sentence = f"{of_all} {'has' if overdue == 1 else 'have'} waited for more than {allowed}"
    if len(frame) == 1:
        return f"{sentence}."
    first = frame.iloc[0]
    return f"{sentence}; {shortened(str(first['label']))} has most of them, {formats.number(first['overdue'])}."


def _name(row: Any) -> str:
    name = safe(row.label, 20)
    return f"{name if row.key == 'none' else f'<b>{name}</b>'}{' · left' if row.is_active is False else ''}"


def _hover(row: Any) -> str:
    again = f"{formats.number(row.waiting_again)} from repeat senders"
    return (
        f"<b>{safe(row.label, 80)}</b><br>{formats.count_of(row.waiting, 'lead')} waiting, "
        f"{formats.number(row.overdue)} overdue, {again}<br>"
        f"Oldest: {formats.duration(row.oldest_waiting_h * 3600)}"
    )
