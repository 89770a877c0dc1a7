"""A period's leads day by day beside those of the one before: of equal length, and days of equal age."""

from datetime import date, timedelta
from typing import Literal, get_args

import numpy as np
import pandas as pd

from leadlib import formats
from leadlib.filters import Filters
from leadlib.metrics.change import complete_days, ends_of
from leadlib.metrics.queries import ask, between, coverage
from leadlib.metrics.statistics import rate_ratio
from leadlib.metrics.table import MINIMUM_FOR_RATE, unknown
from leadlib.statistics import dispersion
from leadlib.store import Store

Compared = Literal["previous", "weekdays", "week", "month"]

_DAYS_FOR_SPREAD = 56
_LEAST_PAIRS = 14
"""Fewer pairs of days a week apart tell nothing of how uneven days are; chance alone is assumed then."""

_Days = tuple[date, date]


def volume_change(store: Store, filters: Filters, by: Compared = "previous") -> pd.DataFrame:
    """A period's leads a day beside an earlier period's: one row per day since the start; no complete day: no rows.

    `by` says what is compared: "previous" the chosen days with as many just before, "weekdays" with the nearest earlier
    ones that begin on the same weekday, "week" the week so far with the one before up to the same weekday, "month" the
    month so far with the one before up to the same day. The period is the filters' days as far as they are over, or the
    last 30 complete days; week and month are those of its last day.

    Columns: day_number (from 1), day, previous_day (days), leads, previous_leads (NaN for a day that was not read
    whole), is_compared (both days were); and in each row the same: current_leads and earlier_leads (sums over the days
    compared), leads_ratio (the first by the second) with _low and _high (95 % interval, widened by how much more uneven
    than chance the last 56 days were beside the same weekdays a week before), n_compared, and reason (why there is no
    ratio; empty if there is). Without a ratio it is NaN.
    """
    if by not in get_args(Compared):
        raise unknown("comparison", by, get_args(Compared))
    read = coverage(store)
    chosen = complete_days(store, filters, read)
    periods = None if chosen is None else _periods(chosen, by)
    if periods is None:
        return _frame([], [], {}, 1.0)
    current, previous = (_days_of(period) for period in periods)
    first = min(previous[0], current[-1] - timedelta(days=_DAYS_FOR_SPREAD - 1))
    counted = ask(store, "volume", between(filters, first, current[-1]))
    leads = {bucket.date(): int(n) for bucket, n in zip(counted["bucket"], counted["leads"], strict=True)}
    whole = [day for day in _days_of((first, current[-1])) if read.contains(*ends_of(store, (day, day)))]
    known = {day: leads.get(day, 0) for day in whole}
    week = timedelta(days=7)
    pairs = [(n, known[day - week]) for day, n in known.items() if day - week in known]
    spread = dispersion(*zip(*pairs, strict=True)) if len(pairs) >= _LEAST_PAIRS else 1.0
    return _frame(current, previous, known, spread)


def _periods(chosen: _Days, by: Compared) -> tuple[_Days, _Days] | None:
    """The days to compare and those that they are compared with, all inclusive and both as long."""
    first, last = chosen
    if by == "week":
        first = max(first, last - timedelta(days=last.weekday()))
    if by == "month":
        first = max(first, last.replace(day=1))
        month_before = first.replace(day=1) - timedelta(days=1)
        if first.day > month_before.day:
            return None
        # A month that is longer than the one before has days that nothing is like.
        begin = month_before.replace(day=first.day)
        last = min(last, first + (month_before - begin))
        return (first, last), (begin, begin + (last - first))
    length = (last - first).days + 1
    back = timedelta(days=length if by == "previous" else -(-length // 7) * 7)
    return (first, last), (first - back, last - back)


def _days_of(period: _Days) -> list[date]:
    return [period[0] + timedelta(days=place) for place in range((period[1] - period[0]).days + 1)]


def _frame(current: list[date], previous: list[date], known: dict[date, int], spread: float) -> pd.DataFrame:
    leads = np.array([known.get(day, np.nan) for day in current], dtype=float)
    earlier = np.array([known.get(day, np.nan) for day in previous], dtype=float)
    is_compared = ~np.isnan(leads) & ~np.isnan(earlier)
    sums = int(leads[is_compared].sum()), int(earlier[is_compared].sum())
    reason = ""
    if not is_compared.any() and previous:
        days = formats.day_range(previous[0], previous[-1])
        reason = f"The days before, {days}, are not in the store."
    elif min(sums) < MINIMUM_FOR_RATE:
        reason = "Too few leads for a ratio in both periods."
    ratio, low, high = (np.nan,) * 3 if reason else (float(end) for end in rate_ratio(*sums, spread))
    return pd.DataFrame(
        {
            "day_number": np.arange(1, len(current) + 1),
            "day": np.array(current, dtype=object),
            "previous_day": np.array(previous, dtype=object),
            "leads": leads,
            "previous_leads": earlier,
            "is_compared": is_compared,
            "current_leads": sums[0],
            "earlier_leads": sums[1],
            "leads_ratio": ratio,
            "leads_ratio_low": low,
            "leads_ratio_high": high,
            "n_compared": int(is_compared.sum()),
            "reason": reason,
        }
    )
