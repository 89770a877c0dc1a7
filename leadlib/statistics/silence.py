"""How long nothing may come before that is news: the usual rate by hour of the week, and the chance of a silence."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from leadlib.statistics.log_gamma import Floats
from leadlib.statistics.poisson import chance_of_none, unevenness

HOURS_OF_WEEK = 168
_WEEKS_OF_ALL = 4.0
"""How much the rhythm of all channels counts beside a channel's own: as much as so many weeks of it."""

_DAYS_A_MONTH = 30


@dataclass(frozen=True)
class Rhythm:
    """What is usual of one channel: leads per hour for each hour of the week, Monday 00 first, and their `uneven`ness.

    `uneven` is the squared relative spread of its days beyond chance (see `unevenness`).
    """

    rates: Floats
    uneven: float

    def expected(self, hour_of_week: npt.NDArray[np.int64], hours: Floats) -> float:
        """The leads that are usual in stretches of so many `hours` each within an hour of the week."""
        return float(self.rates[hour_of_week] @ hours)

    def chance(self, expected: float) -> float:
        """The chance that one silence lasts at least as long as it takes for `expected` leads to be usual."""
        return chance_of_none(expected, self.uneven)

    def chance_in_a_month(self, expected: float) -> float:
        """The chance that among all the pauses between a month's leads one lasts so long or longer.

        Watching at every moment is looking at every pause: one of many is bound to be long.
        """
        pauses = float(self.rates.sum()) * _DAYS_A_MONTH / 7
        return -math.expm1(-pauses * self.chance(expected))


def rhythm(
    leads: npt.ArrayLike,
    of_all: npt.ArrayLike,
    hours: npt.ArrayLike,
    hour_of_week: npt.NDArray[np.int64],
    day: npt.ArrayLike,
) -> Rhythm:
    """The rhythm of a channel out of its history by hours, all five of one length.

    `leads` are the channel's, `of_all` those of all channels, `hours` how much of each was read, `day` a whole number
    per day. A channel's own hours of the week are few; each is drawn towards the rhythm of all channels.
    """
    own, everybody, read = (np.asarray(x, dtype=np.float64) for x in (leads, of_all, hours))

    def by_hour(values: Floats) -> Floats:
        return np.bincount(hour_of_week, values, HOURS_OF_WEEK).astype(np.float64)

    occurred = by_hour(read)
    common = by_hour(everybody) / np.where(occurred > 0, occurred, 1)
    share = own.sum() / max(1.0, everybody.sum())
    rates = (by_hour(own) + _WEEKS_OF_ALL * share * common) / (occurred + _WEEKS_OF_ALL)
    # What was never read has no rhythm; an hour like any other is the nearest to it.
    rates = np.where(occurred > 0, rates, own.sum() / max(1.0, read.sum()))
    days = np.asarray(day, dtype=np.int64)
    days = days - days.min() if len(days) else days
    a_day = np.bincount(days, own)
    is_whole = np.bincount(days, read) >= np.bincount(days)
    pairs = is_whole[7:] & is_whole[:-7]
    return Rhythm(rates, unevenness(a_day[7:][pairs], a_day[:-7][pairs]))
