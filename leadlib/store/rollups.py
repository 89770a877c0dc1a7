"""Roll-ups: tables of few rows, each of which stands for all leads of a stretch of time that are alike.

A row has the columns of `leads` that it keeps, by the same names, and `leads`, how many it stands for: so one SQL file
reads either. Whoever changes leads makes the stretches anew that were touched, in the same transaction: a day of ten
million leads is a hundred and fiftieth of the rows of one sync's commit to read, and a roll-up is never older than the
leads.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import duckdb

from leadlib.records import HOURS_TO_MATURE


@dataclass(frozen=True)
class Rollup:
    """One row per `grain` of local time and kind of lead: those that are alike in `columns`.

    `has_outcome`: alike also in whether they have matured, are gone from the portal and have an agent at all.
    """

    grain: str
    columns: tuple[str, ...]
    has_outcome: bool


ROLLUPS: Mapping[str, Rollup] = {
    "lead_hours": Rollup("hour", ("channel",), has_outcome=False),
    "lead_days": Rollup("day", ("channel", "entity_type", "status", "stage", "reached_stage"), has_outcome=True),
    "agent_weeks": Rollup("week", ("agent_id", "stage", "reached_stage"), has_outcome=True),
}

_A_DAY = timedelta(days=1)
_MATURED = f"epoch_us(last_seen_at) - epoch_us(created_at) >= {HOURS_TO_MATURE * 3_600_000_000}"


def days_of(cursor: duckdb.DuckDBPyConnection, leads: str, parameters: Mapping[str, object] | None = None) -> set[date]:
    """On which days of local time some leads came; `leads` is SQL with their created_local."""
    found = cursor.execute(f"select distinct cast(created_local as date) from ({leads})", parameters).fetchall()
    return {day for (day,) in found}


def refresh(cursor: duckdb.DuckDBPyConnection, days: set[date]) -> None:
    """Makes the roll-ups anew for these days: of leads that have changed, those on which they came before and after."""
    begins = sorted(day for day in days if day - _A_DAY not in days)
    ends = sorted(day + _A_DAY for day in days if day + _A_DAY not in days)
    for first, after in zip(begins, ends, strict=True):
        for name in ROLLUPS:
            _make_days(cursor, name, first, after)


def behind(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    """The roll-ups that do not stand for as many leads as there are: a new one is empty."""
    is_whole = "select (select coalesce(sum(leads), 0) from {}) = (select count(*) from leads)"
    return [name for name in ROLLUPS if cursor.execute(is_whole.format(name)).fetchall() != [(True,)]]


def make(cursor: duckdb.DuckDBPyConnection, names: Iterable[str] = ROLLUPS) -> None:
    """Makes these roll-ups anew, of all leads."""
    for name in names:
        cursor.execute(f"delete from {name}")
        cursor.execute(f"insert into {name} by name {_rows(name, 'true')} order by created_local")


def _make_days(cursor: duckdb.DuckDBPyConnection, name: str, first: date, after: date) -> None:
    """The days from `first` until before `after`, or the whole weeks that they are in."""
    if ROLLUPS[name].grain == "week":
        first, last = first - _A_DAY * first.weekday(), after - _A_DAY
        after = last - _A_DAY * last.weekday() + 7 * _A_DAY
    within = "created_local >= $first and created_local < $after"
    stretch = {"first": datetime.combine(first, time()), "after": datetime.combine(after, time())}
    cursor.execute(f"delete from {name} where {within}", stretch)
    cursor.execute(f"insert into {name} by name {_rows(name, within)}", stretch)


def _rows(name: str, condition: str) -> str:
    rollup = ROLLUPS[name]
    keys = [f"date_trunc('{rollup.grain}', created_local)", *rollup.columns]
    selected = [f"{keys[0]} as created_local", *rollup.columns]
    if rollup.has_outcome:
        # What a question makes of these columns is all that counts of them.
        keys += ["is_matured", "is_gone", "is_assigned"]
        selected += [
            f"if(is_matured, min(created_at) + interval {HOURS_TO_MATURE} hour, min(created_at)) as last_seen_at",
            "if(is_gone, min(created_at), null) as deleted_at_source",
        ]
        if "agent_id" not in rollup.columns:
            selected.append("if(is_assigned, 0, null) as agent_id")
    return (
        f"select {', '.join(selected)}, min(created_at) as created_at, max(created_at) as last_created_at, "
        f"count(*) as leads from (select *, {_MATURED} as is_matured, deleted_at_source is not null as is_gone, "
        f"agent_id is not null as is_assigned from leads where {condition}) group by {', '.join(keys)}"
    )
