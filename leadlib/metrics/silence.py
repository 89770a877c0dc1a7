"""Is a channel silent, or only quiet? Asked only of stretches of time over which our own sync was healthy."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from leadlib import formats
from leadlib.filters import MISSING, Filters
from leadlib.metrics.counting import counts_by
from leadlib.metrics.health import doubts, sync_history
from leadlib.metrics.queries import Buckets, Coverage, ask, between, buckets_between, coverage, local_time, utc
from leadlib.metrics.table import ALL, Silence, dimension_named, label_of
from leadlib.statistics import rhythm
from leadlib.store import Store

ALARM = "silent_channel"

DAYS_OF_HISTORY = 56
LEAST_DAYS = 14
LEAST_LEADS = 20
"""A channel with fewer days or leads than these has no rhythm that could be broken."""

SILENT_BELOW = 0.05
"""A silence is told where the chance of one so long within a month is smaller: a false alarm in twenty months each."""

QUIET_BELOW = 0.05
"""A pause longer than all but so many of its kind is quiet; there are such ones every month."""

_COLUMNS = (
    *("key", "label", "silence", "last_lead_at", "silent_h", "expected_leads", "silence_chance"),
    *("n_history", "history_days", "reason"),
)


def channel_silence(store: Store, filters: Filters) -> pd.DataFrame:
    """Whether each channel, and all together, went silent up to the last observation: all first, then most leads first.

    Columns: key ("all" for all channels), label, silence (see SILENCE_WORDS), last_lead_at (UTC), silent_h (hours from
    it to the last observation), expected_leads (usual at those hours of the week), silence_chance (the chance that
    within a month a pause so long comes of itself), n_history and history_days (leads and days that say what is usual:
    those of the 56 days before the last observation, up to the last lead), reason (why nothing can be told; empty if
    something can). Chances and expectations are NaN where nothing can be told. The filters' days have no say, the
    question is about now. No leads: no rows.

    Nothing is told where the time since the last lead was not read without a gap and without a doubt, or if the newest
    sync has failed.
    """
    filters = filters.with_values("from", ()).with_values("to", ())
    read = coverage(store)
    dimension = dimension_named("channel")
    counted = counts_by(store, filters, dimension)
    if read.ends_at is None or not len(counted["key"]):
        return _frame([])
    ends_at = read.ends_at
    order = np.lexsort((counted["key"].astype(str), -counted["leads"]))
    last_at = {str(counted["key"][place]): utc(counted["last_created_at"][place]) for place in order}
    last_at = {ALL: max(last_at.values()), **last_at}
    history = _History.load(store, filters, read, ends_at)
    fault = _fault_of_ours(store)
    rows = []
    for key, last in last_at.items():
        row = {
            "key": key,
            "label": "All channels" if key == ALL else label_of(dimension, key),
            "last_lead_at": last,
            "silent_h": max(0.0, (ends_at - last) / timedelta(hours=1)),
            **history.judged(key, last, ends_at),
        }
        if row["silence"] != "too_little":
            reason = fault or _gap_since(store, read, last, ends_at)
            if reason:
                row |= {"silence": "cannot_tell", "reason": reason, "expected_leads": np.nan, "silence_chance": np.nan}
        rows.append(row)
    return _frame(rows)


def watch_silence(store: Store) -> None:
    """Raises the alarm of silent channels, or takes it down; leaves it as it stands where nothing can be told."""
    rows = channel_silence(store, Filters())
    if (rows["silence"] == "cannot_tell").any():
        return
    silent = rows[rows["silence"] == "silent"]
    if silent.empty:
        store.clear_alarm(ALARM)
        return
    # All channels together are named only where none of them is silent by itself.
    named = silent[silent["key"] != ALL] if len(silent) > 1 else silent
    since = [
        f"{label}: no lead since {formats.instant(last, store.timezone)}"
        for label, last in zip(named["label"], named["last_lead_at"], strict=True)
    ]
    store.raise_alarm(
        ALARM,
        f"{'; '.join(since)}. Chance hardly explains so long a silence, and the portal was read without a gap all the "
        "time. Look at the portal: are the listings live, do calls and messages come through? Volume has the figures. "
        "The first lead takes this down.",
    )


class _History:
    """The 56 days before the last observation, hour by hour and channel by channel."""

    def __init__(
        self, hours: Buckets, read_h: npt.NDArray[np.float64], leads: dict[str, npt.NDArray[np.float64]]
    ) -> None:
        self._hours = hours
        self._length_h = _lengths_h(hours)
        self._read_h = read_h
        self._leads = leads
        self._hour_of_week = (hours.starts.day_of_week * 24 + hours.starts.hour).to_numpy("int64")
        self._day = (hours.starts.normalize().asi8 // 86_400_000_000).astype("int64")

    @classmethod
    def load(cls, store: Store, filters: Filters, read: Coverage, ends_at: datetime) -> "_History":
        last = local_time(ends_at, store) - timedelta(microseconds=1)
        first = (last - timedelta(days=DAYS_OF_HISTORY)).replace(hour=0, minute=0, second=0, microsecond=0)
        hours = buckets_between(first, last, "hour", store.timezone)
        rows = ask(
            store, "volume", between(filters, first.date(), last.date()), by=(dimension_named("channel"),), grain="hour"
        )
        leads: dict[str, npt.NDArray[np.float64]] = {ALL: np.zeros(len(hours.starts))}
        places = hours.starts.get_indexer(pd.Index(rows["bucket"]))
        for place, key, n in zip(places, rows["key"].fillna(MISSING), rows["leads"], strict=True):
            if place >= 0:
                leads.setdefault(key, np.zeros(len(hours.starts)))[place] += n
                leads[ALL][place] += n
        return cls(hours, read.shares(hours.from_, hours.to) * _lengths_h(hours), leads)

    def judged(self, key: str, last: datetime, ends_at: datetime) -> dict[str, Any]:
        """What the hours up to a channel's last lead say of the time since, as far as they are enough."""
        is_before = np.asarray(self._hours.to <= pd.Timestamp(last))
        own = self._leads.get(key, np.zeros(len(is_before)))[is_before]
        n, days = int(own.sum()), float(self._read_h[is_before].sum()) / 24
        found: dict[str, Any] = {
            "silence": "too_little",
            "expected_leads": np.nan,
            "silence_chance": np.nan,
            "n_history": n,
            "history_days": days,
            "reason": f"{formats.count_of(n, 'lead')} in {formats.count_of(int(days), 'day')} are too few to know what "
            "is usual.",
        }
        if n < LEAST_LEADS or days < LEAST_DAYS:
            return found
        usual = rhythm(
            own,
            self._leads[ALL][is_before],
            self._read_h[is_before],
            self._hour_of_week[is_before],
            self._day[is_before],
        )
        since = Coverage(((last, ends_at),) if last < ends_at else ())
        expected = usual.expected(self._hour_of_week, since.shares(self._hours.from_, self._hours.to) * self._length_h)
        return found | {
            "silence": verdict(usual.chance(expected), usual.chance_in_a_month(expected)),
            "expected_leads": expected,
            "silence_chance": usual.chance_in_a_month(expected),
            "reason": "",
        }


