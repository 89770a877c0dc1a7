"""Files held against themselves and the store: who alters one is found out, and what came since is told apart."""

import csv
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import openpyxl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadlib.errors import UnprovenError
from leadlib.export import FORMATS, Format, Verdict, export_leads, verify_file
from leadlib.filters import Filters
from leadlib.records import AgentName, Contact
from leadlib.store import Store
from tests.conftest import at, make_lead

KEYS: list[Format] = [row.key for row in FORMATS]
SEEN = at("2026-09-20 10:00")
LATER = at("2026-09-21 10:00")
ODD_TEXTS = ["=cmd()", "'=1", "x;'=1", "a\x01\x0b\ufffeb", "x" * 40_000, "😀" * 20_000, "_x0041_", "two\r\nlines", "",
             "<r>a</r>", "1E5", "مرحبا", 'q"1', " spaced "]  # fmt: skip


@pytest.fixture
def three(store: Store) -> Store:
    """Leads a (a call, responded), b and c (unanswered), from old to new."""
    store.write_leads(
        [
            make_lead("a", "2026-09-15T06:00:00Z", status="replied", channel="call"),
            make_lead("b", "2026-09-15T07:00:00.123456Z", tags=["hot", "vip"]),
            make_lead("c", "2026-09-15T08:00:00Z", publicProfile=None, listing=None),
        ],
        observed_at=SEEN,
    )
    return store


def export(store: Store, path: Path, fmt: Format, filters: Mapping[str, list[str]] | None = None, **how: Any) -> Path:
    export_leads(store, Filters.of(filters or {}), fmt, path, now=lambda: SEEN + timedelta(minutes=5), **how)
    return path


def kinds(verdict: Verdict) -> dict[str, tuple[int, tuple[str, ...], dict[str, int]]]:
    return {d.kind: (d.n_leads, d.lead_ids, dict(d.columns)) for d in verdict.differences}


@pytest.mark.parametrize("fmt", KEYS)
def test_a_file_matches_the_store_that_it_came_from(three: Store, tmp_path: Path, fmt: Format) -> None:
    asked: list[tuple[dict[str, list[str]], bool, int]] = [
        ({}, True, 3),
        ({"type": ["call"], "from": ["2026-09-01"]}, False, 1),
        ({"status": ["archived"]}, False, 0),
    ]
    for filters, personal, n_leads in asked:
        verdict = verify_file(three, export(three, tmp_path / "out", fmt, filters, personal=personal))
        assert verdict.is_match
        assert verdict.differences == ()
        assert verdict.n_rows == verdict.claim.n_leads == n_leads
        assert (verdict.claim.filters, verdict.claim.as_of) == (Filters.of(filters), SEEN)


def test_texts_that_no_two_formats_write_alike_match_too(store: Store, tmp_path: Path) -> None:
    leads = [
        msgspec.structs.replace(
            make_lead(f"lead-{i}"), contact=Contact(text, text), listing_reference=text, tags=(text,)
        )
        for i, text in enumerate(ODD_TEXTS)
    ]
    store.write_leads(leads, observed_at=SEEN)
    verdicts = [verify_file(store, export(store, tmp_path / key, key, personal=True)) for key in KEYS]
    assert [verdict.is_match for verdict in verdicts] == [True] * 4
    assert len({verdict.claim.rows_sha256 for verdict in verdicts}) == 1


def test_times_of_other_zones_match(open_store: Callable[..., Store], tmp_path: Path) -> None:
    store = open_store(timezone=ZoneInfo("America/St_Johns"))
    store.write_leads([make_lead("a", "2026-03-08T05:29:59.999Z", status="replied")], observed_at=SEEN)
    assert [verify_file(store, export(store, tmp_path / key, key)).is_match for key in KEYS] == [True] * 4


def test_an_empty_store_and_its_file_match(store: Store, tmp_path: Path) -> None:
    for fmt in KEYS:
        verdict = verify_file(store, export(store, tmp_path / fmt, fmt))
        assert (verdict.is_match, verdict.claim.as_of, verdict.n_rows) == (True, None, 0)


# Altered


def alter_csv(path: Path) -> None:
    text = path.read_text(encoding="utf-8-sig")
    path.write_text(text.replace('"whatsapp"', '"chat"', 1), encoding="utf-8-sig", newline="")


