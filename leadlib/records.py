"""Typed rows, and the parsing of the portal's JSON into them.

Raw JSON goes in, typed rows come out; `Any` ends here. Values are kept as received: what two dialects call differently
is compared through `stage`, never by renaming a stored value. A row that cannot be a lead comes back as a
RejectedRow with its reason, so that one bad row never costs a page.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Stage = Literal["sent", "delivered", "opened", "responded", "archived", "unrecognised"]

STAGE_OF_STATUS: Mapping[str, Stage] = {
    "sent": "sent",
    "delivered": "delivered",
    "opened": "opened",
    "read": "opened",
    "responded": "responded",
    "replied": "responded",
    "archived": "archived",
}
# The ladder that a lead climbs. `archived` can follow any rung, so it is not one.
LADDER: tuple[Stage, ...] = ("sent", "delivered", "opened", "responded")

# DuckDB and Parquet hold years 1 to 9999, but a lead from outside this span is a mistake, not a lead.
_EARLIEST = datetime(2005, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_INT64_MAX = 2**63 - 1


@dataclass(frozen=True)
class Contact:
    """What is known of the person behind a lead. Personal: it lives in the personal file only."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    whatsapp_username: str | None = None

    @property
    def identity(self) -> str | None:
        """The text that stands for this person when repeat senders are counted; None if there is nothing to go by."""
        # A phone without a digit ("anonymous") would make one person of all who hide theirs.
        if self.phone and (digits := "".join(c for c in self.phone if c.isdigit()).lstrip("0")):
            return f"phone:{digits}"
        if self.email:
            return "email:" + self.email.strip().casefold()
        if self.whatsapp_username:
            return "whatsapp:" + self.whatsapp_username.strip().casefold()
        return None

    def masked(self) -> "Contact":
        """Enough to recognise a person one knows, not to reach a stranger: initials, country code and last digits."""
        return Contact(
            name=" ".join(f"{part[0]}." for part in self.name.split()) if self.name else None,
            phone=_masked_phone(self.phone) if self.phone else None,
            email=f"{self.email[0]}***" if self.email else None,
            whatsapp_username=f"{self.whatsapp_username[0]}***" if self.whatsapp_username else None,
        )

    def __repr__(self) -> str:
        return "Contact(…)"


def _masked_phone(phone: str) -> str:
    return f"{phone[:4]}…{phone[-2:]}" if len(phone) > 8 else "…"


@dataclass(frozen=True)
class Lead:
    """One lead as the portal showed it. Times are UTC instants; absent fields are None.

    `raw` is the JSON text of the row as received, personal fields included, which is why it is not in the repr.
    """

    lead_id: str
    created_at: datetime
    channel: str
    status: str
    entity_type: str
    agent_id: int | None
    listing_id: str | None
    listing_reference: str | None
    project_id: str | None
    developer_id: str | None
    distribution_type: str | None
    call_talk_time_s: int | None
    call_wait_time_s: int | None
    tags: tuple[str, ...]
    contact: Contact
    response_link: str | None
    call_record_url: str | None
    enrichment: str | None
    raw: str

    @property
    def stage(self) -> Stage:
        return STAGE_OF_STATUS.get(self.status, "unrecognised")

    def __repr__(self) -> str:
        return f"Lead({self.lead_id!r}, {self.created_at.isoformat()}, {self.channel!r}, {self.status!r})"


@dataclass(frozen=True)
class RejectedRow:
    """A row that is no lead: why, its id where it had one, and its text for the personal file."""

    reason: str
    lead_id: str | None
    raw: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw.encode("utf-8", "surrogatepass")).hexdigest()

    def __repr__(self) -> str:
        return f"RejectedRow({self.reason!r}, {self.lead_id!r})"


@dataclass(frozen=True)
class AgentName:
    """The name behind a public profile. One row per agent_id; `is_active` is None where the portal does not say."""

    agent_id: int
    name: str
    is_active: bool | None


@dataclass(frozen=True)
class ListingName:
    """What is known of a listing, for titles and leagues. One row per listing_id."""

    listing_id: str
    reference: str | None
    title: str | None
    property_type: str | None
    category: str | None
    offering: Literal["sale", "rent"] | None


@dataclass(frozen=True)
class ProjectName:
    """What is known of a project. One row per project_id."""

    project_id: str
    title: str | None
    developer_id: str | None
    developer_name: str | None


class _NoLeadError(ValueError):
    """Why a row is not a lead, in words for the data-health page."""


