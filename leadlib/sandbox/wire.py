"""The brokerage's things as the portal writes them in JSON, in either dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from leadlib.sandbox.brokerage import Agent, Listing, Place, Project
from leadlib.sandbox.clock import from_ms, to_ms
from leadlib.sandbox.lead import Lead
from leadlib.sandbox.people import Sender, mixed, sender
from leadlib.sandbox.settings import Dialect

STATUSES: Final[Mapping[Dialect, Mapping[str, str]]] = MappingProxyType({
    "filter": {
        "sent": "sent", "delivered": "sent", "opened": "opened", "responded": "responded", "archived": "archived",
    },
    "flat": {"sent": "sent", "delivered": "delivered", "opened": "read", "responded": "replied"},
})  # fmt: skip
"""The dialect's word for each stage; the flat one has none for archived and shows the stage before."""

CHANNELS: Final[Mapping[Dialect, Mapping[str, str]]] = MappingProxyType({
    "filter": {"whatsapp": "whatsapp", "call": "call", "email": "email", "chat": "chat"},
    "flat": {"whatsapp": "whatsapp", "call": "call", "email": "email", "chat": "whatsapp"},
})  # fmt: skip
"""The dialect's word for each planted channel; the flat one has no chat and shows WhatsApp."""

ENTITY_TYPES: Final[Mapping[Dialect, Mapping[str, str]]] = MappingProxyType({
    "filter": {
        "listing": "listing", "project": "project", "publicProfile": "publicProfile", "developer": "developer",
        "company": "publicProfile",
    },
    "flat": {
        "listing": "listing", "project": "project", "publicProfile": "agent", "developer": "developer",
        "company": "company",
    },
})  # fmt: skip
"""The dialect's word for each planted entity type; the filter one has no company and shows publicProfile."""

_MESSAGES: Final = (
    "Is this still available?", "Please send the brochure.", "Can I view it this weekend?", "هل العقار ما زال متاحًا؟",
    "What is the best price?", "أرغب في تحديد موعد للمعاينة", "Is it close to the metro?", "Which floor is it on?",
)  # fmt: skip
_TAGS: Final = ("hot", "investor", "follow_up", "viewing_booked")


def lead_status(lead: Lead, at_ms: int, dialect: Dialect) -> str:
    """The status word of a lead at an instant."""
    if dialect == "filter" and lead.archived_ms is not None and lead.archived_ms <= at_ms:
        return "archived"
    return STATUSES[dialect][lead.stage_before_archiving(at_ms)]


def lead_tags(lead: Lead) -> tuple[str, ...]:
    """The tags of a lead; they never change. `from_agent` marks a call that the agent made."""
    die = mixed(lead.number, 21)
    tags = []
    if lead.channel == "call" and die % 25 == 0:
        tags.append("from_agent")
    if (die >> 8) % 9 == 0:
        tags.append(_TAGS[(die >> 16) % len(_TAGS)])
    return tuple(tags)


def lead_sender(lead: Lead, seed: int) -> Sender:
    """What the portal shows of the lead's sender."""
    return sender(seed, lead.person, lead.channel)


def lead_json(lead: Lead, at_ms: int, dialect: Dialect, seed: int) -> dict[str, Any]:
    """A row of GET /v1/leads."""
    channel = CHANNELS[dialect][lead.channel]
    row: dict[str, Any] = {
        "id": lead.id,
        "entityType": ENTITY_TYPES[dialect][lead.entity_type],
        "channel": channel,
        "status": lead_status(lead, at_ms, dialect),
        "sender": _sender_json(lead_sender(lead, seed)),
        "tags": list(lead_tags(lead)),
        "createdAt": stamp(lead.created_ms),
    }
    if lead.agent_id is not None:
        row["publicProfile"] = {"id": lead.agent_id}
    if lead.listing is not None:
        row["listing"] = {"id": lead.listing.id, "reference": lead.listing.reference}
    die = mixed(lead.number, 22)
    if lead.project is not None:
        row["project"] = {"id": lead.project.id}
        row["distributionType"] = "project_open_leads" if die % 3 else "project_cta"
    if lead.developer is not None:
        row["developer"] = {"id": lead.developer.id}
    if channel == "whatsapp":
        row["responseLink"] = f"https://example.com/r/{lead.id}"
    elif die >> 8 & 1:
        row["responseLink"] = None
    if lead.channel in ("email", "chat"):
        row["enrichment"] = {"message": _MESSAGES[(die >> 16) % len(_MESSAGES)]}
    if lead.channel == "call":
        is_recorded = lead.delivered_ms is not None
        row["call"] = {
            "talkTime": lead.talk_s,
            "waitTime": lead.wait_s,
            "recordFile": f"https://example.com/rec/{lead.number}.mp3" if is_recorded else "",
        }
    return row


