"""What a portal can do, found by asking: which dialect it speaks, how far back it reaches, what it ignores.

The live portal ignores parameters that it does not know, so a probe asks for what has a known, different answer.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from leadlib.api.pages import LeadPage, Params, portal_now
from leadlib.config import DIALECTS, Dialect
from leadlib.errors import BadRequestError, NotFoundError
from leadlib.filters import FIELDS

NO_SUCH_REFERENCE = "leadlight-probe-no-such-listing"
DAYS_BACK = (93, 92, 91, 90, 89, 88, 60, 30, 7, 1)
"""How far back to try, in days. “Three months” may mean 88 to 92 of them, by date or by instant, in any zone."""

MAX_PROBES = 10
WHILE_ASKING = timedelta(minutes=1)
"""How far the window may move on while it is looked for. Without this a second would cost the oldest day."""

_TO_THE_DAY = timedelta(days=1)


class Asks(Protocol):
    """The part of a client that probes need."""

    def page(
        self,
        number: int = 1,
        *,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        per_page: int = ...,
        extra: Params = (),
    ) -> LeadPage: ...

    def oldest_accepted(self, now: datetime) -> datetime: ...

    def find_dialect(self) -> Dialect: ...

    @property
    def dialect_note(self) -> str | None: ...


@dataclass(frozen=True)
class Capabilities:
    """What a portal and a key can do. None means that it could not be told, as in an account without leads.

    `total` counts the leads since `oldest_accepted`, an instant in UTC. `bounds_created_to`: createdAtTo is obeyed.
    `sorts_by_created_at`: orderBy=createdAt is obeyed in both directions. `portal_at` is the portal's clock, or ours.
    """

    dialect: Dialect
    dialect_note: str | None
    oldest_accepted: datetime
    total: int
    bounds_created_to: bool | None
    sorts_by_created_at: bool | None
    portal_at: datetime


def find_dialect(client: Asks) -> tuple[Dialect | None, str | None]:
    """The dialect that obeys a filter, or None and the reason why nothing could be told.

    Asked for a listing that cannot exist, a portal that knows the parameter finds nothing, and one that ignores it
    counts everything. (A real value would not do: where every lead has it, both answers are the same.)
    """
    if client.page(per_page=1).total == 0:
        return None, "The account has no leads yet, so the dialect cannot be told; “filter” is used until it has."
    for dialect in DIALECTS:
        param = next(field.params[dialect] for field in FIELDS if field.key == "listing")
        try:
            page = client.page(per_page=1, extra=[(param, NO_SUCH_REFERENCE)])
        except (BadRequestError, NotFoundError):
            continue  # a strict portal refuses the parameter of the other dialect
        if page.total == 0 and page.n_rows == 0:
            return dialect, None
    return None, "The portal obeys the filters of neither dialect; “filter” is used, and rows are filtered here."


def oldest_accepted(client: Asks, now: datetime) -> datetime:
    later = now + WHILE_ASKING
    refused: timedelta | None = None
    refusal: BadRequestError | None = None
    n_probes = 0
    for days in DAYS_BACK:
        n_probes += 1
        refusal = _refusal(client, later - timedelta(days=days))
        if refusal is None:
            accepted = timedelta(days=days)
            break
        refused = timedelta(days=days)
    else:
        assert refusal is not None  # noqa: S101  # the loop ran
        raise refusal
    # After the coarse steps the border lies somewhere between the last two: halve that as far as the calls reach.
    while refused is not None and refused - accepted > _TO_THE_DAY and n_probes < MAX_PROBES:
        n_probes += 1
        middle = accepted + (refused - accepted) / 2
        if _refusal(client, later - middle) is None:
            accepted = middle
        else:
            refused = middle
    return (now - accepted).astimezone(UTC)


def _refusal(client: Asks, created_from: datetime) -> BadRequestError | None:
    try:
        client.page(created_from=created_from, per_page=1)
    except BadRequestError as error:
        return error
    return None


def probe(client: Asks) -> Capabilities:
    now = portal_now(client.page(per_page=1))
    oldest = client.oldest_accepted(now)
    dialect = client.find_dialect()
    # A little later than the oldest instant, which has moved on while we asked.
    since = oldest + timedelta(minutes=5)
    first = client.page(created_from=since, per_page=1)
    return Capabilities(
        dialect, client.dialect_note, oldest, first.total, _bounds_created_to(client, since, first.total),
        _sorts_by_created_at(client, since, first), now,
    )  # fmt: skip


def bounds_created_to(client: Asks) -> bool | None:
    now = portal_now(client.page(per_page=1))
    since = now - timedelta(days=60)
    return _bounds_created_to(client, since, client.page(created_from=since, per_page=1).total)


def _bounds_created_to(client: Asks, since: datetime, total: int) -> bool | None:
    if total == 0:
        return None
    try:
        bounded = client.page(created_from=since, created_to=since + timedelta(seconds=1), per_page=1).total
    except BadRequestError:
        return False
    # As many as without the bound: it is ignored (or all leads fall into that second, which we take the safe way).
    return bounded < total


def _sorts_by_created_at(client: Asks, since: datetime, first: LeadPage) -> bool | None:
    """Newest first is asked before oldest first: a lead that arrives between the two then cannot pass for sorting."""
    ends: list[datetime] = []
    for direction in ("desc", "asc"):
        order = [("orderBy", "createdAt"), ("orderDirection", direction)]
        try:
            page = client.page(created_from=since, per_page=1, extra=order)
        except BadRequestError:
            return False
        if not page.leads:
            return None
        ends.append(page.leads[0].created_at)
    newest, oldest = ends
    if first.total < 2 or not first.leads:
        return None
    return oldest < newest and oldest <= first.leads[0].created_at <= newest
