"""What the portal sends by itself: signed events about new leads and changes, to the addresses that subscribed.

Only addresses of this machine get anything: an invented brokerage has nothing to tell the world.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from leadlib.sandbox import wire
from leadlib.sandbox.clock import to_ms
from leadlib.sandbox.faults.base import Event
from leadlib.sandbox.lead import Lead
from leadlib.sandbox.portal import Portal
from leadlib.sandbox.webhooks import Subscriptions

_ANSWER_WITHIN_S: Final = 5.0
_MOST_ATTEMPTS: Final = 5
_LOOK_BACK_MS: Final = 10_000
_PAYLOAD: Final = ("channel", "status", "entityType", "publicProfile", "sender", "listing", "project", "developer",
                   "responseLink")  # fmt: skip
_HERE: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class _Parcel:
    url: str
    body: bytes
    secret: str
    n_attempts: int = 0


class Deliveries:
    """The sender. `turn` sends what is due; a parcel that meets no 2xx in five seconds goes out again next turn."""

    def __init__(self, portal: Portal, subscriptions: Subscriptions) -> None:
        self._portal = portal
        self._subscriptions = subscriptions
        self._lock = threading.Lock()
        self._sent: set[_Key] = set()
        self._waiting: list[_Parcel] = []
        # A company's proxy has no business with addresses of this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._n_replayed = 0
        self._since_ms: int | None = None
        subscriptions.on_first = self._begin

    def turn(self) -> int:
        """Send what has happened since the last turn, and what failed then; how many parcels were accepted."""
        with self._lock:
            if not self._subscriptions.kept:
                return 0
            events = self._due()
            for fault in self._portal.faults:
                events = fault.change_events(events, self._old_event)
            parcels = [*self._waiting, *(parcel for event in events for parcel in self._parcels(event))]
            self._waiting = []
            n_accepted = 0
            for parcel in parcels:
                if self._send(parcel):
                    n_accepted += 1
                elif parcel.n_attempts + 1 < _MOST_ATTEMPTS:
                    self._waiting.append(_Parcel(parcel.url, parcel.body, parcel.secret, parcel.n_attempts + 1))
            return n_accepted

    def between(self, since: datetime, until: datetime) -> Iterator[bytes]:
        """The bodies of all events after `since` up to `until`, lead by lead, as subscribers would have got them.

        Whether anybody subscribed does not matter, and what is sent stays as it is. Of leads that `until` does not see
        any more nothing comes.
        """
        low_ms, high_ms = to_ms(since), to_ms(until)
        for lead in self._portal.truth.visible(until):
            for kind, ms in self._changes(lead, low_ms, high_ms):
                yield _body(self._event(lead, kind, ms))

    def _begin(self) -> None:
        """What happened before the first subscription is nobody's business."""
        with self._lock:
            self._due()

    def _due(self) -> list[Event]:
        now = self._portal.clock.now()
        now_ms = to_ms(now)
        low_ms = min(now_ms, now_ms if self._since_ms is None else self._since_ms) - _LOOK_BACK_MS
        self._since_ms = now_ms
        events: list[tuple[int, Event]] = []
        for lead in self._portal.truth.visible(now):
            for kind, ms in self._changes(lead, low_ms, now_ms):
                key = (lead.id, kind, ms)
                if key not in self._sent:
                    self._sent.add(key)
                    events.append((ms, self._event(lead, kind, ms)))
        self._sent = {key for key in self._sent if key[2] > now_ms - 2 * _LOOK_BACK_MS}
        return [event for _, event in sorted(events, key=lambda pair: pair[0])]

    def _changes(self, lead: Lead, low_ms: int, high_ms: int) -> Iterator[tuple[str, int]]:
        if low_ms < lead.created_ms <= high_ms:
            # The portal never sends lead.created for a lead of a project.
            if lead.project is None:
                yield "lead.created", lead.created_ms
            if lead.agent_id is not None:
                yield "lead.assigned", lead.created_ms
        dialect = self._portal.settings.dialect
        for ms in (lead.delivered_ms, lead.opened_ms, lead.responded_ms, lead.archived_ms):
            if ms is not None and low_ms < ms <= high_ms:
                is_shown = wire.lead_status(lead, ms, dialect) != wire.lead_status(lead, ms - 1, dialect)
                if is_shown and ms > lead.created_ms:
                    yield "lead.updated", ms

    def _event(self, lead: Lead, kind: str, ms: int) -> Event:
        settings = self._portal.settings
        row = wire.lead_json(lead, ms, settings.dialect, settings.seed)
        return {
            # As in the portal's own examples: two updates of a lead share their id.
            "id": f"{kind.replace('.', '-')}-{lead.number:08d}",
            "type": kind,
            "timestamp": wire.stamp(ms),
            "entity": {"id": lead.id, "type": "lead"},
            "payload": {name: row[name] for name in _PAYLOAD if name in row},
        }

    def _old_event(self) -> Event | None:
        """The creation or assignment of a lead that was new a month ago, each time of another one."""
        now = self._portal.clock.now()
        leads = [x for x in self._portal.truth.visible(now - timedelta(days=30))[-200:] if x.agent_id is not None]
        if not leads:
            return None
        self._n_replayed += 1
        lead = leads[-self._n_replayed % len(leads)]
        return self._event(lead, "lead.assigned", lead.created_ms)

    def _parcels(self, event: Event) -> Iterator[_Parcel]:
        body = _body(event)
        for kept in self._subscriptions.kept:
            if kept.event == event["type"] and urlsplit(kept.url).hostname in _HERE:
                yield _Parcel(kept.url, body, kept.secret)

    def _send(self, parcel: _Parcel) -> bool:
        headers = {"Content-Type": "application/json"}
        if parcel.secret:
            headers["X-Signature"] = hmac.new(parcel.secret.encode(), parcel.body, hashlib.sha256).hexdigest()
        request = urllib.request.Request(parcel.url, parcel.body, headers, method="POST")  # noqa: S310  # http or https, as subscribed
        try:
            with self._opener.open(request, timeout=_ANSWER_WITHIN_S) as answer:
                return 200 <= int(answer.status) < 300
        except (OSError, http.client.HTTPException):  # which a status of 400 and more is too
            return False


def _body(event: Event) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
