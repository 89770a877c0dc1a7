"""The planted truth: every lead the double will ever show, as a pure function of seed, size and clock."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
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
from leadlib.sandbox.planting import (
    Planter,
    share_of_answers_by,
    share_on_channel,
    share_opened_by,
    shares_answered_after_opening,
)
from leadlib.sandbox.presence import Presence

DAYS_BACK: Final = 100
DAYS_AHEAD: Final = 3


@dataclass(frozen=True, slots=True)
class Rules:
    """What faults may decide: the oldest createdAt on show, when a lead first shows, by which id a reader knows it."""

    window_start: Callable[[datetime], datetime] = three_months_before
    appears_ms: Callable[[Lead], int | None] = lambda lead: None
    readable_id: Callable[[Lead], str | None] = lambda lead: lead.id


_PLAIN_RULES: Final = Rules()


class Truth:
    """What really happens at the brokerage; what the portal answers is a view of this.

    Leads are planted per Dubai day and extended when an instant outside the planted days is asked for, so the same
    seed and size give the same leads on any clock. An instant sees the leads created in the three calendar months
    before it, both ends included, but for those that come late or have vanished. Safe to use from several threads.
    """

    def __init__(self, seed: int, n_leads: int, clock: Clock, rules: Rules = _PLAIN_RULES) -> None:
        self.clock = clock
        self.brokerage = Brokerage(seed)
        self._rules = rules
        self._planter = Planter(self.brokerage, n_leads)
        self._lock = threading.Lock()
        self._days: range | None = None
        self._presence = Presence()
        self._places = itertools.count()
        self._cover_clock()

    @property
    def version(self) -> int:
        """Counts the changes that no clock makes: while it stands, an instant always sees the same."""
        return self._presence.version

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
        """Every lead planted so far, oldest first: those outside the window, late, vanished or to come included."""
        self._cover_clock()
        return self._presence.rows.leads

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
        return self._presence.lead(lead_id)

    def window_start(self, at: datetime) -> datetime:
        """The oldest createdAt that the portal shows at `at`."""
        return self._rules.window_start(at)

    def readable_id(self, lead: Lead) -> str | None:
        """The id by which a reader of the portal's rows knows a lead; None: its row is no lead."""
        return self._rules.readable_id(lead)

    def visible(self, at: datetime) -> Sequence[Lead]:
        """The leads that the portal shows at `at`, oldest first."""
        leads, low, high = self.span(to_ms(self.window_start(at)), to_ms(at), to_ms(at))
        return leads[low:high]

    def visible_throughout(
        self, first_at: datetime, last_at: datetime, created_from: datetime, created_to: datetime
    ) -> set[str]:
        """The ids of the leads created in a span, both ends included, that every call of a stretch of time could see.

        The stretch is by the portal's clock, and whoever read the whole span in it must have these. Rows that are no
        leads are left out, and the id is the one on the wire. What comes in or vanishes in the very second of
        `first_at` or `last_at` is left out too: with a clock that is never moved, all that ever did.
        """
        first_ms, last_ms = (to_ms(at.replace(microsecond=0)) for at in (first_at, last_at))
        low_ms = max(to_ms(self.window_start(from_ms(last_ms))), to_ms(created_from))
        high_ms = min(first_ms, to_ms(created_to))
        if low_ms > high_ms:
            return set()
        leads, low, high = self.span(low_ms, high_ms, last_ms)
        there = (lead for lead in leads[low:high] if self._presence.is_there_throughout(lead, first_ms, last_ms))
        return {lead_id for lead in there if (lead_id := self.readable_id(lead)) is not None}

    def plant(self, created: Iterable[datetime]) -> Sequence[Lead]:
        """Further leads, there from their creation on."""
        leads = [self._planter.lead_beside(to_ms(at), next(self._places)) for at in created]
        for lead in leads:
            self._cover(lead.created_ms, lead.created_ms)
        self._presence.add(leads)
        return leads

    def insert(self, at: datetime) -> Lead:
        """A new lead, created at `at`, and there for those who look from now on."""
        (lead,) = self.plant([at])
        self._presence.stay(lead, from_ms=lead.created_ms)
        return lead

    def delete(self, lead_id: str, at: datetime) -> None:
        """Make a lead vanish for good at `at`. Raises KeyError for an id that nobody has."""
        self._presence.stay(self._known(lead_id), until_ms=to_ms(at))

    def advance(self, lead_id: str, at: datetime) -> bool:
        """Move a lead's status one stage on at `at`; False when it is archived. Raises KeyError for an unknown id."""
        lead = self._known(lead_id)
        advanced = lead.advanced(to_ms(at))
        if advanced is not None:
            self._presence.swap(lead, advanced)
        return advanced is not None

    def lead_ids(self, at: datetime) -> frozenset[str]:
        """The ids of `visible`."""
        return frozenset(lead.id for lead in self.visible(at))

    def expected_response_rate(self, agent_id: int | None, at: datetime) -> float | None:
        """The mean planted propensity of an agent's visible leads (None: the unassigned); None without leads.

        This is what a response rate estimates once every lead has had time; the agent's own propensities differ from
        it by his mix of channels and by the listing nobody answers.
        """
        return self.expected_share_answered(lead for lead in self.visible(at) if lead.agent_id == agent_id)

    def expected_share_answered(self, leads: Iterable[Lead], age: timedelta | None = None) -> float | None:
        """The mean probability, by the planted habits, with which `leads` are ever answered; None without leads.

        With `age`, the one with which they are answered at that age or before. What became of them has no say.
        """
        by_id: dict[int | None, Agent | None] = {agent.id: agent for agent in self.agents}
        total, n_leads = 0.0, 0
        by_now: dict[tuple[int | None, str], float] = {}
        for lead in leads:
            kind = (lead.agent_id, lead.channel)
            if age is not None and kind not in by_now:
                by_now[kind] = share_of_answers_by(lead.channel, by_id.get(lead.agent_id), age)
            total += lead.propensity * by_now.get(kind, 1.0)
            n_leads += 1
        return total / n_leads if n_leads else None

    def expected_share_opened(self, leads: Iterable[Lead], age: timedelta) -> float | None:
        """The mean probability, by the planted habits, with which `leads` are opened by an age; None without leads."""
        habits = self._habits(leads)
        opened = sum(n * share_opened_by(*habit, age) for habit, n in habits)
        return opened / sum(n for _, n in habits) if habits else None

    def expected_share_answered_after_opening(self, leads: Iterable[Lead], age: timedelta) -> float | None:
        """The share of those of `leads` that are ever opened that are answered within an age after it; None of none."""
        answered, opened = 0.0, 0.0
        for habit, n in self._habits(leads):
            in_time, ever = shares_answered_after_opening(*habit, age)
            answered, opened = answered + n * in_time, opened + n * ever
        return answered / opened if opened else None

    def _habits(self, leads: Iterable[Lead]) -> list[tuple[tuple[str, Agent | None, float], int]]:
        """Channel, agent and propensity of leads, each with how many have them."""
        by_id: dict[int | None, Agent | None] = {agent.id: agent for agent in self.agents}
        counted = Counter((lead.channel, lead.agent_id, lead.propensity) for lead in leads)
        return [((channel, by_id.get(key), propensity), n) for (channel, key, propensity), n in counted.items()]

    def expected_share_on(self, channel: str, leads: Sequence[Lead]) -> float:
        """The mean probability with which `leads` come by a channel, given what they are about; 0 without leads."""
        return sum(share_on_channel(channel, lead.entity_type) for lead in leads) / max(len(leads), 1)

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

    def span(self, low_ms: int, high_ms: int, at_ms: int) -> tuple[Sequence[Lead], int, int]:
        """Leads there at an instant, oldest first, and the slice of them created between two others, both included.

        Both ends are planted first. Nothing is copied, so a page can be cut from a large slice. Leads to be created
        after the instant stand among them.
        """
        self._cover(low_ms, high_ms)
        rows = self._presence.at(at_ms)
        return rows.leads, *rows.between(low_ms, high_ms)

    def _known(self, lead_id: str) -> Lead:
        lead = self.lead(lead_id)
        if lead is None:
            raise KeyError(f"no lead has the id {lead_id!r}")
        return lead

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
        if self._days is not None and self._days.start <= first and end <= self._days.stop:
            return
        with self._lock:
            days = self._days or range(first, first)
            self._presence.put(self._planted(first, days.start), self._planted(days.stop, end))
            self._days = range(min(days.start, first), max(days.stop, end))

    def _planted(self, first_day: int, end_day: int) -> list[Lead]:
        leads: list[Lead] = []
        for day in range(first_day, end_day):
            leads.extend(self._planter.day(day))
        for lead in leads:
            if (appears_ms := self._rules.appears_ms(lead)) is not None:
                self._presence.stay(lead, from_ms=appears_ms)
        return leads
