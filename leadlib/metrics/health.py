"""What is known about the data itself: syncs, rejected rows, values nobody documented. Filters have no say here."""

from datetime import datetime

import pandas as pd

from leadlib.filters import Filters
from leadlib.metrics.queries import ask, coverage, sql_named, utc
from leadlib.store import Store


def sync_history(store: Store, filters: Filters) -> pd.DataFrame:
    """The last twenty syncs, the last complete one and the last that compared totals, newest first; times are UTC.

    Columns: those of `syncs` without its id and dialect.
    """
    return ask(store, "sync_history", filters)


def drift(store: Store, filters: Filters) -> pd.DataFrame:
    """Values that no dialect of the API documents: field, value, leads; most leads first."""
    return ask(store, "drift", filters)


def odd_fields(store: Store, filters: Filters) -> pd.DataFrame:
    """Fields that no document of the API has: path, n_rows (read with it), first_seen_at, last_seen_at (UTC).

    The newest discovery comes first.
    """
    return ask(store, "odd_fields", filters)


def rejected(store: Store, filters: Filters) -> pd.DataFrame:
    """Rows that are no leads: reason, n_rows, newest_at (when the newest first came, UTC); most rows first."""
    return ask(store, "rejected", filters)


def doubts(store: Store) -> tuple[tuple[datetime, datetime], ...]:
    """Stretches of time that were read, but never so that nothing can be missing, in order: (from, to) in UTC."""
    certain = store.query(sql_named("coverage").replace("true /* certainty */", "is_certain"))
    found = []
    for begin, end in coverage(store).stretches:
        for sure_from, sure_to in zip(certain["covered_from"].map(utc), certain["covered_to"].map(utc), strict=True):
            if sure_from < end and sure_to > begin:
                if begin < sure_from:
                    found.append((begin, sure_from))
                begin = sure_to
        if begin < end:
            found.append((begin, end))
    return tuple(found)
