"""What people pin to the screens: views by name, and notes on days. Nothing is lost when one is taken down."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb

from leadlib.store.files import File
from leadlib.store.suppression import Person


@dataclass(frozen=True)
class SavedView:
    """A page with filters and settings under a name. `query` are the parameters of its address; `saved_at` is UTC."""

    keepsake_id: str
    title: str
    page: str
    query: Mapping[str, Sequence[str]]
    author: str
    saved_at: datetime


@dataclass(frozen=True)
class DayNote:
    """What somebody noted on a day of the account's clock: “campaign started”. `saved_at` is UTC."""

    keepsake_id: str
    day: date
    words: str
    author: str
    saved_at: datetime


Keepsake = SavedView | DayNote


@dataclass(frozen=True)
class _Table:
    """Where keepsakes of a kind lie: `key` is the column with their ids, `words` those with what people wrote."""

    name: str
    key: str
    words: str


_TABLES: Mapping[type[Keepsake], _Table] = {
    SavedView: _Table("saved_views", "view_id", "title, author, query"),
    DayNote: _Table("day_notes", "note_id", "words, author"),
}


def saved_views(file: File) -> tuple[SavedView, ...]:
    """The views that are up, in the order in which they were named."""
    rows = file.fetch(
        "select view_id as keepsake_id, title, page, query, author, saved_at from saved_views where removed_at is null "
        "order by saved_at, view_id",
        None,
    ).to_pylist()
    return tuple(SavedView(**{**row, "query": json.loads(row["query"])}) for row in rows)


def day_notes(file: File) -> tuple[DayNote, ...]:
    """The notes that are up, by day."""
    sql = (
        "select note_id as keepsake_id, day, words, author, saved_at from day_notes where removed_at is null "
        "order by day, saved_at"
    )
    return tuple(DayNote(**row) for row in file.fetch(sql, None).to_pylist())


def write_view(
    cursor: duckdb.DuckDBPyConnection, title: str, page: str, query: Mapping[str, Sequence[str]], author: str
) -> None:
    """Puts a view up, in place of one that has the same name."""
    now = datetime.now(UTC)
    cursor.execute("update saved_views set removed_at = ? where title = ? and removed_at is null", [now, title])
    cursor.execute(
        "insert into saved_views values (?, ?, ?, ?, ?, ?, null)",
        [secrets.token_hex(8), title, page, json.dumps(query, ensure_ascii=False), author, now],
    )


def write_note(cursor: duckdb.DuckDBPyConnection, day: date, words: str, author: str) -> None:
    """Puts a note up."""
    cursor.execute(
        "insert into day_notes values (?, ?, ?, ?, ?, null)",
        [secrets.token_hex(8), day, words, author, datetime.now(UTC)],
    )


def take_down(cursor: duckdb.DuckDBPyConnection, keepsake: Keepsake) -> None:
    """Takes a view or a note down; its row stays."""
    table = _TABLES[type(keepsake)]
    cursor.execute(
        f"update {table.name} set removed_at = ? where {table.key} = ? and removed_at is null",
        [datetime.now(UTC), keepsake.keepsake_id],
    )


def changed_at(file: File) -> datetime:
    """When a view or a note was last put up or taken down, UTC; long ago if none ever was."""
    sql = (
        "select max(greatest(saved_at, removed_at)) as at from "
        "(select saved_at, removed_at from saved_views union all select saved_at, removed_at from day_notes)"
    )
    newest = file.fetch(sql, None).to_pylist()[0]["at"]
    return newest if isinstance(newest, datetime) else datetime.min.replace(tzinfo=UTC)


def erase_from_keepsakes(cursor: duckdb.DuckDBPyConnection, person: Person) -> int:
    """Deletes views and notes whose words hold a phone or an address of the person; gives their number."""
    n_erased = 0
    for table in _TABLES.values():
        sql = f"select {table.key}, concat_ws(' ', {table.words}) from {table.name}"
        for keepsake_id, words in cursor.execute(sql).fetchall():
            if person.is_in(str(words)):
                cursor.execute(f"delete from {table.name} where {table.key} = ?", [keepsake_id])
                n_erased += 1
    return n_erased
