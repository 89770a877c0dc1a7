"""Limits of a funnel plot: how far the rate of a group may lie from the common rate by chance alone.

Spiegelhalter 2005, "Funnel plots for comparing institutional performance", Statistics in Medicine 24, appendix A.1:
exact binomial limits, interpolated between counts, since no normal curve fits a group of fifteen.
"""

import math

import numpy as np
import numpy.typing as npt

from leadlib.statistics.log_gamma import Floats, log_gamma

LOOK = 0.95
"""The share of groups within the inner limits if all differ by chance alone: what lies outside is worth a look."""

ACT = 0.998
"""The same of the outer limits: what is outside is told from chance."""

_WIDEST_SD = 9
"""Beyond so many standard deviations, and thirty counts more, a binomial has nothing that a double can add up."""


def funnel_limits(n: npt.ArrayLike, rate: float, within: float) -> tuple[Floats, Floats]:
    """Low and high limit for groups of `n` around the common `rate`, element by element; NaN where n is 0.

    A group of which x of n succeeded has x / n below its low limit exactly when the chance of x or fewer is less than
    (1 - within) / 2; above the high one in the same way. `rate` is a share, 0 and 1 included. Raises ValueError for a
    rate that is none.
    """
    if not 0 <= rate <= 1:
        raise ValueError("rate must be a share")
    sizes = np.asarray(n, dtype=np.int64)
    tail = (1 - within) / 2
    low = np.array([_low_limit(int(size), rate, tail) for size in sizes.ravel()], dtype=np.float64)
    high = np.array([1 - _low_limit(int(size), 1 - rate, tail) for size in sizes.ravel()], dtype=np.float64)
    return low.reshape(sizes.shape), high.reshape(sizes.shape)


def _low_limit(n: int, rate: float, tail: float) -> float:
    """(r - a) / n, where r is the smallest count that is not in the tail and a how much of its chance is beyond it."""
    if n == 0:
        return math.nan
    if rate in (0, 1):
        return rate
    spread = _WIDEST_SD * math.sqrt(n * rate * (1 - rate)) + 30
    counts = np.arange(max(0, math.floor(n * rate - spread)), math.floor(n * rate) + 1, dtype=np.float64)
    logs = log_gamma(n + 1.0) - log_gamma(counts + 1) - log_gamma(n - counts + 1)
    chance = np.exp(logs + counts * math.log(rate) + (n - counts) * math.log1p(-rate))
    up_to = np.cumsum(chance)
    place = int(np.searchsorted(up_to, tail))
    if place == len(counts):
        return rate  # the whole lower half is rarer than the tail: rounding at a rate next to 0 or 1
    beyond = (up_to[place] - tail) / chance[place]
    return float(max(0.0, (counts[place] - beyond) / n))
