"""How one result of a cell reads, on the page and in a file alike: a number, a chart or a table, and what is said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd

from leadlib import formats
from leadlib.filters import describe
from leadlib.metrics import metric_named
from leadlib.notebooks.answers import (
    interval_words,
    marks_of,
    parts_words,
    shown_as,
    table_of,
    title_of,
    value_words,
)
from leadlib.notebooks.model import MetricCell, Show, SqlCell
from leadlib.notebooks.sql_answers import sql_marks_of, sql_number_of, sql_shown_as, sql_title_of
from leadlib.sql_cells import SqlAnswer


@dataclass(frozen=True)
class Shown:
    """One result. `frame` is the table, its numbers written by `forms` (printf, by heading); it is the twin of a chart.

    `number` are the name and the words of what is shown as a number, with the `parts` of a rate and its `interval`;
    `marks` are what `charts.plot_table` draws, of `what`. Of the two there is what `show` says. `own` tells the filters
    of a cell that has its own, `notes` what else has to be said; "" where there is nothing.
    """

    title: str
    frame: pd.DataFrame
    forms: Mapping[str, str] = field(default_factory=dict)
    show: Show = "table"
    number: tuple[str, str] = ("", "")
    parts: str = ""
    interval: str = ""
    marks: pd.DataFrame | None = None
    what: str = ""
    own: str = ""
    notes: tuple[str, ...] = ()


def shown_metric(
    cell: MetricCell,
    frame: pd.DataFrame,
    as_of: datetime | None,
    timezone: ZoneInfo,
    names: Mapping[str, Mapping[str, str]] | None = None,
) -> Shown:
    """The answer of a metric cell. Instants are told in `timezone`; `names` are words for ids in its own filters."""
    metric = metric_named(cell.metric)
    title, (show, why) = title_of(cell), shown_as(cell.show, frame, cell.metric)
    own = f"Only here: {describe(cell.filters, names)}" if cell.filters is not None else ""
    table = table_of(frame, cell.metric, timezone, cell.grain)
    number, parts, interval, marks = ("", ""), "", "", None
    if show == "number":
        row = {} if frame.empty else frame.iloc[0].to_dict()
        number, parts = (title, value_words(row, metric)), parts_words(row, metric)
        interval = f"95 % interval {interval_words(row, metric)}" if f"{cell.metric}_low" in row else ""
    elif show != "table":
        last_day = as_of.astimezone(timezone).date() if as_of else None
        marks = marks_of(frame, cell.metric, cell.by, last_day, cell.grain)
    notes = tuple(filter(None, (why,)))
    return Shown(title, table.frame, table.forms, show, number, parts, interval, marks, metric.label, own, notes)


def shown_sql(cell: SqlCell, answer: SqlAnswer) -> Shown:
    """The rows of a SQL cell."""
    title, (show, why) = sql_title_of(cell), sql_shown_as(cell.show, answer.frame)
    number, marks = ("", ""), None
    if show == "number":
        name, words = sql_number_of(answer.frame)
        number = (name if title == "SQL" else title, words)
    elif show != "table":
        marks = sql_marks_of(answer.frame)
    rows = formats.count_of(len(answer.frame), "row")
    cut = f"Only the first {rows} are here: a cell is given no more." if answer.is_cut else ""
    notes = tuple(filter(None, (why, cut)))
    return Shown(title, answer.frame, show=show, number=number, marks=marks, what=title, notes=notes)
