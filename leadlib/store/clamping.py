"""Times that cannot be: rows dated in the future, stretches that end before they begin.

A clock that was wrong, or a file that somebody has edited, must not make the sync believe that it has read what it has
not, nor make old observations win over new ones.
"""

from datetime import datetime, timedelta

import duckdb

TOLERANCE = timedelta(hours=30)
"""How far a clock, the portal's or ours, may run ahead: a day and a time zone's mistake."""


def clamp_future(cursor: duckdb.DuckDBPyConnection, now: datetime) -> int:
    """Puts right what is dated later than `now` (UTC) and the tolerance; gives the number of rows.

    Leads count as last seen so long ago that any observation to come is newer, whichever clock is wrong. Syncs count as
    failed, and slices do not count at all: what they covered is read again.
    """
    times = {"then": now - 2 * TOLERANCE, "limit": now + TOLERANCE}
    limit = {"limit": times["limit"]}
    return sum(
        len(cursor.execute(sql, values).fetchall())
        for sql, values in (
            (
                "update leads set observed_at = least(observed_at, $then), last_seen_at = least(last_seen_at, $then), "
                "first_seen_at = least(first_seen_at, $then), "
                "row_seen_at = if(row_seen_at > $then, $then, row_seen_at) "
                "where greatest(observed_at, last_seen_at, first_seen_at, row_seen_at) > $limit returning lead_id",
                times,
            ),
            (
                "delete from slices where created_to <= created_from or greatest(created_from, created_to, observed_at)"
                " > $limit or total < 0 or n_distinct < 0 returning sync_id",
                limit,
            ),
            (
                "update syncs set outcome = 'failed', message = 'Its times were impossible, so it does not count.' "
                "where outcome <> 'failed' and (started_at > $limit or finished_at > $limit or finished_at < started_at"
                " - interval 30 hours or outcome not in ('running', 'complete', 'uncertain') or n_uncertain < 0) "
                "returning sync_id",
                limit,
            ),
        )
    )
