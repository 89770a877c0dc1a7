"""Why a figure changed between two moments: the same view as it was known then and as it is known now, in parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, get_args

import numpy as np
import pandas as pd

from leadlib import formats
from leadlib.errors import FilterError
from leadlib.filters import Filters, start_of_day
from leadlib.metrics.queries import ask, local_time, utc
from leadlib.metrics.table import MAXIMUM_UNKNOWN_SHARE, MINIMUM_FOR_RATE, unknown
from leadlib.records import HOURS_TO_MATURE
from leadlib.store import Store

Figure = Literal["leads", "response_rate", "response_rate_of_all"]
Period = Literal["all", "7", "30", "90"]

FIGURES: tuple[Figure, ...] = get_args(Figure)
PERIODS: tuple[Period, ...] = get_args(Period)

DAYS_BEFORE = 7
"""How many days before the newest day the first moment lies where none is named."""


@dataclass(frozen=True)
class Part:
    """A reason for a change. `did` goes on from "3 leads …"."""

    key: str
    label: str
    did: str


PARTS: tuple[Part, ...] = (
    Part("new", "New leads", "came in since"),
    Part("found_later", "Seen late", "are older, but were seen only since"),
    Part("moved_in", "Moved in", "were assigned to the chosen agents since"),
    Part("moved_out", "Moved out", "were assigned to somebody else since"),
    Part("status_in", "Came to the status", "came to have the chosen status"),
    Part("status_out", "Left the status", "have another status by now"),
    Part("left_period", "Left the period", "became too old for the period"),
    Part("late_reply", "Late replies", "were known before and were answered since"),
    Part("matured", "Matured", f"were known before and have been followed for {HOURS_TO_MATURE}{formats.NBSP}h since"),
    Part("became_known", "Became known", "had a status that nobody knew, and turned out to be answered"),
    Part("gone", "Gone from the portal", "are not at the portal any more; they stay in the numbers"),
)
THEN, NOW = "then", "now"
"""Keys of the rows before and after the parts: the figure at either moment."""

_LEAVING = ("moved_out", "status_out", "left_period")


@dataclass(frozen=True)
class Moments:
    """The two moments that are compared, in UTC; `reason` says why they cannot be, and is empty if they can."""

    then: datetime | None
    now: datetime | None
    reason: str = ""


def why_changed(
    store: Store, filters: Filters, then: str | None = None, now: str | None = None, period: str = "all"
) -> pd.DataFrame:
    """What changed leads and response rates between two moments, as known at each: a row per part; no leads: no rows.

    `then` and `now` are days ("2026-05-31"), each standing for its beginning on the account's clock; without them it is
    a week before the newest day, or the first day after the history began, and the newest look. `period` is "all", or
    the number of days before each moment whose leads count.

    Columns: key ("then", PARTS, "now"), label, then_at, now_at (UTC), and for each x of leads, response_rate and
    response_rate_of_all: x_change (leads, or a difference of shares; the parts add up to that of the last row),
    x_in_part (leads that make up the part; in the first and last row, the leads that the figure is of), x_level (the
    figure after this part), x_reason (why it is not told; then the other three are NaN). Of a rate r = n / d a part is
    (Δn - r̄ Δd) / d̄, with the means r̄ and d̄ of both moments: no order of the parts has a say in it. Raises FilterError
    for a day or a period that is none.
    """
    if period not in PERIODS:
        raise unknown("period", period, PERIODS)
    moments = moments_of(store, then, now)
    if moments.then is None or moments.now is None:
        return _frame([], moments, {}, {})
    if moments.reason:
        return _frame(_rows(), moments, {}, dict.fromkeys(FIGURES, moments.reason))
    kinds = ask(
        store,
        "why_changed",
        filters,
        known_then=moments.then,
        known_now=moments.now,
        period_then_from=_period_from(moments.then, period, store),
        period_now_from=_period_from(moments.now, period, store),
    )
    told: dict[Figure, _Numbers] = {}
    reasons: dict[Figure, str] = {}
    for figure in FIGURES:
        told[figure], reasons[figure] = _parts(kinds, figure)
    return _frame(_rows(), moments, told, reasons)


def moments_of(store: Store, then: str | None = None, now: str | None = None) -> Moments:
    """The moments that the days name, moved to what the store can tell, or why they cannot be compared."""
    history = ask(store, "history", Filters()).iloc[0]
    if pd.isna(history["begins_at"]):
        return Moments(None, None, "There are no leads yet.")
    begins_at, ends_at = utc(history["begins_at"]), utc(history["ends_at"])
    now_at = min(_beginning(now, store), ends_at) if now else ends_at
    if then:
        then_at = _beginning(then, store)
    else:
        first_day = local_time(begins_at, store).date() + timedelta(days=1)
        week_before = local_time(now_at, store).date() - timedelta(days=DAYS_BEFORE)
        then_at = _beginning(max(first_day, week_before).isoformat(), store)
    began = formats.instant(begins_at, store.timezone)
    if then_at < begins_at:
        return Moments(
            then_at, now_at, f"The store has looked at the portal since {began}; how leads stood before is not known."
        )
    if then_at >= now_at and not then and not now:
        return Moments(then_at, now_at, f"The store has looked at the portal since {began}; no day has passed since.")
    if then_at >= now_at:
        return Moments(then_at, now_at, "The first moment must lie before the second and before the newest look.")
    return Moments(then_at, now_at)


def _beginning(day: str, store: Store) -> datetime:
    try:
        return start_of_day(date.fromisoformat(day).isoformat(), store.timezone)
    except (ValueError, OverflowError) as error:
        raise FilterError(f"“{day[:40]}” is not a day. Write it as 2026-05-31.", day) from error


def _period_from(moment: datetime, period: str, store: Store) -> datetime:
    """The instant at which the period before a moment begins: as many days back on the account's clock."""
    if period == "all":
        return datetime(1900, 1, 1, tzinfo=moment.tzinfo)
    local = local_time(moment, store) - timedelta(days=int(period))
    return local.replace(tzinfo=store.timezone).astimezone(moment.tzinfo)