def leads_from_json(rows: Sequence[Any]) -> tuple[list[Lead], list[RejectedRow]]:
    """The leads of a page's `data`, in order, and the rows that are none, each with its reason.

    Every row comes back exactly once: len(leads) + len(rejected) == len(rows).
    """
    leads: list[Lead] = []
    rejected: list[RejectedRow] = []
    for row in rows:
        raw = ""
        try:
            raw = _raw(row)
            leads.append(_lead_from_json(row, raw))
        except _NoLeadError as error:
            rejected.append(RejectedRow(str(error), _id_as_text(row), raw))
    return leads, rejected


def _lead_from_json(row: Any, raw: str) -> Lead:
    if not isinstance(row, dict):
        raise _NoLeadError("the row is not an object")
    lead_id = row.get("id")
    if isinstance(lead_id, int) and not isinstance(lead_id, bool):
        lead_id = str(lead_id)
    if not isinstance(lead_id, str) or not _clean(lead_id).strip():
        raise _NoLeadError("the id is missing or empty")
    sender = _object(row.get("sender"))
    call = _object(row.get("call"))
    return Lead(
        lead_id=_clean(lead_id),
        created_at=parse_instant(row.get("createdAt")),
        # An absent enum is kept as an empty text: the row counts, and the screen shows it as unrecognised.
        channel=_text(row.get("channel")) or "",
        status=_text(row.get("status")) or "",
        entity_type=_text(row.get("entityType")) or "",
        agent_id=_whole(_object(row.get("publicProfile")).get("id")),
        listing_id=_text(_object(row.get("listing")).get("id")),
        listing_reference=_text(_object(row.get("listing")).get("reference")),
        project_id=_text(_object(row.get("project")).get("id")),
        developer_id=_text(_object(row.get("developer")).get("id")),
        distribution_type=_text(row.get("distributionType")),
        call_talk_time_s=_whole(call.get("talkTime")),
        call_wait_time_s=_whole(call.get("waitTime")),
        tags=tuple(tag for tag in (_text(item) for item in _list(row.get("tags"))) if tag),
        contact=_contact(sender),
        response_link=_text(row.get("responseLink")),
        call_record_url=_text(call.get("recordFile")),
        enrichment=_enrichment(row.get("enrichment")),
        raw=raw,
    )


def _id_as_text(row: Any) -> str | None:
    # Only what can be an id: anything else may hold a person, and this text goes into the analytics file.
    try:
        return _text(row.get("id")) if isinstance(row, dict) else None
    except ValueError:
        return None  # a number too long to be written


def _raw(row: Any) -> str:
    try:
        return _clean(json.dumps(row, ensure_ascii=False, separators=(",", ":")))
    except (RecursionError, ValueError) as error:
        raise _NoLeadError("the row is nested too deeply, or holds an endless number, to be kept") from error


def parse_instant(text: Any) -> datetime:
    """The UTC instant of an RFC 3339 text. Raises ValueError for anything else, a text without an offset included."""
    if not isinstance(text, str):
        raise _NoLeadError("createdAt is missing")
    try:
        instant = datetime.fromisoformat(text.strip().upper().replace("Z", "+00:00"))
        if instant.tzinfo is None:
            raise _NoLeadError("createdAt has no time zone")
        instant = instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        if isinstance(error, _NoLeadError):
            raise
        raise _NoLeadError("createdAt is not a date and time") from error
    if not _EARLIEST <= instant <= _LATEST:
        raise _NoLeadError(f"createdAt lies outside {_EARLIEST.year} to {_LATEST.year}")
    return instant


def _contact(sender: Mapping[str, Any]) -> Contact:
    first: dict[str, str] = {}
    for item in _list(sender.get("contacts")):
        contact = _object(item)
        kind, value = _text(contact.get("type")), _text(contact.get("value"))
        if kind and value:
            first.setdefault(kind, value)
    return Contact(_text(sender.get("name")), first.get("phone"), first.get("email"), first.get("whatsappUsername"))


def _enrichment(value: Any) -> str | None:
    return _clean(json.dumps(value, ensure_ascii=False, sort_keys=True)) if isinstance(value, dict) and value else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _text(value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return _clean(value).strip() or None if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) <= _INT64_MAX else None


def _clean(text: str) -> str:
    """`text` without what no database or file takes: lone surrogates become “?”, NUL disappears."""
    return (
        text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
        if not text.isascii() or "\x00" in text
        else text
    )
