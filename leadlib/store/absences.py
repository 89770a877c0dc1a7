"""Leads that the portal shows no more: missed by one sweep, marked as gone by the next, live again when seen."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from leadlib.store.rollups import days_of, refresh

APART = timedelta(hours=24)
"""How long after a lead was first missed a sweep must miss it again for it to be gone."""

Stretch = tuple[datetime, datetime]


@dataclass(frozen=True)
class Missing:
    """A live lead that was not where a sweep looked for it; `missed_at` is when that was noticed first, None: now."""

    lead_id: str
    missed_at: datetime | None


@dataclass(frozen=True)
class AbsenceCount:
    """What came of a sweep's absences: n_deleted leads were marked as gone. If n_withheld, none was, nor noted."""

    n_deleted: int = 0
    n_withheld: int = 0


def find_missing(
    cursor: duckdb.DuckDBPyConnection,
    sync_id: str,
    began_at: datetime,
    rejected_ids: Collection[str],
    unclear: Sequence[Stretch],
) -> tuple[list[Missing], int]:
    """The live leads that a sweep should have found and did not, and how many live leads it looked after in all.

    It should have found what lies in slices that it read with certainty, but for `rejected_ids`, which came as rows
    that are no leads, and the stretches that are `unclear` because a row in them had no id. `began_at` is the portal's
    time of the sweep's first answer: a lead seen since is there. A lead that only webhooks know has a createdAt of our
    making, so nothing can be said of it.
    """
    rows = cursor.sql(
        """
        with swept as (
            select created_from, created_to from slices where sync_id = $sync_id and is_certain and how = 'read'
        )
        select l.lead_id, l.created_at, a.missed_at
        from leads as l
        asof join swept as s on l.created_at >= s.created_from
        left join absences as a on a.lead_id = l.lead_id and a.missed_at > l.last_seen_at
        where
            l.created_at < s.created_to
            and l.deleted_at_source is null
            and l.row_seen_at is not null
            and l.last_seen_at < $began_at
        """,
        params={"sync_id": sync_id, "began_at": began_at},
    ).to_arrow_table()
    counted = cursor.execute(
        "select count(*) from leads as l asof join (select * from slices where sync_id = ? and is_certain) as s "
        "on l.created_at >= s.created_from where l.created_at < s.created_to and l.deleted_at_source is null",
        [sync_id],
    ).fetchall()
    missing = [
        Missing(row["lead_id"], row["missed_at"])
        for row in rows.to_pylist()
        if row["lead_id"] not in rejected_ids and not any(begin <= row["created_at"] < end for begin, end in unclear)
    ]
    return missing, int(counted[0][0])


def sort_out(
    missing: Sequence[Missing], n_live: int, began_at: datetime, is_too_many: Callable[[int, int], bool]
) -> tuple[list[Missing], list[Missing], AbsenceCount]:
    """Those to note, those to mark as gone, and the counts; none of either where one kind is too many to believe."""
    fresh = [one for one in missing if one.missed_at is None]
    gone = [one for one in missing if one.missed_at is not None and began_at - one.missed_at >= APART]
    if is_too_many(len(fresh), n_live) or is_too_many(len(gone), n_live):
        return [], [], AbsenceCount(n_withheld=len(missing))
    return fresh, gone, AbsenceCount(n_deleted=len(gone))


def blank_contacts(cursor: duckdb.DuckDBPyConnection, gone: Sequence[Missing]) -> None:
    """Empties the contacts of these leads and drops their texts, in the personal file."""
    ids = [one.lead_id for one in gone]
    columns = [
        name
        for (name,) in cursor.execute(
            "select column_name from duckdb_columns() where table_name = 'lead_contacts' and column_name <> 'lead_id'"
        ).fetchall()
    ]
    blank = ", ".join(f"{name} = null" for name in columns)
    cursor.execute(f"update lead_contacts set {blank} where lead_id in (select unnest(?))", [ids])
    cursor.execute("delete from lead_payloads where lead_id in (select unnest(?))", [ids])


def write_absences(
    cursor: duckdb.DuckDBPyConnection, fresh: Sequence[Missing], gone: Sequence[Missing], began_at: datetime
) -> None:
    """Notes the fresh absences and marks the leads that are gone, as of the first sweep that missed them."""
    cursor.execute(
        "update leads as l set deleted_at_source = a.missed_at from absences as a "
        "where a.lead_id = l.lead_id and l.lead_id in (select unnest(?))",
        [[one.lead_id for one in gone]],
    )
    ids = {"ids": [one.lead_id for one in gone]}
    refresh(cursor, days_of(cursor, "select created_local from leads where lead_id in (select unnest($ids))", ids))
    # What was seen since, marked, or never came into being again needs no note any more.
    cursor.execute(
        "delete from absences where lead_id not in "
        "(select l.lead_id from leads as l join absences as a using (lead_id) "
        "where l.deleted_at_source is null and l.last_seen_at < a.missed_at)"
    )
    if fresh:
        cursor.executemany("insert into absences values (?, ?)", [[one.lead_id, began_at] for one in fresh])
