"""Limits and silences: sums written out, and alerts replayed over planted brokerages (docs/alerts.md)."""

import logging
import math

import numpy as np
import pytest

from leadlib.statistics import chance_of_none, dispersion, poisson_limits, rhythm, unevenness, xmr
from tests.replay import Tally, account

log = logging.getLogger(__name__)


def signals(counts: list[int], kinds: list[int] | None = None, follows: list[bool] | None = None) -> list[str]:
    n = len(counts)
    return list(xmr(counts, kinds or [0] * n, follows or [True] * n).signal)


# Limits


def test_limits_lie_2_66_mean_ranges_from_the_level() -> None:
    """The mean of 100, 140, 100, ... is 120, each range 40: 120 ± 2.66 x 40."""
    found = xmr([100, 140] * 8, [0] * 16, [True] * 16)
    assert set(found.level) == {120}
    assert (found.low[0], found.high[0]) == (pytest.approx(120 - 106.4), pytest.approx(120 + 106.4))
    assert set(found.signal) == {""}


def test_a_value_outside_signals_and_what_lies_on_a_limit_does_not() -> None:
    assert signals([100, 140] * 8 + [400])[-1] == "above"
    assert signals([300, 340] * 8 + [0])[-1] == "below"
    found = xmr([4] * 20 + [11], [0] * 21, [True] * 21)
    assert found.high[-1] == 11
    assert found.signal[-1] == ""


def test_limits_never_lie_closer_than_chance_scatters_counts() -> None:
    """Twenty days of 4 have no range at all; but of Poisson counts of mean 4, 0.9 in 1,000 are over 11."""
    found = xmr([4] * 20, [0] * 20, [True] * 20)
    assert (found.low[0], found.high[0]) == (0, 11)


def test_each_weekday_has_a_level_of_its_own() -> None:
    """Weekends of 40 beside workdays of 100 are no signal; a Sunday of 100 is."""
    week = [100, 100, 100, 100, 100, 40, 40]
    assert set(signals(week * 4, list(range(7)) * 4)) == {""}
    counts = week * 4
    counts[-1] = 100
    assert [place for place, signal in enumerate(signals(counts, list(range(7)) * 4)) if signal] == [27]


def test_the_eighth_in_a_row_on_one_side_signals_and_the_seventh_does_not() -> None:
    """The level is in the middle: of 10 x 50, 10 x 52 and 8 x 56 that is 52."""
    counts = [50, 52] * 10 + [56] * 8
    assert signals(counts) == [""] * 27 + ["run_above"]
    assert signals([50, 52] * 10 + [48] * 8)[-2:] == ["", "run_below"]


def test_a_run_does_not_reach_over_a_gap_or_a_value_on_the_level() -> None:
    counts = [50, 52] * 10 + [56] * 8
    follows = [True] * 28
    follows[24] = False
    assert set(signals(counts, None, follows)) == {""}
    counts[24] = 52
    assert set(signals(counts)) == {""}


def test_runs_mean_nothing_where_few_are_usual() -> None:
    assert set(signals([0, 1, 0, 4, 1] * 5 + [1] * 8)) == {""}


def test_no_range_is_taken_over_a_gap() -> None:
    """Between the two halves lies what was not read: only the ranges of 2 count."""
    counts = [500, 502] * 5 + [600, 602] * 5
    follows = [place != 10 for place in range(20)]
    joined, apart = xmr(counts, [0] * 20, [True] * 20), xmr(counts, [0] * 20, follows)
    assert apart.high[0] <= joined.high[0]


def test_poisson_limits_are_those_of_the_tables() -> None:
    """Of mean 4, P(X <= 10) is 0.9972 and P(X <= 11) 0.9991; P(X = 0) is 0.018."""
    assert poisson_limits([4.0, 0.0], 0.00135) == (pytest.approx([0, 0]), pytest.approx([11, 0]))
    low, high = poisson_limits(2_500.0, 0.00135)
    assert (float(low), float(high)) == (pytest.approx(2_500 - 150, abs=4), pytest.approx(2_500 + 150, abs=4))


