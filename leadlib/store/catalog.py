"""The catalog of a lake: what is asked of PostgreSQL itself, beside what DuckDB does there.

That is locks that several programs take in turn, and a cheap look at whether another one has committed.
"""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

from leadlib.errors import StoreBusyError, StoreError, StoreUnreadableError
from leadlib.shared import LakeAddress

if TYPE_CHECKING:
    import psycopg

_CONNECT_S = 10
_LONGEST_WAIT_S = 120
"""How long a transaction waits for those of other programs."""

# A holder that is cut off from the network has to be missed within a minute, so that another can take over.
_PATIENCE = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c lock_timeout={wait}s"
_KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}

Purpose = Literal["write", "leads", "work"]
"""What a lock is for: one transaction, the two transactions of a batch of leads, or the work of the one worker."""


class Session:
    """One session of PostgreSQL, opened when it is first used and again after it broke. Safe from any thread."""

    def __init__(self, address: LakeAddress, wait_s: int = _LONGEST_WAIT_S) -> None:
        self.address = address
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def fetch(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of one statement, in a transaction of its own; none for one that has no rows. Raises StoreError."""
        psycopg = driver()
        with self._lock:
            for is_last in (False, True):
                is_new = self._connection is None
                try:
                    if self._connection is None:
                        self._connection = self._connect()
                    done = self._connection.execute(sql, parameters)
                    return done.fetchall() if done.description else []
                except psycopg.errors.LockNotAvailable as error:
                    raise StoreBusyError(
                        f"Another program has been writing {self.address} for more than {self._wait_s} s. Try again "
                        "later; if it does not end, stop that program.",
                        str(self.address),
                    ) from error
                except psycopg.Error as error:
                    is_broken = self._connection is None or self._connection.broken
                    if is_broken:
                        self._drop()
                    if is_last or is_new or not is_broken or not self._may_begin_anew():
                        raise _wrapped(error, self.address) from None
        raise AssertionError("the second try returns or raises")

    def close(self) -> None:
        with self._lock:
            self._drop()

    def __del__(self) -> None:
        # A store that nobody has closed is no mistake: what it has committed is there.
        self._drop()

    def _may_begin_anew(self) -> bool:
        """False where what an earlier statement did goes with the session."""
        return True

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None

    def _connect(self) -> "psycopg.Connection[tuple[Any, ...]]":
        return driver().connect(
            self.address.dsn,
            autocommit=True,
            connect_timeout=_CONNECT_S,
            application_name="leadlight",
            options=_PATIENCE.format(wait=self._wait_s),
            **_KEEPALIVES,
        )


class Lock(Session):
    """A lock that ends with its holder, however that ends: for one program at a time, and one thread of it.

    It is held by a session of its own: to wait for it keeps nothing else waiting.
    """

    def __init__(self, address: LakeAddress, schema: str, purpose: Purpose) -> None:
        super().__init__(address)
        digest = hashlib.sha256(f"leadlight {schema} {purpose}".encode()).digest()
        self._key = int.from_bytes(digest[:8], "big", signed=True)
        self._threads = threading.RLock()
        self._depth = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Waits for the lock, and has it meanwhile; a thread that has it may take it again. Raises StoreError."""
        with self._threads:
            if self._depth == 0:
                self.fetch("select pg_advisory_lock(%s)", [self._key])
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._let_go()

    def take(self) -> bool:
        """True if the lock is ours from now on, or was before; False while another has it. Raises StoreError."""
        with self._threads:
            if self._depth and self.is_alive():
                return True
            self._depth = 0
            ((is_ours,),) = self.fetch("select pg_try_advisory_lock(%s)", [self._key])
            self._depth = int(is_ours)
            return bool(is_ours)

    def release(self) -> None:
        """Gives back what `take` has taken."""
        with self._threads:
            if self._depth:
                self._depth = 0
                self._let_go()

    def close(self) -> None:
        with self._threads:
            self._depth = 0
        super().close()

    def is_alive(self) -> bool:
        """True while the session that holds the lock lives. Raises nothing."""
        with suppress(StoreError):
            return bool(self.fetch("select 1"))
        return False

    def _may_begin_anew(self) -> bool:
        return self._depth == 0

    def _let_go(self) -> None:
        try:
            self.fetch("select pg_advisory_unlock(%s)", [self._key])
        except StoreError:
            self.close()  # the lock goes with the session


class Catalog(Session):
    """The tables of one lake's catalog, in the schema `schema`."""

    def __init__(self, address: LakeAddress, schema: str) -> None:
        super().__init__(address)
        self.schema = schema

    def newest_snapshot(self) -> int:
        """The number of the last commit to the lake, whoever made it. Raises StoreError."""
        return int(self.fetch(f'select max(snapshot_id) from "{self.schema}".ducklake_snapshot')[0][0])

    def has_tables(self) -> bool:
        """False before the lake was first opened. Raises StoreError."""
        return bool(self.fetch("select 1 from pg_tables where schemaname = %s limit 1", [self.schema]))

    def has_table(self, name: str) -> bool:
        """True if the lake has such a table now. Raises StoreError."""
        sql = f'select 1 from "{self.schema}".ducklake_table where end_snapshot is null and table_name = %s'
        return bool(self.fetch(sql, [name]))

    def text_columns(self) -> list[tuple[str, str, bool]]:
        """Where texts are of which the catalog keeps the least and the greatest: table, column, and if it is a list."""
        rows = self.fetch(
            self._of_texts("select t.table_name, coalesce(p.column_name, c.column_name), p.column_id is not null")
        )
        return [(str(table), str(column), bool(is_list)) for table, column, is_list in rows]

    def tell_extremes(self, table: str, column: str, is_list: bool, least: str | None, greatest: str | None) -> None:
        """Puts these texts in the place of those that the catalog keeps of a column."""
        which = self._of_texts("select s.table_id, s.column_id")
        self.fetch(
            f'update "{self.schema}".ducklake_table_column_stats set min_value = %s, max_value = %s '
            f"where (table_id, column_id) in ({which} and t.table_name = %s "
            "and coalesce(p.column_name, c.column_name) = %s and (p.column_id is not null) = %s)",
            [least, greatest, table, column, is_list],
        )

    def _of_texts(self, select: str) -> str:
        named = {name: f'"{self.schema}".ducklake_{name}' for name in ("table_column_stats", "table", "column")}
        return (
            f"{select} from {named['table_column_stats']} as s join {named['table']} as t using (table_id) "
            f"join {named['column']} as c using (table_id, column_id) left join {named['column']} as p "
            "on p.table_id = c.table_id and p.column_id = c.parent_column and p.end_snapshot is null "
            "where t.end_snapshot is null and c.end_snapshot is null and c.column_type = 'varchar' "
            "and s.min_value is not null"
        )

    def write_anew(self) -> None:
        """Has PostgreSQL write each table anew, so that no deleted row is left in its files. Raises StoreError."""
        tables = self.fetch("select tablename from pg_tables where schemaname = %s order by 1", [self.schema])
        for (table,) in tables:
            self.fetch(f'vacuum full "{self.schema}"."{table}"')


def driver() -> Any:
    """The module that speaks to PostgreSQL. Raises StoreUnreadableError where it is not installed."""
    try:
        import psycopg
    except ImportError as error:
        raise StoreUnreadableError(
            "A shared store needs the packages of requirements-shared.txt, and psycopg is missing. Install them: "
            "pip install -r requirements-shared.txt.",
            "psycopg",
        ) from error
    return psycopg


def _wrapped(error: Exception, address: LakeAddress) -> StoreError:
    """The error to raise. The server's own words may hold what was sent, so they stay out, and so does the cause."""
    state = getattr(error, "sqlstate", None)
    words = str(error)
    if state == "28P01" or "password" in words or "authentication" in words:
        why = "PostgreSQL refuses the user or the password. Check both in LEADLIB_DATABASE, or in ~/.pgpass"
    elif state == "3D000" or ("database" in words and "does not exist" in words):
        why = "PostgreSQL has no such database. Have it created: createdb"
    elif state == "42501":
        why = "PostgreSQL does not let this user do what is needed. Grant it the right to create in the database"
    elif state is None:
        why = (
            "PostgreSQL cannot be reached, or has closed the connection. Check that it runs, the host and port in "
            "LEADLIB_DATABASE, and the network"
        )
    else:
        why = f"PostgreSQL refused a statement ({state}). Its own log says more"
    return StoreUnreadableError(f"{address}: {why}.", str(address))
