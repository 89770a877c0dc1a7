"""Who responded by a fixed age: the only response rate that can be compared from week to week."""

import pandas as pd

from leadlib.filters import MISSING, Filters
from leadlib.metrics.counting import rate
from leadlib.metrics.queries import ask
from leadlib.metrics.questions import breakdown, summary
from leadlib.metrics.table import NO_GROUP, dimension_named, label_of
from leadlib.store import Store

_COUNTED = (
    *("leads", "matured", "responded_matured", "unknown_matured", "pending"),
    *("response_rate", "response_rate_low", "response_rate_high", "response_rate_quality"),
)


def within_hours(store: Store, filters: Filters, by: str | None = None) -> pd.DataFrame:
    """The share of leads that had responded 24 hours after they came, beside the rate so far; one row per group.

    Without `by` there is one row, key "all", also when there are no leads; else the groups and their order are those of
    `breakdown`. Columns: key, label (the group), leads, matured, response_rate_within (share of the matured leads that
    were seen responded by that age, whatever came later; NaN below 5 of them, or when unknowns pass 5 %) with _low and
    _high (95 % interval, from none to all of the unknown) and _quality, responded_within, unknown_within (matured leads
    of which the looks do not tell), then response_rate with its parts, responded_matured, unknown_matured and pending,
    as in `breakdown`.
    """
    if by is None:
        dimension = NO_GROUP
        counted = summary(store, filters).assign(key=NO_GROUP.key, label=label_of(NO_GROUP, NO_GROUP.key))
    else:
        dimension = dimension_named(by)
        counted = breakdown(store, filters, by)
    told = ask(store, "within_hours", filters, by=(dimension,))
    told["key"] = told["key"].fillna(MISSING)
    told = told.set_index("key").reindex(counted["key"], fill_value=0)
    parts = {name: told[name].to_numpy("int64") for name in ("responded_within", "unknown_within")}
    matured = counted["matured"].to_numpy("int64")
    shares = rate("response_rate_within", parts["responded_within"], matured, parts["unknown_within"])
    frame = counted[["key", "label", *_COUNTED]].assign(**shares, **parts)
    return frame[["key", "label", "leads", "matured", *shares, *parts, *_COUNTED[2:]]].astype({"label": "str"})
