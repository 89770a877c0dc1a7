"""The leads of one Dubai day: a function of the seed, the size of the house and the day, and of nothing else."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Final

from leadlib.sandbox import rhythm
from leadlib.sandbox.brokerage import CHANNEL_MIX, IGNORED_LISTING, N_SEATS, QUIET_SEAT, Agent, Brokerage
from leadlib.sandbox.lead import Lead

WINDOW_DAYS: Final = 91.5
QUIET_EVERY_DAYS: Final = 13
"""The quiet agent gets one lead every 13th day: seven in a quarter in a house of any size, if it has leads at all."""

_NUMBERS_PER_DAY: Final = 100_000
_FIRST_NUMBERED_DAY: Final = 737_000
_FIRST_EXTRA_NUMBER: Final = 10**12
_CHANNELS: Final = tuple(CHANNEL_MIX)
_LISTING_MIX: Final = tuple(itertools.accumulate((53.5, 28.0, 11.5, 7.0)))
_PROJECT_MIX: Final = tuple(itertools.accumulate((44.0, 19.0, 30.0, 7.0)))
_ENTITIES: Final = ("listing", "project", "publicProfile", "developer", "company")
_ENTITY_MIX: Final = tuple(itertools.accumulate((82.5, 8.0, 6.5, 1.5, 1.5)))
_UNASSIGNED_SHARES: Final = {"listing": 0.006, "project": 0.2, "publicProfile": 0.0, "developer": 0.25, "company": 0.2}
_UNASSIGNED_PROPENSITY: Final = 0.12
_IGNORED_FACTOR: Final = 0.1
_PROJECT_SEATS: Final = (1, 4, 8, 13, 19, 20)
_MINUTE_MS: Final = 60_000
_LONGEST_DELAY_MS: Final = 30 * rhythm.DAY_MS
_SHORTEST_DELAY_MS: Final = 40_000
_AUTO_FROM_MS, _AUTO_WITHIN_MS = 5_000, 50_000
_UNASSIGNED_MEDIAN_MIN, _UNASSIGNED_SIGMA = 240.0, 1.0
_BEFORE_AUTOMATIC: Final = timedelta(seconds=1)
_DELIVERED, _OPENED_OF_DELIVERED = 0.94, 0.62
_OPENED_IDLY: Final = _DELIVERED * _OPENED_OF_DELIVERED
"""The share of the messages without an answer that somebody opens all the same."""
_IDLE_MEDIAN_MIN, _IDLE_SIGMA = 300.0, 1.5
_OPENED_FROM, _OPENED_WITHIN = 0.75, 0.24
"""An answered message is opened after this part of its delay at the earliest, and within that much more of it."""
_N_PARTS: Final = 16
_PARTS_UNTIL_OPENED: Final = tuple(_OPENED_FROM + _OPENED_WITHIN * (k + 0.5) / _N_PARTS for k in range(_N_PARTS))


class Planter:
    """Plants days, in any order, each the same whenever and wherever it is planted."""

    def __init__(self, brokerage: Brokerage, n_leads: int) -> None:
        self._brokerage = brokerage
        self._per_day = n_leads / WINDOW_DAYS
        self._people_per_day = math.ceil(self._per_day * 4) + 20
        self._listing_weights = tuple(itertools.accumulate(listing.weight for listing in brokerage.listings))
        n_projects = len(brokerage.projects)
        self._project_weights = tuple(itertools.accumulate(9 / (place + 3) for place in range(n_projects)))
        self._count = lru_cache(maxsize=4096)(self._draw_count)

    def campaign_project(self, season: int) -> int:
        """The place in the list of the project that a season's campaign is for."""
        return (season * 4 + 2) % len(self._brokerage.projects)

    def day(self, day: int) -> list[Lead]:
        """The leads of a Dubai day, oldest first."""
        rng = random.Random(f"{self._brokerage.seed}:{day}")
        season, place = rhythm.season_of(day)
        extra = rhythm.campaign_factor(day)
        campaign_share = extra / (extra + rhythm.ordinary_factor(day))
        outage = rhythm.outage_ms(season) if place == rhythm.OUTAGE_DAY else (0, 0)
        agents = [self._brokerage.agent(seat, day) for seat in range(N_SEATS)]
        leads = []
        for k, (created_ms, is_quiet) in enumerate(self._times(rng, day)):
            if outage[0] <= created_ms < outage[1]:
                continue
            leads.append(self._lead(rng, day, season, k, created_ms, is_quiet, campaign_share, agents))
        return leads

    def lead_beside(self, created_ms: int, place: int) -> Lead:
        """A lead beside the planned ones, the `place`-th of them, from somebody new."""
        rng = random.Random(f"{self._brokerage.seed}:extra:{place}")
        day = rhythm.day_of_ms(created_ms)
        agents = [self._brokerage.agent(seat, day) for seat in range(N_SEATS)]
        lead = self._lead(rng, day, rhythm.season_of(day)[0], 0, created_ms, False, 0.0, agents)
        number = _FIRST_EXTRA_NUMBER + place
        lead_id = f"{'call' if lead.channel == 'call' else 'message'}_lead_{number}"
        return replace(lead, number=number, id=lead_id, person=number)

    def _times(self, rng: random.Random, day: int) -> list[tuple[int, bool]]:
        """(created at, whether it is the quiet agent's) of a day, oldest first."""
        start = rhythm.day_start_ms(day)
        weights = rhythm.WEEKEND_HOURS if rhythm.is_weekend(day) else rhythm.WORKDAY_HOURS
        times = []
        for hour in rng.choices(range(24), cum_weights=weights, k=self._count(day)):
            ms = start + hour * rhythm.HOUR_MS + int(rng.random() * rhythm.HOUR_MS)
            # Two stamps in three carry no milliseconds.
            times.append((ms if ms % 3 == 0 else ms - ms % 1000, False))
        if day % QUIET_EVERY_DAYS == 4 and self._per_day > 0:
            times.append((start + 10 * rhythm.HOUR_MS + int(rng.random() * 8 * 3600) * 1000, True))
        times.sort()
        return times

    def _draw_count(self, day: int) -> int:
        rng = random.Random(f"{self._brokerage.seed}:{day}:count")
        mean = self._per_day * (rhythm.ordinary_factor(day) + rhythm.campaign_factor(day))
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))

    def _lead(
        self,
        rng: random.Random,
        day: int,
        season: int,
        k: int,
        created_ms: int,
        is_quiet: bool,
        campaign_share: float,
        agents: list[Agent],
    ) -> Lead:
        brokerage = self._brokerage
        agent: Agent | None = None
        listing = project = developer = None
        is_from_campaign = not is_quiet and rng.random() < campaign_share
        if is_quiet:
            entity = "publicProfile"
            agent = agents[QUIET_SEAT]
        elif is_from_campaign:
            entity = "project"
            project = brokerage.projects[self.campaign_project(season)]
        else:
            entity = rng.choices(_ENTITIES, cum_weights=_ENTITY_MIX)[0]
            if entity == "project":
                project = rng.choices(brokerage.projects, cum_weights=self._project_weights)[0]
        if entity == "listing":
            listing = rng.choices(brokerage.listings, cum_weights=self._listing_weights)[0]
            agent = agents[listing.seat]
        elif project is not None:
            developer = project.developer
            agent = agents[_PROJECT_SEATS[int(rng.random() * len(_PROJECT_SEATS))]]
        elif agent is None:
            if entity == "developer":
                developer = brokerage.developers[int(rng.random() * len(brokerage.developers))]
            agent = agents[int(rng.random() * QUIET_SEAT)]
        if rng.random() < _UNASSIGNED_SHARES[entity] and not is_quiet:
            agent = None
        channel = rng.choices(_CHANNELS, cum_weights=_PROJECT_MIX if entity == "project" else _LISTING_MIX)[0]
        propensity = _UNASSIGNED_PROPENSITY if agent is None else agent.propensities[channel]
        if listing is not None and listing is brokerage.listings[IGNORED_LISTING]:
            propensity *= _IGNORED_FACTOR
        if listing is not None and rng.random() < 0.008:
            # A lead on a listing that the portal no longer names.
            listing = None
        if channel == "call":
            fate = _call_fate(rng, created_ms, propensity)
        else:
            fate = _message_fate(rng, created_ms, channel, propensity, agent)
        delivered_ms, opened_ms, responded_ms, talk_s, wait_s = fate
        archived_ms = None
        if rng.random() < (0.013 if responded_ms is not None else 0.075):
            latest = max(ms or 0 for ms in (created_ms, opened_ms, responded_ms))
            archived_ms = latest + int((2 + 18 * rng.random()) * rhythm.DAY_MS)
        number = (day - _FIRST_NUMBERED_DAY) * _NUMBERS_PER_DAY + k
        return Lead(
            number, f"{'call' if channel == 'call' else 'message'}_lead_{number}", created_ms, channel, entity,
            None if agent is None else agent.id, listing, project, developer, self._person(rng, day, k),
            is_from_campaign, propensity, delivered_ms, opened_ms, responded_ms, archived_ms, talk_s, wait_s,
        )  # fmt: skip

    def _person(self, rng: random.Random, day: int, k: int) -> int:
        """Who sent the day's k-th lead: one in six is somebody who wrote in the three weeks before.

        Every fourth lead is always somebody new, so that a returning sender can be named without planting the other
        day: any day's every fourth number is a real first-time sender.
        """
        if k % 4 and rng.random() < 0.29:
            other = day - int(rng.random() ** 2 * 21)
            n_new = (self._count(other) + 3) // 4
            if other != day and n_new:
                return other * self._people_per_day + 4 * int(rng.random() * n_new)
        return day * self._people_per_day + k


