"""Groups judged by their rates: limits, shrunken rates and ranks, on examples small enough to follow."""

import math

import numpy as np
import pytest

from leadlib.statistics import ACT, LOOK, funnel_limits, incidence, rank_intervals, shrink
from leadlib.statistics.log_gamma import log_gamma


def test_log_gamma_is_the_logarithm_of_factorials() -> None:
    assert log_gamma([1.0, 2.0, 5.0, 0.5]) == pytest.approx(
        [0.0, 0.0, math.log(4 * 3 * 2), math.log(math.pi) / 2], abs=1e-11
    )


# Limits


def test_limits_of_four_coins_are_interpolated_between_counts() -> None:
    """Of four coins none falls heads in 1/16 of throws, one in 4/16; a tail of 10 % lies between none and one.

    10 % = 1/16 + 0.15 * 4/16, so the low limit lies 0.85 of a count below one.
    """
    low, high = funnel_limits(4, 0.5, within=0.8)
    assert low == pytest.approx((1 - (5 / 16 - 0.1) / (4 / 16)) / 4)
    assert high == pytest.approx(1 - low)


@pytest.mark.parametrize("within", [LOOK, ACT])
def test_a_group_is_beyond_a_limit_exactly_when_its_count_is_as_rare_as_that(within: float) -> None:
    tail = (1 - within) / 2
    for n in (1, 5, 20, 150):
        for rate in (0.03, 0.4, 0.55, 0.97):
            low, high = funnel_limits(n, rate, within)
            chance = [math.comb(n, x) * rate**x * (1 - rate) ** (n - x) for x in range(n + 1)]
            for x in range(n + 1):
                assert (x / n < low) == (sum(chance[: x + 1]) < tail)
                assert (x / n > high) == (sum(chance[x:]) < tail)


def test_limits_close_in_on_the_rate_and_the_outer_ones_hold_the_inner_ones() -> None:
    n = np.array([5, 20, 80, 320, 10_000_000])
    low, high = funnel_limits(n, 0.6, LOOK)
    outer_low, outer_high = funnel_limits(n, 0.6, ACT)
    assert (np.diff(high - low) < 0).all()
    assert (outer_low <= low).all()
    assert (high <= outer_high).all()
    assert (outer_low[-1], outer_high[-1]) == pytest.approx((0.6, 0.6), abs=0.001)


def test_limits_of_no_leads_and_of_a_rate_without_exception() -> None:
    low, high = funnel_limits([0, 5], 0.5, LOOK)
    assert np.isnan([low[0], high[0]]).all()
    assert funnel_limits(5, 0.0, LOOK) == (0.0, 0.0)
    assert funnel_limits(5, 1.0, LOOK) == (1.0, 1.0)
    assert funnel_limits([], 0.5, LOOK)[0].shape == (0,)
    with pytest.raises(ValueError, match="share"):
        funnel_limits(5, 1.2, LOOK)


@pytest.mark.parametrize(("n_agents", "n_leads"), [(25, 15), (25, 200), (6, 40)])
def test_identical_agents_are_called_worse_in_at_most_5_percent_of_accounts(n_agents: int, n_leads: int) -> None:
    """Stricter than 5 % of the agents: not one of the account's may be called so."""
    rng = np.random.default_rng(3)
    accounts = rng.binomial(n_leads, 0.6, size=(1_000, n_agents))
    limits = {team: funnel_limits(n_leads, team / n_leads / n_agents, ACT) for team in set(accounts.sum(axis=1))}
    worse = [(account / n_leads < limits[account.sum()][0]).any() for account in accounts]
    assert np.mean(worse) <= 0.05


# Shrunken rates


def test_few_leads_are_drawn_to_the_others_and_many_are_not() -> None:
    """Two of two among agents at about 50 % is luck; 900 of 1,000 is not."""
    shrunken = shrink([2, 900, 50, 45, 55, 60, 40], [2, 1_000, 100, 100, 100, 100, 100])
    assert shrunken.rate[0] < 0.8
    assert shrunken.rate[1] == pytest.approx(0.9, abs=0.01)
    assert (shrunken.low < shrunken.rate).all()
    assert (shrunken.rate < shrunken.high).all()
    assert shrunken.high[0] - shrunken.low[0] > 5 * (shrunken.high[1] - shrunken.low[1])


def test_equal_groups_have_equal_rates_and_a_group_without_leads_is_expected_among_them() -> None:
    shrunken = shrink([60, 60, 0], [100, 100, 0])
    assert shrunken.rate[0] == shrunken.rate[1] == pytest.approx(0.6, abs=0.02)
    assert shrunken.rate[2] == pytest.approx(0.6, abs=0.05)
    assert shrunken.low[2] < shrunken.low[0]


def test_the_same_leads_give_the_same_rates_whatever_the_order_of_groups() -> None:
    hits, n = np.array([3, 30, 80]), np.array([10, 50, 100])
    one, again, turned = shrink(hits, n), shrink(hits, n), shrink(hits[::-1], n[::-1])
    assert np.array_equal(one.draws, again.draws)
    assert turned.rate[::-1] == pytest.approx(one.rate)
    assert turned.low[::-1] == pytest.approx(one.low, abs=0.02)  # drawn, hence not to the last digit


