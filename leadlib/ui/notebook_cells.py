"""The cells of a notebook on the screen, top to bottom, each with its result."""

from collections.abc import Iterable
from itertools import groupby

import pandas as pd
import streamlit as st

from leadlib.errors import LeadlibError
from leadlib.filters import describe
from leadlib.metrics import metric_named
from leadlib.notebooks import (
    Cell,
    MetricCell,
    SqlCell,
    TextCell,
    answer,
    interval_words,
    marks_of,
    parts_words,
    shown_as,
    table_of,
    title_of,
    value_words,
)
from leadlib.ui import notebook_sql, plots
from leadlib.ui.engine import load
from leadlib.ui.notebook_results import draw_chart, draw_table
from leadlib.ui.text import markdown, plain
from leadlib.ui.view import View


def draw(view: View, cells: Iterable[Cell]) -> None:
    """All cells, read only. Numbers that follow one another share a row."""
    for place, (is_number, group) in enumerate(groupby(cells, key=_is_number)):
        run = list(group)
        if is_number and len(run) > 1:
            with st.grid(len(run), min_column_width=150, key=f"cards_tall_{place}"):
                for at, cell in enumerate(run):
                    draw_cell(view, cell, f"{place}_{at}")
        else:
            for at, cell in enumerate(run):
                draw_cell(view, cell, f"{place}_{at}")


def draw_cell(view: View, cell: Cell, key: str) -> None:
    """One cell. What is wrong with it is said in its place, and the others go on."""
    if isinstance(cell, TextCell):
        markdown(cell.markdown)
        return
    if isinstance(cell, SqlCell):
        notebook_sql.draw(view, cell, key)
        return
    try:
        _draw_metric(view, cell, key)
    except LeadlibError as error:
        with st.container(border=True, key=f"failed_{key}"):
            st.warning(f"**{title_of(cell)}**", icon=":material/warning:")
            plain(str(error))


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, MetricCell | SqlCell) and cell.show == "number"


def _draw_metric(view: View, cell: MetricCell, key: str) -> None:
    filters = view.filters if cell.filters is None else cell.filters
    frame = load(answer, filters, metric=cell.metric, by=cell.by)
    show, why = shown_as(cell.show, frame, cell.metric)
    if show == "number":
        _draw_number(view, cell, frame)
        return
    table = table_of(frame, cell.metric, view.engine.store.timezone)
    with st.container(border=True, gap="xsmall", key=f"cell_{key}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.header(title_of(cell), anchor=False)
            name, icon = ("Meaning", ":material/info:") if show == "table" else ("Numbers", ":material/table_chart:")
            with st.popover(name, type="tertiary", icon=icon, key=f"numbers_{key}"):
                plots.define([cell.metric])
                if show != "table":
                    draw_table(table.frame, table.forms, alt=f"The numbers behind “{title_of(cell)}”")
        if cell.filters is not None:
            plain(f"Only here: {describe(cell.filters, view.vocabulary.names)}")
        if why:
            plain(why)
        if show == "table":
            draw_table(table.frame, table.forms, alt=title_of(cell))
        else:
            as_of, zone = view.engine.store.as_of(), view.engine.store.timezone
            last_day = as_of.astimezone(zone).date() if as_of else None
            marks = marks_of(frame, cell.metric, cell.by, last_day)
            draw_chart(marks, show, metric_named(cell.metric).label, key)


def _draw_number(view: View, cell: MetricCell, frame: pd.DataFrame) -> None:
    metric = metric_named(cell.metric)
    row = {} if frame.empty else frame.iloc[0].to_dict()
    parts, interval = parts_words(row, metric), interval_words(row, metric)
    told = [metric.definition]
    if f"{cell.metric}_low" in row:
        told.append(f"{parts}; 95 % interval {interval}." if parts else f"95 % interval {interval}.")
    if cell.filters is not None:
        told.append("It has filters of its own, whatever the sidebar says.")
    st.metric(
        title_of(cell),
        value_words(row, metric),
        delta=parts or ("own filters" if cell.filters is not None else None),
        delta_color="off",
        delta_arrow="off",
        help="\n\n".join(told),
        border=True,
        height="stretch",
    )
