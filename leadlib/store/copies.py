"""Copies: all tables of one file of the store as Parquet files in a folder, with a manifest that tells if it is whole.

A copy is written under a name that nobody looks for, and renamed once all of it is on the disk. What is in it has one
moment: it is read in one transaction.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import duckdb

from leadlib.errors import StoreDamagedError, StoreError
from leadlib.store import disk
from leadlib.store.files import File, literal, roll_back, sequence_in, tables_in

MANIFEST = "manifest.json"
_FORMAT = 1

# Tables that grow are cut by month, so that a month in which nothing has changed need not be written again.
_MONTHLY = {"leads": "created_at", "status_observations": "not_after", "assignment_observations": "not_after"}
_ORDER = {"leads": "order by created_at, lead_id"}


@dataclass(frozen=True)
class Part:
    """One Parquet file of a table: its name, rows and bytes, and two hashes, of the bytes and of the rows in it.

    `content` holds for equal rows in any order; only numbers made by the same version of the database compare.
    """

    name: str
    rows: int
    bytes: int
    sha256: str
    content: str


@dataclass(frozen=True)
class Manifest:
    """What a copy consists of. `sequence` is the number of the last commit in it, `created_at` is in UTC."""

    schema: str
    sequence: int
    created_at: datetime
    engine: str
    migrations: tuple[str, ...]
    tables: Mapping[str, tuple[Part, ...]]

    @property
    def rows(self) -> dict[str, int]:
        """Rows per table."""
        return {table: sum(part.rows for part in parts) for table, parts in self.tables.items()}


@dataclass(frozen=True)
class Copy:
    """A copy that is whole as far as its manifest and its files' sizes tell; `damage` reads every byte."""

    folder: Path
    manifest: Manifest

    def paths(self, table: str) -> list[Path]:
        """The Parquet files of a table."""
        return [self.folder / part.name for part in self.manifest.tables[table]]

    def damage(self) -> str | None:
        """The name of the first file whose bytes are not those that were written; None if all are."""
        for parts in self.manifest.tables.values():
            for part in parts:
                try:
                    if _sha256(self.folder / part.name) != part.sha256:
                        return part.name
                except OSError:
                    return part.name
        return None


def read_copy(folder: Path) -> Copy:
    """The copy in `folder`. Raises StoreDamagedError if there is none, or if it is not whole."""
    try:
        told = json.loads((folder / MANIFEST).read_bytes())
        facts = told["manifest"]
        if told["sha256"] != _sha256_of(facts) or facts["format"] != _FORMAT:
            raise ValueError("the manifest is not the one that was written")
        manifest = Manifest(
            facts["schema"],
            int(facts["sequence"]),
            datetime.fromisoformat(facts["created_at"]),
            facts["engine"],
            tuple(facts["migrations"]),
            {table: tuple(Part(**part) for part in parts) for table, parts in facts["tables"].items()},
        )
        for part in (part for parts in manifest.tables.values() for part in parts):
            if (folder / part.name).stat().st_size != part.bytes:
                raise ValueError(f"{part.name} is cut off")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreDamagedError(f"{folder} holds no whole copy of a store.", str(folder)) from error
    return Copy(folder, manifest)


def write_copy(file: File, folder: Path, unlike: Copy | None = None) -> Copy:
    """A copy of all of the file's tables in the new folder `folder`.

    Parts that are the same in `unlike` are linked from there instead of being written again. Raises StoreError, after
    which nothing of the copy is left.
    """
    draft = folder.with_name(f"draft-{uuid4().hex}")
    try:
        disk.make_folder(folder.parent)
        draft.mkdir(mode=disk.OWNER_FOLDER)
        manifest = _write_tables(file, draft, unlike)
        facts = {**asdict(manifest), "format": _FORMAT, "created_at": manifest.created_at.isoformat()}
        facts = json.loads(json.dumps(facts))
        disk.write_whole(
            draft / MANIFEST, json.dumps({"manifest": facts, "sha256": _sha256_of(facts)}, indent=1).encode()
        )
        disk.sync_folder(draft)
        os.rename(draft, folder)
        disk.sync_folder(folder.parent)
    except (OSError, duckdb.Error) as error:
        if isinstance(error, duckdb.Error):
            file.after(error)
        disk.remove_quietly(draft)
        raise StoreError(
            f"A copy of {file.path} could not be written to {folder.parent} ({type(error).__name__}). The store itself "
            "is as it was. Check the disk's free space and the folder's permissions.",
            str(folder),
        ) from error
    except BaseException:
        disk.remove_quietly(draft)
        raise
    return Copy(folder, manifest)


