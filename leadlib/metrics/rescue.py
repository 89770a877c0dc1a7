"""The leads that wait now: how long, how many too long, and how likely a reply still comes."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from leadlib import formats
from leadlib.filters import MISSING, Filters, to_where
from leadlib.metrics.lead_rows import ROWS_PER_PAGE
from leadlib.metrics.queries import ask, coverage, group_label, local_time, names_of, remembered, sql_named, utc
from leadlib.metrics.replies import WIDEST_BOUNDS, Looks
from leadlib.metrics.statistics import wilson
from leadlib.metrics.table import (
    CHANNEL_LABELS,
    DAYS_AHEAD,
    MINIMUM_FOR_VERDICT,
    NO_GROUP,
    dimension_named,
    other,
    unknown,
)
from leadlib.metrics.working_clock import clock_of
from leadlib.statistics import Incidence
from leadlib.store import Store

QueueOrder = Literal["repeat", "due", "chance", "oldest"]
# Who can still be answered in time comes first, the nearest to the end of it on top; then what is overdue least.
_DUE = "is_overdue, if(is_overdue, null, created_at), created_at desc, lead_id"
_ORDERS: dict[QueueOrder, str] = {
    "repeat": f"nth_lead = 1, {_DUE}",
    "due": _DUE,
    "oldest": "created_at, lead_id",
    "chance": "reply_chance desc nulls last, created_at desc, lead_id",
}

_REPLIED, _ARCHIVED = 0, 1
_HORIZON_MIN = DAYS_AHEAD * 24 * 60
# Close enough to each other that the chance changes little from one to the next.
_AGES_MIN = (
    *(0, 1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1_080, 1_440, 2_160, 2_880, 4_320),
    *(5_760, 7_200, 10_080, 14_400, 20_160, 30_240, 43_200, 64_800, 86_400),
)

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_BACKLOG = ("key", "label", "is_active", "waiting", "overdue", "waiting_again", "oldest_waiting_h", "sla_minutes")
_CHANCES = ("key", "label", "age_min", "reply_chance", "reply_chance_low", "reply_chance_high", "n_waited", "reason")


def backlog(store: Store, filters: Filters, by: Literal["agent", "channel"] | None = None) -> pd.DataFrame:
    """What waits, one row per agent or channel that has any, most overdue first; one row of all where `by` is None.

    Columns: key and label (the group, "none" for unassigned leads), is_active (agents: False if departed), waiting,
    overdue (waiting for more than sla_minutes on the working clock), waiting_again (from senders of earlier leads),
    oldest_waiting_h (hours up to the last observation; NaN if nothing waits), sla_minutes. Without `by` there is a row
    also where nothing waits.
    """
    if by not in (None, "agent", "channel"):
        raise unknown("group for the backlog", str(by), ["agent", "channel"])
    dimension = dimension_named(by) if by else NO_GROUP
    ends_at = coverage(store).ends_at
    rows = ask(store, "backlog", filters, by=(dimension,), overdue_before=_overdue_before(store))
    if by is None and rows.empty:
        rows = pd.DataFrame({"key": [NO_GROUP.key], "oldest_created_at": [pd.NaT]})
        rows[["waiting", "overdue", "waiting_again"]] = 0
    keys = list(rows["key"].fillna(MISSING))
    names = names_of(store, dimension)
    rows["key"] = pd.Series(keys, dtype="str")
    rows["label"] = pd.Series([group_label(store, dimension, key) for key in keys], dtype="str")
    rows["is_active"] = np.array([names[key].is_active if key in names else None for key in keys], dtype=object)
    rows["oldest_waiting_h"] = [
        np.nan if pd.isna(oldest) or ends_at is None else (ends_at - utc(oldest)) / timedelta(hours=1)
        for oldest in rows["oldest_created_at"]
    ]
    rows["sla_minutes"] = store.sla_minutes
    rows = rows.sort_values(["overdue", "waiting", "key"], ascending=[False, False, True], ignore_index=True)
    return rows[list(_BACKLOG)]


def queue(store: Store, filters: Filters, order: QueueOrder = "repeat", page: int = 1) -> pd.DataFrame:
    """The waiting leads of one page of fifty, counted from 1; nothing personal. A page past the end is empty.

    There are as many as `waiting` says under the same filters. Columns: those of `lead_rows`; nth_lead (1 for a
    sender's first lead, 2 for the next, among all leads), reply_chance (that a reply still comes; NaN where refused),
    waited_min and sla_left_min (minutes on the working clock up to the last observation; the second is negative for
    what is overdue), is_overdue.
    """
    if order not in get_args(QueueOrder):
        raise unknown("order", order, get_args(QueueOrder))
    ends_at = coverage(store).ends_at or _NEVER
    condition, bound = to_where(filters, store.timezone)
    chances = reply_chances(store, Filters())
    values: dict[str, tuple[str, object]] = {
        "as_of": ("timestamptz '2100-01-01 00:00:00+00' /* as of */", ends_at),
        "overdue_before": ("timestamptz '1900-01-01 00:00:00+00' /* overdue before */", _overdue_before(store)),
        "channels": ("'[]' /* channels */", list(chances["key"])),
        "ages": ("'[]' /* ages */", list(chances["age_min"])),
        "chances": ("'[]' /* chances */", [None if np.isnan(x) else x for x in chances["reply_chance"]]),
        "rows": ("50 /* rows */", ROWS_PER_PAGE),
        "skipped": ("0 /* skipped */", (max(1, page) - 1) * ROWS_PER_PAGE),
    }
    sql = sql_named("queue").replace("true /* filters */", condition)
    sql = sql.replace("created_at, lead_id /* order */", _ORDERS[order])
    for name, (mark, _) in values.items():
        sql = sql.replace(mark, f"${name}")
    rows = store.query(sql, {**bound, **{name: value for name, (_, value) in values.items()}})
    created_at = _instants(utc(instant) for instant in rows["created_at"])
    rows["waited_min"] = clock_of(store).minutes_between(created_at, _instants([ends_at]))
    rows["sla_left_min"] = store.sla_minutes - rows["waited_min"]
    return rows


def reply_chances(store: Store, filters: Filters) -> pd.DataFrame:
    """How likely a reply comes to a waiting lead within DAYS_AHEAD days, by channel and the age it has reached.

    Whatever the filters, all leads are looked at that came since the day after the first look: of earlier ones nobody
    knows how long they waited. Columns: key and label (the channel), age_min (on the wall clock; the row holds until
    the next one of its channel), reply_chance with _low and _high (95 % interval, about that of a share counted among
    n_waited, from the least to the most that the looks allow; all NaN where refused), n_waited (leads that were seen
    waiting at this age, whatever came later), reason (why there is no chance; empty if there is one). Rows go by
    channel and age; no rows for calls.
    """
    first_at = ask(store, "first_look", Filters())["first_seen_at"].iloc[0]
    if pd.isna(first_at):
        return _no_chances()
    since = local_time(utc(first_at), store).date() + timedelta(days=1)
    channels = sorted(
        set(ask(store, "statuses", Filters(), by=(dimension_named("channel"),))["key"].dropna()) - {"call"}
    )
    found = [_chances_of(store, channel, since.isoformat()) for channel in channels]
    return pd.concat(found, ignore_index=True) if found else _no_chances()


def _chances_of(store: Store, channel: str, since: str) -> pd.DataFrame:
    rows = ask(store, "reply_intervals", Filters.of({"type": [channel], "from": [since]}))
    known = rows[rows["kind"] != "unknown"]
    shares = remembered(store, ("rescue", channel, since), lambda: Looks.of(known).found)
    begins, leads = known["begins_min"].to_numpy("float64"), known["leads"].to_numpy("int64")
    label = CHANNEL_LABELS.get(channel) or other(channel)
    found = []
    for age in _AGES_MIN:
        n_waited, n_followed = (int(leads[begins >= until].sum()) for until in (age, age + _HORIZON_MIN))
        least, most = _chance(shares, age) if n_waited else (np.nan, np.nan)
        reason = _reason(n_waited, n_followed, most - least)
        told = (np.nan,) * 3
        if not reason:
            low, high = wilson([least * n_waited, most * n_waited], n_waited)
            told = ((least + most) / 2, float(low[0]), float(high[1]))
        found.append((channel, label, age, *told, n_waited, reason))
    return pd.DataFrame(found, columns=list(_CHANCES)).astype(dict.fromkeys(("key", "label", "reason"), "str"))


def _chance(shares: Incidence, age: float) -> tuple[float, float]:
    """The least and the largest chance that the looks allow: what ended around `age` ended before it, or after it."""
    by_then = shares.by(_REPLIED, age + _HORIZON_MIN)
    ended = [(shares.by(_REPLIED, age)[end], shares.by(_ARCHIVED, age)[end]) for end in (0, 1)]
    found = [
        max(0.0, later - replied) / max(1 - replied - archived, 1e-12)
        for replied, archived in ended
        for later in by_then
    ]
    return min(1.0, min(found)), min(1.0, max(found))


def _reason(n_waited: int, n_followed: int, width: float) -> str:
    if n_waited < MINIMUM_FOR_VERDICT:
        return f"History is too thin: {formats.count_of(n_waited, 'lead')} seen waiting so long."
    if n_followed < MINIMUM_FOR_VERDICT:
        return f"History is too short: {formats.count_of(n_followed, 'lead')} followed for {DAYS_AHEAD} days more."
    return "Looks are too far apart." if width > WIDEST_BOUNDS else ""


def _no_chances() -> pd.DataFrame:
    frame = pd.DataFrame({name: [] for name in _CHANCES})
    return frame.astype({"key": "str", "label": "str", "reason": "str", "n_waited": "int64"})


def _overdue_before(store: Store) -> datetime:
    """Leads that were created before this instant have waited longer than the SLA allows, on the working clock."""
    ends_at = coverage(store).ends_at
    if ends_at is None:
        return _NEVER
    clock = clock_of(store)
    weeks = store.sla_minutes // clock.hours.minutes_per_week + 2
    begin, end = _instants([ends_at - timedelta(weeks=weeks), ends_at])
    # The first instant after which no more work has been done than the SLA allows: nobody has to count lead by lead.
    (found,) = clock.after(np.array([begin]), float(clock.minutes_between(begin, end)) - store.sla_minutes)
    return utc(pd.Timestamp(found))


def _instants(instants: Iterable[datetime]) -> npt.NDArray[np.datetime64]:
    return np.array([instant.astimezone(UTC).replace(tzinfo=None) for instant in instants], dtype="datetime64[us]")
