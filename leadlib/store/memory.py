"""Files of the store that lie in memory alone: a generation to be read, and a personal file with nobody in it."""

import secrets
import threading
from collections.abc import Callable
from pathlib import Path

import duckdb

from leadlib.store.copies import Copy, parquet_rows
from leadlib.store.files import NO_EXTENSIONS, File, migrate, names_of_migrations, prepare, quoted


class MemoryFile(File):
    """A File without a disk below it, filled once and then only read: a change raises StoreReadOnlyError."""

    def __init__(self, path: Path, schema: str, fill: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
        """`path` is where what is in it comes from, for messages. Raises duckdb.Error if `fill` does."""
        self.path = path
        self.schema = schema
        self.is_read_only = True
        self._fill = fill
        self._connecting = threading.Lock()
        self._is_closed = False
        self._prepared = set()
        self._connection = self._connect()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        # All that others let out of memory stays in it here: no limit but the machine's.
        connection = duckdb.connect(":memory:", config=NO_EXTENSIONS)
        connection.execute("set global TimeZone = 'UTC'")
        self._fill(connection)
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        return connection


def tables_of(copy: Copy) -> MemoryFile:
    """The tables of a copy. Raises duckdb.Error if one of its files is gone."""

    def fill(connection: duckdb.DuckDBPyConnection) -> None:
        for table in copy.manifest.tables:
            connection.execute(f"create table {quoted(table)} as {parquet_rows(copy.paths(table))}")

    return MemoryFile(copy.folder, copy.manifest.schema, fill)


def nobody(path: Path) -> MemoryFile:
    """A personal file that knows of no person, with a key under which nothing was ever hashed."""

    def fill(connection: duckdb.DuckDBPyConnection) -> None:
        prepare(connection)
        for name in names_of_migrations("personal"):
            migrate(connection, name)
        connection.execute("insert into install values (?)", [secrets.token_bytes(32)])

    return MemoryFile(path, "personal", fill)
