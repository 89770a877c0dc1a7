"""Exports, judged by reading the real files back: what a spreadsheet, pandas or a program would see.

Rows G3 to G8 of the fault matrix. That no office program computes anything is read from the file's XML: a cell without
`<f>` has nothing to compute. G8 on the screen is in test_web and test_screens.
"""

import csv
import hashlib
import io
import json
import re
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import msgspec
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlib.access import LOCAL
from leadlib.badge_rules import EXAMPLE
from leadlib.errors import ExportError, FilterError, StoreError
from leadlib.export import (
    COLUMNS,
    FORMATS,
    NUMBERS,
    RULES,
    ExportResult,
    Format,
    Tickets,
    export_leads,
    file_name,
    format_named,
    leads,
)
from leadlib.export.about import About, RowHash
from leadlib.export.columns import RULES_VERSION
from leadlib.export.files import EXCEL_ROWS, write_xlsx
from leadlib.export.texts import CUT_MARK, EXCEL_CELL_UNITS, armed, cell_text, csv_column, defused
from leadlib.filters import Filters, describe
from leadlib.metrics import METRICS
from leadlib.records import AgentName, Contact, Lead, ListingName, ProjectName
from leadlib.store import Store
from leadlib.store.generations import open_newest
from tests.conftest import DUBAI, at, make_lead

KEYS: list[Format] = [row.key for row in FORMATS]
PERSONAL = [column.name for column in COLUMNS if column.is_personal]
PLAIN = [column.name for column in COLUMNS if not column.is_personal]
SEEN = at("2026-09-20 10:00")
EXPORTED = at("2026-09-20 10:05")

FORMULAS = {
    "equals": "=cmd()",
    "plus": "+971501",
    "minus": "-1",
    "at": "@x",
    "tab": "\tx",
    "return": "\rx",
    "line feed": "\nx",
    "full-width equals": "＝1+1",
    "full-width plus": "＋1",
    "full-width minus": "－1",
    "full-width at": "＠x",
    "after spaces": "  =1+1",
    "after a byte order mark": "\ufeff=1+1",
    "after a zero-width space": "\u200b\u200e=1+1",
    "after a quote": '"=1+1',
    "after an apostrophe": "'=1+1",
    "hyperlink": '=HYPERLINK("https://example.com/?"&A1,"click")',
}
HARMLESS = {
    "arabic": "مرحبا بالعالم",
    "emoji": "Sender 😀👩‍👩‍👧",
    "comma and quotes": 'EX,"RENT",001',
    "exponent": "1E5",
    "zeros": "00971500000001",
    "long id": "123456789012345678901234567890",
    "address": "https://example.com/x",
    "mail": "mailto:person@example.com",
    "date": "1-2",
    "line break": "two\nlines",
    "literal escape": "_x0041_",
    "markup": "<b>&amp;</b>",
    "xlsx rich text": '<r><t>a</t></r></is></c><c r="A9"><f>1+1</f></c><c t="inlineStr"><is><r><t>b</t></r>',
}


def named(lead_id: str, text: str, created_at: str = "2026-09-15T06:12:45Z") -> Lead:
    """A lead whose sender, phone and listing reference all are `text`, past all cleaning on the way in."""
    lead = make_lead(lead_id, created_at)
    return msgspec.structs.replace(lead, contact=Contact(text, text), listing_reference=text, tags=(text,))


def export(store: Store, path: Path, fmt: Format, filters: Filters | None = None, **options: Any) -> ExportResult:
    return export_leads(store, filters or Filters(), fmt, path, now=lambda: EXPORTED, **options)


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows, without the last column: its name holds the facts, and nothing else is in it."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row.popitem()[1] for row in rows} <= {""}
    return rows


def read_xlsx(path: Path) -> list[dict[str, Any]]:
    """The rows of all lead sheets, as openpyxl reads their values."""
    book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()))
    found: list[dict[str, Any]] = []
    for sheet in book.worksheets[:-1]:
        rows = list(sheet.iter_rows(values_only=True))
        found += [dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]]
    return found


