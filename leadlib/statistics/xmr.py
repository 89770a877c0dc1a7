"""Limits of a chart of individuals and moving ranges: which periods stand out from the ordinary to and fro.

Shewhart's limits for single values (Wheeler and Chambers 1992): level ± 2.66 mean moving range, with two rules that
signal: a value outside the limits, and eight in a row on one side of the level. Two things are ours. A level may have
kinds, such as weekdays, each with a mean of its own, so that a rhythm is neither a signal nor part of the range. And
limits never lie closer than chance alone would scatter counts, since a range learnt from few periods can be too small.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from leadlib.statistics.log_gamma import Floats
from leadlib.statistics.poisson import poisson_limits

LEAST_PERIODS = 15
"""Below so many periods limits are still being learnt."""

RUN = 8
"""So many in a row on one side of the level are a shift."""

LEAST_FOR_RUNS = 5.0
"""Where fewer are usual, most counts lie below the mean, and runs mean nothing."""

_OF_RANGE = 2.66
_BEYOND = 0.00135
"""What a normal curve leaves beyond three standard deviations on a side."""


@dataclass(frozen=True)
class Xmr:
    """One place per period: its usual `level`, the limits around it, and what it signals.

    `signal` is "" for nothing, "above" or "below" for a value outside, "run_above" or "run_below" for the eighth and
    any later one in a row on a side.
    """

    level: Floats
    low: Floats
    high: Floats
    signal: npt.NDArray[np.object_]


def xmr(counts: npt.ArrayLike, kinds: npt.ArrayLike, follows: npt.ArrayLike) -> Xmr:
    """Levels, limits and signals of counts in order of time.

    `kinds` (whole numbers) tells which share a level. `follows` says of each period whether the one before it in the
    array is the one before it in time: no range and no run reaches over a gap.
    """
    values = np.asarray(counts, dtype=np.float64)
    _, kind = np.unique(np.asarray(kinds), return_inverse=True)
    is_next = np.asarray(follows, dtype=bool).copy()
    is_next[:1] = False
    n_kinds = int(kind.max()) + 1
    level = (np.bincount(kind, values) / np.bincount(kind))[kind]
    # In the middle, so that a fortnight's campaign does not make a shift of all other weeks.
    level = np.maximum(0, level + np.median(values - level))
    residual = values - level
    ranges = np.abs(np.diff(residual))[is_next[1:]]
    # Each level was fitted to its own periods, which brings them closer to it than later ones will be.
    shrunk = np.sqrt(len(values) / max(1, len(values) - n_kinds)) if n_kinds > 1 else 1.0
    half = _OF_RANGE * float(ranges.mean()) * shrunk if len(ranges) else 0.0
    chance_low, chance_high = poisson_limits(level, _BEYOND)
    low = np.maximum(0, np.minimum(level - half, chance_low))
    high = np.maximum(level + half, chance_high)
    signal = np.full(len(values), "", dtype=object)
    side, length = 0, 0
    for place, (value, middle) in enumerate(zip(values, level, strict=True)):
        its_side = int(np.sign(value - middle))
        length = length + 1 if its_side and its_side == side and is_next[place] else abs(its_side)
        side = its_side
        if value > high[place] or value < low[place]:
            signal[place] = "above" if value > high[place] else "below"
        elif length >= RUN and middle >= LEAST_FOR_RUNS:
            signal[place] = "run_above" if side > 0 else "run_below"
    return Xmr(level, low, high, signal)
