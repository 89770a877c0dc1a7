"""How a stretch of createdAt is read from the portal so that nothing in it can be missed without being noticed.

Offset paging is unsafe because page k depends on what happened before page k was asked for: leads that arrive, vanish
or move in the order shift the rest. A slice of time that fits into one response needs no second page. If as many
different rows come as the response's own `total` says, all of the slice is there, whatever the order. Where time cannot
be cut (the portal ignores createdAtTo, or a second holds more than a page), a pass over the pages needs a certificate,
and where none can be had, parts that add up.
"""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from leadlib.api import MAX_PER_PAGE, Client, LeadPage
from leadlib.errors import BadRequestError, UnexpectedPayloadError
from leadlib.filters import Filters, field_named
from leadlib.records import LADDER, STAGE_OF_STATUS, Lead, RejectedRow

PAD = timedelta(seconds=1)
"""What a slice asks for on either side of itself: right for inclusive and exclusive bounds, and for whole seconds."""

NARROWEST = timedelta(seconds=1)
"""A slice this narrow is not split any more: the portal's clock may have no finer grain."""

ROWS_AIMED_AT = 32
"""Leads per slice when planning blind: well below a page, so that a busy hour seldom needs a second try."""

MAX_TRIES = 8
"""How often several pages are read as a whole before they are read in parts."""

TRIES_ON_A_PART = 2
"""How often a part is read: one that does not hold still will not add up with the others."""

SPLIT_BY = ("status", "type", "agent")
"""The filters by which a stretch is read in parts, one after the other until parts add up."""

SMALLEST_PAGE = 10
"""A response with fewer rows than its total is taken for cut off only from this many rows on."""

TRIES_ON_A_COUNT = 2
"""How often a response that contradicts its own count is asked for again."""

CALLS_IN_FLIGHT = 8


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


