"""The leads themselves, a page at a time: what a table shows and a drill ends in."""

from typing import Literal, get_args

import pandas as pd

from leadlib.filters import Filters, to_where
from leadlib.metrics.queries import sql_named
from leadlib.metrics.table import unknown
from leadlib.store import Store

ROWS_PER_PAGE = 50

Order = Literal["newest", "oldest", "longest_waiting"]
_ORDERS = {
    "newest": "created_at desc, lead_id",
    "oldest": "created_at, lead_id",
    # Who still waits comes first, the oldest of them on top; whoever has an answer follows, newest first.
    "longest_waiting": "stage not in ('sent', 'delivered', 'opened'), "
    "case when stage in ('sent', 'delivered', 'opened') then created_at end, created_at desc, lead_id",
}


def lead_rows(store: Store, filters: Filters, order: Order = "newest", page: int = 1) -> pd.DataFrame:
    """The leads of one page of fifty, counted from 1; nothing personal. A page past the end is empty.

    Columns: those of `leads` that a reader needs, with agent_name, listing_title, project_title and developer_name
    (missing where there is no name). created_local is on the account's clock, the other times are UTC.
    """
    if order not in get_args(Order):
        raise unknown("order", order, get_args(Order))
    condition, bound = to_where(filters, store.timezone)
    sql = sql_named("lead_rows").replace("true /* filters */", condition)
    sql = sql.replace("created_at desc, lead_id /* order */", _ORDERS[order])
    sql = sql.replace("50 /* rows */", "$rows").replace("0 /* skipped */", "$skipped")
    return store.query(sql, {**bound, "rows": ROWS_PER_PAGE, "skipped": (max(1, page) - 1) * ROWS_PER_PAGE})