def _sender_json(shown: Sender) -> dict[str, Any]:
    contacts = []
    if shown.phone is not None:
        contacts.append({"type": "phone", "value": shown.phone})
    if shown.email is not None:
        contacts.append({"type": "email", "value": shown.email})
    if shown.username is not None:
        contacts.append({"type": "whatsappUsername", "value": shown.username})
    json: dict[str, Any] = {} if shown.name is None else {"name": shown.name}
    if contacts:
        json["contacts"] = contacts
    return json


def user_json(agent: Agent) -> dict[str, Any]:
    """A row of GET /v1/users for somebody with a public profile."""
    return {
        "id": agent.user_id,
        "firstName": agent.first_name,
        "lastName": agent.last_name,
        "email": agent.email,
        "mobile": agent.phone,
        "status": "active" if agent.active else "inactive",
        "role": {"id": 3, "name": "Agent"},
        "publicProfile": {
            "id": agent.id,
            "name": agent.name,
            "email": agent.email,
            "phone": agent.phone,
            "isSuperAgent": agent.response_propensity > 0.75,
            "callTracking": None,
        },
    }


def listing_json(listing: Listing, agent: Agent) -> dict[str, Any]:
    """A row of GET /v1/listings, `agent` being its holder today."""
    created = f"{listing.created_on.isoformat()}T06:00:00Z"
    return {
        "id": listing.id,
        "reference": listing.reference,
        "title": {"en": listing.title_en, "ar": listing.title_ar},
        "type": listing.type,
        "category": listing.category,
        "price": {"type": listing.price_type, "amounts": {listing.price_type: listing.price}},
        "location": {"id": listing.place.id},
        "uaeEmirate": listing.place.emirate,
        "bedrooms": listing.bedrooms,
        "bathrooms": listing.bathrooms,
        "size": listing.size,
        "assignedTo": {"id": agent.id, "name": agent.name},
        "state": {"stage": listing.stage, "type": listing.stage},
        "portals": {"propertyfinder": {"isLive": listing.stage == "live", "publishedAt": created}},
        "projectStatus": "completed",
        "createdAt": created,
        "updatedAt": created,
    }


def project_json(project: Project) -> dict[str, Any]:
    """The answer of GET /v1/projects/{id}."""
    return {
        "id": project.id,
        "title": {"en": project.title_en, "ar": project.title_ar},
        "developer": {
            "id": project.developer.id,
            "name": {"en": project.developer.name_en, "ar": project.developer.name_ar},
        },
        "location": {"id": project.place.id, "name": {"en": project.place.name_en, "ar": project.place.name_ar}},
        "startingPrice": str(project.starting_price),
    }


def place_json(place: Place) -> dict[str, Any]:
    """A row of GET /v1/locations."""
    return {
        "id": place.id,
        "type": "COMMUNITY",
        "name": place.name_en,
        "coordinates": {"lat": 25.0 + place.id % 100 / 1000, "lng": 55.0 + place.id % 100 / 1000},
        "tree": [{"id": 1, "type": "CITY", "name": place.emirate.replace("_", " ").title()}],
    }


def stats_json(agent: Agent, leads: Sequence[Lead], n_listings: int, at_ms: int) -> dict[str, Any]:
    """A row of GET /v1/stats/public-profiles from the agent's leads of 60 days: values are strings, times seconds."""
    answered = [lead for lead in leads if lead.responded_ms is not None and lead.responded_ms <= at_ms]
    delays_s = [((lead.responded_ms or 0) - lead.created_ms) / 1000 for lead in answered]
    rate = 100 * len(answered) / len(leads) if leads else 0.0
    mean_s = sum(delays_s) / len(delays_s) if delays_s else 0.0
    metrics: dict[str, Any] = {}
    for name, value, is_passed in (
        ("responseRate", f"{rate:.1f}", rate >= 60),
        ("responseTime", f"{mean_s:.0f}", mean_s <= 7200),
        ("leadsCount", str(len(leads)), len(leads) >= 10),
        ("listingsLiveCount", str(n_listings), n_listings > 0),
    ):
        metrics[name] = {"type": "number", "value": value, "pass": is_passed}
    return {"id": agent.id, "name": agent.name, "metrics": metrics}


def stamp(ms: int) -> str:
    """RFC 3339 in UTC, with milliseconds only where there are any."""
    at = from_ms(ms)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z" if ms % 1000 else f"{at:%Y-%m-%dT%H:%M:%SZ}"


def stamp_of(at: datetime) -> str:
    """`stamp` of an instant."""
    return stamp(to_ms(at))
