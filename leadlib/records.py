"""Typed rows, and the parsing of the portal's JSON into them.

Raw JSON goes in, typed rows come out; `Any` ends here. Values are kept as received: what two dialects call differently
is compared through `stage`, never by renaming a stored value. A row that cannot be a lead comes back as a
RejectedRow with its reason, so that one bad row never costs a page.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec

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
HOURS_TO_MATURE = 24
"""How long a lead must have been followed before it counts in the response rate so far."""

# The ladder that a lead climbs. `archived` can follow any rung, so it is not one.
LADDER: tuple[Stage, ...] = ("sent", "delivered", "opened", "responded")

# DuckDB and Parquet hold years 1 to 9999, but a lead from outside this span is a mistake, not a lead.
_EARLIEST = datetime(2005, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_INT64_MAX = 2**63 - 1

LONGEST_TEXT = 4096
"""Characters of a text that are kept for the screen; what is cut ends in CUT_MARK, and the row keeps all of it."""

CUT_MARK = " […]"

TOO_DEEP: Final = object()
"""Stands in place of a row that is nested too deeply to be read."""


class Contact(msgspec.Struct, frozen=True, gc=False):
    """What is known of the person behind a lead. Personal: it lives in the personal file only."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    whatsapp_username: str | None = None

    @property
    def identity(self) -> str | None:
        """The text that stands for this person when repeat senders are counted; None if there is nothing to go by."""
        # A phone without a digit ("anonymous") would make one person of all who hide theirs.
        if self.phone and (digits := _digits_of(self.phone).lstrip("0")):
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


class Lead(msgspec.Struct, frozen=True, gc=False):
    """One lead as the portal showed it. Times are UTC instants; absent fields are None.

    `raw` is the text of the row as received, personal fields included, which is why it is not in the repr. It is JSON
    but for what the portal wrote that is none (NaN); a byte that is no UTF-8 stands in it as an escape (0xff as
    \\udcff). `odd_paths` name the fields that no document of the API has, values left out: see `paths_of_odd_fields`.
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
    odd_paths: tuple[str, ...] = ()

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


def leads_from_json(rows: Sequence[Any], texts: Sequence[str] | None = None) -> tuple[list[Lead], list[RejectedRow]]:
    """The leads of a page's `data`, in order, and the rows that are none, each with its reason.

    `texts` are the rows as they came; without them they are written anew. A row that is a Lead already is taken as it
    is. Every row comes back exactly once: len(leads) + len(rejected) == len(rows).
    """
    leads: list[Lead] = []
    rejected: list[RejectedRow] = []
    for place, row in enumerate(rows):
        if isinstance(row, Lead):
            leads.append(row)
            continue
        raw = ""
        try:
            raw = _storable(_written(row) if texts is None else texts[place])
            leads.append(_lead_from_json(row, raw))
        except _NoLeadError as error:
            rejected.append(RejectedRow(str(error), _id_as_text(row), raw))
        except (RecursionError, ValueError):
            rejected.append(RejectedRow(_UNWRITABLE, _id_as_text(row), raw))
    return leads, rejected


_UNWRITABLE = "the row is nested too deeply, or holds an endless number, to be kept"


def _lead_from_json(row: Any, raw: str) -> Lead:
    if row is TOO_DEEP:
        raise _NoLeadError("the row is nested too deeply to be read")
    if not isinstance(row, dict):
        raise _NoLeadError("the row is not an object")
    lead_id = row.get("id")
    if isinstance(lead_id, int) and not isinstance(lead_id, bool):
        lead_id = str(lead_id)
    if not isinstance(lead_id, str) or not _clean(lead_id).strip():
        raise _NoLeadError("the id is missing or empty")
    sender = _object(row.get("sender"))
    call = _object(row.get("call"))
    listing = _object(row.get("listing"))
    return Lead(
        lead_id=_clean(lead_id),
        created_at=parse_instant(row.get("createdAt")),
        # An absent enum is kept as an empty text: the row counts, and the screen shows it as unrecognised.
        channel=_text(row.get("channel")) or "",
        status=_text(row.get("status")) or "",
        entity_type=_text(row.get("entityType")) or "",
        agent_id=_whole(_object(row.get("publicProfile")).get("id")),
        listing_id=_text(listing.get("id")),
        listing_reference=_text(listing.get("reference")),
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
        odd_paths=paths_of_odd_fields(row),
    )


def _id_as_text(row: Any) -> str | None:
    # Only what can be an id: anything else may hold a person, and this text goes into the analytics file.
    try:
        return _text(row.get("id")) if isinstance(row, dict) else None
    except ValueError:
        return None  # a number too long to be written


_NO_DIGITS = re.compile("[^0-9]+")


def _digits_of(phone: str) -> str:
    # Asked of every lead: the pattern is five times as fast, and knows no digits but these.
    return _NO_DIGITS.sub("", phone) if phone.isascii() else "".join(c for c in phone if c.isdigit())


_write_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_write_json_in_order = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


def _written(row: Any) -> str:
    return "" if row is TOO_DEEP else _write_json(row)


def _storable(text: str) -> str:
    """JSON text as a database and a file take it: NUL and lone surrogates are escaped, so nothing of it is lost."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode("utf-8")


