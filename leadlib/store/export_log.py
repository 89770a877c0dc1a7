"""ExportLog: which files of leads were made, by whom, from what, and which were refused. Nobody's details are in it."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal

import duckdb
import pyarrow as pa

from leadlib.store.files import File
from leadlib.store.races import run_again
from leadlib.store.suppression import Person

Limit = Literal["files", "rows"]
_Fetch = Callable[[str, Mapping[str, object]], pa.Table]

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_ADDRESS_OR_PHONE = re.compile(r"\S@\S|(?<!\w)[+0](?:[\s().\-]*\d){6,}")
_COLUMNS = "export_id, exported_at, who, filters, column_names, format, n_rows, sha256, is_personal, reason, refused"


@dataclass(frozen=True)
class Limits:
    """How much that is personal one person may take: files in any 60 minutes, rows in any 24 hours."""

    files_an_hour: int = 5
    rows_a_day: int = 5_000


LIMITS = Limits()


@dataclass(frozen=True)
class Refusal:
    """Which limit is in the way, and from when on it is not, UTC; None if such a file is too large on any day."""

    limit: Limit
    again_at: datetime | None


@dataclass(frozen=True)
class ExportRow:
    """One file that was asked for. `exported_at` is UTC; `refused` names the limit that was in its way, None: made.

    `filters` are key=value; `sha256` is that of the file, empty if there is none.
    """

    exported_at: datetime
    who: str
    filters: tuple[str, ...]
    column_names: tuple[str, ...]
    format: str
    n_rows: int
    sha256: str
    is_personal: bool
    reason: str
    refused: Limit | None = None
    export_id: str = ""


class ExportLog:
    """The exports of a store, in its personal file. Rows are added, and go when they are too old. Safe from any thread.

    No number depends on them, so writing leaves the store's `data_version` as it is.
    """

    def __init__(self, file: File) -> None:
        self._file = file

    @run_again
    def add(self, row: ExportRow, limits: Limits | None = None) -> ExportRow | Refusal:
        """Puts a made file on record and gives its row, with its id; or, above `limits`, the refusal, put on record.

        Counting and writing are one transaction, so that two files at once never both slip below a limit. Raises
        StoreError: then nothing is on record, and the file must not be handed out.
        """
        row = _with_id(row)
        with self._file.transaction() as cursor:
            fetch = partial(_fetch_with, cursor)
            refusal = None if limits is None else _refusal(fetch, row.who, row.n_rows, row.exported_at, limits)
            if refusal is None:
                _insert(cursor, row)
            else:
                _insert_refused(cursor, row, refusal.limit)
        return row if refusal is None else refusal

    @run_again
    def add_refused(self, row: ExportRow, limit: Limit) -> None:
        """Puts a refusal on record, once an hour for each person and limit. Raises StoreError."""
        with self._file.transaction() as cursor:
            _insert_refused(cursor, _with_id(row), limit)

    def refusal(self, who: str, n_rows: int, now: datetime, limits: Limits = LIMITS) -> Refusal | None:
        """What would be in the way of a personal file with so many rows; None if nothing is."""
        return _refusal(self._file.fetch, who, n_rows, now, limits)

    def taken(self, who: str, now: datetime) -> tuple[int, int]:
        """How many personal files somebody had in the last hour, and how many rows in the last day."""
        made = _made(self._file.fetch, who, now)
        return sum(at > now - HOUR for at, _ in made), sum(n_rows for _, n_rows in made)

    def rows(self, who: str | None = None) -> list[ExportRow]:
        """All that is on record, or all of one person, newest first."""
        condition, bound = ("true", None) if who is None else ("who = $who", {"who": who})
        found = self._file.fetch(
            f"select {_COLUMNS} from exports where {condition} order by exported_at desc, export_id", bound
        )
        return [
            ExportRow(**{**row, "filters": tuple(row["filters"]), "column_names": tuple(row["column_names"])})
            for row in found.to_pylist()
        ]

    def written_at(self) -> datetime:
        """When the last file was put on record, UTC; long ago if none ever was."""
        newest = self._file.fetch("select max(exported_at) as at_ from exports").to_pylist()[0]["at_"]
        return newest if isinstance(newest, datetime) else datetime.min.replace(tzinfo=UTC)

    @run_again
    def forget_before(self, moment: datetime) -> None:
        """Deletes what is older than `moment`."""
        bound = {"moment": moment}
        if self._file.fetch("select 1 from exports where exported_at < $moment limit 1", bound).num_rows:
            with self._file.transaction() as cursor:
                cursor.execute("delete from exports where exported_at < $moment", bound)


def erase_from_exports(cursor: duckdb.DuckDBPyConnection, person: Person) -> None:
    """Takes filters that hold a phone or an address of the person out of the record; the rest of it stays."""
    for export_id, filters in cursor.execute("select export_id, filters from exports").fetchall():
        kept = [f"{pair.partition('=')[0]}=…" if person.is_in(pair) else pair for pair in filters]
        if kept != filters:
            cursor.execute("update exports set filters = ? where export_id = ?", [kept, export_id])


def _with_id(row: ExportRow) -> ExportRow:
    return replace(row, export_id=secrets.token_hex(8), filters=tuple(map(_without_anybody, row.filters)))


def _without_anybody(pair: str) -> str:
    """A filter as it is put on record: what somebody typed for a listing or a tag may be a person's phone."""
    key, _, value = pair.partition("=")
    return f"{key}=…" if _ADDRESS_OR_PHONE.search(value) else pair


