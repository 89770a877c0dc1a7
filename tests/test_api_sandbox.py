"""The client against the sandbox's real HTTP server: the contract, spoken by two programs that share no code."""

import logging
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadlib.api import Client, Pacer
from leadlib.config import Dialect, Secret, Settings
from leadlib.errors import CredentialsError, ScopeError
from leadlib.filters import FIELDS, MISSING, Filters
from leadlib.records import Lead
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from tests.api_doubles import Clock

AT = datetime(2026, 9, 20, 12, 0, tzinfo=UTC)
N_LEADS = 300


def started(dialect: Dialect, **changes: Any) -> SandboxServer:
    """A portal that stands still and does not count our calls, for the fake clock below makes them all at once."""
    plain = {"dialect": dialect, "n_leads": N_LEADS, "frozen_at": AT, "calls_per_minute": 10**6}
    return SandboxServer(SandboxSettings(**{**plain, **changes}))


def client_of(server: SandboxServer, **changes: Any) -> Client:
    clock = Clock()
    given = {"api_url": server.url, "api_key": Secret(API_KEY), "api_secret": Secret(API_SECRET), **changes}
    pacer = Pacer(monotonic=clock.monotonic, sleep=clock.sleep)
    return Client(Settings(**given), pacer=pacer, monotonic=clock.monotonic, sleep=clock.sleep, rng=random.Random(1))


@pytest.fixture(scope="module", params=["filter", "flat"])
def server(request: pytest.FixtureRequest) -> Iterator[SandboxServer]:
    with started(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: SandboxServer) -> Iterator[Client]:
    with client_of(server) as running:
        yield running


@pytest.fixture(scope="module")
def leads(client: Client) -> list[Lead]:
    return list(client.iter_leads())


def test_all_planted_leads_are_read(server: SandboxServer, client: Client, leads: list[Lead]) -> None:
    pages = list(client.iter_pages())
    assert {lead.lead_id for lead in leads} == {row_id for page in pages for row_id in page.row_ids}
    assert len(leads) == pages[0].total == client.total() > 0.8 * N_LEADS
    assert [page.warnings for page in pages] == [()] * len(pages)
    assert not any(page.rejected for page in pages)
    assert pages[0].portal_at == AT == server.clock.now()


def test_a_probe_finds_what_the_sandbox_was_set_to(server: SandboxServer, client: Client) -> None:
    is_flat = server.settings.dialect == "flat"
    found = client.probe()
    assert found.dialect == server.settings.dialect
    assert (found.bounds_created_to, found.sorts_by_created_at) == (is_flat, is_flat)
    assert found.oldest_accepted == AT - timedelta(days=92)
    assert found.portal_at == AT


def some_values(leads: list[Lead], column: str, *, is_list: bool) -> list[str]:
    found = {str(v) for lead in leads for v in (getattr(lead, column) if is_list else [getattr(lead, column)])}
    return sorted(found - {"None"})[:2]


OF_A_ROW = [f for f in FIELDS if f.kind != "since" and not f.is_of_store]


@pytest.mark.parametrize("field", OF_A_ROW, ids=lambda field: field.key)
def test_a_filter_gives_exactly_the_leads_that_hold_it(client: Client, leads: list[Lead], field: Any) -> None:
    """Asked of the portal or filtered here, as the dialect allows: the same leads in either case."""
    if field.kind == "until":
        filters = Filters.of({"to": ["2026-08-31"]})
        end = datetime(2026, 8, 31, 20, tzinfo=UTC)
        expected = {lead.lead_id for lead in leads if lead.created_at < end}
    else:
        values = some_values(leads, field.column, is_list=field.is_list_column)
        filters = Filters.of({field.key: values})
        expected = {
            lead.lead_id
            for lead in leads
            if ({*lead.tags} & {*values} if field.is_list_column else str(getattr(lead, field.column)) in values)
        }
    pages = list(client.iter_pages(filters))
    assert {lead.lead_id for page in pages for lead in page.leads} == expected
    assert sum(page.mismatched for page in pages) == 0
    assert 0 < len(expected) < len(leads)


def test_leads_without_an_agent_are_found_here(client: Client, leads: list[Lead]) -> None:
    found = list(client.iter_leads(Filters.of({"agent": [MISSING]})))
    assert {lead.lead_id for lead in found} == {lead.lead_id for lead in leads if lead.agent_id is None}
    assert found


def test_what_the_store_alone_can_tell_drops_no_row(client: Client, leads: list[Lead]) -> None:
    found = client.iter_leads(Filters.of({"reached": ["responded"], "weekday": ["mon"], "hour": ["9"]}))
    assert {lead.lead_id for lead in found} == {lead.lead_id for lead in leads}


def test_days_begin_at_midnight_in_dubai(client: Client, leads: list[Lead]) -> None:
    filters = Filters.of({"from": ["2026-09-01"], "to": ["2026-09-02"]})
    start = datetime(2026, 8, 31, 20, tzinfo=UTC)
    expected = {lead.lead_id for lead in leads if start <= lead.created_at < start + timedelta(days=2)}
    assert {lead.lead_id for lead in client.iter_leads(filters)} == expected
    assert expected


def test_leads_come_by_id_in_the_flat_dialect_only(server: SandboxServer, client: Client, leads: list[Lead]) -> None:
    ids = [lead.lead_id for lead in leads[:60]]
    pages = client.leads_by_id([*ids, "no-such-lead"])
    if server.settings.dialect == "filter":
        assert pages is None
    else:
        assert pages is not None
        assert {lead.lead_id for page in pages for lead in page.leads} == set(ids)


