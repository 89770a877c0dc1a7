"""Syncs against a real portal on a port, whose clock moves only when it is told to."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from leadlib.errors import BadRequestError, CredentialsError, LeadlibError, PortalUnavailableError
from leadlib.filters import Filters
from leadlib.metrics.queries import coverage
from leadlib.sandbox.settings import SCOPES
from leadlib.store import Store
from leadlib.sync import Progress, run_sync, sentence, to_json
from tests.conftest import at
from tests.sync_bench import NOW, Bench, benches


@pytest.fixture
def bench(open_store: Callable[..., Store]) -> Iterator[Callable[..., Bench]]:
    with benches(open_store) as start:
        yield start


@pytest.fixture(params=["filter", "flat"])
def either(request: pytest.FixtureRequest, bench: Callable[..., Bench]) -> Bench:
    """A bench in each dialect: the one is read in passes, the other in slices."""
    return bench(dialect=request.param)


# What is read


def test_first_sync_stores_all_that_the_portal_shows(either: Bench) -> None:
    row = either.sync()
    assert (row.kind, row.outcome, row.message) == ("cold", "complete", None)
    assert either.stored_ids == either.shown_ids
    assert row.n_read == row.n_new == len(either.shown_ids)
    assert (row.n_changed, row.n_unchanged, row.n_rejected, row.n_uncertain) == (0, 0, 0, 0)
    assert row.dialect == either.portal.settings.dialect == either.store.recall("dialect")
    assert row.created_from == NOW - timedelta(days=92)
    assert row.n_calls == sum(either.portal.calls.values())


def test_whole_window_is_compared_with_the_portals_own_count(either: Bench) -> None:
    row = either.sync()
    assert row.portal_total == row.store_total == len(either.shown_ids)
    assert row.reconcile_delta == 0
    assert either.sync().reconcile_delta is None  # two days are no window


def test_comparison_that_fails_costs_a_note_and_never_the_sync(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> int:
        raise PortalUnavailableError("No answer came.", call="GET /v1/leads")

    one = bench()
    monkeypatch.setattr(one.client, "total", unreachable)
    row = one.sync()
    assert (row.outcome, row.reconcile_delta) == ("complete", None)
    assert row.message == "The totals could not be compared: the portal cannot be reached."
    assert one.stored_ids == one.shown_ids


def test_second_sync_of_a_portal_that_stands_still_changes_nothing(either: Bench) -> None:
    either.sync()
    before = either.store.query("select * from leads order by lead_id")
    row = either.sync(full=True)
    assert (row.n_new, row.n_changed, row.n_unchanged) == (0, 0, len(either.shown_ids))
    assert either.store.query("select * from leads order by lead_id").equals(before)
    assert len(either.store.query("select * from status_observations")) == len(before)


def test_bands_come_round_the_wider_one_in_place_of_the_narrower(either: Bench) -> None:
    kinds = []
    for hours in (0, 0.5, 0.5, 0.9, 0.1, 4, 0.1, 0.9):
        either.advance(hours=hours)
        kinds.append(either.sync().kind)
        assert either.stored_ids >= either.shown_ids
    assert kinds == ["cold", "hot", "warm", "hot", "warm", "cold", "hot", "warm"]


@pytest.mark.parametrize(("hours", "kind", "reach"), [(0.5, "hot", 48), (3, "warm", 14 * 24)], ids=["hot", "warm"])
def test_band_reaches_back_from_the_end_of_the_last_sweep_as_wide(
    either: Bench, hours: float, kind: str, reach: int
) -> None:
    """From its end, not from now: what comes late can have come while nobody looked."""
    either.sync()
    either.advance(hours=hours)
    row = either.sync()
    assert (row.kind, row.created_from) == (kind, NOW - timedelta(hours=reach))
    shown = either.portal.truth.visible(either.portal.clock.now())
    assert row.n_read == sum(lead.created_at >= row.created_from for lead in shown) < len(shown) / 2


def test_local_clock_that_is_days_ahead_costs_no_lead(bench: Callable[..., Bench]) -> None:
    one = bench(n_leads=3_000)
    one.local_ahead = timedelta(days=3)
    one.sync()
    one.advance(hours=0.5)
    assert one.sync().kind == "hot"
    assert one.stored_ids >= one.shown_ids


def test_local_clock_that_is_set_back_does_not_put_off_the_next_full_sync(bench: Callable[..., Bench]) -> None:
    one = bench(n_leads=100)
    one.local_ahead = timedelta(days=300)
    one.sync()
    one.local_ahead = timedelta(0)
    assert one.sync().kind == "cold"


def test_sync_since_a_day_begins_at_that_days_midnight_in_the_zone_and_counts_as_coverage(either: Bench) -> None:
    row = either.sync(since="2026-11-10")
    assert (row.kind, row.created_from) == ("since", at("2026-11-09 20:00"))
    shown = either.portal.truth.visible(NOW)
    assert either.stored_ids == {lead.id for lead in shown if lead.created_at >= at("2026-11-09 20:00")}
    assert coverage(either.store).stretches == ((at("2026-11-09 20:00"), NOW),)


def test_view_stores_its_leads_and_counts_as_no_coverage(either: Bench) -> None:
    row = either.sync(filters=Filters.of({"type": ["call"]}))
    assert (row.kind, row.outcome, row.created_from) == ("view", "complete", None)
    shown = either.portal.truth.visible(NOW)
    assert either.stored_ids == {lead.id for lead in shown if lead.channel == "call"}
    assert either.store.query("select * from slices").empty
    assert either.sync().kind == "cold"


def test_view_since_a_day_takes_both_to_heart(either: Bench) -> None:
    row = either.sync(filters=Filters.of({"type": ["call"], "from": ["2026-11-01"]}), since="2026-11-10")
    assert row.kind == "view"
    shown = either.portal.truth.visible(NOW)
    assert either.stored_ids == {
        lead.id for lead in shown if lead.channel == "call" and lead.created_at >= at("2026-11-09 20:00")
    }


@pytest.mark.parametrize("part", [{"since": "2026-11-10"}, {"filters": Filters()}], ids=["since", "filters"])
def test_full_sync_of_a_part_is_refused(bench: Callable[..., Bench], part: dict[str, Any]) -> None:
    one = bench(n_leads=10)
    with pytest.raises(ValueError, match="reads everything"):
        one.sync(full=True, **part)
    assert one.syncs() == []


@pytest.mark.parametrize("dialect", ["filter", "flat"])
def test_changed_leads_are_counted_and_their_history_holds_the_truth(bench: Callable[..., Bench], dialect: str) -> None:
    either = bench(dialect=dialect, n_leads=4_000)
    either.sync()
    statuses = either.store.query("select lead_id, status from leads").set_index("lead_id")["status"]
    either.advance(hours=40)
    row = either.sync()
    now = either.store.query("select lead_id, status from leads").set_index("lead_id")["status"]
    moved = set(statuses.index[now[statuses.index] != statuses])
    assert row.n_changed == len(moved) > 0
    assert row.n_new == len(now) - len(statuses)
    seen = either.store.query("select lead_id, stage, not_before, not_after from status_observations")
    assert {*seen.loc[seen["lead_id"].duplicated(), "lead_id"]} == moved
    assert (seen["not_before"] <= seen["not_after"]).all()
    answered = {
        lead.id: lead.responded_ms
        for lead in either.portal.truth.visible(either.portal.clock.now())
        if lead.responded_ms is not None
    }
    replies = seen[(seen["stage"] == "responded") & seen["lead_id"].isin(moved)]
    assert len(replies) > 0
    for reply in replies.itertuples():
        assert reply.not_before.timestamp() * 1000 <= answered[reply.lead_id] <= reply.not_after.timestamp() * 1000
        assert (reply.not_before, reply.not_after) == (NOW, NOW + timedelta(hours=40))


def test_window_that_moves_on_during_the_sync_costs_nothing_else(bench: Callable[..., Bench]) -> None:
    one = bench(call_takes_s=2)
    row = one.sync()
    assert row.outcome == "complete"
    assert row.created_from is not None
    assert NOW - timedelta(days=92) <= row.created_from < NOW - timedelta(days=91, hours=23)
    # All that could be seen from the sync's first to its last second is there.
    assert one.stored_ids >= one.portal.truth.lead_ids(NOW) & one.shown_ids


def test_portal_that_no_longer_obeys_the_upper_bound_is_read_page_by_page(bench: Callable[..., Bench]) -> None:
    one = bench(dialect="flat", bounds_created_to=False)
    one.store.remember("bounds_created_to", "yes")
    row = one.sync()
    assert row.outcome == "complete"
    assert one.stored_ids == one.shown_ids
    assert row.n_calls < 100
    one.sync()
    assert one.store.recall("bounds_created_to") == "no"


# What is doubtful


@pytest.mark.parametrize("dialect", ["filter", "flat"])
def test_count_that_does_not_fit_is_uncertain_and_read_again_next_time(
    bench: Callable[..., Bench], dialect: str
) -> None:
    one = bench(dialect=dialect, faults=frozenset({"wrong-total"}))
    row = one.sync()
    assert (row.outcome, row.n_uncertain > 0) == ("uncertain", True)
    assert row.message is not None
    assert "slipped through" in row.message
    assert "not certain to be complete" in sentence(row)
    assert one.stored_ids == one.shown_ids
    assert not one.store.query("select is_certain from slices")["is_certain"].any()
    assert one.sync().kind == "cold"


def test_rows_that_are_no_leads_are_counted_kept_and_not_counted_again(bench: Callable[..., Bench]) -> None:
    one = bench(n_leads=1_500, faults=frozenset({"odd-rows"}))
    row = one.sync()
    assert (row.outcome, row.n_uncertain) == ("uncertain", 0)
    rejected = one.store.query("select reason, lead_id from rejected_leads")
    assert row.n_rejected == len(rejected) > 0
    assert set(rejected["reason"]) <= {"the id is missing or empty", "createdAt is not a date and time"}
    assert row.n_read + row.n_rejected == len(one.shown_ids)
    assert f"{row.n_rejected} rows that are no leads" in sentence(row)
    again = one.sync(full=True)
    assert (again.n_rejected, again.n_new, again.n_changed) == (row.n_rejected, 0, 0)
    assert len(one.store.query("select * from rejected_leads")) == len(rejected)


def test_filter_that_the_portal_ignores_is_remarked_upon_and_done_here(bench: Callable[..., Bench]) -> None:
    class Deaf(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            request.url = request.url.copy_remove_param("filter[type]")
            return super().handle_request(request)

    one = bench(Deaf())
    row = one.sync(filters=Filters.of({"type": ["call"]}))
    calls = {lead.id for lead in one.portal.truth.visible(NOW) if lead.channel == "call"}
    assert one.stored_ids == calls
    assert row.message is not None
    assert row.message.startswith(f"{len(one.shown_ids) - len(calls)}\u00a0rows did not fit what was asked for")


# Names


def test_names_come_with_the_leads_and_are_asked_for_once(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.sync()
    assert one.store.ids_without_names() == ([], [], [])
    calls = one.portal.calls.copy()
    one.sync()
    assert {path for path in one.portal.calls if one.portal.calls[path] > calls[path]} == {"/v1/leads"}


def test_key_without_scopes_for_names_costs_the_names_and_a_note(bench: Callable[..., Bench]) -> None:
    one = bench(scopes=SCOPES - {"users:read", "listings:read", "projects:read"})
    row = one.sync()
    assert row.outcome == "complete"
    assert row.message is not None
    assert all(scope in row.message for scope in ("users:read", "listings:read", "projects:read"))
    assert one.store.query("select * from agents").empty
    assert one.stored_ids == one.shown_ids


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"status_code": 500}, id="error"),
        pytest.param({"status_code": 200, "json": {"users": []}}, id="odd"),
    ],
)
def test_lookup_that_fails_costs_its_names_and_never_the_sync(
    bench: Callable[..., Bench], answer: dict[str, Any]
) -> None:
    class NoUsers(httpx.HTTPTransport):
        is_down = True

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if self.is_down and request.url.path == "/v1/users":
                return httpx.Response(**answer)
            return super().handle_request(request)

    transport = NoUsers()
    one = bench(transport)
    row = one.sync()
    assert row.outcome == "complete"
    assert row.message is not None
    assert "The names of some agents could not be looked up" in row.message
    assert one.store.query("select * from agents").empty
    assert not one.store.query("select * from listings").empty
    transport.is_down = False
    assert one.sync().message is None
    assert one.store.ids_without_names() == ([], [], [])


# What is on record, and what is shown


def test_wrong_key_leaves_its_trace(bench: Callable[..., Bench]) -> None:
    one = bench(n_leads=10, faults=frozenset({"wrong-key"}))
    with pytest.raises(CredentialsError):
        one.sync()
    assert one.syncs() == [("cold", "failed")]
    record = one.store.query("select message, finished_at, dialect from syncs").iloc[0]
    assert record["message"].startswith("POST /v1/auth/token was refused with 401")
    assert record["dialect"] == ""
    assert not record.isna().any()


def test_day_before_the_window_is_refused_with_the_portals_reason(either: Bench) -> None:
    with pytest.raises(BadRequestError, match="more than 3 months ago"):
        either.sync(since="2026-05-01")
    assert either.syncs() == [("since", "failed")]


def test_sync_that_is_stopped_keeps_what_it_has_and_says_so(either: Bench) -> None:
    def stop(progress: Progress) -> None:
        if progress.n_read >= 200:
            raise LeadlibError("Stopped here.")

    with pytest.raises(LeadlibError, match="Stopped here"):
        run_sync(either.client, either.store, on_progress=stop, now=either.now)
    assert either.syncs() == [("cold", "failed")]
    n_stored = len(either.stored_ids)
    assert 200 <= n_stored < len(either.shown_ids)
    contacts = either.store.contacts(sorted(either.stored_ids))
    assert contacts.num_rows == n_stored
    row = either.sync()
    assert (row.kind, row.outcome, row.n_new) == ("cold", "complete", len(either.shown_ids) - n_stored)
    assert either.stored_ids == either.shown_ids


def test_bug_is_on_record_by_its_kind_alone(bench: Callable[..., Bench]) -> None:
    def break_down(progress: Progress) -> None:
        raise ZeroDivisionError("a secret")

    one = bench(n_leads=10)
    with pytest.raises(ZeroDivisionError):
        run_sync(one.client, one.store, on_progress=break_down, now=one.now)
    assert one.store.query("select message from syncs")["message"].tolist() == ["ZeroDivisionError"]


def test_progress_only_grows_and_ends_at_all_leads(either: Bench) -> None:
    row = either.sync()
    phases = list(dict.fromkeys(progress.phase for progress in either.progress))
    assert phases[:2] == ["finding out which dialect the portal speaks", "asking how far back the portal goes"]
    assert "reading leads" in phases
    for name in ("n_read", "n_calls", "seconds"):
        values = [getattr(progress, name) for progress in either.progress]
        assert values == sorted(values)
    last = either.progress[-1]
    assert last.n_read == row.n_read
    assert last.n_expected == len(either.shown_ids)
    assert either.progress[0].n_expected is None


def test_summary_as_json_has_plain_names_and_times(either: Bench) -> None:
    facts = json.loads(to_json(either.sync()))
    assert facts["read"] == facts["new"] == len(either.shown_ids)
    assert (facts["uncertain"], facts["rejected"], facts["message"]) == (0, 0, None)
    assert facts["coverage_from"] == (NOW - timedelta(days=92)).isoformat()
    assert not any(name.startswith("n_") for name in facts)
