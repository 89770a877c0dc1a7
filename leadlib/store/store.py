"""Store: both files behind one face."""

import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import pyarrow as pa

from leadlib.badge_rules import EXAMPLE, BadgeRules
from leadlib.errors import (
    StoreBusyError,
    StoreError,
    StoreReadOnlyError,
    StoreUnreadableError,
    WrongPortalError,
)
from leadlib.records import AgentName, Contact, Lead, ListingName, ProjectName, RejectedRow
from leadlib.shared import SharedAddress
from leadlib.store import backup, erasing, events, facts, generations, holding, names, restoring, rollups, suppression
from leadlib.store.absences import (
    AbsenceCount,
    Stretch,
    blank_contacts,
    find_missing,
    sort_out,
    write_absences,
)
from leadlib.store.alarms import Alarm, write_alarm
from leadlib.store.clamping import clamp_future, impossible_rows
from leadlib.store.drift import resolve_rejected, write_odd_fields
from leadlib.store.erasing import Erased, ErasureRow
from leadlib.store.events import LeadEvent
from leadlib.store.export_log import ExportLog
from leadlib.store.files import File, failed_query
from leadlib.store.frames import frame_of
from leadlib.store.guest_links import GuestLinks
from leadlib.store.holding import Held
from leadlib.store.ledger import fold_slices, write_slices
from leadlib.store.names import NO_IDS, Ids
from leadlib.store.opened import Files, Opened
from leadlib.store.opening import ANALYTICS, is_published_whole, open_files, open_published
from leadlib.store.patience import Patience
from leadlib.store.races import run_again
from leadlib.store.rows import SliceRow, SyncRow
from leadlib.store.shared import open_shared
from leadlib.store.suppression import Person, without_person
from leadlib.store.words import Words
from leadlib.store.work import Work
from leadlib.store.writes import (
    UpsertCount,
    newest_of_each,
    sender_key,
    write_analytics,
    write_personal,
    write_rejected_payloads,
)
from leadlib.working_hours import USUAL_HOURS, WorkingHours

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
_REPAIR_SHOWN = timedelta(days=7)
_READ_ONLY = (
    "The folder of the store may not be written by this program, so nothing is synced and nothing changes here. "
    "Give the program's user the right to write it, then start the program again."
)

# One count for all stores of a process: a cache that outlives a store must not take another's answers for its own.
_VERSIONS = count(1)


