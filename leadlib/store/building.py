"""A file of the store, built anew from rows that lie elsewhere: in a copy, in a damaged file, in the old file."""

from pathlib import Path

import duckdb

from leadlib.errors import StoreError, StoreUnreadableError
from leadlib.store import disk
from leadlib.store.copies import Copy, content_of, parquet_rows
from leadlib.store.files import CONFIG, literal, migrate, names_of_migrations, prepare, quoted, remove_file

_ROWS_AT_ONCE = 122_880
_ROWS_AT_LEAST = 2_048
_ONE_PER_LEAD = ("lead_contacts", "lead_payloads")


def build(path: Path, schema: str, sequence: int, copy: Copy | None, salvage_from: Path | None = None) -> int:
    """Puts a new file in place of `path`, with the rows of `copy` and what can be read of `salvage_from`.

    Its last commit gets the number `sequence`. What is salvaged goes before what is copied. The new file has the
    schema of the copy, and gets the newest when it is opened. Gives the number of salvaged rows. Raises StoreError,
    after which `path` is as it was.
    """
    draft = path.with_name(f"{path.stem}.draft.duckdb")
    try:
        remove_file(draft)
        with duckdb.connect(str(draft), config=CONFIG) as connection:
            disk.keep_private(draft)
            connection.execute("set global TimeZone = 'UTC'")
            make_tables(connection, schema, copy)
            n_salvaged = _salvage(connection, salvage_from) if salvage_from is not None else 0
            if copy is not None:
                for table in copy.manifest.tables:
                    _load(connection, table, parquet_rows(copy.paths(table)), beside_others=n_salvaged > 0)
            connection.execute("update commits set sequence = ?", [sequence])
        put_in_place(draft, path)
    except (duckdb.Error, OSError) as error:
        raise StoreError(
            f"{path} could not be built anew ({type(error).__name__}). Nothing that was there was changed. Check the "
            "disk's free space and the folder's permissions.",
            str(path),
        ) from error
    finally:
        _remove_draft(draft)
    return n_salvaged


def rewrite(path: Path) -> None:
    """Puts a fresh file with the same rows in place of `path`, so that no byte of a deleted row is left in it.

    Nobody may hold the file. Raises StoreError, after which the old file is as it was.
    """
    draft = path.with_name(f"{path.stem}.draft.duckdb")
    try:
        remove_file(draft)
        with duckdb.connect(str(draft), config=CONFIG) as connection:
            disk.keep_private(draft)
            connection.execute(f"attach {literal(path)} as old (read_only)")
            ((name,),) = connection.execute("select current_database()").fetchall()
            connection.execute(f"copy from database old to {quoted(str(name))}")
            connection.execute("detach old")
        put_in_place(draft, path)
    except (duckdb.Error, OSError) as error:
        raise StoreError(
            f"{path} could not be written anew ({type(error).__name__}). Check the disk's free space.", str(path)
        ) from error
    finally:
        _remove_draft(draft)


def make_tables(connection: duckdb.DuckDBPyConnection, schema: str, copy: Copy | None) -> None:
    """Empty tables as they were when `copy` was made; those of today without one. Raises StoreUnreadableError."""
    known = names_of_migrations(schema)
    wanted = copy.manifest.migrations if copy is not None else known
    if unknown := set(wanted) - set(known):
        raise StoreUnreadableError(
            f"The copy was made by a newer Leadlight ({', '.join(sorted(unknown))}). Update this program first.",
            str(copy.folder) if copy is not None else "",
        )
    prepare(connection)
    for name in wanted:
        migrate(connection, name)
    if copy is not None:
        for table in copy.manifest.tables:
            connection.execute(f"delete from {quoted(table)}")  # what a migration or the preparation has put there


def differing_tables(connection: duckdb.DuckDBPyConnection, copy: Copy) -> list[str]:
    """The tables that do not hold exactly the rows of `copy`."""
    return [
        table
        for table in copy.manifest.tables
        if content_of(connection, f"from {quoted(table)}") != content_of(connection, parquet_rows(copy.paths(table)))
    ]


def put_in_place(draft: Path, path: Path) -> None:
    """Swaps a finished file in by rename. Raises OSError."""
    disk.sync_file(draft)
    # A log without its file would be taken for the new file's.
    disk.remove(path.with_name(path.name + ".wal"))
    draft.replace(path)
    disk.sync_folder(path.parent)


def _load(connection: duckdb.DuckDBPyConnection, table: str, rows: str, *, beside_others: bool) -> None:
    into = f"insert into {quoted(table)} by name"
    if not beside_others:
        connection.execute(f"{into} {rows}")
    elif table in _ONE_PER_LEAD:
        connection.execute(f"{into} from ({rows}) anti join (select lead_id from {table}) using (lead_id)")
    elif table == "install":
        connection.execute(f"{into} from ({rows}) where not exists (select 1 from install)")
    else:
        connection.execute(f"{into} from (from ({rows}) except all from {quoted(table)})")


def _salvage(connection: duckdb.DuckDBPyConnection, damaged: Path) -> int:
    """Takes over all rows that can still be read, and gives their number."""
    n_rows = 0
    tables = [
        str(name)
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = current_database()"
        ).fetchall()
    ]
    if not _attach(connection, damaged):
        return 0
    for table in tables:
        if table not in {"migrations", "commits", "meta"}:
            n_rows += _salvage_table(connection, table)
    connection.execute("detach damaged")
    return n_rows


def _attach(connection: duckdb.DuckDBPyConnection, damaged: Path) -> bool:
    log = damaged.with_name(damaged.name + ".wal")
    for _ in range(2):
        try:
            connection.execute(f"attach {literal(damaged)} as damaged (read_only)")
        except duckdb.Error:
            if not log.exists():
                return False
            # The file is whole without its log as far as the last checkpoint.
            log.rename(log.with_name(log.name + ".unreadable"))
        else:
            return True
    return False


def _salvage_table(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    try:
        found = connection.execute(f"select max(rowid) from damaged.{quoted(table)}").fetchone()
    except duckdb.Error:
        return 0
    if found is None or found[0] is None:
        return 0
    stretches = [(low, low + _ROWS_AT_ONCE) for low in range(0, int(found[0]) + 1, _ROWS_AT_ONCE)]
    n_rows = 0
    while stretches:
        low, high = stretches.pop()
        try:
            added = connection.execute(
                f"insert into {quoted(table)} by name from damaged.{quoted(table)} where rowid >= ? and rowid < ?",
                [low, high],
            ).fetchone()
            n_rows += int(added[0]) if added else 0
        except duckdb.Error:
            if high - low > _ROWS_AT_LEAST:
                middle = (low + high) // 2
                stretches += [(low, middle), (middle, high)]
    return n_rows


def _remove_draft(draft: Path) -> None:
    for path in (draft, draft.with_name(draft.name + ".wal")):
        disk.remove_quietly(path)
