"""What a delivery says: JSON goes in, an event or a rejected row comes out."""

from typing import Any

from leadlib.api.bodies import NOT_JSON, parse
from leadlib.records import RejectedRow, leads_from_json, parse_instant
from leadlib.store import LeadEvent
from leadlib.store.clamping import TOLERANCE
from leadlib.webhooks.spool import Delivery

KINDS = frozenset({"lead.created", "lead.updated", "lead.assigned"})


def event_from_body(delivery: Delivery) -> LeadEvent | RejectedRow:
    """The event in a delivery; or a RejectedRow with the reason why there is none, in words without anything of it.

    An event from further in the future than two clocks may disagree is dated when it came: it would keep every later
    word about its lead from counting.
    """
    text = delivery.body.decode("utf-8", "surrogateescape")
    body, _ = parse(delivery.body)
    if body is NOT_JSON:
        return _rejected("the event is not JSON", None, text)
    if not isinstance(body, dict):
        return _rejected("the event is not an object", None, text)
    entity, payload = body.get("entity"), body.get("payload")
    if not isinstance(entity, dict) or entity.get("type", "lead") != "lead":
        return _rejected("the event is about something else than a lead", None, text)
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        return _rejected("the event is of a kind that Leadlight does not know", entity, text)
    if not isinstance(payload, dict):
        return _rejected("the event says nothing of its lead", entity, text)
    try:
        at = parse_instant(body.get("timestamp"))
    except ValueError:
        return _rejected("the event's timestamp is missing or no date and time", entity, text)
    at = at if at <= delivery.received_at + TOLERANCE else delivery.received_at
    # The payload is a row of the portal but for its id and date, and so are its oddities.
    row = {**payload, "id": entity.get("id"), "createdAt": at.isoformat()}
    leads, rejected = leads_from_json([row], [text])
    return rejected[0] if rejected else LeadEvent(delivery.sha256, kind, delivery.received_at, leads[0])


def _rejected(reason: str, entity: dict[str, Any] | None, text: str) -> RejectedRow:
    """A rejected row with its text as `records` stores it, and the id of its lead where there is one."""
    row = {"id": entity.get("id")} if entity else {}
    (rejected,) = leads_from_json([row], [text])[1]  # without a date it never is a lead
    return RejectedRow(reason, rejected.lead_id, rejected.raw)
