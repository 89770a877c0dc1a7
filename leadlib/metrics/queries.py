"""SQL files by name, with filters and groups put in, and what of time has been read.

Answers are remembered for as long as the data stays as it is: questions share them, and most of what a statement over
a few thousand leads costs is the planning of it.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from leadlib.filters import MISSING, Filters, field_named, start_of_day, to_where
from leadlib.formats import Grain
from leadlib.metrics.table import NO_GROUP, Dimension, label_of
from leadlib.records import HOURS_TO_MATURE
from leadlib.store import Store, waiting_for

SQL_FOLDER = Path(__file__).resolve().parents[1] / "sql"

_FILTERS = "true /* filters */"
_GROUP = "'all' /* group */"
_GROUPS = "'all' as \"all\" /* groups */"
_GROUP_NAMES = '"all" /* their names */'
_GROUP_TEXTS = 'cast("all" as varchar) as "all" /* as texts */'
_GROUPED_BY = 'kinds."all" /* by their names */'
_DETAIL = "cast(null as varchar) /* detail */"
_GRAIN = "'day' /* grain */"
_LEADS_OF_A_ROW = "1 /* leads of a row */"
_LAST_OF_A_ROW = "created_at /* last of a row */"
_DIFFERENT_SENDERS = "count(distinct sender_no) /* different senders */"
_MOVES = "['first:sent>today:sent'] /* moves */"

_MOST_REMEMBERED = 64
"""Answers kept per store; the one that was not asked for longest goes first."""


@cache
def sql_named(name: str) -> str:
    """The text of leadlib/sql/`name`.sql, which runs by hand as it stands."""
    return (SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


@dataclass
class _Memory:
    data_version: int
    answers: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict)
    making: dict[Hashable, threading.Lock] = field(default_factory=dict)


_MEMORIES: WeakKeyDictionary[Store, _Memory] = WeakKeyDictionary()
_MEMORY_LOCK = threading.Lock()
_T = TypeVar("_T")


def remembered(store: Store, key: Hashable, make: Callable[[], _T]) -> _T:
    """What `make` gives, made once per `key` and state of the store's data. Shared: do not change it in place.

    Of many who ask at once one makes it, and the others wait for that.
    """
    version = store.data_version
    with _MEMORY_LOCK:
        memory = _MEMORIES.get(store)
        if memory is None or memory.data_version != version:
            memory = _MEMORIES[store] = _Memory(version)
        if key in memory.answers:
            memory.answers.move_to_end(key)
            found: _T = memory.answers[key]
            return found
        making = memory.making.setdefault(key, threading.Lock())
    with waiting_for(making, store.patience, str(store.folder)):
        with _MEMORY_LOCK:
            if key in memory.answers:
                made_meanwhile: _T = memory.answers[key]
                return made_meanwhile
        made = make()
        with _MEMORY_LOCK:
            memory.answers[key] = made
            memory.making.pop(key, None)
            if len(memory.answers) > _MOST_REMEMBERED:
                memory.answers.popitem(last=False)
    return made


def forget_answers(store: Store) -> None:
    """Forgets what was remembered of a store, as if its data had changed."""
    with _MEMORY_LOCK:
        _MEMORIES.pop(store, None)


def ask(
    store: Store,
    name: str,
    filters: Filters,
    *,
    by: Sequence[Dimension] = (NO_GROUP,),
    grain: Grain = "day",
    senders_up_to: int | None = None,
    **values: Hashable,
) -> pd.DataFrame:
    """The rows of the SQL file `name` for `filters` (if it takes any), one set of them per group of `by`.

    Files that mark groups take several dimensions, each of which becomes a column named as its key; the others take
    one. Inserted text comes from `to_where`, FIELDS, Dimensions and Grain, which are closed. `values` are bound where
    the file marks the place with their name, as in `24 /* hours to mature */`. With `senders_up_to`, about the
    highest number of a sender, different ones are counted as bits: to the same end, in few groups of many leads sooner.
    """
    if _FILTERS not in sql_named(name):
        filters = Filters()  # asked over all leads: one answer for whatever is filtered by
    key = (name, filters, tuple((dimension.key, dimension.expression) for dimension in by), grain, *values.items())
    frame = remembered(
        store, key, lambda: store.query(*_statement(store, name, filters, by, grain, senders_up_to, values))
    )
    # pandas copies when somebody writes, so nobody changes what others were given.
    return frame.copy(deep=False)


def _statement(
    store: Store,
    name: str,
    filters: Filters,
    by: Sequence[Dimension],
    grain: Grain,
    senders_up_to: int | None,
    values: Mapping[str, Hashable],
) -> tuple[str, dict[str, object]]:
    sql = sql_named(name)
    rollup = _rollup_for(name, filters, by, grain) if store.has_rollups else None
    if rollup is not None:
        sql = re.sub(r"\bfrom leads\b", f"from {rollup}", sql)
        sql = sql.replace(_LEADS_OF_A_ROW, "leads").replace(_LAST_OF_A_ROW, "last_created_at")
    if senders_up_to is not None:
        up_to = f"sender_no <= {senders_up_to:d}"
        as_bits = f"coalesce(bit_count(bitstring_agg(sender_no, 1, {senders_up_to:d}) filter ({up_to})), 0)"
        # A lead may have come since the highest number was asked for.
        sql = sql.replace(_DIFFERENT_SENDERS, f"{as_bits} + {_DIFFERENT_SENDERS} filter (not {up_to})")
    condition, bound = to_where(filters, store.timezone)
    names = [f'"{dimension.key}"' for dimension in by]
    for mark, text in (
        (_FILTERS, condition),
        (_GRAIN, f"'{grain}'"),
        (_GROUP, by[0].expression),
        (_GROUPS, ", ".join(f"{d.expression} as {name}" for d, name in zip(by, names, strict=True))),
        (_GROUP_NAMES, ", ".join(names)),
        (_GROUPED_BY, ", ".join(f"kinds.{name}" for name in names)),
        (_GROUP_TEXTS, ", ".join(f"cast({name} as varchar) as {name}" for name in names)),
        (_DETAIL, by[0].detail or _DETAIL),
        (_MOVES, field_named("move").column),
    ):
        sql = sql.replace(mark, text)
    for value_name, value in {"hours_to_mature": HOURS_TO_MATURE, **values}.items():
        words = value_name.replace("_", " ")
        sql = re.sub(rf"(timestamptz )?('[^']*'|\[[^\]]*\]|\w+) /\* {words} \*/", f"${value_name}", sql)
        if f"${value_name}" in sql:  # DuckDB refuses values that a statement does not name
            bound[value_name] = list(value) if isinstance(value, tuple) else value
    return sql, bound


@dataclass(frozen=True)
class _Rolled:
    """What a roll-up can stand in for: SQL files that mark the leads of a row, under these filters, by these groups."""

    files: frozenset[str]
    filters: frozenset[str]
    groups: frozenset[str]


# At ten million leads they answer from a hundredth of the rows. The filters' days are whole days of the account's
# clock, so a row of a day or an hour lies within them or not; a week may lie half within.
_ROLLED: Mapping[str, _Rolled] = {
    "lead_days": _Rolled(
        frozenset({"counts", "volume", "statuses", "stages_seen"}),
        frozenset({"from", "to", "type", "entity", "status", "reached", "weekday"}),
        frozenset({NO_GROUP.key, "channel", "entity_type", "status", "stage", "day", "week", "month", "weekday"}),
    ),
    "lead_hours": _Rolled(
        frozenset({"volume", "heat_map"}),
        frozenset({"from", "to", "type", "weekday", "hour"}),
        frozenset({NO_GROUP.key, "channel", "day", "week", "month", "weekday", "hour"}),
    ),
    "agent_weeks": _Rolled(frozenset({"counts"}), frozenset({"agent", "reached"}), frozenset({"agent"})),
}


def _rollup_for(name: str, filters: Filters, by: Sequence[Dimension], grain: Grain) -> str | None:
    """The table that answers like `leads`, in fewer rows; None if there is none."""
    keys, groups = {key for key, _ in filters.selected}, {dimension.key for dimension in by}
    for table, rolled in _ROLLED.items():
        is_fine = table == "lead_hours" or grain != "hour"
        if name in rolled.files and keys <= rolled.filters and groups <= rolled.groups and is_fine:
            return table
    return None


@dataclass(frozen=True)
class Name:
    """What a group is called; `label` is None where its name is empty, `is_active` where the portal does not say."""

    label: str | None
    is_active: bool | None


def names_of(store: Store, by: Dimension) -> Mapping[str, Name]:
    """What the groups of `by` are called, by key; nothing where nobody keeps names."""
    if by.names is None:
        return {}
    file_name = by.names
    return remembered(store, ("names", file_name), lambda: _load_names(store, file_name))


def group_label(store: Store, by: Dimension, key: str) -> str:
    """What a group is called: its name, "#17" for an agent that nobody named, else the words for its key."""
    name = names_of(store, by).get(key)
    if name is not None and name.label is not None:
        return name.label
    return f"#{key}" if by.key == "agent" and key != MISSING else label_of(by, key)


def _load_names(store: Store, file_name: str) -> dict[str, Name]:
    rows = store.query(sql_named(file_name))
    labels = [label.strip() or None if isinstance(label, str) else None for label in rows["label"]]
    flags = [None if pd.isna(flag) else bool(flag) for flag in rows["is_active"]]
    return {key: Name(label, flag) for key, label, flag in zip(rows["key"], labels, flags, strict=True)}


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
    """What of time has been read, whatever the filters."""
    return remembered(store, "coverage", lambda: _load_coverage(store))


def _load_coverage(store: Store) -> Coverage:
    rows = store.query(sql_named("coverage"))
    return Coverage(tuple((utc(a), utc(b)) for a, b in zip(rows["covered_from"], rows["covered_to"], strict=True)))


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


def days_of_bucket(start: date, grain: Grain) -> tuple[date, date]:
    """The first and the last day of the bucket that begins on the day `start`, both inclusive."""
    if grain == "month":
        return start, (start.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return start, start + timedelta(days=6 if grain == "week" else 0)


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
