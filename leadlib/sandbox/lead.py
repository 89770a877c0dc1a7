"""One planted lead: what happened to it and when, whether or not the portal's clock has reached it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from leadlib.sandbox.brokerage import Developer, Listing, Project
from leadlib.sandbox.clock import from_ms, to_ms


@dataclass(slots=True, eq=False)
class Lead:
    """A planted lead. Fields are never changed after generation: a lead that takes another
    course is replaced by its `advanced` self.

    Times are milliseconds since 1970 in UTC; None means that it never happens. `channel` and `entity_type` are the
    planted ones: whatsapp, call, email, chat and listing, project, publicProfile, developer, company. `person` numbers
    the sender: equal numbers are the same person. `propensity` is the probability with which the answer was drawn.
    """

    number: int
    id: str
    created_ms: int
    channel: str
    entity_type: str
    agent_id: int | None
    listing: Listing | None
    project: Project | None
    developer: Developer | None
    person: int
    is_from_campaign: bool
    propensity: float
    delivered_ms: int | None
    opened_ms: int | None
    responded_ms: int | None
    archived_ms: int | None
    talk_s: int
    wait_s: int

    @property
    def created_at(self) -> datetime:
        return from_ms(self.created_ms)

    @property
    def responded_at(self) -> datetime | None:
        return None if self.responded_ms is None else from_ms(self.responded_ms)

    @property
    def response_minutes(self) -> float | None:
        """Minutes to the answer; None when the lead is never answered."""
        return None if self.responded_ms is None else (self.responded_ms - self.created_ms) / 60_000

    @property
    def transitions(self) -> tuple[tuple[str, datetime], ...]:
        """(stage, instant at which it is reached) from sent on, in order of time, those yet to come included."""
        reached = [("sent", self.created_ms)]
        for stage, ms in (
            ("delivered", self.delivered_ms),
            ("opened", self.opened_ms),
            ("responded", self.responded_ms),
            ("archived", self.archived_ms),
        ):
            if ms is not None:
                reached.append((stage, ms))
        return tuple((stage, from_ms(ms)) for stage, ms in reached)

    def stage_at(self, at: datetime) -> str:
        """The stage at an instant: sent, delivered, opened, responded or archived."""
        at_ms = to_ms(at)
        if self.archived_ms is not None and self.archived_ms <= at_ms:
            return "archived"
        return self.stage_before_archiving(at_ms)

    def stage_before_archiving(self, at_ms: int) -> str:
        """The rung of the ladder, as if nobody had archived the lead."""
        if self.responded_ms is not None and self.responded_ms <= at_ms:
            return "responded"
        if self.opened_ms is not None and self.opened_ms <= at_ms:
            return "opened"
        if self.delivered_ms is not None and self.delivered_ms <= at_ms:
            return "delivered"
        return "sent"

    def advanced(self, at_ms: int) -> Lead | None:
        """This lead as it would be had it reached its next stage at an instant; None when it is archived by then."""
        stage = self.stage_at(from_ms(at_ms))
        if stage == "archived":
            return None
        if stage == "responded":
            return replace(self, archived_ms=at_ms)
        if stage == "opened":
            return replace(self, responded_ms=at_ms)
        reached_ms = at_ms if self.delivered_ms is None else min(self.delivered_ms, at_ms)
        return replace(self, delivered_ms=reached_ms, opened_ms=at_ms)