_Fate = tuple[int | None, int | None, int | None, int, int]


def _call_fate(rng: random.Random, created_ms: int, propensity: float) -> _Fate:
    if rng.random() < propensity:
        return created_ms, created_ms, created_ms, 15 + int(rng.expovariate(1 / 150)), 3 + int(rng.random() * 22)
    if rng.random() < 0.3:
        return created_ms, None, None, 0, 20 + int(rng.random() * 15)
    return None, None, None, 0, 8 + int(rng.random() * 35)


def _message_fate(rng: random.Random, created_ms: int, channel: str, propensity: float, agent: Agent | None) -> _Fate:
    is_answered = rng.random() < propensity
    if is_answered and _is_automatic(channel, agent):
        after = _AUTO_FROM_MS + int(rng.random() * _AUTO_WITHIN_MS)
        return created_ms + 1_000, created_ms + after - 1_000, created_ms + after, 0, 0
    delivered_ms = created_ms + 1_000 + int(rng.random() * 29_000) if rng.random() < _DELIVERED else None
    if is_answered:
        median, sigma = _delay_of(channel, agent)
        after = min(int(median * _MINUTE_MS * math.exp(rng.gauss(0, sigma))), _LONGEST_DELAY_MS)
        after = max(after, _SHORTEST_DELAY_MS)
        opened_ms = created_ms + int(after * (_OPENED_FROM + _OPENED_WITHIN * rng.random()))
        return delivered_ms or created_ms + 1_000, opened_ms, created_ms + after, 0, 0
    if delivered_ms is not None and rng.random() < _OPENED_OF_DELIVERED:
        after = min(int(_IDLE_MEDIAN_MIN * _MINUTE_MS * math.exp(rng.gauss(0, _IDLE_SIGMA))), _LONGEST_DELAY_MS)
        return delivered_ms, max(delivered_ms, created_ms + after), None, 0, 0
    return delivered_ms, None, None, 0, 0


