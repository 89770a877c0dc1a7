"""Rows A9 to A16 of the fault matrix: leads that come late, go, come back, and portals that go in circles."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from leadlib.errors import UnexpectedPayloadError
from leadlib.metrics.health import doubts
from leadlib.metrics.queries import coverage
from leadlib.records import Lead
from leadlib.store import AbsenceCount, SliceRow, Store
from leadlib.sync.trust import believe_missing, is_too_many
from tests.conftest import at, make_lead
from tests.sync_bench import NOW, Bench, benches


@pytest.fixture
def bench(open_store: Callable[..., Store]) -> Iterator[Callable[..., Bench]]:
    with benches(open_store) as start:
        yield start


@pytest.fixture(params=["filter", "flat"])
def either(request: pytest.FixtureRequest, bench: Callable[..., Bench]) -> Bench:
    """A bench in each dialect: the one is read in passes, the other in slices."""
    return bench(dialect=request.param, n_leads=300)


def kinds_of(alarms_of: Bench) -> list[str]:
    return [alarm.kind for alarm in alarms_of.store.alarms()]


# Late


def test_A9_lead_that_appears_30_hours_late_is_there_after_the_next_five_minutes(either: Bench) -> None:
    either.sync()
    (late,) = either.portal.truth.plant([NOW - timedelta(hours=30)])
    either.advance(minutes=5)
    assert either.sync().kind == "hot"
    assert late.id in either.stored_ids


@pytest.fixture(params=[10**6, 20], ids=["read", "counted"])
def is_counted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the weeks of the account are counted or read."""
    monkeypatch.setattr("leadlib.sync.counting.WORTH_COUNTING", request.param)
    return bool(request.param < 100)


def test_A10_lead_that_appears_20_days_late_is_there_within_six_hours(
    bench: Callable[..., Bench], is_counted: bool
) -> None:
    one = bench(dialect="flat")
    one.sync()
    (late,) = one.portal.truth.plant([NOW - timedelta(days=20)])
    rows = one.sync_every(hours=3, until=NOW + timedelta(hours=6))
    assert rows[-1].kind == "cold"
    assert (rows[-1].n_counted > 0) == is_counted
    assert late.id in one.stored_ids


@pytest.mark.parametrize("dialect", ["filter", "flat"])
def test_A11_status_of_an_80_day_old_lead_is_there_within_six_hours_and_once_in_its_history(
    bench: Callable[..., Bench], dialect: str, is_counted: bool
) -> None:
    one = bench(dialect=dialect)
    one.sync()
    old = [
        lead
        for lead in one.portal.truth.visible(NOW)
        if lead.created_at < NOW - timedelta(days=80) and lead.stage_at(NOW) == "delivered"
    ]
    one.portal.truth.advance(old[-1].id, NOW + timedelta(hours=1))
    rows = one.sync_every(hours=3, until=NOW + timedelta(hours=6))
    assert (rows[-1].n_counted > 0) == (is_counted and dialect == "flat")  # elsewhere all or nothing is counted
    history = one.store.query(
        "select stage, not_before, not_after from status_observations where lead_id = $id order by not_after",
        {"id": old[-1].id},
    )
    assert history["stage"].tolist()[1:] == ["opened"]
    assert history["not_before"].iloc[1] == NOW
    assert history["not_after"].iloc[1] == NOW + timedelta(hours=6)


# Gone


def empty(portal_of: Bench) -> list[str]:
    """Makes the portal show nothing of what it shows now; the ids."""
    ids = sorted(portal_of.shown_ids)
    for lead_id in ids:
        portal_of.portal.truth.delete(lead_id, portal_of.portal.clock.now())
    return ids


def test_A12_window_that_is_empty_by_mistake_costs_no_contact_and_raises_an_alarm(either: Bench) -> None:
    either.sync()
    ids = empty(either)
    for _ in range(3):
        either.advance(hours=25)
        row = either.sync()
        assert row.kind == "cold"
        assert row.n_withheld > 0
        assert row.outcome == "uncertain"
        assert kinds_of(either) == ["mass_deletion"]
    assert either.gone_ids == set()
    contacts = either.store.contacts(ids).to_pylist()
    assert len(contacts) == len(ids)
    assert all(any(value for name, value in contact.items() if name != "lead_id") for contact in contacts)