def _lengths_h(hours: Buckets) -> npt.NDArray[np.float64]:
    """How long each lasts: where the clock goes back, an hour is two."""
    return np.asarray((hours.to - hours.from_) / pd.Timedelta(hours=1), dtype=np.float64)


def verdict(chance: float, chance_in_a_month: float) -> Silence:
    """What is said of a pause, given the chance of it among pauses, and of one so long within a month."""
    if chance_in_a_month < SILENT_BELOW:
        return "silent"
    return "quiet" if chance < QUIET_BELOW else "fine"


def _fault_of_ours(store: Store) -> str:
    """Why nothing that the store does not show can be believed now; empty if our sync is well."""
    syncs = sync_history(store, Filters())
    ended = syncs[syncs["outcome"].isin(["complete", "uncertain", "failed"]) & (syncs["kind"] != "view")]
    if len(ended) and ended["outcome"].iloc[0] == "failed":
        return "Our last sync failed."
    return ""


def _gap_since(store: Store, read: Coverage, last: datetime, ends_at: datetime) -> str:
    if last < ends_at and not read.contains(last, ends_at):
        return "Not all of the time since the last lead was read."
    if any(begin < ends_at and last < end for begin, end in doubts(store)):
        return "Of the time since the last lead a lead may be missing."
    return ""


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    return frame.astype({"last_lead_at": "datetime64[us, UTC]", "n_history": "int64"}) if rows else frame