def alter_json(path: Path) -> None:
    whole = json.loads(path.read_text(encoding="utf-8"))
    whole["leads"][0]["channel"] = "chat"
    path.write_text(json.dumps(whole), encoding="utf-8")


def alter_xlsx(path: Path) -> None:
    book = openpyxl.load_workbook(path)
    book["Leads"]["D2"] = "chat"
    book.save(path)


def alter_parquet(path: Path) -> None:
    table = pq.read_table(path)
    place = table.schema.get_field_index("channel")
    changed = table.set_column(place, table.schema.field(place), [["chat", *table["channel"].to_pylist()[1:]]])
    pq.write_table(changed.replace_schema_metadata(pq.read_metadata(path).metadata), path)


ALTER = {"csv": alter_csv, "json": alter_json, "xlsx": alter_xlsx, "parquet": alter_parquet}


@pytest.mark.parametrize("fmt", KEYS)
def test_one_cell_that_was_changed_is_named(three: Store, tmp_path: Path, fmt: Format) -> None:
    path = export(three, tmp_path / f"out.{fmt}", fmt)
    ALTER[fmt](path)
    verdict = verify_file(three, path)
    assert verdict.is_altered
    assert not verdict.is_match
    # The channel has no history, so that nothing but the hash tells who changed it.
    assert kinds(verdict) == {"changed": (1, ("c",), {"channel": 1})}


