"""A chart on a card: title, takeaway, picture, and one click away its numbers and what they mean."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from leadlib.metrics import METRICS, metric_named
from leadlib.theme import Theme
from leadlib.ui.text import plain

_CONFIG = {"displayModeBar": False, "responsive": True, "scrollZoom": False}


def current_theme() -> Theme:
    """The colours that the viewer's browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"


def draw(title: str, figure: go.Figure, *, takeaway: str, table: pd.DataFrame, metrics: Sequence[str]) -> None:
    """Draws the card. `takeaway` is one sentence, also for readers who cannot see the picture; `table` is its twin."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"##### {title}")
            with st.popover("Numbers", type="tertiary", icon=":material/table_chart:", key=f"numbers {title}"):
                _define(metrics)
                st.dataframe(_readable(table), hide_index=True, alt=f"The numbers behind “{title}”")
        plain(takeaway)
        st.plotly_chart(figure, theme=None, config=_CONFIG, alt=takeaway, key=f"chart {title}")


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """The frame with columns in words, and without the machine's own (keys, flags of quality)."""
    words = {metric.key: metric.label for metric in METRICS}
    ends = {"_low": " (low)", "_high": " (high)"}
    names = {}
    for name in table.columns:
        base, end = next(((name.removesuffix(e), e) for e in ends if name.endswith(e)), (name, ""))
        names[name] = words.get(base, base.replace("_", " ").capitalize()) + ends.get(end, "")
    shown = table.drop(columns=[c for c in table.columns if c == "key" or c.endswith("_quality")])
    return shown.dropna(axis="columns", how="all").rename(columns=names)


def _define(metrics: Sequence[str]) -> None:
    for key in metrics:
        metric = metric_named(key)
        st.markdown(f"**{metric.label}.** {metric.definition}")
