"""A day read once a week in other ways than a sweep reads it, to see whether what sweeps rely on still holds.

A sweep takes it that createdAtTo cuts where it says, that an id stands for one lead, and that a response which is as
long as its own total is whole. If page after page of a day, or its leads channel by channel or agent by agent, bring a
lead that slices of it do not, twice, then one of these is no longer true, and no certificate is worth anything.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from leadlib.api import Client
from leadlib.filters import Filters, field_named
from leadlib.reading import PAD, ROWS_AIMED_AT, cuts_blind, read_pages, read_slices
from leadlib.records import Lead
from leadlib.store import Store

EVERY = timedelta(days=7)

LEAST_SLICES = 4
"""So that slices are shorter than the day with which they are compared."""

_AUDITED_AT = "audited_at"
_DAY = timedelta(days=1)
_SETTLED = 2 * _DAY
"""Younger days are read every few minutes anyway, and still move."""


@dataclass(frozen=True)
class Audit:
    """What came of it: the day (its first instant, UTC), its leads, and those of them that no slice has shown."""

    day: datetime
    n_leads: int
    missed: tuple[Lead, ...]


def is_due(store: Store, now: datetime) -> bool:
    """True if the last audit is a week old. The first sync only sets the clock going."""
    last = store.recall(_AUDITED_AT)
    if last is None:
        store.remember(_AUDITED_AT, now.isoformat())
    return last is not None and now - datetime.fromisoformat(last) >= EVERY


def audit(client: Client, store: Store, created_from: datetime, now: datetime) -> Audit | None:
    """Audits a day of [created_from, now), drawn by lot; None where no whole day is old enough.

    `now` is the portal's clock. Raises PortalError.
    """
    store.remember(_AUDITED_AT, now.isoformat())
    first = created_from.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    n_days = (now - _SETTLED - first) // _DAY
    if n_days < 1:
        return None
    # The lot is the day's own, so that a sync told the same twice does the same twice.
    begin = first + _DAY * random.Random(now.date().isoformat()).randrange(n_days)  # noqa: S311  # no secret
    end = begin + _DAY
    elsewhere = {lead.lead_id: lead for lead in _in_other_ways(client, store, begin, end)}
    for _ in range(2):
        # What came late, between one reading and the next, is found by the second.
        total = client.total(created_from=begin, created_to=end)
        cuts = cuts_blind(begin, end, max(total, LEAST_SLICES * ROWS_AIMED_AT))
        slices = read_slices(client, begin, end, cuts, now)
        in_slices = {lead.lead_id for slice_ in slices for lead in slice_.leads}
        missed = tuple(lead for lead_id, lead in elsewhere.items() if lead_id not in in_slices)
        if not missed:
            break
    return Audit(begin, len(elsewhere), missed)


def _in_other_ways(client: Client, store: Store, begin: datetime, end: datetime) -> Iterator[Lead]:
    """The day's leads page after page, channel by channel and agent by agent; those on its edges left out."""
    agents = store.query(
        "select distinct agent_id from leads where created_at >= $begin and created_at < $end "
        "and agent_id is not null order by 1",
        {"begin": begin, "end": end},
    )["agent_id"]
    parts = [("type", channel) for channel in field_named("type").values[client.find_dialect()]]
    parts += [("agent", str(agent)) for agent in agents]
    for filters in [Filters(), *(Filters.of({key: [value]}) for key, value in parts)]:
        for page in read_pages(client, filters, begin, end, may_split=False):
            yield from (lead for lead in page.leads if begin + 2 * PAD <= lead.created_at < end - 2 * PAD)
