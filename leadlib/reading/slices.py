"""How a stretch of createdAt is read in slices, so that nothing in it can be missed without being noticed.

Offset paging is unsafe because page k depends on what happened before page k was asked for: leads that arrive, vanish
or move in the order shift the rest. A slice of time that fits into one response needs no second page. If as many
different rows come as the response's own `total` says, all of the slice is there, whatever the order.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from queue import SimpleQueue

from leadlib.api import Client, LeadPage
from leadlib.filters import Filters
from leadlib.reading.pages import Verdict, read_pages
from leadlib.records import Lead, RejectedRow

PAD = timedelta(seconds=1)
"""What a slice asks for on either side of itself: right for inclusive and exclusive bounds, and for whole seconds."""

NARROWEST = timedelta(seconds=1)
"""A slice this narrow is not split any more: the portal's clock may have no finer grain."""

ROWS_AIMED_AT = 32
"""Leads per slice when planning blind: well below a page, so that a busy hour seldom needs a second try."""

SMALLEST_PAGE = 10
"""A response with fewer rows than its total is taken for cut off only from this many rows on."""

TRIES_ON_A_COUNT = 2
"""How often a response that contradicts its own count is asked for again."""

CALLS_IN_FLIGHT = 16
"""Enough to use all of the pace that is allowed where an answer takes more than a second."""

_ASKED_AHEAD = 16 * CALLS_IN_FLIGHT
"""Slices that wait for a call to end: enough to keep all calls busy while what came is being written."""

_MOST_OF_A_PAGE = 0.7
"""How full of a page the parts shall be into which a slice is cut that does not fit into one."""


class BoundsIgnoredError(Exception):
    """The portal was asked for a slice and answered with more than fits: it does not obey createdAtTo after all."""


@dataclass(frozen=True)
class Slice:
    """A stretch of createdAt as it was read: half-open [created_from, created_to).

    `leads` and `rejected` are all rows that came for it, a second more than asked on either side included. `total` is
    the portal's count, `n_distinct` ours. If not `is_certain`, a lead may have slipped through. `observed_at` is the
    portal's clock, UTC. `n_left` slices are still to come, as far as is known.
    """

    created_from: datetime
    created_to: datetime
    leads: tuple[Lead, ...]
    rejected: tuple[RejectedRow, ...]
    total: int
    n_distinct: int
    is_certain: bool
    observed_at: datetime
    n_left: int = 0


@dataclass(frozen=True)
class _TooMany:
    """More than fits into one response; so many parts of it should."""

    n_parts: int


def cuts_blind(created_from: datetime, created_to: datetime, total: int) -> list[datetime]:
    """Where to cut a stretch about which nothing but its number of leads is known: evenly, and not below NARROWEST."""
    return _even_cuts(created_from, created_to, round(total / ROWS_AIMED_AT))


