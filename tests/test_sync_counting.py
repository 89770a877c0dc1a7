"""Count probes: what they spare, and that they never take a change for none."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from leadlib.metrics.queries import coverage
from leadlib.store import Store, SyncRow
from leadlib.sync.bands import COLD
from leadlib.sync.counting import read_lately
from tests.conftest import at
from tests.sync_bench import NOW, Bench, benches

LARGE = 900
OLD = NOW - timedelta(days=40)


@pytest.fixture
def bench(open_store: Callable[..., Store]) -> Iterator[Callable[..., Bench]]:
    with benches(open_store) as start:
        yield start


@pytest.fixture(autouse=True)
def small_accounts_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A week of these accounts has some 70 leads; so many would be read with less effort."""
    monkeypatch.setattr("leadlib.sync.counting.WORTH_COUNTING", 30)


@pytest.fixture
def large(bench: Callable[..., Bench]) -> Bench:
    """A synced account whose weeks are counted."""
    one = bench(dialect="flat", n_leads=LARGE)
    one.sync()
    return one


def cold(one: Bench) -> SyncRow:
    """The next sweep of the whole window, six hours by the local clock; at the portal nothing has happened since."""
    one.local_ahead += COLD.every
    row = one.sync()
    assert row.kind == "cold"
    return row


def counted_stretches(one: Bench) -> list[tuple[datetime, datetime]]:
    rows = one.store.query("select created_from, created_to from slices where how = 'counted' order by created_from")
    return [
        (a.to_pydatetime(), b.to_pydatetime()) for a, b in zip(rows["created_from"], rows["created_to"], strict=True)
    ]


def keep_each_stretch(one: Bench) -> None:
    """Leaves the ledger unfolded, so that it shows where was cut."""
    one.store.fold_slices = lambda sync_id: None  # type: ignore[method-assign]


def test_quiet_window_is_counted_and_its_last_two_days_are_read(large: Bench) -> None:
    full = large.sync(full=True)
    before = large.store.query("select * from leads order by lead_id")
    row = cold(large)
    assert (row.outcome, row.n_new, row.n_changed, row.reconcile_delta) == ("complete", 0, 0, 0)
    assert row.n_counted > LARGE / 2
    assert full.n_read == row.n_read + row.n_counted
    assert large.store.query(
        "select * exclude (last_seen_at, observed_at, row_seen_at) from leads order by lead_id"
    ).equals(before.drop(columns=["last_seen_at", "observed_at", "row_seen_at"]))
    (stretch,) = coverage(large.store).stretches
    assert stretch == (row.created_from, NOW)
    assert max(end for _, end in counted_stretches(large)) <= NOW - timedelta(hours=48) + timedelta(hours=1)


def test_full_sync_counts_nothing(large: Bench) -> None:
    assert large.sync(full=True).n_counted == 0


def test_no_stretch_goes_unread_for_more_than_a_week(large: Bench) -> None:
    n_counted = 0
    for _ in range(8):
        large.advance(hours=24)
        row = large.sync()
        n_counted += row.n_counted
        read = read_lately(large.store, large.portal.clock.now())
        assert any(begin <= row.created_from and row.created_to <= end for begin, end in read)
    assert n_counted > 4 * LARGE


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda truth, old: truth.plant([OLD]), id="came-late"),
        pytest.param(lambda truth, old: truth.delete(old.id, NOW), id="vanished"),
        pytest.param(lambda truth, old: truth.advance(old.id, NOW), id="moved-on"),
    ],
)
def test_stretch_in_which_anything_happened_is_read_and_no_other(
    large: Bench, change: Callable[[object, object], None]
) -> None:
    truth = large.portal.truth
    old = next(lead for lead in truth.visible(NOW) if lead.created_at > OLD and lead.stage_at(NOW) == "delivered")
    change(truth, old)
    row = cold(large)
    assert row.n_counted > LARGE / 2
    where = OLD if row.n_new else old.created_at
    assert not any(a <= where < b for a, b in counted_stretches(large))
    assert large.stored_ids >= large.shown_ids
    stages = large.store.query("select lead_id, stage from leads").set_index("lead_id")["stage"]
    assert stages[old.id] == truth.lead(old.id).stage_at(NOW)


