"""What a batch of leads does to the tables. Writing the same batch twice changes nothing but the time last seen."""

import hashlib
import hmac
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

import duckdb
import pyarrow as pa

from leadlib.records import HOURS_TO_MATURE, LADDER, Contact, Lead, RejectedRow
from leadlib.store.rollups import days_of, refresh
from leadlib.store.senders import CODE, number_senders

_INSTANT = pa.timestamp("us", "UTC")

_LEAD_COLUMNS = pa.schema(
    [
        ("lead_id", pa.string()),
        ("created_at", _INSTANT),
        ("channel", pa.string()),
        ("status", pa.string()),
        ("stage", pa.string()),
        ("entity_type", pa.string()),
        ("agent_id", pa.int64()),
        ("listing_id", pa.string()),
        ("listing_reference", pa.string()),
        ("project_id", pa.string()),
        ("developer_id", pa.string()),
        ("distribution_type", pa.string()),
        ("call_talk_time_s", pa.int64()),
        ("call_wait_time_s", pa.int64()),
        ("tags", pa.list_(pa.string())),
        ("sender_key", pa.string()),
    ]
)
_CONTACT_COLUMNS = pa.schema(
    [
        ("lead_id", pa.string()),
        ("sender_name", pa.string()),
        ("sender_phone", pa.string()),
        ("sender_email", pa.string()),
        ("sender_whatsapp_username", pa.string()),
        ("response_link", pa.string()),
        ("call_record_url", pa.string()),
        ("enrichment", pa.string()),
    ]
)
_TOLD_BY_A_LEAD = [name for name in _LEAD_COLUMNS.names if name != "sender_key"]
_values_of = attrgetter(*_TOLD_BY_A_LEAD)
_PERSONAL_COLUMNS = pa.schema([*_CONTACT_COLUMNS, ("raw", pa.string())])
_personal_values_of = attrgetter(
    "lead_id", "contact.name", "contact.phone", "contact.email", "contact.whatsapp_username", "response_link",
    "call_record_url", "enrichment", "raw",
)  # fmt: skip
_PAYLOAD_COLUMNS = pa.schema([("lead_id", pa.string()), ("raw", pa.string())])

# created_at stays as first seen: the portal never moves it, and history hangs on it.
_MUTABLE = [name for name in _LEAD_COLUMNS.names if name not in {"lead_id", "created_at"}]
_IS_REPLY = "s.is_status_new and s.stage = 'responded'"
_DIFFERS = " or ".join(f"l.{name} is distinct from i.{name}" for name in _MUTABLE)


def _matured(last_seen_at: str) -> str:
    """SQL for whether the lead `l` counts as matured if it was last seen then."""
    return f"epoch_us({last_seen_at}) - epoch_us(l.created_at) >= {HOURS_TO_MATURE * 3_600_000_000}"


def _rank(stage: str) -> str:
    """SQL for the rung of a stage, 1 at the bottom; 0 for a stage that is off the ladder or null."""
    return f"coalesce(list_position({list(LADDER)}, {stage}), 0)"


@dataclass(frozen=True)
class UpsertCount:
    """What a batch did: n_new leads, n_changed ones (any column of `leads`), n_unchanged ones (as they were).

    n_suppressed ones are of persons who were erased, and were stored without them. Each lead of a batch counts once.
    """

    n_new: int = 0
    n_changed: int = 0
    n_unchanged: int = 0
    n_suppressed: int = 0

    def __add__(self, other: "UpsertCount") -> "UpsertCount":
        return UpsertCount(
            self.n_new + other.n_new,
            self.n_changed + other.n_changed,
            self.n_unchanged + other.n_unchanged,
            self.n_suppressed + other.n_suppressed,
        )


def newest_of_each(leads: Sequence[Lead]) -> list[Lead]:
    """One lead per id: the last of several in a batch, which is the newest answer of the portal."""
    return list({lead.lead_id: lead for lead in leads}.values())


