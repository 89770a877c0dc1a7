"""The four kinds of files. Each function takes leads in batches, writes a whole file, and gives the number of rows."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from leadlib.export.about import About
from leadlib.export.columns import Column
from leadlib.export.texts import cell_text, csv_column, json_column, json_objects, time_texts

EXCEL_ROWS = 1_048_575
"""Leads on one sheet: what Excel can hold, less the header."""

CSV_FACTS = "leadlight?"
"""How the name of a CSV file's last column begins; the facts follow as a URL has its parameters."""

CSV_LEAVES_OUT = ("columns", "numbers", "rules")
"""Facts for which a column's name is too short: a CSV file names their version."""

FACT_LABELS: Mapping[str, str] = {
    "portal": "Portal",
    "filter_words": "Filters",
    "filters": "The same as key=value",
    "restore_link": "The same leads in the app",
    "time_zone": "Time zone",
    "settings": "Settings",
    "as_of": "As of (newest observation)",
    "exported_at": "Exported at",
    "commit_before": "The store's commit before",
    "commit_after": "The store's commit after",
    "n_leads": "Leads",
    "rows_sha256": "Hash of the rows (SHA-256)",
    "has_personal_columns": "Personal columns",
    "rules_version": "Version of the meanings below",
}


def write_csv(batches: Iterable[pa.Table], path: Path, about: About) -> int:
    """UTF-8 with a byte order mark (Excel needs it for Arabic), CRLF, quotes doubled, formulas defused.

    The facts are the name of one more column, the last, which is empty below.
    """
    schema = pa.schema([(c.name, pa.int64() if pa.types.is_integer(c.type) else pa.string()) for c in about.columns])
    schema = schema.append(pa.field(CSV_FACTS, pa.null()))
    options = pa.csv.WriteOptions(eol="\r\n", include_header=False, batch_size=8_192)
    n_rows = 0
    with path.open("wb") as file:
        file.write(_csv_head(about))
        with pa.csv.CSVWriter(file, schema, write_options=options) as writer:
            for batch in batches:
                n_rows += batch.num_rows
                cells = [_csv_cells(batch, c) for c in about.columns]
                writer.write_table(pa.table([*cells, pa.nulls(batch.num_rows)], schema=schema))
    with path.open("r+b") as file:
        file.write(_csv_head(about))
    return n_rows


def _csv_head(about: About) -> bytes:
    """The first line, as long for any number of leads: it is written anew when that and the hash are known."""
    facts = {name: fact for name, fact in about.facts().items() if name not in CSV_LEAVES_OUT and fact is not None}
    facts |= {name: f"{facts[name]:012d}" for name in ("n_leads", "commit_before", "commit_after")}
    # Percent-encoded, so that no comma, quote, semicolon or formula is in it, however a program splits the line.
    names = [*(c.name for c in about.columns), CSV_FACTS + urlencode(facts, doseq=True)]
    return b"\xef\xbb\xbf" + ",".join(names).encode() + b"\r\n"


def _csv_cells(batch: pa.Table, column: Column) -> pa.Array:
    cells = batch.column(column.name).combine_chunks()
    if pa.types.is_timestamp(column.type):
        return time_texts(batch, column.name)
    if pa.types.is_list(column.type):
        return csv_column(pc.binary_join(cells, "; "))
    return csv_column(cells) if pa.types.is_string(column.type) else cells


def write_parquet(batches: Iterable[pa.Table], path: Path, about: About) -> int:
    """Typed columns, zstd; the facts stand in the file's key-value metadata as leadlight.<fact>."""
    schema = pa.schema([(c.name, c.type) for c in about.columns])
    n_rows = 0
    with pa.parquet.ParquetWriter(str(path), schema, compression="zstd") as writer:
        for batch in batches:
            n_rows += batch.num_rows
            writer.write_table(batch)
        facts = about.facts()
        writer.add_key_value_metadata(
            {
                f"leadlight.{name}": fact if isinstance(fact, str) else json.dumps(fact, ensure_ascii=False)
                for name, fact in facts.items()
            }
        )
    return n_rows


def write_json(batches: Iterable[pa.Table], path: Path, about: About) -> int:
    """One object: `about` with the facts, `leads` with an object for each lead. Texts are as received."""
    names = [c.name for c in about.columns]
    n_rows = 0
    with path.open("wb") as file:
        # Number and hash of the leads are known at the end, so the head is written twice, with room for any number.
        room = len(_json_head(about)) + 20
        file.write(_json_head(about).ljust(room) + b'"leads":[')
        for batch in batches:
            if batch.num_rows:
                file.write(b",\n" if n_rows else b"\n")
                file.write(json_objects(names, [_json_cells(batch, c) for c in about.columns]))
            n_rows += batch.num_rows
        file.write(b"\n]}\n")
        file.seek(0)
        file.write(_json_head(about).ljust(room))
    return n_rows