def test_lead_on_the_cut_between_two_counted_stretches_is_noticed(large: Bench) -> None:
    keep_each_stretch(large)
    cold(large)
    cut = counted_stretches(large)[1][1]
    for offset_ms in (-1500, -1000, -1, 0, 1, 999, 1000, 1500):
        (late,) = large.portal.truth.plant([cut + timedelta(milliseconds=offset_ms)])
        cold(large)
        assert late.id in large.stored_ids, offset_ms


@pytest.mark.parametrize(
    "faults",
    [{"from-exclusive"}, {"to-exclusive"}, {"from-exclusive", "to-exclusive"}, {"whole-second-bounds"}],
    ids=lambda faults: "+".join(sorted(faults)),
)
def test_bounds_of_any_kind_spoil_no_count(bench: Callable[..., Bench], faults: set[str]) -> None:
    one = bench(dialect="flat", n_leads=LARGE, faults=frozenset(faults))
    one.sync()
    keep_each_stretch(one)
    assert cold(one).n_counted > LARGE / 2
    cut = counted_stretches(one)[1][1]
    late = one.portal.truth.plant([cut - timedelta(seconds=1), cut, cut + timedelta(seconds=1)])
    cold(one)
    assert one.stored_ids >= {lead.id for lead in late}


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        pytest.param("wrong-total", {}, id="total-too-high"),
        pytest.param("wrong-total-low", {}, id="total-too-low"),
        pytest.param("total-capped", {"total-capped.cap": 29}, id="total-capped"),
        pytest.param("empty-window", {"empty-window.every": 2}, id="empty-now-and-then"),
    ],
)
def test_portal_that_begins_to_miscount_is_read(
    large: Bench, bench: Callable[..., Bench], fault: str, options: dict[str, int]
) -> None:
    large.client = bench(dialect="flat", n_leads=LARGE, faults=frozenset({fault}), fault_options=options).client
    large.sync()
    assert cold(large).n_counted == 0


def test_stretch_with_rows_that_are_no_leads_or_unknown_statuses_is_read(bench: Callable[..., Bench]) -> None:
    one = bench(dialect="flat", n_leads=LARGE, faults=frozenset({"odd-rows"}))
    one.sync()
    unknown = one.store.query("select created_at from leads where stage = 'unrecognised'")["created_at"]
    hidden = [lead.created_at for lead in one.portal.truth.visible(NOW) if one.portal.truth.readable_id(lead) is None]
    cold(one)
    odd = [*unknown, *hidden]
    assert len(odd) > 0
    assert not any(a <= instant < b for instant in odd for a, b in counted_stretches(one))