def parse_instant(text: Any) -> datetime:
    """The UTC instant of an RFC 3339 text. Raises ValueError for anything else, a text without an offset included."""
    if not isinstance(text, str):
        raise _NoLeadError("createdAt is missing")
    try:
        instant = _from_iso(text)
        if instant.tzinfo is None:
            raise _NoLeadError("createdAt has no time zone")
        if instant.tzinfo is not UTC:
            instant = instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        if isinstance(error, _NoLeadError):
            raise
        raise _NoLeadError("createdAt is not a date and time") from error
    if not _EARLIEST <= instant <= _LATEST:
        raise _NoLeadError(f"createdAt lies outside {_EARLIEST.year} to {_LATEST.year}")
    return instant


def _from_iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text.strip().upper())  # a small z, blanks around it


def _contact(sender: Mapping[str, Any]) -> Contact:
    first: dict[str, str] = {}
    for item in _list(sender.get("contacts")):
        contact = _object(item)
        kind, value = _text(contact.get("type")), _text(contact.get("value"))
        if kind and value:
            first.setdefault(kind, value)
    return Contact(_text(sender.get("name")), first.get("phone"), first.get("email"), first.get("whatsappUsername"))


def _enrichment(value: Any) -> str | None:
    if not isinstance(value, dict) or not value:
        return None
    text = _clean(_write_json_in_order(value))
    if len(text) > LONGEST_TEXT:
        shown = {str(_text(name)): _text(item) or CUT_MARK for name, item in list(value.items())[:20]}
        text = _clean(_write_json_in_order(shown))
    return text


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING


