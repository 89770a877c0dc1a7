"""A lake as a File: DuckLake's tables, their catalog in PostgreSQL, their rows in Parquet files that all share."""

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pyarrow as pa

from leadlib.errors import LostRaceError, StoreError, StoreReadOnlyError, StoreUnreadableError
from leadlib.shared import LakeAddress
from leadlib.store import disk
from leadlib.store.catalog import Catalog, Lock, driver
from leadlib.store.files import CONFIG, File, literal, migrate, prepare, quoted, roll_back

SCHEMAS = {"analytics": "leadlight", "personal": "leadlight_personal"}
"""The schemas of PostgreSQL in which the catalogs of the two lakes lie."""

INLINED_ROWS = 1_000
"""A commit with fewer rows makes no file: its rows lie in the catalog until they are flushed."""

NAME = "lake"
_MOST_IDLE = 8
_EXTENSIONS = ("postgres_scanner", "ducklake")
_MISSING = "pip install -r requirements-shared.txt"
# Leads are asked for by when they came: a month's lie together, in that order.
_LAYOUT = {
    "leads": ("year(created_at), month(created_at)", "created_at, lead_id"),
    "status_observations": ("year(not_after), month(not_after)", "lead_id, not_after"),
    "assignment_observations": ("year(not_after), month(not_after)", "lead_id, not_after"),
}
# In this order: only what lies in files is rewritten, and only what no snapshot has any more is removed.
_WITHOUT_TRACE = (
    f"call ducklake_flush_inlined_data('{NAME}')",
    f"call ducklake_rewrite_data_files('{NAME}', delete_threshold => 0)",
    f"call ducklake_expire_snapshots('{NAME}', older_than => now())",
    f"call ducklake_cleanup_old_files('{NAME}', cleanup_all => true)",
    f"call ducklake_delete_orphaned_files('{NAME}', cleanup_all => true)",
)
_LOST_RACE = re.compile("conflict|another transaction", re.IGNORECASE)
_GONE = re.compile(
    "connection|terminat|server closed|could not connect|not found|no such file|cannot open file|no files found"
    # What one thread of a question meets may be told as this by another.
    "|does not exist|transaction is aborted",
    re.IGNORECASE,
)


