"""Generations: the newest copies of a file, one folder each, for reading beside the app and for mending the store.

The name of the newest one is swapped by rename, and no path is ever used twice, so that a reader keeps what it has
opened. The few newest are kept, older ones are deleted.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import pandas as pd
import pyarrow as pa
from pyarrow.parquet import read_table

from leadlib.errors import StoreDamagedError, StoreError
from leadlib.store import disk
from leadlib.store.copies import Copy, parquet_rows, read_copy, write_copy
from leadlib.store.files import NO_EXTENSIONS, File
from leadlib.store.frames import frame_of
from leadlib.store.scope import TABLES, conditions, shown
from leadlib.store.sql_process import RefusedError, reading_nodes

FOLDER = "generations"
KEPT = 3
_POINTER = "newest"


class Generation:
    """One copy of the analytics tables, to be asked questions: what it answers never changes.

    Nothing personal is in it. A query reaches these files and nothing else on the machine, and cannot change them.
    """

    def __init__(self, copy: Copy, agents: Sequence[int] | None = None) -> None:
        """With `agents` it is only what belongs to their leads (see scope.TABLES)."""
        self.sequence = copy.manifest.sequence
        self.created_at: datetime = copy.manifest.created_at
        self.folder = copy.folder
        self._connection = duckdb.connect(":memory:", config=NO_EXTENSIONS)
        self._connection.execute("set global TimeZone = 'UTC'")
        leads = f"({parquet_rows(copy.paths('leads'))})"
        within = dict.fromkeys(copy.manifest.tables, "true") if agents is None else conditions(agents, leads)
        for table in copy.manifest.tables:
            if table in within:
                blank = () if agents is None else TABLES[table].blank
                rows = parquet_rows(copy.paths(table), [shown(table, column) for column in blank])
                self._connection.execute(f"create view {table} as {rows} where {within[table]}")
        self._connection.execute("set allowed_directories = [$1]", [f"{copy.folder}/"])
        self._connection.execute("set enable_external_access = false")
        self._connection.execute("set lock_configuration = true")

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> pd.DataFrame:
        """The result of one SELECT over the tables' names. Safe from any thread.

        Raises StoreError, also once this generation has been deleted: open the newest then.
        """
        cursor = self._connection.cursor()
        try:
            # Its own folder is open to this connection, for writing too, and a WITH may hold a COPY.
            reading_nodes(cursor, sql)
            relation = cursor.sql(sql, params=dict(parameters) if parameters else None)
            return frame_of(relation.to_arrow_table())
        except RefusedError as error:
            raise StoreError(
                "A generation answers one SELECT at a time, and nothing else.", str(self.folder)
            ) from error
        except duckdb.Error as error:
            raise StoreError(
                f"A query over generation {self.sequence} failed ({type(error).__name__}).", str(self.folder)
            ) from error
        finally:
            cursor.close()

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> "Generation":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_newest(folder: Path, agents: Sequence[int] | None = None) -> Generation | None:
    """The newest generation of the store in `folder` that is whole; None while there is none.

    With `agents` it answers of their leads only.

    No lock is needed: any number of processes may read while the app goes on writing.
    """
    # One may be deleted between its being found and its being opened; then there is a newer one.
    for _ in range(KEPT):
        copy = newest_copy(folder / FOLDER)
        if copy is None:
            return None
        try:
            return Generation(copy, agents)
        except duckdb.Error:
            continue
    return None


def publish(file: File, folder: Path, kept: int = KEPT) -> Copy:
    """Writes a new copy of the file's tables below `folder`, makes it the newest one and deletes the oldest.

    Nothing is written if no commit came since the last. Raises StoreError; the one before stays the newest then.
    """
    last = newest_copy(folder)
    if last is not None and last.manifest.sequence == file.sequence():
        return last
    copy = write_copy(file, folder / _unused_name(folder, file.sequence()), last)
    try:
        disk.write_whole(folder / _POINTER, copy.folder.name.encode())
    except OSError as error:
        raise StoreError(
            f"The copy in {copy.folder} could not be made the newest ({type(error).__name__}).", str(folder)
        ) from error
    for old in _folders(folder)[kept:]:
        disk.remove_quietly(old)  # one that somebody has open may stay until the next time
    return copy


def newest_copy(folder: Path, *, is_checked: bool = False) -> Copy | None:
    """The newest whole copy below `folder`; with `is_checked`, every byte of it has been read and found right."""
    for candidate in _candidates(folder):
        with suppress(StoreDamagedError):
            copy = read_copy(candidate)
            if not is_checked or copy.damage() is None:
                return copy
    return None


def zone_of(copy: Copy) -> ZoneInfo:
    """The time zone in which days begin for the store that the copy was made of. Raises StoreDamagedError."""
    try:
        known = {row["key"]: row["value"] for path in copy.paths("meta") for row in read_table(path).to_pylist()}
        return ZoneInfo(known["timezone"])
    except (OSError, KeyError, ValueError, pa.ArrowException, ZoneInfoNotFoundError) as error:
        raise StoreDamagedError(f"{copy.folder} does not say its time zone.", str(copy.folder)) from error


def remove_drafts(folder: Path) -> None:
    """Deletes what a crash has left of copies that were being written."""
    for draft in folder.glob("draft-*"):
        disk.remove_quietly(draft)


def _candidates(folder: Path) -> list[Path]:
    """The one that the pointer names, then all others, newest first."""
    folders = _folders(folder)
    with suppress(OSError, UnicodeDecodeError):
        named = folder / (folder / _POINTER).read_text(encoding="utf-8").strip()
        if named in folders:
            return [named, *(other for other in folders if other != named)]
    return folders


def _folders(folder: Path) -> list[Path]:
    """All copies below `folder`, whole or not, newest first: their names begin with their sequence, padded."""
    if not folder.is_dir():
        return []
    return sorted((p for p in folder.iterdir() if p.is_dir() and p.name[:1].isdigit()), reverse=True)


def _unused_name(folder: Path, sequence: int) -> str:
    name, n_again = f"{sequence:012d}", 1
    while (folder / name).exists():
        name, n_again = f"{sequence:012d}-{n_again}", n_again + 1
    return name
