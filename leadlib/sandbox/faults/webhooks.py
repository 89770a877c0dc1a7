"""Faults of the deliveries: the portal promises at least once and no order, and says little else."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Final

from leadlib.sandbox.faults.base import Event, Fault, Option, fault

_TIMES: Final = Option(2, 2, 100)


@fault("webhook-duplicates", "Every event is delivered twice.", times=_TIMES)
class _Duplicates(Fault):
    def change_events(self, events: list[Event], old_event: Callable[[], Event | None]) -> list[Event]:
        return [event for event in events for _ in range(self.options["times"])]


@fault("webhook-disorder", "Events come in any order, and every second one a turn later than it should.")
class _Disorder(Fault):
    held: list[Event] | None = None

    def change_events(self, events: list[Event], old_event: Callable[[], Event | None]) -> list[Event]:
        due = [*(self.held or []), *events[::2]]
        self.held = events[1::2]
        self.rng.shuffle(due)
        return due


@fault("webhook-replay", "With every 2nd event comes one that is a month old.", every=Option(2, 1, 1_000_000))
class _Replay(Fault):
    def change_events(self, events: list[Event], old_event: Callable[[], Event | None]) -> list[Event]:
        old = [event for _ in events if self.is_its_turn() and (event := old_event()) is not None]
        return [*old, *events]


@fault("webhook-ids", "A subscription's id has a suffix, and its createdAt is a time as Go prints it.")
class _Ids(Fault):
    def change_subscription(self, subscription: dict[str, str]) -> None:
        subscription["eventId"] += f"_{uuid.UUID(int=self.rng.getrandbits(128))}"
        subscription["createdAt"] = subscription["createdAt"][:19].replace("T", " ") + ".123456789 +0000 UTC"