def sender_key(contact: Contact, hash_key: bytes) -> str | None:
    """A keyed hash of who sent a lead: equal for equal senders, useless without this installation's key."""
    identity = contact.identity
    return hmac.digest(hash_key, identity.encode(), hashlib.sha256).hex()[:32] if identity else None


def write_personal(cursor: duckdb.DuckDBPyConnection, leads: Sequence[Lead]) -> None:
    """Contacts and payloads of these leads; rows that are already as they should be are left alone."""
    leads = [lead for lead in leads if lead.raw]  # a person who was erased has left a lead without a text
    cursor.register("incoming_persons", _table(map(_personal_values_of, leads), _PERSONAL_COLUMNS))
    # By hash: to compare the texts themselves would read those of all leads that there are, each time.
    cursor.execute(
        "create or replace temp table moved as "
        "select i.lead_id, md5_number_lower(i.raw) as raw_md5, coalesce(p.lead_id, c.lead_id) is not null as is_known "
        "from incoming_persons as i left join lead_payloads as p using (lead_id) "
        "left join lead_contacts as c using (lead_id) "
        "where c.lead_id is null or p.raw_md5 is distinct from md5_number_lower(i.raw)"
    )
    ((n_moved, n_known),) = cursor.execute("select count(*), count(*) filter (is_known) from moved").fetchall()
    if n_known:
        for table in ("lead_contacts", "lead_payloads"):
            cursor.execute(f"delete from {table} where lead_id in (select lead_id from moved where is_known)")
    if n_moved:
        names = ", ".join(_CONTACT_COLUMNS.names)
        cursor.execute(
            f"insert into lead_contacts ({names}) select {names} from incoming_persons semi join moved using (lead_id)"
        )
        cursor.execute(
            "insert into lead_payloads (lead_id, raw, raw_md5) "
            "select lead_id, i.raw, m.raw_md5 from incoming_persons as i join moved as m using (lead_id)"
        )


