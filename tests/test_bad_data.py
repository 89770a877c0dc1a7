"""Rows D of the fault matrix: unknown values and fields, odd ids and instants, texts that break things. D7 and D8 have
homes of their own."""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from leadlib.api import Client
from leadlib.api.bodies import NOT_JSON, parse
from leadlib.config import Secret, Settings
from leadlib.filters import Filters
from leadlib.metrics.health import drift, odd_fields, rejected
from leadlib.metrics.questions import breakdown
from leadlib.records import (
    CUT_MARK,
    LONGEST_TEXT,
    TOO_DEEP,
    Lead,
    RejectedRow,
    lead_from_documented,
    leads_from_json,
    paths_of_odd_fields,
)
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.sandbox.faults import ODD_CORPUS
from leadlib.store import Store, SyncRow
from leadlib.store.drift import MOST_FIELDS
from leadlib.sync import run_sync
from leadlib.ui.engine import get_engine
from leadlib.ui.names import word
from tests.conftest import at, lead_json, make_lead

NOW = at("2026-11-20 09:00")
EVERYTHING = Filters()
N_ODD_LEADS = sum(row.is_lead for row in ODD_CORPUS)


def page_bytes(*rows: bytes) -> bytes:
    return b'{"data":[' + b",".join(rows) + b'],"pagination":{}}'


def row_bytes(lead_id: str) -> bytes:
    return json.dumps(lead_json(lead_id)).encode()


def read(body: bytes, *, quickly: bool = True) -> tuple[list[Lead], list[RejectedRow]]:
    """The leads and other rows of a page, as they come off the wire."""
    parsed, texts = parse(body, has_leads=quickly)
    assert parsed is not NOT_JSON
    return leads_from_json(parsed["data"], texts)


def raw_of(store: Store, key: str) -> str:
    (text,) = store._personal.cursor().execute("select raw from lead_payloads where lead_id = ?", [key]).fetchone() or (
        "",
    )
    return str(text)


@dataclass
class Bench:
    """A portal with faults, held still, and what one sync of it left in the store."""

    portal: SandboxServer
    store: Store
    row: SyncRow

    def leads_shown(self) -> set[str]:
        """The ids, as they stand on the wire, of all rows that are leads."""
        return self.portal.truth.visible_throughout(NOW, NOW, NOW - timedelta(days=89), NOW)

    def id_of(self, name: str) -> str:
        """The id under which the corpus' row of this name is stored."""
        place = next(place for place, odd in enumerate(ODD_CORPUS) if odd.name == name)
        first = NOW - timedelta(days=5)
        created_at = first + timedelta(seconds=place)
        found = self.store.query("select lead_id from leads where created_at = $at", {"at": created_at})["lead_id"]
        assert len(found) == 1, name
        return str(found.iloc[0])


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Bench]]:
    """A function that syncs a portal with a fault once for all tests that ask for the same."""
    made: dict[tuple[str, ...], Bench] = {}

    def sync(*faults: str, **options: int) -> Bench:
        key = (*faults, *options)
        if key not in made:
            portal = SandboxServer(
                SandboxSettings(
                    dialect="flat", n_leads=280, frozen_at=NOW, calls_per_minute=10**6, faults=frozenset(faults),
                    fault_options={f"{faults[0]}.{name}": value for name, value in options.items()},
                )
            ).__enter__()  # fmt: skip
            settings = Settings(
                api_url=portal.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET), calls_per_minute=10**6
            )
            folder = tmp_path_factory.mktemp("store")
            store = Store.open(folder, timezone=settings.timezone, portal=portal.url)
            with Client(settings, sleep=lambda seconds: None) as client:
                made[key] = Bench(portal, store, run_sync(client, store, full=True, now=lambda: NOW))
        return made[key]

    yield sync
    for one in made.values():
        one.store.close()
        one.portal.__exit__(None, None, None)


# D1: values that no document names


