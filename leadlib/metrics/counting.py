"""Counts and rates per group, as columns: arrays of one length, which questions make into frames at their end.

A frame per step would cost more than the statements do: pandas needs a tenth of a millisecond for almost anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from leadlib.filters import MISSING, Filters
from leadlib.metrics.queries import ask, remembered
from leadlib.metrics.statistics import wilson
from leadlib.metrics.table import (
    MAXIMUM_UNKNOWN_SHARE,
    MINIMUM_FOR_RATE,
    MINIMUM_FOR_VERDICT,
    NO_GROUP,
    OTHERS,
    Dimension,
    dimension_named,
)
from leadlib.store import Store

Columns = Mapping[str, npt.NDArray[Any]]

COUNTS: tuple[str, ...] = (
    *("leads", "unique_senders", "unassigned", "responded", "waiting", "archived", "archived_unknown", "unrecognised"),
    *("matured", "responded_matured", "unknown_matured", "pending"),
    *("reached_sent", "reached_delivered", "reached_opened", "reached_responded"),
)
"""The columns of counts that `summary` and `breakdown` share, each a key of METRICS."""

ADDABLE: tuple[str, ...] = tuple(name for name in COUNTS if name != "unique_senders")
"""Those of them of which a whole is the sum of its parts."""

# What most screens show side by side is counted together: one reading of the leads answers for all of it.
_TOGETHER = tuple(dimension_named(key) for key in ("channel", "entity_type"))

_NO_NUMBER = -1
"""Stands for the others where groups are numbers: no agent has it."""

# Bits are counted at a fifth of the cost of numbers, but each group of each thread has one for every sender there is:
# that pays where there are many leads, and may not take more memory than 64 MB a thread.
_MANY_LEADS = 50_000
_MOST_BITS = 2**29


def counts_by(
    store: Store, filters: Filters, by: Dimension, shown: Sequence[str] | None = None
) -> dict[str, npt.NDArray[Any]]:
    """One place per group: key ("none" for leads that have none), detail, ADDABLE, first_created_at, last_created_at.

    In no order; or in the order of `shown`, and after them one group with the key "others" for all that are not shown.
    Times are UTC without saying so; `detail` is None where the dimension has none.
    """
    key = ("counts_by", filters, by.key, tuple(shown) if shown is not None else None)
    return dict(remembered(store, key, lambda: _counts_by(store, filters, by, shown)))


def _counts_by(
    store: Store, filters: Filters, by: Dimension, shown: Sequence[str] | None
) -> dict[str, npt.NDArray[Any]]:
    is_together = by.key == NO_GROUP.key or by.key in {dimension.key for dimension in _TOGETHER}
    kinds = ask(store, "counts", filters, by=_TOGETHER if is_together else (by,))
    keys = list(kinds[by.key].fillna(MISSING)) if by.key in kinds else [by.key] * len(kinds)
    if shown is not None:
        keys = [key if key in set(shown) else OTHERS for key in keys]
    place_of = {key: place for place, key in enumerate(dict.fromkeys([*(shown or ()), *keys]))}
    places = np.array([place_of[key] for key in keys], dtype="int64")
    order = np.argsort(places, kind="stable")
    starts = np.searchsorted(places[order], np.arange(len(place_of)))

    def by_group(total: np.ufunc, column: str, dtype: str) -> npt.NDArray[Any]:
        return total.reduceat(kinds[column].to_numpy(dtype)[order], starts) if place_of else np.array([], dtype)

    details = dict(zip(keys, kinds["detail"], strict=True)) if by.detail else {}
    return {
        "key": np.array(list(place_of), dtype=object),
        "detail": np.array([details.get(key) for key in place_of], dtype=object),
        **{name: by_group(np.add, name, "int64") for name in ADDABLE},
        "first_created_at": by_group(np.minimum, "first_created_at", "datetime64[us]"),
        "last_created_at": by_group(np.maximum, "last_created_at", "datetime64[us]"),
    }


def senders_by(store: Store, filters: Filters, by: Dimension, shown: Sequence[str] | None = None) -> dict[str, int]:
    """How many different senders each group has, by key as in `counts_by`; those of the others are counted together."""
    counted = counts_by(store, filters, by, shown)
    n_bits = None
    if counted["leads"].sum() >= _MANY_LEADS:
        last = remembered(store, "last_sender", lambda: _last_sender(store))
        n_bits = last if last * len(counted["key"]) <= _MOST_BITS else None
    if shown is None:
        rows = ask(store, "senders", filters, by=(by,), senders_up_to=n_bits)
    else:
        # As numbers where they are numbers: to make a text of each lead's agent first takes four times as long.
        is_number = by.key == "agent"
        keys = tuple(int(key) if is_number else key for key in shown if key != MISSING)
        is_shown = f"{by.expression} in $shown" + (f" or {by.expression} is null" if MISSING in shown else "")
        others = replace(by, expression=f"if({is_shown}, {by.expression}, {_NO_NUMBER if is_number else repr(OTHERS)})")
        rows = ask(store, "senders", filters, by=(others,), senders_up_to=n_bits, shown=keys)
        rows["key"] = rows["key"].replace(str(_NO_NUMBER), OTHERS)
    return dict(zip(rows["key"].fillna(MISSING), rows["unique_senders"], strict=True))


def _last_sender(store: Store) -> int:
    """The highest number of a sender, at least 1."""
    last = store.query("select max(sender_no) as last from leads")["last"].iloc[0]
    return 1 if pd.isna(last) else int(last)


def rates(counted: Columns) -> dict[str, npt.NDArray[Any]]:
    """Both rates that stand beside counts, each as four columns: see `rate`."""
    return {
        **rate("response_rate", counted["responded_matured"], counted["matured"], counted["unknown_matured"]),
        # The portal's own figure knows no unknowns: archived leads count as not responded, so no bounds replace it.
        **rate("response_rate_of_all", counted["responded"], counted["leads"], 0 * counted["leads"]),
    }


def rate(
    name: str, hits: npt.NDArray[np.int64], n: npt.NDArray[np.int64], unknown_leads: npt.NDArray[np.int64]
) -> dict[str, npt.NDArray[Any]]:
    """The rate hits / n, its interval from none to all of the unknown among the hits, and its quality."""
    low, _ = wilson(hits, n)
    _, high = wilson(hits + unknown_leads, n)
    is_shown = n >= MINIMUM_FOR_RATE
    is_bounds = unknown_leads > MAXIMUM_UNKNOWN_SHARE * n
    return {
        name: np.where(is_shown & ~is_bounds, hits / np.maximum(n, 1), np.nan),
        f"{name}_low": np.where(is_shown, low, np.nan),
        f"{name}_high": np.where(is_shown, high, np.nan),
        f"{name}_quality": np.select(
            [n == 0, ~is_shown, is_bounds, n < MINIMUM_FOR_VERDICT],
            ["no_leads", "too_few", "bounds", "few"],
            "enough",
        ).astype(object),
    }
