"""What a moving window of cases will hold at a later day: old ones leave, new ones come, some of them succeed.

New cases arrive like those of the window did (a Poisson count whose rate is known as well as the window tells it), each
succeeds at its group's rate (drawn from what is known of that rate: beta-binomial), whatever the others do. Nothing is
assumed of trends, seasons or of what people do once they know the forecast.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from leadlib.statistics.log_gamma import Floats

_SEED = 19_180_512

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """What groups have now, a place each: cases that will still count at the later day, and how fast new ones come.

    Of `kept` cases `kept_successes` have succeeded and `kept_open` are too young to tell. `arrived` came in the last
    `arrived_days` days. `new_days` is how long new ones come until the later day.
    """

    kept: Counts
    kept_successes: Counts
    kept_open: Counts
    arrived: Counts
    arrived_days: float
    new_days: float


def future_window(now: Window, rates: Floats, early: float) -> tuple[Counts, Counts]:
    """Successes and cases of each group at the later day: one row per row of `rates`, one column per group.

    `rates` are likely shares that succeed in the end, as `shrink` draws them; `early` is how much of that share is
    there by the time cases stop being too young, 0 to 1: cases of the last day reach no more, and those that are open
    now have the rest before them. Equal input gives equal output.
    """
    random = np.random.default_rng(_SEED)
    speed = random.gamma(now.arrived + 0.5, 1 / now.arrived_days, size=rates.shape)
    youngest_days = min(1.0, now.new_days)
    older = random.poisson(speed * (now.new_days - youngest_days))
    youngest = random.poisson(speed * youngest_days)
    late = rates * (1 - early) / np.maximum(1 - rates * early, 1e-12)
    successes = (
        now.kept_successes
        + random.binomial(now.kept_open, np.clip(late, 0, 1))
        + random.binomial(older, rates)
        + random.binomial(youngest, rates * early)
    )
    return successes, now.kept + older + youngest


def future_mean(kept: Counts, kept_sum: Floats, mean: Floats, variance: Floats, new: Counts) -> Floats:
    """The mean of a positive quantity over `kept` cases, which sum to `kept_sum`, and over `new` ones.

    `mean` and `variance` are those of the new ones. `new` has a row per draw and a column per group, and so has the
    result; NaN where there is no case. The sum of the new ones is drawn from the gamma distribution with that mean and
    variance.
    """
    random = np.random.default_rng(_SEED)
    spread = np.maximum(variance, 1e-12) / np.maximum(mean, 1e-12)  # the scale of the gamma distribution
    shape = np.maximum(mean, 1e-12) / spread
    sums = np.where(new > 0, random.gamma(np.maximum(shape * new, 1e-12), spread), 0.0)
    cases = kept + new
    return np.where(cases > 0, (kept_sum + sums) / np.maximum(cases, 1), np.nan)