def _json_head(about: About) -> bytes:
    return f'{{"about":{json.dumps(about.facts(), ensure_ascii=False, indent=1)},'.encode()


def _json_cells(batch: pa.Table, column: Column) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        return json_column(time_texts(batch, column.name))
    return json_column(batch.column(column.name).combine_chunks())


def write_xlsx(batches: Iterable[pa.Table], path: Path, about: About, rows_per_sheet: int = EXCEL_ROWS) -> int:
    """Sheets “Leads”, “Leads 2” and so on, then “About”. Texts are string cells: no formula, no link, no number."""
    n_rows = 0
    with _workbook(path) as workbook:
        bold = workbook.add_format({"bold": True})
        sheet = _lead_sheet(workbook, "Leads", about, bold)
        for batch in batches:
            lists = [_xlsx_cells(batch, column, about.timezone) for column in about.columns]
            for row in zip(*lists, strict=True):
                at = n_rows % rows_per_sheet
                if at == 0 and n_rows:
                    sheet = _lead_sheet(workbook, f"Leads {n_rows // rows_per_sheet + 1}", about, bold)
                for column, value in enumerate(row):
                    if value is None:
                        continue
                    if isinstance(value, str):
                        _write_text(sheet, at + 1, column, value, bold)
                    else:
                        sheet.write_number(at + 1, column, value)
                n_rows += 1
        _about_sheet(workbook, about.facts(), bold)
    return n_rows


@contextmanager
def _workbook(path: Path) -> Iterator[xlsxwriter.Workbook]:
    workbook = xlsxwriter.Workbook(
        str(path),
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "tmpdir": str(path.parent),
        },
    )
    try:
        yield workbook
    except BaseException:
        for sheet in workbook.worksheets():
            sheet.row_data_fh.close()
        raise
    workbook.close()


def _lead_sheet(workbook: xlsxwriter.Workbook, name: str, about: About, bold: object) -> Worksheet:
    sheet = workbook.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(about.columns) - 1, 18)
    for column, head in enumerate(about.columns):
        sheet.write_string(0, column, head.name, bold)
    return sheet


def _about_sheet(workbook: xlsxwriter.Workbook, facts: dict[str, object], bold: object) -> None:
    sheet = workbook.add_worksheet("About")
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 110)
    shown = {**facts, "has_personal_columns": "included" if facts["has_personal_columns"] else "left out"}
    lines: list[tuple[str, str]] = []
    for name, label in FACT_LABELS.items():
        fact = shown[name]
        texts = [str(item) for item in fact] if isinstance(fact, list) else ["" if fact is None else str(fact)]
        lines += [(label if i == 0 else "", text) for i, text in enumerate(texts or ["none"])]
    columns, numbers, rules = facts["columns"], facts["numbers"], facts["rules"]
    assert isinstance(columns, dict)  # noqa: S101  # facts() makes them
    assert isinstance(numbers, dict)  # noqa: S101
    assert isinstance(rules, list)  # noqa: S101
    lines += [("", ""), ("Column", "Meaning"), *columns.items(), ("", "")]
    lines += [("Number on the screen", "Meaning"), *numbers.items(), ("", "")]
    lines += [("Rules" if i == 0 else "", rule) for i, rule in enumerate(rules)]
    for row, (label, text) in enumerate(lines):
        sheet.write_string(row, 0, label, bold)
        _write_text(sheet, row, 1, cell_text(text), bold)


def _write_text(sheet: Worksheet, row: int, column: int, text: str, other: object) -> None:
    if text.startswith("<r>") and text.endswith("</r>"):
        # xlsxwriter takes such a text for XML of its own and would write it unescaped, formulas and all. As two runs
        # of a rich string it is escaped like any other.
        sheet.write_rich_string(row, column, text[:1], other, text[1:])
    else:
        sheet.write_string(row, column, text)


def _xlsx_cells(batch: pa.Table, column: Column, timezone: ZoneInfo) -> list[str | int | None]:
    cells = batch.column(column.name).combine_chunks()
    if pa.types.is_timestamp(column.type):
        texts = time_texts(batch, column.name, timezone)
    elif pa.types.is_list(column.type):
        texts = pc.binary_join(cells, "; ")
    elif column.name.endswith("_id"):
        texts = cells.cast(pa.string())
    elif pa.types.is_integer(column.type):
        numbers: list[str | int | None] = cells.to_pylist()
        return numbers
    else:
        texts = cells
    return [None if text is None else cell_text(text) for text in texts.to_pylist()]
