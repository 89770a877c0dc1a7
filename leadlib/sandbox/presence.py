"""Which leads are there at an instant: those created by then, but for the few that come late or vanish."""

from __future__ import annotations

import math
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from leadlib.sandbox.lead import Lead


class Rows(NamedTuple):
    """Leads, oldest first, and when each was created; never changed, only replaced."""

    leads: Sequence[Lead]
    created_ms: Sequence[int]

    def between(self, low_ms: int, high_ms: int) -> tuple[int, int]:
        """The slice of the leads created between two instants, both included."""
        return bisect_left(self.created_ms, low_ms), bisect_right(self.created_ms, high_ms)


class _Stay(NamedTuple):
    """When a lead is there that is not there for ever: from `from_ms` on, and no longer at `until_ms`."""

    lead: Lead
    from_ms: float
    until_ms: float


class Presence:
    """The planted leads and their stays. Safe to use from several threads: what a reader gets is never changed."""

    def __init__(self) -> None:
        self.rows = Rows([], [])
        self.version = 0
        """Counts the changes; what was found at one version and instant is found again at the same."""
        self._by_id: dict[str, Lead] = {}
        self._stays: dict[str, _Stay] = {}
        self._edges: list[float] = []
        self._seen: tuple[tuple[int, int], Rows] | None = None
        self._lock = threading.RLock()

    def lead(self, lead_id: str) -> Lead | None:
        """The lead with an id, whether or not it is there now."""
        return self._by_id.get(lead_id)

    def put(self, earlier: Sequence[Lead], later: Sequence[Lead]) -> None:
        """Add days of leads before and after those that are there."""
        with self._lock:
            leads = [*earlier, *self.rows.leads, *later]
            self._by_id.update((lead.id, lead) for part in (earlier, later) for lead in part)
            self._replace(leads)

    def add(self, leads: Iterable[Lead]) -> None:
        """Add single leads, wherever they belong."""
        with self._lock:
            rows = list(self.rows.leads)
            for lead in leads:
                insort(rows, lead, key=lambda other: other.created_ms)
                self._by_id[lead.id] = lead
            self._replace(rows)

    def swap(self, lead: Lead, by: Lead) -> None:
        """Put a lead's other self, of the same id and createdAt, in its place."""
        with self._lock:
            leads = list(self.rows.leads)
            leads[leads.index(lead, *self.rows.between(lead.created_ms, lead.created_ms))] = by
            self._by_id[lead.id] = by
            if lead.id in self._stays:
                self._stays[lead.id] = self._stays[lead.id]._replace(lead=by)
            self.rows = Rows(leads, self.rows.created_ms)
            self.version += 1

    def stay(self, lead: Lead, from_ms: float = -math.inf, until_ms: float = math.inf) -> None:
        """Narrow the time for which a lead is there."""
        with self._lock:
            old = self._stays.get(lead.id, _Stay(lead, -math.inf, math.inf))
            self._stays[lead.id] = _Stay(lead, max(old.from_ms, from_ms), min(old.until_ms, until_ms))
            for edge in (from_ms, until_ms):
                if math.isfinite(edge):
                    insort(self._edges, edge)
            self.version += 1

    def at(self, at_ms: int) -> Rows:
        """The leads there at an instant; those created later stand among them, for the caller to cut off."""
        if not self._stays:
            return self.rows
        with self._lock:
            key = (self.version, bisect_right(self._edges, at_ms))
            if self._seen is None or self._seen[0] != key:
                away = {stay.lead.id for stay in self._stays.values() if not stay.from_ms <= at_ms < stay.until_ms}
                leads = [lead for lead in self.rows.leads if lead.id not in away]
                self._seen = key, Rows(leads, [lead.created_ms for lead in leads])
            return self._seen[1]

    def is_there_throughout(self, lead: Lead, first_ms: int, last_ms: int) -> bool:
        """True if the lead was there before the first instant and still is after the last.

        What comes or goes within the very second counts as not there: nobody can say at which call it did.
        """
        stay = self._stays.get(lead.id)
        if stay is None:
            return lead.created_ms <= first_ms
        return max(stay.from_ms, lead.created_ms - 1) < first_ms and last_ms < stay.until_ms

    def _replace(self, leads: list[Lead]) -> None:
        self.rows = Rows(leads, [lead.created_ms for lead in leads])
        self.version += 1
