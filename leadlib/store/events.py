"""What webhooks said of leads, put together with what full rows said of the same leads.

An event is a few fields at an instant; a full row is all of them. For each field the newest word counts that has one:
an event newer than the newest full row, else that row. History is made of all of them. So the order in which events and
rows come changes nothing, and neither does a repeat.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from leadlib.records import LADDER, STAGE_OF_STATUS, Contact, Lead
from leadlib.store.rollups import days_of, refresh
from leadlib.store.senders import CODE, number_senders
from leadlib.store.timeline import Sight, Span, sights_of, spans_of

KINDS = ("lead.created", "lead.assigned", "lead.updated")
"""The events, in the order in which those of one instant are taken to have happened."""

ROW = "row"

KEPT_DAYS = 100
"""How long an applied event is remembered: longer than the portal shows a lead."""

MOST_KEPT = 500_000
"""How many applied events are remembered at most, the newest ones."""

# What an event's kind says about the moment: an update is the moment of a new status, an assignment that of an agent.
_TELLS_STATUS = frozenset({"lead.created", "lead.updated"})
_TELLS_AGENT = frozenset({"lead.created", "lead.assigned"})

_FIELDS = (
    "channel", "status", "entity_type", "agent_id", "listing_id", "listing_reference", "project_id", "developer_id",
)  # fmt: skip
_ROW_ONLY = ("distribution_type", "call_talk_time_s", "call_wait_time_s", "tags")
_DETAILS = ("sender_name", "sender_phone", "sender_email", "sender_whatsapp_username", "response_link")
_DETAILS_ROW_ONLY = ("call_record_url", "enrichment")

_INSTANT = pa.timestamp("us", "UTC")
_TYPES: Mapping[str, pa.DataType] = {
    **dict.fromkeys(("created_at", "first_seen_at", "last_seen_at", "observed_at", "row_seen_at"), _INSTANT),
    **dict.fromkeys(
        ("replied_after", "replied_by", "deleted_at_source", "seen_at", "received_at", "not_before", "not_after"),
        _INSTANT,
    ),
    **dict.fromkeys(("agent_id", "call_talk_time_s", "call_wait_time_s"), pa.int64()),
    **dict.fromkeys(("tags", "carried"), pa.list_(pa.string())),
}
_LEAD_COLUMNS = (
    "lead_id", "created_at", *_FIELDS, "stage", *_ROW_ONLY, "sender_key", "first_seen_at", "last_seen_at",
    "observed_at", "source", "deleted_at_source", "reached_stage", "row_seen_at", "replied_after", "replied_by",
)  # fmt: skip
_CONTACT_COLUMNS = ("lead_id", *_DETAILS, *_DETAILS_ROW_ONLY)
_STATUS_COLUMNS = ("lead_id", "status", "stage", "not_before", "not_after", "source")
_AGENT_COLUMNS = ("lead_id", "agent_id", "not_before", "not_after", "source")
_SIGHT_COLUMNS = ("lead_id", "seen_at", "kind", *_FIELDS, "carried", "sha256", "received_at")


@dataclass(frozen=True)
class LeadEvent:
    """One delivery: the hash of its body, its kind, when it came (our clock, UTC), and what it says of the lead.

    `lead.created_at` is the event's own time; what the event does not carry is None or empty. `lead.raw` is the body.
    """

    sha256: str
    kind: str
    received_at: datetime
    lead: Lead

    @property
    def at(self) -> datetime:
        return self.lead.created_at


@dataclass
class Told:
    """All that is known of one lead, as it is being put together. `row` and `contact` are empty for a new one."""

    lead_id: str
    row: dict[str, Any] = field(default_factory=dict)
    contact: dict[str, str | None] = field(default_factory=dict)
    raw: str | None = None
    sights: list[dict[str, Any]] = field(default_factory=list)
    new_sights: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[Span[str]] = field(default_factory=list)
    agents: list[Span[int | None]] = field(default_factory=list)

    @property
    def row_seen_at(self) -> datetime | None:
        seen_at: datetime | None = self.row.get("row_seen_at")
        return seen_at


def not_applied(cursor: duckdb.DuckDBPyConnection, events: Sequence[LeadEvent]) -> list[LeadEvent]:
    """Those of `events` that were never applied, one per body."""
    once = {event.sha256: event for event in events}
    found = cursor.execute("select sha256 from lead_sights where sha256 in (select unnest(?))", [list(once)]).fetchall()
    for (sha256,) in found:
        del once[sha256]
    return list(once.values())


def led_by_events(cursor: duckdb.DuckDBPyConnection) -> set[str]:
    """The ids of leads of which an event is the newest word, so that a row of them has to be put together with it."""
    rows = cursor.execute("select lead_id from leads where row_seen_at is null or row_seen_at < observed_at").fetchall()
    return {lead_id for (lead_id,) in rows}


def load(
    analytics: duckdb.DuckDBPyConnection, personal: duckdb.DuckDBPyConnection, lead_ids: Iterable[str]
) -> dict[str, Told]:
    """What the store knows of these leads, by id; an empty Told for one that it does not know."""
    tolds = {lead_id: Told(lead_id) for lead_id in lead_ids}
    ids = list(tolds)
    if not ids:
        return tolds

    def rows(cursor: duckdb.DuckDBPyConnection, columns: Sequence[str], table: str) -> list[dict[str, Any]]:
        sql = f"select {', '.join(columns)} from {table} where lead_id in (select unnest($ids))"
        found = cursor.sql(sql, params={"ids": ids}).to_arrow_table().to_pylist()
        return [{name: _utc(value) for name, value in row.items()} for row in found]

    for row in rows(analytics, _LEAD_COLUMNS, "leads"):
        tolds[row["lead_id"]].row = row
    for row in rows(analytics, _SIGHT_COLUMNS, "lead_sights"):
        tolds[row["lead_id"]].sights.append(row)
    for row in rows(analytics, ("lead_id", "status", "not_before", "not_after", "source"), "status_observations"):
        span = Span(row["status"], row["not_before"], row["not_after"], row["source"])
        tolds[row["lead_id"]].statuses.append(span)
    for row in rows(analytics, _AGENT_COLUMNS, "assignment_observations"):
        assigned = Span(row["agent_id"], row["not_before"], row["not_after"], row["source"])
        tolds[row["lead_id"]].agents.append(assigned)
    for row in rows(personal, _CONTACT_COLUMNS, "lead_contacts"):
        tolds[row.pop("lead_id")].contact = row
    return tolds


def take_events(told: Told, new: Sequence[LeadEvent]) -> None:
    """Adds events to what is known of their lead."""
    _keep_row_sight(told)
    details = {event.sha256: _details_of(event.lead) for event in new}
    for event in new:
        carried = [name for name in _DETAILS if details[event.sha256][name]]
        fields = {name: None if (value := getattr(event.lead, name)) == "" else value for name in _FIELDS}
        sight = {
            "lead_id": told.lead_id,
            "seen_at": event.at,
            "kind": event.kind,
            **fields,
            "carried": carried,
            "sha256": event.sha256,
            "received_at": event.received_at,
        }
        told.sights.append(sight)
        told.new_sights.append(sight)
    newer = _newer(told)
    for name in _DETAILS:
        # Nothing keeps the details of an event but the contact itself: they are taken over while they are at hand.
        carrier = _carrier(newer, name)
        if carrier is not None and carrier["sha256"] in details:
            told.contact[name] = details[carrier["sha256"]][name]
    newest = max(new, key=lambda event: (event.at, KINDS.index(event.kind), event.sha256))
    if told.row_seen_at is None and newer[-1]["sha256"] == newest.sha256:
        told.raw = newest.lead.raw or None
    _put_together(told)


def take_row(told: Told, lead: Lead, observed_at: datetime) -> bool:
    """Adds a full row to what is known of a lead that an event leads; whether it changed a column.

    A row that is older than the newest one known changes nothing.
    """
    if told.row_seen_at is not None and told.row_seen_at > observed_at:
        return False
    before = dict(told.row)
    _keep_row_sight(told)
    if told.row_seen_at is None:
        told.row["created_at"] = lead.created_at
    told.row.update({name: getattr(lead, name) for name in (*_FIELDS, *_ROW_ONLY)})
    told.row.update(tags=list(lead.tags), row_seen_at=observed_at, sender_key=None)
    details = {**_details_of(lead), "call_record_url": lead.call_record_url, "enrichment": lead.enrichment}
    _add_row_sight(told)
    newer = _newer(told)
    for name, value in details.items():
        if _carrier(newer, name) is None:
            told.contact[name] = value
    told.raw = lead.raw or None
    _put_together(told)
    deleted_at = told.row["deleted_at_source"]
    if deleted_at is not None and deleted_at < observed_at:
        told.row["deleted_at_source"] = None
    bookkeeping = {"first_seen_at", "last_seen_at", "observed_at", "row_seen_at", "source"}
    return any(before[name] != told.row[name] for name in _LEAD_COLUMNS if name not in bookkeeping)


def contact_of(told: Told) -> Contact:
    """The sender as put together."""
    return Contact(*(told.contact.get(name) for name in _DETAILS[:4]))


def _put_together(told: Told) -> None:
    """The lead's columns and its history, from all that was seen of it."""
    row, seen_at = told.row, told.row_seen_at
    told.sights.sort(key=_order)
    newer = _newer(told)
    for name in _FIELDS:
        row[name] = next((one[name] for one in reversed(newer) if one[name] is not None), row.get(name))
    for name in ("channel", "status", "entity_type"):
        row[name] = row[name] or ""  # as records does: absent enums are kept as empty texts
    for name in (*_ROW_ONLY, "sender_key", "deleted_at_source", "reached_stage"):
        row.setdefault(name, [] if name == "tags" else None)
    first, last = told.sights[0]["seen_at"], told.sights[-1]["seen_at"]
    row["lead_id"] = told.lead_id
    row["stage"] = STAGE_OF_STATUS.get(row["status"], "unrecognised")
    row["first_seen_at"] = min(first, row.get("first_seen_at", first))
    row["last_seen_at"] = max(last, row.get("last_seen_at", last))
    row["observed_at"] = max(last, row.get("observed_at", last))
    row["source"] = "webhook" if newer else "rest"
    if seen_at is None:
        row["created_at"] = first
    if row["deleted_at_source"] is not None and newer and newer[-1]["seen_at"] > row["deleted_at_source"]:
        row["deleted_at_source"] = None  # who is spoken of is there
    told.statuses = _history(told, "status", _TELLS_STATUS, told.statuses)
    told.agents = _history(told, "agent_id", _TELLS_AGENT, told.agents)
    rungs = [STAGE_OF_STATUS.get(span.value, "unrecognised") for span in told.statuses]
    witnessed = {*rungs, row["stage"], row["reached_stage"]}
    row["reached_stage"] = next((rung for rung in reversed(LADDER) if rung in witnessed), None)


