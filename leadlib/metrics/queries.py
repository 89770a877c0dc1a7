"""SQL files by name, with filters and groups put in, and what of time has been read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from leadlib.filters import Filters, start_of_day, to_where
from leadlib.formats import Grain
from leadlib.metrics.table import HOURS_TO_MATURE, NO_GROUP, Dimension
from leadlib.store import Store

SQL_FOLDER = Path(__file__).resolve().parents[1] / "sql"

_FILTERS = "true /* filters */"
_GROUP = "'all' /* group */"
_DETAIL = "cast(null as varchar) /* detail */"
_GRAIN = "'day' /* grain */"
_MATURE = "24 /* hours to mature */"
_SEEN_BY = "timestamptz '2100-01-01 00:00:00+00' /* seen by */"
_KEYS = "true /* keys */"


@cache
def sql_named(name: str) -> str:
    """The text of leadlib/sql/`name`.sql, which runs by hand as it stands."""
    return (SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def ask(
    store: Store,
    name: str,
    filters: Filters,
    *,
    by: Dimension = NO_GROUP,
    grain: Grain = "day",
    seen_by: datetime | None = None,
    without: tuple[str, ...] = (),
) -> pd.DataFrame:
    """The rows of the SQL file `name` for `filters` (if it takes any), one set of them per group of `by`.

    Inserted text comes from `to_where`, from a Dimension and from Grain, which are closed; everything else is bound.
    `without` leaves out the groups with these keys ("none" for leads that have none).
    """
    sql = sql_named(name)
    # DuckDB refuses values that a statement does not name, and some questions are asked over all leads.
    condition, bound = to_where(filters, store.timezone) if _FILTERS in sql else ("true", {})
    if without:
        condition += f" and coalesce(cast({by.expression} as varchar), 'none') not in $left_out"
        bound["left_out"] = list(without)
    elif _GROUP in sql:
        sql = sql.replace(_GROUP, by.expression)
        sql = sql.replace(_DETAIL, by.detail or _DETAIL)
    if _MATURE in sql:
        sql = sql.replace(_MATURE, "$hours_to_mature")
        bound["hours_to_mature"] = HOURS_TO_MATURE
    if seen_by is not None and _SEEN_BY in sql:
        sql = sql.replace(_SEEN_BY, "$seen_by")
        bound["seen_by"] = seen_by
    sql = sql.replace(_FILTERS, condition).replace(_GRAIN, f"'{grain}'")
    return store.query(sql, bound)


def names_for(store: Store, by: Dimension, keys: list[str]) -> pd.DataFrame:
    """What the groups `keys` of `by` are called: columns key, label, is_active; no rows where nobody keeps names."""
    if by.names is None or not keys:
        return pd.DataFrame({"key": [], "label": [], "is_active": []}, dtype=object)
    return store.query(sql_named(by.names).replace(_KEYS, "key in $keys"), {"keys": keys})


_COVERAGE: "WeakKeyDictionary[Store, tuple[int, Coverage]]" = WeakKeyDictionary()


@dataclass(frozen=True)
class Coverage:
    """The stretches of time that were read, in order and without touching each other: (from, to) in UTC."""

    stretches: tuple[tuple[datetime, datetime], ...]

    @property
    def begins_at(self) -> datetime | None:
        """The first instant that was read; None if nothing was."""
        return self.stretches[0][0] if self.stretches else None

    @property
    def ends_at(self) -> datetime | None:
        """The last observation: what was created in a stretch before it is in the store. None if nothing was read."""
        return self.stretches[-1][1] if self.stretches else None

    def within(self, start: datetime | None, end: datetime | None) -> "Coverage":
        """The part of it in [start, end); None leaves a side open."""
        cut = ((max(a, start) if start else a, min(b, end) if end else b) for a, b in self.stretches)
        return Coverage(tuple((a, b) for a, b in cut if a < b))

    def contains(self, start: datetime, end: datetime) -> bool:
        """True if every instant of [start, end) was read."""
        return any(a <= start and end <= b for a, b in self.stretches)

    def shares(self, starts: pd.DatetimeIndex, ends: pd.DatetimeIndex) -> npt.NDArray[np.float64]:
        """How much of each [start, end) was read, 0 to 1; 1 for a bucket that has no length."""
        if not self.stretches:
            return np.zeros(len(starts))
        edges = np.array([_micros(instant) for stretch in self.stretches for instant in stretch], dtype=np.float64)
        lengths = np.cumsum(edges[1::2] - edges[::2])
        read_by = np.column_stack([np.concatenate([[0.0], lengths[:-1]]), lengths]).ravel()
        first, last = _index_micros(starts), _index_micros(ends)
        read = np.interp(last, edges, read_by) - np.interp(first, edges, read_by)
        length = last - first
        # Interpolating over years rounds to fractions of a millisecond; a bucket short of one was read whole.
        read = np.where(length - read < 1_000, length, read)
        return np.where(length > 0, np.clip(read / np.where(length > 0, length, 1), 0, 1), 1.0)


def coverage(store: Store) -> Coverage:
    """What of time has been read, whatever the filters. Asked once per state of the data: most questions need it."""
    version, known = _COVERAGE.get(store, (-1, Coverage(())))
    if version != store.data_version:
        version = store.data_version
        rows = store.query(sql_named("coverage"), {})
        known = Coverage(tuple((utc(a), utc(b)) for a, b in zip(rows["covered_from"], rows["covered_to"], strict=True)))
        _COVERAGE[store] = (version, known)
    return known


def window(filters: Filters, timezone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """The instants between which the filters' days lie: [start, end), None where a side is open."""
    first, last = filters.first("from"), filters.first("to")
    return (
        start_of_day(first, timezone) if first else None,
        start_of_day(last, timezone, days_later=1) if last else None,
    )


