"""Names for ids: looked up with the leads that bring them, and again after a day."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from leadlib.api import Client
from leadlib.api.client import MISSING_SCOPE_KEPT_S
from leadlib.records import AgentName, ListingName, ProjectName
from leadlib.store import Store
from leadlib.sync.names import MOST_OLD_NAMES, MOST_OLD_PROJECTS, NAMES_LIVE, fetch_names
from tests.api_doubles import Clock, Portal, answer, client_of, page_body, problem
from tests.conftest import at, make_lead

NOW = at("2026-11-20 09:00")
LATER = NOW + NAMES_LIVE + timedelta(minutes=1)


@dataclass
class Names:
    """A portal that knows names and nothing else; what it knows may change."""

    agents: dict[int, str] = field(default_factory=dict)
    listings: dict[str, str] = field(default_factory=dict)
    projects: dict[str, str] = field(default_factory=dict)
    refuses: bool = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if self.refuses:
            return problem(403, "scope missing")
        if path == "/v1/users":
            rows: list[Any] = [{"publicProfile": {"id": key, "name": name}} for key, name in self.agents.items()]
            return answer(200, page_body(rows, per_page=100))
        if path == "/v1/listings":
            if {"draft", "archived"} & set(request.url.params):
                return answer(200, {**page_body([]), "results": []})
            asked = request.url.params["filter[ids]"].split(",")
            found = [{"id": key, "title": {"en": self.listings[key]}} for key in asked if key in self.listings]
            return answer(200, {**page_body([], per_page=100), "results": found})
        title = self.projects.get(path.rsplit("/", 1)[1])
        return problem(404, "unknown") if title is None else answer(200, {"title": {"en": title}})


@dataclass
class Bench:
    """The portal, a client of it, and a store."""

    names: Names
    portal: Portal
    client: Client
    store: Store

    def fetch(self, now: datetime) -> Counter[str]:
        """Looks names up; the calls that cost, by path, a project's id left out."""
        before = len(self.portal.data_calls)
        fetch_names(self.client, self.store, lambda: None, now)
        paths = (call.url.path for call in self.portal.data_calls[before:])
        return Counter("/v1/projects" if path.startswith("/v1/projects/") else path for path in paths)

    def known(self) -> dict[str, str]:
        """Name or title by id; “none” where the portal told none."""
        frame = self.store.query(
            "select cast(agent_id as varchar) as id, name from agents union all "
            "select listing_id, coalesce(title, 'none') from listings union all "
            "select project_id, coalesce(title, 'none') from projects"
        )
        return {row.id: row.name for row in frame.itertuples()}


@pytest.fixture
def bench(store: Store) -> Iterator[Bench]:
    store.write_leads(
        [make_lead("a", publicProfile={"id": 1}, listing={"id": "L1", "reference": "R"}, project={"id": "P1"})],
        observed_at=NOW,
    )
    names = Names({1: "Test Agent"}, {"L1": "Old title"}, {"P1": "Towers"})
    portal = Portal(names)
    with client_of(portal) as client:
        yield Bench(names, portal, client, store)


def test_names_are_looked_up_once_and_again_after_a_day(bench: Bench) -> None:
    once = Counter({"/v1/users": 1, "/v1/listings": 1, "/v1/projects": 1})
    assert bench.fetch(NOW) == once
    assert bench.known() == {"1": "Test Agent", "L1": "Old title", "P1": "Towers"}
    bench.names.agents[1], bench.names.listings["L1"] = "Married Agent", "New title"
    assert bench.fetch(NOW + NAMES_LIVE) == {}
    assert bench.fetch(LATER) == once
    assert bench.known() == {"1": "Married Agent", "L1": "New title", "P1": "Towers"}
    assert bench.fetch(LATER + timedelta(hours=1)) == {}


