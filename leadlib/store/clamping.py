"""Times that cannot be: rows dated in the future, stretches that end before they begin.

A clock that was wrong, or a file that somebody has edited, must not make the sync believe that it has read what it has
not, nor make old observations win over new ones.
"""

from datetime import datetime, timedelta

import duckdb

TOLERANCE = timedelta(hours=30)
"""How far a clock, the portal's or ours, may run ahead: a day and a time zone's mistake."""


_IMPOSSIBLE = {
    "leads": "greatest(observed_at, last_seen_at, first_seen_at, row_seen_at) > $limit",
    "slices": (
        "created_to <= created_from or greatest(created_from, created_to, observed_at) > $limit or total < 0 "
        "or n_distinct < 0"
    ),
    "syncs": (
        "outcome <> 'failed' and (started_at > $limit or finished_at > $limit or finished_at < started_at "
        "- interval 30 hours or outcome not in ('running', 'complete', 'uncertain') or n_uncertain < 0)"
    ),
}


def impossible_rows(cursor: duckdb.DuckDBPyConnection, now: datetime) -> int:
    """How many rows are dated later than `now` (UTC) and the tolerance, or cannot be for another reason."""
    limit = {"limit": now + TOLERANCE}
    counted = (
        cursor.execute(f"select count(*) from {table} where {condition}", limit).fetchall()
        for table, condition in _IMPOSSIBLE.items()
    )
    return sum(int(rows[0][0]) for rows in counted)


def clamp_future(cursor: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Puts right what `impossible_rows` counts.

    Leads count as last seen so long ago that any observation to come is newer, whichever clock is wrong. Syncs count as
    failed, and slices do not count at all: what they covered is read again.
    """
    limit = {"limit": now + TOLERANCE}
    cursor.execute(
        "update leads set observed_at = least(observed_at, $then), last_seen_at = least(last_seen_at, $then), "
        "first_seen_at = least(first_seen_at, $then), row_seen_at = if(row_seen_at > $then, $then, row_seen_at) "
        f"where {_IMPOSSIBLE['leads']}",
        {**limit, "then": now - 2 * TOLERANCE},
    )
    cursor.execute(f"delete from slices where {_IMPOSSIBLE['slices']}", limit)
    cursor.execute(
        "update syncs set outcome = 'failed', message = 'Its times were impossible, so it does not count.' "
        f"where {_IMPOSSIBLE['syncs']}",
        limit,
    )