def test_all_none_and_no_groups_are_no_special_case() -> None:
    assert (shrink([5, 5], [5, 5]).rate > 0.8).all()
    assert (shrink([0, 0], [5, 5]).rate < 0.2).all()
    assert shrink([0], [0]).rate == pytest.approx(0.5)
    assert shrink([], []).draws.shape[1] == 0
    with pytest.raises(ValueError, match="between 0 and n"):
        shrink([6], [5])


@pytest.mark.parametrize("spread", [0.0, 0.06, 0.15])
def test_intervals_hold_the_planted_rate_and_shrinking_errs_less_than_the_raw_rate(spread: float) -> None:
    rng = np.random.default_rng(11)
    held, error, raw_error = [], [], []
    for _ in range(60):
        rates = np.clip(rng.normal(0.6, spread, 12), 0.02, 0.98)
        n = rng.integers(5, 200, 12)
        hits = rng.binomial(n, rates)
        shrunken = shrink(hits, n)
        held.append((shrunken.low <= rates) & (rates <= shrunken.high))
        error.append((shrunken.rate - rates) ** 2)
        raw_error.append((hits / n - rates) ** 2)
    assert np.mean(held) >= 0.92
    assert np.mean(error) < np.mean(raw_error)


# Ranks


def test_a_rank_interval_holds_the_ranks_of_all_sets_but_the_rarest() -> None:
    """Of a hundred sets of rates, the third group leads in two: fewer than 2.5 %."""
    draws = np.array([[0.9, 0.5, 0.1]] * 98 + [[0.5, 0.4, 0.9]] * 2)
    best, worst = rank_intervals(draws)
    assert (list(best), list(worst)) == ([1, 2, 3], [1, 2, 3])
    best, worst = rank_intervals(np.array([[0.9, 0.5, 0.1], [0.5, 0.4, 0.9]]))
    assert (list(best), list(worst)) == ([1, 2, 1], [2, 3, 3])
    assert len(rank_intervals(np.empty((5, 0)))[0]) == 0


def test_ranks_of_identical_agents_may_be_almost_any() -> None:
    hits = np.random.default_rng(5).binomial(15, 0.6, 25)
    best, worst = rank_intervals(shrink(hits, np.full(25, 15)).draws)
    assert np.median(worst - best) >= 20


# Events between two looks