class Store:
    """The leads that the portal ever showed, and each status change witnessed.

    One process owns the files while it is open. Reading is safe from any thread; writes queue behind one another.
    `data_version` grows with every committed change: use it as a cache key. It is this process's own count, and no
    two stores of a process share a version. `words` is what people wrote beside the leads, `exports` which files of
    leads were made, `guest_links` are the addresses that open a part of it.
    """

    agents: tuple[int, ...] | None = None
    """The agents whose leads are all that is seen of it; None: all leads."""

    def __init__(
        self,
        folder: Path,
        opened: Opened,
        timezone: ZoneInfo,
        portal: str,
        working_hours: WorkingHours,
        sla_minutes: int,
        badge_rules: BadgeRules,
    ) -> None:
        self.folder = folder
        self.timezone = timezone
        self.working_hours = working_hours
        self.portal = portal
        self.sla_minutes = sla_minutes
        self.badge_rules = badge_rules
        self._data_version = next(_VERSIONS)
        self._as_of: tuple[int, datetime | None] = (0, None)  # at which data_version it was looked up, and what it was
        self._opened = opened
        self._analytics = opened.analytics
        self._personal = opened.personal
        self._looked_at_s = time.monotonic()
        self._looking = threading.Lock()
        self._hash_key = self._load_hash_key()
        self._suppression = suppression.load(self._personal.cursor(), self._hash_key)
        # What cannot be written down, because nothing can.
        is_locked_out = opened.is_read_only and opened.has_persons
        self._standing = (Alarm("read_only", _READ_ONLY, datetime.now(UTC)),) if is_locked_out else ()
        self._alarms = self._load_alarms()
        self._words = Words(opened.personal)
        self.exports = ExportLog(opened.personal)
        self._guest_links = GuestLinks(opened.personal, self._hash_key)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        timezone: ZoneInfo,
        portal: str,
        working_hours: WorkingHours = USUAL_HOURS,
        sla_minutes: int = 60,
        badge_rules: BadgeRules = EXAMPLE,
        shared: SharedAddress | None = None,
    ) -> "Store":
        """The store in `folder`, created if there is none; days begin in `timezone`, leads come from `portal`.

        `working_hours` are told on the clock of that zone. Like `sla_minutes` and `badge_rules` they are what the
        account wants its leads to be judged by, and not kept: another start may count with others.
        With `shared` it lies there, and `folder` has what this machine keeps beside it: any number of programs may
        have it open, and what one commits is seen by all. While another does the work, the zone stays as it is there.
        A damaged file is moved aside and restored from its newest copy, and an alarm says so. Where the folder may not
        be written, the store is opened for reading. Raises StoreBusyError, StoreUnreadableError, or WrongPortalError
        if the folder holds another portal's leads.
        """
        opened = open_files(folder) if shared is None else open_shared(folder, shared)
        try:
            store = cls(folder, opened, timezone, portal, working_hours, sla_minutes, badge_rules)
            with opened.alone() as is_alone:
                if is_alone and not opened.is_read_only:
                    store.settle()
                else:
                    store._take_as_it_is()
        except BaseException:
            opened.close()
            raise
        return store

    @classmethod
    def open_beside(
        cls,
        folder: Path,
        *,
        timezone: ZoneInfo,
        portal: str = "",
        working_hours: WorkingHours = USUAL_HOURS,
        sla_minutes: int = 60,
        badge_rules: BadgeRules = EXAMPLE,
        shared: SharedAddress | None = None,
    ) -> "Store":
        """The store in `folder` to be read beside whoever holds it, without the persons; nothing of it is kept open.

        What is read is the newest generation. Where nobody holds the store, that is first brought to what the store
        has, for which it is held for a moment. Without a `portal` it is that whose leads are in it, and days begin
        where the store has them begin. Raises StoreBusyError if it is held and there is no generation yet,
        StoreUnreadableError if there is no store, WrongPortalError.
        """
        wishes = (working_hours, sla_minutes, badge_rules)
        if shared is not None:
            return cls._open_shared_beside(folder, shared, timezone, portal, wishes)
        opened = open_published(folder)
        if opened is None and not (folder / ANALYTICS).exists():
            raise StoreUnreadableError(
                f"There is no store in {folder}. Start the app, or run “python -m leadlib sync”, and open it then.",
                str(folder),
            )
        if opened is None or not is_published_whole(folder):
            # As the store has them: to open it with another zone would count its days anew.
            zone = timezone if opened is None else ZoneInfo(facts.recall(opened.analytics, "timezone") or timezone.key)
            try:
                with cls.open(folder, timezone=zone, portal=portal) as store:
                    store.publish()
            except (StoreBusyError, StoreReadOnlyError):
                if opened is None:
                    raise
            else:
                if opened is not None:
                    opened.close()
                opened = open_published(folder)
        assert opened is not None  # noqa: S101  # published above
        return cls._as_it_is(folder, opened, timezone, portal, wishes)

    @classmethod
    def _open_shared_beside(
        cls,
        folder: Path,
        shared: SharedAddress,
        timezone: ZoneInfo,
        portal: str,
        wishes: tuple[WorkingHours, int, BadgeRules],
    ) -> "Store":
        """What a shared store holds now, published on this machine and read from there: it stays as it is, too."""
        with cls._as_it_is(folder, open_shared(folder, shared, to_read=True), timezone, portal, wishes) as store:
            store.publish()
        opened = open_published(folder)
        assert opened is not None  # noqa: S101  # published above
        return cls._as_it_is(folder, opened, timezone, portal, wishes)

    @classmethod
    def _as_it_is(
        cls,
        folder: Path,
        opened: Opened,
        timezone: ZoneInfo,
        portal: str,
        wishes: tuple[WorkingHours, int, BadgeRules],
    ) -> "Store":
        try:
            store = cls(folder, opened, timezone, portal, *wishes)
            store._take_as_it_is()
        except BaseException:
            opened.close()
            raise
        return store

    def close(self) -> None:
        self._opened.close()

    @property
    def data_version(self) -> int:
        """Grows with every committed change."""
        self._look()
        return self._data_version

    @property
    def words(self) -> Words:
        """What people have written for one another."""
        self._look()
        return self._words

    @property
    def guest_links(self) -> GuestLinks:
        """The addresses that open a part of the store."""
        self._look()
        return self._guest_links

    @property
    def work(self) -> Work:
        """Which of several programs on the store reads the portal and does the chores."""
        return self._opened.work

    @property
    def place(self) -> str:
        """Where it lies, in words for who looks after it."""
        return self._opened.place

    @property
    def is_read_only(self) -> bool:
        """True if the store was opened to be read only: every change raises StoreReadOnlyError."""
        return self._opened.is_read_only

    @property
    def has_rollups(self) -> bool:
        """True if the tables of ROLLUPS can be asked: they stand for all leads, and for no part of them."""
        return True

    @property
    def has_persons(self) -> bool:
        """False if the persons were left out when it was opened (`open_beside`): `contacts` then finds nobody."""
        return self._opened.has_persons

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def sparing_memory(self) -> Iterator[None]:
        """Meanwhile the store's share of memory does not grow with its size: for a sync of its own, without viewers."""
        with self._analytics.sparing_memory(), self._personal.sparing_memory():
            yield

    # Reading

    def set_patience(self, patience: Callable[[], Patience]) -> None:
        """From now on `patience` says, at each question and in the thread that asks, how long is waited for answers."""
        self._analytics.patience = self._personal.patience = patience

    @property
    def patience(self) -> Patience:
        """That of this thread at the moment."""
        return self._analytics.patience()

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> pd.DataFrame:
        """The result of one statement over the analytics tables; whole numbers stay whole, times are UTC.

        Integer columns with gaps come as pandas' Int64. Raises StoreError, which names the kind of failure only.
        """
        return frame_of(self._analytics.fetch(sql, parameters))

    def batches(self, sql: str, parameters: Mapping[str, object], rows: int = 5_000) -> Iterator[pa.RecordBatch]:
        """The same, streamed: a result of any size in batches of about `rows`."""
        cursor = self._analytics.cursor()
        with _reading(self._analytics), self._analytics.watching(cursor):
            yield from cursor.sql(sql, params=dict(parameters) if parameters else None).to_arrow_reader(rows)

    def contacts(self, lead_ids: Sequence[str]) -> pa.Table:
        """Who sent these leads: the columns of lead_contacts, any order, no row for an unknown id. Personal."""
        sql = "select c.* from lead_contacts as c semi join (select unnest($lead_ids) as lead_id) using (lead_id)"
        return self._personal.fetch(sql, {"lead_ids": list(lead_ids)})

    def as_of(self) -> datetime | None:
        """The portal's time of the newest full row; None while there is none. What the numbers speak of.

        Events do not count: one lead's news says nothing of how old the others are.
        """
        version, newest = self._as_of
        if version != self.data_version:  # every page asks, several times
            version = self.data_version
            found = self.query("select max(row_seen_at) as newest from leads")["newest"].iloc[0]
            newest = None if pd.isna(found) else found.to_pydatetime()
            self._as_of = (version, newest)
        return newest

    def pseudonym(self, text: str) -> str:
        """A short text that is equal for equal texts and tells nothing of them without this installation's key."""
        return hmac.digest(self._hash_key, text.encode(), hashlib.sha256).hex()[:12]

    def recall(self, key: str) -> str | None:
        """What `remember` kept under `key`; None if nothing."""
        return facts.recall(self._analytics, key)

    def alarms(self) -> tuple[Alarm, ...]:
        """What is wrong at the moment, oldest first. Every page asks, so the answer is kept in memory."""
        self._look()
        return self._alarms

    def _load_alarms(self) -> tuple[Alarm, ...]:
        sql = "select kind, message, raised_at from alarms order by raised_at, kind"
        stored = (Alarm(**row) for row in self._analytics.fetch(sql).to_pylist())
        return (*stored, *self._standing)

    def ids_without_names(self) -> tuple[list[int], list[str], list[str]]:
        """Agent, listing and project ids that leads carry and the names tables lack, in that order."""
        agents, listings, projects = (
            self.query(
                f"select distinct {key} as id from leads anti join {table} using ({key}) "
                f"where {key} is not null order by 1"
            )["id"].tolist()
            for table, key in names.KEYS
        )
        return agents, listings, projects

    def ids_with_old_names(self, before: datetime, most: int) -> tuple[list[int], list[str], list[str]]:
        """Ids that leads carry and whose names were last asked for before `before`, at most so many of each kind.

        Those come first that were not asked for longest; agents, listings and projects, in that order.
        """
        agents, listings, projects = (
            self.query(
                f"select {key} as id from {table} semi join leads using ({key}) where seen_at < $before "
                "order by seen_at, 1 limit $most",
                {"before": before, "most": most},
            )["id"].tolist()
            for table, key in names.KEYS
        )
        return agents, listings, projects

    # Writing

    @run_again
    def write_leads(
        self,
        leads: Sequence[Lead],
        *,
        observed_at: datetime,
        slice_rows: Sequence[SliceRow] = (),
    ) -> UpsertCount:
        """Upserts leads as the portal showed them at `observed_at` (the portal's clock), with their history.

        Leads of persons who were erased are stored, so that the counts hold, with nothing personal in them.
        Personal rows are committed first: a crash between the two commits leaves contacts without a lead, which the
        next sync completes, and never a lead whose sender is lost. Leads, history and `slice_rows` are one
        transaction, so the ledger never claims a slice whose leads are not there.
        """
        leads = newest_of_each(leads)
        if not leads and not slice_rows:
            return UpsertCount()
        with self._batch():
            return self._write_leads(leads, observed_at, slice_rows)

    def _write_leads(self, leads: list[Lead], observed_at: datetime, slice_rows: Sequence[SliceRow]) -> UpsertCount:
        leads, kept_out = self._suppression.without_persons(leads)
        came = leads
        leads, tolds, written = self._apart_from_events(leads, observed_at, kept_out)
        current = self._without_older(leads, observed_at) if leads else []
        if current or tolds:
            with self._personal.transaction() as cursor:
                write_personal(cursor, current)
                events.write_contacts(cursor, tolds)
        with self._changing() as cursor:
            events.write_tolds(cursor, tolds, self.timezone.key)
            if leads:
                written += write_analytics(
                    cursor,
                    leads,
                    observed_at=observed_at,
                    hash_key=self._hash_key,
                    timezone_name=self.timezone.key,
                    kept_out=kept_out,
                )
                resolve_rejected(cursor, observed_at)
            write_odd_fields(cursor, came, observed_at)
            if slice_rows:
                write_slices(cursor, slice_rows)
        return written

    @run_again
    def write_events(self, told: Sequence[LeadEvent]) -> int:
        """Puts what webhooks said into leads and their history, as of the events' own time; how many were new.

        An event that was applied before changes nothing, whatever came since; nor does the order matter in which events
        and rows come. Of two commits the personal one is first, as in `write_leads`.
        """
        with self._batch():
            new = events.not_applied(self._analytics.cursor(), told)
            new = [replace(e, lead=without_person(e.lead)) if self._suppression.knows(e.lead) else e for e in new]
            by_lead: dict[str, list[LeadEvent]] = {}
            for event in new:
                by_lead.setdefault(event.lead.lead_id, []).append(event)
            tolds = self._load_told(by_lead)
            for lead_id, of_lead in by_lead.items():
                events.take_events(tolds[lead_id], of_lead)
            if new:
                self._set_sender_keys(tolds.values())
                with self._personal.transaction() as cursor:
                    events.write_contacts(cursor, list(tolds.values()))
                with self._changing() as cursor:
                    events.write_tolds(cursor, list(tolds.values()), self.timezone.key)
                    write_odd_fields(cursor, [event.lead for event in new], max(event.at for event in new))
                    events.forget_old(cursor)
        return len(new)

    def leads_to_ask_for(self, most: int) -> list[str]:
        """Leads of which an event is newer than the newest full row, and of which the portal was not asked since.

        Those that wait longest come first.
        """
        return self.query(
            "select s.lead_id from lead_sights as s join leads as l using (lead_id) "
            "where s.sha256 is not null and s.asked_at is null "
            "and (l.row_seen_at is null or l.row_seen_at < s.seen_at) "
            "group by s.lead_id order by min(s.received_at), s.lead_id limit $most",
            {"most": most},
        )["lead_id"].tolist()

    @run_again
    def mark_as_asked(self, lead_ids: Sequence[str]) -> None:
        """Notes that the portal was asked for these leads, after all events that the store knows of them."""
        with self._changing() as cursor:
            cursor.execute(
                "update lead_sights set asked_at = $now where asked_at is null and lead_id in (select unnest($ids))",
                {"now": datetime.now(UTC), "ids": list(lead_ids)},
            )

    @run_again
    def write_rejected(self, rows: Sequence[RejectedRow], *, sync_id: str, observed_at: datetime) -> int:
        """Keeps rows that are no leads: the text in the personal file, the reason beside the sync. Repeats are one.

        Gives how many are news: neither the text, nor the id with this reason, has come before.
        """
        if not rows:
            return 0
        known = self.query(
            "select sha256, lead_id, reason from rejected_leads "
            "where sha256 in (select unnest($texts)) or lead_id in (select unnest($ids))",
            {"texts": [row.sha256 for row in rows], "ids": [row.lead_id for row in rows if row.lead_id] or [""]},
        )
        texts = set(known["sha256"])
        named = {pair for pair in zip(known["lead_id"], known["reason"], strict=True) if pair[0]}
        n_news = len({row.sha256 for row in rows if row.sha256 not in texts and (row.lead_id, row.reason) not in named})
        with self._personal.transaction() as cursor:
            write_rejected_payloads(cursor, [row for row in rows if not self._suppression.knows_row(row)])
        with self._changing() as cursor:
            cursor.execute(
                "update rejected_leads set resolved_at = null where sha256 in (select unnest($texts))",
                {"texts": [row.sha256 for row in rows]},
            )
            for row in rows:
                cursor.execute(
                    "insert into rejected_leads (sha256, lead_id, reason, sync_id, first_seen_at) "
                    "select $sha256, $lead_id, $reason, $sync_id, $at "
                    "where not exists (select 1 from rejected_leads where sha256 = $sha256)",
                    {
                        "sha256": row.sha256,
                        "lead_id": row.lead_id,
                        "reason": row.reason,
                        "sync_id": sync_id,
                        "at": observed_at,
                    },
                )
        return n_news

    @run_again
    def write_names(
        self,
        agents: Sequence[AgentName],
        listings: Sequence[ListingName],
        projects: Sequence[ProjectName],
        *,
        unknown: Ids = NO_IDS,
        at: datetime | None = None,
    ) -> None:
        """Replaces what is known of these agents, listings and projects, as of `at` (UTC, now unless given).

        Of `unknown` ids the portal knows nothing: what was known stays, and they count as asked for.
        """
        at = at or datetime.now(UTC)
        if agents or listings or projects or unknown != NO_IDS:
            with self._changing() as cursor:
                names.write_found(cursor, agents, listings, projects, at)
                names.write_unknown(cursor, unknown, at)

    @run_again
    def begin_sync(self, *, kind: str, dialect: str, started_at: datetime) -> str:
        """The id of a new row in `syncs`, open until `finish_sync`."""
        sync_id = uuid4().hex
        with self._changing() as cursor:
            cursor.execute(
                "insert into syncs (sync_id, started_at, kind, outcome, dialect, n_read, n_new, n_changed, "
                "n_unchanged, n_rejected, n_uncertain, n_calls, n_retries, seconds) "
                "values ($sync_id, $started_at, $kind, 'running', $dialect, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
                {"sync_id": sync_id, "started_at": started_at, "kind": kind, "dialect": dialect},
            )
        return sync_id

    @run_again
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

    @run_again
    def fold_slices(self, sync_id: str) -> None:
        """Shortens the ledger after a sweep: what it covers stays the same, in fewer lines."""
        with self._changing() as cursor:
            fold_slices(cursor, sync_id)

    @run_again
    def settle_absences(
        self,
        sync_id: str,
        *,
        began_at: datetime,
        rejected_ids: Collection[str] = (),
        unclear: Sequence[Stretch] = (),
        is_too_many: Callable[[int, int], bool],
    ) -> AbsenceCount:
        """Looks which leads a sweep should have found and did not: noted the first time, marked as gone the second.

        The second sweep has to come 24 hours after the first, and the lead must not have been seen in between. Who
        sent a lead that is gone is forgotten. `is_too_many(n, n_live)` says when so many are missing that the portal
        must be wrong: then nothing is noted or marked. The other arguments are those of `absences.find_missing`.
        """
        with self._batch():
            missing, n_live = find_missing(self._analytics.cursor(), sync_id, began_at, rejected_ids, unclear)
            if not missing:
                return AbsenceCount()
            fresh, gone, counted = sort_out(missing, n_live, began_at, is_too_many)
            if gone:
                with self._personal.transaction() as cursor:
                    blank_contacts(cursor, gone)
            if fresh or gone:
                with self._changing() as cursor:
                    write_absences(cursor, fresh, gone, began_at)
        return counted

    @run_again
    def remember(self, key: str, value: str) -> None:
        """Keeps a fact about the portal (its dialect, say) beside the data."""
        with self._changing() as cursor:
            facts.remember(cursor, key, value)

    @run_again
    def raise_alarm(self, kind: str, message: str) -> None:
        """Puts up an alarm, shown on every page until `clear_alarm`. Again with other words: the words change."""
        if all((alarm.kind, alarm.message) != (kind, message) for alarm in self.alarms()):
            with self._changing() as cursor:
                write_alarm(cursor, Alarm(kind, message, datetime.now(UTC)))
            self._alarms = self._load_alarms()

    @run_again
    def clear_alarm(self, kind: str) -> None:
        """Takes an alarm down; nothing happens if there is none of this kind."""
        if any(alarm.kind == kind for alarm in self.alarms()):
            with self._changing() as cursor:
                cursor.execute("delete from alarms where kind = ?", [kind])
            self._alarms = self._load_alarms()

    # Keeping

    @property
    def must_read_all(self) -> bool:
        """True if the store was restored, and the whole window has not been read with certainty since."""
        return bool(self._opened.mended())

    def has_read_all(self) -> None:
        """Takes note that the whole window was read with certainty. Raises StoreError."""
        if self.must_read_all:
            self._opened.forget_notes()
            self.raise_alarm("restored", restoring.READ_AGAIN)

    def retire_alarms(self, now: datetime) -> None:
        """Takes down the notice of a repair that ended a week before `now`."""
        for alarm in self.alarms():
            if alarm.kind == "restored" and not self.must_read_all and now - alarm.raised_at > _REPAIR_SHOWN:
                self.clear_alarm(alarm.kind)

    def publish(self) -> None:
        """Makes the analytics tables as they are now the newest generation. Raises StoreError."""
        self._opened.publish()

    def settle(self) -> None:
        """Puts right what a start finds; for who has the store alone, or does the work on it.

        A full disk stops none of it for good: the store can be read meanwhile. Raises WrongPortalError.
        """
        self._claim_for_portal()
        try:
            self._set_timezone()
            self._end_syncs_cut_short()
            self._clamp_future()
            with _reading(self._analytics):
                behind = rollups.behind(self._analytics.cursor())
            if behind:
                with self._changing() as cursor:
                    rollups.make(cursor, behind)
            if mended := self._opened.mended():
                self.raise_alarm("restored", restoring.explain(mended))
            if not self._opened.has_copy_for_mending():
                self.copy_personal()
        except StoreError as error:
            log.error("the store could not be put right at its start: %s", type(error).__name__)

    def keep_up(self, now: datetime | None = None) -> None:
        """Has the files of a shared store be few and in order, if that is due; for who does the work on it.

        Nobody who reads waits for it, and who writes no longer than a table takes. `now` is this moment unless it is
        given. Raises StoreError.
        """
        self._opened.keep_up(now or datetime.now(UTC))

    def files(self) -> Files | None:
        """What a shared store consists of; None for one in a folder of its own. Raises StoreError."""
        return self._opened.files()

    def sequence(self) -> int:
        """The number of the last commit to the analytics tables."""
        return self._analytics.sequence()

    def published(self) -> int | None:
        """The number of the commit that the newest generation holds; None while there is none."""
        copy = generations.newest_copy(self.folder / generations.FOLDER)
        return None if copy is None else copy.manifest.sequence

    def personal_copied_at(self) -> datetime:
        """When the newest copy of the personal tables was made, UTC; long ago if there is none."""
        return self._opened.personal_copied_at()

    def copy_personal(self) -> None:
        """Makes a copy of the personal tables, for mending: the portal shows again what is young, and nothing older.

        Raises StoreError.
        """
        self._opened.copy_personal()

    @run_again
    def forget_persons(self, before: datetime) -> int:
        """Deletes what is personal of leads created before `before`, UTC; the number of rows. The leads stay.

        The copies made before hold them no longer either. Raises StoreError.
        """
        n_rows = erasing.forget_persons(self._personal, self._analytics, self.folder, before)
        if n_rows:
            self._opened.after_forgetting()
            self._data_version = next(_VERSIONS)
        return n_rows

    def leads_of(self, person: Person) -> set[str]:
        """The ids of the leads that `erase` would take this person out of. Raises StoreError."""
        return erasing.leads_of(self._personal, self._analytics, person, self._hash_key)

    def all_of(self, person: Person, lead_ids: set[str]) -> dict[str, list[dict[str, object]]]:
        """Every row about a person whose leads these are, by table; the link for responding is blank. Personal."""
        return holding.all_of(self._personal, self._analytics, person, lead_ids)

    @run_again
    def erase(self, person: Person, who: str) -> Erased:
        """Takes a person out of the store, its copies and what lies beside it, and keeps them out from now on.

        The personal file is written anew, so that no byte of theirs is left; whoever asks for it meanwhile waits. What
        was found is put on record on the word of `who`. Raises StoreError; the same call again finishes what is left.
        """
        with self._batch():
            n_leads, n_texts, n_notebooks, n_keepsakes = erasing.erase_rows(
                self._personal, self._analytics, person, self._hash_key
            )
            self._suppression = suppression.load(self._personal.cursor(), self._hash_key)
            self._words.read_from(self._personal)
            self._guest_links.read_from(self._personal)
            n_deliveries, n_damaged = erasing.erase_files(self.folder, person)
            found = Erased(n_leads, n_texts, n_deliveries, n_damaged, n_notebooks, n_keepsakes)
            erased = erasing.put_on_record(self._personal, person, found, who)
            self._opened.after_erasing()
            self._data_version = next(_VERSIONS)
        return erased

    def erasures(self) -> list[ErasureRow]:
        """All erasures that are on record, newest first."""
        return erasing.on_record(self._personal)

    def held(self, before: datetime) -> Held:
        """Of how many leads the sender is held, and which of them were created before `before`, UTC."""
        return holding.held(self._personal, self._analytics, before)

    def back_up(self, folder: Path) -> dict[str, int]:
        """Copies all tables, the personal ones too, into a new folder; rows per table. Raises StoreError."""
        return backup.write_backup(self._analytics, self._personal, folder)

    # Inside

    def _take_as_it_is(self) -> None:
        stored = self.recall("timezone")
        self.timezone = ZoneInfo(stored) if stored else self.timezone
        if self.recall("portal") not in {None, self.portal}:
            self._claim_for_portal()

    def _clamp_future(self) -> None:
        now = datetime.now(UTC)
        if impossible_rows(self._analytics.cursor(), now):
            with self._changing() as cursor:
                clamp_future(cursor, now)
                rollups.make(cursor)
                # Noted before the commit: a crash in between reads too much and never too little.
                note = restoring.Restored("analytics", "future", restoring.now_text())
                self._opened.take_note(note)

    def _apart_from_events(
        self, leads: list[Lead], observed_at: datetime, kept_out: Collection[str]
    ) -> tuple[list[Lead], list[events.Told], UpsertCount]:
        """The leads that can simply be written, the others put together with the events that came before, and both'."""
        led = events.led_by_events(self._analytics.cursor()) if leads else set()
        tolds = self._load_told(lead.lead_id for lead in leads if lead.lead_id in led)
        written = UpsertCount()
        for lead in leads:
            if lead.lead_id in tolds:
                is_changed = events.take_row(tolds[lead.lead_id], lead, observed_at)
                if lead.lead_id in kept_out:
                    written += UpsertCount(n_suppressed=1)
                else:
                    written += UpsertCount(n_changed=int(is_changed), n_unchanged=int(not is_changed))
        self._set_sender_keys(tolds.values())
        return [lead for lead in leads if lead.lead_id not in tolds], list(tolds.values()), written

    def _load_told(self, lead_ids: Iterable[str]) -> dict[str, events.Told]:
        return events.load(self._analytics.cursor(), self._personal.cursor(), lead_ids)

    def _set_sender_keys(self, tolds: Iterable[events.Told]) -> None:
        for told in tolds:
            contact = events.contact_of(told)
            if contact != Contact():  # of somebody whose details were deleted, the key is what is left
                told.row["sender_key"] = sender_key(contact, self._hash_key)

    @run_again
    def _load_hash_key(self) -> bytes:
        found = self._personal.cursor().execute("select sender_hash_key from install").fetchone()
        if found is not None:
            return bytes(found[0])
        key = secrets.token_bytes(32)
        with self._personal.transaction() as cursor:
            # Another program may have opened the same new store at the same moment.
            cursor.execute("insert into install select ? where not exists (select 1 from install)", [key])
            ((kept,),) = cursor.execute("select sender_hash_key from install").fetchall()
        return bytes(kept)

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
        if self.query("select 1 from syncs where outcome = 'running' limit 1").empty:
            return
        with self._changing() as cursor:
            cursor.execute(
                "update syncs set outcome = 'failed', message = 'The program ended while this sync ran. What it had "
                "committed is kept.' where outcome = 'running'"
            )

    def _look(self, *, at_once: bool = False) -> None:
        """Takes note of what other programs have committed, once a second at most: what is kept in memory is old then.

        Where they cannot be asked just now, what is known stays.
        """
        if not at_once and time.monotonic() - self._looked_at_s < _LOOK_EVERY_S:
            return
        with self._looking:
            if not at_once and time.monotonic() - self._looked_at_s < _LOOK_EVERY_S:
                return
            try:
                if self._opened.has_moved():
                    self._read_again()
            except StoreError as error:
                if at_once:
                    raise
                log.warning("the store could not be asked for news: %s", type(error).__name__)
            self._looked_at_s = time.monotonic()

    def _read_again(self) -> None:
        self._suppression = suppression.load(self._personal.cursor(), self._hash_key)
        self._words.read_from(self._personal)
        self._guest_links.read_from(self._personal)
        self._alarms = self._load_alarms()
        self._data_version = next(_VERSIONS)

    @contextmanager
    def _batch(self) -> Iterator[None]:
        """Meanwhile no other program writes leads, and what was committed before is known."""
        with self._opened.leads_lock():
            self._look(at_once=True)
            yield

    @contextmanager
    def _changing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction over the analytics file, after which cached answers are old."""
        with self._analytics.transaction() as cursor:
            yield cursor
        self._data_version = next(_VERSIONS)

    def _claim_for_portal(self) -> None:
        owner = self.recall("portal")
        if not self.portal:
            self.portal = owner or ""
        elif owner is None:
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
                    rollups.make(cursor)
            self.remember("timezone", self.timezone.key)


@contextmanager
def _reading(file: File) -> Iterator[None]:
    """Turns DuckDB's errors into ours. A relation runs when it is fetched, so fetching belongs inside."""
    try:
        yield
    except duckdb.Error as error:
        file.after(error)
        raise failed_query(error, file.path) from error
