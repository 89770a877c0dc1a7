"""Alerts replayed over the planted brokerage, day by day and pause by pause, as they would have come at the time."""

import random
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from leadlib.metrics.limits import MOST_PERIODS
from leadlib.metrics.silence import DAYS_OF_HISTORY, LEAST_DAYS, LEAST_LEADS, verdict
from leadlib.sandbox import rhythm as planted
from leadlib.sandbox.brokerage import Brokerage
from leadlib.sandbox.planting import Planter
from leadlib.statistics import LEAST_PERIODS, Rhythm, rhythm, xmr

FIRST_DAY = planted.SEASON_ZERO
HOUR_MS = planted.HOUR_MS
MOST_DAYS, MOST_WEEKS = MOST_PERIODS["day"], MOST_PERIODS["week"]


@dataclass(frozen=True)
class Account:
    """A brokerage's leads from FIRST_DAY on: how many a day, and by channel when, in hours since the start."""

    n_days: int
    day_counts: npt.NDArray[np.int64]
    hours: dict[str, npt.NDArray[np.float64]]

    @property
    def events(self) -> npt.NDArray[np.bool_]:
        """Days on which something was planted: a campaign, an outage or a rainy day."""
        places = [planted.season_of(FIRST_DAY + day)[1] for day in range(self.n_days)]
        special = {*planted.CAMPAIGN_DAYS, planted.OUTAGE_DAY, planted.RAIN_DAY}
        return np.array([place in special for place in places])

    @property
    def outages(self) -> list[tuple[float, float]]:
        """Begin and end of the planted outages, in hours since the start."""
        start = planted.day_start_ms(FIRST_DAY)
        spans = [planted.outage_ms(season) for season in range(-(-self.n_days // planted.SEASON_DAYS))]
        return [
            ((a - start) / HOUR_MS, (b - start) / HOUR_MS)
            for a, b in spans
            if b <= start + self.n_days * planted.DAY_MS
        ]


def account(seed: int, n_leads: int, n_days: int, is_uneven: bool = False) -> Account:
    """`n_leads` a quarter, planted as the sandbox plants them; `is_uneven` takes 0 to 60 % away from each day."""
    rng = random.Random(seed)
    planter = Planter(Brokerage(seed), n_leads)
    start = planted.day_start_ms(FIRST_DAY)
    days = [planter.day(FIRST_DAY + day) for day in range(n_days)]
    if is_uneven:
        kept = [1 - 0.6 * rng.random() for _ in days]
        days = [[lead for lead in leads if rng.random() < share] for leads, share in zip(days, kept, strict=True)]
    hours: dict[str, list[float]] = {"all": []}
    for lead in (lead for leads in days for lead in leads):
        hour = (lead.created_ms - start) / HOUR_MS
        hours.setdefault(lead.channel, []).append(hour)
        hours["all"].append(hour)
    return Account(
        n_days, np.array([len(leads) for leads in days]), {key: np.array(times) for key, times in hours.items()}
    )


def signals_as_they_came(
    counts: npt.NDArray[np.int64], most: int, kinds: npt.NDArray[np.int64]
) -> list[tuple[int, str]]:
    """(place, signal) of each period that signalled when it was the newest one; a run tells once, when it begins."""
    told: list[tuple[int, str]] = []
    before = ""
    for place in range(LEAST_PERIODS - 1, len(counts)):
        first = max(0, place + 1 - most)
        span = slice(first, place + 1)
        signal = str(xmr(counts[span], kinds[span], np.ones(place + 1 - first, bool)).signal[-1])
        if signal and not (signal.startswith("run") and signal == before):
            told.append((place, signal))
        before = signal
    return told


def weekdays(n_days: int) -> npt.NDArray[np.int64]:
    """Monday is 0."""
    return (date.fromordinal(FIRST_DAY).weekday() + np.arange(n_days)) % 7


def silences_as_they_came(one: Account) -> list[tuple[str, float, float, float]]:
    """(channel, last lead, next lead, when it was told) of each pause that was called a silence, in hours."""
    n_hours = one.n_days * 24
    hour = np.arange(n_hours)
    hour_of_week = (date.fromordinal(FIRST_DAY).weekday() * 24 + hour) % 168
    by_hour = {key: np.bincount(times.astype(int), minlength=n_hours) for key, times in one.hours.items()}
    told = []
    for key, times in one.hours.items():
        # Within a day the rhythm hardly changes; learning it once a day makes the replay of a year affordable.
        usual_on: dict[int, Rhythm] = {}
        for last, following in pairwise(times):
            end = int(last)
            day = end // 24
            first = max(0, day - DAYS_OF_HISTORY) * 24
            if end - first < LEAST_DAYS * 24 or by_hour[key][first:end].sum() < LEAST_LEADS:
                continue
            if day not in usual_on:
                past = slice(first, end)
                found = rhythm(
                    by_hour[key][past], by_hour["all"][past], np.ones(end - first), hour_of_week[past], hour[past] // 24
                )
                usual_on = {day: found}
            usual = usual_on[day]
            span = np.arange(int(last), int(following) + 1)
            lengths = np.minimum(span + 1, following) - np.maximum(span, last)
            expected = np.cumsum(usual.rates[hour_of_week[span]] * lengths)
            if verdict(usual.chance(expected[-1]), usual.chance_in_a_month(expected[-1])) != "silent":
                continue
            at = next(
                float(when + 1)
                for when, m in zip(span, expected, strict=True)
                if verdict(usual.chance(m), usual.chance_in_a_month(m)) == "silent"
            )
            told.append((key, float(last), float(following), min(at, float(following))))
    return told


@dataclass
class Tally:
    """What was told over some accounts, and of what."""

    months: float = 0
    false_days: int = 0
    false_weeks: int = 0
    false_silences: int = 0
    outages: int = 0
    found: int = 0
    hours_to_tell: list[float] = field(default_factory=list)

    def add(self, one: Account) -> None:
        """Replays one account. What is told on days with a planted event is true, all else false."""
        self.months += one.n_days / 30
        events = one.events
        told = signals_as_they_came(one.day_counts, MOST_DAYS, weekdays(one.n_days))
        self.false_days += sum(not events[place] for place, _ in told)
        n_weeks = one.n_days // 7
        weeks = one.day_counts[: n_weeks * 7].reshape(n_weeks, 7).sum(axis=1)
        eventful = events[: n_weeks * 7].reshape(n_weeks, 7).any(axis=1)
        told = signals_as_they_came(weeks, MOST_WEEKS, np.zeros(n_weeks, dtype=np.int64))
        self.false_weeks += sum(not eventful[place] for place, _ in told)
        silences = silences_as_they_came(one)
        self.outages += len(one.outages)
        for begin, end in one.outages:
            hours = [at - begin for _, last, following, at in silences if last < end and following > begin]
            self.found += bool(hours)
            self.hours_to_tell += [min(hours)] if hours else []
        self.false_silences += sum(
            not any(last < end and following > begin for begin, end in one.outages)
            for _, last, following, _ in silences
        )

    @property
    def false_a_month(self) -> float:
        """False alarms of all kinds per account and month."""
        return (self.false_days + self.false_weeks + self.false_silences) / self.months

    def __str__(self) -> str:
        kinds = (("days", self.false_days), ("weeks", self.false_weeks), ("silences", self.false_silences))
        parts = [f"{name} {n / self.months:.2f}" for name, n in kinds]
        late = float(np.mean(self.hours_to_tell)) if self.hours_to_tell else float("nan")
        return (
            f"{self.months:.0f} months: false a month {self.false_a_month:.2f} ({', '.join(parts)}); "
            f"outages found {self.found} of {self.outages}, after {late:.1f} h"
        )
