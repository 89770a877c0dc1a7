"""From a mark on the page of the funnel to exactly its leads."""

from collections.abc import Callable
from datetime import date, timedelta

import pandas as pd

from leadlib import formats
from leadlib.filters import Filters
from leadlib.metrics import summary
from leadlib.records import LADDER
from leadlib.ui import drill
from leadlib.ui.engine import load
from leadlib.ui.view import View


def to_week(view: View) -> Callable[[str], None]:
    """For `on_choose` of a chart of weeks: asks for all leads of the week, the younger ones too."""
    return lambda monday: drill.to_leads_under(filters_of_week(view.filters, monday))


def to_reached(view: View) -> Callable[[str], None]:
    """For `on_choose` of a chart of the funnel: asks for the leads that are known to have come as far as a bar.

    A bar of leads without a channel leads nowhere: no filter tells them apart.
    """

    def choose(mark: str) -> None:
        if not mark.endswith("/"):
            drill.to_leads_under(filters_of_reached(view.filters, mark))

    return choose


def filters_of_reached(filters: Filters, mark: str) -> Filters:
    """The filters that leave exactly the leads of a bar of the funnel, by its stage, or its stage and channel."""
    stage, _, channel = mark.partition("/")
    if channel:
        filters = filters.with_values("type", [channel])
    # Those who came further than a lower stage already fill its bar.
    rungs = [LADDER.index(rung) for rung in filters["reached"] if rung in LADDER]
    is_narrower = bool(rungs) and min(rungs) >= LADDER.index(stage)
    return filters if is_narrower else filters.with_values("reached", [stage])


def words_of_moves(moves: pd.DataFrame) -> dict[str, str]:
    """For `offered` of the chart of `transitions`: the words of each move with its leads, most leads first."""
    rows = moves.sort_values("moved", ascending=False, kind="stable")
    counted = zip(rows["key"], rows["label"], rows["moved"], strict=True)
    return {key: f"{label} · {formats.count_of(leads, 'lead')}" for key, label, leads in counted}


def to_move(view: View) -> Callable[[str], None]:
    """For `on_choose` of the chart of `transitions`: asks for the leads of a move."""
    return lambda move: drill.to_leads_under(filters_of_move(view.filters, move))


def filters_of_move(filters: Filters, move: str) -> Filters:
    """The filters that leave exactly the leads of a move: those in force stay, moves that were chosen before too."""
    return filters.with_values("move", [*filters["move"], move])


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
