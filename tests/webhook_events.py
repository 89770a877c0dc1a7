"""Deliveries for the tests of the webhooks: the portal's bodies, signed, and the store's rows to compare."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from leadlib.records import RejectedRow
from leadlib.store import LeadEvent, Store
from leadlib.webhooks import event_from_body
from leadlib.webhooks.spool import Delivery

SECRET = "a-webhook-secret-of-32-letters--"
CAME_AT = datetime(2026, 9, 20, tzinfo=UTC)


def event_json(
    lead_id: str, timestamp: str = "2026-09-15T06:12:45Z", kind: str = "lead.updated", **payload: Any
) -> dict[str, Any]:
    """A delivery's body; `payload` replaces or adds fields, None leaves one out. The person is invented.

    Its id is the lead's, as in the portal's own examples: two updates of a lead share it.
    """
    fields = {
        "channel": "whatsapp",
        "status": "sent",
        "entityType": "listing",
        "publicProfile": {"id": 90001},
        "sender": {"name": "Test Sender One", "contacts": [{"type": "phone", "value": "+971500000001"}]},
        **payload,
    }
    return {
        "id": f"{kind.replace('.', '-')}-{lead_id}",
        "type": kind,
        "timestamp": timestamp,
        "entity": {"id": lead_id, "type": "lead"},
        "payload": {name: value for name, value in fields.items() if value is not None},
    }


def body_of(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def signature_of(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def read_event(body: bytes, received_at: datetime = CAME_AT) -> LeadEvent | RejectedRow:
    return event_from_body(Delivery(hashlib.sha256(body).hexdigest(), received_at, body))


def make_event(
    lead_id: str, timestamp: str = "2026-09-15T06:12:45Z", kind: str = "lead.updated", **payload: Any
) -> LeadEvent:
    """The LeadEvent of `event_json`, received on 20 September 2026."""
    event = read_event(body_of(event_json(lead_id, timestamp, kind, **payload)))
    assert isinstance(event, LeadEvent)
    return event


def statuses(store: Store, lead_id: str) -> list[tuple[str, str, str]]:
    """(status, not before, not after) of a lead, with times as minutes and seconds."""
    return _history(store, lead_id, "status", "status_observations")


def agents(store: Store, lead_id: str) -> list[tuple[Any, str, str]]:
    """(agent id or None, not before, not after) of a lead."""
    return _history(store, lead_id, "agent_id", "assignment_observations")


def _history(store: Store, lead_id: str, value: str, table: str) -> list[tuple[Any, str, str]]:
    found = store.query(
        f"select {value} as value, not_before, not_after from {table} where lead_id = $id order by not_after",  # noqa: S608
        {"id": lead_id},
    )
    return [
        (None if pd.isna(row.value) else row.value, f"{row.not_before:%M:%S}", f"{row.not_after:%M:%S}")
        for row in found.itertuples()
    ]