def test_D1_unknown_values_are_stored_verbatim_and_told(synced: Callable[..., Bench]) -> None:
    store = synced("odd-corpus").store
    values = set(drift(store, EVERYTHING)[["field", "value"]].itertuples(index=False, name=None))
    assert {("channel", "telegram"), ("status", "snoozed"), ("entity type", "building")} <= values
    assert "sender.contacts[].type=telegramHandle" in set(odd_fields(store, EVERYTHING)["path"])


@pytest.mark.parametrize(
    ("dimension", "key", "label"),
    [
        ("channel", "telegram", "Other (telegram)"),
        ("status", "snoozed", "Other (snoozed)"),
        ("entity_type", "building", "Other (building)"),
        ("channel", "7", "Other (7)"),
        ("channel", "whatsapp", "WhatsApp"),
    ],
)
def test_D1_unknown_values_are_shown_as_other(
    dimension: str, key: str, label: str, synced: Callable[..., Bench]
) -> None:
    groups = breakdown(synced("odd-corpus").store, EVERYTHING, dimension)
    assert dict(zip(groups["key"], groups["label"], strict=True))[key] == label
    if key not in {"7"}:
        assert word(key) == label


def test_D1_word_of_a_portal_without_end_is_cut_on_the_screen() -> None:
    assert word("x" * 5_000) == f"Other ({'x' * 40}…)"


# D2: fields that no document has


def test_D2_new_fields_are_kept_and_logged(synced: Callable[..., Bench]) -> None:
    one = synced("odd-corpus")
    fields = odd_fields(one.store, EVERYTHING).set_index("path")
    new = {
        "leadScore",
        "sellerProperty",
        "sellerProperty.rooms",
        "sellerProperty.rooms[].size.m2",
        "publicProfile.team.id",
    }
    assert new <= set(fields.index)
    assert set(fields["n_rows"]) == {1}
    assert (fields["first_seen_at"] == NOW).all()
    assert json.loads(raw_of(one.store, one.id_of("new nested field")))["sellerProperty"]["rooms"][0]["size"] == {
        "m2": 12.5
    }


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({}, ()),
        ({"enrichment": {"message": "hello", "anything": {"else": 1}}}, ()),
        ({"leadScore": 1}, ("leadScore",)),
        ({"sender": {"name": "A", "contacts": [{"type": "phone", "value": "1", "isVerified": True}]}},
         ("sender.contacts[].isVerified",)),
        ({"sender": {"name": "A", "locale": "ar"}}, ("sender.locale",)),
        ({"sender": {"contacts": [{"type": "telegram", "value": "x"}]}}, ("sender.contacts[].type=telegram",)),
        ({"sender": {"contacts": [{"type": "a.person@example.com", "value": "x"}]}}, ("sender.contacts[].type=*",)),
        ({"seller": {"rooms": [{"m2": 1}, {"m2": 2}]}}, ("seller", "seller.rooms", "seller.rooms[].m2")),
        ({"byId": {"3fa85f64-5717-4562-b3fc-2c963f66afa6": {"seen": 1}}}, ("byId", "byId.*", "byId.*.seen")),
        ({"byPhone": {"+971500000001": 1, "971500000001": 2}}, ("byPhone", "byPhone.*")),
        ({"byName": {f"person{chr(97 + n // 26)}{chr(97 + n % 26)}": n for n in range(40)}}, ("byName", "byName.*")),
        ({"مفتاح": 1, "a b": 2}, ("*",)),
        ({"x" * 5_000: 1}, ("*",)),
        ({"status": {"code": 1}}, ()),
    ],
    ids=["none", "free fields", "top", "in a contact", "in the sender", "kind of contact", "kind that is data",
         "nested", "ids", "phones", "many names", "no name of a field", "endless name", "other type"],
)  # fmt: skip
def test_D2_paths_tell_names_of_fields_and_never_data(changes: dict[str, Any], paths: tuple[str, ...]) -> None:
    assert paths_of_odd_fields(lead_json("a", **changes)) == paths


