"""Where to cut a stretch of createdAt into slices, so that few of them are half empty and few do not fit.

A known stretch is cut along its leads. Of an unknown one the last day is read first, evenly cut, then the week before
it, then the rest. The hours and weekdays of what is read tell the rhythm in which leads come, totals tell how many a
few days have, and so the rest is cut where a slice is expected to be as full as it may be.

Chance sets the limit: of slices of 38 leads on average, one in thirty has more than the 50 of a page. Were each hour
foretold exactly, a lead would cost 1/36 of a call; a page that is full costs 1/50.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from leadlib.api import Client
from leadlib.reading import CALLS_IN_FLIGHT, cuts_blind
from leadlib.store import Store

KNOWN_PER_SLICE = 47
"""Known leads per slice when a stretch is read again: a page less room for what came late or lies on its edges."""

EXPECTED_PER_SLICE = 38
"""Leads per slice where a rhythm foretells them: chance seldom makes more than a page of so many."""

LEADS_PER_TOTAL = 4_000
"""How many leads one call for a total stands for, in whole days: a hundred slices are cut better for one call."""

WORTH_A_RHYTHM = 2_000
"""With fewer leads than this in a stretch, a rhythm spares no more calls than it costs."""

_DAY = timedelta(days=1)
_WEEK = 7 * _DAY
_HOUR = timedelta(hours=1)

Rhythm = npt.NDArray[np.float64]
"""The share of a week's leads in each of its 168 hours, Monday 00:00 UTC first."""


def stretches(
    client: Client, store: Store, created_from: datetime, now: datetime, ahead: timedelta, total: int
) -> Iterator[tuple[datetime, datetime, list[datetime]]]:
    """The stretches to read, one after the other, each with its cuts; together [created_from, now + ahead).

    `total` is the portal's count. What a stretch has brought must be in the store before the next is asked for. Raises
    PortalError.
    """
    end = now + ahead
    known = store.query(
        "select created_at from leads where created_at between $low and $high "
        "qualify row_number() over (order by created_at) % $per_slice = 0",
        {"low": created_from, "high": now, "per_slice": KNOWN_PER_SLICE},
    )["created_at"]
    last_day, last_week = now - _DAY, now - _WEEK
    if len(known) * KNOWN_PER_SLICE >= total / 2:
        yield created_from, end, [instant.to_pydatetime() for instant in known]
    elif total < WORTH_A_RHYTHM or created_from >= last_week - _WEEK:
        yield created_from, end, cuts_blind(created_from, now, total)
    else:
        yield last_day, end, cuts_blind(last_day, now, client.total(created_from=last_day))
        n_days = round(LEADS_PER_TOTAL / total * ((now - created_from) / _DAY))
        for begin, until, width in (
            (last_week, last_day, _DAY),
            (created_from, last_week, _DAY * max(1, min(n_days, 7))),
        ):
            seen = store.query("select created_at from leads where created_at >= $since", {"since": until})
            rhythm = rhythm_of([instant.to_pydatetime() for instant in seen["created_at"]])
            edges = _back_from(until, begin, width)
            yield begin, until, cuts_by_rhythm(rhythm, edges, _totals(client, edges))


def _totals(client: Client, edges: Sequence[datetime]) -> list[int]:
    """The portal's counts between each edge and the next."""
    with ThreadPoolExecutor(CALLS_IN_FLIGHT, thread_name_prefix="leadlib-planning") as pool:
        return list(pool.map(lambda pair: client.total(created_from=pair[0], created_to=pair[1]), pairwise(edges)))


def rhythm_of(instants: Sequence[datetime]) -> Rhythm:
    """How leads spread over the week, by hours of the day and by weekdays apart: few leads tell little of each hour.

    A flat rhythm is mixed in, as one lead an hour: no hour is foretold to be without leads.
    """
    by_hour, by_day = np.ones(24), np.full(7, 24.0)
    for instant in instants:
        utc = instant.astimezone(UTC)
        by_hour[utc.hour] += 1
        by_day[utc.weekday()] += 1
    return np.outer(by_day / by_day.sum(), by_hour / by_hour.sum()).ravel()


def cuts_by_rhythm(rhythm: Rhythm, edges: Sequence[datetime], totals: Sequence[int]) -> list[datetime]:
    """Cuts between edges[0] and edges[-1], each EXPECTED_PER_SLICE leads after the one before, as the rhythm has it.

    `totals` are the leads between each edge and the next. Expected leads are spread evenly within an hour.
    """
    marks: list[datetime] = [edges[0]]
    expected: list[float] = [0.0]
    for (begin, end), total in zip(pairwise(edges), totals, strict=True):
        hours = list(_hours(begin, end))
        shares = np.array([rhythm[_hour_of_week(a)] * ((b - a) / _HOUR) for a, b in hours])
        shares *= total / shares.sum() if shares.sum() else 0
        marks += [b for _, b in hours]
        expected += [expected[-1] + float(share) for share in np.cumsum(shares)]
    wanted = np.arange(EXPECTED_PER_SLICE, sum(totals), EXPECTED_PER_SLICE)
    seconds = np.interp(wanted, expected, [(mark - marks[0]).total_seconds() for mark in marks])
    return [marks[0] + timedelta(seconds=round(second)) for second in seconds]


def _back_from(end: datetime, begin: datetime, width: timedelta) -> list[datetime]:
    """`begin`, then each edge of a stretch of this width counted back from `end`, then `end`."""
    edges = [end - width * place for place in range((end - begin) // width, -1, -1)]
    return edges if edges[0] == begin else [begin, *edges]


def _hours(begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """[begin, end) cut at full hours."""
    while begin < end:
        full = begin.replace(minute=0, second=0, microsecond=0) + _HOUR
        yield begin, min(full, end)
        begin = full


def _hour_of_week(instant: datetime) -> int:
    utc = instant.astimezone(UTC)
    return utc.weekday() * 24 + utc.hour