def share_of_answers_by(channel: str, agent: Agent | None, age: timedelta) -> float:
    """The planted share of an agent's answers on a channel that have come by an age; None stands for nobody's leads.

    That is of the habits, not of what became of single leads.
    """
    if channel == "call":
        return 1.0
    age_ms = age / timedelta(milliseconds=1)
    if _is_automatic(channel, agent):
        return min(max((age_ms - _AUTO_FROM_MS) / _AUTO_WITHIN_MS, 0.0), 1.0)
    if not _SHORTEST_DELAY_MS <= age_ms < _LONGEST_DELAY_MS:
        return float(age_ms >= _LONGEST_DELAY_MS)
    median, sigma = _delay_of(channel, agent)
    return (1 + math.erf(math.log(age_ms / (median * _MINUTE_MS)) / sigma / math.sqrt(2))) / 2


def share_opened_by(channel: str, agent: Agent | None, propensity: float, age: timedelta) -> float:
    """The planted share of such leads that are opened by an age, answered or not. Calls have no opening to wait for."""
    if _is_automatic(channel, agent):
        answered = share_of_answers_by(channel, agent, age + _BEFORE_AUTOMATIC)
    else:
        answered = sum(share_of_answers_by(channel, agent, age / part) for part in _PARTS_UNTIL_OPENED) / _N_PARTS
    minutes = max(age / timedelta(minutes=1), 1e-9)
    idly = (1 + math.erf(math.log(minutes / _IDLE_MEDIAN_MIN) / _IDLE_SIGMA / math.sqrt(2))) / 2
    return propensity * answered + (1 - propensity) * _OPENED_IDLY * idly


def shares_answered_after_opening(
    channel: str, agent: Agent | None, propensity: float, age: timedelta
) -> tuple[float, float]:
    """The planted shares of such leads that are answered within an age after they were opened, and opened at all."""
    if _is_automatic(channel, agent):
        answered = float(age >= _BEFORE_AUTOMATIC)
    else:
        parts = [1 - part for part in _PARTS_UNTIL_OPENED]
        answered = sum(share_of_answers_by(channel, agent, age / part) for part in parts) / _N_PARTS
    return propensity * answered, propensity + (1 - propensity) * _OPENED_IDLY


def share_on_channel(channel: str, entity_type: str) -> float:
    """The planted share of the leads about a kind of thing that come by a channel."""
    up_to = (0.0, *(_PROJECT_MIX if entity_type == "project" else _LISTING_MIX))
    place = _CHANNELS.index(channel)
    return (up_to[place + 1] - up_to[place]) / up_to[-1]


def _is_automatic(channel: str, agent: Agent | None) -> bool:
    return agent is not None and agent.is_auto_responder and channel == "whatsapp"


def _delay_of(channel: str, agent: Agent | None) -> tuple[float, float]:
    """The median delay in minutes of the answers that come, and the spread of its logarithm."""
    if agent is None:
        return _UNASSIGNED_MEDIAN_MIN, _UNASSIGNED_SIGMA
    return agent.median_delays[channel], agent.delay_sigma