def isotonic(shares: list[float], weights: list[float]) -> list[float]:
    """The nearest shares that never fall (pooling adjacent violators)."""
    blocks: list[list[float]] = []
    for share, weight in zip(shares, weights, strict=True):
        blocks.append([share, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (b, n, k), (a, m, j) = blocks.pop(), blocks.pop()
            blocks.append([(a * m + b * n) / (m + n), m + n, j + k])
    return [share for share, _, k in blocks for _ in range(int(k))]


def test_two_looks_that_overlap_put_all_mass_where_they_do() -> None:
    """One reply in (0, 2], one in (1, 3]: likeliest are both in (1, 2]; inside it nothing is known."""
    found = incidence([0, 1], [2, 3], [0, 0], [1, 1], n_kinds=1)
    assert found.by(0, 1) == pytest.approx((0, 0), abs=1e-4)
    assert found.by(0, 1.5) == pytest.approx((0, 1), abs=1e-4)
    assert found.by(0, 2) == pytest.approx((1, 1), abs=1e-4)
    assert found.age_of(0, 0.5) == (1, 2)


def test_exact_times_with_censoring_give_kaplan_meier() -> None:
    """Replies at 1, 2, 2, 4; followed without one up to 2 and 3: the product of 5/6, 3/5 and 0/1."""
    found = incidence([0, 1, 1, 3, 2, 3], [1, 2, 2, 4, math.inf, math.inf], [0] * 6, [1] * 6, n_kinds=1)
    assert [1 - found.by(0, age)[0] for age in (1, 2, 3, 4)] == pytest.approx([5 / 6, 1 / 2, 1 / 2, 0], abs=1e-4)


def test_exact_times_of_two_kinds_give_aalen_johansen() -> None:
    """At 1 one of five replies, at 2 one of four is archived, one is followed up to 2, at 3 one of two replies.

    Replied by 3: 1/5 + (4/5)(3/4)(1/2); archived: (4/5)(1/4).
    """
    found = incidence([0, 1, 2, 2, 3], [1, 2, math.inf, 3, math.inf], [0, 1, 0, 0, 0], [1] * 5, n_kinds=2)
    assert found.by(0, 3)[0] == pytest.approx(1 / 5 + 4 / 5 * 3 / 4 / 2, abs=1e-4)
    assert found.by(1, 3)[0] == pytest.approx(4 / 5 / 4, abs=1e-4)


def test_one_look_at_each_gives_isotonic_regression() -> None:
    rng = np.random.default_rng(2)
    ages = rng.integers(1, 15, 400)
    is_answered = rng.exponential(6, 400) <= ages
    found = incidence(
        np.where(is_answered, 0, ages), np.where(is_answered, ages, math.inf), np.zeros(400), np.ones(400), n_kinds=1
    )
    looks = range(1, 15)
    shares = isotonic([is_answered[ages == a].mean() for a in looks], [(ages == a).sum() for a in looks])
    assert [found.by(0, a)[0] for a in looks] == pytest.approx(shares, abs=2e-3)


def test_the_interval_of_exact_times_is_the_one_of_the_likelihood_of_a_share() -> None:
    """Ten of fifty by 5: those p for which 10 log(p / 0.2) + 40 log((1 - p) / 0.8) is above -1.92."""
    found = incidence([4] * 10 + [9] * 40, [5] * 10 + [math.inf] * 40, [0] * 50, [1] * 50, n_kinds=2)
    for end in found.interval(0, 5):
        likelihood = 10 * math.log(end / 0.2) + 40 * math.log((1 - end) / 0.8)
        assert likelihood == pytest.approx(-1.92, abs=0.05)
    assert found.interval(0, 5) == pytest.approx((0.106, 0.324), abs=2e-3)
    assert not found.is_refuted(0, 5, 0.11)
    assert found.is_refuted(0, 5, 0.10)
    assert found.is_refuted(0, 5, 0.33)


def test_the_interval_takes_in_what_the_looks_leave_open() -> None:
    """All thirty replied between 4 and 8: by 6 it may have been none of them or all."""
    found = incidence([4] * 30, [8] * 30, [0] * 30, [1] * 30, n_kinds=1)
    assert found.interval(0, 6) == (0, 1)
    assert found.interval(0, 3) == pytest.approx((0, 0.062), abs=2e-3)  # of none of thirty: 30 log(1 - p) = -1.92
    assert found.interval(0, 8) == pytest.approx((0.938, 1), abs=2e-3)


def test_without_cases_everything_is_possible() -> None:
    nobody = incidence([], [], [], [], n_kinds=2)
    assert nobody.interval(0, 5) == (0, 1)
    assert not nobody.is_refuted(0, 5, 0.5)


@pytest.mark.parametrize("every", [1, 10, None], ids=["every minute", "every ten", "once each"])
def test_intervals_hold_the_planted_share_about_as_often_as_they_say(every: int | None) -> None:
    """Forty sets of 120 leads, one in four never answered; 95 % of the intervals are to hold the true share by 20."""
    rng = np.random.default_rng(5)
    truth = 0.75 * (1 - math.exp(-20 / 30))
    n_held = 0
    for _ in range(40):
        times = np.where(rng.random(120) < 0.25, math.inf, rng.exponential(30, 120))
        if every is None:
            looks = rng.integers(1, 90, 120).astype(float)
            left, right = np.where(times <= looks, 0, looks), np.where(times <= looks, looks, math.inf)
        else:
            right = np.where(times > 90, math.inf, np.ceil(times / every) * every)
            left = np.where(np.isinf(right), 90, right - every)
        low, high = incidence(left, right, np.zeros(120), np.ones(120), n_kinds=1).interval(0, 20)
        n_held += low <= truth <= high
    assert n_held >= 36


def test_weights_stand_for_repeated_cases_and_the_order_of_cases_is_nothing() -> None:
    one = incidence([0, 0, 2], [1, 3, math.inf], [0, 1, 0], [2, 1, 3], n_kinds=2)
    other = incidence(
        [2, 0, 0, 2, 0, 2], [math.inf, 1, 3, math.inf, 1, math.inf], [0, 0, 1, 0, 0, 0], [1] * 6, n_kinds=2
    )
    assert one.mass == pytest.approx(other.mass, abs=1e-6)


def test_shares_of_all_kinds_and_those_left_are_one() -> None:
    rng = np.random.default_rng(8)
    begin = rng.integers(0, 20, 200)
    end = np.where(rng.random(200) < 0.4, math.inf, begin + rng.integers(1, 9, 200))
    found = incidence(begin, end, rng.integers(0, 2, 200), np.ones(200), n_kinds=2)
    assert (found.mass >= 0).all()
    assert found.mass.sum() <= 1 + 1e-9
    by_age = np.cumsum(found.mass.sum(axis=0))
    assert (np.diff(by_age) >= 0).all()


def test_nobody_to_follow_and_nobody_with_an_event() -> None:
    assert incidence([], [], [], [], n_kinds=2).by(1, 5) == (0, 0)
    unanswered = incidence([3, 4], [math.inf, math.inf], [0, 0], [1, 1], n_kinds=1)
    assert unanswered.by(0, 3)[1] == pytest.approx(0, abs=1e-6)
    assert unanswered.age_of(0, 0.5) == (math.inf, math.inf)
    with pytest.raises(ValueError, match="below"):
        incidence([1], [1], [0], [1], n_kinds=1)
