"""A figure by itself: a row of METRICS and a SQL file are all there is to it."""

import pandas as pd

from leadlib.filters import MISSING, Filters
from leadlib.metrics.queries import ask
from leadlib.metrics.questions import labels_of
from leadlib.metrics.table import ALL, NO_GROUP, dimension_named, metric_named
from leadlib.store import Store


def own_figure(store: Store, filters: Filters, key: str, by: str | None = None) -> pd.DataFrame:
    """The figure `key` out of its own SQL file: one row for all leads, or one per group of a dimension, by key.

    Columns: key, label, and the figure under its own name (int; 0 where there are no leads). Groups that the file has
    nothing to say of have no row. Raises FilterError for an unknown metric or dimension.
    """
    metric = metric_named(key)
    dimension = dimension_named(by) if by else NO_GROUP
    rows = ask(store, metric.sql, filters, by=(dimension,))
    rows["key"] = rows["key"].fillna(MISSING)
    if by is None:
        rows = rows.set_index("key").reindex([ALL], fill_value=0).reset_index()
    labels = labels_of(store, dimension, list(rows["key"]))
    return pd.DataFrame({"key": rows["key"], "label": rows["key"].map(labels), key: rows[key].astype("int64")})