def rewrite_rows(path: Path, change: Callable[[list[list[str]]], None]) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    change(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def test_a_row_that_was_taken_out_is_missing_although_the_store_had_it(three: Store, tmp_path: Path) -> None:
    path = export(three, tmp_path / "out.csv", "csv")
    rewrite_rows(path, lambda rows: rows.pop(2))
    verdict = verify_file(three, path)
    assert (verdict.is_altered, verdict.n_rows, verdict.claim.n_leads) == (True, 2, 3)
    assert kinds(verdict) == {"unexplained": (1, ("b",), {})}


def test_a_row_that_was_put_in_is_unknown_and_one_that_was_doubled_stands_there_twice(
    three: Store, tmp_path: Path
) -> None:
    path = export(three, tmp_path / "out.csv", "csv")
    rewrite_rows(path, lambda rows: rows.extend([["zzz", *rows[1][1:]], rows[1]]))
    verdict = verify_file(three, path)
    assert (verdict.is_altered, verdict.n_rows) == (True, 5)
    assert kinds(verdict) == {"unknown": (1, ("zzz",), {}), "twice": (1, ("c",), {})}


def test_a_column_that_was_taken_out_or_put_in_is_named(three: Store, tmp_path: Path) -> None:
    path = export(three, tmp_path / "out.csv", "csv")
    rewrite_rows(path, lambda rows: [row.insert(1, "note") for row in rows])  # type: ignore[arg-type, func-returns-value]
    verdict = verify_file(three, path)
    assert (verdict.is_altered, verdict.lost_columns, verdict.other_columns) == (True, (), ("note",))
    path = export(three, tmp_path / "out.csv", "csv")
    rewrite_rows(path, lambda rows: [row.pop(3) for row in rows])  # type: ignore[arg-type, return-value]
    verdict = verify_file(three, path)
    assert (verdict.is_altered, verdict.lost_columns, verdict.other_columns) == (True, ("channel",), ())
    assert verdict.differences == ()


@given(order=st.permutations(range(1, 4)), columns=st.permutations(range(31)))
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_rows_and_columns_in_another_order_are_the_same_file(
    three: Store, tmp_path: Path, order: list[int], columns: list[int]
) -> None:
    path = export(three, tmp_path / "out.csv", "csv")

    def change(rows: list[list[str]]) -> None:
        rows[:] = [[rows[i][j] for j in columns] for i in (0, *order)]

    rewrite_rows(path, change)
    assert verify_file(three, path).is_match


# The store moves on


def test_what_came_since_is_counted_by_kind_and_column(three: Store, tmp_path: Path) -> None:
    paths = [export(three, tmp_path / key, key) for key in KEYS]
    three.write_leads(
        [
            make_lead("b", "2026-09-15T07:00:00.123456Z", status="replied", tags=["hot"]),
            make_lead("c", "2026-09-15T08:00:00Z", publicProfile=None, listing=None),
            make_lead("d", "2026-09-20T20:00:00Z"),
        ],
        observed_at=LATER,
    )
    three.write_names([AgentName(90001, "Agent Test One", True)], [], [])
    changed = {"status": 1, "stage": 1, "reached_stage": 1, "agent_name": 2, "tags": 1}
    replied = {"replied_after": 1, "replied_by": 1}
    for path in paths:
        verdict = verify_file(three, path)
        assert (verdict.is_altered, verdict.is_match, verdict.as_of) == (False, False, LATER)
        assert kinds(verdict) == {
            "new": (1, ("d",), {}),
            "changed": (2, ("a", "b"), {**changed, **replied}),
            "seen_again": (1, ("c",), {}),
        }


def test_leads_that_were_only_seen_again_still_match(three: Store, tmp_path: Path) -> None:
    path = export(three, tmp_path / "out.csv", "csv", {"type": ["call"]})
    three.write_leads([make_lead("a", "2026-09-15T06:00:00Z", status="replied", channel="call")], observed_at=LATER)
    verdict = verify_file(three, path)
    assert verdict.is_match
    assert kinds(verdict) == {"seen_again": (1, ("a",), {})}


def test_leads_that_came_under_the_filters_or_left_them_are_told_apart(three: Store, tmp_path: Path) -> None:
    path = export(three, tmp_path / "out.csv", "csv", {"status": ["responded"]})
    three.write_leads(
        [
            make_lead("a", "2026-09-15T06:00:00Z", status="archived", channel="call"),
            make_lead("b", "2026-09-15T07:00:00.123456Z", status="replied", tags=["hot", "vip"]),
        ],
        observed_at=LATER,
    )
    assert kinds(verify_file(three, path)) == {"joined": (1, ("b",), {}), "left": (1, ("a",), {})}


def test_a_difference_that_the_history_denies_is_not_put_down_to_time(three: Store, tmp_path: Path) -> None:
    path = export(three, tmp_path / "out.csv", "csv")
    with three._analytics.transaction() as cursor:
        cursor.execute("update leads set agent_id = 90002 where lead_id = 'b'")
    verdict = verify_file(three, path)
    assert not verdict.is_altered
    assert kinds(verdict) == {"unexplained": (1, ("b",), {"agent_id": 1})}


def test_no_verdict_holds_a_persons_detail(three: Store, tmp_path: Path) -> None:
    path = export(three, tmp_path / "out.csv", "csv", personal=True)
    with three._personal.transaction() as cursor:
        cursor.execute("update lead_contacts set sender_phone = '+971500000009' where lead_id = 'b'")
    verdict = verify_file(three, path)
    assert kinds(verdict) == {"changed": (1, ("b",), {"sender_phone": 1})}
    assert "+9715" not in repr(verdict)
    assert "Test Sender" not in repr(verdict)


# Beside the running app


def test_a_file_is_compared_with_what_is_published_unless_it_has_persons(three: Store, tmp_path: Path) -> None:
    plain = export(three, tmp_path / "plain.csv", "csv")
    personal = export(three, tmp_path / "personal.csv", "csv", personal=True)
    three.publish()
    three.write_leads([make_lead("d", "2026-09-20T20:00:00Z")], observed_at=LATER)
    with Store.open_beside(three.folder, timezone=three.timezone) as beside:
        assert verify_file(beside, plain).is_match
        with pytest.raises(UnprovenError, match="Stop the app first"):
            verify_file(beside, personal)
    assert kinds(verify_file(three, plain)) == {"new": (1, ("d",), {})}


# What cannot be verified


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", b"lead_id,created_at\r\na,b\r\n"),
        ("empty.csv", b""),
        ("other.json", b'{"leads": []}'),
        ("broken.json", b'{"about": '),
        ("broken.xlsx", b"PK\x03\x04nothing"),
        ("broken.parquet", b"PAR1nothing"),
        ("bytes.csv", b"\xff\xfe\x00"),
    ],
)
def test_a_file_that_says_nothing_of_itself_is_refused(three: Store, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnprovenError, match=name):
        verify_file(three, tmp_path / name)


def test_a_file_of_another_portal_or_zone_is_refused(
    three: Store, open_store: Callable[..., Store], tmp_path: Path
) -> None:
    path = export(three, tmp_path / "out.csv", "csv")
    with pytest.raises(UnprovenError, match="leads of test, and this store those of another"):
        verify_file(open_store("another", portal="another"), path)
    with pytest.raises(UnprovenError, match="Set LEADLIB_TIMEZONE to Asia/Dubai"):
        verify_file(open_store("zone", timezone=ZoneInfo("Europe/London")), path)
