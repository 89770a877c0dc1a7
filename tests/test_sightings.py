"""What follows from rows that were seen before and after an answer: nothing, or exactly what was there."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadlib.api import LeadPage
from leadlib.reading.sightings import Sightings
from tests.conftest import at

NOON = at("2026-11-20 12:00")


def page(total: int, *row_ids: str) -> LeadPage:
    return LeadPage((), (), 1, 50, total, 1, None, True, NOON, len(row_ids), row_ids)


def sightings_of(*pages: LeadPage) -> Sightings:
    seen = Sightings()
    for one in pages:
        seen.see(one, is_whole=True)
    return seen


def test_leads_seen_before_and_after_an_answer_were_there_when_it_was_given() -> None:
    # a and b before, a and c after, c with the answer itself: two of them are pinned down at the second answer.
    seen = sightings_of(page(9, "a", "b"), page(2, "c"), page(9, "a", "c"))
    pin = seen.pin()
    assert pin is not None
    assert (pin.total, pin.ids, pin.at) == (2, {"a", "c"}, NOON)
    assert seen.shortfall == 0


def test_lead_that_came_once_is_pinned_down_at_its_own_answer_only() -> None:
    seen = sightings_of(page(2, "a", "b"), page(3, "a"), page(3, "b", "c"))
    pin = seen.pin()
    assert pin is not None
    assert pin.total == 2  # the first answer, where nothing else was; c may have come after the second
    assert pin.ids == {"a", "b"}


def test_the_latest_answer_counts() -> None:
    pin = sightings_of(page(1, "a"), page(2, "a", "b"), page(2, "b", "a")).pin()
    assert pin is not None
    assert pin.ids == {"a", "b"}


def test_totals_that_are_less_than_what_was_there_are_not_believed() -> None:
    seen = sightings_of(page(2, "a", "b", "c"), page(3, "a", "b", "c"))
    assert seen.shortfall == -1
    assert seen.pin() is None


def test_rows_without_an_id_cannot_be_told_apart() -> None:
    seen = sightings_of(page(2, "a", ""), page(2, "a", ""))
    assert seen.shortfall is None
    assert seen.pin() is None


def test_a_part_pins_down_leads_but_its_total_says_nothing_of_the_whole() -> None:
    seen = sightings_of(page(3, "a", "b"))
    seen.count(page(3, "x"))  # of which only the total is taken
    seen.see(page(2, "a", "b"), is_whole=False)
    assert seen.pin() is None
    assert seen.shortfall == 1
    assert Sightings().shortfall is None


@pytest.mark.parametrize("hides", [False, True], ids=["all-can-be-seen", "one-is-never-shown"])
@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10**9), n_answers=st.integers(1, 60))
def test_a_pin_is_always_exactly_what_was_there(hides: bool, seed: int, n_answers: int) -> None:
    """Leads come and go, never back; each answer shows any of those that are there, in any order."""
    rng = random.Random(seed)
    there = {str(number) for number in range(rng.randint(0, 12))}
    n_ever = len(there)
    moments: list[set[str]] = []
    seen = Sightings()
    for _ in range(n_answers):
        if rng.random() < 0.2:
            there = there | {str(n_ever)}
            n_ever += 1
        if there and rng.random() < 0.2:
            there = there - {rng.choice(sorted(there))}
        moments.append(set(there))
        shown = sorted(there - {"0"} if hides else there)
        rows = rng.sample(shown, min(len(shown), rng.randint(0, 8)))
        seen.see(page(len(there), *rows), is_whole=rng.random() < 0.7)
    pin = seen.pin()
    shortfall = seen.shortfall
    assert shortfall is None or shortfall >= 0
    if pin is not None:
        assert pin.ids in moments
        assert len(pin.ids) == pin.total