def cuts_blind(created_from: datetime, created_to: datetime, total: int) -> list[datetime]:
    """Where to cut a stretch about which nothing but its number of leads is known: evenly, and not below NARROWEST."""
    n_slices = max(1, min(round(total / ROWS_AIMED_AT), (created_to - created_from) // NARROWEST))
    width = (created_to - created_from) / n_slices
    return [created_from + width * place for place in range(1, n_slices)]


def statuses_upwards(client: Client) -> list[str]:
    """The statuses that the portal's dialect documents, up the ladder, and then those that are off it."""
    rung = {stage: place for place, stage in enumerate(LADDER)}
    documented = field_named("status").values[client.find_dialect()]
    return sorted(documented, key=lambda status: rung.get(STAGE_OF_STATUS[status], len(rung)))


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
    newest = waiting[-1] if waiting and waiting[-1][1] == created_to else None
    running: dict[Future[Slice | int], tuple[datetime, datetime]] = {}
    with ThreadPoolExecutor(CALLS_IN_FLIGHT, thread_name_prefix="leadlib-reading") as pool:
        try:
            while waiting or running:
                while waiting and len(running) < CALLS_IN_FLIGHT:
                    a, b = waiting.popleft()
                    # Below the stretch nothing may be asked for: its start can be the oldest the portal accepts.
                    low, high = max(a - PAD, created_from), None if (a, b) == newest else b + PAD
                    running[pool.submit(_read_one, client, a, b, low, high, now)] = (a, b)
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    a, b = running.pop(future)
                    slice_or_total = future.result()
                    if isinstance(slice_or_total, int):
                        inner_cuts = cuts_blind(a, b, max(slice_or_total, 2 * ROWS_AIMED_AT)) or [a + (b - a) / 2]
                        waiting.extendleft(reversed(list(pairwise([a, *inner_cuts, b]))))
                        # What is cut is bounded from then on: leads that go on coming in would never fit.
                        newest = None if (a, b) == newest else newest
                    else:
                        yield replace(slice_or_total, n_left=len(waiting) + len(running))
        finally:
            for future in running:
                future.cancel()


def _read_one(
    client: Client, a: datetime, b: datetime, low: datetime, high: datetime | None, now: datetime
) -> Slice | int:
    """The slice; or its total, if it does not fit into one response and can still be split."""
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
            return page.total
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


@dataclass(frozen=True)
class Verdict:
    """What a reading of pages is worth: the portal's last count, what we saw, and whether it has its certificate.

    `ids` are the different ids that came, `n_without_id` counts rows that have none. `began_at` is the portal's clock
    at the first page (None if it does not tell). `n_mismatched` rows broke what was asked for. `is_still`: the portal
    showed no sign that anything moved meanwhile.
    """

    total: int
    ids: frozenset[str]
    n_without_id: int
    began_at: datetime | None
    is_certain: bool
    is_still: bool
    n_mismatched: int = 0

    @property
    def n_distinct(self) -> int:
        return len(self.ids) + self.n_without_id

    def contradicts_itself_like(self, other: "Verdict | None") -> bool:
        """True if both saw the same in a portal that stood still: reading it again would show the same once more."""
        return (
            other is not None
            and self.is_still
            and other.is_still
            and (self.total, self.ids, self.n_without_id) == (other.total, other.ids, other.n_without_id)
        )


def read_pages(
    client: Client,
    filters: Filters,
    created_from: datetime | None,
    created_to: datetime | None,
    *,
    may_split: bool = True,
) -> Generator[LeadPage, None, Verdict]:
    """All pages of a stretch, again and again until there is a certificate; its return value is the verdict.

    After MAX_TRIES passes without one (or two that contradict themselves in the same way) the stretch is read in parts,
    by SPLIT_BY, if it `may_split`: they count if each has its certificate and together they are as many as the portal
    counts before and after. Whatever is yielded was seen, certain or not. Raises PortalError.
    """
    agents: set[int | None] = set()
    verdict: Verdict | None = None
    for _ in range(MAX_TRIES):
        before, verdict = verdict, (yield from _noting(one_pass(client, filters, created_from, created_to), agents))
        if verdict.is_certain and may_split and _is_capped(client, verdict, created_from, created_to):
            verdict = replace(verdict, is_certain=False)
        if verdict.is_certain:
            return verdict
        if verdict.contradicts_itself_like(before):
            break
    assert verdict is not None  # noqa: S101  # there is at least one try
    for key in SPLIT_BY if may_split else ():
        values = _values(client, key, agents)
        parts = yield from _read_parts(client, filters, created_from, created_to, key, values)
        if parts is not None:
            return parts
    return verdict


def one_pass(
    client: Client, filters: Filters, created_from: datetime | None, created_to: datetime | None
) -> Generator[LeadPage, None, Verdict]:
    """All pages in order; its return value is the verdict.

    The certificate: `total` is the same on every page, page 1 read again at the end is unchanged, and as many different
    rows came as `total` says. A list that loops, repeats itself or breaks off has none. Raises PortalError, and so does
    a list of which not even the first page comes.
    """
    ids: set[str] = set()
    totals: set[int] = set()
    n_without_id = n_mismatched = 0
    first: LeadPage | None = None
    is_whole = True
    try:
        for page in client.iter_pages(filters, created_from, created_to):
            first = first or page
            totals.add(page.total)
            ids.update(page.row_ids)
            n_without_id += page.row_ids.count("")
            n_mismatched += page.mismatched
            yield page
    except UnexpectedPayloadError:
        if first is None:
            raise
        is_whole = False
    again = client.page(1, filters=filters, created_from=created_from, created_to=created_to)
    is_still = first is not None and again.row_ids == first.row_ids and totals == {again.total}
    found = frozenset(ids - {""})
    is_certain = is_whole and is_still and len(found) + n_without_id == again.total
    began_at = first.portal_at if first else again.portal_at
    return Verdict(again.total, found, n_without_id, began_at, is_certain, is_still, n_mismatched)


def _noting(pass_: Generator[LeadPage, None, Verdict], agents: set[int | None]) -> Generator[LeadPage, None, Verdict]:
    """The same pages and verdict; the agents of their leads are added to `agents`."""
    while True:
        try:
            page = next(pass_)
        except StopIteration as end:
            verdict: Verdict = end.value
            return verdict
        agents.update(lead.agent_id for lead in page.leads)
        yield page


def _values(client: Client, key: str, agents: set[int | None]) -> list[str]:
    """The values whose parts make the whole; none if they cannot: no filter asks for leads without an agent.

    Statuses go up the ladder, so that a lead which climbs while we read is met again and never missed.
    """
    if key == "agent":
        return [] if None in agents else [str(agent) for agent in sorted(agents - {None}, key=str)]
    return statuses_upwards(client) if key == "status" else list(field_named(key).values[client.find_dialect()])


def _read_parts(
    client: Client,
    filters: Filters,
    created_from: datetime | None,
    created_to: datetime | None,
    key: str,
    values: Sequence[str],
) -> Generator[LeadPage, None, Verdict | None]:
    """The stretch, one value of a filter after the other; None if a part has no certificate or they do not add up."""
    total = client.total(filters, created_from, created_to)
    parts: list[Verdict] = []
    for value in values:
        part = filters.with_values(key, [value])
        for _ in range(TRIES_ON_A_PART):
            verdict = yield from one_pass(client, part, created_from, created_to)
            # A portal that ignores the filter answers with everything, and we would keep only what fits it.
            if verdict.is_certain and not verdict.n_mismatched:
                parts.append(verdict)
                break
        else:
            return None
    ids = frozenset[str]().union(*(part.ids for part in parts))
    n_without_id = sum(part.n_without_id for part in parts)
    if not total == len(ids) + n_without_id == client.total(filters, created_from, created_to):
        return None
    began_at = min((part.began_at for part in parts if part.began_at), default=None)
    return Verdict(total, ids, n_without_id, began_at, is_certain=True, is_still=False)


def _is_capped(client: Client, verdict: Verdict, created_from: datetime | None, created_to: datetime | None) -> bool:
    """True if the statuses alone are more than the total: the portal counts, and hands out, no further than to a cap.

    Asked down the ladder, a lead that climbs meanwhile counts once; one that comes in is in the last total. A portal
    that ignores the filter tells nothing.
    """
    if verdict.n_distinct <= MAX_PER_PAGE:
        return False
    n_rows = 0
    for status in reversed(statuses_upwards(client)):
        try:
            page = client.page(
                filters=Filters.of({"status": [status]}), created_from=created_from, created_to=created_to, per_page=1
            )
        except BadRequestError:
            return False
        if page.mismatched:
            return False
        n_rows += page.total
    now = client.page(created_from=created_from, created_to=created_to, per_page=1)
    return n_rows > max(verdict.total, now.total)


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
