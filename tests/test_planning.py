"""Where an unknown stretch is cut: by the rhythm of its last week."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from leadlib.store import Store
from leadlib.sync.planning import EXPECTED_PER_SLICE, WORTH_A_RHYTHM, cuts_by_rhythm, rhythm_of, stretches
from tests.conftest import at
from tests.sync_bench import NOW, Bench, benches

MONDAY = at("2026-11-16 00:00")
AHEAD = timedelta(minutes=5)


@pytest.fixture
def bench(open_store: Callable[..., Store]) -> Iterator[Callable[..., Bench]]:
    with benches(open_store) as start:
        yield start


def test_rhythm_is_that_of_the_hours_and_of_the_weekdays() -> None:
    """Two leads on Monday at nine, one on Tuesday at ten, and one in each hour that nobody has seen."""
    rhythm = rhythm_of([at("2026-11-16 09:00"), at("2026-11-16 09:59"), at("2026-11-17 10:00")])
    assert rhythm.sum() == pytest.approx(1)
    monday_9, tuesday_10 = rhythm[9], rhythm[24 + 10]
    assert monday_9 == pytest.approx((24 + 2) / (7 * 24 + 3) * (1 + 2) / (24 + 3))
    assert tuesday_10 == pytest.approx((24 + 1) / (7 * 24 + 3) * (1 + 1) / (24 + 3))
    assert (rhythm > 0).all()


def test_rhythm_goes_by_utc_whatever_zone_an_instant_is_told_in() -> None:
    instant = at("2026-11-16 09:00")
    assert np.array_equal(rhythm_of([instant]), rhythm_of([instant.astimezone()]))


def test_cuts_lie_where_as_many_leads_are_expected() -> None:
    """Two slices' worth of a week's leads come in the first hour, one in the second, one in all others."""
    rhythm = np.array([0.5, 0.25] + [0.25 / 166] * 166)
    week = [MONDAY, MONDAY + timedelta(days=7)]
    assert cuts_by_rhythm(rhythm, week, [4 * EXPECTED_PER_SLICE]) == [
        MONDAY + timedelta(minutes=30),
        MONDAY + timedelta(minutes=60),
        MONDAY + timedelta(minutes=120),
    ]


def test_each_week_has_its_own_number_of_leads_and_may_be_cut_short() -> None:
    flat = np.full(168, 1 / 168)
    edges = [MONDAY - timedelta(days=1, minutes=30), MONDAY, MONDAY + timedelta(days=7)]
    cuts = cuts_by_rhythm(flat, edges, [2 * EXPECTED_PER_SLICE, 7 * EXPECTED_PER_SLICE])
    assert sum(cut <= MONDAY for cut in cuts) == 2
    assert sum(cut > MONDAY for cut in cuts) == 7 - 1  # the last one ends where the stretch does
    assert cuts == sorted(cuts)


def test_weeks_without_leads_are_not_cut() -> None:
    edges = [MONDAY, MONDAY + timedelta(days=7), MONDAY + timedelta(days=14)]
    assert cuts_by_rhythm(np.full(168, 1 / 168), edges, [0, EXPECTED_PER_SLICE // 2]) == []


def test_first_sync_by_rhythm_needs_clearly_fewer_calls_than_even_cuts(bench: Callable[..., Bench]) -> None:
    one = bench(dialect="flat", n_leads=2 * WORTH_A_RHYTHM)
    row = one.sync()
    assert one.shown_ids <= one.stored_ids
    assert (row.outcome, row.reconcile_delta) == ("complete", 0)
    assert one.portal.calls["/v1/leads"] < 2 * row.n_read / 50  # even cuts need 2.3 times as many as pages


def test_stretches_follow_on_one_another(bench: Callable[..., Bench]) -> None:
    one = bench(dialect="flat", n_leads=WORTH_A_RHYTHM + 500)
    begin = NOW - timedelta(days=80)
    total = one.client.total(created_from=begin)
    parts = list(stretches(one.client, one.store, begin, NOW, AHEAD, total))
    assert [(a, b) for a, b, _ in parts] == [
        (NOW - timedelta(days=1), NOW + AHEAD),
        (NOW - timedelta(days=7), NOW - timedelta(days=1)),
        (begin, NOW - timedelta(days=7)),
    ]
    for a, b, cuts in parts:
        assert all(x < y for x, y in pairwise([a, *cuts, b]))
