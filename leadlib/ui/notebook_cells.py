"""The cells of a notebook on the screen, top to bottom, each with its result."""

from collections.abc import Iterable
from itertools import groupby

import pandas as pd
import streamlit as st

from leadlib.errors import LeadlibError
from leadlib.filters import describe
from leadlib.metrics import metric_named
from leadlib.notebooks import Cell, MetricCell, Shown, SqlCell, TextCell, answer, shown_metric, title_of
from leadlib.proof import Facts, answer_about, answer_to_csv, link_of
from leadlib.ui import notebook_sql, plots
from leadlib.ui.engine import load
from leadlib.ui.notebook_results import Behind, draw_csv, draw_result
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
    frame = load(answer, filters, metric=cell.metric, by=cell.by, **cell.asked)
    store = view.store
    shown = shown_metric(cell, frame, store.as_of(), store.timezone, view.vocabulary.names)
    if shown.show == "number":
        _draw_number(cell, shown)
        return
    name, icon = ("Meaning", ":material/info:") if shown.show == "table" else ("Numbers", ":material/table_chart:")

    def draw_meaning() -> None:
        plots.define([cell.metric])
        _draw_download(view, cell, frame, key)

    draw_result(shown, key, Behind(f"numbers_{key}", name, icon, draw_meaning))


def _draw_download(view: View, cell: MetricCell, frame: pd.DataFrame, key: str) -> None:
    filters, names = view.filters if cell.filters is None else cell.filters, view.vocabulary.names

    def make() -> str:
        facts = Facts.of(view.store, filters, describe(filters, names), link_of(filters))
        return answer_to_csv(frame, answer_about(facts, cell.metric, cell.by, cell.asked, frame))

    draw_csv("These numbers as CSV", make, f"leadlight-{cell.metric}.csv", key)


def _draw_number(cell: MetricCell, shown: Shown) -> None:
    told = [metric_named(cell.metric).definition]
    if shown.interval:
        told.append(f"{shown.parts}; {shown.interval}." if shown.parts else f"{shown.interval}.")
    if shown.own:
        told.append("It has filters of its own, whatever the sidebar says.")
    name, words = shown.number
    st.metric(
        name,
        words,
        delta=shown.parts or ("own filters" if shown.own else None),
        delta_color="off",
        delta_arrow="off",
        help="\n\n".join(told),
        border=True,
        height="stretch",
    )
