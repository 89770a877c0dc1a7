"""Rows of JSON become leads or rejected rows, never nothing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadlib.records import LADDER, STAGE_OF_STATUS, Contact, Lead, RejectedRow, leads_from_json, parse_instant
from tests.conftest import lead_json

# The three leads of the contract's example page, api.md section 9.
EXAMPLE_PAGE: list[dict[str, Any]] = [
    {
        "id": "message_lead_1001", "entityType": "listing", "channel": "whatsapp", "status": "replied",
        "publicProfile": {"id": 90001},
        "listing": {"id": "01JEXAMP1E0000000000000001", "reference": "EX-RENT-001"},
        "sender": {
            "name": "Test Sender One",
            "contacts": [
                {"type": "phone", "value": "+971500000001"}, {"type": "whatsappUsername", "value": "test.sender.one"},
            ],
        },
        "responseLink": "https://example.com/r/message_lead_1001", "tags": [], "createdAt": "2026-09-15T06:12:45Z",
    },
    {
        "id": "call_lead_1002", "entityType": "agent", "channel": "call", "status": "delivered",
        "publicProfile": {"id": 90002}, "sender": {"contacts": [{"type": "phone", "value": "+971500000002"}]},
        "call": {"talkTime": 0, "waitTime": 25, "recordFile": "https://example.com/rec/1002.mp3"},
        "tags": ["example-tag"], "createdAt": "2026-09-15T03:05:00.250+04:00",
    },
    {
        "id": "message_lead_1003", "entityType": "project", "channel": "email", "status": "sent",
        "project": {"id": "00000000-0000-4000-8000-000000000001"},
        "developer": {"id": "00000000-0000-4000-8000-000000000002"},
        "distributionType": "project_open_leads", "enrichment": {"message": "Please send the brochure."},
        "sender": {"name": "Test Sender Three", "contacts": [{"type": "email", "value": "sender3@example.com"}]},
        "responseLink": None, "tags": [], "createdAt": "2026-09-14T20:43:10Z",
    },
]  # fmt: skip


def one(row: Any) -> Lead:
    leads, rejected = leads_from_json([row])
    assert rejected == []
    return leads[0]


def refused(row: Any) -> RejectedRow:
    leads, rejected = leads_from_json([row])
    assert leads == []
    return rejected[0]


def without(name: str) -> dict[str, Any]:
    row = lead_json("a")
    del row[name]
    return row


def test_a_whatsapp_lead_of_the_contract() -> None:
    lead = one(EXAMPLE_PAGE[0])
    assert lead == Lead(
        lead_id="message_lead_1001",
        created_at=datetime(2026, 9, 15, 6, 12, 45, tzinfo=UTC),
        channel="whatsapp",
        status="replied",
        entity_type="listing",
        agent_id=90001,
        listing_id="01JEXAMP1E0000000000000001",
        listing_reference="EX-RENT-001",
        project_id=None,
        developer_id=None,
        distribution_type=None,
        call_talk_time_s=None,
        call_wait_time_s=None,
        tags=(),
        contact=Contact("Test Sender One", "+971500000001", None, "test.sender.one"),
        response_link="https://example.com/r/message_lead_1001",
        call_record_url=None,
        enrichment=None,
        raw=json.dumps(EXAMPLE_PAGE[0], separators=(",", ":")),
    )
    assert lead.stage == "responded"


def test_a_call_of_the_contract() -> None:
    lead = one(EXAMPLE_PAGE[1])
    assert lead.created_at == datetime(2026, 9, 14, 23, 5, 0, 250_000, tzinfo=UTC)
    assert (lead.call_talk_time_s, lead.call_wait_time_s) == (0, 25)
    assert lead.call_record_url == "https://example.com/rec/1002.mp3"
    assert (lead.listing_id, lead.listing_reference, lead.contact.name) == (None, None, None)
    assert (lead.tags, lead.stage) == (("example-tag",), "delivered")


def test_a_project_lead_of_the_contract() -> None:
    lead = one(EXAMPLE_PAGE[2])
    assert lead.project_id == "00000000-0000-4000-8000-000000000001"
    assert lead.developer_id == "00000000-0000-4000-8000-000000000002"
    assert lead.distribution_type == "project_open_leads"
    assert json.loads(lead.enrichment or "") == {"message": "Please send the brochure."}
    assert (lead.agent_id, lead.response_link, lead.contact.email) == (None, None, "sender3@example.com")


def test_a_row_with_the_bare_minimum_is_a_lead() -> None:
    lead = one({"id": "a", "createdAt": "2026-09-15T06:12:45Z"})
    assert (lead.channel, lead.status, lead.entity_type, lead.tags) == ("", "", "", ())
    assert (lead.stage, lead.contact) == ("unrecognised", Contact())


OPTIONAL = [
    "entityType", "channel", "status", "publicProfile", "listing", "project", "developer", "sender", "tags", "call",
    "responseLink", "distributionType", "enrichment",
]  # fmt: skip


@pytest.mark.parametrize("name", OPTIONAL)
@pytest.mark.parametrize(
    "value", [None, 7, -1.5, True, "", "text", [], [None], {}, {"id": None}, {"id": []}, [[]]], ids=repr
)
def test_an_odd_value_costs_at_most_its_own_field(name: str, value: Any) -> None:
    lead = one({**EXAMPLE_PAGE[1], name: value})
    assert (lead.lead_id, lead.created_at.minute) == ("call_lead_1002", 5)


@pytest.mark.parametrize("name", [name for name in OPTIONAL if name in lead_json("a")])
def test_an_absent_field_is_survived(name: str) -> None:
    assert one(without(name)).lead_id == "a"


def test_values_are_kept_as_received() -> None:
    lead = one(lead_json("a", status="snoozed", channel="Telegram", entityType="building", tags=["x", "", None, 5]))
    assert (lead.status, lead.channel, lead.entity_type, lead.tags) == ("snoozed", "Telegram", "building", ("x", "5"))
    assert lead.stage == "unrecognised"


def test_unknown_fields_stay_in_raw() -> None:
    assert json.loads(one(lead_json("a", sellerProperty={"n": 2})).raw)["sellerProperty"] == {"n": 2}


@pytest.mark.parametrize(
    ("contacts", "phone"),
    [
        ([{"type": "phone", "value": "+1"}, {"type": "phone", "value": "+2"}], "+1"),
        ([{"type": "phone", "value": ""}, {"type": "phone", "value": "+2"}], "+2"),
        ([{"type": "phone"}, {"value": "+3"}, None, "x", 7], None),
        ([{"type": "phone", "value": 971}], "971"),
        ([{"type": "fax", "value": "+4"}], None),
        ("+5", None),
        (None, None),
    ],
    ids=["first wins", "empty is none", "odd parts", "number", "unknown type", "text", "null"],
)
def test_the_first_contact_of_a_type_counts(contacts: Any, phone: str | None) -> None:
    assert one(lead_json("a", sender={"contacts": contacts})).contact.phone == phone


# Ids


@pytest.mark.parametrize(
    ("lead_id", "text"),
    [
        ("call_lead_1", "call_lead_1"),
        (17, "17"),
        (10**30 + 1, "1000000000000000000000000000001"),
        ("a\x00b", "ab"),
        ("a\ud800", "a?"),
        ("مثال", "مثال"),
    ],
    ids=["text", "number", "30 digits", "NUL", "lone surrogate", "arabic"],
)
def test_an_id_becomes_exact_clean_text(lead_id: Any, text: str) -> None:
    assert one(lead_json(lead_id)).lead_id == text


@pytest.mark.parametrize("lead_id", [None, "", "  ", "\x00", "\x00 ", True, 1.5, [], {}], ids=repr)
def test_a_row_without_an_id_is_rejected_with_its_reason(lead_id: Any) -> None:
    assert refused(lead_json(lead_id)).reason == "the id is missing or empty"


def test_what_stands_in_place_of_an_id_is_kept_with_the_person_alone() -> None:
    rejected = refused(lead_json("", id={"phone": "+971500000001"}))
    assert rejected.lead_id is None
    assert "+971500000001" in rejected.raw


@pytest.mark.parametrize("row", [None, "text", 7, [], True], ids=repr)
def test_a_row_that_is_no_object_is_rejected(row: Any) -> None:
    rejected = refused(row)
    assert (rejected.reason, rejected.lead_id) == ("the row is not an object", None)
    assert json.loads(rejected.raw) == row


@pytest.mark.parametrize(
    ("value", "agent_id"),
    [
        (7, 7),
        ("7", 7),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
        (10**400, None),
        (1e300, None),
        (float("inf"), None),
        (float("nan"), None),
        (True, None),
        ("seven", None),
        ("9" * 5000, None),
        (None, None),
        ({}, None),
    ],
    ids=[
        "int", "text", "int64", "past int64", "400 digits", "float", "infinity", "nan", "bool", "word", "5000 digits",
        "null", "object",
    ],
)  # fmt: skip
def test_an_agent_id_fits_a_bigint_or_is_none(value: Any, agent_id: int | None) -> None:
    assert one(lead_json("a", publicProfile={"id": value})).agent_id == agent_id


# Times


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-09-15T06:12:45Z", datetime(2026, 9, 15, 6, 12, 45, tzinfo=UTC)),
        ("2026-09-15t06:12:45z", datetime(2026, 9, 15, 6, 12, 45, tzinfo=UTC)),
        ("2026-09-15T03:05:00.250+04:00", datetime(2026, 9, 14, 23, 5, 0, 250_000, tzinfo=UTC)),
        ("2026-09-15T06:12:45.123456789Z", datetime(2026, 9, 15, 6, 12, 45, 123_456, tzinfo=UTC)),
        ("2026-09-15 06:12:45-00:30", datetime(2026, 9, 15, 6, 42, 45, tzinfo=UTC)),
        (" 2026-09-15T06:12:45Z ", datetime(2026, 9, 15, 6, 12, 45, tzinfo=UTC)),
        ("2005-01-01T00:00:00Z", datetime(2005, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_in_any_offset(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant
    assert parse_instant(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "createdAt is missing"),
        (1789451565, "createdAt is missing"),
        ("", "createdAt is not a date and time"),
        ("yesterday", "createdAt is not a date and time"),
        ("2026-02-30T00:00:00Z", "createdAt is not a date and time"),
        ("2026-09-15T24:00:01Z", "createdAt is not a date and time"),
        ("2026-09-15T06:12:45+99:00", "createdAt is not a date and time"),
        ("9999-12-31T23:59:59-04:00", "createdAt is not a date and time"),
        ("0001-01-01T00:00:00+04:00", "createdAt is not a date and time"),
        ("2026-09-15T06:12:45", "createdAt has no time zone"),
        ("2026-09-15", "createdAt has no time zone"),
        ("2004-12-31T23:59:59Z", "createdAt lies outside 2005 to 2100"),
        ("9999-12-31T00:00:00Z", "createdAt lies outside 2005 to 2100"),
        ("\ud800", "createdAt is not a date and time"),
    ],
)
def test_a_bad_instant_rejects_the_row_with_its_reason(value: Any, reason: str) -> None:
    rejected = refused(lead_json("a", createdAt=value))
    assert (rejected.reason, rejected.lead_id) == (reason, "a")
    with pytest.raises(ValueError, match="createdAt"):
        parse_instant(value)


# What no file takes


@pytest.mark.parametrize("is_lead", [True, False], ids=["lead", "rejected"])
def test_lone_surrogates_and_nul_never_leave_this_file(is_lead: bool) -> None:
    """One of them in one bound value fails the whole batch that is written."""
    row = lead_json("a", sender={"name": "A\ud800\x00B"}, tags=["\udfff"], status="s\ud800", odd="\ud800")
    if not is_lead:
        del row["createdAt"]
    leads, rejected = leads_from_json([row])
    texts = [row.raw for row in (*leads, *rejected)]
    texts += [text for lead in leads for text in (lead.contact.name or "", lead.status, *lead.tags)]
    assert len(texts) == (4 if is_lead else 1)
    assert all("\x00" not in text and text.encode("utf-8") for text in texts)
    assert json.loads(texts[0])["odd"] == "\ud800", "the text of the row keeps it, escaped"


def test_a_row_that_is_nested_too_deeply_costs_only_itself() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    leads, rejected = leads_from_json([lead_json("a"), lead_json("b", deep=deep), lead_json("c")])
    assert [lead.lead_id for lead in leads] == ["a", "c"]
    assert [(row.lead_id, row.raw) for row in rejected] == [("b", "")]
    while deep:  # taken apart by hand: the interpreter would do it recursively
        deep = deep[0]


@pytest.mark.parametrize("place", ["id", "odd"])
def test_a_number_too_long_to_write_costs_only_its_row(place: str) -> None:
    leads, rejected = leads_from_json([lead_json("a"), {**lead_json("b"), place: 10**5000}])
    assert [lead.lead_id for lead in leads] == ["a"]
    assert [row.lead_id for row in rejected] == [None if place == "id" else "b"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
ODD_LEADS = st.fixed_dictionaries(
    {},
    optional={
        name: JSON | st.just(value)
        for name, value in {**lead_json("a"), "call": {"talkTime": 1}, "project": {"id": "p"}, "enrichment": {}}.items()
    },
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ODD_LEADS | JSON, max_size=5))
def test_every_row_is_accounted_for_once(rows: list[Any]) -> None:
    leads, rejected = leads_from_json(rows)
    assert len(leads) + len(rejected) == len(rows)
    for lead in leads:
        assert lead.lead_id.strip()
        assert lead.created_at.utcoffset() == timedelta(0)
    for row in (*leads, *rejected):
        row.raw.encode("utf-8")
    assert all(row.reason and len(row.sha256) == 64 for row in rejected)


# Stages, people, reprs


def test_the_words_of_both_dialects_meet_in_one_stage() -> None:
    assert STAGE_OF_STATUS["opened"] == STAGE_OF_STATUS["read"] == "opened"
    assert STAGE_OF_STATUS["responded"] == STAGE_OF_STATUS["replied"] == "responded"
    assert set(STAGE_OF_STATUS.values()) == {*LADDER, "archived"}


@pytest.mark.parametrize(
    ("contact", "identity"),
    [
        (Contact(phone="+971 50 000-0001"), "phone:971500000001"),
        (Contact(phone="00971500000001"), "phone:971500000001"),
        (Contact(phone="+971500000001", email="a@example.com"), "phone:971500000001"),
        (Contact(email=" A@Example.com "), "email:a@example.com"),
        (Contact(whatsapp_username="Test.One"), "whatsapp:test.one"),
        (Contact(phone="anonymous", email="a@example.com"), "email:a@example.com"),
        (Contact(phone="anonymous"), None),
        (Contact(name="Test Sender"), None),
        (Contact(), None),
    ],
    ids=[
        *("phone", "00 prefix", "phone first", "email", "username", "a word for a phone, and an email"),
        *("a word for a phone is no identity", "a name is no identity", "nothing"),
    ],
)
def test_a_person_is_recognised_by_phone_then_email_then_username(contact: Contact, identity: str | None) -> None:
    assert contact.identity == identity


def test_no_repr_shows_a_person() -> None:
    lead = one(EXAMPLE_PAGE[0])
    rejected = refused(lead_json("a", createdAt="x"))
    shown = f"{lead} {lead!r} {[lead]} {lead.contact} {rejected} {rejected!r}"
    assert not [text for text in ("Test Sender", "9715", "test.sender", "example.com/r") if text in shown]


def test_equal_rows_have_equal_hashes_of_their_text() -> None:
    assert refused({"id": None}).sha256 == refused({"id": None}).sha256 != refused({"id": ""}).sha256


def test_the_example_page_is_the_one_of_the_contract() -> None:
    schema = json.loads((Path(__file__).parent / "schemas" / "lead-page.schema.json").read_text(encoding="utf-8"))
    jsonschema = pytest.importorskip("jsonschema")
    pagination = {"page": 1, "perPage": 50, "total": 3, "totalPages": 1, "nextPage": None, "prevPage": None}
    jsonschema.validate({"data": EXAMPLE_PAGE, "pagination": pagination}, schema)
    assert len(leads_from_json(EXAMPLE_PAGE)[0]) == 3
