"""Counts of what comes at random: how far chance alone carries them, and how much more uneven than chance they are."""

import math

import numpy as np
import numpy.typing as npt

from leadlib.statistics.log_gamma import Floats, log_gamma

_WIDEST_SD = 9
"""Beyond so many standard deviations, and thirty counts more, a Poisson count has nothing that a double can add up."""


def poisson_limits(mean: npt.ArrayLike, tail: float) -> tuple[Floats, Floats]:
    """The lowest and the highest count that is no rarity around `mean`, element by element.

    A count below the first has a chance of at most `tail` in all, one above the second too. A mean of 0 gives 0 and 0.
    """
    means = np.asarray(mean, dtype=np.float64)
    ends = {float(one): _limits(float(one), tail) for one in np.unique(means)}
    low = np.array([ends[float(one)][0] for one in means.ravel()]).reshape(means.shape)
    high = np.array([ends[float(one)][1] for one in means.ravel()]).reshape(means.shape)
    return low, high


def _limits(mean: float, tail: float) -> tuple[float, float]:
    if mean <= 0:
        return 0.0, 0.0
    spread = _WIDEST_SD * math.sqrt(mean) + 30
    counts = np.arange(max(0, math.floor(mean - spread)), math.ceil(mean + spread) + 1, dtype=np.float64)
    up_to = np.cumsum(np.exp(counts * math.log(mean) - mean - log_gamma(counts + 1)))
    low = counts[min(int(np.searchsorted(up_to, tail, side="right")), len(counts) - 1)]
    high = counts[min(int(np.searchsorted(up_to, 1 - tail)), len(counts) - 1)]
    return float(low), float(high)


def dispersion(counts: npt.ArrayLike, earlier: npt.ArrayLike) -> float:
    """How many times as uneven as chance alone would make them counts are, 1 at least; pairs that should be alike.

    The mean of (x - y)² / (x + y) over the pairs that are not both 0: 1 for Poisson counts of one mean, whatever it is.
    1 without pairs.
    """
    x, y = np.asarray(counts, dtype=np.float64), np.asarray(earlier, dtype=np.float64)
    is_some = x + y > 0
    if not is_some.any():
        return 1.0
    return max(1.0, float(((x - y)[is_some] ** 2 / (x + y)[is_some]).mean()))


def unevenness(counts: npt.ArrayLike, earlier: npt.ArrayLike) -> float:
    """The squared relative spread of the level that counts come from, 0 where chance alone explains them.

    Of pairs that should be alike, what (x - y)² has beyond x + y, which is the share of chance, over 2 x y: the 1 / k
    of a negative binomial whose variance is m + m² / k.
    """
    x, y = np.asarray(counts, dtype=np.float64), np.asarray(earlier, dtype=np.float64)
    products = 2 * float((x * y).sum())
    if products <= 0:
        return 0.0
    return max(0.0, float(((x - y) ** 2 - (x + y)).sum()) / products)


def chance_of_none(expected: float, uneven: float = 0.0) -> float:
    """The chance of no event at all where `expected` were usual: Poisson's, or the negative binomial's if `uneven`."""
    if uneven <= 0:
        return math.exp(-expected)
    return float(math.exp(-math.log1p(uneven * expected) / uneven))
