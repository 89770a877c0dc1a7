"""How long leads wait for a reply, as far as the looks at them can tell: on the wall clock or on the working clock."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from leadlib import formats
from leadlib.filters import MISSING, Filters
from leadlib.metrics.queries import ask, remembered, utc
from leadlib.metrics.questions import breakdown
from leadlib.metrics.statistics import quantile_ends
from leadlib.metrics.table import ALL, MINIMUM_FOR_VERDICT, Dimension, dimension_named, unknown
from leadlib.metrics.working_clock import clock_of
from leadlib.statistics import Incidence, incidence
from leadlib.store import Store

Clock = Literal["wall", "working"]
CLOCKS: tuple[Clock, ...] = get_args(Clock)

SLA_MINUTES: Mapping[str, int] = {"5 min": 5, "15 min": 15, "60 min": 60, "2 h": 120, "24 h": 1_440}
"""The ages by which a reply is counted, in words and in minutes."""

REPLY_GROUPS: tuple[str, ...] = ("channel", "entity_type", "agent", "week", "month", "weekday", "hour")
"""What replies are told by: dimensions of few groups, each of which has leads enough to tell something of."""

WIDEST_BOUNDS = 0.1
"""A share with bounds farther apart than this is not told as one figure."""

MOST_APART = 3
"""Looks that leave an age open by more than this factor do not tell it."""

LEAST_WATCHED = 0.5
"""Share of the replied leads that must have been seen waiting before, or answered at once, for a median to be told."""

_KINDS = ("replied", "archived", "waiting", "unknown")
_REPLIED, _ARCHIVED, _UNKNOWN = 0, 1, 3
_WEEK = timedelta(days=8)


def reply_shares(store: Store, filters: Filters, clock: Clock = "wall") -> pd.DataFrame:
    """The share of leads replied to within each of SLA_MINUTES on a clock: one row each, none without leads.

    Columns: key and label ("5 min"), clock, age_min, replied_within (share of all leads but calls, archiving counted as
    an end without reply; NaN where the looks do not support it), replied_within_low and _high (95 % interval by
    likelihood ratio, which takes in what the looks leave open; NaN where fewer than 20 leads tell), n_looks (leads that
    tell of this age: see `Looks.looks`), reason (why there is no figure; empty if there is one), median_reply_min with
    _low and _high (minutes by which half of the leads are replied to, and its 95 % interval; all NaN where the looks do
    not support it, infinite if fewer ever are) and _reason (why it is not told), n_replied, n_archived, n_waiting,
    n_unknown (leads; the unknown are left out of all shares). Minutes are of `clock`: "wall", or "working"
    (`clock_of`).
    """

    def made() -> pd.DataFrame:
        group = _over_all(store, filters, clock)
        if not sum(group.n_leads.values()):
            return pd.DataFrame({name: [] for name in _SHARES}).astype(dict.fromkeys(_SHARE_TEXTS, "str"))
        rows = [{"key": label, "label": label, **group.share(age)} for label, age in SLA_MINUTES.items()]
        return pd.DataFrame(rows).assign(clock=clock, **group.median(), **group.n_leads)[list(_SHARES)]

    return _kept(store, ("reply_shares", filters, clock), made)


def reply_curve(store: Store, filters: Filters, clock: Clock = "wall") -> pd.DataFrame:
    """What became of leads by age on a clock: one row per age at which that may change, from 0 on; none without leads.

    Columns: key (the age in minutes since creation, as text), label (in words), clock, age_min (the same as a number),
    replied_within, archived_within, still_waiting (shares of all leads but calls, which sum to 1; an end between two
    looks counts at the later one), n_looks (leads that tell of this age). Leads of unknown history are left out.
    """
    group = _over_all(store, filters, clock)
    found = group.found
    replied, archived = np.column_stack([np.zeros(2), np.cumsum(found.mass, axis=1)])[:, : len(found.edges)]
    return pd.DataFrame(
        {
            "key": pd.Series([f"{age:g}" for age in found.edges], dtype="str"),
            "label": pd.Series([age_words(age, clock) for age in found.edges], dtype="str"),
            "clock": pd.Series([clock] * len(found.edges), dtype="str"),
            "age_min": found.edges,
            "replied_within": replied,
            "archived_within": archived,
            "still_waiting": np.clip(1 - replied - archived, 0, 1),
            "n_looks": np.array([group.looks(age) for age in found.edges], dtype="int64"),
        }
    )


def replies_by(store: Store, filters: Filters, by: str, clock: Clock = "wall", within: int = 60) -> pd.DataFrame:
    """Replies within an age, and how long they take, per group of one of REPLY_GROUPS: rows as in `breakdown`.

    Columns: key, label, is_active, clock, age_min, replied_within with _low and _high, n_looks, reason (all as in
    `reply_shares`, for the age `within` in minutes, one of SLA_MINUTES), median_reply_min (minutes by which half of the
    group's leads are replied to; infinite if fewer ever are), p90_reply_min (by which nine in ten replies had come;
    leads without one are left out), both with _low and _high (95 % interval: for the median by likelihood ratio, for
    the other where chance may have put nine in ten of the replies, infinite where it may be all) and _reason (why it
    is not told), n_replied, n_archived, n_waiting, n_unknown. All figures are NaN where fewer than 20 leads tell, the
    minutes also where fewer than half of the replied leads were seen waiting first, the second of them below 20 such.
    Calls are left out, so a group of calls has no leads here. Raises FilterError for another `by`, `clock` or `within`.
    """
    if by not in REPLY_GROUPS:
        raise unknown("group for replies", by, REPLY_GROUPS)
    if within not in SLA_MINUTES.values():
        raise unknown("age in minutes", str(within), map(str, SLA_MINUTES.values()))

    def made() -> pd.DataFrame:
        dimension = dimension_named(by)
        everyone = breakdown(store, filters, by)
        groups = _groups(store, filters, dimension, clock)
        rows = [
            {**group.share(within), **group.usual(), **group.n_leads}
            for group in (groups.get(key, _nobody(clock)) for key in everyone["key"])
        ]
        told = pd.DataFrame(rows, columns=[name for name in _BY if name not in {"key", "label", "is_active", "clock"}])
        frame = pd.concat([everyone[["key", "label", "is_active"]], told], axis=1)
        return frame.assign(clock=pd.Series([clock] * len(frame), dtype="str"))[list(_BY)]

    return _kept(store, ("replies_by", filters, by, clock, within), made)


def age_words(minutes: float, clock: Clock) -> str:
    """An age in words, "never" for an infinite one.

    On the working clock there are no days, for 24 hours of work are several days of the calendar.
    """
    if np.isinf(minutes):
        return "never"
    if clock == "wall" or not minutes >= 60:
        return formats.duration(minutes * 60)
    hours, rest = divmod(round(minutes), 60)
    whole = f"{formats.number(hours)}{formats.NBSP}h"
    return f"{whole} {rest}{formats.NBSP}min" if rest and hours < 24 else whole


def age_range(low_min: float, high_min: float, clock: Clock) -> str:
    """Two ages as one range, in the words of `formats.duration_range`."""
    return formats.duration_range(low_min * 60, high_min * 60, lambda seconds: age_words(seconds / 60, clock))


def sla_words(minutes: int) -> str:
    """One of the ages of SLA_MINUTES as its key says it, on either clock."""
    return next(label for label, age in SLA_MINUTES.items() if age == minutes)


_SHARE = ("age_min", "replied_within", "replied_within_low", "replied_within_high", "n_looks", "reason")
_MEDIAN, _P90 = (
    tuple(f"{key}{ending}" for ending in ("", "_low", "_high", "_reason"))
    for key in ("median_reply_min", "p90_reply_min")
)
_COUNTS = tuple(f"n_{kind}" for kind in _KINDS)
_SHARES = ("key", "label", "clock", *_SHARE, *_MEDIAN, *_COUNTS)
_SHARE_TEXTS = ("key", "label", "clock", "reason", "median_reply_min_reason")
_BY = ("key", "label", "is_active", "clock", *_SHARE, *_MEDIAN, *_P90, *_COUNTS)


@dataclass(frozen=True, eq=False)
class Looks:
    """The intervals of some leads with their numbers, and the shares by age that follow from them.

    `kind` is a place in _KINDS; `begin` is NaN for the unknown, `end` for them and for those that wait.
    """

    kind: npt.NDArray[np.int64]
    begin: npt.NDArray[np.float64]
    end: npt.NDArray[np.float64]
    leads: npt.NDArray[np.int64]
    clock: Clock

    @classmethod
    def of(cls, rows: pd.DataFrame, clock: Clock = "wall") -> "Looks":
        """Those of all `rows` (kind, begins_min, ends_min, leads) together."""
        return _split(rows.assign(key=ALL), clock).get(ALL, _nobody(clock))

    @cached_property
    def found(self) -> Incidence:
        known = self.kind != _UNKNOWN
        end = np.where(np.isnan(self.end), np.inf, self.end)[known]
        kind = np.where(self.kind[known] == _ARCHIVED, _ARCHIVED, _REPLIED)
        return incidence(self.begin[known], end, kind, self.leads[known], 2)

    @property
    def n_leads(self) -> dict[str, int]:
        n = np.bincount(self.kind, self.leads, len(_KINDS))
        return dict(zip(_COUNTS, n.astype(int).tolist(), strict=True))

    def looks(self, minutes: float) -> int:
        """How many leads tell of an age: looked at between half and twice of it, answered by then, or that often.

        Leads that are known to have been silent for long do not count: of those that were answered nobody may have
        looked so early, and a share needs both.
        """
        tells = (self.end <= 2 * minutes) | ((self.begin >= minutes / 2) & (self.begin <= 2 * minutes))
        tells |= self.end - self.begin <= minutes
        return int(self.leads[tells].sum())

    def share(self, minutes: int) -> dict[str, Any]:
        """The share replied to within an age of SLA_MINUTES, or the reason why it cannot be told."""
        n_looks = self.looks(minutes)
        low, high = self.found.by(_REPLIED, minutes)
        reason = _reason(minutes, self.clock, n_looks, low, high)
        least, most = self.found.interval(_REPLIED, minutes) if n_looks >= MINIMUM_FOR_VERDICT else (np.nan, np.nan)
        told = (minutes, np.nan if reason else (low + high) / 2, least, most, n_looks, reason)
        return dict(zip(_SHARE, told, strict=True))

    @property
    def was_watched(self) -> bool:
        """True if of enough of the replied leads the looks tell by themselves when, or at least how late, it was.

        They do of those that were seen waiting before, and of those answered within their first minute, such as at
        night on the working clock. With one look at each lead its age goes with the hour at which it came, and how fast
        replies come does so too.
        """
        n_replied = self.leads[self.kind == _REPLIED].sum()
        return bool(self.leads[self._is_watched].sum() >= LEAST_WATCHED * n_replied)

    @property
    def _is_watched(self) -> npt.NDArray[np.bool_]:
        watched: npt.NDArray[np.bool_] = (self.kind == _REPLIED) & ((self.begin > 0) | (self.end <= 1))
        return watched

    def median(self) -> dict[str, Any]:
        """The age at which half are replied to, those between which a half is not refuted, or why it is not told."""
        (first_age, last_age), reason = self._age_of(0.5)
        if reason:
            return dict(zip(_MEDIAN, (np.nan, np.nan, np.nan, reason), strict=True))
        edges = self.found.edges

        def is_refuted(age: float) -> bool:
            return self.found.is_refuted(_REPLIED, age, 0.5)

        first = int(np.searchsorted(edges, first_age, side="right"))
        last = int(np.searchsorted(edges, last_age, side="left"))
        n_before = _first_place(0, first, lambda place: not is_refuted(edges[place]))
        n_until = _first_place(last, len(edges), lambda place: is_refuted(edges[place]))
        low = edges[n_before - 1] if n_before else 0.0
        high = edges[n_until] if n_until < len(edges) else np.inf
        return dict(zip(_MEDIAN, ((first_age + last_age) / 2, float(low), float(high), ""), strict=True))

    def usual(self) -> dict[str, Any]:
        """`median`, and the age at which nine in ten of the replies had come; neither where looks are too far apart."""
        median_ends, _ = self._age_of(0.5)
        too_far = _too_far_apart(*median_ends, self.clock)
        median = dict(zip(_MEDIAN, (np.nan, np.nan, np.nan, too_far), strict=True)) if too_far else self.median()
        return {**median, **self._p90()}

    def _p90(self) -> dict[str, Any]:
        """The age by which nine in ten of the replies had come.

        Its interval is where the shares of `quantile_ends` are reached, of as many replies as tell by themselves when
        they came: those of one look each add to what is known of the others, but nothing to how surely.
        """
        total = self.found.mass[_REPLIED].sum()
        n_watched = int(self.leads[self._is_watched].sum())
        ends, reason = self._age_of(0.9 * total)
        if not reason and n_watched < MINIMUM_FOR_VERDICT:
            reason = f"Fewer than {MINIMUM_FOR_VERDICT} replies were seen to come."
        reason = reason or _too_far_apart(*ends, self.clock)
        if reason:
            return dict(zip(_P90, (np.nan, np.nan, np.nan, reason), strict=True))
        least, most = quantile_ends(0.9, n_watched)
        low, high = self.found.age_of(_REPLIED, least * total)[0], self.found.age_of(_REPLIED, most * total)[1]
        return dict(zip(_P90, (sum(ends) / 2, low, high, ""), strict=True))

    def _age_of(self, share: float) -> tuple[tuple[float, float], str]:
        """Between which ages the share is reached (infinite if never), or why the looks do not tell."""
        unknown_ends = (np.nan, np.nan)
        if not len(self.found.edges):
            return unknown_ends, "No leads but calls, or none of known history."
        if not self.was_watched:
            return unknown_ends, "Too few of the replied leads were seen waiting first."
        low, high = self.found.age_of(_REPLIED, share)
        tells = self.leads.sum() if np.isinf(high) else self.looks((low + high) / 2)
        if tells < MINIMUM_FOR_VERDICT:
            return unknown_ends, f"Fewer than {MINIMUM_FOR_VERDICT} leads tell of that age."
        return (low, high), ""


def _too_far_apart(low: float, high: float, clock: Clock) -> str:
    """Why an age between two others is not told, if they are too far apart."""
    if not MOST_APART * low < high < np.inf:
        return ""
    return f"Looks are too far apart: between {age_words(low, clock)} and {age_words(high, clock)}."


def _first_place(begin: int, end: int, is_true: Callable[[int], bool]) -> int:
    """The first place in [begin, end) that is true, `end` if none is; from a true one on all are."""
    while begin < end:
        middle = (begin + end) // 2
        if is_true(middle):
            end = middle
        else:
            begin = middle + 1
    return begin


def _over_all(store: Store, filters: Filters, clock: Clock) -> Looks:
    def made() -> Looks:
        # By channel, because the same rows tell of each channel too.
        return Looks.of(_rows(store, filters, dimension_named("channel"), clock), clock)

    return remembered(store, ("replies", filters, clock), made)


def _groups(store: Store, filters: Filters, by: Dimension, clock: Clock) -> Mapping[str, Looks]:
    return remembered(
        store, ("replies", filters, by.key, clock), lambda: _split(_rows(store, filters, by, clock), clock)
    )


def _split(rows: pd.DataFrame, clock: Clock) -> dict[str, Looks]:
    """The rows of reply_intervals by key, the same ones in the same order whatever theirs was."""
    kind = np.array([_KINDS.index(kind) for kind in rows["kind"].tolist()], dtype="int64")
    begin, end = (rows[name].to_numpy("float64", na_value=np.nan) for name in ("begins_min", "ends_min"))
    leads = rows["leads"].to_numpy("int64")
    keys, names = pd.factorize(rows["key"].fillna(MISSING))
    order = np.lexsort((end, begin, kind, keys))
    starts = np.searchsorted(keys[order], np.arange(len(names) + 1))
    parts = [order[first:last] for first, last in pairwise(starts)]
    return {
        str(name): Looks(kind[part], begin[part], end[part], leads[part], clock)
        for name, part in zip(names, parts, strict=True)
    }


def _nobody(clock: Clock) -> Looks:
    none = np.empty(0)
    return Looks(none.astype("int64"), none, none, none.astype("int64"), clock)


def _rows(store: Store, filters: Filters, by: Dimension, clock: Clock) -> pd.DataFrame:
    if clock not in CLOCKS:
        raise unknown("clock", clock, CLOCKS)
    span = ask(store, "lead_span", Filters()).iloc[0] if clock == "working" else None
    if span is None or pd.isna(span["first_at"]):
        return ask(store, "reply_intervals", filters, by=(by,))
    # The file needs a stretch that begins before the first lead; a week always has one.
    first, last = (utc(span["first_at"]) - _WEEK).date(), (utc(span["last_at"]) + _WEEK).date()
    work = clock_of(store).stretches(first, last)
    begins, ends = tuple(work.begins.tolist()), tuple(work.ends.tolist())
    return ask(store, "reply_intervals", filters, by=(by,), work_begins_us=begins, work_ends_us=ends)


def _kept(store: Store, key: Hashable, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    return remembered(store, key, make).copy(deep=False)


def _reason(minutes: int, clock: Clock, n_looks: int, low: float, high: float) -> str:
    label = sla_words(minutes)
    if n_looks < MINIMUM_FOR_VERDICT:
        around = f"{age_words(minutes / 2, clock)} and {age_words(minutes * 2, clock)}"
        leads = formats.count_of(n_looks, "lead")
        return f"Too few looks to tell {label}: between the ages of {around} the portal was asked about {leads}."
    if not high - low <= WIDEST_BOUNDS:
        return f"Looks are too far apart to tell {label} from more: between {formats.percent_range(low, high)}."
    return ""
