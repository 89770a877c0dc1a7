"""The ledger of slices: it stays short, and what it says stays exact."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from leadlib.metrics.health import doubts
from leadlib.metrics.queries import coverage
from leadlib.records import RejectedRow
from leadlib.store import Person, SliceRow, Store
from leadlib.sync import publishable
from leadlib.sync.batch import Batch, Tally
from tests.conftest import at, make_lead
from tests.sync_bench import NOW, Bench, benches


@pytest.fixture
def bench(open_store: Callable[..., Store]) -> Iterator[Callable[..., Bench]]:
    with benches(open_store) as start:
        yield start


def said(store: Store) -> tuple[object, ...]:
    """All that screens and sweeps take from the ledger."""
    return coverage(store).stretches, doubts(store)


def n_lines(store: Store) -> int:
    return len(store.query("select * from slices"))


def test_sweep_leaves_a_line_or_two_and_the_sums_of_its_counts(bench: Callable[..., Bench]) -> None:
    one = bench(dialect="flat", n_leads=1_500)
    row = one.sync()
    lines = one.store.query("select * from slices order by created_from")
    assert len(lines) <= 2
    assert lines["total"].sum() == lines["n_distinct"].sum() >= row.n_read
    assert coverage(one.store).stretches == ((row.created_from, NOW),)


def test_half_a_day_of_sweeps_adds_few_lines(bench: Callable[..., Bench]) -> None:
    one = bench(dialect="flat", n_leads=300)
    one.sync()
    one.sync_every(hours=0, minutes=90, until=NOW + timedelta(hours=12))
    assert n_lines(one.store) <= 10
    ((begin, end),) = coverage(one.store).stretches
    assert (begin, end) == (NOW - timedelta(days=92), one.portal.clock.now())


def random_ledger(rng: random.Random) -> list[list[SliceRow]]:
    """A few sweeps over overlapping stretches: that touch, with gaps, uncertain, counted, cut short."""
    sweeps = []
    now = NOW
    for number in range(5):
        now += timedelta(minutes=rng.randrange(1, 5_000))
        begin = now - timedelta(minutes=rng.randrange(10, 8_000))
        rows = []
        while begin < now:
            end = begin + timedelta(seconds=rng.randrange(1, 100_000))
            if rng.random() < 0.85:
                rows.append(
                    SliceRow(
                        f"sweep {number}", begin, end, 3, 3, rng.random() < 0.8,
                        now + timedelta(seconds=rng.randrange(60)), rng.choice(("read", "read", "counted")),
                    )
                )  # fmt: skip
            begin = end
        rng.shuffle(rows)
        sweeps.append(rows)
    return sweeps


@pytest.mark.parametrize("seed", range(3))
def test_folding_changes_no_coverage_and_no_doubt(open_store: Callable[..., Store], seed: int) -> None:
    plain, folded = open_store("plain"), open_store("folded")
    for rows in random_ledger(random.Random(seed)):
        for store in (plain, folded):
            store.write_leads([], observed_at=NOW, slice_rows=rows)
        folded.fold_slices(rows[0].sync_id if rows else "none")
        assert said(folded) == said(plain)
        assert read_stretches(folded) == read_stretches(plain)
    assert n_lines(folded) < n_lines(plain)


def read_stretches(store: Store) -> list[tuple[datetime, datetime]]:
    """What was ever read with certainty, not counted."""
    rows = store.query(
        "select created_from, least(created_to, observed_at) as created_to from slices "
        "where is_certain and how = 'read' and created_from < least(created_to, observed_at) order by 1, 2"
    )
    joined: list[tuple[datetime, datetime]] = []
    for begin, end in zip(rows["created_from"], rows["created_to"], strict=True):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def test_folding_twice_changes_nothing(store: Store) -> None:
    rows = random_ledger(random.Random(1))[0]
    store.write_leads([], observed_at=NOW, slice_rows=rows)
    store.fold_slices(rows[0].sync_id)
    once = store.query("select * from slices order by all")
    store.fold_slices(rows[0].sync_id)
    assert store.query("select * from slices order by all").equals(once)


# Accounting

ids = st.sampled_from([f"lead-{n}" for n in range(12)])
statuses = st.sampled_from(["sent", "delivered", "opened", "responded", "archived", "snoozed"])
good_rows = st.tuples(ids, statuses)
bad_rows = st.integers(0, 8)
answers = st.lists(st.tuples(st.lists(good_rows, max_size=8), st.lists(bad_rows, max_size=4)), min_size=1, max_size=4)


def test_D8_every_row_of_a_slice_is_accounted_for(
    open_store: Callable[..., Store], request: pytest.FixtureRequest
) -> None:
    """received = new + changed + unchanged + rejected + suppressed, slice by slice and in all."""
    # Of one store no more than these: twelve leads would have a history as no lead ever has.
    n_stores, n_sweeps = (40, 250) if request.config.getoption("--matrix") == "full" else (1, 15)
    for number in range(n_stores):
        with open_store(f"store {number}") as store:
            store.erase(Person(lead_ids=("lead-0", "lead-1")), "test")
            assert account_for(store, n_sweeps, number) > 0


def account_for(store: Store, n_examples: int, number: int) -> int:
    """Sweeps of random slices into one store, each row accounted for; how many times somebody was suppressed."""
    n_sweeps = n_suppressed = 0

    @seed(number)
    @settings(max_examples=n_examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(answers)
    def check(slices: list[tuple[list[tuple[str, str]], list[int]]]) -> None:
        nonlocal n_sweeps, n_suppressed
        n_sweeps += 1
        observed_at = at("2026-09-15 10:00") + timedelta(seconds=n_sweeps)
        tally = Tally()
        received_leads: set[str] = set()
        received_bad: set[int] = set()
        for good, bad in slices:
            before = tally.n_received, tally.n_read + tally.written.n_suppressed, len(tally.rejected)
            batch = Batch(store, f"sweep {n_sweeps}", tally)
            batch.add(
                [make_lead(lead_id, status=status) for lead_id, status in good],
                [RejectedRow("the id is missing or empty", None, f'{{"row":{number}}}') for number in bad],
                observed_at,
            )
            batch.commit()
            fresh = {lead_id for lead_id, _ in good} - received_leads
            assert tally.n_received - before[0] == len(fresh)
            assert tally.n_read + tally.written.n_suppressed - before[1] == len(fresh)
            assert len(tally.rejected) - before[2] == len(set(bad) - received_bad)
            received_leads |= fresh
            received_bad |= set(bad)
        assert tally.n_received + len(tally.rejected) == (
            tally.written.n_new
            + tally.written.n_changed
            + tally.written.n_unchanged
            + tally.written.n_suppressed
            + len(received_bad)
        )
        n_suppressed += tally.written.n_suppressed

    check()
    assert 0 < len(store.query("select * from rejected_leads")) <= 9
    assert 0 < len(store.query("select * from leads")) <= 12
    return n_suppressed


def test_D7_too_many_rows_that_are_no_leads_raise_an_alarm_and_are_not_to_be_published(
    bench: Callable[..., Bench],
) -> None:
    one = bench(dialect="flat", faults=frozenset({"many-rejects"}), fault_options={"many-rejects.percent": 4})
    row = one.sync()
    assert row.n_rejected > 0.01 * (row.n_read + row.n_rejected)
    assert not publishable(row)
    assert row.message is not None
    assert "too many" in row.message
    (alarm,) = one.store.alarms()
    assert alarm.kind == "rejected_rows"
    assert f"{row.n_rejected} of " in alarm.message
    one.advance(minutes=5)
    row = one.sync()
    assert (row.kind, publishable(row)) == ("hot", True)
    assert [alarm.kind for alarm in one.store.alarms()] == ["rejected_rows"]  # two days say nothing about three months


def test_few_rows_that_are_no_leads_are_news_once(bench: Callable[..., Bench]) -> None:
    faults = {"faults": frozenset({"many-rejects"}), "fault_options": {"many-rejects.percent": 1}}
    one = bench(dialect="flat", n_leads=400, **faults)
    first, again = one.sync(), one.sync(full=True)
    assert first.n_rejected == again.n_rejected > 0
    assert (first.outcome, again.outcome) == ("uncertain", "complete")
    assert publishable(first)
    assert publishable(again)
    assert one.store.alarms() == ()
