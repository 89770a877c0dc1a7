"""Faults of a brokerage that does not stand still: leads come, go, change and arrive late while somebody reads."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Final

from leadlib.sandbox.faults.base import Call, Fault, Option, fault
from leadlib.sandbox.lead import Lead
from leadlib.sandbox.people import mixed

if TYPE_CHECKING:
    from leadlib.sandbox.truth import Truth

_OFTEN: Final = Option(10, 1, 1_000_000)
_HOUR_MS: Final = 3_600_000


class _Living(Fault):
    """A fault that keeps the truth, to change it between calls."""

    truth: Truth

    def plant(self, truth: Truth) -> None:
        self.truth = truth


@fault("inserts", "Before every 10th call for leads a new lead comes in, created at that second.", every=_OFTEN)
class _Inserts(_Living):
    """On a clock held still all of them share one second, unless `call_takes_s` moves it."""

    def before_data(self, call: Call) -> None:
        if call.is_for_leads and self.is_its_turn():
            self.truth.insert(call.at)


@fault("deletes", "Before every 10th call for leads a lead of the window vanishes for good.", every=_OFTEN)
class _Deletes(_Living):
    def before_data(self, call: Call) -> None:
        if call.is_for_leads and self.is_its_turn() and (leads := self.truth.visible(call.at)):
            self.truth.delete(self.rng.choice(leads).id, call.at)


@fault(
    "moving-sort",
    "Leads come by their last change of status, newest first; before every 2nd call for leads 3 change theirs.",
    every=Option(2, 1, 1_000_000),
    leads=Option(3, 0, 1000),
)
class _MovingSort(_Living):
    is_reordering = True

    def before_data(self, call: Call) -> None:
        if not call.is_for_leads or not self.is_its_turn():
            return
        if leads := self.truth.visible(call.at):
            for _ in range(self.options["leads"]):
                self.truth.advance(self.rng.choice(leads).id, call.at)

    def order_key(self, key_ms: float, lead: Lead, at_ms: int) -> float:
        for ms in (lead.archived_ms, lead.responded_ms, lead.opened_ms, lead.delivered_ms):
            if ms is not None and ms <= at_ms:
                return ms
        return key_ms


@fault("random-ties", "Leads of the same second come in another order on every call.")
class _RandomTies(Fault):
    is_reordering = True

    def order_key(self, key_ms: float, lead: Lead, at_ms: int) -> float:
        return key_ms // 1000 * 1000 + self.rng.random() * 999


class _SameSecond(Fault):
    n_leads: ClassVar[int]

    def plant(self, truth: Truth) -> None:
        second = truth.clock.now().replace(microsecond=0) - timedelta(days=self.options["days"])
        # Two stamps in three carry no milliseconds, as with the rest of the leads.
        fractions = [self.rng.randrange(1000) if place % 3 == 0 else 0 for place in range(self.n_leads)]
        truth.plant([second + timedelta(milliseconds=ms) for ms in sorted(fractions)])


@fault("same-second-60", "60 more leads were created within one second, 10 days back.", days=Option(10, 0, 80))
class _SameSecond60(_SameSecond):
    n_leads = 60


@fault("same-second-500", "500 more leads were created within one second, 12 days back.", days=Option(12, 0, 80))
class _SameSecond500(_SameSecond):
    n_leads = 500


@fault(
    "late-lead",
    "One lead in 200 first shows long after its createdAt: one half 30 hours later, the other 20 days.",
    every=Option(200, 1, 1_000_000),
    hours=Option(30, 1, 2000),
    longer_hours=Option(480, 1, 2000),
)
class _LateLead(Fault):
    def appears_ms(self, lead: Lead) -> int | None:
        die = mixed(lead.number, 31)
        if die % self.options["every"]:
            return None
        hours = self.options["longer_hours" if die >> 40 & 1 else "hours"]
        return lead.created_ms + hours * _HOUR_MS
