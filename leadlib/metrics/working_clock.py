"""The working clock: how much work lies between two instants, and when an amount of it will have been done.

Working hours become stretches of instants, so that a night, a weekend and a change of the clocks are nothing special.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from leadlib.store import Store
from leadlib.working_hours import WorkingHours

Instants = npt.NDArray[np.datetime64]

_MINUTE_US = 60_000_000


@dataclass(frozen=True)
class Stretches:
    """Stretches of work in order, none touching the one before: `begins` and `ends` in microseconds since 1970 (UTC).

    `worked` is the work done before each, in microseconds since the first one began. The work by an instant is that of
    the last stretch begun by then plus what has passed of it.
    """

    begins: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    @property
    def worked(self) -> npt.NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(self.ends - self.begins)[:-1]])


@dataclass(frozen=True)
class WorkingClock:
    """A clock that runs during working hours only, in the zone whose days they are told in."""

    hours: WorkingHours
    timezone: ZoneInfo

    def stretches(self, first: date, last: date) -> Stretches:
        """The stretches of work of at least these days, both inclusive. Stretches that meet at midnight are one.

        An hour that the clocks skip holds no work, one that they repeat is worked twice.
        """
        return _of_years(self, first.year, last.year)

    def minutes_between(self, begin: Instants, end: Instants) -> npt.NDArray[np.float64]:
        """Working minutes from each `begin` to its `end` (UTC); negative where the end comes first, NaN for NaT.

        From a frame: `frame["created_at"].to_numpy("datetime64[us]")`.
        """
        begin_us, end_us = np.broadcast_arrays(_micros(begin), _micros(end))
        known = ~(_is_missing(begin_us) | _is_missing(end_us))
        minutes = np.full(begin_us.shape, np.nan)
        if known.any():
            stretches = self.stretches(
                _day(min(begin_us[known].min(), end_us[known].min()), -1),
                _day(max(begin_us[known].max(), end_us[known].max()), 1),
            )
            passed = _worked_by(stretches, end_us[known]) - _worked_by(stretches, begin_us[known])
            minutes[known] = passed / _MINUTE_US
        return minutes

    def after(self, begin: Instants, minutes: float) -> Instants:
        """The instants (UTC) when `minutes` of work, not negative, will have passed since each `begin`; NaT for NaT.

        The earliest such instant: work that is due by the end of a day is due at its end, not the next morning. After
        no minutes at all it is `begin` itself.
        """
        if not minutes > 0:
            return np.asarray(begin, dtype="datetime64[us]")
        begin_us = _micros(begin)
        known = ~_is_missing(begin_us)
        found = np.full(begin_us.shape, "NaT", dtype="datetime64[us]")
        if known.any():
            days = 7 * int(minutes // self.hours.minutes_per_week + 3)  # a change of the clocks costs less than a week
            stretches = self.stretches(_day(begin_us[known].min(), -1), _day(begin_us[known].max(), days))
            due = _worked_by(stretches, begin_us[known]) + round(minutes * _MINUTE_US)
            place = np.searchsorted(stretches.worked, due, side="left") - 1
            found[known] = (stretches.begins[place] + due - stretches.worked[place]).astype("datetime64[us]")
        return found


def clock_of(store: Store) -> WorkingClock:
    """The clock of the account: its working hours in its zone."""
    return WorkingClock(store.working_hours, store.timezone)


def _worked_by(stretches: Stretches, at_us: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Microseconds of work by each instant, since the first stretch began."""
    place = np.maximum(np.searchsorted(stretches.begins, at_us, side="right") - 1, 0)
    begins, ends = stretches.begins[place], stretches.ends[place]
    worked: npt.NDArray[np.int64] = stretches.worked[place] + np.clip(at_us, begins, ends) - begins
    return worked


@lru_cache(maxsize=32)
def _of_years(clock: WorkingClock, first_year: int, last_year: int) -> Stretches:
    begins: list[int] = []
    ends: list[int] = []
    day = date(first_year, 1, 1)
    while day.year <= last_year:
        for begin, end in clock.hours.days[day.weekday()]:
            begin_us, end_us = (_instant_us(day, minutes, clock.timezone) for minutes in (begin, end))
            if ends and begin_us <= ends[-1]:  # at midnight, or pushed there by clocks that skip an hour
                ends[-1] = max(ends[-1], end_us)
            elif begin_us < end_us:
                begins.append(begin_us)
                ends.append(end_us)
        day += timedelta(days=1)
    return Stretches(np.array(begins, dtype=np.int64), np.array(ends, dtype=np.int64))


def _instant_us(day: date, minutes: int, timezone: ZoneInfo) -> int:
    local = datetime(day.year, day.month, day.day, tzinfo=timezone) + timedelta(minutes=minutes)
    return round((local.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def _micros(instants: Instants) -> npt.NDArray[np.int64]:
    return np.asarray(instants, dtype="datetime64[us]").astype(np.int64)


def _is_missing(at_us: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    is_missing: npt.NDArray[np.bool_] = at_us == np.iinfo(np.int64).min
    return is_missing


def _day(at_us: np.int64, days_later: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(at_us), days=days_later)).date()