def test_D2_path_of_endless_depth_or_breadth_is_bounded() -> None:
    deep: dict[str, Any] = {}
    for _ in range(500):
        deep = {"inner": deep}
    wide = {f"field{chr(97 + a)}{chr(97 + b)}": {"x": 1} for a in range(20) for b in range(20)}
    found = paths_of_odd_fields({**lead_json("a"), "deep": deep, **wide})
    assert len(found) == 50
    assert max(path.count(".") for path in found) < 10


def test_D2_log_counts_rows_and_keeps_the_first_sight(store: Store) -> None:
    old, new = make_lead("a", score=1), make_lead("b", score=2, grade="x")
    store.write_leads([old], observed_at=at("2026-09-17 10:00"))
    store.write_leads([old, new], observed_at=at("2026-09-17 11:00"))
    found = odd_fields(store, EVERYTHING)
    assert found[["path", "n_rows"]].to_dict("list") == {"path": ["grade", "score"], "n_rows": [1, 1 + 2]}
    assert found["first_seen_at"].tolist() == [at("2026-09-17 11:00"), at("2026-09-17 10:00")]
    assert set(found["last_seen_at"]) == {at("2026-09-17 11:00")}


def test_D2_log_has_an_end(store: Store) -> None:
    leads = [
        make_lead(f"l{a}{b}", **{f"f_{chr(97 + a)}{chr(97 + b)}_{chr(97 + c)}": 1 for c in range(20)})
        for a in range(2)
        for b in range(20)
    ]
    store.write_leads(leads[:20], observed_at=at("2026-09-17 10:00"))
    store.write_leads(leads[20:], observed_at=at("2026-09-17 11:00"))
    assert len(odd_fields(store, EVERYTHING)) == MOST_FIELDS < 40 * 20


# D3 and D4: ids and instants


def test_D3_odd_ids_are_exact_text_or_the_row_is_no_lead(synced: Callable[..., Bench]) -> None:
    one = synced("odd-corpus")
    assert one.id_of("number id").isdigit()
    assert len(one.id_of("30-digit id")) == 30
    assert json.loads(raw_of(one.store, one.id_of("30-digit id")))["id"] == int(one.id_of("30-digit id"))
    reasons = rejected(one.store, EVERYTHING).set_index("reason")["n_rows"]
    assert (
        reasons["the id is missing or empty"] == sum(row.name.startswith("id is") for row in ODD_CORPUS) + 1
    )  # and {}
    assert reasons["the row is not an object"] == 3


def test_D3_and_D4_every_row_is_a_lead_or_a_rejected_row(synced: Callable[..., Bench]) -> None:
    one = synced("odd-corpus")
    stored = set(one.store.query("select lead_id from leads")["lead_id"])
    assert one.leads_shown() - stored == set(), "no sound lead is lost to its neighbours"
    assert one.row.n_rejected == len(ODD_CORPUS) - N_ODD_LEADS
    assert one.row.n_uncertain == 0
    assert one.row.reconcile_delta == 0


def test_D4_odd_instants_have_their_reasons(synced: Callable[..., Bench]) -> None:
    reasons = rejected(synced("odd-corpus").store, EVERYTHING).set_index("reason")["n_rows"]
    by_reason = {reason: n for reason, n in reasons.items() if str(reason).startswith("createdAt")}
    assert sum(by_reason.values()) == sum(row.name.startswith("createdAt is") for row in ODD_CORPUS) == 9
    assert by_reason["createdAt has no time zone"] == 1
    assert by_reason["createdAt lies outside 2005 to 2100"] >= 1