def test_name_that_the_portal_has_forgotten_stays(bench: Bench) -> None:
    bench.fetch(NOW)
    bench.names.agents, bench.names.listings, bench.names.projects = {}, {}, {}
    bench.fetch(LATER)
    assert bench.known() == {"1": "Test Agent", "L1": "Old title", "P1": "Towers"}
    assert bench.fetch(LATER + timedelta(hours=1)) == {}, "asked for, though in vain"


def test_unknown_id_is_asked_for_again_after_a_day_and_not_with_every_sync(bench: Bench) -> None:
    bench.names.agents, bench.names.listings, bench.names.projects = {}, {}, {}
    bench.fetch(NOW)
    assert bench.known() == {"1": "#1", "L1": "none", "P1": "none"}
    assert bench.fetch(NOW + timedelta(hours=1)) == {}
    bench.names.agents, bench.names.listings, bench.names.projects = {1: "A"}, {"L1": "B"}, {"P1": "C"}
    bench.fetch(LATER)
    assert bench.known() == {"1": "A", "L1": "B", "P1": "C"}


def test_names_of_ids_that_no_lead_carries_are_not_asked_for(bench: Bench) -> None:
    bench.store.write_names(
        [], [ListingName("L9", None, "x", None, None, None)], [ProjectName("P9", "x", None, None)], at=NOW
    )
    bench.fetch(NOW)
    assert bench.fetch(LATER) == {"/v1/users": 1, "/v1/listings": 1, "/v1/projects": 1}


def test_old_names_cost_few_calls_a_sync_and_the_oldest_come_first(bench: Bench, store: Store) -> None:
    n_listings, n_projects = MOST_OLD_NAMES + 100, MOST_OLD_PROJECTS + 5
    store.write_leads(
        [make_lead(f"l{n}", listing={"id": f"X{n}", "reference": "R"}) for n in range(n_listings)]
        + [make_lead(f"p{n}", listing=None, project={"id": f"Y{n}"}) for n in range(n_projects)],
        observed_at=NOW,
    )
    bench.names.listings = {"L1": "t", **{f"X{n}": "t" for n in range(n_listings)}}
    bench.names.projects = {"P1": "t", **{f"Y{n}": "t" for n in range(n_projects)}}
    bench.fetch(NOW)
    most = {"/v1/users": 1, "/v1/listings": MOST_OLD_NAMES // 50, "/v1/projects": MOST_OLD_PROJECTS}
    assert bench.fetch(LATER) == most
    rest = bench.fetch(LATER + timedelta(minutes=5))
    assert (rest["/v1/listings"], rest["/v1/projects"]) == (3, 6)
    assert bench.fetch(LATER + timedelta(minutes=10)) == {}


def test_key_that_may_not_look_up_keeps_the_names_there_are_and_is_tried_again_after_a_day(bench: Bench) -> None:
    bench.store.write_names([AgentName(1, "Test Agent", True)], [], [], at=NOW)
    bench.names.refuses = True
    clock = Clock()
    bench.client = client_of(bench.portal, clock)
    assert bench.fetch(LATER) == {"/v1/users": 1, "/v1/listings": 1, "/v1/projects": 1}
    assert bench.fetch(LATER) == {}
    assert bench.client.unavailable == {"users:read", "listings:read", "projects:read"}
    assert bench.known() == {"1": "Test Agent"}
    bench.names.refuses = False
    clock.now += MISSING_SCOPE_KEPT_S
    bench.fetch(LATER)
    assert bench.client.unavailable == set()
    assert set(bench.known()) == {"1", "L1", "P1"}


def test_lookup_that_fails_is_made_again_by_the_next_sync(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.fetch(NOW)
    down: Callable[[httpx.Request], httpx.Response] = lambda request: problem(400, "oops")  # noqa: E731
    monkeypatch.setattr(bench.portal, "handler", down)
    notes = fetch_names(bench.client, bench.store, lambda: None, LATER)
    assert len(notes) == 3
    monkeypatch.setattr(bench.portal, "handler", bench.names)
    assert bench.known() == {"1": "Test Agent", "L1": "Old title", "P1": "Towers"}
    assert bench.fetch(LATER)["/v1/listings"] == 1
