"""Which leads answer a query, in order: a page of them without walking over the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from leadlib.sandbox.clock import to_ms
from leadlib.sandbox.faults import Fault
from leadlib.sandbox.lead import Lead
from leadlib.sandbox.query import LeadQuery
from leadlib.sandbox.settings import SandboxSettings
from leadlib.sandbox.truth import Truth
from leadlib.sandbox.wire import CHANNELS, ENTITY_TYPES, lead_sender, lead_status, lead_tags

_MOST_REMEMBERED: Final = 256


class Selection:
    """Answers lead queries against the truth. `at` must be a whole second: it is the resolution of the portal.

    Without filters a page is cut out of the planted rows; with filters the matching rows are remembered for as long as
    the second lasts and the truth stands, so that a pass over all pages costs one walk.
    """

    def __init__(self, truth: Truth, settings: SandboxSettings, faults: Sequence[Fault] = ()) -> None:
        self._truth = truth
        self._settings = settings
        self._reordering = [fault for fault in faults if fault.is_reordering]
        self._remembered: dict[LeadQuery, list[Lead]] = {}
        self._remembered_at: tuple[datetime, int] | None = None

    def page(self, query: LeadQuery, at: datetime) -> tuple[int, Sequence[Lead]]:
        """(how many leads match in all, those of the query's page); past the end the page is empty."""
        low_ms = max(to_ms(self._truth.window_start(at)), query.created_from_ms or 0)
        high_ms = to_ms(at) if query.created_to_ms is None else min(to_ms(at), query.created_to_ms)
        if low_ms > high_ms:
            return 0, ()
        leads, low, high = self._truth.span(low_ms, high_ms, to_ms(at))
        if query.filters or query.search:
            leads = self._matching(query, at, leads, low, high)
            low, high = 0, len(leads)
        if self._reordering:
            at_ms = to_ms(at)
            leads = sorted(leads[low:high], key=lambda lead: self._order_key(lead, at_ms))
            low, high = 0, len(leads)
        skipped = (query.page - 1) * query.per_page
        if query.is_oldest_first:
            return high - low, leads[low + skipped : min(low + skipped + query.per_page, high)]
        end = max(low, high - skipped)
        return high - low, leads[max(low, end - query.per_page) : end][::-1]

    def _order_key(self, lead: Lead, at_ms: int) -> float:
        key_ms: float = lead.created_ms
        for fault in self._reordering:
            key_ms = fault.order_key(key_ms, lead, at_ms)
        return key_ms

    def _matching(self, query: LeadQuery, at: datetime, leads: Sequence[Lead], low: int, high: int) -> list[Lead]:
        moment = at, self._truth.version
        if self._remembered_at != moment or len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
            self._remembered_at = moment
        key = replace(query, page=1, per_page=1, is_oldest_first=False)
        if key not in self._remembered:
            tests = [self._test(name, values, to_ms(at)) for name, values in query.filters]
            if query.search:
                tests.append(self._search_test(query.search))
            self._remembered[key] = [lead for lead in leads[low:high] if all(test(lead) for test in tests)]
        return self._remembered[key]

    def _test(self, name: str, values: frozenset[str], at_ms: int) -> Callable[[Lead], bool]:
        dialect, seed = self._settings.dialect, self._settings.seed
        if name == "status":
            return lambda lead: lead_status(lead, at_ms, dialect) in values
        if name == "channel":
            return lambda lead: CHANNELS[dialect][lead.channel] in values
        if name == "entityType":
            return lambda lead: ENTITY_TYPES[dialect][lead.entity_type] in values
        if name == "publicProfileId":
            agent_ids = {int(value) for value in values}
            return lambda lead: lead.agent_id in agent_ids
        if name == "tag":
            return lambda lead: not values.isdisjoint(lead_tags(lead))
        if name == "excludeTag":
            return lambda lead: values.isdisjoint(lead_tags(lead))
        if name.startswith("sender"):
            field = {"senderName": 0, "senderPhone": 1, "senderEmail": 2, "senderWhatsappUsername": 3}[name]
            return lambda lead: lead_sender(lead, seed)[field] in values
        getter = _GETTERS[name]
        return lambda lead: getter(lead) in values

    def _search_test(self, text: str) -> Callable[[Lead], bool]:
        def is_found(lead: Lead) -> bool:
            shown = [part for part in lead_sender(lead, self._settings.seed) if part is not None]
            if lead.listing is not None:
                shown.append(lead.listing.reference)
            return any(text in part.casefold() for part in shown)

        return is_found


_GETTERS: Final[dict[str, Callable[[Lead], str | None]]] = {
    "id": lambda lead: lead.id,
    "listingId": lambda lead: lead.listing.id if lead.listing else None,
    "listingReference": lambda lead: lead.listing.reference if lead.listing else None,
    "listingCategory": lambda lead: lead.listing.category if lead.listing else None,
    "listingOffering": lambda lead: lead.listing.offering if lead.listing else None,
    "projectId": lambda lead: lead.project.id if lead.project else None,
    "developerId": lambda lead: lead.developer.id if lead.developer else None,
}