def _history(told: Told, name: str, telling: frozenset[str], spans: list[Span[Any]]) -> list[Span[Any]]:
    ordered = sorted(spans, key=lambda span: (span.not_after, span.not_before))
    # What the sights on record say themselves goes before what the history so far gives away.
    known: dict[tuple[datetime, Any], tuple[tuple[Any, ...], Sight[Any]]] = {
        (sight.at, sight.value): ((sight.at, len(KINDS), ""), sight) for sight in sights_of(ordered)
    }
    recorded: dict[tuple[datetime, Any], tuple[tuple[Any, ...], Sight[Any]]] = {}
    for one in told.sights:
        is_row = one["kind"] == ROW
        if one[name] is None and not (is_row and name == "agent_id"):
            continue  # an event without the field says nothing about it, a row without an agent says that there is none
        key = (one["seen_at"], one[name])
        is_change = one["kind"] in telling or (key in recorded and recorded[key][1].is_change)
        source = "webhook" if not is_row or (key in recorded and recorded[key][1].source == "webhook") else "rest"
        recorded[key] = (_order(one), Sight(one["seen_at"], one[name], is_change, source))
    known.update(recorded)
    sights = [sight for _, sight in sorted(known.values(), key=lambda pair: pair[0])]
    return spans_of(sights, told.row["created_at"])


