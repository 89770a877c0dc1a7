"""Reading a stretch of createdAt in slices, against the real sandbox with its clock held still."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from leadlib.api import Client
from leadlib.config import Secret, Settings
from leadlib.reading import ROWS_AIMED_AT, Slice, cuts_blind, read_slices
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from tests.conftest import at

NOW = at("2026-11-20 09:00")
LO = at("2026-09-01 00:00")


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[SandboxServer, Client]]]:
    """A function that starts a flat portal with a client; both end with the test."""
    opened: list[tuple[SandboxServer, Client]] = []

    def start(**changes: object) -> tuple[SandboxServer, Client]:
        settings = {"dialect": "flat", "n_leads": 2_000, "frozen_at": NOW, "calls_per_minute": 60_000, **changes}
        server = SandboxServer(SandboxSettings(**settings)).__enter__()  # type: ignore[arg-type]
        client = Client(
            Settings(
                api_url=server.url,
                api_key=Secret(API_KEY),
                api_secret=Secret(API_SECRET),
                api_dialect="flat",
                calls_per_minute=60_000,
            )
        )
        opened.append((server, client))
        return server, client

    yield start
    for server, client in opened:
        client.close()
        server.__exit__(None, None, None)


def read_all(client: Client, lo: datetime = LO, cuts: list[datetime] | None = None) -> list[Slice]:
    total = client.total(created_from=lo)
    guess = cuts_blind(lo, NOW, total) if cuts is None else cuts
    return list(read_slices(client, lo, NOW + timedelta(minutes=5), guess, NOW))


def ids_of(slices: list[Slice]) -> set[str]:
    return {lead.lead_id for slice_ in slices for lead in slice_.leads}


def test_slices_hold_every_lead_of_the_stretch(serve: Callable[..., tuple[SandboxServer, Client]]) -> None:
    server, client = serve()
    expected = {x for x in server.truth.lead_ids(NOW) if server.truth.lead(x).created_at >= LO}
    slices = read_all(client)
    assert ids_of(slices) >= expected
    assert all(slice_.is_certain for slice_ in slices)


def test_slices_cover_the_stretch_without_a_gap_or_an_overlap(
    serve: Callable[..., tuple[SandboxServer, Client]],
) -> None:
    _, client = serve()
    slices = sorted(read_all(client), key=lambda slice_: slice_.created_from)
    assert slices[0].created_from == LO
    assert slices[-1].created_to == NOW + timedelta(minutes=5)
    assert all(a.created_to == b.created_from for a, b in pairwise(slices))


@pytest.mark.parametrize("cuts", [[], [at("2026-10-01 00:00")]], ids=["one-wide-slice", "one-cut"])
def test_what_does_not_fit_into_one_response_is_cut_until_it_does(
    serve: Callable[..., tuple[SandboxServer, Client]], cuts: list[datetime]
) -> None:
    server, client = serve()
    expected = {x for x in server.truth.lead_ids(NOW) if server.truth.lead(x).created_at >= LO}
    slices = read_all(client, cuts=cuts)
    assert ids_of(slices) >= expected
    assert all(slice_.total <= 50 for slice_ in slices)


def test_an_empty_stretch_is_certain_too(serve: Callable[..., tuple[SandboxServer, Client]]) -> None:
    _, client = serve(frozen_at=NOW - timedelta(days=1))
    slices = list(read_slices(client, NOW - timedelta(hours=1), NOW, [], NOW + timedelta(hours=1)))
    assert [(slice_.total, slice_.is_certain, slice_.leads) for slice_ in slices] == [(0, True, ())]


def test_a_response_that_contradicts_its_own_count_is_never_certain(
    serve: Callable[..., tuple[SandboxServer, Client]],
) -> None:
    server, client = serve(faults=frozenset({"wrong-total"}), n_leads=300)
    expected = {x for x in server.truth.lead_ids(NOW) if server.truth.lead(x).created_at >= LO}
    slices = read_all(client)
    assert not any(slice_.is_certain for slice_ in slices)
    assert ids_of(slices) >= expected


def test_planning_from_known_leads_needs_little_more_than_full_pages(
    serve: Callable[..., tuple[SandboxServer, Client]],
) -> None:
    _, client = serve()
    known = sorted(lead.created_at for slice_ in read_all(client) for lead in slice_.leads)
    before = client.stats.calls
    slices = read_all(client, cuts=known[::40])
    assert all(slice_.is_certain for slice_ in slices)
    assert client.stats.calls - before <= 1.5 * len(known) / 50 + 2


@pytest.mark.parametrize(
    ("seconds", "total", "n_cuts"),
    [(3_600, 0, 0), (3_600, ROWS_AIMED_AT * 4, 3), (2, 500, 1)],
    ids=["no-leads", "four-slices", "not-below-a-second"],
)
def test_blind_cuts_are_even_and_as_many_as_the_leads_ask_for(seconds: int, total: int, n_cuts: int) -> None:
    cuts = cuts_blind(LO, LO + timedelta(seconds=seconds), total)
    assert len(cuts) == n_cuts
    edges = [LO, *cuts, LO + timedelta(seconds=seconds)]
    assert len({b - a for a, b in pairwise(edges)}) == 1
