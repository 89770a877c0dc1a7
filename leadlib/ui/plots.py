"""A chart on a card: title, takeaway, picture, and one click away its numbers and what they mean."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from leadlib.charts.day_notes import with_day_notes
from leadlib.metrics import metric_named
from leadlib.theme import Theme
from leadlib.ui import numbers
from leadlib.ui.guests import is_guest, without_ways
from leadlib.ui.pinned import words_by_day
from leadlib.ui.screens import screen
from leadlib.ui.text import plain
from leadlib.ui.view import current_view

_LIST_PX = 420
_CONFIG = {"displayModeBar": False, "responsive": True, "scrollZoom": False}


def current_theme() -> Theme:
    """The colours that the viewer's browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"


def draw(
    title: str,
    figure: go.Figure,
    *,
    takeaway: str,
    table: pd.DataFrame,
    metrics: Sequence[str],
    more: str | None = None,
    notes: Sequence[str] = (),
    offered: Mapping[str, str] | None = None,
    on_choose: Callable[[str], None] | None = None,
) -> None:
    """Draws the card. `takeaway` is one sentence, also for readers who cannot see the picture; `table` is its twin.

    `more` names the screen that says more about it, `notes` are sentences under the picture. `on_choose` is called with
    the key of a mark that is clicked, before the page runs again. `offered` has words for marks by key: they are chosen
    from a list under the picture, for pictures of whose marks the browser reports no click.
    """
    with st.container(border=True, height="stretch", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.header(title, anchor=False)
            with st.popover("Numbers", type="tertiary", icon=":material/table_chart:", key=f"numbers {title}"):
                define(metrics)
                numbers.draw(numbers.twin(table, metrics), alt=f"The numbers behind “{title}”")
        plain(takeaway)
        is_clicked = on_choose is not None and offered is None
        draw_figure(
            figure, alt=takeaway, key=f"chart {title}", notes=notes, on_choose=on_choose if is_clicked else None
        )
        if offered and on_choose is not None and not is_guest():
            _offer(offered, f"offered {title}", on_choose)
        if more and not is_guest():
            target = screen(more)
            st.page_link(
                target, label=f"More in {target.title}", icon=":material/arrow_forward:", icon_position="right"
            )


def draw_figure(
    figure: go.Figure,
    *,
    alt: str,
    key: str,
    notes: Sequence[str] = (),
    on_choose: Callable[[str], None] | None = None,
) -> None:
    """Draws the picture itself with what is noted on its days, and the sentences under it. Arguments as for `draw`."""
    noted = with_day_notes(figure, words_by_day(current_view().store), theme=current_theme())
    st.plotly_chart(
        figure,
        theme=None,
        config=_CONFIG,
        alt=alt,
        key=key,
        on_select="ignore" if on_choose is None or is_guest() else lambda: _take_mark(key, on_choose),
        selection_mode="points",
    )
    for note in filter(None, map(without_ways, (*notes, *noted))):
        plain(note)


def define(metrics: Sequence[str]) -> None:
    """What these metrics mean, a paragraph each."""
    for key in metrics:
        metric = metric_named(key)
        st.markdown(f"**{metric.label}.** {metric.definition}")


def _offer(offered: Mapping[str, str], key: str, on_choose: Callable[[str], None]) -> None:
    """The list from which a mark is chosen. It is empty again when the page comes back."""

    def take() -> None:
        chosen = st.session_state[key]
        if chosen is not None:
            st.session_state[key] = None
            on_choose(chosen)

    st.selectbox(
        "Show the leads of",
        list(offered),
        index=None,
        key=key,
        format_func=offered.__getitem__,
        placeholder="Choose what to look into",
        on_change=take,
        width=_LIST_PX,
    )


def _take_mark(key: str, on_choose: Callable[[str], None]) -> None:
    chosen = [point["customdata"][0] for point in st.session_state[key]["selection"]["points"] if "customdata" in point]
    if chosen:
        on_choose(chosen[0])