def between(filters: Filters, first: date, last: date) -> Filters:
    """The same question for other days, both inclusive."""
    return Filters.of({**dict(filters.selected), "from": (first.isoformat(),), "to": (last.isoformat(),)})


def utc(value: datetime) -> datetime:
    """An instant from a frame as a plain UTC datetime, whatever zone the database showed it in."""
    stamp = pd.Timestamp(value)
    aware = stamp.tz_localize(UTC) if stamp.tzinfo is None else stamp.tz_convert(UTC)
    return aware.to_pydatetime()


def local_time(instant: datetime, store: Store) -> datetime:
    """An instant on the clock of the account's zone, naive."""
    return instant.astimezone(store.timezone).replace(tzinfo=None)


_STEPS: Mapping[Grain, str] = {"hour": "h", "day": "D", "week": "7D", "month": "MS"}


def bucket_start(local: datetime, grain: Grain) -> datetime:
    """The start of the bucket that holds the naive local time `local`."""
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if grain == "hour":
        return local.replace(minute=0, second=0, microsecond=0)
    if grain == "week":
        return midnight - timedelta(days=midnight.weekday())
    return midnight.replace(day=1) if grain == "month" else midnight


@dataclass(frozen=True)
class Buckets:
    """Every bucket from a first to a last: `starts` on the local clock (naive), `from_` and `to` as UTC instants."""

    starts: pd.DatetimeIndex
    from_: pd.DatetimeIndex
    to: pd.DatetimeIndex


def buckets_between(first: datetime, last: datetime, grain: Grain, timezone: ZoneInfo) -> Buckets:
    """All buckets from the one that holds the naive local `first` to the one that holds `last`.

    An hour that the clock skips in spring is left out; the one it repeats in autumn is one bucket of two hours.
    """
    step = _STEPS[grain]
    starts = pd.date_range(bucket_start(first, grain), bucket_start(last, grain), freq=step, unit="us")
    edges = pd.date_range(starts[0], periods=len(starts) + 1, freq=step, unit="us")
    instants = edges.tz_localize(
        timezone, ambiguous=np.ones(len(edges), dtype=bool), nonexistent="shift_forward"
    ).tz_convert(UTC)
    happened = instants[1:] > instants[:-1]
    return Buckets(starts[happened], instants[:-1][happened], instants[1:][happened])


def _micros(instant: datetime) -> float:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)


def _index_micros(index: pd.DatetimeIndex) -> npt.NDArray[np.float64]:
    return index.as_unit("us").asi8.astype(np.float64)
