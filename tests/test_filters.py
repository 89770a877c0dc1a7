"""The table of filters: each row gives the API's parameters, the SQL, the link and the words, and they agree."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlib.config import DIALECTS, Dialect
from leadlib.errors import FilterError
from leadlib.filters import (
    FIELDS,
    MISSING,
    Filters,
    describe,
    field_named,
    filters_from_query,
    rfc3339,
    start_of_day,
    to_api,
    to_query,
    to_where,
)

DUBAI = ZoneInfo("Asia/Dubai")
NO_WORD = None  # the dialect cannot ask for it

# field, values, SQL condition, parameter and value in the filter dialect, in the flat dialect, words
CASES: list[tuple[str, list[str], str, list[tuple[str, str]] | None, list[tuple[str, str]] | None, str]] = [
    (
        "status", ["sent"], "(status in $filter_status)",
        [("filter[status]", "sent")], [("status", "sent")], "Status sent",
    ),
    (
        "status", ["opened", "sent"], "(status in $filter_status)",
        [("filter[status]", "opened,sent")], [("status", "read"), ("status", "sent")], "Status opened or sent",
    ),
    (
        "status", ["archived"], "(status in $filter_status)",
        [("filter[status]", "archived")], NO_WORD, "Status archived",
    ),
    (
        "status", ["delivered"], "(status in $filter_status)",
        NO_WORD, [("status", "delivered")], "Status delivered",
    ),
    (
        "type", ["call", "whatsapp"], "(channel in $filter_type)",
        [("filter[type]", "call,whatsapp")], [("channel", "call"), ("channel", "whatsapp")], "Channel call or whatsapp",
    ),
    ("type", ["chat"], "(channel in $filter_type)", [("filter[type]", "chat")], NO_WORD, "Channel chat"),
    (
        "entity", ["publicProfile"], "(entity_type in $filter_entity)",
        [("filter[entityType]", "publicProfile")], [("entityType", "agent")], "Entity type publicProfile",
    ),
    (
        "entity", ["company"], "(entity_type in $filter_entity)",
        NO_WORD, [("entityType", "company")], "Entity type company",
    ),
    (
        "agent", ["7", "90001"], "(agent_id in $filter_agent)",
        [("filter[assignedToId]", "7,90001")], [("publicProfileId", "7"), ("publicProfileId", "90001")],
        "Assigned agent 7 or 90001",
    ),
    (
        "listing", ["EX-1"], "(listing_reference in $filter_listing)",
        [("filter[listingReference]", "EX-1")], [("listingReference", "EX-1")], "Listing reference EX-1",
    ),
    (
        "listing", ["A,B"], "(listing_reference in $filter_listing)",
        NO_WORD, [("listingReference", "A,B")], "Listing reference A,B",
    ),
    (
        "project", ["p-1"], "(project_id in $filter_project)",
        [("filter[projectId]", "p-1")], [("projectId", "p-1")], "Project p-1",
    ),
    (
        "from", ["2026-05-01"], "created_at >= $filter_from",
        [("createdAtFrom", "2026-04-30T20:00:00Z")], [("createdAtFrom", "2026-04-30T20:00:00Z")], "From 2026-05-01",
    ),
    (
        "to", ["2026-05-31"], "created_at < $filter_to",
        NO_WORD, [("createdAtTo", "2026-05-31T19:59:59.999Z")], "To 2026-05-31",
    ),
    (
        "listing_id", ["01J"], "(listing_id in $filter_listing_id)",
        NO_WORD, [("listingId", "01J")], "Listing id 01J",
    ),
    (
        "developer", ["d-1"], "(developer_id in $filter_developer)",
        NO_WORD, [("developerId", "d-1")], "Developer d-1",
    ),
    ("tag", ["vip"], "(list_has_any(tags, $filter_tag))", NO_WORD, [("tag", "vip")], "Tag vip"),
    (
        "reached", ["opened"], f"(list_has_any({field_named('reached').column}, $filter_reached))",
        NO_WORD, NO_WORD, "Reached at least opened",
    ),
    (
        "move", ["first:sent>then:opened", "then:opened>today:opened"],
        f"(list_has_all({field_named('move').column}, $filter_move))",
        NO_WORD, NO_WORD, "Move first:sent>then:opened and then:opened>today:opened",
    ),
    (
        "weekday", ["mon", "sun"], "(lower(strftime(created_local, '%a')) in $filter_weekday)",
        NO_WORD, NO_WORD, "Weekday mon or sun",
    ),
    ("hour", ["9"], "(strftime(created_local, '%-H') in $filter_hour)", NO_WORD, NO_WORD, "Hour of day 9"),
]  # fmt: skip
IDS = [f"{key}={'+'.join(values)}" for key, values, *_ in CASES]


def of(key: str, *values: str) -> Filters:
    return Filters.of({key: values})


def test_every_field_has_a_case() -> None:
    assert {case[0] for case in CASES} == {field.key for field in FIELDS}


@pytest.mark.parametrize(("key", "values", "where"), [case[:3] for case in CASES], ids=IDS)
def test_a_filter_becomes_its_sql_condition(key: str, values: list[str], where: str) -> None:
    condition, bound = to_where(of(key, *values), DUBAI)
    assert condition == where
    assert list(bound) == [f"filter_{key}"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_filter_becomes_its_parameters_or_a_reason(case: tuple[Any, ...], dialect: Dialect) -> None:
    key, values, _, *params, _ = case
    expected = params[DIALECTS.index(dialect)]
    query = to_api(of(key, *values), dialect, DUBAI)
    if expected is NO_WORD:
        assert query.params == ()
        ((here, reason),) = query.here
        assert here == key
        assert reason[0].isupper()
        assert reason.endswith(".")
    else:
        assert list(query.params) == expected
        assert query.here == ()


@pytest.mark.parametrize(("key", "values"), [case[:2] for case in CASES], ids=IDS)
def test_a_filter_survives_a_link(key: str, values: list[str]) -> None:
    filters = of(key, *values)
    assert filters_from_query(to_query(filters)) == (filters, [])


@pytest.mark.parametrize(("key", "values", "words"), [(*case[:2], case[-1]) for case in CASES], ids=IDS)
def test_a_filter_is_described_in_words(key: str, values: list[str], words: str) -> None:
    assert describe(of(key, *values)) == words


def test_no_filters_are_all_leads() -> None:
    assert to_where(Filters(), DUBAI) == ("true", {})
    assert to_api(Filters(), "flat", DUBAI).params == ()
    assert to_query(Filters()) == {}
    assert describe(Filters()) == "All leads"


def test_filters_combine_by_and_in_the_order_of_the_table() -> None:
    filters = Filters.of({"to": ["2026-05-31"], "type": ["call"], "from": ["2026-05-01"]})
    assert to_where(filters, DUBAI)[0] == (
        "(channel in $filter_type) and created_at >= $filter_from and created_at < $filter_to"
    )
    assert describe(filters) == "Channel call · from 2026-05-01 · to 2026-05-31"
    assert [name for name, _ in to_api(filters, "flat", DUBAI).params] == ["channel", "createdAtFrom", "createdAtTo"]


# Values


def test_equal_questions_are_equal_objects() -> None:
    first = Filters.of({"type": ["call", "email"], "status": ["sent"]})
    second = Filters.of({"status": [" sent ", "sent"], "type": ["email", "call"], "tag": []})
    assert first == second
    assert hash(first) == hash(second)
    assert first["type"] == ("call", "email")
    assert first["tag"] == ()
    assert (first.first("status"), first.first("from")) == ("sent", None)


def test_one_fields_values_can_be_replaced_or_taken_out() -> None:
    filters = Filters.of({"type": ["call"], "status": ["sent"]})
    assert filters.with_values("type", ["email"])["type"] == ("email",)
    assert filters.with_values("type", []) == of("status", "sent")


def test_a_stored_row_of_either_dialect_is_found() -> None:
    """A store may hold rows from both: “opened” there is “read” here."""
    assert to_where(of("status", "opened"), DUBAI)[1] == {"filter_status": ["opened", "read"]}
    assert to_where(of("status", "read"), DUBAI)[1] == {"filter_status": ["opened", "read"]}
    assert to_where(of("entity", "agent"), DUBAI)[1] == {"filter_entity": ["publicProfile", "agent"]}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_value_without_a_word_takes_its_whole_field_out_of_the_call(dialect: Dialect) -> None:
    """Asking for “sent” alone would lose the archived leads; asking for all and filtering here does not."""
    query = to_api(Filters.of({"status": ["sent", "snoozed"], "type": ["call"]}), dialect, DUBAI)
    assert [name for name, _ in query.params] == ["filter[type]" if dialect == "filter" else "channel"]
    assert query.here == (("status", f"The {dialect} dialect has no word for snoozed."),)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("key", [field.key for field in FIELDS if field.may_be_missing])
def test_leads_without_a_value_are_found_here(dialect: Dialect, key: str) -> None:
    filters = of(key, MISSING)
    assert to_api(filters, dialect, DUBAI).params == ()
    assert [field for field, _ in to_api(filters, dialect, DUBAI).here] == [key]
    assert f" or {field_named(key).column} is null" in to_where(filters, DUBAI)[0]


def test_none_is_an_ordinary_word_where_nothing_can_be_missing() -> None:
    assert to_api(of("tag", MISSING), "flat", DUBAI).params == (("tag", "none"),)
    assert "is null" not in to_where(of("tag", MISSING), DUBAI)[0]


@pytest.mark.parametrize(
    ("style", "params"),
    [
        ("comma", [("status", "read,sent")]),
        ("repeat", [("status", "read"), ("status", "sent")]),
        ("brackets", [("status[]", "read"), ("status[]", "sent")]),
    ],
)
def test_a_list_is_written_in_the_style_asked_for(style: Any, params: list[tuple[str, str]]) -> None:
    assert list(to_api(of("status", "read", "sent"), "flat", DUBAI, style).params) == params


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("statsu", "sent", "Did you mean “status”?"),
        ("Agent", "7", "Did you mean “agent”?"),
        ("qqqq", "x", "Known filters: status, type, "),
        ("from", "tomorrow", "Write it as 2026-05-31."),
        ("from", "2026-02-30", "Write it as 2026-05-31."),
        ("to", "31.05.2026", "Write it as 2026-05-31."),
        ("to", "", "Write it as 2026-05-31."),
        ("from", "0001-01-01", "2000 to 2100"),
        ("to", "9999-12-31", "2000 to 2100"),
        ("agent", "seven", "it is a whole number or none"),
        ("agent", "-7", "it is a whole number or none"),
        ("agent", "７", "it is a whole number or none"),
        ("agent", "9" * 19, "it is a whole number or none"),
        ("agent", "", "it is a whole number or none"),
        ("listing", "  ", "Name one or leave it out."),
        ("status", "", "Name one or leave it out."),
        ("listing", "a\x00b", "no lead can have"),
        ("listing", "a\ud800", "no lead can have"),
    ],
)
def test_nonsense_is_refused_with_a_hint(key: str, value: str, hint: str) -> None:
    with pytest.raises(FilterError) as caught:
        of(key, value)
    assert hint in str(caught.value)
    assert caught.value.name == key


def test_a_day_in_another_iso_form_is_the_same_day() -> None:
    assert of("from", "20260531") == of("from", "2026-05-31")


def test_two_first_days_are_refused_rather_than_one_forgotten() -> None:
    with pytest.raises(FilterError, match="takes one day") as caught:
        of("from", "2026-05-01", "2026-06-01")
    assert caught.value.name == "from"


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(FilterError, match=r"2026-06-01, is after the last, 2026-05-31\. Swap them"):
        Filters.of({"from": ["2026-06-01"], "to": ["2026-05-31"]})
    assert Filters.of({"from": ["2026-05-31"], "to": ["2026-05-31"]}).first("to") == "2026-05-31"


# Days


@pytest.mark.parametrize(
    ("zone", "day", "days_later", "instant"),
    [
        ("Asia/Dubai", "2026-05-31", 0, "2026-05-30T20:00:00"),
        ("Asia/Dubai", "2026-05-31", 1, "2026-05-31T20:00:00"),
        ("UTC", "2026-05-31", 0, "2026-05-31T00:00:00"),
        ("Asia/Kolkata", "2026-05-31", 0, "2026-05-30T18:30:00"),
        ("America/New_York", "2026-03-08", 0, "2026-03-08T05:00:00"),
        ("America/New_York", "2026-03-08", 1, "2026-03-09T04:00:00"),
        ("Asia/Dubai", "2024-02-29", 1, "2024-02-29T20:00:00"),
    ],
)
def test_a_day_begins_at_midnight_in_the_accounts_zone(zone: str, day: str, days_later: int, instant: str) -> None:
    assert start_of_day(day, ZoneInfo(zone), days_later) == datetime.fromisoformat(instant).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 5, 31, 4, tzinfo=DUBAI), "2026-05-31T00:00:00Z"),
        (datetime(2026, 5, 31, 0, 0, 0, 999_000, tzinfo=UTC), "2026-05-31T00:00:00.999Z"),
    ],
)
def test_instants_are_written_in_utc_with_a_z(instant: datetime, text: str) -> None:
    assert rfc3339(instant) == text


# Against rows


@pytest.fixture(scope="module")
def table() -> Any:
    """Leads at the edges of 15 September in Dubai, and one that has nothing."""
    connection = duckdb.connect()
    connection.execute(
        "create table leads (lead_id varchar, created_at timestamptz, status varchar, channel varchar, "
        "entity_type varchar, agent_id bigint, listing_reference varchar, project_id varchar, listing_id varchar, "
        "developer_id varchar, tags varchar[], stage varchar, reached_stage varchar, created_local timestamp)"
    )
    rows = [
        ("before", "2026-09-14T19:59:59.999Z", "sent", "call", "listing", 7, "A,B", "p", "01J", "d", ["x", "y"]),
        ("first", "2026-09-14T20:00:00Z", "opened", "call", "agent", 8, "none", None, None, None, ["x"]),
        ("last", "2026-09-15T19:59:59.999Z", "read", "chat", "publicProfile", 7, None, None, None, None, []),
        ("after", "2026-09-15T20:00:00Z", "archived", "email", "project", None, None, None, None, None, None),
    ]
    connection.execute(
        "create table status_observations "
        "(lead_id varchar, stage varchar, not_before timestamptz, not_after timestamptz)"
    )
    connection.execute(
        "insert into status_observations values "
        "('first', 'sent', '2026-09-14T20:00:00Z', '2026-09-14T21:00:00Z'), "
        "('first', 'opened', '2026-09-14T21:00:00Z', '2026-09-14T22:00:00Z')"
    )
    stages = {"read": "opened"}
    connection.executemany(
        "insert into leads values (?, ?::timestamptz, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, "
        "timezone('Asia/Dubai', ?::timestamptz))",
        [(*row, stages.get(row[2], row[2]), row[1]) for row in rows],
    )
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, {"before", "first", "last", "after"}),
        ({"from": ["2026-09-15"]}, {"first", "last", "after"}),
        ({"to": ["2026-09-15"]}, {"before", "first", "last"}),
        ({"from": ["2026-09-15"], "to": ["2026-09-15"]}, {"first", "last"}),
        ({"status": ["read"]}, {"first", "last"}),
        ({"status": ["archived"]}, {"after"}),
        ({"status": ["nonsense"]}, set()),
        ({"type": ["call", "chat"]}, {"before", "first", "last"}),
        ({"entity": ["agent"]}, {"first", "last"}),
        ({"agent": ["7"]}, {"before", "last"}),
        ({"agent": ["007"]}, {"before", "last"}),
        ({"agent": [MISSING]}, {"after"}),
        ({"agent": [MISSING, "8"]}, {"first", "after"}),
        ({"listing": ["A,B"]}, {"before"}),
        ({"listing": ["A"]}, set()),
        ({"listing": [MISSING]}, {"first", "last", "after"}),
        ({"project": ["p"]}, {"before"}),
        ({"listing_id": ["01J"]}, {"before"}),
        ({"developer": [MISSING, "d"]}, {"before", "first", "last", "after"}),
        ({"tag": ["x"]}, {"before", "first"}),
        ({"tag": ["y", "z"]}, {"before"}),
        ({"reached": ["sent"]}, {"before", "first", "last", "after"}),
        ({"reached": ["opened"]}, {"first", "last"}),
        ({"reached": ["responded", "opened"]}, {"first", "last"}),
        ({"move": ["first:sent>then:opened"]}, {"first"}),
        ({"move": ["first:sent>then:opened", "then:opened>today:opened"]}, {"first"}),
        ({"move": ["first:sent>then:opened", "first:sent>today:sent"]}, set()),
        ({"move": ["first:opened>today:opened"]}, {"last"}),  # of which no look is kept
        ({"weekday": ["tue"]}, {"first", "last"}),
        ({"weekday": ["mon", "wed"]}, {"before", "after"}),
        ({"hour": ["0"]}, {"first", "after"}),
        ({"hour": ["23"], "weekday": ["mon"]}, {"before"}),
        ({"hour": ["24"]}, set()),
        ({"agent": ["7"], "type": ["chat"]}, {"last"}),
        ({"listing": ["' or true --"]}, set()),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
def test_the_condition_finds_the_rows_that_are_meant(
    table: Any, chosen: dict[str, list[str]], expected: set[str]
) -> None:
    where, bound = to_where(Filters.of(chosen), DUBAI)
    found = table.execute(f"select lead_id from leads where {where}", bound).fetchall()  # noqa: S608
    assert {row[0] for row in found} == expected


# Links


@pytest.mark.parametrize(
    ("query", "kept", "problem"),
    [
        ({"status": ["sent"], "page": ["2"], "grain": ["week"]}, {"status": ["sent"]}, None),
        ({"from": ["soon"], "type": ["call"]}, {"type": ["call"]}, "is not a day for “from”"),
        ({"from": ["2026-06-01", "2026-07-01"]}, {"from": ["2026-06-01"]}, None),
        ({"from": ["2026-06-01"], "to": ["2026-05-01"], "type": ["call"]}, {"type": ["call"]}, "Swap them"),
        ({"to": ["9999-12-31"]}, {}, "2000 to 2100"),
        ({"agent": ["x", "7"]}, {"agent": ["7"]}, "is no id for “agent”"),
        ({"status": ["snoozed"]}, {"status": ["snoozed"]}, "is not a status the API knows"),
        ({"hour": ["25"]}, {"hour": ["25"]}, "is not a value of “hour”; no lead has it"),
        ({"weekday": ["Mon"]}, {"weekday": ["Mon"]}, "is not a value of “weekday”"),
        ({"listing": [""]}, {}, "has an empty value"),
        ({"listing": ["\x00"]}, {}, "no lead can have"),
        ({"status": []}, {}, None),
    ],
    ids=str,
)
def test_a_link_keeps_what_makes_sense_and_tells_what_does_not(
    query: dict[str, list[str]], kept: dict[str, list[str]], problem: str | None
) -> None:
    filters, problems = filters_from_query(query)
    assert filters == Filters.of(kept)
    assert len(problems) == (problem is not None)
    if problem:
        assert problem in problems[0]


@given(st.dictionaries(st.sampled_from([field.key for field in FIELDS]), st.lists(st.text(max_size=12), max_size=3)))
def test_no_link_breaks_a_page(query: dict[str, list[str]]) -> None:
    """Whatever stands in a URL gives filters that every use of the table can take."""
    filters, _ = filters_from_query(query)
    assert filters_from_query(to_query(filters))[0] == filters
    to_where(filters, DUBAI)
    for dialect in DIALECTS:
        query_to_api = to_api(filters, dialect, DUBAI)
        assert not {key for key, _ in query_to_api.here} - {key for key, _ in filters.selected}
    assert describe(filters)


@given(st.dates())
def test_no_day_breaks_a_page(day: Any) -> None:
    filters, problems = filters_from_query({"to": [day.isoformat()]})
    assert bool(problems) != (2000 <= day.year <= 2100)
    to_where(filters, DUBAI)
    to_api(filters, "flat", DUBAI)


def test_names_stand_for_ids_and_many_values_are_counted() -> None:
    assert describe(of("agent", "7", "8"), {"agent": {"7": "Test Agent"}}) == "Assigned agent Test Agent or 8"
    assert describe(of("agent", *"12345")) == "Assigned agent any of 5"
    assert "agent none" in describe(of("agent", MISSING))
    assert describe(of("move", *"12345")) == "Move all of 5"


# The table itself


def test_keys_are_unique_and_fields_are_labelled() -> None:
    assert len({field.key for field in FIELDS}) == len(FIELDS)
    for field in FIELDS:
        assert field.label
        assert field.help.endswith(".")
        assert set(field.params) <= set(DIALECTS)
        assert set(field.values) in ({*DIALECTS}, set())


def test_paired_words_are_each_in_their_dialect() -> None:
    pairs = [(field, pair) for field in FIELDS for pair in field.same_as]
    assert len(pairs) == 3
    for field, (filter_word, flat_word) in pairs:
        assert filter_word in field.values["filter"]
        assert flat_word in field.values["flat"]
        assert field.spelled(flat_word, "filter") == filter_word
        assert field.spelled(filter_word, "flat") == flat_word
