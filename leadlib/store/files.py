"""Opening a DuckDB file: settings, lock, damage, migrations, and foreign errors turned into ours."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import duckdb
import pyarrow as pa

from leadlib.errors import (
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreReadOnlyError,
    StoreUnreadableError,
)
from leadlib.store.disk import keep_private, remove
from leadlib.store.mark import Mark
from leadlib.store.patience import ENDLESS, Patience, too_slow, unwanted, watched

MEMORY_LIMIT = "1GB"
"""What a file may keep in memory, so that the questions of many viewers find it there."""

SPARING: Mapping[str, str] = {"memory_limit": "64MB", "checkpoint_threshold": "32MB"}
"""Settings while nobody asks and rows only come in: what was written is not kept in memory."""

_SCHEMA = files("leadlib") / "sql" / "schema"

# No extension may be fetched, nor one taken that lies in somebody's home: a store must open on a machine without a
# network, and stay the same store.
NO_EXTENSIONS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
CONFIG = {"memory_limit": MEMORY_LIMIT, **NO_EXTENSIONS}

_LET_GO_WITHIN_S = 30.0
_NOT_DAMAGE = re.compile(
    "permission denied|read-only|no space left|too many open files|cannot allocate|version number|not enough memory"
    "|out of memory|operation not permitted|access is denied",
    re.IGNORECASE,
)


class File:
    """One DuckDB file: a cursor per reader, one transaction at a time for the writer.

    Each commit is numbered, in the file and in a mark beside it, so that a file which has lost its tail is known for
    what it is. `patience` says how long whoever asks waits for an answer; it is called at each question, in the thread
    that asks.
    """

    patience: Callable[[], Patience] = staticmethod(lambda: ENDLESS)

    def __init__(self, path: Path, schema: str, *, is_read_only: bool = False, has_lost_tail: bool = False) -> None:
        """Opens `path`, creates it if need be, and brings it to the newest schema named `schema`_NNNN.

        `has_lost_tail` takes a file that has lost its last commits as it is. Raises StoreBusyError while another
        process holds it, StoreDamagedError if it is gone, unreadable or behind its mark, StoreUnreadableError if it
        is foreign, newer than this program or may not be read.
        """
        self.path = path
        self.schema = schema
        self.is_read_only = is_read_only
        self._mark = Mark(path.with_suffix(".sequence"))
        self._writer_lock = threading.Lock()
        self._connecting = threading.Lock()
        self._is_closed = False
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._prepared: set[str] = set()  # what was prepared over this connection, by name
        if not path.exists() and self._mark.read():
            raise StoreDamagedError(f"{path} is gone.", str(path))
        try:
            self._connection = self._connect()
            self._find_damage(has_lost_tail)
            if not is_read_only:
                self._migrate()
                self._mark.write(self.sequence())
            elif names_of_migrations(schema) != self.migrations():
                raise StoreUnreadableError(
                    f"{path} was written by another version of Leadlight and may not be written here, so it cannot be "
                    "brought to this one. Give this program the right to write the folder once.",
                    str(path),
                )
        except duckdb.Error as error:
            self.close()
            raise StoreUnreadableError(
                f"{path} opened, but its tables are not Leadlight's ({type(error).__name__}). Set LEADLIB_DATABASE to "
                "another folder to start a new store, or restore a backup there.",
                str(path),
            ) from error
        except OSError as error:
            self.close()
            raise _unwritable(path, error) from error
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        self._is_closed = True
        if self._connection is not None:
            self._connection.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of the caller's own: DuckDB's are not for several threads at once.

        Raises StoreError once the file is closed.
        """
        return self.prepared_cursor()

    def prepared_cursor(
        self, name: str = "", prepare: Callable[[duckdb.DuckDBPyConnection], None] = lambda _: None
    ) -> duckdb.DuckDBPyConnection:
        """The same, after `prepare` has run over the connection that all cursors share: once per `name`."""
        with self._connecting:
            try:
                if self._is_closed:
                    raise duckdb.ConnectionException("closed")
                if self._connection is None:
                    self._connection = self._connect()
                    self._prepared = set()
                if name not in self._prepared:
                    prepare(self._connection)
                    self._prepared.add(name)
                return self._connection.cursor()
            except duckdb.ConnectionException as error:
                raise StoreError(
                    f"{self.path} has been closed: the program is being stopped.", str(self.path)
                ) from error

    @contextmanager
    def sparing_memory(self) -> Iterator[None]:
        """Keeps the file to SPARING meanwhile."""
        cursor = self.cursor()
        before = {name: cursor.execute("select current_setting(?)", [name]).fetchall()[0][0] for name in SPARING}
        for name, value in SPARING.items():
            cursor.execute(f"set {name} = '{value}'")
        try:
            yield
        finally:
            for name, value in before.items():
                cursor.execute(f"set {name} = '{value}'")

    def fetch(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        """The result of one statement. Raises StoreError, which names the kind of failure only.

        SlowQueryError or QueryStoppedError, if the patience of whoever asks ends before.
        """
        try:
            return self._fetch(sql, parameters)
        except duckdb.Error as error:
            if not self.after(error):
                raise failed_query(error, self.path) from error
        try:
            return self._fetch(sql, parameters)
        except duckdb.Error as error:
            raise failed_query(error, self.path) from error

    @contextmanager
    def watching(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Has the statement on this cursor stopped when the patience of whoever asks ends.

        Raises SlowQueryError or QueryStoppedError then, or what their `leave` raises.
        """
        patience = self.patience()
        try:
            with watched(cursor, patience) as running:
                if patience.is_gone():
                    raise duckdb.InterruptException("before it began")
                yield
        except duckdb.InterruptException as error:
            if running.is_late:
                raise too_slow(patience.seconds, str(self.path)) from error
            patience.leave()
            raise unwanted(str(self.path)) from error

    def after(self, error: duckdb.Error) -> bool:
        """Takes note of an error; True if the same may be tried again.

        A checkpoint that finds the disk full makes DuckDB refuse all further work. What was committed is whole, so the
        file is opened anew for whoever comes next. A cursor that was closed because the file was written anew is asked
        for once more, too.
        """
        if isinstance(error, duckdb.ConnectionException):
            return not self._is_closed
        if not isinstance(error, duckdb.FatalException) or self._is_closed:
            return False
        with self._connecting, suppress(duckdb.Error):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
        return True

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor in a transaction of its own, one at a time; any exception rolls all of it back.

        What has left this function without an exception survives a crash, and its loss would be noticed. Raises
        StoreReadOnlyError, or StoreError if the database cannot commit (a full disk, say).
        """
        with self._transaction(is_counted=True) as cursor:
            yield cursor

    def sequence(self) -> int:
        """The number of the last commit that the file itself knows of; 0 in a file from before they were counted."""
        return sequence_in(self.cursor())

    def migrations(self) -> tuple[str, ...]:
        """The schema changes that were made to this file, in order."""
        rows = self.cursor().execute("select name from migrations order by name").fetchall()
        return tuple(str(name) for (name,) in rows)

    def checkpoint(self) -> None:
        """Moves everything from the log into the file itself. Raises StoreError."""
        try:
            self.cursor().execute("force checkpoint")
        except duckdb.Error as error:
            self.after(error)
            raise _unwritable(self.path, error) from error

    def write_anew(self, rewrite: Callable[[Path], None]) -> None:
        """Has `rewrite` put another file in place of this one, and goes on with that; whoever asks meanwhile waits.

        Raises what `rewrite` does.
        """
        with self._writer_lock, self._connecting:
            self._let_go()
            rewrite(self.path)  # the next cursor opens what is there then

    def _let_go(self) -> None:
        """Closes the connection, once nobody is in the middle of a call."""
        last_s = time.monotonic() + _LET_GO_WITHIN_S
        while self._connection is not None:
            try:
                self._connection.close()
                self._connection = None
            except duckdb.ResourceInUseException as error:
                if time.monotonic() > last_s:
                    raise _unwritable(self.path, error) from error
                time.sleep(0.01)

    def _fetch(self, sql: str, parameters: Mapping[str, object] | None) -> pa.Table:
        cursor = self.cursor()
        with self.watching(cursor):
            return cursor.sql(sql, params=dict(parameters) if parameters else None).to_arrow_table()

    @contextmanager
    def _transaction(self, *, is_counted: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        if self.is_read_only:
            raise StoreReadOnlyError(
                f"{self.path.parent} may not be written by this program, so nothing was changed. What is shown is as "
                "old as it says. Give the program's user the right to write the folder, then start it again.",
                str(self.path),
            )
        with self._writer_lock:
            cursor = self.cursor()
            try:
                cursor.execute("begin")
                yield cursor
                sequence = count_commit(cursor) if is_counted else 0
                cursor.execute("commit")
                if is_counted:
                    self._mark.write(sequence)
            except duckdb.Error as error:
                roll_back(cursor)
                self.after(error)
                raise _unwritable(self.path, error) from error
            except OSError as error:
                roll_back(cursor)
                raise _unwritable(self.path, error) from error
            except BaseException:
                roll_back(cursor)
                raise
            finally:
                cursor.close()
                # DuckDB makes its log anew after each checkpoint, with the permissions that the umask leaves.
                keep_private(self.path.with_name(self.path.name + ".wal"))

    def _connect(self) -> duckdb.DuckDBPyConnection:
        try:
            connection = duckdb.connect(str(self.path), read_only=self.is_read_only, config=CONFIG)
        except duckdb.Error as error:
            raise self._opening_error(error) from error
        keep_private(self.path)
        connection.execute("set global TimeZone = 'UTC'")
        return connection

    def _find_damage(self, has_lost_tail: bool) -> None:
        """Reads every block of every table (the database checks each block's checksum), then compares the mark."""
        cursor = self.cursor()
        try:
            for table in tables_in(cursor):
                cursor.execute(f"select bit_xor(hash(columns(*))) from {quoted(table)}").fetchall()
            held = sequence_in(cursor)
        except duckdb.Error as error:
            raise self._opening_error(error) from error
        known = self._mark.read()
        if held < known and has_lost_tail:
            with self._transaction(is_counted=True) as writer:
                writer.execute("update commits set sequence = ?", [known])
        elif held < known:
            raise StoreDamagedError(
                f"{self.path} has lost its last {known - held} commits.", str(self.path), sequence=held
            )

    def _migrate(self) -> None:
        cursor = self.cursor()
        if not has_table(cursor, "migrations"):
            prepare(cursor)
        for name in self._missing_migrations():
            # A schema change and its record are one transaction, so a crash leaves the old schema or the new one.
            with self._transaction(is_counted=False) as cursor:
                migrate(cursor, name)

    def _missing_migrations(self) -> list[str]:
        """The schema changes that are still to be made, in order. Raises StoreUnreadableError for unknown ones."""
        applied, known = set(self.migrations()), names_of_migrations(self.schema)
        if applied - set(known):
            raise StoreUnreadableError(
                f"{self.path} was written by a newer Leadlight ({', '.join(sorted(applied - set(known)))}). "
                "Update this program; an older one could lose what the newer keeps.",
                str(self.path),
            )
        return [name for name in known if name not in applied]

    def _opening_error(self, error: duckdb.Error) -> StoreError:
        text = str(error)
        if "lock" in text.lower() and "block" not in text.lower():
            holder = re.search(r"\(PID (\d+)\)", text)
            who = f"process {holder.group(1)}" if holder else "another process"
            return StoreBusyError(
                f"{self.path} is held by {who}, most likely the running app. Use “Sync now” and the downloads there, "
                "or stop it first.",
                str(self.path),
            )
        if _NOT_DAMAGE.search(text) or isinstance(error, duckdb.OutOfMemoryException):
            return StoreUnreadableError(
                f"{self.path} cannot be opened ({type(error).__name__}). Check the disk's free space, the memory, the "
                "folder's permissions, and that this program is not older than the one that wrote it.",
                str(self.path),
            )
        return StoreDamagedError(
            f"{self.path} cannot be read as a store ({type(error).__name__}). If it is not a Leadlight store, set "
            "LEADLIB_DATABASE to another folder; if it is, restore a backup into one.",
            str(self.path),
        )


def names_of_migrations(schema: str) -> tuple[str, ...]:
    """The schema changes that this program knows for `schema`, in order."""
    names = (file.name for file in _SCHEMA.iterdir())
    return tuple(sorted(name for name in names if name.startswith(f"{schema}_") and name.endswith(".sql")))


def prepare(cursor: duckdb.DuckDBPyConnection) -> None:
    """Makes the two tables that every file has before its first migration."""
    cursor.execute("create table if not exists migrations (name varchar, applied_at timestamptz)")
    cursor.execute("create table if not exists meta (key varchar, value varchar)")


def migrate(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    """Makes one schema change and puts it on record."""
    cursor.execute((_SCHEMA / name).read_text(encoding="utf-8"))
    cursor.execute("insert into migrations values (?, ?)", [name, datetime.now(UTC)])


def sequence_in(cursor: duckdb.DuckDBPyConnection) -> int:
    """The number of the last commit, as this cursor's transaction sees it; 0 where they are not counted yet."""
    if not has_table(cursor, "commits"):
        return 0
    found = cursor.execute("select max(sequence) from commits").fetchone()
    return int(found[0]) if found and found[0] is not None else 0


def tables_in(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    """The names of the tables in what the cursor has opened, in order; nothing beside it, and none of its own."""
    rows = cursor.execute(
        "select table_name from duckdb_tables() where database_name = current_database() and not internal order by 1"
    ).fetchall()
    return [str(name) for (name,) in rows]


def has_table(cursor: duckdb.DuckDBPyConnection, name: str) -> bool:
    """True if there is such a table in what the cursor has opened."""
    return name in tables_in(cursor)


def remove_file(path: Path) -> None:
    """Removes a DuckDB file that nobody holds, with its log."""
    remove(path)
    remove(path.with_name(path.name + ".wal"))


def count_commit(cursor: duckdb.DuckDBPyConnection) -> int:
    """Counts the commit that this cursor is about to make, and gives its number."""
    cursor.execute("update commits set sequence = sequence + 1")
    return sequence_in(cursor)


def quoted(name: str) -> str:
    """The name as SQL takes any name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | Path) -> str:
    """The text as SQL takes any text, for where no value can be bound."""
    return "'" + str(text).replace("'", "''") + "'"


def failed_query(error: duckdb.Error, path: Path) -> StoreError:
    """The error to raise; the database's own words may quote a value, so they stay in the cause."""
    return StoreError(f"A query failed ({type(error).__name__}).", str(path))


def _unwritable(path: Path, error: Exception) -> StoreError:
    return StoreError(
        f"{path} could not be written ({type(error).__name__}). What was committed before is intact. "
        "Check the disk's free space and the folder's permissions, then sync again.",
        str(path),
    )


def roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    """Undoes what the cursor's transaction did, if it is in one still."""
    try:
        cursor.execute("rollback")
    except duckdb.Error:
        return  # DuckDB has rolled back by itself (it does after some errors), which is all we want
