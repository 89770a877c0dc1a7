"""Statistics in plain numpy: arrays in, arrays out, nothing known of leads."""

from leadlib.statistics.forecast import Window, future_mean, future_window
from leadlib.statistics.limits import ACT, LOOK, funnel_limits
from leadlib.statistics.poisson import chance_of_none, dispersion, poisson_limits, unevenness
from leadlib.statistics.ranks import rank_intervals
from leadlib.statistics.shrinkage import Shrunken, shrink
from leadlib.statistics.silence import Rhythm, rhythm
from leadlib.statistics.turnbull import Incidence, incidence
from leadlib.statistics.xmr import LEAST_PERIODS, Xmr, xmr

__all__ = [
    "ACT",
    "LEAST_PERIODS",
    "LOOK",
    "Incidence",
    "Rhythm",
    "Shrunken",
    "Window",
    "Xmr",
    "chance_of_none",
    "dispersion",
    "funnel_limits",
    "future_mean",
    "future_window",
    "incidence",
    "poisson_limits",
    "rank_intervals",
    "rhythm",
    "shrink",
    "unevenness",
    "xmr",
]