def read_json(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["leads"]
    return found


def read_parquet(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return found


READERS: Mapping[Format, Callable[[Path], list[Any]]] = {
    "csv": read_csv,
    "xlsx": read_xlsx,
    "parquet": read_parquet,
    "json": read_json,
}


def xlsx_elements(path: Path) -> Iterator[tuple[str, ElementTree.Element]]:
    """Every XML element of the file, with its name without the namespace."""
    with zipfile.ZipFile(path) as parts:
        for name in parts.namelist():
            for element in ElementTree.fromstring(parts.read(name)).iter():  # noqa: S314  # our own file
                yield element.tag.rpartition("}")[2], element


# Which rows, which columns


@pytest.fixture
def five(store: Store) -> Store:
    """Five leads: a to e from old to new, two of them at one instant."""
    store.write_leads(
        [
            make_lead("a", "2026-09-14T19:59:59Z", status="replied", channel="call"),
            make_lead("c", "2026-09-14T20:00:00Z", publicProfile=None, channel="email"),
            make_lead("b", "2026-09-14T20:00:00Z", status="read", listing={"id": "L2", "reference": "EX-SALE-002"}),
            make_lead("d", "2026-09-15T19:59:59Z", publicProfile={"id": 90002}, tags=["hot", "vip"]),
            make_lead("e", "2026-09-15T20:00:00Z", status="responded", publicProfile=None),
        ],
        observed_at=SEEN,
    )
    return store


@pytest.mark.parametrize("fmt", KEYS)
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, "e d b c a", id="all, newest first, then by id"),
        pytest.param({"status": ["responded"]}, "e a", id="a status in both dialects"),
        pytest.param({"agent": ["none"]}, "e c", id="without an agent"),
        pytest.param({"agent": ["none", "90002"]}, "e d c", id="without an agent or with this one"),
        pytest.param({"from": ["2026-09-15"]}, "e d b c", id="first day begins at the account's midnight"),
        pytest.param({"to": ["2026-09-15"]}, "d b c a", id="last day ends at the account's midnight"),
        pytest.param({"from": ["2026-09-15"], "to": ["2026-09-15"]}, "d b c", id="one day"),
        pytest.param({"listing": ["EX-SALE-002"], "type": ["whatsapp"]}, "b", id="two filters"),
        pytest.param({"tag": ["vip"]}, "d", id="a tag"),
        pytest.param({"status": ["archived"]}, "", id="nothing"),
    ],
)
def test_exactly_the_filtered_leads_are_written(
    five: Store, tmp_path: Path, fmt: Format, values: dict[str, list[str]], expected: str
) -> None:
    result = export(five, tmp_path / "out", fmt, Filters.of(values))
    assert [row["lead_id"] for row in READERS[fmt](tmp_path / "out")] == expected.split()
    assert result.rows == len(expected.split())


