"""The ledger of slices: kept short after a sweep, without losing what was covered, when, and how surely."""

from collections.abc import Iterable
from datetime import datetime

import duckdb
import pyarrow as pa

from leadlib.store.rows import SliceRow

_INSTANT = pa.timestamp("us", "UTC")
_SCHEMA = pa.schema(
    [
        ("sync_id", pa.string()),
        ("created_from", _INSTANT),
        ("created_to", _INSTANT),
        ("total", pa.int64()),
        ("n_distinct", pa.int64()),
        ("is_certain", pa.bool_()),
        ("observed_at", _INSTANT),
        ("how", pa.string()),
    ]
)
_COLUMNS = ", ".join(_SCHEMA.names)


def write_slices(cursor: duckdb.DuckDBPyConnection, rows: Iterable[SliceRow]) -> None:
    """Adds lines to the ledger."""
    cursor.register("incoming_slices", pa.Table.from_pylist([vars(row) for row in rows], schema=_SCHEMA))
    cursor.execute(f"insert into slices ({_COLUMNS}) select {_COLUMNS} from incoming_slices")


def fold_slices(cursor: duckdb.DuckDBPyConnection, sync_id: str) -> None:
    """Makes one line of a sweep's certain slices that touch, and drops older lines that it covers wholly.

    What was covered stays the same to the microsecond, and so does what is doubtful. A merged line has the sums of its
    slices' counts and is as old as the oldest of them. A slice that reaches past its own observation stays by itself:
    of it only the part before that moment is covered.
    """
    cursor.execute(
        """
        create or replace temp table folded as
        with own as (
            select *, min(observed_at) over () as first_observed_at
            from slices
            where sync_id = $sync_id and is_certain
        ),
        marked as (
            select
                *,
                coalesce(
                    created_from > max(created_to) over (
                        partition by how
                        order by created_from, created_to
                        rows between unbounded preceding and 1 preceding
                    ),
                    true
                ) as is_start
            from own
            where created_to <= first_observed_at
        ),
        numbered as (
            select
                *,
                count(*) filter (where is_start) over (
                    partition by how
                    order by created_from, created_to
                    rows unbounded preceding
                ) as block
            from marked
        )
        select
            sync_id,
            min(created_from) as created_from,
            max(created_to) as created_to,
            sum(total) as total,
            sum(n_distinct) as n_distinct,
            true as is_certain,
            min(observed_at) as observed_at,
            how
        from numbered
        group by sync_id, how, block
        """,
        {"sync_id": sync_id},
    )
    cursor.execute(
        "delete from slices where sync_id = $sync_id and is_certain and created_to <= "
        "(select min(observed_at) from slices where sync_id = $sync_id and is_certain)",
        {"sync_id": sync_id},
    )
    cursor.execute(f"insert into slices ({_COLUMNS}) select {_COLUMNS} from folded")
    # A line that was read is dropped only for what was read: counting rests on a reading not long ago.
    for condition, what_goes in (("how = 'read'", "true"), ("true", "how = 'counted' or not is_certain")):
        certain = cursor.sql(
            "select created_from as begins_at, least(created_to, observed_at) as ends_at, "
            "min(observed_at) over () as first "
            f"from slices where sync_id = ? and is_certain and {condition} order by created_from",
            params=[sync_id],
        )
        rows = certain.to_arrow_table().to_pylist()
        for begin, end in _joined((row["begins_at"], row["ends_at"]) for row in rows):
            cursor.execute(
                "delete from slices where sync_id <> $sync_id and observed_at <= $first_observed_at "
                "and created_from between $begin and $end and least(created_to, observed_at) <= $end "
                f"and ({what_goes})",
                {"sync_id": sync_id, "begin": begin, "end": end, "first_observed_at": rows[0]["first"]},
            )


def _joined(stretches: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The same stretches, which come in order, with those that touch made one."""
    joined: list[tuple[datetime, datetime]] = []
    for begin, end in stretches:
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined
