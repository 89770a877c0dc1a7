"""Reading page by page, where time cannot be cut: createdAtTo is ignored, or a second holds more than a page.

A pass over the pages needs a certificate. Where it has none it is repeated, and then the stretch is read in parts,
until all that was seen pins down what was there.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import datetime

from leadlib.api import MAX_PER_PAGE, Client, LeadPage
from leadlib.errors import BadRequestError, UnexpectedPayloadError
from leadlib.filters import Filters, field_named
from leadlib.reading.sightings import Sightings
from leadlib.records import LADDER, STAGE_OF_STATUS

MAX_TRIES = 8
"""How often several pages are read as a whole before they are read in parts."""

ROUNDS_OF_PARTS = 3
"""How often a stretch is read in each kind of parts, as long as that brings something."""

IDLE_PARTS = 2
"""After so many kinds of parts in a row that have shown nothing new, there is no more to be found."""

SPLIT_BY = ("status", "type", "agent")
"""The filters by which a stretch is read in parts, one after the other until all is pinned down."""


def statuses_upwards(client: Client) -> list[str]:
    """The statuses that the portal's dialect documents, up the ladder, and then those that are off it."""
    rung = {stage: place for place, stage in enumerate(LADDER)}
    documented = field_named("status").values[client.find_dialect()]
    return sorted(documented, key=lambda status: rung.get(STAGE_OF_STATUS[status], len(rung)))


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

    def pinned_down(self, sightings: Sightings) -> "Verdict":
        """This verdict, or a certain one where all that was seen has its certificate together."""
        pin = sightings.pin()
        if pin is None:
            return self
        began_at = pin.at or self.began_at
        return replace(self, total=pin.total, ids=pin.ids, n_without_id=0, began_at=began_at, is_certain=True)

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

    A pass may have one by itself, and several of them have one together once they pin down all that was there (see
    Sightings). After MAX_TRIES passes without (or two that contradict themselves in the same way) the stretch is read
    in parts by SPLIT_BY, if it `may_split`, until all is pinned down or parts bring nothing. Whatever is yielded was
    seen, certain or not. Raises PortalError.
    """
    sightings = Sightings()
    agents: set[int | None] = set()
    verdict: Verdict | None = None
    is_capped = False
    for _ in range(MAX_TRIES):
        before, verdict = verdict, (yield from one_pass(client, filters, created_from, created_to, sightings, agents))
        if not verdict.is_certain:
            verdict = verdict.pinned_down(sightings)
        is_capped = verdict.is_certain and may_split and _is_capped(client, verdict, created_from, created_to)
        if is_capped:
            verdict = replace(verdict, is_certain=False)
            break
        if verdict.is_certain:
            return verdict
        if verdict.contradicts_itself_like(before):
            break
    assert verdict is not None  # noqa: S101  # there is at least one try
    n_idle = 0
    for key in SPLIT_BY * ROUNDS_OF_PARTS if may_split else ():
        before_parts = (sightings.n_leads, sightings.shortfall)
        # Around this answer: what was seen before it, and comes again with the parts.
        sightings.count(client.page(1, filters=filters, created_from=created_from, created_to=created_to, per_page=1))
        yield from _read_parts(client, filters, created_from, created_to, key, sightings, agents)
        if not is_capped and (pinned := verdict.pinned_down(sightings)).is_certain:
            return pinned
        shortfall = sightings.shortfall
        n_idle = n_idle + 1 if before_parts == (sightings.n_leads, shortfall) else 0
        if n_idle == IDLE_PARTS or shortfall is None or shortfall < 0:
            break
    return verdict


def one_pass(
    client: Client,
    filters: Filters,
    created_from: datetime | None,
    created_to: datetime | None,
    sightings: Sightings,
    agents: set[int | None],
) -> Generator[LeadPage, None, Verdict]:
    """All pages in order, noted in `sightings` and their agents in `agents`; its return value is the verdict.

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
            sightings.see(page, is_whole=True)
            agents.update(lead.agent_id for lead in page.leads)
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


def _read_parts(
    client: Client,
    filters: Filters,
    created_from: datetime | None,
    created_to: datetime | None,
    key: str,
    sightings: Sightings,
    agents: set[int | None],
) -> Generator[LeadPage, None, None]:
    """The pages of a stretch, one value of a filter after the other, noted in `sightings`.

    No filter asks for leads without an agent: the parts by agent are what there is of the others.
    """
    for value in _values(client, key, agents):
        try:
            for page in client.iter_pages(filters.with_values(key, [value]), created_from, created_to):
                if page.mismatched:
                    return  # a portal that ignores the filter would send the whole stretch for each value
                sightings.see(page, is_whole=False)
                agents.update(lead.agent_id for lead in page.leads)
                yield page
        except UnexpectedPayloadError:
            continue  # a list that loops or breaks off: what came of it is seen


def _values(client: Client, key: str, agents: set[int | None]) -> list[str]:
    """The values to ask for, one after the other.

    Statuses go up the ladder, so that a lead which climbs while we read is met again.
    """
    if key == "agent":
        return [str(agent) for agent in sorted(agents - {None}, key=str)]
    return statuses_upwards(client) if key == "status" else list(field_named(key).values[client.find_dialect()])


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