@pytest.mark.parametrize("fmt", KEYS)
def test_small_windows_and_batches_change_nothing(
    five: Store, tmp_path: Path, fmt: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(five, tmp_path / "whole", fmt, personal=True)
    monkeypatch.setattr(leads, "WINDOW_ROWS", 1)
    monkeypatch.setattr(leads, "BATCH_ROWS", 1)
    export(five, tmp_path / "small", fmt, personal=True)
    assert READERS[fmt](tmp_path / "small") == READERS[fmt](tmp_path / "whole")


@pytest.mark.parametrize("fmt", KEYS)
def test_a_name_that_is_known_twice_does_not_double_a_lead(five: Store, tmp_path: Path, fmt: Format) -> None:
    with five._analytics.transaction() as cursor:
        cursor.execute("insert into agents values (90001, 'Old Name', true, '2026-01-01'), (90001, 'New', true, now())")
    export(five, tmp_path / "out", fmt, Filters.of({"agent": ["90001"]}))
    assert [(row["lead_id"], row["agent_name"]) for row in READERS[fmt](tmp_path / "out")] == [
        ("b", "New"),
        ("a", "New"),
    ]


@pytest.mark.parametrize("fmt", KEYS)
def test_personal_columns_come_only_when_asked_for(five: Store, tmp_path: Path, fmt: Format) -> None:
    assert export(five, tmp_path / "plain", fmt).columns == tuple(PLAIN)
    assert list(READERS[fmt](tmp_path / "plain")[0]) == PLAIN
    assert export(five, tmp_path / "personal", fmt, personal=True).columns == tuple(PLAIN + PERSONAL)
    rows = READERS[fmt](tmp_path / "personal")
    assert list(rows[0]) == PLAIN + PERSONAL
    assert {row["sender_name"] for row in rows} == {"Test Sender One"}


@pytest.mark.parametrize("fmt", ["csv", "json"])
def test_no_byte_of_a_person_or_a_response_link_is_in_a_plain_export(five: Store, tmp_path: Path, fmt: Format) -> None:
    export(five, tmp_path / "plain", fmt)
    export(five, tmp_path / "personal", fmt, personal=True)
    text = (tmp_path / "plain").read_text(encoding="utf-8")
    assert "Test Sender One" not in text
    assert "500000001" not in text
    for path in ("plain", "personal"):
        assert "example.com/r/" not in (tmp_path / path).read_text(encoding="utf-8")


def test_the_response_link_is_no_column() -> None:
    assert not [column.name for column in COLUMNS if "response_link" in column.name]


def test_every_column_has_a_meaning_and_a_name_of_its_own() -> None:
    assert len({column.name for column in COLUMNS}) == len(COLUMNS)
    assert all(column.meaning.endswith(".") for column in COLUMNS)


@pytest.mark.parametrize("fmt", KEYS)
def test_contacts_stand_beside_their_own_leads(store: Store, tmp_path: Path, fmt: Format) -> None:
    store.write_leads([named(f"lead-{i}", f"Person {i}") for i in range(30)], observed_at=SEEN)
    with store._personal.transaction() as cursor:
        cursor.execute("delete from lead_contacts where lead_id = 'lead-7'")
    export(store, tmp_path / "out", fmt, personal=True)
    for row in READERS[fmt](tmp_path / "out"):
        number = row["lead_id"].removeprefix("lead-")
        expected = "" if number == "7" else f"Person {number}"
        assert (row["sender_name"] or "") == expected


@pytest.mark.parametrize("fmt", KEYS)
def test_names_of_ids_are_joined(store: Store, tmp_path: Path, fmt: Format) -> None:
    store.write_leads(
        [make_lead("a", project={"id": "P1"}, developer={"id": "D1"}), make_lead("b", developer={"id": "D9"})],
        observed_at=SEEN,
    )
    store.write_names(
        [AgentName(90001, "Agent Test One", True)],
        [ListingName("01JEXAMP1E0000000000000001", "EX-RENT-001", "Bright flat", "apartment", "residential", "rent")],
        [ProjectName("P1", "Test Towers", "D1", "Test Developer")],
    )
    export(store, tmp_path / "out", fmt)
    columns = ("agent_name", "listing_title", "project_title", "developer_name")
    rows = [[row[name] or None for name in columns] for row in READERS[fmt](tmp_path / "out")]
    assert rows == [
        ["Agent Test One", "Bright flat", "Test Towers", "Test Developer"],
        ["Agent Test One", "Bright flat", None, None],
    ]


# Text, numbers, times


@pytest.mark.parametrize("text", FORMULAS.values(), ids=FORMULAS)
def test_G3_a_formula_in_csv_has_an_apostrophe_and_all_characters(store: Store, tmp_path: Path, text: str) -> None:
    store.write_leads([named("a", text)], observed_at=SEEN)
    export(store, tmp_path / "out.csv", "csv", personal=True)
    row = read_csv(tmp_path / "out.csv")[0]
    for name in ("sender_name", "sender_phone", "listing_reference", "tags"):
        assert row[name] == f"'{text}"


@pytest.mark.parametrize("text", [*FORMULAS.values(), *HARMLESS.values()], ids=[*FORMULAS, *HARMLESS])
@pytest.mark.parametrize("fmt", ["xlsx", "parquet", "json"])
def test_G3_G4_G5_other_formats_keep_every_character(store: Store, tmp_path: Path, fmt: Format, text: str) -> None:
    store.write_leads([named("a", text), make_lead("b", "2026-09-16T00:00:00Z")], observed_at=SEEN)
    export(store, tmp_path / "out", fmt, personal=True)
    row = READERS[fmt](tmp_path / "out")[1]
    # Excel writes some characters as _x000D_, which openpyxl leaves as it stands.
    kept = (
        row["sender_phone"].replace("_x000D_", "\r").replace("_x005F_", "_") if fmt == "xlsx" else row["sender_phone"]
    )
    assert kept == text
    assert row["listing_reference"] == row["sender_phone"]


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_G4_G5_harmless_text_is_the_same_in_csv(store: Store, tmp_path: Path, text: str) -> None:
    store.write_leads([named("a", text)], observed_at=SEEN)
    export(store, tmp_path / "out.csv", "csv", personal=True)
    assert read_csv(tmp_path / "out.csv")[0]["sender_name"] == text
    frame = pd.read_csv(tmp_path / "out.csv", dtype=str)
    assert frame["listing_reference"].tolist() == [text]


@pytest.mark.parametrize("phone", ["+971500000001", "00971500000001", "1E5", "971500000001234567890"])
def test_G4_phones_keep_every_character(store: Store, tmp_path: Path, phone: str) -> None:
    store.write_leads([named("a", phone)], observed_at=SEEN)
    for fmt in KEYS:
        export(store, tmp_path / fmt, fmt, personal=True)
        assert READERS[fmt](tmp_path / fmt)[0]["sender_phone"].removeprefix("'") == phone


def test_G3_a_spreadsheet_that_splits_at_semicolons_finds_no_formula(store: Store, tmp_path: Path) -> None:
    """Excel splits at semicolons where the comma is the decimal sign, and then no longer sees our quotes."""
    texts = ['x;=1+1;"', "x\n=1+1;", "x\t+1\t", 'x;"=1+1', "x; =1", "x;;@y", "x\r\n-1"]
    store.write_leads([named(f"lead-{i}", text) for i, text in enumerate(texts)], observed_at=SEEN)
    export(store, tmp_path / "out.csv", "csv", personal=True)
    cells = re.split("[;\t\r\n]", (tmp_path / "out.csv").read_text(encoding="utf-8-sig"))
    assert len(cells) > 2 * len(texts)
    assert not [cell for cell in cells if cell.lstrip(' "').startswith(("=", "+", "-", "@"))]


def test_G3_xlsx_holds_no_formula_and_no_link(store: Store, tmp_path: Path) -> None:
    texts = [*FORMULAS.values(), *HARMLESS.values()]
    store.write_leads([named(f"lead-{i}", text) for i, text in enumerate(texts)], observed_at=SEEN)
    names = {"listing": {"=1+1": "=1+1"}}
    export(store, tmp_path / "out.xlsx", "xlsx", personal=True, names=names)
    export(store, tmp_path / "about.xlsx", "xlsx", Filters.of({"listing": ["=1+1", HARMLESS["xlsx rich text"]]}))
    for path in ("out.xlsx", "about.xlsx"):
        elements = list(xlsx_elements(tmp_path / path))
        assert not [name for name, _ in elements if name in {"f", "hyperlink", "hyperlinks", "externalLink"}]
        targets = [element.get("Type", "") for name, element in elements if name == "Relationship"]
        assert targets
        assert not [target for target in targets if "hyperlink" in target or "external" in target.lower()]


def test_G3_every_text_of_a_lead_is_a_string_cell_in_excel(store: Store, tmp_path: Path) -> None:
    """Cells without a type are numbers, of which we write those of our own; a text is none, whatever it looks like."""
    texts = [*FORMULAS.values(), *HARMLESS.values(), "\x00=1+1", "12", "TRUE", "#REF!", "1/2"]
    leads = [msgspec.structs.replace(named(f"lead-{i}", text), call_talk_time_s=7) for i, text in enumerate(texts)]
    store.write_leads(leads, observed_at=SEEN)
    export(store, tmp_path / "out.xlsx", "xlsx", personal=True)
    with zipfile.ZipFile(tmp_path / "out.xlsx") as parts:
        sheet = ElementTree.fromstring(parts.read("xl/worksheets/sheet1.xml"))  # noqa: S314  # our own file
    cells = [element for element in sheet.iter() if element.tag.endswith("}c")]
    numbers = [cell.get("r", "") for cell in cells if cell.get("t") is None]
    column = openpyxl.utils.get_column_letter([c.name for c in COLUMNS].index("call_talk_time_s") + 1)
    assert numbers == [f"{column}{row}" for row in range(2, len(texts) + 2)]
    assert {cell.get("t") for cell in cells} == {None, "inlineStr"}


def test_G3_a_formula_behind_a_nul_is_found_once_the_nul_is_gone(store: Store, tmp_path: Path) -> None:
    store.write_leads([named("a", "\x00=1+1")], observed_at=SEEN)
    export(store, tmp_path / "out.csv", "csv", personal=True)
    assert read_csv(tmp_path / "out.csv")[0]["sender_name"] == "'=1+1"


@pytest.mark.parametrize("fmt", KEYS)
def test_G6_control_characters_never_reach_a_reader_raw(store: Store, tmp_path: Path, fmt: Format) -> None:
    store.write_leads([named("a", "a\x01\x0b\x1f\x7f\x85\ufffeb")], observed_at=SEEN)
    export(store, tmp_path / "out", fmt, personal=True)
    kept = READERS[fmt](tmp_path / "out")[0]["sender_name"]
    assert kept == ("ab" if fmt in {"csv", "xlsx"} else "a\x01\x0b\x1f\x7f\x85\ufffeb")
    if fmt == "json":
        assert not re.search(rb"[\x00-\x09\x0b-\x1f]", (tmp_path / "out").read_bytes())


def test_csv_has_a_byte_order_mark_and_ends_lines_as_the_standard_says(five: Store, tmp_path: Path) -> None:
    export(five, tmp_path / "out.csv", "csv")
    data = (tmp_path / "out.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbflead_id,created_at,")
    assert data.count(b"\r\n") == data.count(b"\n") == 1 + 5
    assert data.endswith(b"\r\n")


def test_csv_tells_missing_from_empty_and_keeps_numbers_as_numbers(store: Store, tmp_path: Path) -> None:
    store.write_leads(
        [make_lead("a", channel="", call={"talkTime": 0, "waitTime": 25}, listing=None)], observed_at=SEEN
    )
    export(store, tmp_path / "out.csv", "csv")
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()
    cells = dict(zip(lines[0].split(","), lines[1].split(","), strict=True))
    assert [cells[name] for name in ("channel", "listing_id", "agent_id", "call_talk_time_s", "call_wait_time_s")] == [
        '""',
        "",
        "90001",
        "0",
        "25",
    ]


def test_csv_reads_straight_into_pandas(five: Store, tmp_path: Path) -> None:
    export(five, tmp_path / "out.csv", "csv")
    frame = pd.read_csv(tmp_path / "out.csv", parse_dates=["created_at", "created_local"])
    assert frame["created_at"].iloc[-1] == pd.Timestamp("2026-09-14T19:59:59Z")
    assert (frame["created_at"] == frame["created_local"]).all()
    assert frame["agent_id"].dropna().tolist() == [90002, 90001, 90001]


@pytest.mark.parametrize(
    ("zone", "instant", "local"),
    [
        ("Asia/Dubai", "2026-09-15T20:00:00Z", "2026-09-16T00:00:00.000+04:00"),
        ("Asia/Kolkata", "2026-09-15T20:00:00.250Z", "2026-09-16T01:30:00.250+05:30"),
        ("America/St_Johns", "2026-01-15T03:00:00Z", "2026-01-14T23:30:00.000-03:30"),
        ("Europe/London", "2026-10-25T00:59:59.999Z", "2026-10-25T01:59:59.999+01:00"),
        ("Europe/London", "2026-10-25T01:00:00Z", "2026-10-25T01:00:00.000+00:00"),
    ],
)
@pytest.mark.parametrize("fmt", ["csv", "xlsx", "json"])
def test_G6_times_carry_the_offset_of_their_zone(
    open_store: Callable[..., Store], tmp_path: Path, fmt: Format, zone: str, instant: str, local: str
) -> None:
    store = open_store(timezone=ZoneInfo(zone))
    store.write_leads([make_lead("a", instant)], observed_at=datetime.fromisoformat(instant))
    export(store, tmp_path / "out", fmt)
    row = READERS[fmt](tmp_path / "out")[0]
    assert row["created_local"] == local
    assert row["created_at"] == datetime.fromisoformat(instant).isoformat(timespec="milliseconds")
    assert row["first_seen_at"] == (local if fmt == "xlsx" else row["created_at"])


def test_parquet_has_proper_types(store: Store, tmp_path: Path) -> None:
    store.write_leads([make_lead("a", "2026-09-15T20:00:00.123456Z", tags=["x"], listing=None)], observed_at=SEEN)
    export(store, tmp_path / "out.parquet", "parquet", personal=True)
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert {name: schema.field(name).type for name in schema.names} == {c.name: c.type for c in COLUMNS}
    assert schema.field("created_at").type == pa.timestamp("us", "UTC")
    row = read_parquet(tmp_path / "out.parquet")[0]
    assert row["created_at"] == datetime(2026, 9, 15, 20, 0, 0, 123456, UTC)
    assert row["created_local"] == datetime(2026, 9, 16, 0, 0, 0, 123456)  # noqa: DTZ001  # a clock's face has no zone
    assert row["tags"] == ["x"]
    assert row["listing_id"] is None
    assert row["deleted_at_source"] is None


def test_json_keeps_types_and_lists(store: Store, tmp_path: Path) -> None:
    store.write_leads(
        [make_lead("a", tags=['q"1', "b\\"], call={"talkTime": 7}, listing=None), make_lead("b", tags=[])],
        observed_at=SEEN,
    )
    export(store, tmp_path / "out.json", "json")
    first, second = read_json(tmp_path / "out.json")
    assert (first["tags"], second["tags"]) == (['q"1', "b\\"], [])
    assert (first["agent_id"], first["call_talk_time_s"], first["listing_id"]) == (90001, 7, None)


def test_G4_ids_are_text_and_durations_are_numbers_in_excel(store: Store, tmp_path: Path) -> None:
    store.write_leads([make_lead("123", publicProfile={"id": 2**60}, call={"talkTime": 7})], observed_at=SEEN)
    export(store, tmp_path / "out.xlsx", "xlsx")
    row = read_xlsx(tmp_path / "out.xlsx")[0]
    assert (row["lead_id"], row["agent_id"], row["call_talk_time_s"]) == ("123", str(2**60), 7)


@pytest.mark.parametrize("text", ["x" * 40_000, "😀" * 20_000, "x" + "😀" * 20_000], ids=["letters", "pairs", "odd"])
def test_G6_a_text_beyond_an_excel_cell_is_cut_with_a_mark(store: Store, tmp_path: Path, text: str) -> None:
    store.write_leads([named("a", text)], observed_at=SEEN)
    export(store, tmp_path / "out.xlsx", "xlsx", personal=True)
    kept = read_xlsx(tmp_path / "out.xlsx")[0]["sender_name"]
    assert kept.endswith(CUT_MARK)
    assert text.startswith(kept.removesuffix(CUT_MARK))
    assert EXCEL_CELL_UNITS - 1 <= len(kept.encode("utf-16-le")) // 2 <= EXCEL_CELL_UNITS


def test_G6_a_text_that_just_fits_a_cell_is_whole() -> None:
    assert cell_text("x" * EXCEL_CELL_UNITS) == "x" * EXCEL_CELL_UNITS


NASTY = st.text(
    st.sampled_from("a1 ;,|\"'=+-@\t\r\n\x00\x0b\x7f\x85\ufeff\u200b\u00a0＝＋－＠\ufe63\ufffeب😀"), max_size=8
)


@given(st.lists(st.one_of(st.none(), NASTY), max_size=6))
def test_G3_arrow_finds_every_text_that_needs_defusing(texts: list[str | None]) -> None:
    """The search runs in RE2, the mending in Python: were they to differ, a formula would slip through."""
    expected = [None if text is None else defused(text) for text in texts]
    assert csv_column(pa.array(texts, pa.string())).to_pylist() == expected


@given(NASTY)
def test_G4_a_defused_text_can_be_had_back(text: str) -> None:
    assert armed(defused(text)) == re.sub("[\x00\x0b\x7f\x85\ufffe]", "", text)


@given(NASTY)
def test_G3_defused_text_has_no_place_where_a_formula_begins(text: str) -> None:
    skipped = ' "\ufeff\u200b\u00a0'
    mended = defused(text)
    assert not mended.lstrip(skipped).startswith(tuple("=+-@＝＋－＠\ufe63\t\r\n"))
    assert not [
        part for part in re.split("[;\t\r\n]", mended) if part.lstrip(skipped).startswith(tuple("=+-@＝＋－＠"))
    ]
    assert not re.search("[\x00\x0b\x7f\x85\ufffe]", mended)


# The file as a whole


@pytest.mark.parametrize("fmt", KEYS)
@pytest.mark.parametrize("personal", [False, True], ids=["plain", "personal"])
def test_an_empty_store_gives_a_whole_file_without_leads(
    store: Store, tmp_path: Path, fmt: Format, personal: bool
) -> None:
    result = export(store, tmp_path / "out", fmt, personal=personal)
    assert (result.rows, result.as_of) == (0, None)
    assert READERS[fmt](tmp_path / "out") == []
    if fmt == "csv":
        assert list(pd.read_csv(tmp_path / "out").columns)[:-1] == list(result.columns)
    if fmt == "parquet":
        assert pq.read_schema(tmp_path / "out").names == list(result.columns)


@pytest.mark.parametrize("fmt", KEYS)
def test_the_result_tells_the_files_hash_and_the_as_of_time(five: Store, tmp_path: Path, fmt: Format) -> None:
    result = export(five, tmp_path / "out", fmt)
    assert result.sha256 == hashlib.sha256((tmp_path / "out").read_bytes()).hexdigest()
    assert result.as_of == SEEN
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600


ABOUT_FILTERS = Filters.of({"status": ["responded"], "agent": ["none", "90001"], "to": ["2026-09-15"]})
ABOUT_NAMES = {"agent": {"90001": "Agent Test One"}}
# Lead a alone: the file's columns, the number of rows, and the hash of the row's cells, all put together.
ROW_A = {
    **dict.fromkeys((column.name for column in COLUMNS if not column.is_personal), ""),
    "lead_id": "a",
    "created_at": "2026-09-14T19:59:59.000+00:00",
    "created_local": "2026-09-14T23:59:59.000+04:00",
    "channel": "call",
    "status": "replied",
    "stage": "responded",
    "reached_stage": "responded",
    "entity_type": "listing",
    "agent_id": "90001",
    "listing_id": "01JEXAMP1E0000000000000001",
    "listing_reference": "EX-RENT-001",
    "first_seen_at": "2026-09-20T10:00:00.000+00:00",
    "last_seen_at": "2026-09-20T10:00:00.000+00:00",
    "replied_after": "2026-09-14T19:59:59.000+00:00",
    "replied_by": "2026-09-20T10:00:00.000+00:00",
    "source": "rest",
}


def rows_sha256(sender_key: str) -> str:
    row = {**ROW_A, "sender_key": sender_key}
    digest = hashlib.sha256("\x1f".join(row.values()).encode()).hexdigest()
    return hashlib.sha256(("\x1f".join(row) + f"\n1\n{digest}").encode()).hexdigest()


ABOUT: dict[str, object] = {
    "portal": "test",
    "filter_words": describe(ABOUT_FILTERS, ABOUT_NAMES),
    "filters": ["status=responded", "agent=90001", "agent=none", "to=2026-09-15"],
    "restore_link": "https://leads.example.com/leads?v=1&status=responded&agent=90001&agent=none&to=2026-09-15",
    "time_zone": "Asia/Dubai",
    "settings": [
        "LEADLIB_WORKING_HOURS=Mon-Fri 09:00-19:00, Sat 10:00-16:00",
        "LEADLIB_SLA_MINUTES=60",
        f"LEADLIB_BADGE_RULES=the built-in example, {hashlib.sha256(repr(EXAMPLE).encode()).hexdigest()[:12]}",
    ],
    "as_of": "2026-09-20T14:00:00+04:00",
    "exported_at": "2026-09-20T14:05:00+04:00",
    "n_leads": 1,
    "has_personal_columns": False,
    "rules_version": RULES_VERSION,
    "columns": {column.name: column.meaning for column in COLUMNS if not column.is_personal},
    "numbers": {metric.label: metric.definition for metric in METRICS if metric.question == "summary"},
    "rules": list(RULES),
}


def export_with_filters(store: Store, path: Path, fmt: Format) -> dict[str, object]:
    """Writes the file, and gives what it has to say."""
    export(store, path, fmt, ABOUT_FILTERS, names=ABOUT_NAMES, site="https://leads.example.com/")
    (sender_key,) = store.query("select sender_key from leads where lead_id = 'a'")["sender_key"]
    commit = store.sequence()
    return {**ABOUT, "commit_before": commit, "commit_after": commit, "rows_sha256": rows_sha256(str(sender_key))}


def test_json_says_what_it_holds(five: Store, tmp_path: Path) -> None:
    about = export_with_filters(five, tmp_path / "out.json", "json")
    whole = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert list(whole) == ["about", "leads"]
    assert whole["about"] == about


def test_parquet_says_what_it_holds(five: Store, tmp_path: Path) -> None:
    about = export_with_filters(five, tmp_path / "out.parquet", "parquet")
    metadata = pq.read_metadata(tmp_path / "out.parquet").metadata
    found = {key: metadata[f"leadlight.{key}".encode()].decode() for key in about}
    assert found == {
        key: fact if isinstance(fact, str) else json.dumps(fact, ensure_ascii=False) for key, fact in about.items()
    }


def test_csv_says_what_it_holds_in_the_name_of_its_last_column(five: Store, tmp_path: Path) -> None:
    about = export_with_filters(five, tmp_path / "out.csv", "csv")
    head = (tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    *names, facts = head.split(",")
    assert names == PLAIN
    assert not set(facts) & set("\"'; ")
    expected = {key: about[key] for key in about if key not in {"columns", "numbers", "rules"}}
    assert parse_qs(facts.removeprefix("leadlight?")) == {
        key: fact if isinstance(fact, list) else [f"{fact:012d}" if type(fact) is int else str(fact)]
        for key, fact in expected.items()
    }


def test_excel_has_an_about_sheet_behind_the_leads(five: Store, tmp_path: Path) -> None:
    about = export_with_filters(five, tmp_path / "out.xlsx", "xlsx")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["Leads", "About"]
    lines = [(row[0] or "", row[1] or "") for row in book["About"].iter_rows(values_only=True)]
    assert lines[:18] == [
        ("Portal", "test"),
        ("Filters", ABOUT["filter_words"]),
        ("The same as key=value", "status=responded"),
        ("", "agent=90001"),
        ("", "agent=none"),
        ("", "to=2026-09-15"),
        ("The same leads in the app", about["restore_link"]),
        ("Time zone", "Asia/Dubai"),
        ("Settings", "LEADLIB_WORKING_HOURS=Mon-Fri 09:00-19:00, Sat 10:00-16:00"),
        ("", "LEADLIB_SLA_MINUTES=60"),
        ("", ABOUT["settings"][2]),  # type: ignore[index]
        ("As of (newest observation)", "2026-09-20T14:00:00+04:00"),
        ("Exported at", "2026-09-20T14:05:00+04:00"),
        ("The store's commit before", str(five.sequence())),
        ("The store's commit after", str(five.sequence())),
        ("Leads", "1"),
        ("Hash of the rows (SHA-256)", about["rows_sha256"]),
        ("Personal columns", "left out"),
    ]
    assert {(column.name, column.meaning) for column in COLUMNS if not column.is_personal} <= set(lines)
    assert set(NUMBERS.items()) <= set(lines)
    assert set(RULES) <= {text for _, text in lines}
    assert not [text for name, text in lines if name in PERSONAL]


@pytest.mark.parametrize(
    ("rows_per_sheet", "sheets"), [(2, ["Leads", "Leads 2", "Leads 3", "About"]), (5, ["Leads", "About"])]
)
def test_G6_leads_that_do_not_fit_a_sheet_go_on_another(
    five: Store, tmp_path: Path, rows_per_sheet: int, sheets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(leads._WRITERS, "xlsx", partial(write_xlsx, rows_per_sheet=rows_per_sheet))  # type: ignore[arg-type]
    assert export(five, tmp_path / "out.xlsx", "xlsx").rows == 5
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == sheets
    assert [row["lead_id"] for row in read_xlsx(tmp_path / "out.xlsx")] == ["e", "d", "b", "c", "a"]


def test_G6_more_leads_than_a_sheet_holds_open_and_none_is_lost(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """In full with Excel's own limit and 1.2 million leads; else with a limit of 4,000 and 10,000 leads."""
    is_full = request.config.getoption("--matrix") == "full"
    n_leads, rows_per_sheet = (1_200_000, EXCEL_ROWS) if is_full else (10_000, 4_000)
    columns = tuple(column for column in COLUMNS if column.name in {"lead_id", "created_at", "sender_phone"})
    batch = 10_000
    batches = (
        pa.table(
            {
                "lead_id": [f"lead-{first + i}" for i in range(batch)],
                "created_at": pa.array([SEEN] * batch, pa.timestamp("us", "UTC")),
                "sender_phone": ["+971500000001"] * batch,
            }
        )
        for first in range(0, n_leads, batch)
    )
    rows = RowHash(columns)
    about = About("test", Filters(), "All leads", "/", DUBAI, {}, SEEN, EXPORTED, columns, 1, lambda: 1, rows)
    assert write_xlsx(rows.passing(batches), tmp_path / "out.xlsx", about, rows_per_sheet=rows_per_sheet) == n_leads
    sheets = -(-n_leads // rows_per_sheet)
    found: list[str] = []
    with zipfile.ZipFile(tmp_path / "out.xlsx") as parts:
        for number in range(1, sheets + 1):
            with parts.open(f"xl/worksheets/sheet{number}.xml") as sheet:
                # A million rows at once would take gigabytes as a tree.
                rest = ""
                while chunk := sheet.read(1 << 20).decode():
                    whole, _, rest = (rest + chunk).rpartition("</row>")
                    found += re.findall(r">(lead-\d+)<", whole)
    assert found == [f"lead-{i}" for i in range(n_leads)]
    names = openpyxl.load_workbook(tmp_path / "out.xlsx", read_only=True).sheetnames
    assert names == ["Leads", *(f"Leads {number}" for number in range(2, sheets + 1)), "About"]


def test_G8_the_file_names_the_commit_whose_rows_it_holds(five: Store, tmp_path: Path) -> None:
    export(five, tmp_path / "one.json", "json")
    five.publish()
    five.write_leads([make_lead("f")], observed_at=SEEN)
    export(five, tmp_path / "two.json", "json")
    one, two = (json.loads((tmp_path / name).read_text())["about"] for name in ("one.json", "two.json"))
    with open_newest(five.folder) as generation:  # type: ignore[union-attr]
        assert one["commit_before"] == one["commit_after"] == generation.sequence
        assert len(generation.query("select lead_id from leads")) == one["n_leads"] == 5
    assert two["commit_before"] == two["commit_after"] == one["commit_after"] + 1 == five.sequence()


def test_G8_a_file_over_which_the_store_moved_on_says_so(
    five: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Store.batches

    def moving(self: Store, *args: Any, **options: Any) -> Iterator[pa.RecordBatch]:
        self.remember("key", "value")
        yield from whole(self, *args, **options)

    monkeypatch.setattr(Store, "batches", moving)
    for fmt in KEYS:
        export(five, tmp_path / fmt, fmt)
    about = json.loads((tmp_path / "json").read_text())["about"]
    assert (about["commit_before"] + 1, about["commit_after"]) == (five.sequence(), five.sequence())
    assert read_csv(tmp_path / "csv")[0]["lead_id"] == "e"


@pytest.mark.parametrize("fmt", KEYS)
@pytest.mark.parametrize("before", [None, b"earlier export"], ids=["nothing there", "an earlier file there"])
def test_an_export_that_fails_half_way_leaves_no_trace(
    five: Store, tmp_path: Path, fmt: Format, before: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    if before:
        (folder / "out").write_bytes(before)
    n_calls = 0
    whole = Store.batches

    def failing(self: Store, *args: Any, **options: Any) -> Iterator[pa.RecordBatch]:
        nonlocal n_calls
        n_calls += 1
        yield from whole(self, *args, **options)
        if n_calls == 2:
            raise StoreError("gone", "leads.duckdb")

    monkeypatch.setattr(Store, "batches", failing)
    monkeypatch.setattr(leads, "WINDOW_ROWS", 1)
    with pytest.raises(StoreError):
        export(five, folder / "out", fmt)
    assert n_calls == 2
    assert [path.read_bytes() for path in folder.iterdir()] == ([before] if before else [])


@pytest.mark.parametrize("fmt", KEYS)
def test_a_folder_that_is_not_there_is_named(five: Store, tmp_path: Path, fmt: Format) -> None:
    with pytest.raises(ExportError, match="Check that the folder exists"):
        export(five, tmp_path / "missing" / "out", fmt)


def test_an_unknown_format_names_the_nearest(five: Store, tmp_path: Path) -> None:
    with pytest.raises(FilterError, match="Did you mean “xlsx”"):
        format_named("xls")
    with pytest.raises(FilterError, match="Known formats: csv, xlsx, parquet, json"):
        export(five, tmp_path / "out", "zzz")  # type: ignore[arg-type]
    assert not list(tmp_path.glob("out*"))


def test_G7_two_exports_are_two_files(five: Store, tmp_path: Path) -> None:
    export(five, tmp_path / "one.csv", "csv", Filters.of({"listing": ["EX-SALE-002"]}))
    export(five, tmp_path / "two.csv", "csv", Filters.of({"tag": ["vip"]}))
    assert (tmp_path / "one.csv").read_bytes() != (tmp_path / "two.csv").read_bytes()


def test_G7_file_names_are_unique_and_say_nothing_personal() -> None:
    filters = Filters.of({"listing": ["Jane Example 971500000001"]})
    names = {file_name(filters, "csv", at("2026-11-23 18:35")) for _ in range(2_000)}
    assert len(names) == 2_000
    assert all(re.fullmatch(r"leadlight-leads-filtered-2026-11-23T1835-[0-9a-f]{12}\.csv", name) for name in names)
    assert re.fullmatch(r"leadlight-leads-[0-9a-f]{12}\.xlsx", file_name(Filters(), "xlsx", None))


def test_G5_csv_of_arabic_reads_right_in_any_csv_reader(store: Store, tmp_path: Path) -> None:
    store.write_leads([named("a", "مرحبا, 😀")], observed_at=SEEN)
    export(store, tmp_path / "out.csv", "csv")
    text = (tmp_path / "out.csv").read_bytes().decode("utf-8-sig")
    assert next(csv.DictReader(io.StringIO(text, newline="")))["listing_reference"] == "مرحبا, 😀"


# Tickets


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_ticket_gives_what_was_issued_as_often_as_wanted_until_it_ends() -> None:
    clock = Clock()
    tickets = Tickets(monotonic_s=clock)
    filters = Filters.of({"status": ["sent"]})
    ticket_id = tickets.issue(filters, "csv", True, LOCAL)
    for now_s in (1_000.0, 1_599.9):
        clock.now_s = now_s
        ticket = tickets.redeem(ticket_id)
        assert ticket is not None
        assert (ticket.filters, ticket.fmt, ticket.personal) == (filters, "csv", True)
    clock.now_s = 1_600.0
    assert tickets.redeem(ticket_id) is None


def test_a_tickets_columns_follow_from_what_was_issued() -> None:
    tickets = Tickets()
    plain = tickets.redeem(tickets.issue(Filters(), "csv", False, LOCAL))
    personal = tickets.redeem(tickets.issue(Filters(), "csv", True, LOCAL))
    assert plain is not None
    assert plain.columns == tuple(PLAIN)
    assert personal is not None
    assert personal.columns == tuple(PLAIN + PERSONAL)


def test_an_invented_ticket_gives_nothing() -> None:
    tickets = Tickets()
    ticket_id = tickets.issue(Filters(), "csv", False, LOCAL)
    assert [tickets.redeem(text) for text in ("", "x", ticket_id[:-1], f"{ticket_id}x")] == [None] * 4


def test_the_oldest_tickets_make_room() -> None:
    tickets = Tickets(most=3)
    ids = [tickets.issue(Filters(), "csv", False, LOCAL) for _ in range(5)]
    assert [tickets.redeem(ticket_id) is not None for ticket_id in ids] == [False, False, True, True, True]


def test_ticket_ids_have_128_bits_and_suit_a_url() -> None:
    tickets = Tickets(most=5_000)
    ids = {tickets.issue(Filters(), "csv", False, LOCAL) for _ in range(2_000)}
    assert len(ids) == 2_000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", ticket_id) for ticket_id in ids)


def test_tickets_are_safe_from_many_threads() -> None:
    tickets = Tickets(most=50)
    lost: list[str] = []

    def work() -> None:
        for _ in range(200):
            ticket_id = tickets.issue(Filters(), "csv", False, LOCAL)
            if len(ticket_id) != 22:
                lost.append(ticket_id)
            tickets.redeem(ticket_id)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not lost
    assert len(tickets._ticket_of_id) == 50
    assert all(a.ends_at_s <= b.ends_at_s for a, b in pairwise(tickets._ticket_of_id.values()))
