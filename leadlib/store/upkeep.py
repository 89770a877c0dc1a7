"""Upkeep of a lake: what small commits have left is put into few, sorted files, and what nobody reads any more goes.

A small commit lies as rows in the catalog, a change as a mark beside the file whose row it replaces. Both are soon
read, unless there are very many. Readers wait for nothing of this: they read what there was when they began. Writers
wait for one table at most.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb

from leadlib.errors import StoreError
from leadlib.store.lake import NAME, LakeFile

KEPT = timedelta(hours=1)
"""How long files stay after they were replaced: longer than any question or download takes."""

MOST_INLINED = 20_000
"""So many rows in the catalog are as quickly read as those of a file, or nearly (docs/scaling.md)."""

_EVERY = timedelta(hours=1)
_ABANDONED = timedelta(days=1)

# Beside the catalog and not in the lake: it is no news of leads.
_LAST_TURN = """
create table if not exists "{schema}".leadlight_upkeep (
    kept_up_at timestamptz not null, seconds double precision not null
)
"""

# One processor and little memory: the app goes on answering meanwhile.
_MODEST = {"threads": "1", "memory_limit": "256MB"}
# A reader in the middle of a long download holds the place of a table that is to be replaced. To wait for it would keep
# all later readers waiting too.
_LONGEST_WAIT_S = 2


@dataclass(frozen=True)
class Size:
    """Of how much a lake consists: Parquet files in use and their bytes, rows in the catalog, marks of deleted rows.

    `n_spare_files` are those that could be merged into another, `n_replaced` the files that wait to be deleted.
    """

    n_files: int
    n_bytes: int
    n_spare_files: int
    n_inlined: int
    n_marks: int
    n_replaced: int


@dataclass(frozen=True)
class Upkeep:
    """What one turn has made of a lake, and how long it took. Writers had to wait for `longest_hold_s` at most."""

    before: Size
    after: Size
    seconds: float
    longest_hold_s: float


@dataclass(frozen=True)
class _Table:
    name: str
    n_files: int
    n_bytes: int
    n_spare_files: int
    n_inlined: int
    n_marks: int

    @property
    def is_due(self) -> bool:
        return bool(self.n_inlined or self.n_marks or self.n_spare_files)


def size_of(lake: LakeFile) -> Size:
    """How much the lake consists of now. Raises StoreError."""
    tables = _tables(lake)
    ((n_replaced,),) = lake.catalog.fetch(
        f'select count(*) from "{lake.catalog.schema}".ducklake_files_scheduled_for_deletion'
    )
    return Size(
        sum(table.n_files for table in tables),
        sum(table.n_bytes for table in tables),
        sum(table.n_spare_files for table in tables),
        sum(table.n_inlined for table in tables),
        sum(table.n_marks for table in tables),
        int(n_replaced),
    )


def is_due(lake: LakeFile, now: datetime) -> bool:
    """True once an hour, and when very many rows lie in the catalog. Raises StoreError."""
    last = last_turn(lake)
    return last is None or now - last >= _EVERY or size_of(lake).n_inlined > MOST_INLINED


def last_turn(lake: LakeFile) -> datetime | None:
    """When the last turn ended, UTC; None before the first. Raises StoreError."""
    schema = lake.catalog.schema
    if not lake.catalog.fetch(
        "select 1 from pg_tables where schemaname = %s and tablename = 'leadlight_upkeep'", [schema]
    ):
        return None
    ((ended_at,),) = lake.catalog.fetch(f'select max(kept_up_at) from "{schema}".leadlight_upkeep')
    return None if ended_at is None else ended_at.astimezone(UTC)


def keep_up(lake: LakeFile, now: datetime | None = None, kept: timedelta = KEPT) -> Upkeep:
    """One turn: every table's rows and marks into its files, its files merged, and what was replaced before deleted.

    `now` is this moment unless it is given. Files that were replaced within `kept` stay. Raises StoreError, after which
    all that was readable before is as readable as it was; the next turn does the rest.
    """
    now = now or datetime.now(UTC)
    before, began_s, holds_s = size_of(lake), time.monotonic(), [0.0]
    with _connected(lake) as connection:
        for table in _tables(lake):
            if table.is_due:
                with _alone(lake, holds_s):
                    _fold(connection, table)
        with _alone(lake, holds_s):
            _clear_away(connection, now + timedelta(seconds=time.monotonic() - began_s), kept)
    seconds = time.monotonic() - began_s
    _note(lake, now, seconds)
    return Upkeep(before, size_of(lake), seconds, max(holds_s))


def _fold(connection: duckdb.DuckDBPyConnection, table: _Table) -> None:
    if table.n_inlined or table.n_marks:
        _call(connection, f"ducklake_flush_inlined_data('{NAME}', table_name => '{table.name}')")
        _call(connection, f"ducklake_rewrite_data_files('{NAME}', '{table.name}', delete_threshold => 0)")
    _call(connection, f"ducklake_merge_adjacent_files('{NAME}', '{table.name}')")


def _clear_away(connection: duckdb.DuckDBPyConnection, now: datetime, kept: timedelta) -> None:
    then, abandoned = (f"timestamptz '{now - age:%Y-%m-%d %H:%M:%S.%f}+00'" for age in (kept, kept + _ABANDONED))
    _call(connection, f"ducklake_expire_snapshots('{NAME}', older_than => {then})")
    which = f"older_than => {then}" if kept else "cleanup_all => true"  # what has just been replaced included
    _call(connection, f"ducklake_cleanup_old_files('{NAME}', {which})")
    # What a program had written when it was killed before it could commit.
    _call(connection, f"ducklake_delete_orphaned_files('{NAME}', older_than => {abandoned})")


def _call(connection: duckdb.DuckDBPyConnection, call: str) -> None:
    # All columns: asked for fewer, some of these functions bring the engine down.
    connection.execute(f"from {call}").to_arrow_table()


@contextmanager
def _connected(lake: LakeFile) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        with lake.aside(_LONGEST_WAIT_S) as connection:
            for name, value in _MODEST.items():
                connection.execute(f"set {name} = '{value}'")
            yield connection
    except duckdb.Error as error:
        raise StoreError(
            f"The files of {lake.address} could not be tidied up ({type(error).__name__}). All that is in them is as "
            "readable as before; the next turn goes on.",
            str(lake.path),
        ) from error


def _note(lake: LakeFile, now: datetime, seconds: float) -> None:
    lake.catalog.fetch(_LAST_TURN.format(schema=lake.catalog.schema))
    table = f'"{lake.catalog.schema}".leadlight_upkeep'
    lake.catalog.fetch(f"with gone as (delete from {table}) insert into {table} values (%s, %s)", [now, seconds])


@contextmanager
def _alone(lake: LakeFile, holds_s: list[float]) -> Iterator[None]:
    with lake.alone():
        began_s = time.monotonic()
        yield
        holds_s.append(time.monotonic() - began_s)


def _tables(lake: LakeFile) -> list[_Table]:
    schema = lake.catalog.schema
    n_inlined, n_marks = _rows_in_catalog(lake)
    rows = lake.catalog.fetch(
        f"""
        with parts as (
            select f.table_id, f.data_file_id, f.file_size_bytes,
                string_agg(v.partition_value, '-' order by v.partition_key_index) as part
            from "{schema}".ducklake_data_file as f
            left join "{schema}".ducklake_file_partition_value as v using (data_file_id)
            where f.end_snapshot is null
            group by 1, 2, 3
        ),
        marked as (
            select table_id, sum(delete_count) as n_marks
            from "{schema}".ducklake_delete_file where end_snapshot is null group by 1
        )
        select t.table_id, t.table_name, count(p.data_file_id), coalesce(sum(p.file_size_bytes), 0),
            count(p.data_file_id) - count(distinct coalesce(p.part, '')) filter (where p.data_file_id is not null),
            coalesce(max(m.n_marks), 0)
        from "{schema}".ducklake_table as t
        left join parts as p using (table_id)
        left join marked as m using (table_id)
        where t.end_snapshot is null
        group by 1, 2
        order by 2
        """
    )
    return [
        _Table(
            str(name),
            int(n_files),
            int(n_bytes),
            int(n_spare_files),
            n_inlined.get(int(table_id), 0),
            int(n_in_files) + n_marks.get(int(table_id), 0),
        )
        for table_id, name, n_files, n_bytes, n_spare_files, n_in_files in rows
    ]


def _rows_in_catalog(lake: LakeFile) -> tuple[dict[int, int], dict[int, int]]:
    """By the number of the table: rows that lie in the catalog, and marks of deleted ones."""
    schema = lake.catalog.schema
    found = lake.catalog.fetch(
        "select tablename from pg_tables where schemaname = %s and tablename ~ %s",
        [schema, "^ducklake_inlined_(data|delete)_[0-9]+(_[0-9]+)?$"],
    )
    counts: tuple[dict[int, int], dict[int, int]] = ({}, {})
    if found:
        each = " union all ".join(f'select \'{name}\', count(*) from "{schema}"."{name}"' for (name,) in found)
        for name, n_rows in lake.catalog.fetch(each):
            _, _, kind, table_id, *_ = str(name).split("_")
            of_kind = counts[0 if kind == "data" else 1]
            of_kind[int(table_id)] = of_kind.get(int(table_id), 0) + int(n_rows)
    return counts
