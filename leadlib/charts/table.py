"""Any small table as bars or as a line: what notebooks draw, whose numbers nobody knows beforehand."""

import math
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import Row, bar_rows, empty_figure, named, safe, shortened
from leadlib.theme import PALETTES, Theme, figure, group_colours

Kind = Literal["bar", "line"]
MOST_BARS = 24
MOST_LINES = 8
_HEIGHT_PX = 320


def plot_table(frame: pd.DataFrame, kind: Kind, *, what: str = "Value", theme: Theme = "light") -> go.Figure:
    """The rows of a table as bars, first row on top, or as a line from left to right.

    Columns: label (its place on a line: text, a day or an instant), name (the same in words), group (which line it
    belongs to; one for all), value (number, NaN: no mark), low and high (its interval, NaN: none), text (the value in
    words), is_open (its time is not over: a hollow point). Of more than MOST_BARS bars or MOST_LINES lines the first
    are drawn, and the takeaway says so. What is below nothing has words and no bar. `what` is the name of the value.
    """
    if frame.empty or not frame["value"].notna().any():
        return empty_figure(what, theme, "no rows" if frame.empty else "no figure that may be shown")
    return _bars(frame, theme) if kind == "bar" else _lines(frame, what, theme)


def table_takeaway(frame: pd.DataFrame, kind: Kind, what: str) -> str:
    """One plain sentence: the largest and the smallest value, or the first and the last one; and what is left out."""
    known = frame[frame["value"].notna()]
    if known.empty:
        return f"{what}: no rows." if frame.empty else f"{what}: none of the rows has a figure that may be shown."
    if len(known) == 1:
        return f"{what}, {_name(known['name'].iloc[0], known['group'].iloc[0])}: {known['text'].iloc[0]}."
    n_left = 0
    if kind == "bar":
        most, least = known.loc[[known["value"].idxmax(), known["value"].idxmin()]].to_dict("records")
        sentence = f"{what}: most for {_named(most)}; least for {_named(least)}"
        n_left, things = len(frame) - MOST_BARS, "row"
    else:
        known = known[known["group"] == known["group"].iloc[0]]
        closed = known[~known["is_open"]]
        first, last = (closed if len(closed) > 1 else known).iloc[[0, -1]].to_dict("records")
        sentence = f"{what}: first {_named(first)}; last {_named(last)}"
        n_left, things = frame["group"].nunique() - MOST_LINES, "line"
    left = f"; {formats.count_of(n_left, f'more {things}')} in the numbers" if n_left > 0 else ""
    return f"{sentence}{left}."


def _bars(frame: pd.DataFrame, theme: Theme) -> go.Figure:
    colours = group_colours([str(key) for key in frame["group"]], theme)
    several = frame["group"].nunique() > 1
    shown = list(named(frame.head(MOST_BARS)))
    rows = [
        Row(
            str(place),
            safe(_name(row.name, row.group)),
            safe(row.text, None),
            _hover(row),
            row.value if row.value >= 0 else math.nan,
            colours[str(row.group)] if several else PALETTES[theme].accent,
        )
        for place, row in enumerate(shown)
    ]
    longest = max((row.value for row in rows if not math.isnan(row.value)), default=1.0)
    if _is_share(frame):
        longest = max(longest, 1.0)
    return bar_rows(rows, theme, longest=longest)


def _lines(frame: pd.DataFrame, what: str, theme: Theme) -> go.Figure:
    groups = list(dict.fromkeys(frame["group"].astype(str)))[:MOST_LINES]
    colours = group_colours(groups, theme) if len(groups) > 1 else {groups[0]: PALETTES[theme].accent}
    traces: list[dict[str, Any]] = []
    for group in groups:
        rows = [row for row in named(frame) if str(row.group) == group]
        xs = [_place(row.label) for row in rows]
        shared = {"type": "scatter", "x": xs, "hoverinfo": "skip", "showlegend": False}
        # Bounds without a figure between them are for the table: as a band they would drown the rest.
        known = [row for row in rows if not math.isnan(row.value) and not math.isnan(row.low)]
        if known:
            edge = {**shared, "x": [_place(row.label) for row in known], "mode": "lines", "line": {"width": 0}}
            traces.append({**edge, "y": [_number(row.low) for row in known]})
            filled = {"fill": "tonexty", "fillcolor": _faint(colours[group])}
            traces.append({**edge, **filled, "y": [_number(row.high) for row in known]})
        traces.append(
            {
                **shared,
                "mode": "lines+markers" if len(rows) <= 60 else "lines",
                "y": [_number(row.value) for row in rows],
                "name": safe(group),
                "line": {"color": colours[group], "width": 2},
                "marker": {
                    "color": [PALETTES[theme].page if row.is_open else colours[group] for row in rows],
                    "size": [8 if row.is_open else 6 for row in rows],
                    "line": {"color": colours[group], "width": 1.5},
                },
                "connectgaps": False,
                "customdata": [[_hover(row)] for row in rows],
                "hoverinfo": "all",
                "hovertemplate": "%{customdata[0]}<extra></extra>",
                "showlegend": len(groups) > 1,
                "cliponaxis": False,
            }
        )
    return figure(
        traces,
        theme,
        _HEIGHT_PX,
        hovermode="closest",
        margin={"l": 8, "r": 14, "t": 12, "b": 8},
        xaxis={
            "type": "date" if frame["label"].map(lambda label: isinstance(label, date)).all() else "category",
            "showgrid": False,
            "automargin": True,
            "nticks": 8,
            "tickangle": 0,
        },
        yaxis={
            "title": {"text": safe(what)},
            "rangemode": "tozero",
            "automargin": True,
            "nticks": 6,
            "tickformat": ",.0%" if _is_share(frame) else None,
        },
    )


def _hover(row: Any) -> str:
    so_far = " so far" if row.is_open else ""
    return f"<b>{safe(_name(row.name, row.group), 80)}</b><br>{safe(row.text, None)}{so_far}"


def _name(words: str, group: str) -> str:
    return shortened(words if group in {"", words} else f"{words}, {group}", 80)


def _named(row: Mapping[Any, Any]) -> str:
    return f"{_name(row['name'], row['group'])}, {row['text']}"


def _place(label: object) -> object:
    return label if isinstance(label, date) else safe(str(label))


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _is_share(frame: pd.DataFrame) -> bool:
    return bool(frame["text"].astype(str).str.contains("%", regex=False).any())


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.16)"