def test_dispersion_is_one_for_chance_and_more_for_what_is_more_uneven() -> None:
    """(6 - 2)² / (6 + 2) = 2 and (10 - 2)² / (10 + 2) = 5.33."""
    assert dispersion([6, 10, 0], [2, 2, 0]) == pytest.approx((2 + 64 / 12) / 2)
    assert dispersion([5, 5], [5, 5]) == dispersion([], []) == 1
    counts = np.random.default_rng(5).poisson(30, (2, 2_000))
    assert dispersion(*counts) == pytest.approx(1, abs=0.1)


# Silence


def test_unevenness_is_what_squares_have_beyond_chance() -> None:
    """((16 - 8) + (64 - 12)) / 2 (6 x 2 + 10 x 2)."""
    assert unevenness([6, 10], [2, 2]) == (8 + 52) / (2 * (12 + 20))
    assert unevenness([5, 4], [5, 5]) == unevenness([], []) == unevenness([3], [0]) == 0


def test_a_silence_is_likelier_where_days_are_uneven() -> None:
    assert chance_of_none(3) == pytest.approx(math.exp(-3))
    assert chance_of_none(3, 0.5) == pytest.approx((1 + 0.5 * 3) ** -2)
    assert chance_of_none(0, 0.5) == chance_of_none(0) == 1


def test_the_rhythm_is_leads_per_hour_read_at_each_hour_of_the_week() -> None:
    """Three weeks with two leads each Monday at 9, all of one channel: 6 / 3, as all channels have it."""
    hours = np.arange(3 * 168)
    leads = np.where(hours % 168 == 9, 2, 0)
    found = rhythm(leads, leads, np.ones(len(hours)), hours % 168, hours // 24)
    assert found.rates[9] == pytest.approx(2)
    assert found.rates.sum() == pytest.approx(2)
    assert found.expected(np.array([8, 9]), np.array([1.0, 0.5])) == pytest.approx(0.5 * 2)


def test_hours_that_were_read_in_part_count_in_part_and_unread_ones_not_at_all() -> None:
    hours = np.arange(2 * 168)
    leads = np.where(hours == 9, 2, 0)
    read = np.ones(len(hours))
    read[168:] = 0
    found = rhythm(leads, leads, read, hours % 168, hours // 24)
    assert found.rates[9] == pytest.approx((2 + 4 * 2) / (1 + 4))


def test_one_of_many_pauses_is_bound_to_be_long() -> None:
    """One lead an hour has 720 pauses in 30 days; 1 - exp(-720 e^-9) = 8.5 %."""
    hours = np.arange(8 * 168)
    ones = np.ones(len(hours))
    found = rhythm(ones, ones, ones, hours % 168, hours // 24)
    assert found.uneven == 0
    assert found.chance(9) == pytest.approx(math.exp(-9))
    assert found.chance_in_a_month(9) == pytest.approx(1 - math.exp(-720 * math.exp(-9)))


# Replayed


@pytest.fixture(scope="module")
def tallies(request: pytest.FixtureRequest) -> dict[tuple[int, bool], Tally]:
    """By leads a quarter, and whether days are uneven; --matrix full replays forty seeds of each size."""
    is_full = request.config.getoption("--matrix") == "full"
    sizes, n_seeds, n_days = ((1_200, 3_000, 12_000), 40, 308) if is_full else ((3_000,), 2, 154)
    found = {}
    for n_leads in sizes:
        for is_uneven in (False, True):
            tally = found[n_leads, is_uneven] = Tally()
            for seed in range(n_seeds):
                tally.add(account(seed, n_leads, n_days, is_uneven))
            log.info("%d leads a quarter, %s days: %s", n_leads, "uneven" if is_uneven else "planted", tally)
    return found


def test_there_is_at_most_one_false_alarm_a_month(tallies: dict[tuple[int, bool], Tally]) -> None:
    for what, tally in tallies.items():
        assert tally.false_a_month <= 1, f"{what}: {tally}"


def test_planted_outages_are_found_where_leads_are_not_too_few(tallies: dict[tuple[int, bool], Tally]) -> None:
    """Seven hours without a lead: about 16 are missing at 3,000 a quarter, 60 at 12,000."""
    for (n_leads, is_uneven), tally in tallies.items():
        if n_leads >= 3_000 and not is_uneven:
            assert tally.found >= 0.6 * tally.outages, str(tally)
            assert np.mean(tally.hours_to_tell) <= 7