def content_of(cursor: duckdb.DuckDBPyConnection, rows: str) -> tuple[int, str]:
    """How many rows the query has, and a hash of them that does not depend on their order."""
    found = cursor.execute(f"select count(*), sum(hash(row_)) from ({rows}) as row_").fetchone()
    return (int(found[0]), str(found[1])) if found else (0, "")


def parquet_rows(paths: Sequence[Path], instead: Sequence[str] = ()) -> str:
    """SQL for the rows of some Parquet files; `instead` are columns as SQL ("a + 1 as a") that replace theirs."""
    columns = f"* replace ({', '.join(instead)})" if instead else "*"
    return f"select {columns} from read_parquet([{', '.join(literal(path) for path in paths)}])"


def _write_tables(file: File, folder: Path, unlike: Copy | None) -> Manifest:
    with _one_moment(file) as cursor:
        engine = duckdb.__version__
        known = _by_content(unlike) if unlike is not None and unlike.manifest.engine == engine else {}
        tables: dict[str, tuple[Part, ...]] = {}
        for table in tables_in(cursor):
            parts = []
            for place, where, rows, content in _cut(cursor, table):
                same = known.get((table, rows, content))
                name = f"{table}{place}.parquet"
                if same is not None and unlike is not None and _link(unlike.folder / same.name, folder / name):
                    parts.append(Part(name, rows, same.bytes, same.sha256, content))
                else:
                    parts.append(_write_part(cursor, folder / name, table, where, rows, content))
            tables[table] = tuple(parts)
        return Manifest(file.schema, sequence_in(cursor), datetime.now(UTC), engine, file.migrations(), tables)


@contextmanager
def _one_moment(file: File) -> Iterator[duckdb.DuckDBPyConnection]:
    cursor = file.cursor()
    try:
        cursor.execute("begin")
        yield cursor
    finally:
        # Not left to the closing: over a session that the lake's server has ended that takes the whole program down.
        roll_back(cursor)
        cursor.close()


def _cut(cursor: duckdb.DuckDBPyConnection, table: str) -> Iterator[tuple[str, str, int, str]]:
    """The parts of a table: the end of the file's name, the condition, number of rows and their hash."""
    instant = _MONTHLY.get(table)
    months = []
    if instant is not None:
        months = cursor.execute(
            f"select date_trunc('month', {instant})::date as month, count(*), sum(hash(row_)) "
            f"from {table} as row_ group by month order by month"
        ).fetchall()
    if not months:
        yield ("", "", *content_of(cursor, f"from {table}"))
    for month, rows, content in months:
        where = (
            f"where {instant} >= timestamptz '{month} 00:00:00+00' "
            f"and {instant} < timestamptz '{month} 00:00:00+00' + interval 1 month"
        )
        yield f"-{month:%Y-%m}", where, int(rows), str(content)


def _write_part(cursor: duckdb.DuckDBPyConnection, path: Path, table: str, where: str, rows: int, content: str) -> Part:
    cursor.execute(
        f"copy (from {table} {where} {_ORDER.get(table, '')}) to {literal(path)} (format parquet, compression zstd)"
    )
    disk.keep_private(path)
    disk.sync_file(path)
    return Part(path.name, rows, path.stat().st_size, _sha256(path), content)


def _by_content(copy: Copy) -> dict[tuple[str, int, str], Part]:
    return {(table, part.rows, part.content): part for table, parts in copy.manifest.tables.items() for part in parts}


def _link(old: Path, new: Path) -> bool:
    """True if `new` is now another name of `old`: a file system without such links writes the part again."""
    try:
        os.link(old, new)
    except OSError:
        return False
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_of(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
