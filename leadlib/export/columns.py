"""What an export says: its columns, its formats, and the facts that travel with the leads."""

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from leadlib.errors import FilterError
from leadlib.metrics import METRICS

Format = Literal["csv", "xlsx", "parquet", "json"]


@dataclass(frozen=True)
class FileFormat:
    """One row of the table of formats. `label` is for menus, `extension` has no dot."""

    key: Format
    label: str
    media_type: str
    extension: str


FORMATS: tuple[FileFormat, ...] = (
    FileFormat("csv", "CSV", "text/csv; charset=utf-8", "csv"),
    FileFormat("xlsx", "Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    FileFormat("parquet", "Parquet", "application/vnd.apache.parquet", "parquet"),
    FileFormat("json", "JSON", "application/json", "json"),
)
_FORMAT_OF_KEY = {row.key: row for row in FORMATS}


def format_named(key: str) -> FileFormat:
    """The format with this key. Raises FilterError, which names the nearest known one."""
    for row in FORMATS:
        if row.key == key:
            return row
    near = difflib.get_close_matches(key, _FORMAT_OF_KEY, n=1)
    hint = f"Did you mean “{near[0]}”?" if near else f"Known formats: {', '.join(_FORMAT_OF_KEY)}."
    raise FilterError(f"There is no export format “{key[:40]}”. {hint}", key)


_INSTANT = pa.timestamp("us", "UTC")
_CLOCK = pa.timestamp("us")


@dataclass(frozen=True)
class Column:
    """One column of every export: its name, what it means, its Parquet type, and whether it tells who somebody is."""

    name: str
    meaning: str
    type: pa.DataType = pa.string()  # noqa: RUF009  # an Arrow type cannot change
    is_personal: bool = False


COLUMNS: tuple[Column, ...] = (
    Column("lead_id", "The portal's id of the lead."),
    Column("created_at", "When the lead arrived at the portal, in UTC.", _INSTANT),
    Column("created_local", "The same moment on the clock of the account's time zone.", _CLOCK),
    Column("channel", "How the person got in touch. The API calls it type or channel."),
    Column("status", "The status in the portal's own word, as last seen."),
    Column("stage", "The same in words for both dialects: sent, delivered, opened, responded, archived."),
    Column("reached_stage", "The furthest stage the lead was ever seen in; empty if it was first seen archived."),
    Column("entity_type", "What the lead is about: a listing, a project, a developer or a profile."),
    Column("agent_id", "Public profile id of the assigned agent; empty if the lead has none.", pa.int64()),
    Column("agent_name", "The agent's name, where it is known."),
    Column("listing_id", "The portal's id of the listing."),
    Column("listing_reference", "The listing's reference, as your listings carry it."),
    Column("listing_title", "The listing's title, where it is known."),
    Column("project_id", "The portal's id of the project."),
    Column("project_title", "The project's title, where it is known."),
    Column("developer_id", "The portal's id of the developer."),
    Column("developer_name", "The developer's name, of the lead or else of its project, where it is known."),
    Column("distribution_type", "How the portal gave the lead out, in its own word."),
    Column("call_talk_time_s", "Seconds talked, for calls.", pa.int64()),
    Column("call_wait_time_s", "Seconds waited before the call was taken or lost.", pa.int64()),
    Column("tags", "The lead's tags; in CSV and Excel joined by a semicolon.", pa.list_(pa.string())),
    Column("sender_key", "Equal for equal senders, and tells nothing else about them."),
    Column("first_seen_at", "When a sync first saw the lead.", _INSTANT),
    Column("last_seen_at", "When a sync last saw the lead.", _INSTANT),
    Column(
        "replied_after", "The reply came after this moment and not after the next; equal if an event told.", _INSTANT
    ),
    Column("replied_by", "The first moment at which the lead was known to be responded.", _INSTANT),
    Column(
        "archived_after", "It was archived after this moment and not after the next; equal if an event told.", _INSTANT
    ),
    Column("archived_by", "The first moment at which the lead was known to be archived.", _INSTANT),
    Column("source", "What the newest observation came from: rest (a sync) or webhook."),
    Column("deleted_at_source", "When the lead was found to be gone from the portal; empty if it is there.", _INSTANT),
    Column("sender_name", "The sender's name.", is_personal=True),
    Column("sender_phone", "The sender's phone number, every character as received.", is_personal=True),
    Column("sender_email", "The sender's e-mail address.", is_personal=True),
    Column("sender_whatsapp_username", "The sender's WhatsApp username.", is_personal=True),
    Column("call_record_url", "Where the portal keeps the recording of the call.", is_personal=True),
    Column("enrichment", "What else the portal told of the sender, as JSON text.", is_personal=True),
)

NUMBERS: Mapping[str, str] = {metric.label: metric.definition for metric in METRICS if metric.question == "summary"}
"""The numbers on the screens that can be counted again from these rows, and what they mean."""

RULES: tuple[str, ...] = (
    "Responded means the portal's status says so. A reply given outside the portal is not seen.",
    "The link for responding is left out on purpose: opening it counts as a response at the portal.",
    "The first day and the last day of a filter are both included, in the account's time zone.",
    "In the CSV file, a text that a spreadsheet could take for a formula, or for the start of one after a semicolon, "
    "a tab or a line break, has an apostrophe put before it. Phone numbers with a plus sign are such texts: every "
    "character stands behind the apostrophe. Excel, Parquet and JSON files need none.",
    "CSV and Excel files leave out control characters that programs stumble over. Excel cells end with "
    "“… [cut]” where a text is longer than a cell can hold.",
    "Times carry their offset from UTC. In Excel all but created_at are in the account's time zone.",
    "rows_sha256 is a hash of the rows in every format alike, whatever order they stand in; "
    "“python -m leadlib verify FILE” says if they are still those, and if the store still has them.",
)

_DEFINITIONS = [[(c.name, c.meaning) for c in COLUMNS], list(NUMBERS.items()), RULES]
RULES_VERSION = hashlib.sha256(json.dumps(_DEFINITIONS, ensure_ascii=False).encode()).hexdigest()[:12]
"""Names the wording of all columns, numbers and rules: two files with the same one mean the same by every word."""


def chosen_columns(personal: bool) -> tuple[Column, ...]:
    """The columns of an export, in order, with or without the personal ones."""
    return tuple(column for column in COLUMNS if personal or not column.is_personal)
