"""The portal's double keeps the contract of the API, and its brokerage is planted as it says."""

import asyncio
import copy
import http.client
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jsonschema
import jwt
import pytest
from starlette.applications import Starlette

import leadlib.sandbox
from leadlib.sandbox import API_KEY, API_SECRET, FAULTS, Clock, SandboxServer, SandboxSettings, Truth, create_app, serve
from leadlib.sandbox.brokerage import CHANNEL_MIX
from leadlib.sandbox.clock import three_months_before
from leadlib.sandbox.lead import Lead
from leadlib.sandbox.people import sender
from leadlib.sandbox.settings import Dialect
from leadlib.sandbox.wire import CHANNELS, ENTITY_TYPES, lead_sender, lead_status, lead_tags

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WINDOW_START = datetime(2026, 8, 23, 12, tzinfo=UTC)
DUBAI_AHEAD = timedelta(hours=4)
KEY_PAIR = {"apiKey": API_KEY, "apiSecret": API_SECRET}
PLENTY = 1_000_000
SCHEMA = json.loads((Path(__file__).parent / "schemas/lead-page.schema.json").read_text(encoding="utf-8"))
DIALECTS: tuple[Dialect, ...] = ("filter", "flat")


class Caller:
    """Calls an app in this process with a token of its own; `leads` reads all pages of a query."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        self.portal = app.state.portal
        self.token = ""

    def ask(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        """One call as it is, without a token of our own."""

        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test") as client:
                return await client.request(method, path, **options)

        return asyncio.run(call())

    def mint(self) -> httpx.Response:
        answer = self.ask("/v1/auth/token", "POST", json=KEY_PAIR)
        if answer.status_code == 200:
            self.token = answer.json()["accessToken"]
        return answer

    def get(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        """One call with a token."""
        if not self.token:
            self.mint()
        return self.ask(path, method, headers={"Authorization": f"Bearer {self.token}"}, **options)

    def page(self, query: str = "") -> dict[str, Any]:
        answer = self.get(f"/v1/leads?{query}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pages(self, query: str = "") -> Iterator[dict[str, Any]]:
        number: int | None = 1
        while number is not None:
            body = self.page(f"{query}&page={number}")
            yield body
            number = body["pagination"]["nextPage"]

    def leads(self, query: str = "") -> list[dict[str, Any]]:
        return [row for body in self.pages(query) for row in body["data"]]


def caller(**changes: Any) -> Caller:
    """A small sandbox whose clock is held still."""
    return Caller(create_app(replace(SMALL, **changes)))


SMALL = SandboxSettings(n_leads=300, frozen_at=NOW, calls_per_minute=PLENTY, token_calls_per_minute=PLENTY)


@pytest.fixture(scope="module")
def filtering() -> Caller:
    return caller(n_leads=900)


@pytest.fixture(scope="module")
def flat() -> Caller:
    return caller(n_leads=900, dialect="flat")


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth(7, 12_000, Clock(NOW))


@pytest.fixture(scope="module")
def visible(truth: Truth) -> list[Lead]:
    return list(truth.visible(NOW))


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(SMALL) as running:
        yield running


def schema_of(dialect: str) -> dict[str, Any]:
    """The published schema; for the filter dialect, with the values of the document that has it."""
    schema = copy.deepcopy(SCHEMA)
    if dialect == "filter":
        schema["$defs"]["status"]["enum"] = ["sent", "opened", "responded", "archived"]
        schema["$defs"]["channel"]["enum"] = ["call", "email", "chat", "whatsapp"]
        schema["$defs"]["entityType"]["enum"] = ["listing", "project", "developer", "publicProfile"]
    return schema


def test_exported_names_are_those_that_exist() -> None:
    assert sorted(leadlib.sandbox.__all__) == sorted(
        name for name, value in vars(leadlib.sandbox).items() if not name.startswith("_") and not _is_module(value)
    )


def _is_module(value: object) -> bool:
    return type(value).__name__ == "module"


def test_key_pair_has_the_portals_shape() -> None:
    assert re.fullmatch(r"\w{5}\.\w{34}", API_KEY)
    assert len(API_SECRET) == 32


# The wire


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_page_fits_the_schema(dialect: str) -> None:
    reader = caller(dialect=dialect, n_leads=500)
    validator = jsonschema.Draft202012Validator(schema_of(dialect))
    pages = list(reader.pages())
    for body in pages:
        validator.validate(body)
    assert len(pages) == pages[0]["pagination"]["totalPages"] > 8


@pytest.mark.parametrize("dialect", DIALECTS)
def test_reading_all_pages_yields_exactly_the_visible_leads_newest_first(
    dialect: str, request: pytest.FixtureRequest
) -> None:
    reader: Caller = request.getfixturevalue({"filter": "filtering", "flat": "flat"}[dialect])
    rows = reader.leads()
    visible = reader.portal.truth.visible(NOW)
    assert [row["id"] for row in rows] == [lead.id for lead in reversed(visible)]
    assert reader.portal.truth.lead_ids(NOW) == {row["id"] for row in rows}


def test_pagination_names_its_neighbours(filtering: Caller) -> None:
    total = len(filtering.portal.truth.visible(NOW))
    n_pages = -(-total // 20)
    first = filtering.page("perPage=20")["pagination"]
    assert first == {
        "page": 1, "perPage": 20, "total": total, "totalPages": n_pages, "nextPage": 2, "prevPage": None,
    }  # fmt: skip
    last = filtering.page(f"perPage=20&page={n_pages}")
    assert (last["pagination"]["nextPage"], last["pagination"]["prevPage"]) == (None, n_pages - 1)
    assert len(last["data"]) == total - 20 * (n_pages - 1)


def test_page_past_the_end_is_empty(filtering: Caller) -> None:
    body = filtering.page("page=9999")
    assert body["data"] == []
    assert body["pagination"]["nextPage"] is None


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("perPage=51", id="too-many-per-page"),
        pytest.param("perPage=0", id="none-per-page"),
        pytest.param("page=0", id="page-zero"),
        pytest.param("page=two", id="page-in-words"),
        pytest.param("createdAtFrom=2026-11-01", id="date-without-time"),
        pytest.param("createdAtFrom=2026-11-01T00:00:00", id="no-zone"),
        pytest.param("createdAtFrom=2026-11-31T00:00:00Z", id="no-such-day"),
        pytest.param("createdAtFrom=2026-11-01T00:00:00+04:00", id="plus-not-encoded"),
        pytest.param("filter[status]=replied", id="the-other-dialects-value"),
        pytest.param("filter[assignedToId]=x", id="agent-in-letters"),
    ],
)
def test_malformed_query_is_refused_with_400(filtering: Caller, query: str) -> None:
    assert filtering.get(f"/v1/leads?{query}").status_code == 400


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+04:00", "9999-12-31T23:59:59-04:00", "2026-11-01T00:00:00.123456789Z"]
)
def test_extreme_dates_do_not_break_the_portal(flat: Caller, text: str) -> None:
    for name in ("createdAtFrom", "createdAtTo"):
        assert flat.get("/v1/leads", params={name: text}).status_code in (200, 422)


def test_start_date_may_be_three_calendar_months_back_and_not_a_second_more(filtering: Caller) -> None:
    assert filtering.get("/v1/leads?createdAtFrom=2026-08-23T12:00:00Z").status_code == 200
    assert filtering.get("/v1/leads?createdAtFrom=2026-08-23T16:00:00%2B04:00").status_code == 200
    assert filtering.get("/v1/leads?createdAtFrom=2026-08-23T11:59:59Z").status_code == 422


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2027-05-31", "2027-02-28", id="short-month"),
        pytest.param("2028-05-30", "2028-02-29", id="leap-day"),
        pytest.param("2027-01-15", "2026-10-15", id="over-new-year"),
        pytest.param("2026-12-31", "2026-09-30", id="thirty-days"),
    ],
)
def test_three_months_are_calendar_months(text: str, expected: str) -> None:
    before = three_months_before(datetime.fromisoformat(text).replace(tzinfo=UTC))
    assert before.date().isoformat() == expected


@pytest.mark.parametrize("dialect", DIALECTS)
def test_unknown_names_are_ignored_unless_strict(dialect: str, request: pytest.FixtureRequest) -> None:
    reader: Caller = request.getfixturevalue({"filter": "filtering", "flat": "flat"}[dialect])
    foreign = {"filter": "status=read", "flat": "filter[status]=opened"}[dialect]
    total = len(reader.portal.truth.visible(NOW))
    assert reader.page(f"{foreign}&limit=3&perPage=1")["pagination"]["total"] == total
    strict = caller(dialect=dialect, strict=True)
    assert strict.get(f"/v1/leads?{foreign}").status_code == 400
    assert strict.get("/v1/users?limit=3").status_code == 400
    assert strict.get("/v1/leads?page=1&perPage=5&createdAtFrom=2026-11-01T00:00:00Z").status_code == 200


def test_created_to_bounds_in_the_flat_dialect_only_unless_set(filtering: Caller, flat: Caller) -> None:
    query = "createdAtTo=2026-10-01T00:00:00Z&perPage=1"
    everything = len(filtering.portal.truth.visible(NOW))
    earlier = sum(lead.created_at <= datetime(2026, 10, 1, tzinfo=UTC) for lead in flat.portal.truth.visible(NOW))
    assert filtering.page(query)["pagination"]["total"] == everything
    assert flat.page(query)["pagination"]["total"] == earlier < everything
    bounding = caller(bounds_created_to=True)
    assert all(row["createdAt"] < "2026-10-01" for row in bounding.leads("createdAtTo=2026-10-01T00:00:00Z"))
    boundless = caller(dialect="flat", bounds_created_to=False)
    assert boundless.page(query)["pagination"]["total"] == len(boundless.portal.truth.visible(NOW))


def test_both_ends_of_a_span_are_included(flat: Caller) -> None:
    lead = next(lead for lead in flat.portal.truth.visible(NOW) if lead.created_ms % 1000 == 0)
    second = f"{lead.created_at:%Y-%m-%dT%H:%M:%SZ}"
    rows = flat.leads(f"createdAtFrom={second}&createdAtTo={second}")
    assert lead.id in {row["id"] for row in rows}


def test_span_that_ends_before_it_begins_is_refused(flat: Caller) -> None:
    query = "createdAtFrom=2026-11-02T00:00:00Z&createdAtTo=2026-11-01T00:00:00Z"
    assert flat.get(f"/v1/leads?{query}").status_code == 400


# Filters: name, value, and what must hold for a planted lead

Test = Callable[[Lead], bool]


def _stage_words(words: dict[str, str], has_archived: bool) -> Callable[[Lead], str]:
    def word(lead: Lead) -> str:
        stage = lead.stage_at(NOW)
        if stage == "archived" and not has_archived:
            stage = [name for name, at in lead.transitions if name != "archived" and at <= NOW][-1]
        return words[stage]

    return word


FILTER_STATUS = _stage_words(
    {"sent": "sent", "delivered": "sent", "opened": "opened", "responded": "responded", "archived": "archived"}, True
)
FLAT_STATUS = _stage_words({"sent": "sent", "delivered": "delivered", "opened": "read", "responded": "replied"}, False)

FILTER_CASES: list[tuple[str, str, Test]] = [
    ("filter[status]", "sent", lambda lead: FILTER_STATUS(lead) == "sent"),
    ("filter[status]", "opened,responded", lambda lead: FILTER_STATUS(lead) in ("opened", "responded")),
    ("filter[status]", "archived", lambda lead: FILTER_STATUS(lead) == "archived"),
    ("filter[type]", "chat", lambda lead: lead.channel == "chat"),
    ("filter[type]", "call,email", lambda lead: lead.channel in ("call", "email")),
    ("filter[entityType]", "publicProfile", lambda lead: lead.entity_type in ("publicProfile", "company")),
    ("filter[assignedToId]", "90004,90021", lambda lead: lead.agent_id in (90_004, 90_021)),
]
FLAT_CASES: list[tuple[str, list[str], Test]] = [
    ("status", ["read", "delivered"], lambda lead: FLAT_STATUS(lead) in ("read", "delivered")),
    ("status", ["replied"], lambda lead: FLAT_STATUS(lead) == "replied"),
    ("channel", ["whatsapp"], lambda lead: lead.channel in ("whatsapp", "chat")),
    ("entityType", ["agent", "company"], lambda lead: lead.entity_type in ("publicProfile", "company")),
    ("publicProfileId", ["90004", "90021"], lambda lead: lead.agent_id in (90_004, 90_021)),
    ("listingCategory", ["commercial"], lambda lead: bool(lead.listing and lead.listing.category == "commercial")),
    ("listingOffering", ["sale"], lambda lead: bool(lead.listing and lead.listing.offering == "sale")),
    ("tag", ["hot", "from_agent"], lambda lead: bool({"hot", "from_agent"} & set(lead_tags(lead)))),
    ("excludeTag", ["hot"], lambda lead: "hot" not in lead_tags(lead)),
]


@pytest.mark.parametrize(("name", "value", "holds"), FILTER_CASES, ids=[f"{n} {v}" for n, v, _ in FILTER_CASES])
def test_filter_dialect_returns_exactly_the_planted_rows(filtering: Caller, name: str, value: str, holds: Test) -> None:
    expected = [lead.id for lead in filtering.portal.truth.visible(NOW) if holds(lead)]
    found = [row["id"] for row in filtering.leads(f"{name}={value}")]
    assert found == expected[::-1]
    assert 0 < len(found) < len(filtering.portal.truth.visible(NOW))


@pytest.mark.parametrize(("name", "values", "holds"), FLAT_CASES, ids=[f"{n} {v}" for n, v, _ in FLAT_CASES])
def test_flat_dialect_returns_exactly_the_planted_rows(flat: Caller, name: str, values: list[str], holds: Test) -> None:
    expected = [lead.id for lead in flat.portal.truth.visible(NOW) if holds(lead)]
    found = [row["id"] for row in flat.leads("&".join(f"{name}={value}" for value in values))]
    assert found == expected[::-1]
    assert 0 < len(found) < len(flat.portal.truth.visible(NOW))


@pytest.mark.parametrize("name", ["filter[listingReference]", "filter[projectId]"])
def test_filter_dialect_finds_things_by_comma_lists(filtering: Caller, name: str) -> None:
    def key(lead: Lead) -> str | None:
        if name == "filter[projectId]":
            return lead.project and lead.project.id
        return lead.listing and lead.listing.reference

    visible = filtering.portal.truth.visible(NOW)
    common = [value for value, _ in Counter(filter(None, map(key, visible))).most_common(6) if "," not in value][:2]
    found = filtering.leads(f"{name}={','.join(common)}")
    assert {row["id"] for row in found} == {lead.id for lead in visible if key(lead) in common}
    assert found


FLAT_KEYS: dict[str, Callable[[Lead], str | None]] = {
    "id": lambda lead: lead.id,
    "listingId": lambda lead: lead.listing and lead.listing.id,
    "listingReference": lambda lead: lead.listing and lead.listing.reference,
    "projectId": lambda lead: lead.project and lead.project.id,
    "developerId": lambda lead: lead.developer and lead.developer.id,
    "senderName": lambda lead: lead_sender(lead, 7).name,
    "senderPhone": lambda lead: lead_sender(lead, 7).phone,
    "senderEmail": lambda lead: lead_sender(lead, 7).email,
    "senderWhatsappUsername": lambda lead: lead_sender(lead, 7).username,
}


@pytest.mark.parametrize("name", FLAT_KEYS)
def test_flat_dialect_finds_things_by_repeated_names(flat: Caller, name: str) -> None:
    key = FLAT_KEYS[name]
    visible = flat.portal.truth.visible(NOW)
    common = [value for value, _ in Counter(filter(None, map(key, visible))).most_common(2)]
    rows = flat.leads(str(httpx.QueryParams([(name, value) for value in common])))
    assert {row["id"] for row in rows} == {lead.id for lead in visible if key(lead) in common}
    assert rows


def test_reference_with_a_comma_cannot_be_asked_for_in_the_filter_dialect(truth: Truth) -> None:
    odd = next(listing.reference for listing in truth.listings if "," in listing.reference)
    reader = caller(n_leads=3_000)
    assert any(lead.listing and lead.listing.reference == odd for lead in reader.portal.truth.visible(NOW))
    assert reader.get("/v1/leads", params={"filter[listingReference]": odd}).json()["data"] == []


def test_search_looks_into_senders_and_references(flat: Caller) -> None:
    visible = flat.portal.truth.visible(NOW)
    lead = next(lead for lead in visible if lead.listing and len(lead.listing.reference) > 3)
    assert lead.listing is not None
    for text in (lead.listing.reference.lower(), (lead_sender(lead, 7).phone or "x")[-8:]):
        assert lead.id in {row["id"] for row in flat.leads(f"search={text}")}
    assert flat.leads("search=nobodyhasthis") == []


def test_filters_combine_by_and(flat: Caller) -> None:
    rows = flat.leads("channel=call&status=replied&createdAtFrom=2026-10-15T00:00:00Z")
    assert rows
    assert {(row["channel"], row["status"]) for row in rows} == {("call", "replied")}
    assert all(row["createdAt"] >= "2026-10-15" for row in rows)


def test_flat_dialect_sorts_by_creation_either_way_and_the_filter_dialect_only_newest_first(
    filtering: Caller, flat: Caller
) -> None:
    ids = [lead.id for lead in flat.portal.truth.visible(NOW)]
    ascending = "orderBy=createdAt&orderDirection=asc"
    assert [row["id"] for row in flat.leads(ascending)] == ids
    assert [row["id"] for row in flat.leads(f"{ascending}&channel=call")] == [i for i in ids if i.startswith("call")]
    assert [row["id"] for row in flat.leads("orderBy=createdAt&orderDirection=desc")] == ids[::-1]
    assert flat.get("/v1/leads?orderDirection=up").status_code == 400
    assert filtering.page(ascending)["data"][0]["id"] == ids[-1]


def test_filtered_pass_walks_over_the_leads_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = caller(dialect="flat", n_leads=500)
    looked_at: list[Lead] = []

    def counting(lead: Lead, at_ms: int, dialect: Dialect) -> str:
        looked_at.append(lead)
        return lead_status(lead, at_ms, dialect)

    monkeypatch.setattr("leadlib.sandbox.selection.lead_status", counting)
    n_pages = len(list(reader.pages("status=read&status=delivered&perPage=7")))
    assert n_pages > 10
    assert len(looked_at) == len(reader.portal.truth.visible(NOW))


# Who may call


def test_token_is_a_signed_jwt_that_says_when_it_ends() -> None:
    reader = caller(token_life_s=900)
    body = reader.mint().json()
    assert (body["tokenType"], body["expiresIn"]) == ("Bearer", 900)
    claims = jwt.decode(body["accessToken"], options={"verify_signature": False})
    assert claims["exp"] == NOW.timestamp() + 900


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({**KEY_PAIR, "apiSecret": "x" * 32}, 401, id="wrong-secret"),
        pytest.param({"apiKey": API_KEY}, 422, id="secret-missing"),
        pytest.param({**KEY_PAIR, "scope": "all"}, 422, id="extra-property"),
        pytest.param([1], 422, id="not-an-object"),
        pytest.param({**KEY_PAIR, "apiKey": 7}, 422, id="key-is-a-number"),
    ],
)
def test_token_call_refuses_anything_but_the_right_pair(filtering: Caller, body: object, status: int) -> None:
    assert filtering.ask("/v1/auth/token", "POST", json=body).status_code == status


def test_token_call_refuses_a_body_that_is_no_json(filtering: Caller) -> None:
    assert filtering.ask("/v1/auth/token", "POST", content=b"apiKey=1").status_code == 400


@pytest.mark.parametrize(
    "header", [None, "Basic x", "Bearer nonsense", "Bearer "], ids=["none", "basic", "false", "empty"]
)
def test_call_without_a_valid_token_is_refused(filtering: Caller, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    assert filtering.ask("/v1/leads", headers=headers).status_code == 401


def test_token_signed_by_somebody_else_is_refused(filtering: Caller) -> None:
    claims = {"jti": "1", "exp": NOW.timestamp() + 900, "scope": "leads:read"}
    forged = jwt.encode(claims, "another key that is long enough for HS256", algorithm="HS256")
    assert filtering.ask("/v1/leads", headers={"Authorization": f"Bearer {forged}"}).status_code == 401


def test_token_ends_with_the_portals_clock() -> None:
    reader = caller()
    assert reader.get("/v1/leads").status_code == 200
    reader.portal.clock.advance(timedelta(minutes=29, seconds=59))
    assert reader.get("/v1/leads").status_code == 200
    reader.portal.clock.advance(timedelta(seconds=1))
    assert reader.get("/v1/leads").status_code == 401


def test_token_ends_with_real_time_though_the_portals_clock_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = caller(faults=frozenset({"expired-token"}))
    assert reader.mint().json()["expiresIn"] == 2
    assert reader.get("/v1/leads").status_code == 200
    later_s = time.monotonic() + 2
    monkeypatch.setattr("leadlib.sandbox.access.time.monotonic", lambda: later_s)
    assert reader.get("/v1/leads").status_code == 401


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/v1/leads", "leads:read"),
        ("/v1/users", "users:read"),
        ("/v1/listings", "listings:read"),
        ("/v1/projects/x", "projects:read"),
        ("/v1/locations?search=sample", "locations:read"),
        ("/v1/stats/public-profiles", "statistics:read"),
        ("/v1/webhooks", "webhooks:full_access"),
    ],
)
def test_each_call_needs_its_scope(path: str, scope: str) -> None:
    assert caller(scopes=SMALL.scopes - {scope}).get(path).status_code == 403
    assert caller(scopes=frozenset({scope})).get(path).status_code in (200, 404)


def test_rate_limits_are_counted_apart_and_slide(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = caller(calls_per_minute=3, token_calls_per_minute=2)
    assert [reader.mint().status_code for _ in range(3)] == [200, 200, 429]
    answers = [reader.get("/v1/leads") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert "retry-after" not in answers[-1].headers
    later_s = time.monotonic() + 60
    monkeypatch.setattr("leadlib.sandbox.access.time.monotonic", lambda: later_s)
    assert reader.get("/v1/leads").status_code == 200


def test_refusals_speak_the_format_asked_for(filtering: Caller) -> None:
    legacy = filtering.get("/v1/leads?perPage=51")
    assert legacy.headers["content-type"] == "application/json"
    assert legacy.json()["type"] == "SCHEMA_VALIDATION"
    assert legacy.json()["errors"] == [{"detail": "perPage must be 50 or less", "pointer": "/perPage"}]
    assert "status" not in legacy.json()
    headers = {"Authorization": f"Bearer {filtering.token}", "X-PF-Error-Format": "problem-json-v2"}
    newer = filtering.ask("/v1/leads?createdAtFrom=2026-01-01T00:00:00Z", headers=headers)
    assert newer.headers["content-type"] == "application/problem+json"
    assert (newer.json()["status"], newer.json()["code"]) == (422, "common_http_422-unprocessable-entity")
    assert re.fullmatch(r"[0-9a-f]{32}", newer.json()["attributes"]["trace_id"])


@pytest.mark.parametrize("path", ["/", "/v1", "/sandbox/r/message_lead_1", "/r/message_lead_1"])
def test_paths_that_the_portal_does_not_have_answer_404_as_a_problem(filtering: Caller, path: str) -> None:
    answer = filtering.get(path)
    assert answer.status_code == 404
    assert answer.json()["type"] == "NOT_FOUND"


# Names


def test_users_include_those_who_left_and_those_without_a_profile(filtering: Caller) -> None:
    rows = filtering.get("/v1/users?perPage=100").json()["data"]
    agents = filtering.portal.truth.agents
    assert [row["publicProfile"]["id"] for row in rows if row["publicProfile"]] == [agent.id for agent in agents]
    assert any(row["publicProfile"] is None for row in rows)
    assert [row["status"] for row in rows].count("inactive") == sum(not agent.active for agent in agents) >= 1
    assert all(row["id"] != (row["publicProfile"] or {}).get("id") for row in rows)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("publicProfileId=90001,90002", [90_001, 90_002]),
        ("id=40003", [90_003]),
        ("email=agent.90004@example.com", [90_004]),
        ("search=autoreply", [90_006]),
        ("status=inactive", [90_499]),
        ("publicProfileId=1", []),
        ("perPage=1&page=2", [90_002]),
    ],
)
def test_users_can_be_chosen(filtering: Caller, query: str, expected: list[int]) -> None:
    rows = filtering.get(f"/v1/users?{query}").json()["data"]
    assert [row["publicProfile"]["id"] for row in rows] == expected


@pytest.mark.parametrize(
    "path", ["/v1/users", "/v1/listings", "/v1/locations?search=sample", "/v1/stats/public-profiles"]
)
def test_lookups_take_a_hundred_per_page_and_no_more(filtering: Caller, path: str) -> None:
    join = "&" if "?" in path else "?"
    assert filtering.get(f"{path}{join}perPage=100").status_code == 200
    assert filtering.get(f"{path}{join}perPage=101").status_code == 400


def test_listings_come_by_id_reference_and_stage(filtering: Caller) -> None:
    truth = filtering.portal.truth

    def ids(query: str) -> set[str]:
        return {row["id"] for row in filtering.get(f"/v1/listings?perPage=100&{query}").json()["results"]}

    live, gone, draft = (
        next(listing for listing in truth.listings if listing.stage == stage) for stage in ("live", "archived", "draft")
    )
    assert ids(f"filter[ids]={live.id},{gone.id}") == {live.id}
    assert ids(f"filter[ids]={gone.id}&archived=true") == {gone.id}
    assert draft.id in ids("draft=true")
    assert ids(f"filter%5Breference%5D={live.reference}") == {live.id}
    rows = filtering.get("/v1/listings?filter[offeringType]=rent&filter[category]=commercial").json()["results"]
    assert rows
    assert {(row["price"]["type"] != "sale", row["category"]) for row in rows} == {(True, "commercial")}


def test_every_lead_has_its_names_in_the_lookups(filtering: Caller) -> None:
    agents = {agent.id for agent in filtering.portal.truth.agents}
    rows = filtering.leads()
    assert {row["publicProfile"]["id"] for row in rows if "publicProfile" in row} <= agents
    for project_id in {row["project"]["id"] for row in rows if "project" in row}:
        project = filtering.get(f"/v1/projects/{project_id}").json()
        assert project["title"]["en"]
        assert project["title"]["ar"]
        assert project["developer"]["name"]["en"]
    assert filtering.get("/v1/projects/00000000-0000-4000-8000-000000000000").status_code == 404


def test_locations_need_two_letters(filtering: Caller) -> None:
    assert filtering.get("/v1/locations?search=s").status_code == 400
    rows = filtering.get("/v1/locations?search=marina&filter[id]=1101,1102").json()["data"]
    assert [row["name"] for row in rows] == ["Sample Marina"]


def test_statistics_are_strings_computed_from_sixty_days_of_truth(filtering: Caller) -> None:
    rows = filtering.get("/v1/stats/public-profiles?perPage=100").json()["data"]
    row = next(row for row in rows if row["id"] == 90_004)
    since = NOW - timedelta(days=60)
    leads = [
        lead for lead in filtering.portal.truth.visible(NOW) if lead.agent_id == 90_004 and lead.created_at >= since
    ]
    answered = [lead for lead in leads if lead.responded_at is not None and lead.responded_at <= NOW]
    assert row["metrics"]["leadsCount"]["value"] == str(len(leads))
    assert row["metrics"]["responseRate"]["value"] == f"{100 * len(answered) / len(leads):.1f}"
    mean_s = statistics.fmean(60 * (lead.response_minutes or 0) for lead in answered)
    assert row["metrics"]["responseTime"]["value"] == f"{mean_s:.0f}"
    assert 90_499 not in {row["id"] for row in rows}


def test_webhooks_can_be_subscribed_listed_and_removed() -> None:
    reader = caller()
    body = {"eventId": "lead.created", "callbackUrl": "https://example.com/hook", "secret": "s" * 32}
    made = reader.get("/v1/webhooks", "POST", json=body)
    expected = {"eventId": "lead.created", "url": "https://example.com/hook", "createdAt": "2026-11-23T12:00:00Z"}
    assert (made.status_code, made.json()) == (201, expected)
    assert reader.get("/v1/webhooks", "POST", json=body).status_code == 409
    other = {**body, "callbackUrl": "https://example.org/hook"}
    assert reader.get("/v1/webhooks", "POST", json=other).status_code == 201
    assert len(reader.get("/v1/webhooks?eventType=lead.created").json()["data"]) == 2
    assert reader.get("/v1/webhooks?eventType=lead.updated").json() == {"data": []}
    assert reader.get("/v1/webhooks/lead.created", "DELETE").status_code == 204
    assert reader.get("/v1/webhooks/lead.created", "DELETE").status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"eventId": "lead.exploded"}, id="unknown-event"),
        pytest.param({"callbackUrl": "ftp://example.com"}, id="no-web-address"),
        pytest.param({"secret": "s" * 33}, id="long-secret"),
    ],
)
def test_webhook_that_breaks_a_rule_is_refused(filtering: Caller, change: dict[str, str]) -> None:
    body = {"eventId": "lead.created", "callbackUrl": "https://example.com/hook", **change}
    assert filtering.get("/v1/webhooks", "POST", json=body).status_code == 422


# Time


def test_same_seed_on_another_day_plants_the_same_leads(truth: Truth) -> None:
    later = Truth(7, 12_000, Clock(NOW + timedelta(days=40)))
    earlier = Truth(7, 12_000, Clock(NOW - timedelta(days=40)))
    common = (NOW - timedelta(days=50), NOW - timedelta(days=45))
    spans = [
        [_content(lead) for lead in planted.leads if common[0] <= lead.created_at < common[1]]
        for planted in (truth, later, earlier)
    ]
    assert spans[0] == spans[1] == spans[2]
    assert len(spans[0]) > 400


def test_other_seed_plants_other_leads(truth: Truth) -> None:
    other = Truth(8, 12_000, Clock(NOW))
    assert [lead.created_ms for lead in other.visible(NOW)[:50]] != [
        lead.created_ms for lead in truth.visible(NOW)[:50]
    ]
    assert {project.id for project in other.projects}.isdisjoint(project.id for project in truth.projects)


def _content(lead: Lead) -> tuple[object, ...]:
    return tuple(getattr(lead, name) for name in Lead.__slots__)


def test_ids_are_unique_and_name_the_kind_of_lead(truth: Truth, visible: list[Lead]) -> None:
    assert len({lead.id for lead in truth.leads}) == len(truth.leads)
    for lead in visible:
        assert lead.id == f"{'call' if lead.channel == 'call' else 'message'}_lead_{lead.number}"
    assert truth.lead(visible[0].id) is visible[0]
    assert truth.lead("message_lead_0") is None


def test_nothing_from_the_future_is_visible_and_leads_arrive_as_the_clock_moves() -> None:
    reader = caller(n_leads=4_000)
    before = reader.page("perPage=1")
    assert before["data"][0]["createdAt"] <= "2026-11-23T12:00:00Z"
    assert any(lead.created_at > NOW for lead in reader.portal.truth.leads)
    reader.portal.clock.advance(timedelta(hours=6))
    reader.mint()
    after = reader.leads("createdAtFrom=2026-11-23T12:00:00.001Z")
    assert after
    assert {row["id"] for row in after} == {
        lead.id for lead in reader.portal.truth.leads if NOW < lead.created_at <= NOW + timedelta(hours=6)
    }


def test_clock_may_jump_far_in_either_direction() -> None:
    reader = caller()
    for days in (500, -300):
        reader.portal.clock.set(NOW + timedelta(days=days))
        reader.token = ""
        rows = reader.leads()
        assert {row["id"] for row in rows} == reader.portal.truth.lead_ids(NOW + timedelta(days=days))
        assert len(rows) > 100


def test_statuses_only_move_forward(truth: Truth, visible: list[Lead]) -> None:
    order = ("sent", "delivered", "opened", "responded", "archived")
    instants = [NOW - timedelta(days=days) for days in range(90, -40, -5)]
    for lead in visible[::10]:
        stages = [order.index(lead.stage_at(at)) for at in instants]
        assert stages == sorted(stages)
        times = [at for _, at in lead.transitions]
        assert times == sorted(times)
        assert [stage for stage, _ in lead.transitions] == sorted((s for s, _ in lead.transitions), key=order.index)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_statuses_on_the_wire_only_move_forward_and_do_move(dialect: str) -> None:
    order = {
        "filter": ["sent", "opened", "responded", "archived"], "flat": ["sent", "delivered", "read", "replied"],
    }[dialect]  # fmt: skip
    reader = caller(dialect=dialect, n_leads=4_000)
    recent = "createdAtFrom=2026-11-13T00:00:00Z"
    before = {row["id"]: row["status"] for row in reader.leads(recent)}
    reader.portal.clock.advance(timedelta(days=2))
    reader.token = ""
    after = {row["id"]: row["status"] for row in reader.leads(recent) if row["id"] in before}
    assert all(order.index(before[lead_id]) <= order.index(after[lead_id]) for lead_id in after)
    assert sum(before[lead_id] != after[lead_id] for lead_id in after) >= 2


def test_running_clock_runs_and_can_be_moved() -> None:
    clock = Clock()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    clock.advance(timedelta(days=1))
    assert timedelta(hours=23) < clock.now() - datetime.now(UTC) < timedelta(hours=25)
    assert not clock.is_held


def test_clock_refuses_an_instant_without_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Clock(NOW.replace(tzinfo=None))


# The planted brokerage


def test_window_shows_about_as_many_leads_as_asked_for(visible: list[Lead]) -> None:
    assert 11_400 < len(visible) < 12_600


def test_channels_and_entities_have_the_planted_mix(visible: list[Lead]) -> None:
    n_leads = len(visible)
    channels = Counter(lead.channel for lead in visible)
    for channel, share in CHANNEL_MIX.items():
        assert channels[channel] / n_leads == pytest.approx(share, abs=0.02)
    entities = Counter(lead.entity_type for lead in visible)
    assert entities["listing"] / n_leads > 0.7
    assert set(entities) == {"listing", "project", "publicProfile", "developer", "company"}


def test_about_sixty_per_cent_are_answered_seven_archived_and_four_unassigned(visible: list[Lead]) -> None:
    n_leads = len(visible)
    assert sum(lead.responded_ms is not None for lead in visible) / n_leads == pytest.approx(0.6, abs=0.04)
    assert sum(lead.archived_ms is not None for lead in visible) / n_leads == pytest.approx(0.07, abs=0.015)
    unassigned = [lead for lead in visible if lead.agent_id is None]
    assert len(unassigned) / n_leads == pytest.approx(0.04, abs=0.01)
    assert sum(lead.entity_type == "project" for lead in unassigned) > len(unassigned) / 2


def test_one_lead_in_six_is_from_somebody_who_wrote_before(visible: list[Lead]) -> None:
    n_people = len({lead.person for lead in visible})
    assert 1 - n_people / len(visible) == pytest.approx(0.15, abs=0.03)
    assert n_people == len({sender(7, lead.person, "call").phone for lead in visible})


def test_answers_follow_each_agents_planted_propensity(truth: Truth, visible: list[Lead]) -> None:
    for agent in truth.agents:
        leads = [lead for lead in visible if lead.agent_id == agent.id and lead.listing is not truth.ignored_listing]
        if len(leads) < 100:
            continue
        rate = sum(lead.responded_ms is not None for lead in leads) / len(leads)
        expected = statistics.fmean(agent.propensities[lead.channel] for lead in leads)
        assert rate == pytest.approx(expected, abs=4 * (0.25 / len(leads)) ** 0.5)


def test_delays_follow_each_agents_planted_median(truth: Truth, visible: list[Lead]) -> None:
    for agent in truth.agents:
        delays = [
            lead.response_minutes
            for lead in visible
            if lead.agent_id == agent.id and lead.channel == "whatsapp" and lead.response_minutes is not None
        ]
        if len(delays) >= 80 and not agent.is_auto_responder:
            assert 0.6 < statistics.median(delays) / agent.median_delay_minutes < 1.67


def test_agents_differ_and_write_in_two_scripts(truth: Truth) -> None:
    assert 23 <= len(truth.agents) <= 26
    assert len({agent.name for agent in truth.agents}) == len(truth.agents)
    assert sum(bool(re.search("[\u0600-\u06ff]", agent.name)) for agent in truth.agents) >= 4
    propensities = [agent.response_propensity for agent in truth.agents]
    assert min(propensities) < 0.45
    assert max(propensities) > 0.8


def test_auto_responder_answers_whatsapp_within_a_minute(truth: Truth, visible: list[Lead]) -> None:
    agent = truth.auto_responder
    leads = [lead for lead in visible if lead.agent_id == agent.id and lead.channel == "whatsapp"]
    answered = [lead.response_minutes for lead in leads if lead.response_minutes is not None]
    assert len(leads) > 50
    assert len(answered) / len(leads) > 0.95
    assert max(answered) < 1


@pytest.mark.parametrize("n_leads", [300, 12_000])
def test_quiet_agent_gets_about_seven_leads_a_quarter(n_leads: int) -> None:
    planted = Truth(7, n_leads, Clock(NOW))
    assert sum(lead.agent_id == planted.quiet_agent.id for lead in planted.visible(NOW)) in (6, 7, 8)


def test_departed_agents_leads_stop_in_mid_window(truth: Truth, visible: list[Lead]) -> None:
    departed = [agent for agent in truth.agents if not agent.active]
    assert [agent.left_on for agent in departed] == [date(2026, 10, 8)]
    days = [(lead.created_at + DUBAI_AHEAD).date() for lead in visible if lead.agent_id == departed[0].id]
    assert len(days) > 50
    assert date(2026, 10, 1) < max(days) < date(2026, 10, 8)


def test_outage_is_a_hole_of_seven_hours_in_which_nothing_arrives(truth: Truth, visible: list[Lead]) -> None:
    ((begin, end),) = truth.outages(NOW)
    assert end - begin == timedelta(hours=7)
    assert not [lead for lead in visible if begin <= lead.created_at < end]
    for days in (-7, -1, 1, 7):
        shift = timedelta(days=days)
        assert sum(begin + shift <= lead.created_at < end + shift for lead in visible) > 20


def test_campaign_is_a_spike_of_two_weeks_for_one_project(truth: Truth, visible: list[Lead]) -> None:
    ((project, first, last),) = truth.campaigns(NOW)
    assert (last - first).days == 13
    by_day = Counter((lead.created_at + DUBAI_AHEAD).date() for lead in visible if lead.project is project)
    during = [by_day[first + timedelta(days=place)] for place in range(14)]
    outside = [n for day, n in by_day.items() if not first <= day <= last]
    assert min(during) > 5 * statistics.fmean(outside)


def test_rainy_day_is_a_dip(truth: Truth, visible: list[Lead]) -> None:
    (rainy,) = truth.rainy_days(NOW)
    by_day = Counter((lead.created_at + DUBAI_AHEAD).date() for lead in visible)
    assert by_day[rainy] < 0.6 * statistics.fmean(by_day[rainy + timedelta(days=days)] for days in (-7, -1, 1, 7))


@pytest.mark.parametrize("days", range(0, 365, 29))
def test_any_window_has_its_outage_and_its_departure(days: int) -> None:
    at = NOW + timedelta(days=days)
    planted = Truth(7, 0, Clock(at))
    assert 1 <= len(planted.outages(at)) <= 2
    assert 1 <= sum(not agent.active for agent in planted.agents_at(at)) <= 2


def test_day_has_two_peaks_in_dubai_and_growth_is_slow(visible: list[Lead]) -> None:
    by_hour = Counter((lead.created_at + DUBAI_AHEAD).hour for lead in visible)
    assert min(by_hour[11], by_hour[19]) > by_hour[14] > 3 * by_hour[4]
    halves = Counter(lead.created_at > NOW - timedelta(days=38) for lead in visible if not lead.is_from_campaign)
    assert 0.98 < halves[True] / 38 / (halves[False] / 54) < 1.15


def test_popular_listing_is_hardly_ever_answered(truth: Truth, visible: list[Lead]) -> None:
    leads = [lead for lead in visible if lead.listing is truth.ignored_listing]
    popular = Counter(lead.listing.id for lead in visible if lead.listing)
    assert popular.most_common(1)[0][0] == truth.ignored_listing.id
    assert sum(lead.responded_ms is not None for lead in leads) / len(leads) < 0.15


def test_listings_carry_plain_and_odd_references(truth: Truth) -> None:
    references = [listing.reference for listing in truth.listings]
    odd = [reference for reference in references if not re.fullmatch(r"LL-[RS]-\d{4}", reference)]
    assert len(references) == 260
    assert len(odd) == 3
    assert "-" in odd
    assert any(reference.endswith("/") for reference in odd)
    assert any("," in reference for reference in odd)
    assert all(("R" in r) == (truth.listings[i].offering == "rent") for i, r in enumerate(references) if r not in odd)


def test_expected_rate_is_the_mean_of_the_planted_propensities(truth: Truth, visible: list[Lead]) -> None:
    planted = [lead.propensity for lead in visible if lead.agent_id == 90_001]
    assert truth.expected_response_rate(90_001, NOW) == pytest.approx(statistics.fmean(planted))
    assert truth.expected_response_rate(1, NOW) is None


@pytest.mark.parametrize("dialect", DIALECTS)
def test_rows_show_what_their_channel_shows(dialect: str, request: pytest.FixtureRequest) -> None:
    reader: Caller = request.getfixturevalue({"filter": "filtering", "flat": "flat"}[dialect])
    answered = {"filter": "responded", "flat": "replied"}[dialect]
    rows = reader.leads()
    for row in rows:
        is_whatsapp = row["channel"] == "whatsapp"
        assert (row.get("responseLink") is not None) == is_whatsapp
        assert ("call" in row) == (row["channel"] == "call")
        if is_whatsapp:
            assert row["responseLink"] == f"https://example.com/r/{row['id']}"
        if "call" in row and row["status"] == answered:
            assert row["call"]["talkTime"] > 0
        if "call" in row and row["status"] in ("sent", "delivered"):
            assert row["call"]["talkTime"] == 0
    assert any("message" in row.get("enrichment", {}) for row in rows)
    assert any("." in row["createdAt"] for row in rows)
    assert any("." not in row["createdAt"] for row in rows)
    whatsapp = [
        [contact["type"] for contact in row["sender"].get("contacts", [])] for row in rows if row.get("responseLink")
    ]
    assert any("whatsappUsername" in types and "phone" not in types for types in whatsapp)
    assert any("name" not in row["sender"] for row in rows)
    assert any("from_agent" in row["tags"] for row in rows)
    assert any(row["entityType"] == "listing" and "listing" not in row for row in rows)


def test_no_person_looks_real(filtering: Caller) -> None:
    text = json.dumps([filtering.leads(), filtering.get("/v1/users?perPage=100").json()], ensure_ascii=False)
    phones = set(re.findall(r"\+\d+", text))
    assert len(phones) > 500
    assert all(re.fullmatch(r"\+97150000\d{4}|\+9715555\d{5}", phone) for phone in phones)
    emails = set(re.findall(r"[^\s\"@]+@[^\s\"]+", text))
    assert len(emails) > 100
    assert all(re.fullmatch(r"[a-z.0-9]+@example\.(com|org)", email) for email in emails)
    hosts = {urlsplit(url).hostname for url in re.findall(r"https?://[^\s\"]+", text)}
    assert hosts == {"example.com"}
    names = {row["sender"]["name"] for row in filtering.leads() if "name" in row["sender"]}
    surnames = {name.split(" ")[-1] for name in names}
    assert len(names) > 200
    assert len(surnames) <= 22


def test_every_word_of_a_dialect_has_a_planted_value(visible: list[Lead]) -> None:
    for dialect in DIALECTS:
        assert {lead.channel for lead in visible} == set(CHANNELS[dialect])
        assert {lead.entity_type for lead in visible} == set(ENTITY_TYPES[dialect])


# Faults


def statuses(reader: Caller, n_calls: int, path: str = "/v1/leads?perPage=5") -> list[int]:
    return [reader.get(path).status_code for _ in range(n_calls)]


def with_fault(name: str, **changes: Any) -> Caller:
    return caller(faults=frozenset({name}), **changes)


def test_every_fault_says_what_it_does_and_changes_nothing_when_off() -> None:
    for name, sentence in FAULTS.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)
        assert sentence.endswith(".")
        assert sentence[0].isupper() or sentence[0].isdigit()
    assert set(statuses(caller(), 30)) == {200}


def test_rate_limit_fault_refuses_every_seventh_call() -> None:
    reader = with_fault("rate-limit")
    answers = [reader.get("/v1/users?perPage=1") for _ in range(14)]
    assert [answer.status_code for answer in answers] == ([200] * 6 + [429]) * 2
    assert answers[6].headers["retry-after"] == "1"


def test_server_errors_fault_fails_about_a_third_the_same_way_each_time() -> None:
    seen = statuses(with_fault("server-errors"), 100)
    assert set(seen) == {200, 500, 502, 503}
    assert 60 <= seen.count(200) <= 80
    assert seen == statuses(with_fault("server-errors"), 100)


def test_garbage_fault_answers_some_calls_with_html() -> None:
    reader = with_fault("garbage")
    answers = [reader.get("/v1/leads?perPage=1") for _ in range(40)]
    html = [answer for answer in answers if answer.headers["content-type"].startswith("text/html")]
    assert 3 <= len(html) <= 16
    assert all(answer.status_code == 200 and answer.text.startswith("<!doctype") for answer in html)


def test_truncated_fault_cuts_some_bodies() -> None:
    reader = with_fault("truncated")
    n_cut = 0
    for _ in range(40):
        answer = reader.get("/v1/leads?perPage=1")
        assert answer.status_code == 200
        try:
            answer.json()
        except ValueError:
            n_cut += 1
    assert 3 <= n_cut <= 16


def test_wrong_key_fault_refuses_the_right_key() -> None:
    assert with_fault("wrong-key").mint().status_code == 401


def test_no_leads_scope_fault_refuses_leads_only() -> None:
    reader = with_fault("no-leads-scope")
    assert reader.get("/v1/leads").status_code == 403
    assert reader.get("/v1/users").status_code == 200


def test_unauthorized_once_fault_refuses_the_first_use_of_each_token() -> None:
    reader = with_fault("unauthorized-once")
    assert statuses(reader, 3) == [401, 200, 200]
    reader.mint()
    assert statuses(reader, 2) == [401, 200]


def test_wrong_total_fault_counts_one_too_many() -> None:
    reader = with_fault("wrong-total")
    assert reader.page()["pagination"]["total"] == len(reader.portal.truth.visible(NOW)) + 1
    assert len(reader.leads()) == len(reader.portal.truth.visible(NOW))


def test_odd_rows_fault_plants_each_kind_of_oddity_in_a_few_rows() -> None:
    rows = with_fault("odd-rows", n_leads=2_000).leads()
    oddities = {
        "channel": sum(row["channel"] == "telegram" for row in rows),
        "status": sum(row["status"] == "snoozed" for row in rows),
        "entity type": sum(row["entityType"] == "building" for row in rows),
        "contact": sum("telegramHandle" in json.dumps(row["sender"]) for row in rows),
        "field": sum("sellerProperty" in row for row in rows),
        "id": sum("id" not in row for row in rows),
        "created at": sum(row["createdAt"] == "yesterday" for row in rows),
    }
    assert all(0 < n_rows < 40 for n_rows in oddities.values()), oddities


def test_reset_fault_cuts_the_connection_in_the_middle_of_a_body() -> None:
    n_cut = 0
    with SandboxServer(replace(SMALL, faults=frozenset({"reset"}))) as running, httpx.Client() as client:
        token = client.post(f"{running.url}/v1/auth/token", json=KEY_PAIR).json()["accessToken"]
        for _ in range(20):
            try:
                answer = client.get(f"{running.url}/v1/leads", headers={"Authorization": f"Bearer {token}"})
                assert len(answer.json()["data"]) == 50
            except httpx.RemoteProtocolError:
                n_cut += 1
    assert 1 <= n_cut <= 10


# The server


def test_server_accepts_brackets_raw_and_encoded(server: SandboxServer) -> None:
    token = httpx.post(f"{server.url}/v1/auth/token", json=KEY_PAIR).json()["accessToken"]
    totals = set()
    for query in ("filter[status]=opened,responded", "filter%5Bstatus%5D=opened%2Cresponded"):
        connection = http.client.HTTPConnection(str(urlsplit(server.url).netloc))
        connection.request("GET", f"/v1/leads?{query}", headers={"Authorization": f"Bearer {token}"})
        totals.add(json.load(connection.getresponse())["pagination"]["total"])
        connection.close()
    assert len(totals) == 1
    assert 0 < totals.pop() < len(server.truth.visible(NOW))


def test_server_counts_calls_by_path_and_dates_answers_by_its_own_clock(server: SandboxServer) -> None:
    server.calls.clear()
    answers = [httpx.get(f"{server.url}{path}") for path in ("/v1/leads?page=1", "/v1/leads", "/nowhere")]
    assert server.calls == {"/v1/leads": 2, "/nowhere": 1}
    assert {parsedate_to_datetime(answer.headers["date"]) for answer in answers} == {server.clock.now()}
    assert all(answer.headers.get_list("date") == [answer.headers["date"]] for answer in answers)


def test_server_adds_the_latency_asked_for() -> None:
    reader = caller(latency_s=0.05)
    answer = reader.get("/v1/leads?perPage=1")
    assert answer.elapsed >= timedelta(seconds=0.04)


def test_taken_port_fails_at_the_start(server: SandboxServer) -> None:
    port = urlsplit(server.url).port or 0
    with pytest.raises(OSError, match="in use"):
        serve(SMALL, port, lambda _: None)


def test_serving_tells_its_address_once_calls_are_answered_and_ends_quietly_when_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[str, int]] = []

    def interrupt(_: SandboxServer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SandboxServer, "wait", interrupt)
    serve(SMALL, 0, lambda url: told.append((url, httpx.get(f"{url}/v1/leads").status_code)))
    assert [status for _, status in told] == [401]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"dialect": "klingon"}, id="dialect"),
        pytest.param({"n_leads": -1}, id="n_leads"),
        pytest.param({"faults": frozenset({"earthquake"})}, id="faults"),
        pytest.param({"scopes": frozenset({"root"})}, id="scopes"),
        pytest.param({"frozen_at": NOW.replace(tzinfo=None)}, id="frozen_at"),
    ],
)
def test_impossible_settings_are_refused_by_name(changes: dict[str, Any], request: pytest.FixtureRequest) -> None:
    with pytest.raises(ValueError, match=request.node.callspec.id):
        replace(SMALL, **changes)
