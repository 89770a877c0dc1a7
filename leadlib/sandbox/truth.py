"""The planted truth: every lead the double will ever show, as a pure function of seed, size and clock."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from leadlib.sandbox import rhythm
from leadlib.sandbox.brokerage import (
    AUTO_RESPONDER_SEAT,
    IGNORED_LISTING,
    QUIET_SEAT,
    Agent,
    Brokerage,
    Developer,
    Listing,
    Project,
)
from leadlib.sandbox.clock import Clock, from_ms, three_months_before, to_ms
from leadlib.sandbox.lead import Lead
from leadlib.sandbox.planting import Planter

DAYS_BACK: Final = 100
DAYS_AHEAD: Final = 3


class Truth:
    """What really happens at the brokerage; what the portal answers is a view of this.

    Leads are planted per Dubai day and extended when an instant outside the planted days is asked for, so the same
    seed and size give the same leads on any clock. An instant sees the leads created in the three calendar months
    before it, both ends included. Safe to use from several threads.
    """

    def __init__(self, seed: int, n_leads: int, clock: Clock) -> None:
        self.clock = clock
        self.brokerage = Brokerage(seed)
        self._planter = Planter(self.brokerage, n_leads)
        self._lock = threading.Lock()
        self._first_day = self._end_day = 0
        # One pair, replaced as a whole: a reader in another thread never sees the one without the other.
        self._rows: tuple[list[Lead], list[int]] = ([], [])
        self._by_id: dict[str, Lead] = {}
        self._cover_clock()

    @property
    def agents(self) -> tuple[Agent, ...]:
        """`agents_at` the clock."""
        return self.agents_at(self.clock.now())

    @property
    def listings(self) -> tuple[Listing, ...]:
        return self.brokerage.listings

    @property
    def projects(self) -> tuple[Project, ...]:
        return self.brokerage.projects

    @property
    def developers(self) -> tuple[Developer, ...]:
        return self.brokerage.developers

    @property
    def leads(self) -> Sequence[Lead]:
        """Every lead planted so far, oldest first, those outside the window and in the future included."""
        self._cover_clock()
        return self._rows[0]

    @property
    def quiet_agent(self) -> Agent:
        """The agent with about seven leads a quarter."""
        return self.brokerage.agent(QUIET_SEAT, rhythm.SEASON_ZERO)

    @property
    def auto_responder(self) -> Agent:
        """The agent whose WhatsApp answers by itself."""
        return self.brokerage.agent(AUTO_RESPONDER_SEAT, rhythm.SEASON_ZERO)

    @property
    def ignored_listing(self) -> Listing:
        """The popular listing that is hardly ever answered."""
        return self.brokerage.listings[IGNORED_LISTING]

    def agents_at(self, at: datetime) -> tuple[Agent, ...]:
        """Everybody who worked here in the 100 days before `at`, with `active` as of then, by id."""
        day = rhythm.day_of_ms(to_ms(at))
        today = date.fromordinal(day)
        return tuple(
            replace(agent, active=agent.left_on is None or today < agent.left_on)
            for agent in self.brokerage.agents_between(day - DAYS_BACK, day)
        )

    def lead(self, lead_id: str) -> Lead | None:
        """The lead with an id; None when no planted day has it."""
        self._cover_clock()
        return self._by_id.get(lead_id)

    def visible(self, at: datetime) -> Sequence[Lead]:
        """The leads that the portal shows at `at`, oldest first."""
        leads, low, high = self.span(to_ms(three_months_before(at)), to_ms(at))
        return leads[low:high]

    def lead_ids(self, at: datetime) -> frozenset[str]:
        """The ids of `visible`."""
        return frozenset(lead.id for lead in self.visible(at))

    def expected_response_rate(self, agent_id: int | None, at: datetime) -> float | None:
        """The mean planted propensity of an agent's visible leads (None: the unassigned); None without leads.

        This is what a response rate estimates once every lead has had time; the agent's own propensities differ from
        it by his mix of channels and by the listing nobody answers.
        """
        planted = [lead.propensity for lead in self.visible(at) if lead.agent_id == agent_id]
        return sum(planted) / len(planted) if planted else None

    def outages(self, at: datetime) -> tuple[tuple[datetime, datetime], ...]:
        """Begin and end (not included) of the portal's outages inside the window at `at`."""
        low, high = to_ms(three_months_before(at)), to_ms(at)
        spans = (rhythm.outage_ms(season) for season in self._seasons(at))
        return tuple((from_ms(begin), from_ms(end)) for begin, end in spans if low <= begin and end <= high)

    def campaigns(self, at: datetime) -> tuple[tuple[Project, date, date], ...]:
        """(project, first and last Dubai day) of the campaigns that lie wholly inside the window at `at`."""
        first, last = rhythm.day_of_ms(to_ms(three_months_before(at))), rhythm.day_of_ms(to_ms(at))
        found = []
        for season in self._seasons(at):
            days = rhythm.campaign_days(season)
            if first < days[0] and days[-1] < last:
                project = self.projects[self._planter.campaign_project(season)]
                found.append((project, date.fromordinal(days[0]), date.fromordinal(days[-1])))
        return tuple(found)

    def rainy_days(self, at: datetime) -> tuple[date, ...]:
        """The Dubai days with about 40 % of the usual leads, inside the window at `at`."""
        first, last = rhythm.day_of_ms(to_ms(three_months_before(at))), rhythm.day_of_ms(to_ms(at))
        days = (rhythm.SEASON_ZERO + season * rhythm.SEASON_DAYS + rhythm.RAIN_DAY for season in self._seasons(at))
        return tuple(date.fromordinal(day) for day in days if first < day < last)

    def span(self, low_ms: int, high_ms: int) -> tuple[Sequence[Lead], int, int]:
        """All planted leads, oldest first, and the slice of them created between two instants, both included.

        Both ends are planted first. Nothing is copied, so a page can be cut from a large slice.
        """
        self._cover(low_ms, high_ms)
        leads, created = self._rows
        return leads, bisect_left(created, low_ms), bisect_right(created, high_ms)

    def _seasons(self, at: datetime) -> range:
        day = rhythm.day_of_ms(to_ms(at))
        return range(rhythm.season_of(day - DAYS_BACK)[0], rhythm.season_of(day)[0] + 1)

    def _cover_clock(self) -> None:
        now = self.clock.now()
        self._cover(to_ms(now - timedelta(days=DAYS_BACK)), to_ms(now + timedelta(days=DAYS_AHEAD)))

    def _cover(self, low_ms: int, high_ms: int) -> None:
        """Plant the days that hold the instants, and all between them and those planted before."""
        first = rhythm.day_of_ms(low_ms)
        end = rhythm.day_of_ms(high_ms) + 1
        if self._first_day <= first and end <= self._end_day:
            return
        with self._lock:
            if not self._rows[0]:
                self._first_day = self._end_day = first
            earlier = self._planted(first, self._first_day)
            later = self._planted(self._end_day, end)
            leads = earlier + self._rows[0] + later
            self._rows = leads, [lead.created_ms for lead in leads]
            self._by_id.update((lead.id, lead) for lead in earlier + later)
            self._first_day = min(self._first_day, first)
            self._end_day = max(self._end_day, end)

    def _planted(self, first_day: int, end_day: int) -> list[Lead]:
        leads: list[Lead] = []
        for day in range(first_day, end_day):
            leads.extend(self._planter.day(day))
        return leads
