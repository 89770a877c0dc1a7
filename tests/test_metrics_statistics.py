"""Intervals: their values, and how often they hold."""

import math

import numpy as np
import pytest

from leadlib.metrics import byar, newcombe, wilson
from leadlib.metrics.stages import LEAST_REPLIES
from leadlib.metrics.statistics import quantile_ends


def test_wilson_has_the_published_values() -> None:
    """Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    low, high = wilson([81, 15, 0, 1], [263, 148, 20, 29])
    assert low == pytest.approx([0.2553, 0.0624, 0.0, 0.0061], abs=5e-5)
    assert high == pytest.approx([0.3662, 0.1605, 0.1611, 0.1718], abs=5e-5)


def test_newcombe_has_the_published_values() -> None:
    """Newcombe 1998 (differences), table II, method 10: 56/70 against 48/80, 9/10 against 3/10."""
    difference, low, high = newcombe([56, 9], [70, 10], [48, 3], [80, 10])
    assert difference == pytest.approx([0.2, 0.6])
    assert low == pytest.approx([0.0524, 0.1705], abs=5e-5)
    assert high == pytest.approx([0.3339, 0.8090], abs=5e-5)


def test_byar_has_the_exact_limits_to_a_hundredth_of_them() -> None:
    """The exact limits of Poisson counts (Breslow and Day 1987, table 2.11): 1, 5, 10 and 100."""
    low, high = byar([1, 5, 10, 100])
    assert low == pytest.approx([0.0253, 1.62, 4.80, 81.4], rel=0.01, abs=0.013)
    assert high == pytest.approx([5.57, 11.67, 18.39, 121.6], rel=0.01)


def test_byar_of_none_begins_at_none_and_what_is_unknown_stays_so() -> None:
    low, high = byar([0.0, math.nan])
    assert low[0] == 0.0
    assert high[0] == pytest.approx(3.69, rel=0.01)
    assert math.isnan(low[1])
    assert math.isnan(high[1])
    with pytest.raises(ValueError, match="negative"):
        byar([-1])


def test_wilson_is_exact_at_both_ends_and_unknown_for_no_leads() -> None:
    low, high = wilson([0, 7, 0], [7, 7, 0])
    assert low[0] == 0.0
    assert high[1] == 1.0
    assert math.isnan(low[2])
    assert math.isnan(high[2])
    assert np.isnan(newcombe(1, 2, 0, 0)).all()


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5)], ids=["negative", "more than n"])
def test_wilson_refuses_what_is_no_share(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="between 0 and n"):
        wilson(successes, n)


def binomial(n: int, p: float) -> np.ndarray:
    """The probability of 0 .. n successes."""
    logs = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(n + 1)]
    return np.exp([c + k * math.log(p) + (n - k) * math.log1p(-p) for k, c in enumerate(logs)])


def test_wilson_covers_the_truth_in_93_percent_of_samples() -> None:
    """Exact coverage, averaged over true shares from 2 % to 98 %, at every n from the smallest that shows a rate."""
    shares = np.linspace(0.02, 0.98, 97)
    for n in (5, 6, 8, 10, 15, 19, 20, 50, 100, 400):
        low, high = wilson(np.arange(n + 1), n)
        held = [binomial(n, p)[(low <= p) & (p <= high)].sum() for p in shares]
        assert np.mean(held) >= 0.93, n
        assert min(held) >= 0.80, n  # the known dips lie near the ends


def test_newcombe_covers_a_difference_in_93_percent_of_samples() -> None:
    for n, earlier_n in ((10, 10), (20, 40), (60, 60)):
        a, b = np.meshgrid(np.arange(n + 1), np.arange(earlier_n + 1), indexing="ij")
        _, low, high = newcombe(a, n, b, earlier_n)
        held = [
            np.outer(binomial(n, p), binomial(earlier_n, q))[(low <= p - q) & (p - q <= high)].sum()
            for p in np.linspace(0.1, 0.9, 9)
            for q in np.linspace(0.1, 0.9, 9)
        ]
        assert np.mean(held) >= 0.93


@pytest.mark.parametrize(("share", "least"), [(0.9, 20), (0.95, LEAST_REPLIES)])
def test_the_ends_of_a_quantile_hold_it_as_often_as_they_say(share: float, least: int) -> None:
    """Of n cases a binomial number is over by the true age: between the ends, unless chance puts it beyond."""
    for n in range(least, 400, 7):
        low, high = quantile_ends(share, n)
        inside = range(math.ceil(n * low), min(math.ceil(n * high), n + 1))
        held = sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in inside)
        assert held >= 0.93, n
