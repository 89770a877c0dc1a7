"""How the rows of a SQL cell read as a chart or a number: by the kinds of their columns, whatever their names."""

import math
from datetime import date, datetime
from typing import Any

import pandas as pd

from leadlib import formats
from leadlib.notebooks.model import Show, SqlCell


def sql_title_of(cell: SqlCell) -> str:
    """The comment in the cell's first line, "SQL" if there is none."""
    first = cell.sql.strip().partition("\n")[0].strip()
    title = first.removeprefix("--").strip()
    return title[:120] if first.startswith("--") and title else "SQL"


def sql_shown_as(show: Show, frame: pd.DataFrame) -> tuple[Show, str]:
    """The form in which these rows can be shown, and why it is not the one that was asked for; "" if it is."""
    if show == "table":
        return show, ""
    if not _numbers(frame):
        return "table", "No column holds numbers, so it is shown as a table."
    if show == "number" and len(frame) != 1:
        return "table", f"This has {formats.count_of(len(frame), 'row')}, so it is shown as a table."
    return show, ""


def sql_marks_of(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows as `charts.plot_table` draws them: the first column says what a row is about, each other column of
    numbers is a group. Where the first is the only one that holds numbers, rows are told by their place.
    """
    numbers = _numbers(frame)
    about = None if numbers == [0] else 0
    groups = [place for place in numbers if place != about]
    marks = []
    for group in groups:
        name = str(frame.columns[group]) if len(groups) > 1 else ""
        for row in range(len(frame)):
            label = str(row + 1) if about is None else _label(frame.iat[row, about])
            value: Any = frame.iat[row, group]
            is_number = not formats.is_missing(value) and math.isfinite(value)
            number = float(value) if is_number else math.nan
            marks.append((label, _words(label), name, number, math.nan, math.nan, value_text(value), False))
    columns = ["label", "name", "group", "value", "low", "high", "text", "is_open"]
    return pd.DataFrame(marks, columns=columns).astype({"value": float, "is_open": bool})


def sql_number_of(frame: pd.DataFrame) -> tuple[str, str]:
    """Of a single row, the name and the words of its first number; what `sql_shown_as` lets be shown as one."""
    place = _numbers(frame)[0]
    return str(frame.columns[place]), value_text(frame.iat[0, place])


def value_text(value: Any) -> str:
    """A number in words, with as many decimals as it needs and at most two."""
    if formats.is_missing(value):
        return formats.MISSING_TEXT
    return formats.number(value, 0 if float(value).is_integer() else 2)


def _numbers(frame: pd.DataFrame) -> list[int]:
    return [
        place
        for place, dtype in enumerate(frame.dtypes)
        if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    ]


def _label(value: Any) -> object:
    if formats.is_missing(value):
        return formats.MISSING_TEXT
    if isinstance(value, datetime):
        return value.date() if (value.hour, value.minute, value.second) == (0, 0, 0) else value
    return value if isinstance(value, date) else str(value)


def _words(label: object) -> str:
    if isinstance(label, datetime):
        return f"{formats.day(label)}, {label:%H:%M}"
    return formats.day(label) if isinstance(label, date) else str(label)
