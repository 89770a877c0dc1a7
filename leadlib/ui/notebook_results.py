"""A result of a notebook's cell as a table or a chart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import streamlit as st

from leadlib import charts, formats
from leadlib.notebooks import Shown
from leadlib.ui import plots
from leadlib.ui.text import literal, plain

_ROWS_IN_SIGHT = 10


@dataclass(frozen=True)
class Behind:
    """A popover beside a result's title: its key, name and icon, and what it holds above the rows of a chart."""

    key: str
    name: str
    icon: str
    draw: Callable[[], None]


def draw_result(shown: Shown, key: str, behind: Behind) -> None:
    """A table or a chart on a card under its title, with what has to be said of it."""
    table = _with_names_of_their_own(shown.frame)
    with st.container(border=True, gap="xsmall", key=f"cell_{key}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.header(literal(shown.title), anchor=False)
            with st.popover(behind.name, type="tertiary", icon=behind.icon, key=behind.key):
                behind.draw()
                if shown.show != "table":
                    draw_table(table, shown.forms, alt=f"The numbers behind “{shown.title}”")
        for words in filter(None, (shown.own, *shown.notes)):
            plain(words)
        if shown.marks is None or shown.show == "table":
            draw_table(table, shown.forms, alt=shown.title)
        else:
            _draw_chart(shown.marks, "bar" if shown.show == "bar" else "line", shown.what, key)


def draw_table(frame: pd.DataFrame, forms: Mapping[str, str], alt: str) -> None:
    """Rows on the screen, numbers as `forms` say by heading (printf); no rows are said in words."""
    if frame.empty:
        plain("No rows.")
        return
    st.dataframe(
        frame,
        hide_index=True,
        height="auto" if len(frame) <= _ROWS_IN_SIGHT else 390,
        placeholder=formats.MISSING_TEXT,
        column_config={name: st.column_config.NumberColumn(format=form) for name, form in forms.items()},
        alt=alt,
    )


def draw_csv(label: str, make: Callable[[], str], file_name: str, key: str) -> None:
    """The button for a result as a file, which is made when somebody clicks."""
    st.download_button(
        label,
        make,
        file_name=file_name,
        mime="text/csv",
        key=f"csv_{key}",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
        help="With filters, as-of time, zone and a hash, by which “python -m leadlib verify” checks them.",
    )


def _draw_chart(marks: pd.DataFrame, kind: Literal["bar", "line"], what: str, key: str) -> None:
    """Marks (see `charts.plot_table`) as bars or a line, under a sentence that says what they show."""
    takeaway = charts.table_takeaway(marks, kind, what)
    plain(takeaway)
    figure = charts.plot_table(marks, kind, what=what, theme=plots.current_theme())
    plots.draw_figure(figure, alt=takeaway, key=f"chart_{key}")


def _with_names_of_their_own(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of one name under different ones, which a table needs."""
    names: list[str] = []
    for name in map(str, frame.columns):
        again = sum(one == name or one.startswith(f"{name} (") for one in names)
        names.append(f"{name} ({again + 1})" if again else name)
    return frame.set_axis(names, axis=1)
