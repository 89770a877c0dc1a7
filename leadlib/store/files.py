"""Opening a DuckDB file: settings, lock, migrations, and foreign errors turned into ours."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import duckdb

from leadlib.errors import StoreBusyError, StoreError, StoreUnreadableError

MEMORY_LIMIT = "1GB"
_SCHEMA = files("leadlib") / "sql" / "schema"


class File:
    """One DuckDB file: a cursor per reader, one transaction at a time for the writer."""

    def __init__(self, path: Path, schema: str) -> None:
        """Opens `path`, creates it if need be, and brings it to the newest schema named `schema`_NNNN.

        Raises StoreBusyError while another process holds it, StoreUnreadableError if it is damaged, foreign, newer
        than this program or may not be written.
        """
        self.path = path
        self._writer_lock = threading.Lock()
        try:
            # No extension may be fetched: a store must open on a machine without a network, and stay the same store.
            self._connection = duckdb.connect(
                str(path),
                config={
                    "memory_limit": MEMORY_LIMIT,
                    "autoinstall_known_extensions": "false",
                    "allow_community_extensions": "false",
                },
            )
        except duckdb.Error as error:
            raise _opening_error(error, path) from error
        try:
            self._connection.execute("set global TimeZone = 'UTC'")
            self._migrate(schema)
        except duckdb.Error as error:
            self._connection.close()
            raise StoreUnreadableError(
                f"{path} opened, but its tables are not Leadlight's ({type(error).__name__}). Move the file away to "
                "start a new store, or restore a backup.",
                str(path),
            ) from error
        except StoreError:
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of the caller's own: DuckDB's are not for several threads at once.

        Raises StoreError once the file is closed.
        """
        try:
            return self._connection.cursor()
        except duckdb.ConnectionException as error:
            raise StoreError(f"{self.path} has been closed: the program is being stopped.", str(self.path)) from error

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor in a transaction of its own, one at a time; any exception rolls all of it back.

        Raises StoreError if the database cannot commit (a full disk, say).
        """
        with self._writer_lock:
            cursor = self.cursor()
            try:
                cursor.execute("begin")
                yield cursor
                cursor.execute("commit")
            except duckdb.Error as error:
                _roll_back(cursor)
                raise StoreError(
                    f"{self.path} could not be written ({type(error).__name__}). What was committed before is intact. "
                    "Check the disk's free space and the folder's permissions, then sync again.",
                    str(self.path),
                ) from error
            except BaseException:
                _roll_back(cursor)
                raise
            finally:
                cursor.close()

    def _migrate(self, schema: str) -> None:
        with self.transaction() as cursor:
            cursor.execute("create table if not exists migrations (name varchar, applied_at timestamptz)")
            cursor.execute("create table if not exists meta (key varchar, value varchar)")
        applied = {name for (name,) in self.cursor().execute("select name from migrations").fetchall()}
        known = sorted(f.name for f in _SCHEMA.iterdir() if f.name.startswith(f"{schema}_") and f.name.endswith(".sql"))
        if applied - set(known):
            raise StoreUnreadableError(
                f"{self.path} was written by a newer Leadlight ({', '.join(sorted(applied - set(known)))}). "
                "Update this program; an older one could lose what the newer keeps.",
                str(self.path),
            )
        for name in known:
            if name not in applied:
                # A schema change and its record are one transaction, so a crash leaves the old schema or the new one.
                with self.transaction() as cursor:
                    cursor.execute((_SCHEMA / name).read_text(encoding="utf-8"))
                    cursor.execute("insert into migrations values (?, ?)", [name, datetime.now(UTC)])


def _roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    try:
        cursor.execute("rollback")
    except duckdb.Error:
        return  # DuckDB has rolled back by itself (it does after some errors), which is all we want


def _opening_error(error: duckdb.Error, path: Path) -> StoreError:
    text = str(error)
    if "lock" in text.lower():
        holder = re.search(r"\(PID (\d+)\)", text)
        who = f"process {holder.group(1)}" if holder else "another process"
        return StoreBusyError(
            f"{path} is held by {who}, most likely the running app. Use “Sync now” and the downloads there, or stop it "
            "first.",
            str(path),
        )
    return StoreUnreadableError(
        f"{path} cannot be opened as a store ({type(error).__name__}). If it is not a Leadlight store, set "
        "LEADLIB_DATABASE to another folder; if it is, restore a backup or move the file away to start anew.",
        str(path),
    )
