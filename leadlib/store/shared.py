"""A store that several programs share: two lakes, opened as one."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from leadlib.shared import LakeAddress, SharedAddress
from leadlib.store import facts, upkeep
from leadlib.store.catalog import Lock, Session
from leadlib.store.files import File
from leadlib.store.lake import LakeFile
from leadlib.store.memory import nobody
from leadlib.store.opened import Files, Opened
from leadlib.store.restoring import Restored
from leadlib.store.work import LeftToOthers, Told, Work

log = logging.getLogger(__name__)

_MENDED = "mended"
_KEPT_AT = "kept_at"
_MOST_WAITING = 100

# Beside the catalog and not in the lake: whoever waits for an answer asks every second, and nothing of it is kept.
_WORK_TABLES = """
create table if not exists "{schema}".leadlight_wishes (
    wish_id bigint generated always as identity, asked_at timestamptz not null default now(), wish text not null
);
create table if not exists "{schema}".leadlight_worker (
    told_at timestamptz not null, progress text not null, n_finished bigint not null
);
"""


class SharedLakes(Opened):
    """Two lakes that other programs have open too; one of them does the work."""

    def __init__(self, folder: Path, address: SharedAddress, analytics: LakeFile, personal: File) -> None:
        super().__init__(folder, analytics, personal)
        self.address = address
        self.has_persons = isinstance(personal, LakeFile)
        self._lakes = [lake for lake in (analytics, personal) if isinstance(lake, LakeFile)]
        self._analytics_lake = analytics
        self._leads = Lock(address.analytics, analytics.catalog.schema, "leads")
        self.work = (
            LeftToOthers() if analytics.is_read_only else SharedWork(address.analytics, analytics.catalog.schema)
        )

    @property
    def place(self) -> str:
        return str(self.address)

    def close(self) -> None:
        if isinstance(self.work, SharedWork):
            self.work.close()
        self._leads.close()
        super().close()

    @contextmanager
    def leads_lock(self) -> Iterator[None]:
        with self._leads.held():
            yield

    @contextmanager
    def alone(self) -> Iterator[bool]:
        is_alone = not self.is_read_only and self.work.take()
        try:
            yield is_alone
        finally:
            if isinstance(self.work, SharedWork):
                self.work.close()  # its sessions, and the lock with them, until somebody takes the work for longer

    def has_moved(self) -> bool:
        moved = [lake.has_moved() for lake in self._lakes]  # each is asked, also after the first that has
        return any(moved)

    def keep_up(self, now: datetime) -> bool:
        due = [lake for lake in self._lakes if upkeep.is_due(lake, now)]
        for lake in due:
            done = upkeep.keep_up(lake, now)
            log.info(
                "the %s lake was tidied up in %.1f s: %d rows put into files, %d files before, %d after; to write, "
                "nobody waited longer than %.1f s",
                lake.schema,
                done.seconds,
                done.before.n_inlined,
                done.before.n_files,
                done.after.n_files,
                done.longest_hold_s,
            )
        return bool(due)

    def files(self) -> Files | None:
        sizes = [upkeep.size_of(lake) for lake in self._lakes]
        return Files(
            sum(size.n_files for size in sizes),
            sum(size.n_bytes for size in sizes),
            sum(size.n_inlined for size in sizes),
            upkeep.last_turn(self._analytics_lake),
        )

    def mended(self) -> list[Restored]:
        noted = facts.recall(self.analytics, _MENDED)
        return [Restored(**note) for note in json.loads(noted)] if noted else []

    def take_note(self, note: Restored) -> None:
        _remember(self.analytics, _MENDED, json.dumps([asdict(note)]))

    def forget_notes(self) -> None:
        _remember(self.analytics, _MENDED, "[]")

    def personal_copied_at(self) -> datetime:
        noted = facts.recall(self.personal, _KEPT_AT)
        return datetime.fromisoformat(noted) if noted else datetime.min.replace(tzinfo=UTC)

    def has_copy_for_mending(self) -> bool:
        """True: PostgreSQL and the place of the files are backed up as what they are (docs/scaling.md)."""
        return True

    def copy_personal(self) -> None:
        """Notes that the personal tables were looked after."""
        _remember(self.personal, _KEPT_AT, datetime.now(UTC).isoformat())

    def after_forgetting(self) -> None:
        self._leave_no_trace()

    def after_erasing(self) -> None:
        self._leave_no_trace()
        self.publish(kept=1)

    def _leave_no_trace(self) -> None:
        if isinstance(self.personal, LakeFile):
            self.personal.leave_no_trace()


class SharedWork(Work):
    """The work on a shared store: whoever holds its lock does it, until that program ends or loses its session."""

    is_shared = True

    def __init__(self, address: LakeAddress, schema: str) -> None:
        self._lock = Lock(address, schema, "work")
        self._session = Session(address)
        self._schema = schema
        if not self._session.fetch(
            "select 1 from pg_tables where schemaname = %s and tablename = 'leadlight_worker'", [schema]
        ):
            making = Lock(address, schema, "write")
            with making.held():
                self._session.fetch(_WORK_TABLES.format(schema=schema))
            making.close()

    def close(self) -> None:
        self._lock.close()
        self._session.close()

    def take(self) -> bool:
        return self._lock.take()

    def release(self) -> None:
        self._lock.release()

    def ask(self, wish: str) -> None:
        self._session.fetch(
            f'insert into "{self._schema}".leadlight_wishes (wish) select %s where not exists '
            f'(select 1 from "{self._schema}".leadlight_wishes where wish = %s) '
            f'and (select count(*) from "{self._schema}".leadlight_wishes) < %s',
            [wish, wish, _MOST_WAITING],
        )

    def asked(self) -> list[str]:
        rows = self._session.fetch(f'delete from "{self._schema}".leadlight_wishes returning wish_id, wish')
        return [str(wish) for _, wish in sorted(rows)]

    def tell(self, told: Told) -> None:
        table = f'"{self._schema}".leadlight_worker'
        self._session.fetch(
            f"with gone as (delete from {table}) insert into {table} values (now(), %s, %s)",
            [told.progress, told.n_finished],
        )

    def told(self) -> Told:
        rows = self._session.fetch(
            f'select progress, n_finished, (select count(*) from "{self._schema}".leadlight_wishes) '
            f'from "{self._schema}".leadlight_worker order by told_at desc limit 1'
        )
        if not rows:
            ((n_waiting,),) = self._session.fetch(f'select count(*) from "{self._schema}".leadlight_wishes')
            return Told(n_waiting=int(n_waiting))
        ((progress, n_finished, n_waiting),) = rows
        return Told(str(progress), int(n_finished), int(n_waiting))


def open_shared(folder: Path, address: SharedAddress, *, to_read: bool = False) -> SharedLakes:
    """The lakes at the address, made if there are none; `folder` is for what this machine keeps beside them.

    Without an address for the persons, and with `to_read`, nothing can be changed and nobody is known. Raises
    StoreUnreadableError.
    """
    reads = to_read or address.personal is None
    analytics = LakeFile(address.analytics, "analytics", folder, is_read_only=reads)
    try:
        if reads or address.personal is None:
            personal: File = nobody(folder / "personal")
        else:
            personal = LakeFile(address.personal, "personal", folder)
    except BaseException:
        analytics.close()
        raise
    try:
        return SharedLakes(folder, address, analytics, personal)
    except BaseException:
        analytics.close()
        personal.close()
        raise


def _remember(file: File, key: str, value: str) -> None:
    with file.transaction() as cursor:
        facts.remember(cursor, key, value)
