"""Changing a notebook: for each cell its settings, its place, and its result below."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from leadlib.filters import Filters, describe
from leadlib.metrics import METRICS, groups_of, metric_named, options_of
from leadlib.notebooks import SHOWS, Cell, MetricCell, Show, SqlCell, TextCell, group_words, options_told, shows_of
from leadlib.ui import notebook_cells, notebook_sql
from leadlib.ui import notebook_draft as drafting
from leadlib.ui.changes import PERIOD_WORDS
from leadlib.ui.controls import CLOCK_WORDS, GRAIN_WORDS, WITHIN_WORDS
from leadlib.ui.notebook_draft import Draft, Piece
from leadlib.ui.text import plain
from leadlib.ui.view import View

_SHOW_WORDS: dict[Show, str] = {"number": "Number", "bar": "Bars", "line": "Line", "table": "Table"}
_KINDS: dict[type[Cell], str] = {TextCell: "Text", MetricCell: "Metric", SqlCell: "SQL"}
_OPTIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "grain": ("Grain", GRAIN_WORDS),
    "clock": ("Clock", CLOCK_WORDS),
    "within": ("In time is within", WITHIN_WORDS),
    "period": ("Leads of the last", PERIOD_WORDS),
}
_NOT_GROUPED = ""
_SIDEBAR, _OWN = "Those of the sidebar", "Own ones"


def draw(view: View, draft: Draft) -> None:
    """The cells with their settings and results, and the buttons that add one."""
    for place, piece in enumerate(draft.pieces):
        with st.container(border=True, key=f"piece_{piece.id}"):
            _draw_tools(draft, piece, place)
            if isinstance(piece.cell, TextCell):
                _edit_text(draft, piece, piece.cell)
            elif isinstance(piece.cell, SqlCell):
                _edit_sql(draft, piece, piece.cell)
            else:
                _edit_metric(view, draft, piece, piece.cell)
            notebook_cells.draw_cell(view, piece.cell, f"edit_{piece.id}")
    if not draft.pieces:
        plain("This notebook is empty. Begin with a few words, a metric, or a question in SQL.")
    with st.container(horizontal=True):
        st.button("Add text", icon=":material/notes:", on_click=drafting.add, args=(draft.name, TextCell()))
        st.button(
            "Add a metric", icon=":material/bar_chart:", on_click=drafting.add, args=(draft.name, drafting.new_metric())
        )
        if view.engine.settings.sql_cells:
            st.button(
                "Add SQL", icon=":material/code:", on_click=drafting.add, args=(draft.name, SqlCell(notebook_sql.FIRST))
            )


def _draw_tools(draft: Draft, piece: Piece, place: int) -> None:
    kind = _KINDS[type(piece.cell)]
    tools = (
        ("up", "Move up", ":material/arrow_upward:", drafting.move, (-1,), place == 0),
        ("down", "Move down", ":material/arrow_downward:", drafting.move, (1,), place == len(draft.pieces) - 1),
        ("twice", "Duplicate", ":material/content_copy:", drafting.duplicate, (), False),
        ("out", "Delete", ":material/delete:", drafting.remove, (), False),
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        plain(f"{place + 1} · {kind}", tone="normal")
        for name, words, icon, act, arguments, is_disabled in tools:
            st.button(
                " ",
                icon=icon,
                type="tertiary",
                help=words,
                key=f"{name}_{piece.id}",
                on_click=act,
                args=(draft.name, piece.id, *arguments),
                disabled=is_disabled,
            )


def _edit_text(draft: Draft, piece: Piece, cell: TextCell) -> None:
    key = f"text_{piece.id}"

    def take() -> None:
        drafting.put(draft.name, piece.id, TextCell(st.session_state[key]))

    st.text_area(
        "Words, in Markdown",
        cell.markdown,
        key=key,
        on_change=take,
        height=140,
        placeholder="What should be looked at, and why?",
        help="“## Heading”, “**bold**”, “- list”. Pictures from elsewhere are not loaded: of each, its link is shown.",
    )


def _edit_sql(draft: Draft, piece: Piece, cell: SqlCell) -> None:
    keys = {name: f"{name}_{piece.id}" for name in ("sql", "show")}

    def take() -> None:
        show = st.session_state.get(keys["show"]) or cell.show
        drafting.put(draft.name, piece.id, SqlCell(st.session_state[keys["sql"]], show))

    notebook_sql.sql_settings(cell, keys["sql"], take)
    st.segmented_control(
        "Shown as", list(SHOWS), default=cell.show, key=keys["show"], on_change=take,
        format_func=_SHOW_WORDS.__getitem__,
    )  # fmt: skip


def _edit_metric(view: View, draft: Draft, piece: Piece, cell: MetricCell) -> None:
    keys = {name: f"{name}_{piece.id}" for name in ("metric", "by", "show", "whose", *_OPTIONS)}
    state = st.session_state

    def put(changed: Cell) -> None:
        drafting.put(draft.name, piece.id, changed)

    def take_metric() -> None:
        metric = state[keys["metric"]]
        by = cell.by if cell.by in groups_of(metric) else None
        show = cell.show if cell.show in shows_of(metric, by) else shows_of(metric, by)[0]
        put(replace(cell, metric=metric, by=by, show=show, options=options_told(metric, by, cell.asked)))
        for name in ("by", "show", *_OPTIONS):
            state.pop(keys[name], None)

    def take_group() -> None:
        by = state[keys["by"]] or None
        show = cell.show if cell.show in shows_of(cell.metric, by) else shows_of(cell.metric, by)[0]
        put(replace(cell, by=by, show=show, options=options_told(cell.metric, by, cell.asked)))
        state.pop(keys["show"], None)

    def take_options() -> None:
        chosen = {
            name: value
            for name, choice in options.items()
            for value in choice.values
            if str(value) == state[keys[name]]
        }
        put(replace(cell, options=options_told(cell.metric, cell.by, chosen)))

    def take_show() -> None:
        put(replace(cell, show=state[keys["show"]] or cell.show))

    def take_filters() -> None:
        put(replace(cell, filters=view.filters if state[keys["whose"]] == _OWN else None))

    options = options_of(cell.metric, cell.by)
    metrics = [metric.key for metric in METRICS]
    groups = [_NOT_GROUPED, *groups_of(cell.metric)]
    # What was saved in another form than those that read well stays a choice.
    shows = list(dict.fromkeys([*shows_of(cell.metric, cell.by), cell.show]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Metric", metrics, index=metrics.index(cell.metric), key=keys["metric"], on_change=take_metric,
            format_func=lambda key: metric_named(key).label, help=metric_named(cell.metric).definition, width=320,
        )  # fmt: skip
        st.selectbox(
            "Grouped", groups, index=groups.index(cell.by or _NOT_GROUPED), key=keys["by"], on_change=take_group,
            format_func=lambda by: group_words(cell.metric, by) if by else "not", width=200,
            disabled=len(groups) == 1,
        )  # fmt: skip
        for name, choice in options.items():
            label, words = _OPTIONS[name]
            chosen = cell.asked.get(name, choice.default)
            st.selectbox(
                label, list(words), index=choice.values.index(chosen), key=keys[name], on_change=take_options,
                format_func=words.__getitem__, width=170,
            )  # fmt: skip
        st.segmented_control(
            "Shown as", shows, default=cell.show, key=keys["show"], on_change=take_show,
            format_func=_SHOW_WORDS.__getitem__,
        )  # fmt: skip
        st.segmented_control(
            "Filters", [_SIDEBAR, _OWN], default=_SIDEBAR if cell.filters is None else _OWN, key=keys["whose"],
            on_change=take_filters, help="Own filters are those of the sidebar as they are now, and stay so.",
        )  # fmt: skip
    if cell.filters is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            plain(f"Its filters: {describe(cell.filters, view.vocabulary.names)}")
            _draw_retake(draft, piece, cell, view.filters)


def _draw_retake(draft: Draft, piece: Piece, cell: MetricCell, filters: Filters) -> None:
    if filters != cell.filters:
        st.button(
            "Take those of the sidebar as they are now",
            type="tertiary",
            key=f"retake_{piece.id}",
            on_click=drafting.put,
            args=(draft.name, piece.id, replace(cell, filters=filters)),
        )
