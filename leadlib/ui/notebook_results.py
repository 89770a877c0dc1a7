"""A result of a notebook's cell as a table or a chart."""

from collections.abc import Mapping
from typing import Literal

import pandas as pd
import streamlit as st

from leadlib import charts, formats
from leadlib.ui import plots
from leadlib.ui.text import plain

_ROWS_IN_SIGHT = 10


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


def draw_chart(marks: pd.DataFrame, kind: Literal["bar", "line"], what: str, key: str) -> None:
    """Marks (see `charts.plot_table`) as bars or a line, under a sentence that says what they show."""
    takeaway = charts.table_takeaway(marks, kind, what)
    plain(takeaway)
    figure = charts.plot_table(marks, kind, what=what, theme=plots.current_theme())
    plots.draw_figure(figure, alt=takeaway, key=f"chart_{key}")
