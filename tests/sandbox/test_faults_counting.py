"""Faults of totals and pages do what they say, and the plain reader of pages is taken in where it should be."""

import math

import pytest

from leadlib.sandbox import FAULT_OPTIONS
from tests.sandbox.conftest import NOW, SMALL, Caller, caller, faulty


def n_visible(reader: Caller) -> int:
    return len(reader.portal.truth.visible(NOW))


@pytest.mark.parametrize(("name", "by"), [("wrong-total", 1), ("wrong-total-low", -1)])
def test_wrong_totals_are_one_off(name: str, by: int) -> None:
    reader = faulty(name)
    assert reader.page()["pagination"]["total"] == n_visible(reader) + by
    assert len(reader.leads()) == n_visible(reader)


def test_total_one_too_low_is_never_negative() -> None:
    assert faulty("wrong-total-low", n_leads=0).page()["pagination"]["total"] == 0


def test_clamped_page_loses_leads_for_who_counts_pages_by_what_was_asked_for() -> None:
    reader = faulty("perpage-clamped")
    body = reader.page("perPage=50")
    assert len(body["data"]) == 20
    assert body["pagination"]["perPage"] == 50
    assert body["pagination"]["totalPages"] == math.ceil(n_visible(reader) / 50)
    assert len(reader.leads()) == 20 * body["pagination"]["totalPages"] < n_visible(reader)


def test_clamped_page_that_admits_it_loses_nothing() -> None:
    reader = faulty("perpage-clamped", options={"perpage-clamped.admits": 1, "perpage-clamped.most": 30})
    assert reader.page()["pagination"]["perPage"] == 30
    assert len(reader.leads()) == n_visible(reader)


def test_capped_total_hides_the_rest_from_who_follows_the_pages() -> None:
    reader = faulty("total-capped", n_leads=3_000, options={"total-capped.cap": 1_000})
    body = reader.page()
    assert (body["pagination"]["total"], body["pagination"]["totalPages"]) == (1_000, 20)
    assert len(reader.leads()) == 1_000
    assert len(reader.page("page=21")["data"]) == 50
    assert reader.page("page=21")["pagination"]["nextPage"] is None


def test_total_below_the_cap_is_right() -> None:
    reader = faulty("total-capped")
    assert reader.page()["pagination"]["total"] == n_visible(reader)


def test_pages_past_the_capped_offset_are_empty_though_the_total_is_right() -> None:
    reader = faulty("offset-capped", n_leads=3_000, options={"offset-capped.cap": 1_000})
    bodies = list(reader.pages())
    assert [len(body["data"]) for body in bodies[:21]] == [50] * 20 + [0]
    assert sum(len(body["data"]) for body in bodies) == 1_000
    assert {body["pagination"]["total"] for body in bodies} == {n_visible(reader)}


def test_echoed_pages_never_end_and_hold_the_first_page_only() -> None:
    reader = faulty("echo-pages")
    first = reader.page()
    n_pages = first["pagination"]["totalPages"]
    assert n_pages > 4
    bodies = [reader.page(f"page={number}") for number in range(1, n_pages + 1)]
    assert [body["pagination"]["page"] for body in bodies] == list(range(1, n_pages + 1))
    assert [body["pagination"]["nextPage"] for body in bodies] == [*range(2, n_pages + 1), 1]
    assert all(body["data"] == first["data"] for body in bodies)


def test_single_page_is_not_echoed() -> None:
    assert faulty("echo-pages", n_leads=20).page()["pagination"]["nextPage"] is None


def test_every_kth_window_is_empty() -> None:
    reader = faulty("empty-window", options={"empty-window.every": 3})
    totals = [reader.page("perPage=1")["pagination"]["total"] for _ in range(6)]
    assert totals == [n_visible(reader), n_visible(reader), 0] * 2
    assert n_visible(reader) > 200


def test_same_id_comes_twice_with_differing_bodies() -> None:
    rows = faulty("same-id-twice").page("perPage=10")["data"]
    assert len(rows) == 11
    assert rows[0]["id"] == rows[10]["id"]
    assert rows[0] != rows[10]


def test_account_without_leads_is_empty() -> None:
    reader = caller(n_leads=0)
    assert reader.page() == {
        "data": [],
        "pagination": {"page": 1, "perPage": 50, "total": 0, "totalPages": 0, "nextPage": None, "prevPage": None},
    }
    assert not reader.portal.truth.leads
    assert reader.get("/v1/users").json()["pagination"]["total"] > 20


@pytest.mark.parametrize(
    ("faults", "options", "words"),
    [
        pytest.param({"deletes"}, {"deletes.evry": 3}, "deletes.every", id="misspelt"),
        pytest.param({"inserts"}, {"deletes.every": 3}, "inserts.every", id="fault-not-switched-on"),
        pytest.param({"deletes"}, {"deletes.every": 0}, "between 1 and", id="too-low"),
        pytest.param(set(), {"deletes.every": 3}, "none", id="no-fault"),
    ],
)
def test_impossible_options_are_refused(faults: set[str], options: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=rf"fault_options: .*{words}"):
        caller(faults=frozenset(faults), fault_options=options)


def test_every_option_has_a_default_within_its_bounds() -> None:
    assert "deletes.every" in FAULT_OPTIONS
    assert all(option.least <= option.default <= option.most for option in FAULT_OPTIONS.values())
    assert hash(SMALL) == hash(SMALL)