def test_D4_row_that_the_portal_mends_is_odd_no_more(store: Store) -> None:
    _, bad = leads_from_json([lead_json("a", createdAt="yesterday"), lead_json("b", createdAt="yesterday")])
    store.write_rejected(bad, sync_id="1", observed_at=at("2026-09-17 10:00"))
    assert rejected(store, EVERYTHING)["n_rows"].tolist() == [2]
    store.write_leads([make_lead("a")], observed_at=at("2026-09-17 11:00"))
    assert rejected(store, EVERYTHING)["n_rows"].tolist() == [1]
    store.write_rejected(bad, sync_id="2", observed_at=at("2026-09-17 12:00"))
    assert rejected(store, EVERYTHING)["n_rows"].tolist() == [2], "broken again"
    store.write_leads([make_lead("a"), make_lead("b")], observed_at=at("2026-09-17 13:00"))
    assert rejected(store, EVERYTHING).empty


# D5: texts that break things

TEXTS = {
    "half a character": r'"A\ud83dB"',
    "the other half": r'"A\ude00B"',
    "halves the wrong way round": r'"\ude00\ud83d"',
    "NUL": r'"A\u0000B"',
    "bare NUL": '"A\x00B"',
    "bare line break": '"A\nB"',
    "bare tab": '"A\tB"',
    "escape": r'"\u001b[31mA"',
    "bidi override": '"\u202eA\u202c"',
    "bidi isolate": '"\u2066A\u2069"',
    "byte order mark": '"\ufeffA\ufeff"',
    "no character": '"\uffff\ufffe"',
    "past the first plane": '"😀"',
    "private use": '"\ue000"',
    "line separator": '"A\u2028B\u2029"',
    "zalgo": '"' + "A\u0301" * 50 + '"',
    "right to left": '"مرحبا"',
    "full width": '"＝１＋１"',
    "NaN": "NaN",
    "Infinity": "Infinity",
    "minus Infinity": "-Infinity",
    "number past a float": "1e999",
    "number of 5000 digits": "9" * 5_000,
    "small number": "1e-999",
    "minus zero": "-0.0",
    "keys twice": '{"a":1,"a":2}',
    "empty key": '{"":1}',
    "key with NUL": '{"a\\u0000":1}',
    "key with half a character": '{"\\ud83d":1}',
    "true": "true",
    "null": "null",
    "empty list": "[]",
    "list of lists": "[[[[]]]]",
}
BYTES = {
    "lone continuation": b'"A\x80B"',
    "cut character": b'"A\xe2\x82"',
    "overlong slash": b'"\xc0\xaf"',
    "latin-1": b'"caf\xe9"',
    "utf-16": b'"\xfe\xffA\xfeB"',
    "surrogate in bytes": b'"\xed\xa0\xbd"',
}
PLACES = {"name": '"sender":{"name":@}', "status": '"status":@', "unknown field": '"odd":@', "tag": '"tags":[@]'}
CORPUS = {**{name: text.encode() for name, text in TEXTS.items()}, **BYTES}


def with_text(text: bytes, place: str, lead_id: str = "odd") -> bytes:
    """A row with the text in that place."""
    row = lead_json(lead_id)
    row.pop(PLACES[place].partition(":")[0].strip('"'), None)
    return json.dumps(row).encode()[:-1] + b"," + PLACES[place].encode().replace(b"@", text) + b"}"


def test_D5_corpus_is_large_enough() -> None:
    assert len(CORPUS) + len(ODD_CORPUS) >= 60