@dataclass(frozen=True)
class _Tally:
    """Leads of a part, and by how much they change numerator and denominator."""

    leads: int = 0
    top: int = 0
    bottom: int = 0

    def __add__(self, other: "_Tally") -> "_Tally":
        return _Tally(self.leads + other.leads, self.top + other.top, self.bottom + other.bottom)


_Numbers = Mapping[str, tuple[float, float, float]]
"""Per row: change, leads, level."""


def _parts(kinds: pd.DataFrame, figure: Figure) -> tuple[_Numbers, str]:
    """The figure at both moments and every part of its change; nothing and a reason where it may not be told."""
    tallies = {part.key: _Tally() for part in PARTS}
    before, after = _Tally(), _Tally()
    unknown_before = unknown_after = 0
    for kind in kinds.to_dict("records"):
        n = int(kind["leads"])
        was, is_now = _counted(kind, figure, THEN, n), _counted(kind, figure, NOW, n)
        before, after = before + was, after + is_now
        unknown_before += was.bottom if kind["is_unknown_then"] else 0
        unknown_after += is_now.bottom if kind["is_unknown_now"] else 0
        if (was.top, was.bottom) != (is_now.top, is_now.bottom):
            key = _part_of(kind, was, is_now)
            tallies[key] += _Tally(n, is_now.top - was.top, is_now.bottom - was.bottom)
        if kind["is_gone_since"]:
            tallies["gone"] += _Tally(n)
    if figure == "leads":
        levels = float(before.bottom), float(after.bottom)
        changes = {key: float(tally.bottom) for key, tally in tallies.items()}
    else:
        least = min(before.bottom, after.bottom)
        if least < MINIMUM_FOR_RATE:
            return {}, f"At one of the moments there are only {formats.count_of(least, 'lead')} for a rate."
        is_unsure = unknown_before > MAXIMUM_UNKNOWN_SHARE * before.bottom
        is_unsure |= unknown_after > MAXIMUM_UNKNOWN_SHARE * after.bottom
        if figure == "response_rate" and is_unsure:
            return {}, f"Of more than 5{formats.NBSP}% of the leads at one of the moments the history is unknown."
        levels = before.top / before.bottom, after.top / after.bottom
        rate, size = sum(levels) / 2, (before.bottom + after.bottom) / 2
        changes = {key: (tally.top - rate * tally.bottom) / size for key, tally in tallies.items()}
    rows = {THEN: (0.0, float(before.bottom), levels[0])}
    level = levels[0]
    for key, change in changes.items():
        level += change
        rows[key] = (change, float(tallies[key].leads), level)
    return rows | {NOW: (levels[1] - levels[0], float(after.bottom), levels[1])}, ""


def _counted(kind: Mapping[object, object], figure: Figure, moment: str, n: int) -> _Tally:
    """What leads of a kind are in the figure at a moment."""
    way = kind["way"]
    is_in = way == "stays" or (way in _LEAVING) == (moment == THEN)
    if figure == "response_rate":
        is_in = is_in and bool(kind[f"is_matured_{moment}"])
    is_top = is_in and figure != "leads" and bool(kind[f"is_responded_{moment}"])
    return _Tally(n if is_in else 0, n if is_top else 0, n if is_in else 0)


def _part_of(kind: Mapping[object, object], was: _Tally, is_now: _Tally) -> str:
    if kind["way"] != "stays":
        return str(kind["way"])
    if was.bottom != is_now.bottom:
        return "matured"
    return "became_known" if kind["is_unknown_then"] else "late_reply"


def _rows() -> list[tuple[str, str]]:
    return [(THEN, "Then"), *((part.key, part.label) for part in PARTS), (NOW, "Now")]


def _frame(
    rows: list[tuple[str, str]], moments: Moments, told: Mapping[Figure, _Numbers], reasons: Mapping[Figure, str]
) -> pd.DataFrame:
    nothing = (np.nan, np.nan, np.nan)
    columns: dict[str, object] = {
        "key": pd.Series([key for key, _ in rows], dtype="str"),
        "label": pd.Series([label for _, label in rows], dtype="str"),
        "then_at": pd.Series([moments.then] * len(rows), dtype="datetime64[us, UTC]"),
        "now_at": pd.Series([moments.now] * len(rows), dtype="datetime64[us, UTC]"),
    }
    for figure in FIGURES:
        numbers = np.array([told.get(figure, {}).get(key, nothing) for key, _ in rows], dtype=float).reshape(-1, 3)
        for place, name in enumerate(("change", "in_part", "level")):
            columns[f"{figure}_{name}"] = numbers[:, place]
        columns[f"{figure}_reason"] = pd.Series([reasons.get(figure, "")] * len(rows), dtype="str")
    return pd.DataFrame(columns)