def _keep_row_sight(told: Told) -> None:
    """Puts the newest full row on record as a sight, before an event covers it."""
    if told.row and told.row_seen_at is not None and told.row["observed_at"] == told.row_seen_at:
        _add_row_sight(told)


def _add_row_sight(told: Told) -> None:
    seen_at = told.row_seen_at
    if any(one["kind"] == ROW and one["seen_at"] == seen_at for one in told.sights):
        return
    sight = {
        "lead_id": told.lead_id,
        "seen_at": seen_at,
        "kind": ROW,
        **{name: told.row[name] for name in _FIELDS},
        "carried": [],
        "sha256": None,
        "received_at": datetime.now(UTC),
    }
    told.sights.append(sight)
    told.new_sights.append(sight)


def _newer(told: Told) -> list[dict[str, Any]]:
    """The events that are newer than the newest full row, in order of time."""
    seen_at = told.row_seen_at
    events = (one for one in told.sights if one["kind"] != ROW and (seen_at is None or one["seen_at"] > seen_at))
    return sorted(events, key=_order)


def _order(sight: Mapping[str, Any]) -> tuple[Any, ...]:
    kind = sight["kind"]
    return (sight["seen_at"], KINDS.index(kind) if kind in KINDS else len(KINDS), sight["sha256"] or "")


def _carrier(newer: Sequence[dict[str, Any]], detail: str) -> dict[str, Any] | None:
    """The newest event that carried a detail of the sender."""
    return next((one for one in reversed(newer) if detail in one["carried"]), None)