def _even_cuts(created_from: datetime, created_to: datetime, n_parts: int) -> list[datetime]:
    n_parts = max(1, min(n_parts, (created_to - created_from) // NARROWEST))
    width = (created_to - created_from) / n_parts
    return [created_from + width * place for place in range(1, n_parts)]


def read_slices(
    client: Client,
    created_from: datetime,
    created_to: datetime,
    cuts: Sequence[datetime],
    now: datetime,
    skip: Sequence[tuple[datetime, datetime]] = (),
) -> Iterator[Slice]:
    """Slices that together cover [created_from, created_to) but for `skip`, in the order in which they arrive.

    `cuts` are the first guess; what does not fit into one response is cut into as many parts as its total asks for,
    until it does. `now` is the portal's clock, for answers that do not say; what comes after it is a slice of its own,
    asked for without an upper bound while it fits. Only for a portal that obeys createdAtTo: raises
    BoundsIgnoredError if it does not, and PortalError. What was yielded stands.
    """
    inner = {*cuts, now, *(edge for stretch in skip for edge in stretch)}
    edges = [created_from, *(cut for cut in sorted(inner) if created_from < cut < created_to), created_to]
    waiting = deque((a, b) for a, b in pairwise(edges) if not any(low <= a and b <= high for low, high in skip))
    newest = waiting[-1] if waiting and waiting[-1][1] == created_to > now else None
    running: dict[Future[Slice | _TooMany], tuple[datetime, datetime]] = {}
    ended: SimpleQueue[Future[Slice | _TooMany]] = SimpleQueue()
    with ThreadPoolExecutor(CALLS_IN_FLIGHT, thread_name_prefix="leadlib-reading") as pool:
        try:
            while waiting or running:
                while waiting and len(running) < CALLS_IN_FLIGHT + _ASKED_AHEAD:
                    a, b = waiting.popleft()
                    # Below the stretch nothing may be asked for: its start can be the oldest the portal accepts.
                    low, high = max(a - PAD, created_from), None if (a, b) == newest else b + PAD
                    future = pool.submit(_read_one, client, a, b, low, high, now)
                    running[future] = (a, b)
                    future.add_done_callback(ended.put)
                future = ended.get()
                a, b = running.pop(future)
                found = future.result()
                if isinstance(found, _TooMany):
                    inner_cuts = _even_cuts(a, b, max(2, found.n_parts)) or [a + (b - a) / 2]
                    waiting.extendleft(reversed(list(pairwise([a, *inner_cuts, b]))))
                    # What is cut is bounded from then on: leads that go on coming in would never fit.
                    newest = None if (a, b) == newest else newest
                else:
                    yield replace(found, n_left=len(waiting) + len(running))
        finally:
            for future in running:
                future.cancel()


def _read_one(
    client: Client, a: datetime, b: datetime, low: datetime, high: datetime | None, now: datetime
) -> Slice | _TooMany:
    """The slice; or into how many parts to cut it, if it does not fit into one response and can still be split."""
    pages: list[LeadPage] = []
    for _ in range(TRIES_ON_A_COUNT):
        page = client.page(1, created_from=low, created_to=high)
        if page.is_last and page.n_distinct == page.total:
            return _slice(a, b, [page], is_certain=True, now=now)
        if page.mismatched and not page.is_last:
            raise BoundsIgnoredError  # narrower slices would be answered with as much, without end
        # A portal may hand out less than it was asked for and not say so; few rows, though, are no cut-off page.
        is_cut_off = not page.is_last or (page.n_distinct < page.total and page.n_rows >= SMALLEST_PAGE)
        if is_cut_off and b - a > NARROWEST:
            return _TooMany(math.ceil(page.total / max(1, _MOST_OF_A_PAGE * page.n_rows)))
        if is_cut_off:
            return _read_second(client, a, b, low, high, now)
        pages.append(page)
    # The response contradicts its own count, and a narrower slice would contradict itself too.
    return _slice(a, b, pages, is_certain=False, now=now)


def _read_second(
    client: Client, a: datetime, b: datetime, low: datetime, high: datetime | None, now: datetime
) -> Slice:
    """More leads in one second than a page holds: all pages, as `read_pages` reads them."""
    pages: list[LeadPage] = []
    reading = read_pages(client, Filters(), low, high)
    while True:
        try:
            pages.append(next(reading))
        except StopIteration as end:
            verdict: Verdict = end.value
            slice_ = _slice(a, b, pages, is_certain=verdict.is_certain, now=now)
            return replace(slice_, total=verdict.total, n_distinct=verdict.n_distinct)


def _slice(a: datetime, b: datetime, pages: Sequence[LeadPage], *, is_certain: bool, now: datetime) -> Slice:
    ids = {row_id for page in pages for row_id in page.row_ids if row_id}
    return Slice(
        created_from=a,
        created_to=b,
        leads=tuple(lead for page in pages for lead in page.leads),
        rejected=tuple(row for page in pages for row in page.rejected),
        total=pages[-1].total if pages else 0,
        n_distinct=len(ids) + (pages[0].row_ids.count("") if pages else 0),
        is_certain=is_certain,
        # The earliest of several: what was seen later is then never dated too late.
        observed_at=min((page.portal_at or now for page in pages), default=now),
    )
