"""SQL cells on the screen: the statement, its rows, and what it can ask for."""

from collections.abc import Callable
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.errors import QueryStoppedError, SqlCellError
from leadlib.export import rows_on_record, who_is
from leadlib.filters import Filters
from leadlib.notebooks import SqlCell, shown_sql, sql_title_of
from leadlib.proof import Facts, answer_to_csv, link_of, sql_about
from leadlib.sql_cells import OFF, PLACES, SqlAnswer, run_sql, schema
from leadlib.ui.engine import get_engine
from leadlib.ui.notebook_results import Behind, draw_csv, draw_result
from leadlib.ui.text import literal, plain
from leadlib.ui.view import View

_NO_RIGHT = "You have no right to see what SQL cells answer."
_TRIES = "notebook_sql_tries"
_REMEMBERED_S = 3600
FIRST = (
    "-- Leads by channel\nselect channel, count(*) as leads\nfrom filtered_leads\ngroup by channel\norder by leads desc"
)
"""What a new cell asks: a statement that runs, to be changed."""


def draw(view: View, cell: SqlCell, key: str) -> None:
    """One cell with its rows. Why there are none is said in its place."""
    answer = _answer(view, cell)
    if isinstance(answer, str | SqlCellError):
        with st.container(border=True, key=f"failed_{key}"):
            st.header(literal(sql_title_of(cell)), anchor=False)
            _draw_error(cell, answer, key)
        return
    shown = shown_sql(cell, answer)
    if shown.show == "number":
        name, words = shown.number
        st.metric(literal(name), literal(words), border=True, height="stretch", help=_told(answer))
        return

    def make() -> str:
        facts = Facts.of(view.store, view.filters, view.sentence, link_of(view.filters))
        content = answer_to_csv(answer.frame, sql_about(facts, cell.sql, answer.frame))
        return rows_on_record(
            view.engine.store, view.store, view.filters, content, len(answer.frame),
            who=who_is(view.access), now=datetime.now(UTC),
        )  # fmt: skip

    def draw_statement() -> None:
        plain(_told(answer))
        st.code(cell.sql, language="sql", wrap_lines=True)
        draw_csv("These rows as CSV", make, "leadlight-sql.csv", key)

    draw_result(shown, key, Behind(f"sql_{key}", "SQL", ":material/code:", draw_statement))


def draw_schema(key: str) -> None:
    """What a statement can ask for, relation by relation, in the glossary's words. `key` is that of the cell."""
    columns = pd.DataFrame(schema())
    relation = st.selectbox("Relation", list(dict.fromkeys(columns["relation"])), index=1, key=f"relation_{key}")
    shown = columns[columns["relation"] == relation]
    plain("“filtered_leads” are the leads under the sidebar's filters; the others hold everything.")
    st.dataframe(
        shown[["column", "type", "meaning"]].rename(columns=str.capitalize),
        hide_index=True,
        column_config={"Meaning": st.column_config.TextColumn(width="large")},
        alt=f"The columns of {relation}",
    )


def sql_settings(cell: SqlCell, key: str, take: Callable[[], None]) -> None:
    """The field with the statement. `take` is called when it has changed."""
    st.text_area(
        "SQL", cell.sql, key=key, on_change=take, height=160,
        help="One SELECT in DuckDB's words. It runs when you leave the field or press Ctrl+Enter. A comment in the "
        "first line, “-- Leads by hour”, is the title.",
    )  # fmt: skip
    with st.popover("What can be asked for", icon=":material/schema:", type="tertiary", key=f"schema_{key}"):
        draw_schema(key)


def _answer(view: View, cell: SqlCell) -> SqlAnswer | SqlCellError | str:
    """The rows, what was wrong, or why it was not tried. Each statement runs once per generation and filters."""
    if not view.engine.settings.sql_cells:
        return OFF
    if not view.access.may_use_sql:
        return _NO_RIGHT
    store = view.store
    n_ahead = PLACES.n_ahead_of_next
    others = f"{formats.count_of(n_ahead, 'SQL cell')} of others" if n_ahead else ""
    # Shown after half a second only, so that what is remembered needs no words.
    with st.spinner(f"Waiting for {others} to end, then running SQL …" if others else "Running SQL …"):
        return _run(cell.sql, view.filters.selected, store.agents, store.published(), _tries().get(cell.sql, 0))


@st.cache_resource(max_entries=64, ttl=_REMEMBERED_S, show_spinner=False)
def _run(
    sql: str,
    selected: tuple[tuple[str, tuple[str, ...]], ...],
    agents: tuple[int, ...] | None,
    generation: int | None,
    tries: int,
) -> SqlAnswer | SqlCellError:
    """Errors are remembered too: a statement that runs into its limit would do so again at every click elsewhere."""
    engine = get_engine()
    patience = engine.store.patience
    try:
        return run_sql(engine.settings.database, sql, Filters(selected), agents=agents, is_gone=patience.is_gone)
    except SqlCellError as error:
        return error
    except QueryStoppedError:
        patience.leave()
        raise


def _draw_error(cell: SqlCell, problem: SqlCellError | str, key: str) -> None:
    if isinstance(problem, str):
        plain(problem)
        return
    at = "" if problem.line is None else f"Line {problem.line}: "
    st.warning("**This cell has no answer**", icon=":material/warning:")
    plain(f"{at}{problem}", tone="normal")
    if problem.line is not None:
        lines = cell.sql.split("\n")
        st.code(lines[min(problem.line, len(lines)) - 1], language="sql", wrap_lines=True)
    st.button("Run again", icon=":material/replay:", key=f"again_{key}", on_click=_try_again, args=(cell.sql,))


def _try_again(sql: str) -> None:
    _tries()[sql] = _tries().get(sql, 0) + 1


def _tries() -> dict[str, int]:
    tries: dict[str, int] = st.session_state.setdefault(_TRIES, {})
    return tries


def _told(answer: SqlAnswer) -> str:
    rows = formats.count_of(len(answer.frame), "row")
    return f"{rows} in {formats.number(answer.seconds, 1)}{formats.NBSP}s, from commit {answer.sequence} of the store."
