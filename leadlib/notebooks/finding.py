"""What the cells of a notebook answer, one after the other."""

import pandas as pd

from leadlib.errors import LeadlibError
from leadlib.filters import Filters
from leadlib.notebooks.answers import answer
from leadlib.notebooks.model import Cell, MetricCell, Notebook, SqlCell
from leadlib.sql_cells import OFF, SqlAnswer, run_sql
from leadlib.store import Store

Found = pd.DataFrame | SqlAnswer | str | None
"""What a cell has to show: a metric's frame, the rows of its SQL, why there is neither, None for words."""


def found_by(store: Store, notebook: Notebook, page_filters: Filters, *, with_sql: bool = True) -> list[Found]:
    """What each cell has to show, in their order, as the page asks for it. A cell that fails does not stop others."""
    return [_found(store, cell, page_filters, with_sql=with_sql) for cell in notebook.cells]


def _found(store: Store, cell: Cell, page_filters: Filters, *, with_sql: bool) -> Found:
    try:
        if isinstance(cell, MetricCell):
            filters = page_filters if cell.filters is None else cell.filters
            return answer(store, filters, cell.metric, cell.by, **cell.asked)
        if isinstance(cell, SqlCell):
            return run_sql(store.folder, cell.sql, page_filters, agents=store.agents) if with_sql else OFF
    except LeadlibError as error:
        return str(error)
    return None
