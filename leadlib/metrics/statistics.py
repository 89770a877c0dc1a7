"""Intervals for shares and counts, in plain numpy.

Wilson's score interval (Wilson 1927; Brown, Cai and DasGupta 2001) for one share, Newcombe's hybrid of two Wilson
intervals (Newcombe 1998, method 10) for the difference of two, Byar's approximation (Breslow and Day 1987, chapter 2)
for a count that has no upper end, the ratio of two counts by the share that one has of both, and the shares between
which a quantile lies.
"""

import numpy as np
import numpy.typing as npt

Numbers = npt.ArrayLike
Floats = npt.NDArray[np.float64]

Z_95 = 1.959963984540054
"""The normal quantile that leaves 2.5 % on either side."""


def wilson(successes: Numbers, n: Numbers, z: float = Z_95) -> tuple[Floats, Floats]:
    """Low and high end of Wilson's interval for `successes` out of `n`, element by element, both NaN where n is 0.

        centre = (p + z² / 2n) / (1 + z² / n)
        half   = z · sqrt(p (1 - p) / n + z² / 4n²) / (1 + z² / n)

    Ends lie within 0 and 1; none of n gives exactly 0 below, all of n exactly 1 above. Raises ValueError if successes
    are negative or more than n.
    """
    hits = np.asarray(successes, dtype=np.float64)
    trials = np.asarray(n, dtype=np.float64)
    if np.any(hits < 0) or np.any(hits > trials):
        raise ValueError("successes must lie between 0 and n")
    trials = np.where(trials > 0, trials, np.nan)
    share = hits / trials
    shrink = 1 + z**2 / trials
    centre = (share + z**2 / (2 * trials)) / shrink
    half = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)) / shrink
    # Rounding leaves the two certain ends at 1e-17 or so; they are exact by the formula.
    low = np.where(hits == 0, 0.0 * trials, np.clip(centre - half, 0, 1))
    high = np.where(hits == trials, 0.0 * trials + 1, np.clip(centre + half, 0, 1))
    return low, high


def quantile_ends(share: float, n: int) -> tuple[float, float]:
    """Between which shares of `n` cases the true age by which `share` of all are over lies, 95 times in 100.

        share ± z · sqrt(share (1 - share) / n)

    By the true age a case is over with exactly that chance, so that chance puts so many of n before it; Wilson's
    interval, for a share that is not known, would be cut off too early on the side of the late ones. Above 1 the ages
    have no upper end: that all of n were over by then is no surprise.
    """
    reach = Z_95 * float(np.sqrt(share * (1 - share) / n))
    return share - reach, share + reach


def newcombe(
    successes: Numbers, n: Numbers, earlier_successes: Numbers, earlier_n: Numbers, z: float = Z_95
) -> tuple[Floats, Floats, Floats]:
    """Difference of two independent shares (first minus earlier), and its low and high end; NaN where an n is 0.

    low  = d - sqrt((p1 - l1)² + (u2 - p2)²)
    high = d + sqrt((u1 - p1)² + (p2 - l2)²)      with l, u the ends of Wilson's intervals
    """
    low, high = wilson(successes, n, z)
    earlier_low, earlier_high = wilson(earlier_successes, earlier_n, z)
    share = _share(successes, n)
    earlier = _share(earlier_successes, earlier_n)
    difference = share - earlier
    return (
        difference,
        difference - np.sqrt((share - low) ** 2 + (earlier_high - earlier) ** 2),
        difference + np.sqrt((high - share) ** 2 + (earlier - earlier_low) ** 2),
    )


def byar(counts: Numbers, z: float = Z_95) -> tuple[Floats, Floats]:
    """Low and high end of the interval for the expectation of each count, whole or not; NaN stays NaN.

    Byar's approximation of the exact Poisson limits, from a count x:
    low  = x (1 - 1 / 9x - z / 3 sqrt(x))³, 0 for none
    high = (x + 1) (1 - 1 / 9(x + 1) + z / 3 sqrt(x + 1))³
    Raises ValueError for a negative count.
    """
    seen = np.asarray(counts, dtype=np.float64)
    if np.any(seen < 0):
        raise ValueError("counts must not be negative")
    some = np.where(seen > 0, seen, np.where(np.isnan(seen), np.nan, 1.0))
    low = np.where(seen > 0, some * np.maximum(1 - 1 / (9 * some) - z / (3 * np.sqrt(some)), 0) ** 3, 0 * seen)
    more = seen + 1
    return low, more * (1 - 1 / (9 * more) + z / (3 * np.sqrt(more))) ** 3


def rate_ratio(count: Numbers, earlier: Numbers, dispersion: float = 1.0) -> tuple[Floats, Floats, Floats]:
    """Ratio of two counts over stretches of equal length, and its low and high end; NaN where both are 0.

        p = count / (count + earlier)      ratio = p / (1 - p), and so are its ends for Wilson's l and u around p

    Given their sum, one of two Poisson counts is binomial, and p says all about the ratio of their rates. Counts that
    are `dispersion` times as uneven as Poisson's say as much as so many times fewer. Infinite where `earlier` is 0.
    """
    now = np.asarray(count, dtype=np.float64) / dispersion
    both = now + np.asarray(earlier, dtype=np.float64) / dispersion
    low, high = wilson(now, both)
    with np.errstate(divide="ignore"):
        share = _share(now, both)
        return share / (1 - share), low / (1 - low), high / (1 - high)


def _share(successes: Numbers, n: Numbers) -> Floats:
    trials = np.asarray(n, dtype=np.float64)
    return np.asarray(successes, dtype=np.float64) / np.where(trials > 0, trials, np.nan)