@pytest.mark.parametrize("place", PLACES)
def test_D5_no_text_costs_its_neighbours_or_the_batch(place: str, store: Store) -> None:
    """Each text of the corpus in a page of its own, between two sound rows; then all of them in one batch."""
    batch: dict[str, Lead] = {}
    for name, text in CORPUS.items():
        leads, bad = read(page_bytes(row_bytes("before"), with_text(text, place, name), row_bytes("after")))
        assert [lead.lead_id for lead in leads] == ["before", name, "after"]
        assert bad == []
        batch.update({lead.lead_id: lead for lead in leads})
    store.write_leads(list(batch.values()), observed_at=NOW)
    assert set(store.query("select lead_id from leads")["lead_id"]) == {"before", "after", *CORPUS}
    for name, text in CORPUS.items():
        kept = raw_of(store, name).encode()
        assert text in kept or _escaped(text) in kept, f"{name}: the text is kept as it came"
    names = [contact["sender_name"] or "" for contact in store.contacts(list(CORPUS)).to_pylist()]
    assert len(names) == len(CORPUS)
    assert not any("\x00" in name for name in names)


def _escaped(text: bytes) -> bytes:
    """How bytes that no database takes stand in the text that is kept."""
    return text.decode("utf-8", "surrogateescape").replace("\x00", "\\u0000").encode("utf-8", "backslashreplace")


def test_D5_bytes_that_are_no_utf8_can_be_told_from_what_is_kept() -> None:
    for name, text in BYTES.items():
        (odd,), _ = read(page_bytes(with_text(text, "name")))
        value = json.loads(odd.raw)["sender"]["name"]
        assert value.encode("utf-8", "surrogateescape") == text.strip(b'"'), name


def test_D5_sandbox_corpus_and_odd_bytes_cost_no_lead(synced: Callable[..., Bench]) -> None:
    one = synced("odd-corpus")
    assert r"\ud83d" in raw_of(one.store, one.id_of("name with half a character"))
    assert "NaN" in raw_of(one.store, one.id_of("talk time is no number"))
    assert raw_of(one.store, one.id_of("keys twice")).count('"tags"') == 2
    bytes_ = synced("odd-bytes")
    assert bytes_.portal.truth.lead_ids(NOW) == set(bytes_.store.query("select lead_id from leads")["lead_id"])


@pytest.mark.parametrize(
    "body",
    [b"", b"  ", b"{", b"[", b'{"data":[', b'{"data":[{}', b'{"data":[{}]', b'{"data":[{},]}', b'{"data":[],}', b"{}x",
     b'{1:2}', b'{"data" []}', b'{"data":[}', b"<html>", b'"\\u12"', b'{"a":1 "b":2}', b"\x00", b'{"data":[{"a":[}]}'],
    ids=repr,
)  # fmt: skip
def test_D5_what_is_no_json_is_never_half_read(body: bytes) -> None:
    assert parse(body) == (NOT_JSON, ())