def test_A12_alarm_ends_with_a_sweep_as_wide_that_finds_the_leads(bench: Callable[..., Bench]) -> None:
    one = bench(
        dialect="flat", n_leads=300, faults=frozenset({"empty-window"}), fault_options={"empty-window.every": 1}
    )
    one.store.remember("bounds_created_to", "yes")
    one.store.remember("dialect", "flat")
    healthy = bench(dialect="flat", n_leads=300)
    healthy.sync()
    healthy.client, sick = one.client, healthy.client
    one.portal.clock.set(NOW + timedelta(hours=7))
    healthy.advance(hours=7)
    assert healthy.sync().n_withheld > 0
    assert kinds_of(healthy) == ["mass_deletion"]
    healthy.client = sick
    healthy.advance(minutes=5)
    assert (healthy.sync().kind, kinds_of(healthy)) == ("hot", ["mass_deletion"])
    healthy.advance(hours=6)
    assert (healthy.sync().kind, kinds_of(healthy)) == ("cold", [])


def test_leads_that_somebody_says_were_deleted_are_gone_however_many(either: Bench) -> None:
    either.sync()
    ids = empty(either)
    either.advance(hours=25)
    assert either.sync().n_withheld > 0.9 * len(ids)  # the oldest have left the window meanwhile
    believe_missing(either.store, either.now())
    row = either.sync(full=True)
    assert (row.n_withheld, row.n_deleted) == (0, 0)  # missed for the first time that counts
    assert kinds_of(either) == []
    either.advance(hours=25)
    n_deleted = either.sync().n_deleted
    assert len(either.gone_ids) == n_deleted > 0.9 * len(ids)
    assert either.gone_ids <= set(ids)
    assert kinds_of(either) == []


def test_belief_that_missing_leads_were_deleted_ends_after_three_days(either: Bench) -> None:
    either.sync()
    believe_missing(either.store, either.now())
    either.advance(hours=73)
    empty(either)
    assert either.sync().n_withheld > 0
    assert kinds_of(either) == ["mass_deletion"]


def test_lead_that_two_sweeps_a_day_apart_miss_is_gone_and_its_contact_forgotten(either: Bench) -> None:
    either.sync()
    gone = next(lead for lead in either.portal.truth.visible(NOW) if lead.created_at > NOW - timedelta(days=30))
    either.portal.truth.delete(gone.id, NOW + timedelta(hours=1))
    missed = either.sync_every(hours=8, until=NOW + timedelta(hours=24))
    assert sum(row.n_deleted for row in missed) == 0
    assert either.gone_ids == set()
    assert missed[-1].reconcile_delta == 0
    row = either.sync_every(hours=8, until=NOW + timedelta(hours=32))[-1]
    assert (row.n_deleted, either.gone_ids) == (1, {gone.id})
    assert either.lead(gone.id)["deleted_at_source"] == NOW + timedelta(hours=8)
    (contact,) = either.store.contacts([gone.id]).to_pylist()
    assert {name for name, value in contact.items() if value is not None} == {"lead_id"}
    assert row.reconcile_delta == 0
    assert kinds_of(either) == []


def test_lead_that_was_seen_in_between_is_not_gone(bench: Callable[..., Bench]) -> None:
    one = bench(dialect="flat", n_leads=300)
    one.sync()
    lead_id = next(lead.id for lead in one.portal.truth.visible(NOW) if lead.created_at > NOW - timedelta(days=30))
    one.portal.truth.delete(lead_id, NOW)
    one.advance(hours=7)
    one.sync()
    assert one.store.query("select lead_id from absences")["lead_id"].tolist() == [lead_id]
    seen = make_lead(lead_id, one.lead(lead_id)["created_at"].isoformat())
    one.store.write_leads([seen], observed_at=NOW + timedelta(hours=20))
    one.advance(hours=25)
    one.sync()
    assert one.gone_ids == set()
    one.advance(hours=25)
    one.sync()
    assert one.gone_ids == {lead_id}


