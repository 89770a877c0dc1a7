"""Tickets for downloads: a URL names a ticket, and the ticket, kept here, says what the file holds.

Nothing in the URL can be edited to get more: filters, format and columns never leave the server.
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from leadlib.access import Access
from leadlib.errors import AccessError
from leadlib.export.columns import Format, chosen_columns
from leadlib.export.on_record import checked_reason
from leadlib.filters import Filters
from leadlib.store import Person

LIFETIME_S = 600.0
MOST_TICKETS = 1_000


@dataclass(frozen=True)
class Ticket:
    """The right to one export, as often as wanted until it ends. `ends_at_s` is on the monotonic clock.

    `access` is that of whoever asked for it: the file holds what they may see. `reason` is what they need it for. With
    a `person` it is all that is held of them, whatever the rest says.
    """

    filters: Filters
    fmt: Format
    personal: bool
    access: Access
    reason: str
    ends_at_s: float
    person: Person | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that this ticket gives, and no others."""
        return tuple(column.name for column in chosen_columns(self.personal))


class Tickets:
    """The tickets of this process. Safe from any thread; when there are too many, the oldest go first."""

    def __init__(
        self,
        lifetime_s: float = LIFETIME_S,
        most: int = MOST_TICKETS,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lifetime_s = lifetime_s
        self._most = most
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._ticket_of_id: dict[str, Ticket] = {}
        self.n_redeemed = 0  # exports that were begun since the start, for the monitoring

    def issue(self, filters: Filters, fmt: Format, personal: bool, access: Access, reason: str = "") -> str:
        """The id of a new ticket: 128 random bits, for a URL.

        Raises AccessError where `access` has no right to it, or where a reason is needed and `reason` is none.
        """
        if not access.may_export or (personal and not access.may_export_people):
            raise AccessError("no_right", "You have no right to this download. Ask whoever looks after this app.")
        return self._add(filters, fmt, personal, access, checked_reason(reason, access, personal=personal))

    def issue_person(self, person: Person, access: Access) -> str:
        """The same for all that is held of a person. Raises AccessError for who does not look after the app."""
        if not access.may_manage or not access.may_export_people or access.agents is not None:
            raise AccessError("no_right", "You have no right to this download. Ask whoever looks after this app.")
        return self._add(Filters(), "json", True, access, "what is held of one person, for them", person)

    def _add(
        self, filters: Filters, fmt: Format, personal: bool, access: Access, reason: str, person: Person | None = None
    ) -> str:
        ticket_id = secrets.token_urlsafe(16)
        with self._lock:
            now_s = self._monotonic_s()
            self._forget_ended(now_s)
            while len(self._ticket_of_id) >= self._most:
                del self._ticket_of_id[next(iter(self._ticket_of_id))]
            self._ticket_of_id[ticket_id] = Ticket(
                filters, fmt, personal, access, reason, now_s + self._lifetime_s, person
            )
        return ticket_id

    def redeem(self, ticket_id: str) -> Ticket | None:
        """The ticket with this id; None if there never was one, if it has ended, or if it had to make room."""
        with self._lock:
            self._forget_ended(self._monotonic_s())
            ticket = self._ticket_of_id.get(ticket_id)
            self.n_redeemed += ticket is not None
            return ticket

    def _forget_ended(self, now_s: float) -> None:
        # All live equally long, so they end in the order in which they were issued.
        while self._ticket_of_id:
            oldest = next(iter(self._ticket_of_id))
            if self._ticket_of_id[oldest].ends_at_s > now_s:
                return
            del self._ticket_of_id[oldest]