@pytest.mark.parametrize(
    "value",
    [{}, [], 7, "x", None, {"data": []}, {"data": [1, "a", None, [], {}]}, {"data": 5}, {"a": {"data": [1]}}],
    ids=repr,
)
@pytest.mark.parametrize("indent", [None, 2])
def test_D5_json_is_read_as_any_reader_would(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    parsed, texts = parse(f" \n{text}\t ".encode())
    assert parsed == value
    rows = value.get("data") if isinstance(value, dict) else None
    assert [json.loads(one) for one in texts] == (rows if isinstance(rows, list) else [])


# D6: rows of unbearable size

SIZES = {
    "20 MB name": b'"' + b"N" * 20_000_000 + b'"',
    "100k nesting": b"[" * 100_000 + b"]" * 100_000,
    "10k contacts": json.dumps([{"type": "phone", "value": f"+9715{n:08}"} for n in range(10_000)]).encode(),
    "20 MB message": json.dumps({"message": "m" * 20_000_000}).encode(),
}
PLACE_OF = {
    "20 MB name": b'"sender":{"name":@}',
    "100k nesting": b'"enrichment":{"deep":@}',
    "10k contacts": b'"sender":{"contacts":@}',
    "20 MB message": b'"enrichment":@',
}


@pytest.mark.parametrize("size", SIZES)
def test_D6_unbearable_row_costs_little_and_no_neighbour(size: str, record_property: Callable[..., None]) -> None:
    row = row_bytes("odd")[:-1] + b"," + PLACE_OF[size].replace(b"@", SIZES[size]) + b"}"
    body = page_bytes(row, row_bytes("after"))
    began = process_time()
    leads, bad = read(body)
    seconds = process_time() - began
    tracemalloc.start()
    read(body)
    peak_mib = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    assert (seconds < 1, peak_mib < 100) == (True, True), f"{seconds:.2f} s, {peak_mib:.0f} MiB"
    assert leads[-1].lead_id == "after"
    assert len(leads) + len(bad) == 2
    for text in (leads[0].contact.name or "", leads[0].enrichment or ""):
        assert len(text) <= LONGEST_TEXT + 100
    if size == "20 MB name":
        assert leads[0].contact.name == "N" * LONGEST_TEXT + CUT_MARK
    if size == "20 MB message":
        assert json.loads(leads[0].enrichment or "")["message"].endswith(CUT_MARK)
    kept = (bad or leads)[0].raw.encode()
    assert kept == row, "all of it is kept with the row"
    record_property("seconds, MiB", (round(seconds, 3), round(peak_mib)))


@pytest.mark.parametrize("depth", [100, 900, 980, 1_000, 5_000, 100_000])
def test_D6_row_of_any_depth_costs_only_itself(depth: int, store: Store) -> None:
    deep = b"[" * depth + b'"]}{["' + b"]" * depth
    row = b'{"id":"deep","enrichment":{"x":' + deep + b'},"createdAt":"2026-09-15T06:12:45Z"}'
    leads, bad = read(page_bytes(row, row_bytes("a")))
    assert leads[-1].lead_id == "a"
    assert len(leads) + len(bad) == 2
    assert (bad or leads)[0].raw.encode() == row
    store.write_rejected(bad, sync_id="1", observed_at=NOW)
    store.write_leads(leads, observed_at=NOW)


def test_D6_row_that_was_too_deep_to_read_is_told_as_such() -> None:
    leads, bad = leads_from_json([TOO_DEEP], ["[[]]"])
    assert leads == []
    assert [(row.reason, row.raw) for row in bad] == [("the row is nested too deeply to be read", "[[]]")]


def test_D6_worse_corpus_is_synced_whole(synced: Callable[..., Bench]) -> None:
    one = synced("odd-corpus", name_kib=4_000, nesting=100_000)
    assert one.row.n_rejected == len(ODD_CORPUS) - N_ODD_LEADS + 1, "the nested row is none to be read any more"
    stored = set(one.store.query("select lead_id from leads")["lead_id"])
    assert len(one.leads_shown() - stored) == 1
    (contact,) = one.store.contacts([one.id_of("huge name")]).to_pylist()
    assert contact["sender_name"].endswith(CUT_MARK)


def test_data_health_shows_odd_fields_values_and_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLIB_DATABASE", str(tmp_path / "data"))
    monkeypatch.setenv("LEADLIB_SYNC_MINUTES", "0")
    monkeypatch.setenv("LEADLIB_API_KEY", API_KEY)
    monkeypatch.setenv("LEADLIB_API_SECRET", API_SECRET)
    monkeypatch.setenv("LEADLIB_API_KEY_EXPIRES", "2026-12-31")
    shell = Path(__file__).resolve().parents[1] / "leadlib" / "ui" / "shell.py"
    try:
        store = get_engine().store
        store.write_leads([make_lead("a", channel="telegram", leadScore=7)], observed_at=NOW)
        store.write_rejected(leads_from_json([lead_json("")])[1], sync_id="1", observed_at=NOW)
        app = AppTest.from_file(str(shell), default_timeout=60).run()
        app.switch_page("../../pages/health.py").run()
        assert not app.exception
        cells = [str(cell) for table in app.dataframe for cell in table.value.to_numpy().ravel()]
        assert {"leadScore", "telegram", "the id is missing or empty"} <= set(cells)
        assert "31\u00a0Dec\u00a02026" in " ".join(element.proto.body for element in app.get("html"))
    finally:
        get_engine.clear()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "type", "value", "x"]), inner),
    max_leaves=4,
)
FIELDS = st.sampled_from([*lead_json("l"), "call", "project", "developer", "distributionType", "enrichment", "other"])


