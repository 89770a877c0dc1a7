"""How the headline numbers compare with the period before, at equal length and equal age."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from leadlib import formats
from leadlib.filters import Filters, start_of_day
from leadlib.metrics.queries import Coverage, ask, between, coverage, local_time
from leadlib.metrics.statistics import newcombe
from leadlib.metrics.table import MAXIMUM_UNKNOWN_SHARE, MINIMUM_FOR_RATE, NO_GROUP, Dimension, metric_named
from leadlib.store import Store

DAYS_COMPARED = 30
"""How many complete days are compared when the filters name no days."""

_Cohort = Mapping[Any, int]
_Side = tuple[_Cohort | None, _Cohort | None, str]


def summary_change(store: Store, filters: Filters) -> pd.DataFrame:
    """How the headline numbers compare with the period of equal length before, at equal age; one row per number.

    The period is the filters' days as far as they are over, or the last 30 complete days where the filters name none.
    The earlier leads are taken as they were known as many days earlier: both periods had equally long to be answered.

    Columns: key (of METRICS: leads, unique_senders, responded, response_rate, response_rate_of_all), current, previous,
    change (a difference; of shares for rates), change_low, change_high (Newcombe's 95 % interval, rates only),
    relative_change (change / previous, counts only), is_comparable, reason (why not; empty if it is), current_from,
    current_to, previous_from, previous_to (days, inclusive; None where there is no period). What cannot be compared is
    None or NaN: the earlier days were not read, their replies were not yet being followed, or leads are too few.
    """
    keys = ("leads", "unique_senders", "responded", "response_rate", "response_rate_of_all")
    periods = compare_periods(store, filters)
    rows = periods.rows.set_index("is_current").drop(columns="key")
    now, then = rows.reindex([True, False], fill_value=0).to_dict("records")
    if periods.current is None:
        return _changes(dict.fromkeys(keys, (None, None, periods.reason)), None, None)
    if periods.reason:
        return _changes(dict.fromkeys(keys, (now, None, periods.reason)), periods.current, periods.previous)
    counts: _Side = (now, then, "")
    replies: _Side = (now, None, periods.replies_reason) if periods.replies_reason else counts
    sides = {key: replies if key.startswith("respon") else counts for key in keys}
    return _changes(sides, periods.current, periods.previous)


@dataclass(frozen=True)
class Periods:
    """Two periods of equal length and how far their leads had come at equal age.

    `current` and `previous` are first and last days, inclusive; None where no day is over. `rows` are those of
    cohort.sql. `reason` says why the two cannot be compared, `replies_reason` why their replies cannot.
    """

    current: tuple[date, date] | None
    previous: tuple[date, date] | None
    rows: pd.DataFrame
    reason: str = ""
    replies_reason: str = ""


def compare_periods(store: Store, filters: Filters, by: Dimension = NO_GROUP) -> Periods:
    """The filters' days as far as they are over, or the last 30 complete ones, and as many days before them."""
    read = coverage(store)
    current = complete_days(store, filters, read)
    if current is None or read.ends_at is None:
        return Periods(None, None, pd.DataFrame({"key": [], "is_current": []}), "There is no complete day to compare.")
    first, last = current
    length = timedelta(days=(last - first).days + 1)
    previous = (first - length, last - length)
    has_previous = read.contains(*ends_of(store, previous))
    rows = _cohorts(store, filters, previous[0] if has_previous else first, current, read.ends_at, by)
    if not read.contains(*ends_of(store, current)):
        return Periods(current, previous, rows, f"Not all of {formats.day_range(*current)} was read.")
    if not has_previous:
        days = formats.day_range(*previous)
        return Periods(current, previous, rows, f"The days before, {days}, are not all in the store.")
    earlier = rows[~rows["is_current"].astype(bool)]
    if earlier["uncertain"].sum() > MAXIMUM_UNKNOWN_SHARE * earlier["leads"].sum():
        unsure = "Replies to the earlier leads were not yet being followed at the same age."
        return Periods(current, previous, rows, replies_reason=unsure)
    return Periods(current, previous, rows)


def complete_days(store: Store, filters: Filters, read: Coverage) -> tuple[date, date] | None:
    """The first and last day to compare, both inclusive and over at the last observation; None if there is none."""
    if read.begins_at is None or read.ends_at is None:
        return None
    last = local_time(read.ends_at, store).date() - timedelta(days=1)
    first_chosen, last_chosen = filters.first("from"), filters.first("to")
    if last_chosen is not None:
        last = min(last, date.fromisoformat(last_chosen))
    if first_chosen is not None:
        first = date.fromisoformat(first_chosen)
    elif last_chosen is not None:
        first = local_time(read.begins_at, store).date()
    else:
        first = last - timedelta(days=DAYS_COMPARED - 1)
    return (first, last) if first <= last else None


def ends_of(store: Store, days: tuple[date, date]) -> tuple[datetime, datetime]:
    first, last = days
    return start_of_day(first.isoformat(), store.timezone), start_of_day(last.isoformat(), store.timezone, 1)


def _cohorts(
    store: Store, filters: Filters, first: date, current: tuple[date, date], seen_by: datetime, by: Dimension
) -> pd.DataFrame:
    """The leads of the current period as of `seen_by`; those from `first` up to it as of as many days earlier."""
    return ask(
        store,
        "cohort",
        between(filters, first, current[1]),
        by=(by,),
        current_from=ends_of(store, current)[0],
        seen_by=seen_by,
        seen_by_before=seen_by - (current[0] - first),
    )


def _changes(
    sides: Mapping[str, _Side], current: tuple[date, date] | None, previous: tuple[date, date] | None
) -> pd.DataFrame:
    rows = []
    for key, (now, then, reason) in sides.items():
        row = _rate_change(key, now, then) if metric_named(key).unit == "share" else _count_change(key, now, then)
        row["reason"] = row.get("reason") or reason
        rows.append({"key": key, **row})
    numbers = ["current", "previous", "change", "change_low", "change_high", "relative_change"]
    days = {
        f"{name}_{end}": np.array([ends and ends[place]] * len(rows), dtype=object)
        for name, ends in (("current", current), ("previous", previous))
        for place, end in enumerate(("from", "to"))
    }
    return pd.DataFrame(
        {
            "key": [row["key"] for row in rows],
            **{name: np.array([row.get(name) for row in rows], dtype=float) for name in numbers},
            "is_comparable": [not row["reason"] for row in rows],
            "reason": [row["reason"] for row in rows],
            **days,
        }
    )


def _count_change(key: str, now: _Cohort | None, then: _Cohort | None) -> dict[str, object]:
    row: dict[str, object] = {"current": now[key] if now else None}
    if now is not None and then is not None:
        change = now[key] - then[key]
        row |= {"previous": then[key], "change": change, "relative_change": change / then[key] if then[key] else None}
    return row


def _rate_change(key: str, now: _Cohort | None, then: _Cohort | None) -> dict[str, object]:
    metric = metric_named(key)
    top, bottom = str(metric.numerator), str(metric.denominator)

    def shown(side: _Cohort) -> float | None:
        unknown_leads = side["unknown_matured"] if key == "response_rate" else 0
        is_shown = side[bottom] >= MINIMUM_FOR_RATE and unknown_leads <= MAXIMUM_UNKNOWN_SHARE * side[bottom]
        return side[top] / side[bottom] if is_shown else None

    row: dict[str, object] = {"current": shown(now) if now else None}
    if now is None or then is None:
        return row
    row["previous"] = shown(then)
    if row["current"] is None or row["previous"] is None:
        row["reason"] = "Too few leads, or too many of unknown history, for a rate in both periods."
        return row
    change, low, high = newcombe(now[top], now[bottom], then[top], then[bottom])
    return row | {"change": float(change), "change_low": float(low), "change_high": float(high)}
