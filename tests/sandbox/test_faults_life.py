"""Faults of a brokerage that does not stand still, and what a reader must have at the end all the same."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.conftest import NOW, Caller, caller, faulty

EVERYTHING = (NOW - timedelta(days=120), NOW + timedelta(days=1))


def living(*names: str, options: Mapping[str, int] | None = None, **changes: Any) -> Caller:
    """A brokerage of 1,000 leads in which each call takes half a second."""
    return faulty(*names, options=options, **{"n_leads": 1_000, "call_takes_s": 0.5, **changes})


def pass_over(reader: Caller, query: str = "") -> tuple[list[str], set[str]]:
    """The ids that a reader of all pages gets, in order, and those that were there all the while."""
    first_at = reader.portal.clock.now()
    found = [row["id"] for row in reader.leads(query)]
    return found, reader.portal.truth.visible_throughout(first_at, reader.portal.clock.now(), *EVERYTHING)


def test_without_faults_all_that_is_visible_was_so_throughout() -> None:
    found, there = pass_over(living())
    assert len(found) == len(there)
    assert set(found) == there


def test_span_of_what_was_there_includes_both_ends() -> None:
    reader = caller(n_leads=50)
    leads = reader.portal.truth.visible(NOW)[10:20]
    ends = (leads[0].created_at, leads[-1].created_at)
    assert reader.portal.truth.visible_throughout(NOW, NOW, *ends) == {lead.id for lead in leads}
    assert reader.portal.truth.visible_throughout(NOW, NOW, ends[1], ends[0]) == set()


def test_inserts_come_with_the_calls_and_shift_pages() -> None:
    reader = living("inserts", options={"inserts.every": 2})
    before = reader.page("perPage=1")["pagination"]["total"]
    newest = reader.page("perPage=5")
    assert newest["pagination"]["total"] == before + 1
    assert newest["data"][0]["createdAt"] == "2026-11-23T12:00:01Z"
    found, there = pass_over(reader)
    assert len(found) > len(set(found))
    assert there <= set(found)


def test_inserted_lead_counts_as_there_once_a_later_second_begins() -> None:
    reader = living("inserts", call_takes_s=0, options={"inserts.every": 1})
    lead_id = reader.page("perPage=1")["data"][0]["id"]
    truth, clock = reader.portal.truth, reader.portal.clock
    assert lead_id in truth.lead_ids(NOW)
    assert lead_id not in truth.visible_throughout(NOW, NOW, *EVERYTHING)
    clock.advance(timedelta(seconds=1))
    assert lead_id in truth.visible_throughout(clock.now(), clock.now(), *EVERYTHING)
    assert lead_id not in truth.lead_ids(NOW - timedelta(seconds=1))


def test_deletes_lose_leads_for_the_plain_reader_of_pages() -> None:
    """Guards every test that says 0 lost: with this fault somebody does lose some."""
    reader = living("deletes", options={"deletes.every": 1})
    before = NOW - timedelta(seconds=1)
    first = set(reader.portal.truth.lead_ids(before))
    found, there = pass_over(reader)
    assert there - set(found)
    assert there < first
    gone = first - there
    assert len(gone) == reader.portal.calls["/v1/leads"]
    assert reader.portal.truth.lead_ids(before) == first


def test_deleted_lead_is_gone_for_good_under_every_filter() -> None:
    reader = living("deletes", n_leads=40, call_takes_s=1, options={"deletes.every": 1})
    first = {row["id"] for row in reader.page()["data"]}
    for _ in range(10):
        reader.page("perPage=1&filter[status]=opened,responded,sent,archived")
    left = {row["id"] for row in reader.page("filter[status]=opened,responded,sent,archived")["data"]}
    assert left < first
    assert len(left) == len(first) - 11
    for lead_id in first - left:
        assert reader.portal.truth.lead(lead_id) is not None


def test_moving_sort_loses_leads_for_the_plain_reader_of_pages() -> None:
    reader = living("moving-sort", n_leads=2_000, options={"moving-sort.every": 1})
    found, there = pass_over(reader)
    assert there - set(found)
    assert len(there) == len(reader.portal.truth.visible(NOW))


def test_moving_sort_changes_statuses_forward_and_puts_the_changed_first() -> None:
    reader = living("moving-sort", n_leads=40, call_takes_s=10)
    order = ["sent", "opened", "responded", "archived"]
    before = {row["id"]: row["status"] for row in reader.page()["data"]}
    rows = reader.page()["data"]
    changed = [row["id"] for row in rows if row["status"] != before[row["id"]]]
    assert 1 <= len(changed) <= 3
    assert {row["id"] for row in rows[: len(changed)]} == set(changed)
    assert all(order.index(before[row["id"]]) <= order.index(row["status"]) for row in rows)


def test_ties_come_in_another_order_on_every_call_and_all_of_them_come() -> None:
    reader = living("random-ties", "same-second-60", n_leads=100)
    second = f"{NOW - timedelta(days=10):%Y-%m-%dT%H:%M:%S}"
    query = f"createdAtFrom={second}Z&perPage=50"
    pages = [[row["id"] for row in reader.page(query)["data"]] for _ in range(5)]
    assert len({tuple(page) for page in pages}) == 5
    found, there = pass_over(reader)
    assert there - set(found) or len(set(found)) == len(there)
    rows = faulty("random-ties", n_leads=100).leads()
    seconds = [row["createdAt"][:19] for row in rows]
    assert seconds == sorted(seconds, reverse=True)


@pytest.mark.parametrize(("name", "n_leads", "days"), [("same-second-60", 60, 10), ("same-second-500", 500, 12)])
def test_same_second_holds_as_many_leads_as_the_fault_says(name: str, n_leads: int, days: int) -> None:
    reader = faulty(name, n_leads=100, bounds_created_to=True)
    second = f"{NOW - timedelta(days=days):%Y-%m-%dT%H:%M:%S}"
    rows = reader.leads(f"createdAtFrom={second}Z&createdAtTo={second}.999Z")
    assert len({row["id"] for row in rows}) == len(rows) == n_leads
    assert {row["createdAt"][:19] for row in rows} == {second}
    assert 0.5 < sum(len(row["createdAt"]) == 20 for row in rows) / n_leads < 0.8
    assert reader.portal.truth.lead(rows[0]["id"]) in reader.portal.truth.visible(NOW)


def test_late_leads_show_hours_or_weeks_after_their_creation() -> None:
    plain = caller(n_leads=6_000).portal.truth
    reader = faulty("late-lead", n_leads=6_000, options={"late-lead.every": 10})
    truth = reader.portal.truth
    missing = plain.lead_ids(NOW) - truth.lead_ids(NOW)
    assert missing
    ages = {lead.number: NOW - lead.created_at for lead in plain.visible(NOW) if lead.id in missing}
    assert max(ages.values()) < timedelta(days=20)
    assert sum(age > timedelta(hours=30) for age in ages.values()) > 3
    assert {row["id"] for row in reader.leads()} == truth.lead_ids(NOW)
    for after in (timedelta(hours=30), timedelta(days=20)):
        was_there = plain.lead_ids(NOW) & truth.lead_ids(NOW + after)
        shown = was_there & missing
        assert shown
        assert shown <= truth.visible_throughout(NOW + after, NOW + after, *EVERYTHING) | _arriving(truth, NOW + after)
        assert not shown & truth.visible_throughout(NOW, NOW + after, *EVERYTHING)
    assert missing - truth.lead_ids(NOW + timedelta(hours=30))
    assert truth.lead_ids(NOW - timedelta(days=30)) <= plain.lead_ids(NOW - timedelta(days=30))


def _arriving(truth: Any, at: datetime) -> set[str]:
    return set(truth.lead_ids(at) - truth.lead_ids(at - timedelta(seconds=1)))


def test_truth_can_be_changed_by_hand_as_well() -> None:
    reader = caller(n_leads=50)
    truth = reader.portal.truth
    oldest = truth.visible(NOW)[0]
    truth.delete(oldest.id, NOW)
    while truth.advance(truth.visible(NOW)[0].id, NOW):
        pass
    new = truth.insert(NOW)
    rows = reader.leads()
    assert rows[0]["id"] == new.id
    assert rows[-1]["status"] == "archived"
    assert oldest.id not in {row["id"] for row in rows}
    with pytest.raises(KeyError, match="no lead has the id"):
        truth.delete("message_lead_0", NOW)


def test_same_order_of_calls_gives_the_same_answers() -> None:
    names = ("inserts", "deletes", "moving-sort", "random-ties", "same-second-60", "late-lead")
    options = {"inserts.every": 2, "deletes.every": 3}
    runs = []
    for _ in range(2):
        reader = living(*names, n_leads=300, options=options)
        runs.append([body["data"] for body in reader.pages()])
    assert runs[0] == runs[1]


@pytest.mark.parametrize("seed", range(3))
def test_reader_of_one_page_slices_has_all_that_was_there(seed: int) -> None:
    """What was there throughout can be had: each slice that fits a page is read in one call."""
    reader = living(
        "inserts", "deletes", "moving-sort", "random-ties", "perpage-clamped", "late-lead",
        options={"inserts.every": 3, "deletes.every": 3}, n_leads=600, seed=seed, bounds_created_to=True,
    )  # fmt: skip
    low = random.Random(seed).randrange(3600)
    start = datetime(2026, 8, 24, tzinfo=NOW.tzinfo) + timedelta(seconds=low)
    found: set[str] = set()
    first_at = reader.portal.clock.now()
    slices = [(start, NOW)]
    while slices:
        begin, end = slices.pop()
        body = reader.page(f"createdAtFrom={begin:%Y-%m-%dT%H:%M:%SZ}&createdAtTo={end:%Y-%m-%dT%H:%M:%SZ}")
        if len(body["data"]) == body["pagination"]["total"]:
            found |= {row["id"] for row in body["data"]}
        else:
            middle = begin + (end - begin) / 2
            slices += [(begin, middle), (middle - timedelta(seconds=1), end)]
    there = reader.portal.truth.visible_throughout(first_at, reader.portal.clock.now(), start, NOW)
    assert len(there) > 400
    assert there <= found