def test_lead_that_comes_back_is_live_again_with_its_contact(store: Store) -> None:
    lead = make_lead("a", "2026-09-15T06:00:00Z")
    store.write_leads([lead], observed_at=at("2026-09-15 10:00"))
    for day in (16, 17):
        sweep(store, "2026-09-15 00:00", "2026-09-16 00:00", f"2026-09-{day} 12:00")
    assert gone(store) == {"a"}
    store.write_leads([lead], observed_at=at("2026-09-15 23:00"))  # an answer from before, come late
    assert gone(store) == {"a"}
    store.write_leads([lead], observed_at=at("2026-09-18 12:00"))
    assert gone(store) == set()
    assert store.contacts(["a"]).to_pylist()[0]["sender_phone"] == "+971500000001"


def sweep(
    store: Store, begin: str, end: str, when: str, *, is_certain: bool = True, rejected_ids: tuple[str, ...] = ()
) -> AbsenceCount:
    """A sweep that found nothing in a stretch; what came of it."""
    sync_id = f"sweep {when}"
    store.write_slice(SliceRow(sync_id, at(begin), at(end), 0, 0, is_certain, at(when)))
    return store.settle_absences(sync_id, began_at=at(when), rejected_ids=rejected_ids, is_too_many=is_too_many)


def gone(store: Store) -> set[str]:
    return set(store.query("select lead_id from leads where deleted_at_source is not null")["lead_id"])


@pytest.mark.parametrize(
    "sweeps",
    [
        pytest.param([("2026-09-15 00:00", "2026-09-16 00:00", "2026-09-16 12:00", {})], id="once"),
        pytest.param(
            [
                ("2026-09-15 00:00", "2026-09-16 00:00", "2026-09-16 12:00", {}),
                ("2026-09-15 00:00", "2026-09-16 00:00", "2026-09-17 11:59", {}),
            ],
            id="twice-in-less-than-a-day",
        ),
        pytest.param(
            [
                ("2026-09-15 00:00", "2026-09-16 00:00", "2026-09-16 12:00", {}),
                ("2026-09-15 06:01", "2026-09-16 00:00", "2026-09-18 12:00", {}),
            ],
            id="looked-elsewhere",
        ),
        pytest.param(
            [
                ("2026-09-15 00:00", "2026-09-16 00:00", "2026-09-16 12:00", {}),
                ("2026-09-15 00:00", "2026-09-16 00:00", "2026-09-18 12:00", {"is_certain": False}),
            ],
            id="uncertain",
        ),
        pytest.param(
            [
                ("2026-09-15 00:00", "2026-09-16 00:00", "2026-09-16 12:00", {}),
                ("2026-09-15 00:00", "2026-09-16 00:00", "2026-09-18 12:00", {"rejected_ids": ("a",)}),
            ],
            id="came-as-a-row-that-is-no-lead",
        ),
    ],
)
def test_lead_is_not_gone_without_two_certain_sweeps_that_looked_for_it(
    store: Store, sweeps: list[tuple[str, str, str, dict[str, object]]]
) -> None:
    store.write_leads([make_lead("a", "2026-09-15T06:00:00Z")], observed_at=at("2026-09-15 10:00"))
    for begin, end, when, how in sweeps:
        sweep(store, begin, end, when, **how)  # type: ignore[arg-type]
    assert gone(store) == set()


def test_row_without_an_id_keeps_its_stretch_from_telling_who_is_gone(bench: Callable[..., Bench]) -> None:
    """It may be any of the leads that are missing there."""
    one = bench(dialect="flat", n_leads=300)
    one.sync()
    lost = one.portal.truth.visible(NOW)[100]
    one.portal.truth.delete(lost.id, NOW)
    one.advance(hours=7)
    one.sync()
    store = one.store
    sync_id = store.query("select sync_id from syncs order by started_at desc")["sync_id"].iloc[0]
    swept = {"began_at": NOW + timedelta(days=3), "is_too_many": is_too_many}
    unclear = [(lost.created_at - timedelta(hours=1), lost.created_at + timedelta(hours=1))]
    store.write_leads(list(leads_of(one)), observed_at=NOW + timedelta(days=3))
    assert store.settle_absences(sync_id, unclear=unclear, **swept).n_deleted == 0
    assert store.settle_absences(sync_id, **swept).n_deleted == 1


def leads_of(one: Bench) -> Iterator[Lead]:
    yield from one.client.iter_leads()


# Outages