def test_every_name_of_a_lead_is_found(client: Client, leads: list[Lead]) -> None:
    agents = {agent.agent_id for agent in client.iter_agents()}
    assert {lead.agent_id for lead in leads if lead.agent_id is not None} <= agents
    listing_ids = {lead.listing_id for lead in leads if lead.listing_id is not None}
    assert {listing.listing_id for listing in client.listings(sorted(listing_ids))} == listing_ids
    project_ids = sorted({lead.project_id for lead in leads if lead.project_id is not None})
    assert all(client.project(project_id) is not None for project_id in project_ids[:3])
    assert client.project("00000000-0000-4000-8000-000000000000") is None
    assert client.unavailable == frozenset()


@pytest.mark.parametrize("fault", ["rate-limit", "server-errors", "reset", "garbage", "truncated"])
def test_a_passing_fault_costs_retries_and_no_lead(fault: str, leads: list[Lead]) -> None:
    with started("flat", faults=frozenset({fault})) as faulty, client_of(faulty) as client:
        for _ in range(4):
            assert {lead.lead_id for lead in client.iter_leads()} == {lead.lead_id for lead in leads}
        assert client.stats.retries > 0


def test_a_token_that_ends_between_pages_is_renewed() -> None:
    with started("flat", faults=frozenset({"expired-token"})) as faulty, client_of(faulty) as client:
        n_rows = 0
        for page in client.iter_pages():
            n_rows += page.n_rows
            faulty.clock.advance(timedelta(seconds=3))
        assert n_rows >= page.total
        assert client.stats.tokens > 2
        assert client.stats.retries == 0


def test_a_wrong_key_is_refused_once() -> None:
    with started("filter", faults=frozenset({"wrong-key"})) as faulty, client_of(faulty) as client:
        with pytest.raises(CredentialsError):
            client.page()
        assert faulty.calls == {"/v1/auth/token": 1}


def test_a_key_that_is_not_this_portals_is_refused(server: SandboxServer) -> None:
    with client_of(server, api_secret=Secret("x" * 32)) as client, pytest.raises(CredentialsError):
        client.page()


def test_a_ready_token_works_and_a_wrong_one_says_what_to_do(server: SandboxServer, client: Client) -> None:
    ready = {"api_key": None, "api_secret": None}
    with client_of(server, **ready, api_token=Secret(client._tokens.token())) as other:
        assert other.total() == client.total()
    with client_of(server, **ready, api_token=Secret("not.a.token")) as other:
        with pytest.raises(CredentialsError, match="a key renews"):
            other.page()
        assert other.stats.calls == 1


def test_a_key_without_the_leads_scope_names_it() -> None:
    with started("filter", faults=frozenset({"no-leads-scope"})) as faulty, client_of(faulty) as client:
        with pytest.raises(ScopeError) as caught:
            client.page()
        assert caught.value.scope == "leads:read"
        assert caught.value.trace_id
        assert faulty.calls == {"/v1/auth/token": 1, "/v1/leads": 1}


def test_a_key_that_reads_leads_only_has_no_names() -> None:
    with started("filter", scopes=frozenset({"leads:read"})) as narrow, client_of(narrow) as client:
        assert client.total() > 0
        assert list(client.iter_agents()) == []
        assert client.listings(["a"]) == []
        assert client.project("a") is None
        assert client.unavailable == {"users:read", "listings:read", "projects:read"}


def test_a_wrong_total_is_told_on_the_last_page() -> None:
    with started("flat", faults=frozenset({"wrong-total"})) as faulty, client_of(faulty) as client:
        *others, last = client.iter_pages()
        assert [page.warnings for page in others] == [()] * len(others)
        assert "leads were read where the portal counts" in last.warnings[0]


def test_odd_rows_are_all_accounted_for() -> None:
    with started("flat", faults=frozenset({"odd-rows"}), n_leads=1000) as faulty, client_of(faulty) as client:
        pages = list(client.iter_pages())
        n_leads, n_rejected = (
            sum(len(rows) for rows in kind) for kind in zip(*((p.leads, p.rejected) for p in pages), strict=True)
        )
        assert n_rejected > 5
        assert n_leads + n_rejected == sum(page.n_rows for page in pages) == pages[0].total
        assert pages[-1].warnings == ()
        assert {lead.channel for page in pages for lead in page.leads} >= {"telegram"}


def test_a_filter_in_the_wrong_dialect_is_caught_row_by_row(leads: list[Lead]) -> None:
    """The portal ignores the parameters it does not know and answers 200 with everything."""
    with started("flat") as flat, client_of(flat, api_dialect="filter") as client:
        page = client.page(filters=Filters.of({"type": ["call"]}))
        assert {lead.channel for lead in page.leads} == {"call"}
        assert page.mismatched == page.n_rows - len(page.leads) > 0
        assert "does not apply that parameter" in page.warnings[0]


def test_no_log_record_of_a_faulty_sync_holds_a_secret_or_a_person(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    faults = frozenset({"rate-limit", "server-errors", "reset", "garbage", "truncated", "odd-rows"})
    with started("filter", faults=faults) as faulty, client_of(faulty) as client:
        found = list(client.iter_leads(Filters.of({"type": ["call", "whatsapp"]})))
        list(client.iter_agents())
        token = client._tokens.token()
    people = {text for lead in found for text in (lead.contact.name, lead.contact.phone, lead.contact.email) if text}
    assert len(people) > 50
    records = [f"{r.name} {r.getMessage()} {r.exc_info} {r.args}" for r in caplog.records if r.name != "asyncio"]
    assert any("GET /v1/leads" in record for record in records)
    for record in records:
        assert not [text for text in (token, API_KEY, API_SECRET, "createdAt", "filter%5B", *people) if text in record]