def test_portal_that_ignores_the_filter_is_read(bench: Callable[..., Bench]) -> None:
    class Deaf(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            request.url = request.url.copy_remove_param("status")
            return super().handle_request(request)

    one = bench(Deaf(), dialect="flat", n_leads=LARGE)
    one.sync()
    assert cold(one).n_counted == 0


def test_lead_that_waits_to_be_missed_again_hides_no_late_one(large: Bench) -> None:
    """One vanished and one came late: the totals are those of the store again."""
    truth = large.portal.truth
    gone = next(lead for lead in truth.visible(NOW) if lead.created_at > OLD and lead.stage_at(NOW) == "delivered")
    truth.delete(gone.id, NOW)
    large.advance(seconds=1)
    cold(large)
    assert large.store.query("select lead_id from absences")["lead_id"].tolist() == [gone.id]
    (late,) = truth.plant([gone.created_at + timedelta(minutes=5)])
    while late.stage_at(large.portal.clock.now()) == "sent":
        truth.advance(late.id, large.portal.clock.now())
        late = truth.lead(late.id)
    cold(large)
    assert late.id in large.stored_ids


def test_stretch_that_was_never_read_is_not_counted(bench: Callable[..., Bench]) -> None:
    """As many leads of each status in the store as at the portal, but nobody has looked whether they are the same."""
    one = bench(dialect="flat", n_leads=LARGE)
    leads = list(one.client.iter_leads(created_from=NOW - timedelta(days=91)))
    one.store.write_leads(leads, observed_at=NOW)
    row = one.sync()
    assert (row.kind, row.n_counted) == ("cold", 0)


def test_lead_that_moves_while_the_totals_are_asked_for_is_noticed_then_or_later(bench: Callable[..., Bench]) -> None:
    one = bench(
        dialect="flat", n_leads=LARGE, faults=frozenset({"moving-sort"}), fault_options={"moving-sort.every": 1}
    )
    one.sync()
    for _ in range(3):
        one.advance(seconds=1)
        began_at = one.portal.clock.now()
        stages = {lead.id: lead.stage_at(began_at) for lead in one.portal.truth.visible(began_at)}
        cold(one)
        held = one.store.query("select lead_id, stage from leads").set_index("lead_id")["stage"].to_dict()
        rungs = {stage: place for place, stage in enumerate(("sent", "delivered", "opened", "responded", "archived"))}
        # The flat dialect has no word for the archive, and shows the stage before.
        behind = [x for x, stage in stages.items() if stage != "archived" and rungs[held[x]] < rungs[stage]]
        assert behind == []


def test_account_in_which_nothing_happens_is_counted_as_a_whole_where_time_cannot_be_cut(
    bench: Callable[..., Bench],
) -> None:
    one = bench(dialect="filter", n_leads=LARGE)
    first = one.sync()
    row = cold(one)
    assert (row.n_read, row.n_counted, row.outcome, row.reconcile_delta) == (0, row.portal_total, "complete", 0)
    assert row.n_calls < first.n_calls / 4
    assert row.created_to == NOW
    (late,) = one.portal.truth.plant([OLD])
    row = cold(one)
    assert (row.n_counted, row.n_new) == (0, 1)
    assert late.id in one.stored_ids


def test_week_in_which_something_moved_is_counted_day_by_day(large: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_each_stretch(large)
    monkeypatch.setattr("leadlib.sync.counting.WORTH_COUNTING", 3)
    (late,) = large.portal.truth.plant([OLD])
    n_counted = cold(large).n_counted
    assert late.id in large.stored_ids
    # All but the last two days, which are read, and the day in which it came.
    assert n_counted > LARGE * 0.9
    around = [(a, b) for a, b in counted_stretches(large) if abs(a - OLD) < timedelta(days=7)]
    assert {round((b - a) / timedelta(days=1)) for a, b in around} == {1, 7}
    assert not any(a <= OLD < b for a, b in around)


def test_total_at_which_a_portal_may_have_stopped_counting_is_not_believed(
    large: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a stretch of exactly so many leads is counted whole, or in parts, hangs on the total alone."""
    keep_each_stretch(large)
    monkeypatch.setattr("leadlib.sync.counting.WORTH_COUNTING", 3)
    cold(large)
    begin, end = next((a, b) for a, b in counted_stretches(large) if b - a > timedelta(days=6))
    total = large.store.query(
        "select count(*) as n from leads where created_at >= $a and created_at < $b", {"a": begin, "b": end}
    )["n"].iloc[0]
    monkeypatch.setattr("leadlib.sync.counting.CAPS_FROM", int(total))
    monkeypatch.setattr("leadlib.sync.counting.CAPS_ARE_ROUND", int(total))
    cold(large)
    last = large.store.query(
        "select created_from, created_to from slices where how = 'counted' "
        "and sync_id = (select sync_id from syncs order by finished_at desc limit 1)"
    )
    inside = last[(last["created_from"] >= begin) & (last["created_to"] <= end)]
    assert len(inside) > 1
    assert (inside["created_from"].min(), inside["created_to"].max()) == (begin, end)


def test_large_account_is_swept_nightly_in_its_own_zone(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadlib.sync.bands.NIGHTLY_ABOVE", 100)
    one = bench(dialect="flat", n_leads=200)  # at 13:00 in Dubai
    one.sync()
    rows = one.sync_every(hours=7, until=NOW + timedelta(hours=42))
    swept = [row.started_at for row in rows if row.kind == "cold"]
    assert swept == [at("2026-11-20 23:00"), at("2026-11-22 03:00")]