def test_A13_nine_days_of_outage_lose_no_lead(either: Bench) -> None:
    """Also when the window cannot be read afterwards: the hot band reaches back to before the outage."""
    either.sync()
    either.advance(minutes=30)
    before = either.sync()
    assert before.kind == "hot"
    either.advance(days=9)
    (late,) = either.portal.truth.plant([NOW - timedelta(hours=40)])
    for kind in ("cold", "warm"):  # both were tried in vain
        for _ in range(2):
            sync_id = either.store.begin_sync(kind=kind, dialect="flat", started_at=either.now())
            with either.store._changing() as cursor:
                cursor.execute(
                    "update syncs set outcome = 'uncertain', n_uncertain = 1 where sync_id = ?",
                    [sync_id],
                )
    row = either.sync()
    assert (row.kind, row.created_from) == ("hot", before.created_to - timedelta(hours=48))
    assert either.stored_ids >= either.shown_ids - {
        lead.id for lead in either.portal.truth.visible(either.now()) if lead.created_at < row.created_from
    }
    assert late.id in either.stored_ids


def test_A13_first_sync_after_an_outage_is_of_the_whole_window(either: Bench) -> None:
    either.sync()
    either.advance(days=9)
    assert either.sync().kind == "cold"
    assert either.stored_ids >= either.shown_ids


def test_A14_outage_of_more_than_three_months_leaves_a_gap_that_is_exact_to_the_second(either: Bench) -> None:
    either.sync()
    either.advance(minutes=20, seconds=17)
    last = either.sync()
    either.advance(days=110, seconds=5)
    first = either.sync()
    assert first.kind == "cold"
    (before, after) = coverage(either.store).stretches
    assert abs(before[1] - NOW - timedelta(minutes=20, seconds=17)) <= timedelta(seconds=1)
    assert abs(after[0] - first.created_from) <= timedelta(seconds=1)
    assert (before[1], after[0]) == (last.created_to, first.created_from)
    assert doubts(either.store) == ()


# Twice, and in circles


def test_A15_lead_that_comes_twice_with_differing_bodies_counts_once_and_the_newest_wins(
    bench: Callable[..., Bench],
) -> None:
    one = bench(dialect="flat", n_leads=300, faults=frozenset({"same-id-twice"}))
    row = one.sync()
    assert (row.outcome, row.n_read, row.n_new) == ("complete", len(one.shown_ids), len(one.shown_ids))
    rows = one.store.query("select lead_id, tags from leads")
    assert len(rows) == rows["lead_id"].nunique() == len(one.shown_ids)
    assert sum("second_time" in tags for tags in rows["tags"]) > 5


@pytest.mark.parametrize("dialect", ["filter", "flat"])
def test_A16_portal_that_goes_in_circles_is_left_after_few_tries_and_called_uncertain(
    bench: Callable[..., Bench], dialect: str
) -> None:
    one = bench(dialect=dialect, n_leads=300, faults=frozenset({"echo-pages", "same-second-500"}))
    row = one.sync()
    assert row.outcome == "uncertain"
    assert row.message is not None
    assert "slipped through" in row.message
    assert row.n_calls < 800
    assert len(one.stored_ids) == row.n_read > 0
    (doubt,) = doubts(one.store)
    if dialect == "flat":
        crowded = NOW - timedelta(days=12)  # only of that second something may be missing, or of those beside it
        assert crowded - timedelta(seconds=3) < doubt[0] < crowded < doubt[1] < crowded + timedelta(seconds=4)
        assert row.n_read >= len(one.shown_ids) - 500


def test_crowded_second_of_a_portal_that_goes_in_circles_is_read_in_parts_that_add_up(
    bench: Callable[..., Bench],
) -> None:
    one = bench(dialect="flat", n_leads=300, faults=frozenset({"echo-pages", "same-second-60"}))
    assert one.sync().outcome == "complete"
    assert one.stored_ids == one.shown_ids


def test_A16_portal_without_even_a_first_page_fails_the_sync(bench: Callable[..., Bench]) -> None:
    one = bench(dialect="filter", n_leads=50)
    one.sync()

    def no_pages(*_: object, **__: object) -> Iterator[object]:
        raise UnexpectedPayloadError("No page.", call="GET /v1/leads", status=200)
        yield

    one.client.iter_pages = no_pages  # type: ignore[method-assign, assignment]
    with pytest.raises(UnexpectedPayloadError):
        one.sync()