def _fetch_with(cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, object]) -> pa.Table:
    return cursor.sql(sql, params=dict(parameters)).to_arrow_table()


def _insert(cursor: duckdb.DuckDBPyConnection, row: ExportRow) -> None:
    values = {**vars(row), "filters": list(row.filters), "column_names": list(row.column_names)}
    names = _COLUMNS.split(", ")
    cursor.execute(f"insert into exports ({_COLUMNS}) values ({', '.join(f'${name}' for name in names)})", values)


def _made(fetch: _Fetch, who: str, now: datetime) -> Sequence[tuple[datetime, int]]:
    """When somebody had a personal file in the last day, and its rows, oldest first."""
    made = fetch(
        "select exported_at, n_rows from exports "
        "where who = $who and is_personal and refused is null and exported_at > $since order by exported_at",
        {"who": who, "since": now - DAY},
    )
    return [(row["exported_at"], row["n_rows"]) for row in made.to_pylist()]


def _refusal(fetch: _Fetch, who: str, n_rows: int, now: datetime, limits: Limits) -> Refusal | None:
    if n_rows > limits.rows_a_day:
        return Refusal("rows", None)
    made = _made(fetch, who, now)
    in_hour = [at for at, _ in made if at > now - HOUR]
    if len(in_hour) >= limits.files_an_hour:
        return Refusal("files", in_hour[-limits.files_an_hour] + HOUR)
    above = sum(n for _, n in made) + n_rows - limits.rows_a_day
    if above <= 0:
        return None
    for at, n in made:
        above -= n
        if above <= 0:
            return Refusal("rows", at + DAY)
    raise AssertionError("all of the day's rows gone, and still too many")  # n_rows alone is below the limit


def _insert_refused(cursor: duckdb.DuckDBPyConnection, row: ExportRow, limit: Limit) -> None:
    """Adds a refusal, unless one of this kind is on record in this hour: whoever keeps trying fills no table."""
    known = cursor.execute(
        "select 1 from exports where who = $who and refused = $limit and exported_at > $since limit 1",
        {"who": row.who, "limit": limit, "since": row.exported_at - HOUR},
    ).fetchall()
    if not known:
        _insert(cursor, replace(row, n_rows=0, sha256="", refused=limit))
