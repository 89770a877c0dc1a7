"""When leads come: the planted rhythm of days, weeks and seasons, as a function of the calendar alone.

Days are Dubai days (+04:00, no daylight saving), numbered by `date.toordinal()`. What happens once in a quarter - a
campaign, an outage, a rainy day, an agent leaving - is planted once per season of 77 days on the fixed calendar, so
that it stays where it is when the sandbox restarts on another day. A window of three months therefore holds at least
one of each and sometimes two.
"""

from __future__ import annotations

import itertools
from datetime import date
from typing import Final

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
DUBAI_AHEAD_MS: Final = 4 * HOUR_MS

SEASON_DAYS: Final = 77
SEASON_ZERO: Final = date(2026, 9, 14).toordinal()

CAMPAIGN_DAYS: Final = range(35, 49)
"""Days of a season on which its campaign runs: two weeks from a Monday, with the outage in the second."""
CAMPAIGN_SHARE: Final = 0.65
"""Leads that a campaign adds, as a share of an ordinary day."""
DEPARTURE_DAY: Final = 24
"""Day of a season at whose start the agent in the revolving seat leaves."""
OUTAGE_DAY: Final = 43
OUTAGE_HOURS: Final = (11, 18)
"""Dubai hours of the outage, end not included: no lead at all is created in them."""
RAIN_DAY: Final = 50
RAIN_FACTOR: Final = 0.4

GROWTH_PER_DAY: Final = 0.06 / 91
"""Trend: about six per cent a quarter around 1 in `SEASON_ZERO`, held between 0.75 and 1.3."""

_WEEKDAY_FACTORS: Final = (1.10, 1.08, 1.06, 1.04, 0.94, 0.86, 0.92)
WORKDAY_HOURS: Final = tuple(itertools.accumulate((
    1.2, 0.7, 0.4, 0.3, 0.3, 0.5, 1.0, 2.0, 3.6, 5.8, 8.0, 8.6,
    8.0, 5.6, 4.6, 4.5, 5.0, 6.8, 7.6, 8.0, 7.4, 6.0, 3.8, 2.2,
)))  # fmt: skip
WEEKEND_HOURS: Final = tuple(itertools.accumulate((
    1.8, 1.1, 0.6, 0.4, 0.3, 0.4, 0.7, 1.2, 2.3, 4.2, 6.4, 7.4,
    7.4, 6.0, 5.4, 5.6, 6.2, 7.4, 8.2, 8.6, 7.8, 6.4, 4.6, 3.0,
)))  # fmt: skip
"""Cumulative weights of the 24 Dubai hours."""


def season_of(day: int) -> tuple[int, int]:
    """The season's number and the day's place in it, 0 to 76."""
    return divmod(day - SEASON_ZERO, SEASON_DAYS)


def day_start_ms(day: int) -> int:
    """The instant at which the Dubai day begins."""
    return (day - _UNIX_DAY) * DAY_MS - DUBAI_AHEAD_MS


def day_of_ms(ms: int) -> int:
    """The Dubai day that holds an instant."""
    return (ms + DUBAI_AHEAD_MS) // DAY_MS + _UNIX_DAY


def is_weekend(day: int) -> bool:
    """True on Saturday and Sunday."""
    return date.fromordinal(day).weekday() >= 5


def outage_ms(season: int) -> tuple[int, int]:
    """Begin and end (not included) of a season's outage."""
    start = day_start_ms(SEASON_ZERO + season * SEASON_DAYS + OUTAGE_DAY)
    return start + OUTAGE_HOURS[0] * HOUR_MS, start + OUTAGE_HOURS[1] * HOUR_MS


def campaign_days(season: int) -> range:
    """The Dubai days of a season's campaign."""
    start = SEASON_ZERO + season * SEASON_DAYS
    return range(start + CAMPAIGN_DAYS.start, start + CAMPAIGN_DAYS.stop)


def ordinary_factor(day: int) -> float:
    """Expected leads of a day without its campaign, where 1 is the average of a whole season around `SEASON_ZERO`."""
    growth = min(1.3, max(0.75, 1 + (day - SEASON_ZERO) * GROWTH_PER_DAY))
    return _raw_factor(day) * growth / _MEAN_FACTOR


def campaign_factor(day: int) -> float:
    """Leads that a campaign adds on a day, on the same scale; 0 outside a campaign."""
    return CAMPAIGN_SHARE / _MEAN_FACTOR if season_of(day)[1] in CAMPAIGN_DAYS else 0.0


def _raw_factor(day: int) -> float:
    weekday = _WEEKDAY_FACTORS[date.fromordinal(day).weekday()]
    return weekday * (RAIN_FACTOR if season_of(day)[1] == RAIN_DAY else 1.0)


def _mean_factor() -> float:
    # The outage takes out about half of its day, as the weights of its hours say.
    lost = (WORKDAY_HOURS[OUTAGE_HOURS[1] - 1] - WORKDAY_HOURS[OUTAGE_HOURS[0] - 1]) / WORKDAY_HOURS[-1]
    days = [
        _raw_factor(SEASON_ZERO + place) + (CAMPAIGN_SHARE if place in CAMPAIGN_DAYS else 0.0)
        for place in range(SEASON_DAYS)
    ]
    return (sum(days) - lost * days[OUTAGE_DAY]) / SEASON_DAYS


_UNIX_DAY: Final = date(1970, 1, 1).toordinal()
_MEAN_FACTOR: Final = _mean_factor()
