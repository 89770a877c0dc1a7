"""Statistics in plain numpy: arrays in, arrays out, nothing known of leads."""

from leadlib.statistics.forecast import Window, future_mean, future_window
from leadlib.statistics.limits import ACT, LOOK, funnel_limits
from leadlib.statistics.ranks import rank_intervals
from leadlib.statistics.shrinkage import Shrunken, shrink
from leadlib.statistics.turnbull import Incidence, incidence

__all__ = [
    "ACT",
    "LOOK",
    "Incidence",
    "Shrunken",
    "Window",
    "funnel_limits",
    "future_mean",
    "future_window",
    "incidence",
    "rank_intervals",
    "shrink",
]