def _table(rows: Iterable[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    """The same rows as a table: from columns, which is several times as fast."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.Table.from_arrays([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def write_rejected_payloads(cursor: duckdb.DuckDBPyConnection, rows: Sequence[RejectedRow]) -> None:
    """The texts of rows that are no leads, under their hashes."""
    table = pa.Table.from_pylist([{"lead_id": r.sha256, "raw": r.raw} for r in rows], schema=_PAYLOAD_COLUMNS)
    cursor.register("incoming_rejected", table)
    cursor.execute(
        "insert into lead_payloads (lead_id, raw) select distinct lead_id, raw from incoming_rejected "
        "anti join lead_payloads using (lead_id)"
    )


def write_analytics(
    cursor: duckdb.DuckDBPyConnection,
    leads: Sequence[Lead],
    *,
    observed_at: datetime,
    hash_key: bytes,
    timezone_name: str,
    kept_out: Collection[str] = (),
) -> UpsertCount:
    """Leads with the history of their status and of their agent, as the portal showed them at `observed_at`.

    An observation older than the one on record changes nothing: answers may arrive out of order. A status or an agent
    seen for the first time was true somewhere after the lead was last seen without it (or was created) and not after
    now. A lead that was marked as gone is live again.
    """
    rows = ((*_values_of(lead), sender_key(lead.contact, hash_key)) for lead in leads)
    cursor.register("incoming", _table(rows, _LEAD_COLUMNS))
    number_senders(cursor, "incoming")
    cursor.execute(
        f"""
        create or replace temp table staged as
        select
            i.*,
            l.lead_id is null as is_new,
            l.lead_id is not null and l.observed_at > $observed_at as is_stale,
            l.lead_id is not null and ({_DIFFERS}) as is_changed,
            l.status is distinct from i.status as is_status_new,
            l.lead_id is null or l.agent_id is distinct from i.agent_id as is_agent_new,
            l.lead_id is null or ({_DIFFERS}) or l.deleted_at_source is not null
                or (not {_matured("l.last_seen_at")} and {_matured("$observed_at")}) as is_counted_anew,
            coalesce(l.created_local, timezone($zone, i.created_at)) as created_local,
            least(coalesce(l.last_seen_at, i.created_at), $observed_at) as not_before,
            l.reached_stage as reached_before,
            l.deleted_at_source is not null and l.deleted_at_source <= $observed_at as is_back,
            s.sender_no
        from incoming as i
        left join leads as l using (lead_id)
        left join known_senders as s on s.sender_code = {CODE.format("i.sender_key")}
        """,
        {"observed_at": observed_at, "zone": timezone_name},
    )
    # Fetched to its end: a result that is not finished keeps the transaction from going on.
    ((n_new, n_changed, n_unchanged, n_suppressed, *there_is),) = cursor.execute(
        """
        select
            count(*) filter (not is_kept_out and is_new),
            count(*) filter (not is_kept_out and is_changed and not is_stale),
            count(*) filter (not is_kept_out and not is_new and (is_stale or not is_changed)),
            count(*) filter (is_kept_out),
            count(*) filter (is_new),
            count(*) filter (is_changed and not is_stale),
            count(*) filter (not is_new and not is_stale),
            count(*) filter (is_back and not is_stale),
            count(*) filter (is_counted_anew and not is_stale)
        from (select *, lead_id in (select unnest($kept_out)) as is_kept_out from staged)
        """,
        {"kept_out": sorted(kept_out)},
    ).fetchall()
    is_any_new, is_any_changed, is_any_known, is_any_back, is_any_counted_anew = there_is
    now = {"observed_at": observed_at, "source": "rest"}
    if is_any_new or is_any_changed:
        cursor.execute(
            "insert into status_observations "
            "select lead_id, status, stage, not_before, $observed_at, $source from staged "
            "where is_status_new and not is_stale",
            now,
        )
        cursor.execute(
            "insert into assignment_observations "
            "select lead_id, agent_id, not_before, $observed_at, $source from staged "
            "where is_agent_new and not is_stale",
            now,
        )
    if is_any_changed:
        settings = ", ".join(f"{name} = s.{name}" for name in _MUTABLE)
        reached = f"case when {_rank('s.stage')} > {_rank('s.reached_before')} then s.stage else s.reached_before end"
        cursor.execute(
            f"update leads as l set {settings}, sender_no = s.sender_no, reached_stage = {reached}, source = $source, "
            f"replied_after = case when {_IS_REPLY} then least(l.replied_after, s.not_before) else l.replied_after end,"
            f" replied_by = case when {_IS_REPLY} then least(l.replied_by, $observed_at) else l.replied_by end "
            "from staged as s where s.lead_id = l.lead_id and s.is_changed and not s.is_stale",
            now,
        )
    if is_any_known:
        cursor.execute(
            "update leads as l set last_seen_at = $observed_at, observed_at = $observed_at, row_seen_at = $observed_at "
            "from staged as s where s.lead_id = l.lead_id and not s.is_stale",
            {"observed_at": observed_at},
        )
    if is_any_back:
        cursor.execute(
            "update leads as l set deleted_at_source = null "
            "from staged as s where s.lead_id = l.lead_id and s.is_back and not s.is_stale"
        )
    if is_any_new:
        names = ", ".join(_LEAD_COLUMNS.names)
        first_reached = f"case when {_rank('stage')} > 0 then stage end"
        cursor.execute(
            f"insert into leads ({names}, first_seen_at, last_seen_at, observed_at, row_seen_at, source, "
            f"reached_stage, created_local, sender_no, replied_after, replied_by) select {names}, "
            f"{', '.join(['$observed_at'] * 4)}, $source, {first_reached}, created_local, sender_no, "
            f"case when {_IS_REPLY} then not_before end, case when {_IS_REPLY} then $observed_at end "
            "from staged as s where is_new order by created_at, lead_id",
            now,
        )
    if is_any_counted_anew:
        refresh(cursor, days_of(cursor, "select created_local from staged where is_counted_anew and not is_stale"))
    return UpsertCount(n_new, n_changed, n_unchanged, n_suppressed)
