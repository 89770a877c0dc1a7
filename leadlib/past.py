"""The past of the built-in sandbox: what its newcomer would have seen, had the account been connected for some weeks.

Nothing is made up here. The sandbox's clock is put back for a few ordinary syncs, as if Leadlight had polled in its
first days, and the webhook events of all days since go through the code that applies real ones. A real portal cannot be
asked what it was like, so it has no such past.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from leadlib import formats
from leadlib.api import Client
from leadlib.sandbox import SandboxServer
from leadlib.store import Store
from leadlib.sync import Progress, run_sync
from leadlib.webhooks import PER_BATCH, Applier, Delivery

CONNECTED_FOR: Final = timedelta(days=58)
"""How long ago the account of the story was connected: eight weeks, and the days without webhooks before them."""

POLLED_FOR: Final = timedelta(days=2)
"""How long it was polled before the webhooks began."""

LOOK_EVERY: Final = timedelta(hours=3)
_REACH = timedelta(days=2)
_WINDOW = timedelta(days=91)
"""How far back the first look reaches, from today: a portal shows three months, and nothing was planted before them."""

_BEGAN, _ENDED = "past_began_at", "past_ended_at"


class Past:
    """The sandbox's past, put into an empty store in two steps, each once.

    `look_back` comes before the first ordinary sync, because a look that is older than what the store knows tells it
    nothing. `catch_up` may come after it, because events may come in any order.
    """

    def __init__(self, sandbox: SandboxServer, store: Store, client: Client, applier: Applier) -> None:
        self._sandbox = sandbox
        self._store = store
        self._client = client
        self._applier = applier

    @property
    def is_due(self) -> bool:
        """True if nothing was ever read into the store."""
        return self._store.as_of() is None and self.began_at is None

    @property
    def is_unfinished(self) -> bool:
        """True if the looks are in, or were cut short, and the events are not all in."""
        return self.began_at is not None and self.ended_at is None

    @property
    def began_at(self) -> datetime | None:
        """When the account of the story was connected; None if the past was never begun."""
        return self._instant(_BEGAN)

    @property
    def ended_at(self) -> datetime | None:
        """Up to when the past reaches; None if it is not whole."""
        return self._instant(_ENDED)

    def look_back(self, on_progress: Callable[[Progress], None]) -> None:
        """Syncs all there was when the account was connected, then the last two days, every LOOK_EVERY for POLLED_FOR.

        The clock is back where it was afterwards, whatever happens. What is cut short is not taken up again: the days
        that are missing were then not looked at. Raises PortalError or StoreError.
        """
        clock = self._sandbox.clock
        before = clock.now()
        began_at = before - CONNECTED_FOR
        self._store.remember(_BEGAN, began_at.isoformat())
        began_on = datetime.now(UTC)
        try:
            for place in range(POLLED_FOR // LOOK_EVERY):
                on_progress(Progress("replaying the sandbox's first days"))
                clock.set(began_at + place * LOOK_EVERY)
                since = (clock.now() - _REACH if place else before - _WINDOW).astimezone(self._store.timezone)
                run_sync(self._client, self._store, since=since.date().isoformat(), now=clock.now)
        finally:
            passed = timedelta(0) if clock.is_held else datetime.now(UTC) - began_on
            clock.set(before + passed)

    def catch_up(self, on_progress: Callable[[Progress], None]) -> None:
        """Applies all events from the end of the looks until now. Again, it changes nothing. Raises StoreError."""
        began_at = self.began_at
        if began_at is None:
            return
        until = self._sandbox.clock.now()
        bodies = list(self._sandbox.events_between(began_at + POLLED_FOR, until))
        for start in range(0, len(bodies), PER_BATCH):
            so_far = f"{formats.number(start)} of {formats.count_of(len(bodies), 'event')}"
            on_progress(Progress(f"replaying the sandbox's past · {so_far}"))
            received_at = datetime.now(UTC)
            self._applier.take(
                [
                    Delivery(hashlib.sha256(body).hexdigest(), received_at, body)
                    for body in bodies[start : start + PER_BATCH]
                ]
            )
        self._store.remember(_ENDED, until.isoformat())

    def _instant(self, key: str) -> datetime | None:
        known = self._store.recall(key)
        return None if known is None else datetime.fromisoformat(known)
