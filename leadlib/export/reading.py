"""Files of leads read back: what they say of themselves, and their rows as texts that compare between formats."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from leadlib.errors import FilterError, UnprovenError
from leadlib.export.about import cells_of
from leadlib.export.columns import COLUMNS, Column
from leadlib.export.files import CSV_FACTS, FACT_LABELS
from leadlib.export.texts import armed_column, readable_column
from leadlib.filters import Filters

BATCH_ROWS = 12_500
_CSV_BLOCK_BYTES = 16 * 1024 * 1024  # no row may be longer
_COLUMN_OF_NAME: Mapping[str, Column] = {column.name: column for column in COLUMNS}


@dataclass(frozen=True)
class Claim:
    """What a file says of itself. `as_of` is None if it was written from an empty store."""

    portal: str
    filters: Filters
    filter_words: str
    time_zone: str
    as_of: datetime | None
    exported_at: datetime
    n_leads: int
    rows_sha256: str
    has_personal_columns: bool
    rules_version: str


@dataclass(frozen=True)
class LeadFile:
    """A file that was read: its claim, the names of its columns, and `cells`, which reads the rows anew at each call.

    The tables that `cells` gives have the columns asked for, as `about.cells_of` gives those of the store; what the
    file lacks is empty.
    """

    claim: Claim
    names: tuple[str, ...]
    cells: Callable[[Sequence[Column]], Iterator[pa.Table]]


def read_leads(path: Path) -> LeadFile:
    """The file of leads at `path`, of whichever format. Raises UnprovenError."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start == b"PAR1":
            return _parquet(path)
        if start == b"PK\x03\x04":
            return _xlsx(path)
        return _json(path) if start[:1] == b"{" else _csv(path)
    except OSError as error:
        raise UnprovenError(f"{path} cannot be read ({type(error).__name__}).", str(path)) from error
    except (pa.ArrowException, zipfile.BadZipFile, UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise UnprovenError(f"{path} is damaged, or no file of leads ({type(error).__name__}).", str(path)) from error


def _claim(facts: Mapping[str, Any], path: Path) -> Claim:
    try:
        pairs: dict[str, list[str]] = {}
        for text in facts.get("filters") or []:
            key, _, value = str(text).partition("=")
            pairs.setdefault(key, []).append(value)
        as_of = facts.get("as_of")
        return Claim(
            portal=str(facts["portal"]),
            filters=Filters.of(pairs),
            filter_words=str(facts["filter_words"]),
            time_zone=str(facts["time_zone"]),
            as_of=datetime.fromisoformat(as_of) if as_of else None,
            exported_at=datetime.fromisoformat(facts["exported_at"]),
            n_leads=int(facts["n_leads"]),
            rows_sha256=str(facts["rows_sha256"]),
            has_personal_columns=facts["has_personal_columns"] in {True, "true", "True", "included"},
            rules_version=str(facts["rules_version"]),
        )
    except (KeyError, ValueError, TypeError, FilterError) as error:
        raise UnprovenError(
            f"{path} does not say which leads it holds and by what they can be checked. Files that Leadlight has "
            "exported do, unless they are older than this, or were saved anew by a program that left it out.",
            str(path),
        ) from error


def _parquet(path: Path) -> LeadFile:
    schema = pa.parquet.read_schema(path)
    prefix = b"leadlight."
    texts = {
        k.removeprefix(prefix).decode(): v.decode() for k, v in (pa.parquet.read_metadata(path).metadata or {}).items()
    }
    facts = {name: json.loads(text) if text[:1] == "[" or (name, text) == ("as_of", "null") else text
             for name, text in texts.items()}  # fmt: skip

    def cells(columns: Sequence[Column]) -> Iterator[pa.Table]:
        with pa.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                arrays = [
                    batch.column(c.name).cast(c.type) if c.name in schema.names else pa.nulls(len(batch), c.type)
                    for c in columns
                ]
                yield cells_of(pa.table(arrays, names=[c.name for c in columns]), columns)

    return LeadFile(_claim(facts, path), tuple(schema.names), cells)


def _csv(path: Path) -> LeadFile:
    with path.open(encoding="utf-8-sig", newline="") as file:
        head = next(csv.reader(file), [])
    facts: dict[str, Any] = {}
    for name in head:
        if name.startswith(CSV_FACTS):
            found = parse_qs(name.removeprefix(CSV_FACTS))
            facts = {key: values if key in {"filters", "settings"} else values[0] for key, values in found.items()}
    names = tuple(name for name in head if not name.startswith(CSV_FACTS))

    def cells(columns: Sequence[Column]) -> Iterator[pa.Table]:
        reader = pa.csv.open_csv(
            path,
            pa.csv.ReadOptions(block_size=_CSV_BLOCK_BYTES),
            pa.csv.ParseOptions(newlines_in_values=True),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(head, pa.string()), strings_can_be_null=False),
        )
        for batch in reader:
            yield _cells({name: armed_column(batch.column(name)) for name in names}, columns, len(batch))

    return LeadFile(_claim(facts, path), names, cells)


