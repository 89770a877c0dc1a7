"""From the spool into the store, and one call to the portal for what the events left open."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

from leadlib.api import MAX_PER_PAGE, Client
from leadlib.errors import PortalError, StoreError
from leadlib.records import RejectedRow
from leadlib.store import LeadEvent, Store
from leadlib.webhooks.events import event_from_body
from leadlib.webhooks.spool import Delivery, Spool

log = logging.getLogger(__name__)

APPLY_EVERY_S = 10.0
"""How often the spool is emptied, and at most one call made: six a minute, however many events come."""

SYNC_ID = "webhook"
"""What stands in place of a sync at rejected events."""

PER_BATCH = 1_000
"""How many events are put into the store at once."""
# A value that a table or the database does not take is a ValueError or an OverflowError.
_UNWRITABLE = (StoreError, ValueError, OverflowError)
_FIRST_PAUSE_S = 60.0
_LONGEST_PAUSE_S = 900.0


class Applier:
    """The chore behind the webhooks. Nothing is taken from the spool before the store has committed it."""

    def __init__(
        self, store: Store, client: Client, spool: Spool, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._client = client
        self._spool = spool
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._asker = ThreadPoolExecutor(1, thread_name_prefix="leadlib-asking")
        self._asking: Future[int] | None = None
        self._asks_from_s = monotonic()
        self._pause_s = 0.0

    def turn(self) -> None:
        """Applies all that waits, then has the portal asked for up to 50 of the leads concerned, in one call.

        The call has a thread of its own, because one to a portal that is down takes minutes, and its failure is raised
        by the next turn. Raises StoreError, after which everything still waits, or PortalError.
        """
        self.apply()
        if self._asking is None or self._asking.done():
            before, self._asking = self._asking, self._asker.submit(self.ask)
            if before is not None:
                before.result()

    def close(self) -> None:
        """Waits for the call under way, which ends at once when its client was stopped."""
        self._asker.shutdown()

    def apply(self) -> int:
        """Puts what waits in the spool into the store; how many events were new there. Raises StoreError."""
        n_new = 0
        with self._lock:
            waiting = self._spool.waiting()
            for start in range(0, len(waiting), PER_BATCH):
                deliveries = self._spool.read(waiting[start : start + PER_BATCH])
                n_new += self._take(deliveries)
                self._spool.discard([delivery.sha256 for delivery in deliveries])
            self._spool.sweep()
        return n_new

    def take(self, deliveries: Sequence[Delivery]) -> int:
        """Puts deliveries into the store that were never spooled; how many events were new there. Raises StoreError."""
        with self._lock:
            return self._take(deliveries)

    def _take(self, deliveries: Sequence[Delivery]) -> int:
        found = [event_from_body(delivery) for delivery in deliveries]
        rejected = [one for one in found if isinstance(one, RejectedRow)]
        n_new, failed = self._write([one for one in found if isinstance(one, LeadEvent)])
        rejected += [RejectedRow("the event could not be stored", x.lead.lead_id, x.lead.raw) for x in failed]
        self._store.write_rejected(rejected, sync_id=SYNC_ID, observed_at=datetime.now(UTC))
        if n_new or rejected:
            log.info("webhooks: %d events applied, %d rejected", n_new, len(rejected))
        return n_new

    def _write(self, events: list[LeadEvent]) -> tuple[int, list[LeadEvent]]:
        """How many events were new, and those that alone cannot be written: one must not keep all others waiting."""
        try:
            return self._store.write_events(events), []
        except _UNWRITABLE:
            n_new, failed = 0, []
            for event in events:
                try:
                    n_new += self._store.write_events([event])
                except _UNWRITABLE:
                    failed.append(event)
            if len(failed) == len(events):
                raise  # it is the store, not the event
            return n_new, failed

    def ask(self) -> int:
        """Asks the portal for leads that events have spoken of since they were last read; how many were asked for.

        Only the flat dialect has a parameter for ids. In the other one the events stand as they are until the next
        sync of the last two days reads the leads. Raises StoreError, or PortalError, after which the leads are asked
        for later: in a minute, after each further failure in twice the time, up to a quarter of an hour.
        """
        if self._client.dialect != "flat" or self._monotonic() < self._asks_from_s:
            return 0
        lead_ids = self._store.leads_to_ask_for(MAX_PER_PAGE)
        if not lead_ids:
            return 0
        try:
            pages = self._client.leads_by_id(lead_ids) or ()
        except PortalError:
            self._pause_s = min(max(_FIRST_PAUSE_S, 2 * self._pause_s), _LONGEST_PAUSE_S)
            self._asks_from_s = self._monotonic() + self._pause_s
            raise
        self._pause_s = 0.0
        for page in pages:
            self._store.write_leads(page.leads, observed_at=page.portal_at or datetime.now(UTC))
        # A lead that the portal does not show any more is not asked for again until it is spoken of again.
        self._store.mark_as_asked(lead_ids)
        return len(lead_ids)
