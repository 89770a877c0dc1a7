"""Store: both files behind one face."""

import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import pyarrow as pa

from leadlib.errors import StoreError, StoreUnreadableError, WrongPortalError
from leadlib.records import AgentName, Lead, ListingName, ProjectName, RejectedRow
from leadlib.store.alarms import Alarm, write_alarm
from leadlib.store.files import File
from leadlib.store.rows import SliceRow, SyncRow
from leadlib.store.writes import (
    UpsertCount,
    newest_of_each,
    write_analytics,
    write_personal,
    write_rejected_payloads,
)

# One count for all stores of a process: a cache that outlives a store must not take another's answers for its own.
_VERSIONS = count(1)


class Store:
    """The leads that the portal ever showed, and each status change witnessed.

    One process owns the files while it is open. Reading is safe from any thread; writes queue behind one another.
    `data_version` grows with every committed change: use it as a cache key. It is this process's own count, and no
    two stores of a process share a version.
    """

    def __init__(self, folder: Path, analytics: File, personal: File, timezone: ZoneInfo, portal: str) -> None:
        self.folder = folder
        self.timezone = timezone
        self.portal = portal
        self.data_version = next(_VERSIONS)
        self._analytics = analytics
        self._personal = personal
        # Between the personal and the analytics commit of a batch no other batch may come.
        self._leads_lock = threading.Lock()
        self._hash_key = self._load_hash_key()
        self._alarms = self._load_alarms()

    @classmethod
    def open(cls, folder: Path, *, timezone: ZoneInfo, portal: str) -> "Store":
        """The store in `folder`, created if there is none; days begin in `timezone`, leads come from `portal`.

        Raises StoreBusyError, StoreUnreadableError, or WrongPortalError if the folder holds another portal's leads.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # for nobody else on the machine to read
        except OSError as error:
            raise StoreUnreadableError(
                f"The folder {folder} cannot be made ({type(error).__name__}). Set LEADLIB_DATABASE to one that can.",
                str(folder),
            ) from error
        analytics = File(folder / "leads.duckdb", "analytics")
        try:
            personal = File(folder / "personal.duckdb", "personal")
        except StoreError:
            analytics.close()
            raise
        try:
            store = cls(folder, analytics, personal, timezone, portal)
            store._claim_for_portal()
            store._set_timezone()
            store._end_syncs_cut_short()
        except StoreError:
            analytics.close()
            personal.close()
            raise
        return store

    def close(self) -> None:
        self._analytics.close()
        self._personal.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Reading

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> pd.DataFrame:
        """The result of one statement over the analytics tables; whole numbers stay whole, times are UTC.

        Integer columns with gaps come as pandas' Int64. Raises StoreError, which names the kind of failure only.
        """
        with _reading(self._analytics):
            table = self._run(self._analytics, sql, parameters).to_arrow_table()
        return pd.DataFrame({name: _to_series(table.column(name)) for name in table.column_names})

    def batches(self, sql: str, parameters: Mapping[str, object], rows: int = 5_000) -> Iterator[pa.RecordBatch]:
        """The same, streamed: a result of any size in batches of about `rows`."""
        with _reading(self._analytics):
            yield from self._run(self._analytics, sql, parameters).to_arrow_reader(rows)

    def contacts(self, lead_ids: Sequence[str]) -> pa.Table:
        """Who sent these leads: the columns of lead_contacts, any order, no row for an unknown id. Personal."""
        sql = "select c.* from lead_contacts as c semi join (select unnest($lead_ids) as lead_id) using (lead_id)"
        with _reading(self._personal):
            return self._run(self._personal, sql, {"lead_ids": list(lead_ids)}).to_arrow_table()

    def as_of(self) -> datetime | None:
        """The portal's time of the newest observation; None while there is none. What the numbers speak of."""
        newest = self.query("select max(observed_at) as newest from leads")["newest"].iloc[0]
        return None if pd.isna(newest) else newest.to_pydatetime()

    def recall(self, key: str) -> str | None:
        """What `remember` kept under `key`; None if nothing."""
        found = self.query("select value from meta where key = $key", {"key": key})["value"]
        return None if found.empty else str(found.iloc[0])

    def alarms(self) -> tuple[Alarm, ...]:
        """What is wrong at the moment, oldest first. Every page asks, so the answer is kept in memory."""
        return self._alarms

    def _load_alarms(self) -> tuple[Alarm, ...]:
        sql = "select kind, message, raised_at from alarms order by raised_at, kind"
        return tuple(Alarm(**row) for row in self._run(self._analytics, sql, None).to_arrow_table().to_pylist())

    def ids_without_names(self) -> tuple[list[int], list[str], list[str]]:
        """Agent, listing and project ids that leads carry and the names tables lack, in that order."""
        agents, listings, projects = (
            self.query(
                f"select distinct {column} as id from leads anti join {table} using ({column}) "
                f"where {column} is not null order by 1"
            )["id"].tolist()
            for column, table in (("agent_id", "agents"), ("listing_id", "listings"), ("project_id", "projects"))
        )
        return agents, listings, projects

    # Writing

    def write_leads(
        self,
        leads: Sequence[Lead],
        *,
        observed_at: datetime,
        source: str = "rest",
        slice_rows: Sequence[SliceRow] = (),
    ) -> UpsertCount:
        """Upserts leads as the portal showed them at `observed_at` (the portal's clock), with their history.

        Personal rows are committed first: a crash between the two commits leaves contacts without a lead, which the
        next sync completes, and never a lead whose sender is lost. Leads, history and `slice_rows` are one
        transaction, so the ledger never claims a slice whose leads are not there.
        """
        leads = newest_of_each(leads)
        if not leads and not slice_rows:
            return UpsertCount()
        with self._leads_lock:
            return self._write_leads(leads, observed_at, source, slice_rows)

    def _write_leads(
        self, leads: list[Lead], observed_at: datetime, source: str, slice_rows: Sequence[SliceRow]
    ) -> UpsertCount:
        if leads and (current := self._without_older(leads, observed_at)):
            with self._personal.transaction() as cursor:
                write_personal(cursor, current)
        with self._changing() as cursor:
            written = UpsertCount()
            if leads:
                written = write_analytics(
                    cursor,
                    leads,
                    observed_at=observed_at,
                    source=source,
                    hash_key=self._hash_key,
                    timezone_name=self.timezone.key,
                )
            if slice_rows:
                cursor.executemany(
                    "insert into slices values (?, ?, ?, ?, ?, ?, ?)", [list(vars(row).values()) for row in slice_rows]
                )
        return written

    def write_rejected(self, rows: Sequence[RejectedRow], *, sync_id: str, observed_at: datetime) -> None:
        """Keeps rows that are no leads: the text in the personal file, the reason beside the sync. Repeats are one."""
        if not rows:
            return
        with self._personal.transaction() as cursor:
            write_rejected_payloads(cursor, rows)
        with self._changing() as cursor:
            for row in rows:
                cursor.execute(
                    "insert into rejected_leads select $sha256, $lead_id, $reason, $sync_id, $at "
                    "where not exists (select 1 from rejected_leads where sha256 = $sha256)",
                    {
                        "sha256": row.sha256,
                        "lead_id": row.lead_id,
                        "reason": row.reason,
                        "sync_id": sync_id,
                        "at": observed_at,
                    },
                )

    def write_names(
        self, agents: Sequence[AgentName], listings: Sequence[ListingName], projects: Sequence[ProjectName]
    ) -> None:
        """Replaces what is known of these agents, listings and projects."""
        if not (agents or listings or projects):
            return
        now = datetime.now(UTC)
        with self._changing() as cursor:
            for table, key, rows in (
                ("agents", "agent_id", [(a.agent_id, a.name, a.is_active) for a in agents]),
                (
                    "listings",
                    "listing_id",
                    [(x.listing_id, x.reference, x.title, x.property_type, x.category, x.offering) for x in listings],
                ),
                (
                    "projects",
                    "project_id",
                    [(p.project_id, p.title, p.developer_id, p.developer_name) for p in projects],
                ),
            ):
                # Two users may share one public profile: an id that stands twice would double its leads.
                once = list({row[0]: row for row in rows}.values())
                if once:
                    cursor.executemany(f"delete from {table} where {key} = ?", [[row[0]] for row in once])
                    marks = ", ".join("?" * (len(once[0]) + 1))
                    cursor.executemany(f"insert into {table} values ({marks})", [[*row, now] for row in once])

    def begin_sync(self, *, kind: str, dialect: str, started_at: datetime) -> str:
        """The id of a new row in `syncs`, open until `finish_sync`."""
        sync_id = uuid4().hex
        with self._changing() as cursor:
            cursor.execute(
                "insert into syncs values ($sync_id, $started_at, null, $kind, 'running', $dialect, null, null, "
                "0, 0, 0, 0, 0, 0, 0, 0, 0, null, null, null)",
                {"sync_id": sync_id, "started_at": started_at, "kind": kind, "dialect": dialect},
            )
        return sync_id

    def finish_sync(self, row: SyncRow) -> None:
        """Closes the open row of this sync with what it did."""
        values: dict[str, Any] = dict(vars(row))
        columns = [name for name in values if name != "sync_id"]
        with self._changing() as cursor:
            cursor.execute(
                f"update syncs set {', '.join(f'{name} = ${name}' for name in columns)} where sync_id = $sync_id",
                values,
            )

    def write_slice(self, row: SliceRow) -> None:
        """One stretch of createdAt whose leads were written before."""
        self.write_leads([], observed_at=row.observed_at, slice_rows=[row])

    def remember(self, key: str, value: str) -> None:
        """Keeps a fact about the portal (its dialect, say) beside the data."""
        with self._changing() as cursor:
            cursor.execute("delete from meta where key = ?", [key])
            cursor.execute("insert into meta values (?, ?)", [key, value])

    def raise_alarm(self, kind: str, message: str) -> None:
        """Puts up an alarm, shown on every page until `clear_alarm`. Again with other words: the words change."""
        if all((alarm.kind, alarm.message) != (kind, message) for alarm in self.alarms()):
            with self._changing() as cursor:
                write_alarm(cursor, Alarm(kind, message, datetime.now(UTC)))
            self._alarms = self._load_alarms()

    def clear_alarm(self, kind: str) -> None:
        """Takes an alarm down; nothing happens if there is none of this kind."""
        if any(alarm.kind == kind for alarm in self.alarms()):
            with self._changing() as cursor:
                cursor.execute("delete from alarms where kind = ?", [kind])
            self._alarms = self._load_alarms()

    # Inside

    def _run(self, file: File, sql: str, parameters: Mapping[str, object] | None) -> duckdb.DuckDBPyRelation:
        return file.cursor().sql(sql, params=dict(parameters) if parameters else None)

    def _load_hash_key(self) -> bytes:
        found = self._personal.cursor().execute("select sender_hash_key from install").fetchone()
        if found is not None:
            return bytes(found[0])
        key = secrets.token_bytes(32)
        with self._personal.transaction() as cursor:
            cursor.execute("insert into install values (?)", [key])
        return key

    def _without_older(self, leads: list[Lead], observed_at: datetime) -> list[Lead]:
        """Those of `leads` that the store has not seen later than `observed_at`: answers may arrive out of order."""
        newest = self.as_of()
        if newest is None or newest <= observed_at:
            return leads
        seen_later = self.query(
            "select lead_id from leads semi join (select unnest($ids) as lead_id) using (lead_id) "
            "where observed_at > $observed_at",
            {"ids": [lead.lead_id for lead in leads], "observed_at": observed_at},
        )["lead_id"]
        return [lead for lead in leads if lead.lead_id not in set(seen_later)]

    def _end_syncs_cut_short(self) -> None:
        """Whatever sync is still open: its program has ended without a word, or this one could not hold the files."""
        with self._changing() as cursor:
            cursor.execute(
                "update syncs set outcome = 'failed', message = 'The program ended while this sync ran. What it had "
                "committed is kept.' where outcome = 'running'"
            )

    @contextmanager
    def _changing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction over the analytics file, after which cached answers are old."""
        with self._analytics.transaction() as cursor:
            yield cursor
        self.data_version = next(_VERSIONS)

    def _claim_for_portal(self) -> None:
        owner = self.recall("portal")
        if owner is None:
            self.remember("portal", self.portal)
        elif owner != self.portal:
            raise WrongPortalError(
                f"{self.folder} holds the leads of {owner}, and the settings name {self.portal}. Set LEADLIB_DATABASE "
                "to a folder of its own for each portal or account.",
                str(self.folder),
            )

    def _set_timezone(self) -> None:
        stored = self.recall("timezone")
        if stored != self.timezone.key:
            if stored is not None:
                with self._changing() as cursor:
                    cursor.execute("update leads set created_local = timezone(?, created_at)", [self.timezone.key])
            self.remember("timezone", self.timezone.key)


@contextmanager
def _reading(file: File) -> Iterator[None]:
    """Turns DuckDB's errors into ours. A relation runs when it is fetched, so fetching belongs inside."""
    try:
        yield
    except duckdb.Error as error:
        # The database's own words may quote a value, so they stay in the cause and out of the message.
        raise StoreError(f"A query failed ({type(error).__name__}).", str(file.path)) from error


def _to_series(column: pa.ChunkedArray) -> pd.Series:
    if pa.types.is_decimal(column.type) and column.type.scale == 0:
        column = column.cast(pa.int64())  # DuckDB sums whole numbers into 128 bits
    if pa.types.is_integer(column.type) and column.null_count:
        nullable: pd.Series = column.to_pandas(types_mapper=lambda _: pd.Int64Dtype())
        return nullable
    series: pd.Series = column.to_pandas(date_as_object=False)
    return series