_NOTHING: Final[Mapping[str, Any]] = {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        text = _clean(value).strip()
        return (text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + CUT_MARK) or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _text(str(value))
    return None


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


# Rows that are as the documents have them

_Whole = Annotated[int, msgspec.Meta(ge=-_INT64_MAX, le=_INT64_MAX)]


class _Part(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """An object of a documented row. Names are the portal's."""


class _ContactPart(_Part):
    type: Literal["email", "phone", "whatsappUsername"] | None = None
    value: str | None = None


class _SenderPart(_Part):
    name: str | None = None
    contacts: tuple[_ContactPart, ...] | None = None


class _ProfilePart(_Part):
    id: _Whole | None = None


class _IdPart(_Part):
    id: str | None = None


class _ListingPart(_Part):
    id: str | None = None
    reference: str | None = None


class _CallPart(_Part):
    talkTime: _Whole | None = None  # noqa: N815
    waitTime: _Whole | None = None  # noqa: N815
    recordFile: str | None = None  # noqa: N815


class _Row(_Part):
    id: str
    createdAt: str  # noqa: N815
    channel: str | None = None
    status: str | None = None
    entityType: str | None = None  # noqa: N815
    tags: tuple[str, ...] | None = None
    sender: _SenderPart | None = None
    publicProfile: _ProfilePart | None = None  # noqa: N815
    listing: _ListingPart | None = None
    project: _IdPart | None = None
    developer: _IdPart | None = None
    call: _CallPart | None = None
    responseLink: str | None = None  # noqa: N815
    distributionType: str | None = None  # noqa: N815
    enrichment: dict[str, Any] | None = None


_read_row = msgspec.json.Decoder(_Row).decode
_NO_SENDER, _NO_PROFILE, _NO_ID, _NO_LISTING, _NO_CALL = (
    _SenderPart(), _ProfilePart(), _IdPart(), _ListingPart(), _CallPart(),
)  # fmt: skip


def lead_from_documented(text: bytes) -> Lead | None:
    """The lead in the JSON text of a row that is in every point as the documents have it; None for any other.

    What `leads_from_json` makes of the same row, in a fifth of the time: almost all rows are like this. Without an
    escape in its text, and in valid UTF-8, a row holds nothing that would have to be cleaned.
    """
    if b"\\" in text or len(text) > LONGEST_TEXT:
        return None
    try:
        row, raw = _read_row(text), text.decode()
        created_at = parse_instant(row.createdAt)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if not row.id.strip():
        return None
    sender, listing, call = row.sender or _NO_SENDER, row.listing or _NO_LISTING, row.call or _NO_CALL
    phone = email = username = None
    for contact in sender.contacts or ():
        value = _stripped(contact.value)
        if contact.type == "phone":
            phone = phone or value
        elif contact.type == "email":
            email = email or value
        elif contact.type:
            username = username or value
    return Lead(
        lead_id=row.id,
        created_at=created_at,
        channel=_stripped(row.channel) or "",
        status=_stripped(row.status) or "",
        entity_type=_stripped(row.entityType) or "",
        agent_id=(row.publicProfile or _NO_PROFILE).id,
        listing_id=_stripped(listing.id),
        listing_reference=_stripped(listing.reference),
        project_id=_stripped((row.project or _NO_ID).id),
        developer_id=_stripped((row.developer or _NO_ID).id),
        distribution_type=_stripped(row.distributionType),
        call_talk_time_s=call.talkTime,
        call_wait_time_s=call.waitTime,
        tags=tuple(filter(None, map(str.strip, row.tags))) if row.tags else (),
        contact=Contact(_stripped(sender.name), phone, email, username),
        response_link=_stripped(row.responseLink),
        call_record_url=_stripped(call.recordFile),
        enrichment=_enrichment(row.enrichment) if row.enrichment else None,
        raw=raw,
    )


def _stripped(text: str | None) -> str | None:
    return text.strip() or None if text else None


# Fields that no document has

_Shape = Mapping[str, "_Shape"]
_LEAF: _Shape = {}
_CONTACTS: _Shape = {"type": _LEAF, "value": _LEAF}
_CONTACT_TYPES = frozenset({"email", "phone", "whatsappUsername"})
_ID: _Shape = {"id": _LEAF}
# `enrichment` is documented as any keys, so none of them is odd.
_SHAPE: _Shape = {
    **dict.fromkeys(("id", "entityType", "channel", "status", "tags", "createdAt"), _LEAF),
    **dict.fromkeys(("responseLink", "distributionType", "enrichment"), _LEAF),
    "sender": {"name": _LEAF, "contacts": _CONTACTS},
    "publicProfile": _ID,
    "listing": {"id": _LEAF, "reference": _LEAF},
    "project": _ID,
    "developer": _ID,
    "call": {"talkTime": _LEAF, "waitTime": _LEAF, "recordFile": _LEAF},
}
_TOP = frozenset(_SHAPE)
_NESTED = tuple((name, frozenset(shape)) for name, shape in _SHAPE.items() if shape)
_CONTACT_FIELDS = frozenset(_CONTACTS)
_MOST_PATHS = 50
_MOST_LEVELS = 6
_MOST_KEYS = 30
_NAME_OF_A_FIELD = re.compile(r"[A-Za-z_]{1,40}[0-9]{0,2}")


def paths_of_odd_fields(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of a row that no document of the API has: "seller.rooms[].size". No values, and at most 50.

    A contact of an unknown type counts as one: "sender.contacts[].type=telegram". A name that may itself be data (an
    id, an e-mail address, one of more than thirty) is `*`. Empty for almost every row, which is found out quickly.
    """
    if not _is_odd(row):
        return ()
    found: dict[str, None] = {}
    _find_odd(row, _SHAPE, "", 1, found)
    return tuple(found)


def _is_odd(row: Mapping[str, Any]) -> bool:
    # Asked of every row there is, so written for speed.
    if not _TOP.issuperset(row):
        return True
    for name, known in _NESTED:
        part = row.get(name)
        if isinstance(part, dict) and not known.issuperset(part):
            return True
    contacts = _object(row.get("sender")).get("contacts")
    if isinstance(contacts, list):
        for contact in contacts:
            if isinstance(contact, dict):
                kind = contact.get("type")
                if (isinstance(kind, str) and kind not in _CONTACT_TYPES) or not _CONTACT_FIELDS.issuperset(contact):
                    return True
    return False


def _find_odd(value: Any, shape: _Shape | None, path: str, level: int, found: dict[str, None]) -> None:
    """Adds to `found` what lies below `path`; `shape` is what the documents say of it, None if they say nothing."""
    if level > _MOST_LEVELS or len(found) >= _MOST_PATHS:
        return
    if isinstance(value, list):
        for item in value[:_MOST_KEYS]:
            _find_odd(item, shape, f"{path}[]", level + 1, found)
        return
    if not isinstance(value, dict):
        return
    if shape is _CONTACTS and isinstance(kind := value.get("type"), str) and kind not in _CONTACT_TYPES:
        found[f"{path}.type={_field_name(kind)}"] = None
    is_table = shape is None and len(value) > _MOST_KEYS
    for name, item in value.items():
        known = shape.get(name) if shape else None
        below = f"{path}.{name}" if known is not None else f"{path}.{'*' if is_table else _field_name(name)}"
        below = below.removeprefix(".")
        if known is None:
            if len(found) >= _MOST_PATHS:
                return
            found[below] = None
        if known is not _LEAF:
            _find_odd(item, known, below, level + 1, found)


def _field_name(name: str) -> str:
    return name if _NAME_OF_A_FIELD.fullmatch(name) else "*"
