"""What is known about the data itself: syncs, rejected rows, values nobody documented. Filters have no say here."""

import pandas as pd

from leadlib.filters import Filters
from leadlib.metrics.queries import ask
from leadlib.store import Store


def sync_history(store: Store, filters: Filters) -> pd.DataFrame:
    """The last twenty syncs, newest first: the columns of `syncs` without its id and dialect. Times are UTC."""
    return ask(store, "sync_history", filters)


def drift(store: Store, filters: Filters) -> pd.DataFrame:
    """Values that no dialect of the API documents: field, value, leads; most leads first."""
    return ask(store, "drift", filters)


def rejected(store: Store, filters: Filters) -> pd.DataFrame:
    """Rows that are no leads: reason, n_rows, last_seen_at (UTC); most rows first."""
    return ask(store, "rejected", filters)
