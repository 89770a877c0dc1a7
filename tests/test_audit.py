"""The weekly audit: a day read in other ways than sweeps read it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from zlib import crc32

import pytest

from leadlib.store import Store
from leadlib.sync.audit import EVERY, audit
from tests.sync_bench import NOW, Bench, benches


@pytest.fixture
def bench(open_store: Callable[..., Store]) -> Iterator[Callable[..., Bench]]:
    with benches(open_store) as start:
        yield start


def sync_a_week_apart(one: Bench) -> None:
    one.sync()
    one.advance(hours=EVERY / timedelta(hours=1))
    one.sync()


def alarms_of(one: Bench) -> list[str]:
    return [alarm.kind for alarm in one.store.alarms()]


def test_audit_of_a_sound_portal_finds_each_lead_of_the_day_and_raises_nothing(bench: Callable[..., Bench]) -> None:
    one = bench(dialect="flat", n_leads=1_200)
    one.sync()
    found = audit(one.client, one.store, NOW - timedelta(days=30), NOW)
    assert found is not None
    assert NOW - timedelta(days=30) < found.day < NOW - timedelta(days=2)
    planted = [
        lead for lead in one.portal.truth.visible(NOW) if found.day <= lead.created_at < found.day + timedelta(days=1)
    ]
    assert found.n_leads == len(planted) > 0
    assert found.missed == ()


def test_sync_audits_once_a_week_and_not_the_first_time(bench: Callable[..., Bench]) -> None:
    one = bench(dialect="flat", n_leads=300)
    audited: list[bool] = []
    for hours in (0, 6, 24 * 7, 6):
        one.progress.clear()
        one.advance(hours=hours)
        one.sync(full=True)
        audited.append("auditing a day" in {progress.phase for progress in one.progress})
    assert audited == [False, False, True, False]
    assert alarms_of(one) == []


def test_portal_whose_bounds_hide_leads_is_found_out_and_what_was_found_is_stored(bench: Callable[..., Bench]) -> None:
    """Every slice is as long as its own total; only the audit can tell."""
    faults = {"faults": frozenset({"short-spans-hide"}), "fault_options": {"short-spans-hide.one_in": 3}}
    one, mended = bench(dialect="flat", n_leads=1_500, **faults), bench(dialect="flat", n_leads=1_500)
    sync_a_week_apart(one)
    assert alarms_of(one) == ["audit"]
    assert "may be missing" in one.store.alarms()[0].message
    one.client = mended.client
    for portal in (one, mended, mended):
        portal.advance(hours=EVERY / timedelta(hours=1))
    one.sync(full=True)
    assert alarms_of(one) == []


def test_leads_that_only_the_audit_has_shown_are_in_its_result(bench: Callable[..., Bench]) -> None:
    faults = {"faults": frozenset({"short-spans-hide"}), "fault_options": {"short-spans-hide.one_in": 3}}
    one = bench(dialect="flat", n_leads=1_500, **faults)
    found = audit(one.client, one.store, NOW - timedelta(days=30), NOW)
    assert found is not None
    hidden = {
        lead.id
        for lead in one.portal.truth.visible(NOW)
        if found.day <= lead.created_at < found.day + timedelta(days=1) and crc32(lead.id.encode()) % 3 == 0
    }
    assert {lead.lead_id for lead in found.missed} == hidden
    assert hidden


def test_window_without_a_settled_day_is_not_audited(bench: Callable[..., Bench]) -> None:
    one = bench(dialect="flat", n_leads=100)
    assert audit(one.client, one.store, NOW - timedelta(days=2), NOW) is None