class LakeFile(File):
    """One lake: a cursor per reader, one transaction at a time among all programs that write it.

    Each transaction is counted in a row that it changes, so that two which ran at once, whatever became of the lock
    between them, cannot both be committed.
    """

    def __init__(self, address: LakeAddress, schema: str, folder: Path, *, is_read_only: bool = False) -> None:
        """Opens the lake, makes it if need be, and brings it to the newest schema named `schema`_NNNN.

        What does not fit into memory is put into `folder` for the moment. Raises StoreUnreadableError where it cannot
        be reached, opened or written.
        """
        self.address = address
        self.path = Path(str(address))  # for messages: the files of a lake are nobody's to open
        self.schema = schema
        self.is_read_only = is_read_only
        self.catalog = Catalog(address, SCHEMAS[schema])
        self.data = f"{address.data}/{schema}/"
        self._folder = folder
        self._write_lock = Lock(address, self.catalog.schema, "write")
        self._connecting = threading.Lock()
        self._is_closed = False
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._prepared: set[str] = set()
        self._idle: list[duckdb.DuckDBPyConnection] = []
        self._seen = 0
        try:
            if is_read_only:
                self._open_to_read()
            else:
                self._open_to_write()
            self._seen = self.catalog.newest_snapshot()
        except duckdb.Error as error:
            self.close()
            raise self._opening_error(error) from None
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        self._is_closed = True
        self._idle = []
        connection, self._connection = self._connection, None
        if connection is not None:
            end_engine(connection)
        self.catalog.close()
        self._write_lock.close()

    def prepared_cursor(
        self, name: str = "", prepare: Callable[[duckdb.DuckDBPyConnection], None] = lambda _: None
    ) -> duckdb.DuckDBPyConnection:
        cursor = super().prepared_cursor(name, prepare)
        cursor.execute(f"use {NAME}")
        return cursor

    @contextmanager
    def sparing_memory(self) -> Iterator[None]:
        """Nothing: a lake keeps no file in memory."""
        yield

    def after(self, error: duckdb.Error) -> bool:
        """Takes note of an error; True if the same may be tried again: over a new connection, or with other files.

        Files that a question was about to read may have been merged and cleaned away since it began.
        """
        if self._is_closed:
            return False
        if isinstance(error, duckdb.FatalException | duckdb.InternalException) or _GONE.search(str(error)):
            with self._connecting:
                self._connection = None  # whoever is in the middle of a call has it still
                self._idle = []
            return True
        return isinstance(error, duckdb.ConnectionException)

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """As of a File; the transactions of all programs come one after another.

        Raises LostRaceError if another was committed meanwhile all the same: then nothing was written.
        """
        if self.is_read_only:
            raise StoreReadOnlyError(
                "This program has the shared store for reading only, so nothing was changed. Give it an address with "
                "the right to write, and one for the persons, then start it again.",
                str(self.path),
            )
        with self._write_lock.held():
            before = self.catalog.newest_snapshot()
            cursor = self._begun()
            try:
                yield cursor
                cursor.execute("update commits set sequence = sequence + 1")
                cursor.execute("commit")
            except duckdb.Error as error:
                roll_back(cursor)
                self.after(error)
                raise self._unwritten(error) from error
            except BaseException:
                roll_back(cursor)
                raise
            finally:
                cursor.close()
            with suppress(StoreError):  # it is committed, whatever can be asked now
                if self._seen == before:
                    self._seen = self.catalog.newest_snapshot()  # what we did ourselves is no news

    def _begun(self) -> duckdb.DuckDBPyConnection:
        """A cursor in a transaction: over a new connection where the last one was lost unnoticed. Raises StoreError."""
        for is_last in (False, True):
            cursor = self.cursor()
            try:
                cursor.execute("begin")
                cursor.execute("select max(sequence) from commits").fetchall()
            except duckdb.Error as error:
                roll_back(cursor)
                cursor.close()
                if is_last or not self.after(error):
                    raise self._unwritten(error) from error
            else:
                return cursor
        raise AssertionError("the second try returns or raises")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Meanwhile no other program, and no other thread, changes the lake. Raises StoreError."""
        with self._write_lock.held():
            yield

    @contextmanager
    def aside(self, longest_wait_s: int) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of its own, which waits so long at most for what a reader holds of the catalog."""
        options = f"-c lock_timeout={longest_wait_s}s"
        connection = self._connect(driver().conninfo.make_conninfo(self.address.dsn, options=options))
        try:
            yield connection
        finally:
            connection.close()

    def sequence(self) -> int:
        ((sequence,),) = self.cursor().execute("select max(sequence) from commits").fetchall()
        return int(sequence)

    def has_moved(self) -> bool:
        """True once after each commit of another program. Raises StoreError."""
        newest = self.catalog.newest_snapshot()
        moved, self._seen = newest != self._seen, newest
        return moved

    def leave_no_trace(self) -> None:
        """Rewrites what deleted rows are still in: files, rows in the catalog, and what it says of both.

        PostgreSQL's own log has such bytes until it is recycled. Raises StoreError.
        """
        with self._write_lock.held():
            cursor = self.cursor()
            try:
                for sql in _WITHOUT_TRACE:
                    cursor.execute(sql).to_arrow_table()  # done once its result is read
                self._tell_extremes(cursor)
            except duckdb.Error as error:
                raise self._unwritten(error) from error
            finally:
                cursor.close()
            self.catalog.write_anew()
            self._seen = self.catalog.newest_snapshot()

    def _tell_extremes(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Has the catalog know the least and the greatest text of each column as they are now, whoever is gone."""
        for table, column, is_list in self.catalog.text_columns():
            texts = f"unnest({quoted(column)})" if is_list else quoted(column)
            # Of what is computed there is no statistic, so this is read from the rows themselves.
            ((least, greatest),) = cursor.execute(
                f"select min(text || ''), max(text || '') from (select {texts} as text from {quoted(table)})"
            ).fetchall()
            self.catalog.tell_extremes(table, column, is_list, least, greatest)

    def checkpoint(self) -> None:
        """Nothing: what is committed to a lake is where it belongs."""

    def _fetch(self, sql: str, parameters: Mapping[str, object] | None) -> pa.Table:
        """As of a File, with a cursor that was used before where there is one: to make one asks the catalog."""
        idle = self._idle
        try:
            cursor = idle.pop()
        except IndexError:
            cursor = self.cursor()
        with self.watching(cursor):
            table = cursor.sql(sql, params=dict(parameters) if parameters else None).to_arrow_table()
        if len(idle) < _MOST_IDLE:
            idle.append(cursor)
        return table

    # Opening

    def _open_to_write(self) -> None:
        if self.address.is_in_folder:
            self._make_folder()
        if not self.catalog.has_tables():
            with self._write_lock.held():
                self._connection = self._connect()
        else:
            self._connection = self._connect()
        if not self.catalog.has_table("migrations") or self._missing_migrations():
            with self._write_lock.held():
                self._migrate()

    def _open_to_read(self) -> None:
        if not self.catalog.has_tables():
            raise StoreUnreadableError(
                f"{self.address} holds no shared store yet, and this program may only read it. Start one that may "
                "write first.",
                str(self.path),
            )
        self._connection = self._connect()
        if self._missing_migrations():
            raise StoreUnreadableError(
                f"{self.address} was written by an older Leadlight. Start a program of this version that may write it "
                "first.",
                str(self.path),
            )

    def _migrate(self) -> None:
        cursor = self.cursor()
        if not self.catalog.has_table("migrations"):
            prepare(cursor)
        for name in self._missing_migrations():
            cursor.execute("begin")
            try:
                migrate(cursor, name)
                cursor.execute("commit")
            except duckdb.Error:
                roll_back(cursor)
                raise
        for table in set(_LAYOUT) & self._unsorted(cursor):
            months, order = _LAYOUT[table]
            cursor.execute(f"alter table {table} set partitioned by ({months})")
            cursor.execute(f"alter table {table} set sorted by ({order})")
        for table in self._outdated():
            cursor.execute(f"call ducklake_flush_inlined_data('{NAME}', table_name => '{table}')")

    def _outdated(self) -> list[str]:
        """Tables of which rows may lie in the catalog in an older form, too.

        That goes with the next flush: better now than later, when other programs' connections would look for it in
        vain.
        """
        schema = self.catalog.schema
        rows = self.catalog.fetch(
            f'select t.table_name from "{schema}".ducklake_table as t '
            f'join "{schema}".ducklake_inlined_data_tables as i using (table_id) '
            "where t.end_snapshot is null group by 1 having count(*) > 1 order by 1"
        )
        return [str(name) for (name,) in rows]

    def _unsorted(self, cursor: duckdb.DuckDBPyConnection) -> set[str]:
        schema = self.catalog.schema
        rows = self.catalog.fetch(
            f'select table_name from "{schema}".ducklake_table where end_snapshot is null and table_id not in '
            f'(select table_id from "{schema}".ducklake_sort_info where end_snapshot is null)'
        )
        return {str(name) for (name,) in rows}

    def _make_folder(self) -> None:
        folder = Path(self.data)
        try:
            disk.make_folder(folder)
            is_writable = disk.is_writable(folder)
        except OSError:
            is_writable = False
        if not is_writable:
            raise StoreUnreadableError(
                f"{folder}, where the shared store keeps its files, cannot be made or written by this program. Mount "
                "the folder that all machines share there, and give the program's user the right to write it.",
                str(folder),
            )

    def _connect(self, dsn: str = "") -> duckdb.DuckDBPyConnection:
        connection = new_engine()
        try:
            disk.make_folder(self._folder)
            connection.execute("set temp_directory = ?", [str(self._folder / "spill")])
            if not self.address.is_in_folder:
                _reach_objects(connection, self.address)
            mode = "read_only" if self.is_read_only else f"data_inlining_row_limit {INLINED_ROWS}"
            connection.execute(
                f"attach {literal('ducklake:postgres:' + (dsn or self.address.dsn))} as {NAME} "
                f"(data_path {literal(self.data)}, metadata_schema {literal(self.catalog.schema)}, {mode})"
            )
            connection.execute(f"use {NAME}")
        except OSError as error:
            raise StoreUnreadableError(
                f"{self._folder} cannot be made or written ({type(error).__name__}). Set LEADLIB_FOLDER to a folder "
                "that can.",
                str(self._folder),
            ) from error
        except duckdb.Error as error:
            raise self._opening_error(error) from None
        return connection

    def _opening_error(self, error: duckdb.Error) -> StoreError:
        """The error to raise. The database's words hold the DSN, so they stay out, and so does the cause."""
        words = str(error)
        if "version" in words.lower() and "ducklake" in words.lower():
            why = (
                "its catalog was written by another version of DuckLake. Install the versions of "
                "requirements-shared.txt that the other programs have"
            )
        elif "DATA_PATH" in words.upper().replace(" ", "_"):
            why = (
                f"its files lie in another place than {self.address.data}. Set the data= of LEADLIB_DATABASE to what "
                "the other programs have"
            )
        elif "permission denied" in words.lower():
            why = "PostgreSQL does not let this user do what is needed. Grant it the rights on the catalog's schema"
        else:
            why = f"it cannot be opened ({type(error).__name__}). Check PostgreSQL, the files and the versions"
        return StoreUnreadableError(f"{self.address}: {why}.", str(self.path))

    def _unwritten(self, error: duckdb.Error) -> StoreError:
        if isinstance(error, duckdb.TransactionException) and _LOST_RACE.search(str(error)):
            return LostRaceError(
                f"Another program has changed {self.address} first. Nothing was written; try again.", str(self.path)
            )
        return StoreError(
            f"{self.address} could not be written ({type(error).__name__}). What was committed before is intact. "
            "Check PostgreSQL, the free space where its files lie, and the rights there, then sync again.",
            str(self.path),
        )


def new_engine() -> duckdb.DuckDBPyConnection:
    """A DuckDB of its own that can open a lake, and has none open. Raises StoreUnreadableError."""
    connection = duckdb.connect(":memory:", config=CONFIG)
    connection.execute("set global TimeZone = 'UTC'")
    for name in _EXTENSIONS:
        _load(connection, name)
    return connection


def end_engine(connection: duckdb.DuckDBPyConnection) -> None:
    """Ends what `new_engine` has made."""
    connection.close()


def _load(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Loads an extension out of its installed package. Raises StoreUnreadableError."""
    package = find_spec(f"duckdb_extension_{name}")
    folders = list(package.submodule_search_locations or []) if package is not None else []
    found = [path for folder in folders for path in Path(folder).glob(f"extensions/v{duckdb.__version__}/*")]
    if not found:
        raise StoreUnreadableError(
            f"A shared store needs DuckDB's extension {name} for the version that is installed ({duckdb.__version__}), "
            f"as a package. Install what was tested together: {_MISSING}.",
            name,
        )
    connection.execute(f"load {literal(found[0])}")


def _reach_objects(connection: duckdb.DuckDBPyConnection, address: LakeAddress) -> None:
    """Has the connection reach an object store with the keys of the environment. Raises StoreUnreadableError."""
    if not address.data.startswith("s3://"):
        raise StoreUnreadableError(
            f"{address}: files can lie in a folder or at s3://. Other stores often speak S3's protocol too.",
            str(address),
        )
    if find_spec("duckdb_extension_httpfs") is None:
        raise StoreUnreadableError(
            f"{address}: for s3:// DuckDB's extension httpfs has to be installed too: "
            f"pip install duckdb-extension-httpfs=={duckdb.__version__}.",
            str(address),
        )
    _load(connection, "httpfs")
    keys = {
        "key_id": os.environ.get("AWS_ACCESS_KEY_ID"),
        "secret": os.environ.get("AWS_SECRET_ACCESS_KEY"),
        "session_token": os.environ.get("AWS_SESSION_TOKEN"),
        "region": os.environ.get("AWS_REGION"),
    }
    if not keys["key_id"] or not keys["secret"]:
        raise StoreUnreadableError(
            f"{address}: for s3:// the keys are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and "
            "AWS_REGION. Set them.",
            str(address),
        )
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        scheme, _, host = endpoint.partition("://")
        keys |= {"endpoint": host.rstrip("/"), "url_style": "path", "use_ssl": str(scheme == "https").lower()}
    settings = ", ".join(f"{name} {literal(value)}" for name, value in keys.items() if value)
    with suppress(duckdb.CatalogException):  # two lakes may be attached by one connection
        connection.execute(f"create secret objects (type s3, {settings})")
