"""Rows A1 to A8 of the fault matrix: a lead that the portal showed during a sweep is stored when the sweep ends.

The normal run is short. The whole matrix, 2 sizes and 40 seeds: `pytest tests/test_completeness.py --matrix full`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from leadlib.api import Client
from leadlib.config import Secret, Settings
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.store import Store, SyncRow
from leadlib.sync import run_sync
from tests.conftest import at

NOW = at("2026-11-20 09:00")


@dataclass(frozen=True)
class Fault:
    """A row of the matrix: its name, the sandbox's switches, and whether the plain paginator must fail it."""

    name: str
    faults: frozenset[str]
    options: dict[str, int]
    plain_fails: bool = False


FAULTS = [
    Fault("A1-inserts", frozenset({"inserts"}), {"inserts.every": 20}),
    Fault("A2-deletes", frozenset({"deletes"}), {"deletes.every": 3}, plain_fails=True),
    Fault("A3-moving-sort", frozenset({"moving-sort"}), {}, plain_fails=True),
    Fault("A4-60-in-one-second", frozenset({"same-second-60", "random-ties"}), {}),
    Fault("A4-500-in-one-second", frozenset({"same-second-500", "random-ties"}), {}),
    Fault("A5-total-capped", frozenset({"total-capped"}), {"total-capped.cap": 300}, plain_fails=True),
    Fault("A5-offset-capped", frozenset({"offset-capped"}), {"offset-capped.cap": 300}, plain_fails=True),
    Fault("A6-perpage-clamped", frozenset({"perpage-clamped"}), {}, plain_fails=True),
    Fault("A7-from-exclusive", frozenset({"from-exclusive"}), {}),
    Fault("A7-to-exclusive", frozenset({"to-exclusive"}), {}),
    Fault("A7-both-exclusive", frozenset({"from-exclusive", "to-exclusive"}), {}),
    Fault("A7-whole-seconds", frozenset({"whole-second-bounds"}), {}),
    Fault(
        "all-at-once",
        frozenset({"inserts", "deletes", "moving-sort", "random-ties", "from-exclusive", "to-exclusive"}),
        {"inserts.every": 20, "deletes.every": 5},
    ),
]
A8 = [
    Fault("A8-total-too-high", frozenset({"wrong-total"}), {}),
    Fault("A8-total-too-low", frozenset({"wrong-total-low"}), {}),
]
ids_of = {"ids": lambda row: row.name}


@dataclass
class Bench:
    """A faulty portal held still but for its calls, a client, and a store."""

    server: SandboxServer
    client: Client
    store: Store

    def sync(self) -> SyncRow:
        return run_sync(self.client, self.store, full=True, now=lambda: NOW)

    def stored(self) -> set[str]:
        return set(self.store.query("select lead_id from leads")["lead_id"])

    def must_have(self, since: SyncRow) -> set[str]:
        """The leads that every call of the sweep could see, in the stretch that it read."""
        assert since.created_from is not None
        return self.server.truth.visible_throughout(NOW, self.server.clock.now(), since.created_from, NOW)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """A function that sets up a bench; all is closed at the end."""
    opened: list[Bench] = []

    def set_up(fault: Fault, n_leads: int, seed: int) -> Bench:
        server = SandboxServer(
            SandboxSettings(
                dialect="flat",
                n_leads=n_leads,
                seed=seed,
                frozen_at=NOW,
                calls_per_minute=600_000,
                call_takes_s=0.05,
                faults=fault.faults,
                fault_options=fault.options,
            )
        ).__enter__()
        settings = Settings(
            api_url=server.url,
            api_key=Secret(API_KEY),
            api_secret=Secret(API_SECRET),
            api_dialect="flat",
            calls_per_minute=600_000,
        )
        store = Store.open(tmp_path / f"{fault.name}-{n_leads}-{seed}", timezone=ZoneInfo("UTC"), portal="test")
        opened.append(Bench(server, Client(settings), store))
        return opened[-1]

    yield set_up
    for one in opened:
        one.client.close()
        one.store.close()
        one.server.__exit__(None, None, None)


def plain_paginator(client: Client) -> set[str]:
    """What people usually write: count the pages by the first total, read them in order, trust them."""
    first = client.page(1)
    seen = {lead.lead_id for lead in first.leads}
    for number in range(2, -(-first.total // 50) + 1):
        seen |= {lead.lead_id for lead in client.page(number).leads}
    return seen


@pytest.mark.parametrize("fault", FAULTS, **ids_of)
def test_no_lead_is_lost(
    fault: Fault, bench: Callable[..., Bench], matrix: list[tuple[int, int]], record_property: Callable[..., None]
) -> None:
    n_uncertain = 0
    for n_leads, seed in matrix:
        one = bench(fault, n_leads, seed)
        swept = one.sync()
        expected = one.must_have(swept)
        assert len(expected) > n_leads / 2  # the check bites: most leads were there all the time
        assert expected - one.stored() == set(), f"{n_leads} leads, seed {seed}"
        assert one.store.query("select count(*) - count(distinct lead_id) as n from leads")["n"].iloc[0] == 0
        n_uncertain += swept.n_uncertain
        assert swept.n_uncertain <= 4
    record_property("uncertain_slices", n_uncertain)


@pytest.mark.parametrize("fault", [row for row in FAULTS if row.plain_fails], **ids_of)
def test_the_plain_paginator_does_lose_leads(
    fault: Fault, bench: Callable[..., Bench], matrix: list[tuple[int, int]]
) -> None:
    """Shows that the faults bite: without it the test above might pass on a harmless portal."""
    n_lost = 0
    for n_leads, seed in matrix:
        one = bench(fault, n_leads, seed)
        seen = plain_paginator(one.client)
        n_lost += len(
            one.server.truth.visible_throughout(NOW, one.server.clock.now(), at("2026-08-01 00:00"), NOW) - seen
        )
    assert n_lost > 0


@pytest.mark.parametrize("fault", A8, **ids_of)
def test_a_total_that_is_wrong_is_always_flagged(
    fault: Fault, bench: Callable[..., Bench], matrix: list[tuple[int, int]]
) -> None:
    for n_leads, seed in matrix:
        one = bench(fault, n_leads, seed)
        swept = one.sync()
        assert swept.outcome == "uncertain"
        assert one.must_have(swept) - one.stored() == set()
        certain = one.store.query("select coalesce(sum(total), 0) as n from slices where is_certain")["n"].iloc[0]
        assert certain == 0, f"{n_leads} leads, seed {seed}"


def test_inserts_of_a_sweep_are_in_the_next_one(bench: Callable[..., Bench]) -> None:
    one = bench(FAULTS[0], 1_000, 7)
    one.sync()
    again = one.sync()
    assert one.must_have(again) - one.stored() == set()
