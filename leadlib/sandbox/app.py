"""The portal's paths and what each answers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from leadlib.sandbox import rhythm, wire
from leadlib.sandbox.clock import to_ms
from leadlib.sandbox.deliveries import Deliveries
from leadlib.sandbox.faults import Answer
from leadlib.sandbox.lead import Lead
from leadlib.sandbox.pagination import page_json
from leadlib.sandbox.portal import Portal, json_answer
from leadlib.sandbox.problems import ProblemError
from leadlib.sandbox.query import page_of, parse_lead_query, refuse_unknown
from leadlib.sandbox.selection import Selection
from leadlib.sandbox.settings import SandboxSettings
from leadlib.sandbox.webhooks import Subscriptions

_MOST_PER_PAGE: Final = 100
_STATS_DAYS: Final = 60
_PAGING: Final = ("page", "perPage", "search", "orderBy", "orderDirection")
_USER_NAMES: Final = ("page", "perPage", "search", "status", "roleId", "publicProfileId", "id", "email")
_LISTING_NAMES: Final = (
    "page", "perPage", "orderBy", "draft", "archived", "filter[ids]", "filter[reference]", "filter[assignedToId]",
    "filter[type]", "filter[category]", "filter[offeringType]", "filter[locationId]", "filter[state]",
)  # fmt: skip
_LOCATION_NAMES: Final = ("page", "perPage", "search", "filter[id]", "filter[type]", "filter[parent]")


def create_app(settings: SandboxSettings) -> Starlette:
    """The double of the portal as an ASGI app. `app.state` has its `portal`, and what sends its `deliveries`."""
    portal = Portal(settings)
    reads = _Reads(portal)
    subscriptions = Subscriptions(portal.faults)
    webhooks = "webhooks:full_access"
    routes = [
        Route("/v1/auth/token", portal.token, methods=["POST"]),
        Route("/v1/leads", portal.data("leads:read", reads.leads)),
        Route("/v1/users", portal.data("users:read", reads.users)),
        Route("/v1/listings", portal.data("listings:read", reads.listings)),
        Route("/v1/projects/{project_id}", portal.data("projects:read", reads.project)),
        Route("/v1/locations", portal.data("locations:read", reads.locations)),
        Route("/v1/stats/public-profiles", portal.data("statistics:read", reads.stats)),
        Route("/v1/webhooks", portal.data(webhooks, subscriptions.listed)),
        Route("/v1/webhooks", portal.data(webhooks, subscriptions.added), methods=["POST"]),
        Route("/v1/webhooks/{event_id}", portal.data(webhooks, subscriptions.removed), methods=["DELETE"]),
    ]
    app = Starlette(routes=routes, exception_handlers={404: portal.refuse, 405: portal.refuse})
    app.state.portal = portal
    app.state.deliveries = Deliveries(portal, subscriptions)
    return app


class _Reads:
    """The calls that only read."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._truth = portal.truth
        self._settings = portal.settings
        self._selection = Selection(portal.truth, portal.settings, portal.faults)

    async def leads(self, request: Request, at: datetime) -> Answer:
        oldest = self._truth.window_start(at)
        asked = query = parse_lead_query(request.query_params.multi_items(), self._settings, at, oldest)
        for fault in self._portal.faults:
            query = fault.change_query(query)
        total, leads = self._selection.page(query, at)
        page = {
            "data": [self._lead_row(lead, to_ms(at)) for lead in leads],
            "pagination": page_json(total, asked.page, asked.per_page),
        }
        for fault in self._portal.faults:
            fault.change_page(page, query)
        return json_answer(page)

    async def users(self, request: Request, at: datetime) -> Answer:
        given = self._given(request, _USER_NAMES)
        rows = [wire.user_json(agent) for agent in self._truth.agents_at(at)] + _OFFICE_USERS
        status, search = given.get("status", ""), given.get("search", "").casefold()
        if status not in ("", "active", "inactive"):
            raise ProblemError(400, "status must be active or inactive", "/status")
        ids, emails, profile_ids = (_parts(given.get(name)) for name in ("id", "email", "publicProfileId"))
        rows = [
            row
            for row in rows
            if (not status or row["status"] == status)
            and (not ids or str(row["id"]) in ids)
            and (not emails or row["email"] in emails)
            and (not profile_ids or (row["publicProfile"] and str(row["publicProfile"]["id"]) in profile_ids))
            and (not given.get("roleId") or str(row["role"]["id"]) == given["roleId"])
            and search in f"{row['firstName']} {row['lastName']} {row['email']}".casefold()
        ]
        return self._page("data", rows, given)

    async def listings(self, request: Request, at: datetime) -> Answer:
        given = self._given(request, _LISTING_NAMES)
        stage = "draft" if given.get("draft") == "true" else "archived" if given.get("archived") == "true" else "live"
        day = rhythm.day_of_ms(to_ms(at))
        ids = _parts(given.get("filter[ids]"))
        wanted = {
            "reference": given.get("filter[reference]"),
            "type": given.get("filter[type]"),
            "category": given.get("filter[category]"),
            "offering": given.get("filter[offeringType]"),
        }
        rows = [
            wire.listing_json(listing, self._truth.brokerage.agent(listing.seat, day))
            for listing in self._truth.listings
            if listing.stage == stage
            and (not ids or listing.id in ids)
            and all(not value or getattr(listing, name) == value for name, value in wanted.items())
        ]
        if agent_id := given.get("filter[assignedToId]"):
            rows = [row for row in rows if str(row["assignedTo"]["id"]) == agent_id]
        if place_id := given.get("filter[locationId]"):
            rows = [row for row in rows if str(row["location"]["id"]) == place_id]
        return self._page("results", rows, given, {"activeCts": []})

    async def project(self, request: Request, at: datetime) -> Answer:
        for project in self._truth.projects:
            if project.id == request.path_params["project_id"]:
                return json_answer(wire.project_json(project))
        raise ProblemError(404, "There is no such project.")

    async def locations(self, request: Request, at: datetime) -> Answer:
        given = self._given(request, _LOCATION_NAMES)
        search = given.get("search", "").casefold()
        if len(search) < 2:
            raise ProblemError(400, "search must have 2 letters or more", "/search")
        ids = _parts(given.get("filter[id]"))
        rows = [
            wire.place_json(place)
            for place in self._truth.brokerage.places
            if (search in place.name_en.casefold() or search in place.name_ar) and (not ids or str(place.id) in ids)
        ]
        return self._page("data", rows, given)

    async def stats(self, request: Request, at: datetime) -> Answer:
        given = self._given(request, _PAGING)
        search = given.get("search", "").casefold()
        leads, low, high = self._truth.span(to_ms(at - timedelta(days=_STATS_DAYS)), to_ms(at), to_ms(at))
        by_agent: dict[int | None, list[Lead]] = {}
        for lead in leads[low:high]:
            by_agent.setdefault(lead.agent_id, []).append(lead)
        rows = []
        for agent in self._truth.agents_at(at):
            if agent.active and search in agent.name.casefold():
                day = rhythm.day_of_ms(to_ms(at))
                live = [listing for listing in self._truth.listings if listing.stage == "live"]
                n_live = sum(self._truth.brokerage.agent(listing.seat, day).id == agent.id for listing in live)
                rows.append(wire.stats_json(agent, by_agent.get(agent.id, []), n_live, to_ms(at)))
        return self._page("data", rows, given, {"sort": {"by": "id", "direction": "asc"}})

    def _lead_row(self, lead: Lead, at_ms: int) -> dict[str, Any]:
        row = wire.lead_json(lead, at_ms, self._settings.dialect, self._settings.seed)
        for fault in self._portal.faults:
            fault.change_lead(row, lead)
        return row

    def _given(self, request: Request, known: Iterable[str]) -> dict[str, str]:
        """The query's names with their last value; unknown names are refused when strict."""
        given = dict(request.query_params.multi_items())
        if self._settings.strict:
            refuse_unknown(given, known)
        return given

    def _page(
        self, envelope: str, rows: list[dict[str, Any]], given: dict[str, str], more: dict[str, Any] | None = None
    ) -> Answer:
        page, per_page = page_of({name: [value] for name, value in given.items()}, _MOST_PER_PAGE)
        first = (page - 1) * per_page
        pagination = page_json(len(rows), page, per_page)
        return json_answer({envelope: rows[first : first + per_page], "pagination": pagination, **(more or {})})


def _parts(text: str | None) -> frozenset[str]:
    """The parts of a comma list; none for an absent one."""
    return frozenset(part for part in re.split(r"\s*,\s*", text or "") if part)


# People of the office without a public profile: not every user is an agent.
_OFFICE_USERS: Final[list[dict[str, Any]]] = [
    {
        "id": 30_001 + place,
        "firstName": first,
        "lastName": "Officeonly",
        "email": f"office.{place + 1}@example.com",
        "mobile": None,
        "status": "active",
        "role": {"id": 1, "name": "Admin"},
        "publicProfile": None,
    }
    for place, first in enumerate(("Ada", "Bo"))
]
