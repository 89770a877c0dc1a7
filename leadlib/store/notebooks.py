"""Saved notebooks: a row per save, of which none is ever changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from leadlib.errors import NotebookConflictError
from leadlib.store.files import File
from leadlib.store.suppression import Person


@dataclass(frozen=True)
class NotebookVersion:
    """One save of one notebook. `cells` is JSON, which the store does not read; `saved_at` is in UTC."""

    name: str
    version: int
    title: str
    author: str
    saved_at: datetime
    cells: str
    is_deleted: bool = False


def versions(
    file: File, condition: str = "true", parameters: Mapping[str, object] | None = None
) -> list[NotebookVersion]:
    """The saves that `condition` chooses, newest first."""
    sql = (
        "select name, version, title, author, saved_at, cells, is_deleted from notebooks "
        f"where {condition} order by saved_at desc, name, version desc"
    )
    return [NotebookVersion(**row) for row in file.fetch(sql, parameters).to_pylist()]


def write_version(cursor: duckdb.DuckDBPyConnection, one: NotebookVersion) -> None:
    """Adds a save. Raises NotebookConflictError unless it is the next after the newest one of its name."""
    newest = cursor.execute(
        "select version, author from notebooks where name = ? order by version desc limit 1", [one.name]
    ).fetchone()
    if (int(newest[0]) if newest else 0) != one.version - 1:
        version, author = (int(newest[0]), str(newest[1])) if newest else (0, "")
        raise NotebookConflictError(
            f"{author or 'Somebody'} has saved version {version} of this notebook meanwhile. Nothing was saved. Save "
            "again to put yours on top of it; theirs stays in the history.",
            version,
        )
    cursor.execute(
        "insert into notebooks values (?, ?, ?, ?, ?, ?, ?)",
        [one.name, one.version, one.title, one.author, one.saved_at, one.cells, one.is_deleted],
    )


def erase_from_notebooks(cursor: duckdb.DuckDBPyConnection, person: Person) -> int:
    """Deletes the versions whose words hold a phone or an address of the person; gives their number."""
    rows = cursor.execute("select name, version, concat_ws(' ', title, author, cells) from notebooks").fetchall()
    held = [(name, version) for name, version, words in rows if person.is_in(str(words))]
    for name, version in held:
        cursor.execute("delete from notebooks where name = ? and version = ?", [name, version])
    return len(held)