def _details_of(lead: Lead) -> dict[str, str | None]:
    contact = lead.contact
    values = (contact.name, contact.phone, contact.email, contact.whatsapp_username, lead.response_link)
    return dict(zip(_DETAILS, values, strict=True))


def _utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo is not None else value


# Writing


def write_contacts(cursor: duckdb.DuckDBPyConnection, tolds: Sequence[Told]) -> None:
    """Contacts and texts of these leads, in the personal file."""
    if not tolds:
        return
    contacts = [{"lead_id": told.lead_id, **told.contact} for told in tolds]
    _replace(cursor, "lead_contacts", _CONTACT_COLUMNS, contacts, [told.lead_id for told in tolds])
    payloads = [{"lead_id": told.lead_id, "raw": told.raw} for told in tolds if told.raw]
    _replace(cursor, "lead_payloads", ("lead_id", "raw"), payloads, [row["lead_id"] for row in payloads])


def write_tolds(cursor: duckdb.DuckDBPyConnection, tolds: Sequence[Told], timezone_name: str) -> None:
    """Leads, their histories and what was seen of them, in the analytics file."""
    if not tolds:
        return
    ids = [told.lead_id for told in tolds]
    cursor.register("incoming_told", _table(_LEAD_COLUMNS, [{**told.row, **_first_reply(told)} for told in tolds]))
    of_told = "select created_local from leads semi join incoming_told using (lead_id)"
    days_before = days_of(cursor, of_told)
    number_senders(cursor, "incoming_told")
    numbered = f"incoming_told as i left join known_senders as s on s.sender_code = {CODE.format('i.sender_key')}"
    settings = ", ".join(f"{name} = i.{name}" for name in _LEAD_COLUMNS if name != "lead_id")
    cursor.execute(
        f"update leads as l set {settings}, created_local = timezone($zone, i.created_at), sender_no = i.sender_no "
        f"from (select i.*, s.sender_no from {numbered}) as i where i.lead_id = l.lead_id",
        {"zone": timezone_name},
    )
    names = ", ".join(_LEAD_COLUMNS)
    cursor.execute(
        f"insert into leads ({names}, created_local, sender_no) select {names}, timezone($zone, created_at), sender_no "
        f"from {numbered} anti join leads as l using (lead_id) order by created_at, lead_id",
        {"zone": timezone_name},
    )
    refresh(cursor, days_before | days_of(cursor, of_told))
    cursor.unregister("incoming_told")
    statuses = [
        {
            "lead_id": told.lead_id,
            "status": span.value,
            "stage": STAGE_OF_STATUS.get(span.value, "unrecognised"),
            "not_before": span.not_before,
            "not_after": span.not_after,
            "source": span.source,
        }
        for told in tolds
        for span in told.statuses
    ]
    agents = [
        {
            "lead_id": told.lead_id,
            "agent_id": span.value,
            "not_before": span.not_before,
            "not_after": span.not_after,
            "source": span.source,
        }
        for told in tolds
        for span in told.agents
    ]
    _replace(cursor, "status_observations", _STATUS_COLUMNS, statuses, ids)
    _replace(cursor, "assignment_observations", _AGENT_COLUMNS, agents, ids)
    _replace(cursor, "lead_sights", _SIGHT_COLUMNS, [sight for told in tolds for sight in told.new_sights], [])


def _first_reply(told: Told) -> dict[str, datetime | None]:
    spans = [span for span in told.statuses if STAGE_OF_STATUS.get(span.value) == "responded"]
    return {
        "replied_after": min((span.not_before for span in spans), default=None),
        "replied_by": min((span.not_after for span in spans), default=None),
    }


def forget_old(cursor: duckdb.DuckDBPyConnection) -> None:
    """Forgets what was received long ago, or is too much. What comes again after that changes nothing all the same."""
    cursor.execute("delete from lead_sights where received_at < ?", [datetime.now(UTC) - timedelta(days=KEPT_DAYS)])
    cursor.execute(
        "delete from lead_sights where received_at < "
        f"(select received_at from lead_sights order by received_at desc limit 1 offset {MOST_KEPT})"
    )


def _replace(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    of_leads: Sequence[str],
) -> None:
    """Deletes the rows `of_leads` and inserts `rows`."""
    if of_leads:
        cursor.execute(f"delete from {table} where lead_id in (select unnest(?))", [list(of_leads)])
    if rows:
        names = ", ".join(columns)
        cursor.register("incoming_rows", _table(columns, rows))
        cursor.execute(f"insert into {table} ({names}) select {names} from incoming_rows")
        cursor.unregister("incoming_rows")


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    schema = pa.schema([(name, _TYPES.get(name, pa.string())) for name in columns])
    return pa.Table.from_pylist([{name: row.get(name) for name in columns} for row in rows], schema=schema)
