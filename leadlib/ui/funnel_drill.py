"""From a mark on the page of the funnel to exactly its leads."""

from collections.abc import Callable
from datetime import date, timedelta

import pandas as pd

from leadlib.filters import Filters
from leadlib.metrics import summary
from leadlib.ui import drill
from leadlib.ui.engine import load
from leadlib.ui.view import View


def to_week(view: View) -> Callable[[str], None]:
    """For `on_choose` of a chart of weeks: asks for all leads of the week, the younger ones too."""
    return lambda monday: drill.to_leads_under(filters_of_week(view.filters, monday))


def to_status(view: View, statuses: pd.DataFrame) -> Callable[[str], None]:
    """For `on_choose` of a chart of `status_counts` over all leads: asks for those of a bar.

    A bar that no filter tells apart leads nowhere: no word for a status, or one that the other dialect has a word of
    its own for, which the store holds too.
    """

    def choose(status: str) -> None:
        if not status:
            return
        filters = view.filters.with_values("status", [status])
        if load(summary, filters)["leads"].iloc[0] == statuses.loc[statuses["status"] == status, "leads"].sum():
            drill.to_leads_under(filters)

    return choose


def filters_of_week(filters: Filters, monday: str) -> Filters:
    """These filters, narrowed to the week of a Monday written as 2026-05-25; days that they leave out stay out."""
    first = date.fromisoformat(monday)
    last = first + timedelta(days=6)
    since, until = filters.first("from"), filters.first("to")
    days = {
        "from": [max(first, date.fromisoformat(since) if since else first).isoformat()],
        "to": [min(last, date.fromisoformat(until) if until else last).isoformat()],
    }
    return Filters.of({**dict(filters.selected), **days})
