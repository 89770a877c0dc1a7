"""Reading a stretch of createdAt in slices, against the real sandbox with its clock held still."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from leadlib.api import Client, LeadPage
from leadlib.config import Secret, Settings
from leadlib.filters import Filters
from leadlib.reading import MAX_TRIES, ROWS_AIMED_AT, Slice, Verdict, cuts_blind, read_pages, read_slices
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


def test_what_is_skipped_is_not_asked_for(serve: Callable[..., tuple[SandboxServer, Client]]) -> None:
    server, client = serve()
    skip = [(at("2026-09-10 00:00"), at("2026-10-10 00:00")), (at("2026-10-20 00:00"), at("2026-10-21 00:00"))]
    slices = sorted(
        read_slices(client, LO, NOW + timedelta(minutes=5), [at("2026-09-15 00:00")], NOW, skip),
        key=lambda slice_: slice_.created_from,
    )
    gaps = [(a.created_to, b.created_from) for a, b in pairwise(slices) if a.created_to != b.created_from]
    assert gaps == skip
    expected = {
        lead.id
        for lead in server.truth.visible(NOW)
        if lead.created_at >= LO and not any(a <= lead.created_at < b for a, b in skip)
    }
    assert ids_of(slices) >= expected
    assert slices[-1].n_left == 0 or max(slice_.n_left for slice_ in slices) > 0


# Pages


@pytest.fixture
def unbounded(serve: Callable[..., tuple[SandboxServer, Client]]) -> Callable[..., tuple[SandboxServer, Client]]:
    """A portal in the filter dialect, which cannot be asked for slices."""

    def start(**changes: object) -> tuple[SandboxServer, Client]:
        server, client = serve(**{"dialect": "filter", "n_leads": 600, **changes})
        client._dialect = "filter"
        return server, client

    return start


def read_whole(client: Client) -> tuple[list[LeadPage], Verdict]:
    pages: list[LeadPage] = []
    reading = read_pages(client, Filters(), LO, None)
    while True:
        try:
            pages.append(next(reading))
        except StopIteration as end:
            return pages, end.value


def shown_since(server: SandboxServer) -> set[str]:
    return {lead.id for lead in server.truth.visible(server.clock.now()) if lead.created_at >= LO}


def test_portal_that_stands_still_is_read_once(unbounded: Callable[..., tuple[SandboxServer, Client]]) -> None:
    server, client = unbounded()
    pages, verdict = read_whole(client)
    assert verdict.is_certain
    assert verdict.ids == shown_since(server)
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))


@pytest.mark.parametrize(
    ("faults", "options"),
    [
        pytest.param({"inserts"}, {"inserts.every": 2}, id="leads-come-in"),
        pytest.param({"deletes"}, {"deletes.every": 9}, id="leads-vanish"),
        pytest.param({"inserts", "deletes"}, {"inserts.every": 5, "deletes.every": 9}, id="both"),
        pytest.param({"moving-sort"}, {}, id="leads-move-in-the-order"),
    ],
)
def test_passes_that_are_none_by_themselves_pin_down_together_what_was_there(
    unbounded: Callable[..., tuple[SandboxServer, Client]], faults: set[str], options: dict[str, int]
) -> None:
    server, client = unbounded(faults=frozenset(faults), fault_options=options, call_takes_s=1)
    pages, verdict = read_whole(client)
    assert verdict.is_certain
    assert sum(page.number == 1 for page in pages) <= MAX_TRIES
    assert verdict.began_at is not None
    # The portal's stamps have whole seconds, and a call takes one: the answer was given within the two around it.
    moments = [verdict.began_at + timedelta(milliseconds=ms) for ms in range(-1_000, 1_001, 10)]
    assert verdict.ids in [
        {lead.id for lead in server.truth.visible(moment) if lead.created_at >= LO} for moment in moments
    ]
    assert verdict.ids <= {lead.lead_id for page in pages for lead in page.leads}


def test_what_never_adds_up_is_read_eight_times_and_then_in_parts(
    unbounded: Callable[..., tuple[SandboxServer, Client]],
) -> None:
    """Leads come in, so that no two passes are alike, and the total is always one too many."""
    server, client = unbounded(
        faults=frozenset({"inserts", "wrong-total"}), fault_options={"inserts.every": 6}, call_takes_s=1
    )
    there = server.truth.visible(NOW)
    pages, verdict = read_whole(client)
    assert not verdict.is_certain
    assert sum(page.number == 1 and page.total > 400 for page in pages) == MAX_TRIES
    assert sum(page.number == 1 for page in pages) > MAX_TRIES
    assert {lead.lead_id for page in pages for lead in page.leads} >= {x.id for x in there if x.created_at >= LO}


@pytest.mark.parametrize(
    ("faults", "options"),
    [
        pytest.param({"offset-capped"}, {"offset-capped.cap": 250}, id="offset-capped"),
        pytest.param({"echo-pages"}, {}, id="pages-echoed"),
    ],
)
def test_what_cannot_be_read_whole_is_read_in_parts_that_add_up(
    unbounded: Callable[..., tuple[SandboxServer, Client]], faults: set[str], options: dict[str, int]
) -> None:
    n_leads = 400 if options else 95
    server, client = unbounded(n_leads=n_leads, faults=frozenset(faults), fault_options=options)
    pages, verdict = read_whole(client)
    assert verdict.is_certain
    assert {lead.lead_id for page in pages for lead in page.leads} == verdict.ids == shown_since(server)


def test_total_that_is_capped_is_never_taken_for_the_whole(
    unbounded: Callable[..., tuple[SandboxServer, Client]],
) -> None:
    """As many rows as the total says, and the same total on every page: it would have its certificate."""
    server, client = unbounded(faults=frozenset({"total-capped"}), fault_options={"total-capped.cap": 250})
    pages, verdict = read_whole(client)
    assert (verdict.total, verdict.is_certain) == (250, False)
    assert {lead.lead_id for page in pages for lead in page.leads} == shown_since(server)


@pytest.mark.parametrize("fault", ["wrong-total", "wrong-total-low", "echo-pages"])
def test_portal_that_contradicts_itself_in_the_same_way_is_not_asked_for_ever(
    unbounded: Callable[..., tuple[SandboxServer, Client]], fault: str
) -> None:
    _, client = unbounded(faults=frozenset({fault}))
    before = client.stats.calls
    pages, verdict = read_whole(client)
    assert not verdict.is_certain
    assert client.stats.calls - before < 150
    assert sum(page.number == 1 and page.total > 400 for page in pages) == 2
