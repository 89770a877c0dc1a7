"""Moving a store: out of a folder into lakes that several machines share, and back into a folder.

What is moved is a copy in Parquet files that is whole and has one moment, like a backup. The store it was taken of is
only read.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from leadlib.errors import StoreBusyError, StoreError, StoreReadOnlyError, StoreUnreadableError
from leadlib.shared import SharedAddress
from leadlib.store import restoring
from leadlib.store.backup import restore_backup, whole_copies, write_backup
from leadlib.store.building import differing_tables
from leadlib.store.copies import MANIFEST, Copy, parquet_rows
from leadlib.store.files import File, names_of_migrations, quoted, tables_in
from leadlib.store.lake import SCHEMAS
from leadlib.store.opening import open_files
from leadlib.store.shared import SharedLakes, open_shared

# What a lake has from its making, and counts for itself.
_OF_ITS_OWN = {"migrations", "commits"}


def move_to_lakes(source: Path, address: SharedAddress) -> dict[str, int]:
    """Copies the store in the folder `source`, or the backup there, into the empty lakes at `address`; rows per table.

    Each table is compared with the copy before its lake is committed: the persons' lake first, so that no lead is ever
    without its sender. Raises StoreBusyError if somebody has either open, StoreUnreadableError, StoreDamagedError for a
    backup that is not whole, or StoreError; what was there before is as it was.
    """
    with tempfile.TemporaryDirectory(prefix=".migrate-", dir=source.parent) as aside:
        copies, notes = _copies_of(source, Path(aside) / "copy")
        with _lakes(Path(aside) / "own", address) as lakes:
            _check_free(lakes)
            _fill(lakes.personal, copies["personal"])
            try:
                _fill(lakes.analytics, copies["analytics"])
                for note in notes:
                    lakes.take_note(note)
            except BaseException:
                with suppress(StoreError):
                    _empty(lakes.personal)
                raise
    return _rows(copies)


def move_to_folder(address: SharedAddress, target: Path) -> dict[str, int]:
    """Copies the store at `address` into the folder `target`, which has to be empty or not there; rows per table.

    Raises StoreBusyError while a program works on it, StoreUnreadableError, StoreError; `target` is empty again then.
    """
    with tempfile.TemporaryDirectory(prefix=".migrate-", dir=target.parent) as aside:
        with _lakes(Path(aside) / "own", address) as lakes, lakes.leads_lock():
            write_backup(lakes.analytics, lakes.personal, Path(aside) / "copy")
            notes = lakes.mended()
        rows = restore_backup(Path(aside) / "copy", target)
        for note in notes:
            restoring.take_note(target, note)
    return rows


@contextmanager
def _lakes(own: Path, address: SharedAddress) -> Iterator[SharedLakes]:
    """Both lakes, with nobody at work on them."""
    lakes = open_shared(own, address)
    try:
        if lakes.is_read_only or not lakes.has_persons:
            raise StoreReadOnlyError(f"To move {lakes.place}, its persons have to be reached too.", lakes.place)
        with lakes.alone() as is_alone:
            if not is_alone:
                raise StoreBusyError(
                    f"A program is at work on {lakes.place}. Stop all that have it open: what they write meanwhile "
                    "would be in one of the two stores only.",
                    lakes.place,
                )
            yield lakes
    finally:
        lakes.close()


def _copies_of(source: Path, aside: Path) -> tuple[dict[str, Copy], list[restoring.Restored]]:
    if (source / "analytics" / MANIFEST).exists():
        return whole_copies(source), []
    if not (source / "leads.duckdb").exists():
        raise StoreUnreadableError(f"There is neither a store nor a backup in {source}.", str(source))
    try:
        opened = open_files(source)
    except StoreUnreadableError as error:
        raise StoreUnreadableError(
            f"{error} If a newer DuckDB than this environment's has written it, make a backup with the environment "
            "that the store was used with (“python -m leadlib backup DIR”), and migrate DIR.",
            error.path,
        ) from error
    try:
        write_backup(opened.analytics, opened.personal, aside)
        return whole_copies(aside), opened.mended()
    finally:
        opened.close()


def _check_free(lakes: SharedLakes) -> None:
    for file in (lakes.analytics, lakes.personal):
        cursor = file.cursor()
        for table in tables_in(cursor):
            if table not in _OF_ITS_OWN and cursor.execute(f"select 1 from {quoted(table)} limit 1").fetchall():
                schemas = " and ".join(f"drop schema {schema} cascade" for schema in SCHEMAS.values())
                raise StoreUnreadableError(
                    f"{lakes.place} is not empty: its table {table} has rows. Name another database and another place, "
                    f"or, if nothing in it is needed (of a migration that was cut off, say), empty it: {schemas} in "
                    "PostgreSQL, and delete the files below data=.",
                    lakes.place,
                )


def _fill(lake: File, copy: Copy) -> None:
    """Puts the rows of the copy into the lake's empty tables, in one transaction. Raises StoreError."""
    missing = set(names_of_migrations(lake.schema)) - set(copy.manifest.migrations)
    if missing or set(copy.manifest.migrations) - set(names_of_migrations(lake.schema)):
        raise StoreUnreadableError(
            f"{copy.folder.parent} was made by another version of Leadlight. Restore it into an empty folder with this "
            "one, and migrate that.",
            str(copy.folder),
        )
    with lake.transaction() as cursor:
        for table in copy.manifest.tables:
            if table not in _OF_ITS_OWN:
                for path in copy.paths(table):  # a month at a time, in its order
                    cursor.execute(f"insert into {quoted(table)} by name {parquet_rows([path])}")
        if different := set(differing_tables(cursor, copy)) - _OF_ITS_OWN:
            raise StoreError(
                f"These tables are not as in the copy: {sorted(different)}. Nothing was kept.", str(lake.path)
            )


def _empty(lake: File) -> None:
    with lake.transaction() as cursor:
        for table in tables_in(cursor):
            if table not in _OF_ITS_OWN:
                cursor.execute(f"delete from {quoted(table)}")


def _rows(copies: Mapping[str, Copy]) -> dict[str, int]:
    return {table: n_rows for copy in copies.values() for table, n_rows in copy.manifest.rows.items()}