def _json(path: Path) -> LeadFile:
    whole = json.loads(path.read_text(encoding="utf-8"))
    facts, leads = whole.get("about"), whole.get("leads")
    claim = _claim(facts if isinstance(facts, dict) else {}, path)
    if not isinstance(leads, list) or not all(isinstance(lead, dict) for lead in leads):
        raise UnprovenError(f"{path} holds no list of leads any more.", str(path))
    names = tuple(dict.fromkeys(name for lead in leads for name in lead)) if leads else tuple(facts["columns"])

    def cells(columns: Sequence[Column]) -> Iterator[pa.Table]:
        for start in range(0, len(leads), BATCH_ROWS):
            some = leads[start : start + BATCH_ROWS]
            texts = {name: pa.array([_text(lead.get(name)) for lead in some], pa.string()) for name in names}
            yield _cells(texts, columns, len(some))

    return LeadFile(claim, names, cells)


def _xlsx(path: Path) -> LeadFile:
    import openpyxl
    from openpyxl.utils.escape import unescape
    from openpyxl.utils.exceptions import InvalidFileException

    # In memory: a file that is kept open could not be replaced on Windows.
    content = io.BytesIO(path.read_bytes())

    def sheets() -> list[tuple[str, Any]]:
        try:
            book = openpyxl.load_workbook(content, read_only=True)
        except (InvalidFileException, KeyError) as error:
            raise UnprovenError(f"{path} is no Excel file of leads.", str(path)) from error
        return [(sheet.title, sheet.iter_rows(values_only=True)) for sheet in book.worksheets]

    facts: dict[str, Any] = {}
    name_of_label = {label: name for name, label in FACT_LABELS.items()}
    names: tuple[str, ...] = ()
    for title, rows in sheets():
        if title == "About":
            last = ""
            for label, text, *_ in ((*row, None, None) for row in rows):
                last = name_of_label.get(str(label), "") if label else last
                if last and text is not None:
                    facts.setdefault(last, []).append(unescape(str(text)))
        elif not names:
            names = tuple(str(name) for name in next(rows, ()) if name is not None)
    facts = {name: texts if name in {"filters", "settings"} else texts[0] for name, texts in facts.items()}
    if facts.get("filters") == ["none"]:
        facts["filters"] = []

    def cells(columns: Sequence[Column]) -> Iterator[pa.Table]:
        for title, rows in sheets():
            if title == "About":
                continue
            head = [str(name) for name in next(rows, ())]
            some: list[tuple[Any, ...]] = []

            def taken(head: list[str] = head, some: list[tuple[Any, ...]] = some) -> pa.Table:
                texts = {}
                for place, name in enumerate(head):
                    column = [unescape(_text(row[place] if place < len(row) else None) or "") for row in some]
                    if name in _COLUMN_OF_NAME and _is_moved(_COLUMN_OF_NAME[name]):
                        column = [_in_utc(text) for text in column]
                    texts[name] = pa.array(column, pa.string())
                return _cells(texts, columns, len(some))

            for row in rows:
                some.append(row)
                if len(some) == BATCH_ROWS:
                    yield taken()
                    some.clear()
            if some:
                yield taken()

    return LeadFile(_claim(facts, path), names, cells)


def _cells(texts: Mapping[str, pa.Array], columns: Sequence[Column], n_rows: int) -> pa.Table:
    empty = pa.array([""] * n_rows, pa.string())
    made = [pc.fill_null(readable_column(texts.get(column.name, empty)), "") for column in columns]
    return pa.table(made, names=[column.name for column in columns])


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        return "; ".join(str(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a spreadsheet knows no whole numbers
    return None if value is None else str(value)


def _is_moved(column: Column) -> bool:
    """True for times that an Excel file has in the account's zone, and the other formats in UTC."""
    return pa.types.is_timestamp(column.type) and column.name not in {"created_at", "created_local"}


def _in_utc(text: str) -> str:
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="milliseconds") if text else ""
    except ValueError:
        return text