@given(st.lists(st.dictionaries(FIELDS, VALUES, max_size=2), max_size=3), st.booleans())
@settings(max_examples=200, deadline=None)
def test_page_is_read_quickly_as_it_is_read_leniently(changes: list[dict[str, Any]], is_ascii: bool) -> None:
    rows = [json.dumps({**lead_json("l"), **change}, ensure_ascii=is_ascii) for change in changes]
    body = page_bytes(*(row.encode("utf-8", "surrogatepass") for row in rows))
    leads, bad = read(body)
    assert (leads, bad) == read(body, quickly=False)
    assert len(leads) + len(bad) == len(rows)


ODD_TEXTS = (
    rb'"a\/b"',
    rb'"\ud800"',
    rb'"\ud83d\ude00"',
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'"a\nb"',
    b'"\x00"',
    rb'"\u0000"',
    rb'"\x"',
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-0",
    b"1" * 400,
    b"1.0",
    b"01",
    b"[[",
    b'{"id":1,"id":"2"}',
    b'" x\xc2\xa0"',
    b'"\xe2\x80\xae"',
)


@pytest.mark.parametrize("text", ODD_TEXTS, ids=repr)
@pytest.mark.parametrize(
    "place", [b'"sender":{"name":@}', b'"enrichment":{"a":@}', b'"call":{"talkTime":@}', b'"id":@']
)
def test_odd_text_is_read_quickly_as_it_is_read_leniently(text: bytes, place: bytes) -> None:
    odd = row_bytes("odd")[:-1] + b"," + place.replace(b"@", text) + b"}"
    body = page_bytes(row_bytes("before"), odd, row_bytes("after"))
    if parse(body)[0] is NOT_JSON:
        assert parse(body, has_leads=True)[0] is NOT_JSON
    else:
        assert read(body) == read(body, quickly=False)


def test_documented_row_needs_no_lenient_reading() -> None:
    row = lead_json(
        "l", call={"talkTime": 3, "waitTime": None}, enrichment={"message": "Hi"}, tags=[" a ", ""],
        project={"id": "p"}, sender={"name": "سارة ", "contacts": [{"type": "email", "value": "a@example.com"}]},
    )  # fmt: skip
    text = json.dumps(row, ensure_ascii=False)
    lead = lead_from_documented(text.encode())
    assert lead is not None
    assert [lead] == leads_from_json([row], [text])[0]
    assert (lead.contact.name, lead.tags, lead.call_talk_time_s) == ("سارة", ("a",), 3)
    assert lead_from_documented(json.dumps({**row, "mood": "good"}).encode()) is None


SPEED = """
import json, time
from leadlib.api.bodies import parse
from leadlib.records import leads_from_json
rows = json.loads(input())
body = json.dumps({"data": rows}).encode()
def seconds(n):
    began = time.process_time()
    for _ in range(n):
        parsed, texts = parse(body, has_leads=True)
        leads_from_json(parsed["data"], texts)
    return (time.process_time() - began) / n / len(rows)
seconds(20)
print(min(seconds(20) for _ in range(5)) * 1e6)
"""


def test_reading_a_lead_costs_microseconds(record_property: Callable[..., None]) -> None:
    """In a process of its own, which no other test has filled. A guard against tenfold, not a benchmark."""
    rows = json.dumps([lead_json(f"l{n}") for n in range(50)])
    run = subprocess.run([sys.executable, "-c", SPEED], input=rows, capture_output=True, text=True, check=True)
    assert float(run.stdout) < 200
    record_property("microseconds", float(run.stdout))
