"""Alarms: what went wrong and stays wrong until somebody or something has mended it."""

from dataclasses import dataclass
from datetime import datetime

import duckdb


@dataclass(frozen=True)
class Alarm:
    """One thing that is wrong: its `kind`, for programs, and a message for a manager. `raised_at` is in UTC."""

    kind: str
    message: str
    raised_at: datetime


def write_alarm(cursor: duckdb.DuckDBPyConnection, alarm: Alarm) -> None:
    """Keeps one alarm per kind: a new message replaces the old one, the time it began stays."""
    cursor.execute("update alarms set message = ? where kind = ?", [alarm.message, alarm.kind])
    cursor.execute(
        "insert into alarms select $kind, $message, $raised_at "
        "where not exists (select 1 from alarms where kind = $kind)",
        vars(alarm),
    )
