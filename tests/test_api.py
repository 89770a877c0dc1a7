"""The client's face: pages, lists, totals, dialects, probes and names, against a portal inside the test."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any, get_type_hints

import httpx
import pytest

import leadlib.api
from leadlib.api import Client, LeadPage, leads_query, leads_url
from leadlib.errors import (
    BadRequestError,
    NotFoundError,
    PortalUnavailableError,
    ScopeError,
    StoppedError,
    UnexpectedPayloadError,
)
from leadlib.filters import MISSING, Filters
from leadlib.records import AgentName, ListingName, ProjectName
from tests.api_doubles import (
    NOW,
    URL,
    Body,
    LeadsPortal,
    Portal,
    answer,
    client_of,
    page_body,
    page_with,
    problem,
    rows_over_days,
    scripted,
)
from tests.conftest import DUBAI, lead_json


def rows(n: int, start: int = 0, **changes: Any) -> list[dict[str, Any]]:
    return [lead_json(f"lead_{i}", **changes) for i in range(start, start + n)]


def ok(body: Any) -> httpx.Response:
    return answer(200, body)


def test_the_package_exports_what_it_names() -> None:
    found = {name for name, value in vars(leadlib.api).items() if not name.startswith("_")}
    modules = {name for name, value in vars(leadlib.api).items() if isinstance(value, ModuleType)}
    assert found - modules == set(leadlib.api.__all__)


def test_the_client_promises_typed_answers() -> None:
    assert get_type_hints(Client.page)["return"] is LeadPage
    assert get_type_hints(Client.total)["return"] is int


# One page


def test_a_page_holds_its_leads_and_its_numbers() -> None:
    page = client_of(scripted(answer(200, page_body(rows(50), 2, total=120)))).page(2)
    assert [lead.lead_id for lead in page.leads] == [f"lead_{i}" for i in range(50)]
    assert (page.number, page.per_page, page.total, page.total_pages, page.next_page) == (2, 50, 120, 3, 3)
    assert (page.n_rows, page.n_distinct, page.mismatched, page.filtered_here) == (50, 50, 0, 0)
    assert not page.is_last
    assert page.warnings == ()
    assert page.portal_at == NOW


def test_rows_that_are_no_leads_are_counted_and_kept_apart() -> None:
    body = page_body([lead_json("a"), {"id": None}, lead_json("b", createdAt="yesterday"), "text", lead_json("a")])
    page = client_of(scripted(answer(200, body))).page()
    assert [lead.lead_id for lead in page.leads] == ["a", "a"]
    assert len(page.rejected) == 3
    assert page.n_rows == 2 + 3
    assert page.row_ids == ("a", "", "b", "", "a")
    assert page.n_distinct == 4, "a once, b, and each row without an id"


@pytest.mark.parametrize(
    ("date", "instant"),
    [
        ("Sun, 20 Sep 2026 12:00:00 GMT", NOW),
        ("Sun, 20 Sep 2026 16:00:00 +0400", NOW),
        ("Sun, 20 Sep 2026 12:00:00 -0000", NOW),
        ("tomorrow", None),
        ("", None),
        (None, None),
    ],
)
def test_the_portals_clock_comes_from_its_date(date: str | None, instant: datetime | None) -> None:
    reply = answer(200, page_body([]), {} if date is None else {"Date": date})
    if date is None:
        del reply.headers["Date"]
    assert client_of(scripted(reply)).page().portal_at == instant


@pytest.mark.parametrize(
    "asked",
    [
        {"per_page": 51},
        {"per_page": 0},
        {"number": 0},
        {"created_from": datetime(2026, 9, 1)},  # noqa: DTZ001
        {"created_to": datetime(2026, 9, 1)},  # noqa: DTZ001
        {"created_from": NOW, "created_to": NOW - timedelta(seconds=1)},
    ],
    ids=["51 rows", "no rows", "page 0", "naive from", "naive to", "crossed"],
)
def test_what_the_portal_would_refuse_is_refused_before_any_call(asked: dict[str, Any]) -> None:
    portal = Portal(scripted())
    with pytest.raises(ValueError, match=r"per_page|[Pp]age|time zone|later than"):
        client_of(portal).page(**asked)
    assert portal.requests == []


def test_bounds_are_sent_in_utc_and_extra_parameters_last() -> None:
    portal = Portal(scripted(answer(200, page_body([]))))
    created_from = datetime(2026, 9, 1, 4, tzinfo=DUBAI)
    created_to = datetime(2026, 9, 2, 0, 0, 0, 250_000, tzinfo=UTC)
    client_of(portal).page(3 - 2, created_from=created_from, created_to=created_to, extra=[("orderBy", "createdAt")])
    assert list(portal.data_calls[0].url.params.multi_items()) == [
        ("page", "1"),
        ("perPage", "50"),
        ("createdAtFrom", "2026-09-01T00:00:00Z"),
        ("createdAtTo", "2026-09-02T00:00:00.250Z"),
        ("orderBy", "createdAt"),
    ]


@pytest.mark.parametrize(
    ("created_from", "created_to", "sent"),
    [
        (None, None, ("2026-08-31T20:00:00Z", "2026-09-30T19:59:59.999Z")),
        (NOW, NOW, ("2026-09-20T12:00:00Z", "2026-09-20T12:00:00Z")),
        (NOW - timedelta(days=60), NOW + timedelta(days=60), ("2026-08-31T20:00:00Z", "2026-09-30T19:59:59.999Z")),
    ],
    ids=["days alone", "bounds inside the days", "bounds around the days"],
)
def test_bounds_narrow_the_days_of_the_filters(
    created_from: datetime | None, created_to: datetime | None, sent: tuple[str, str]
) -> None:
    filters = Filters.of({"from": ["2026-09-01"], "to": ["2026-09-30"]})
    query = leads_query(filters, "flat", DUBAI, created_from=created_from, created_to=created_to)
    assert query.params == (("page", "1"), ("perPage", "50"), ("createdAtFrom", sent[0]), ("createdAtTo", sent[1]))


def test_an_explicit_end_is_sent_in_the_filter_dialect_too() -> None:
    query = leads_query(Filters.of({"to": ["2026-09-30"]}), "filter", DUBAI, created_to=NOW)
    assert ("createdAtTo", "2026-09-20T12:00:00Z") in query.params
    assert [key for key, _ in query.here] == ["to"]


@pytest.mark.parametrize(
    ("params", "url"),
    [
        ([], f"{URL}/v1/leads"),
        ([("filter[status]", "sent,opened")], f"{URL}/v1/leads?filter%5Bstatus%5D=sent%2Copened"),
        ([("status", "sent"), ("status", "read")], f"{URL}/v1/leads?status=sent&status=read"),
        ([("x", "a+b c&d=e#f")], f"{URL}/v1/leads?x=a%2Bb%20c%26d%3De%23f"),
        ([("x", "مثال")], f"{URL}/v1/leads?x=%D9%85%D8%AB%D8%A7%D9%84"),
        ([("x", "\ud800")], f"{URL}/v1/leads?x=%3F"),
    ],
    ids=["none", "brackets", "repeated", "reserved", "arabic", "lone surrogate"],
)
def test_a_leads_url_is_encoded(params: list[tuple[str, str]], url: str) -> None:
    assert leads_url(URL, params) == url
    assert str(httpx.URL(url)) == url, "httpx sends it unchanged"


# Rows against filters

ODD_ONE = lead_json("odd", status="sent", channel="email", entityType="agent", publicProfile={"id": 1}, tags=["a", "b"])


@pytest.mark.parametrize(
    ("chosen", "is_kept"),
    [
        ({"status": ["sent"]}, True),
        ({"status": ["replied", "sent"]}, True),
        ({"status": ["replied"]}, False),
        ({"type": ["email"]}, True),
        ({"type": ["call"]}, False),
        ({"entity": ["publicProfile"]}, True),
        ({"entity": ["agent"]}, True),
        ({"entity": ["listing"]}, False),
        ({"agent": ["1"]}, True),
        ({"agent": ["2"]}, False),
        ({"listing": ["EX-RENT-001"]}, True),
        ({"listing": ["EX-RENT-002"]}, False),
        ({"project": ["p"]}, False),
        ({"developer": ["d"]}, False),
        ({"listing_id": ["01JEXAMP1E0000000000000001"]}, True),
        ({"tag": ["b", "z"]}, True),
        ({"tag": ["z"]}, False),
        ({"from": ["2026-09-15"]}, True),
        ({"from": ["2026-09-16"]}, False),
        ({"to": ["2026-09-15"]}, True),
        ({"to": ["2026-09-14"]}, False),
        ({"status": ["sent"], "type": ["call"]}, False),
    ],
    ids=str,
)
def test_a_row_that_breaks_a_filter_is_left_out_counted_and_told(chosen: dict[str, list[str]], is_kept: bool) -> None:
    """What a portal does that ignores the parameter: it answers 200 with rows that nobody asked for."""
    page = client_of(scripted(answer(200, page_body([ODD_ONE]))), dialect="flat").page(filters=Filters.of(chosen))
    assert len(page.leads) == is_kept
    assert page.mismatched == (not is_kept)
    assert page.n_rows == 1
    assert len(page.warnings) == (not is_kept)
    if not is_kept:
        assert page.warnings[0].startswith("1 of 1 rows broke the filter “")


@pytest.mark.parametrize(
    ("dialect", "chosen", "is_kept"),
    [
        ("flat", {"status": ["archived"]}, False),
        ("flat", {"status": ["archived", "sent"]}, True),
        ("flat", {"project": [MISSING]}, True),
        ("flat", {"agent": [MISSING]}, False),
        ("flat", {"listing": [MISSING, "EX-RENT-001"]}, True),
        ("filter", {"tag": ["a"]}, True),
        ("filter", {"tag": ["z"]}, False),
        ("filter", {"to": ["2026-09-14"]}, False),
        ("filter", {"listing": ["A,B"]}, False),
    ],
    ids=str,
)
def test_what_the_dialect_cannot_say_is_filtered_here_without_a_warning(
    dialect: Any, chosen: dict[str, list[str]], is_kept: bool
) -> None:
    page = client_of(scripted(answer(200, page_body([ODD_ONE]))), dialect=dialect).page(filters=Filters.of(chosen))
    assert len(page.leads) == is_kept
    assert (page.mismatched, page.filtered_here) == (0, 0 if is_kept else 1)
    assert page.warnings == ()


def test_every_row_is_counted_once_even_when_it_breaks_several_things() -> None:
    body = page_body([
        lead_json("kept", status="sent", channel="call", tags=["a"]),
        lead_json("breaks both", status="read", channel="email"),
        lead_json("breaks one", status="sent", channel="email"),
        lead_json("not ours", status="sent", channel="call"),
        {"id": None},
    ])  # fmt: skip
    filters = Filters.of({"status": ["sent"], "type": ["call"], "tag": ["a"]})
    page = client_of(scripted(answer(200, body)), dialect="filter").page(filters=filters)
    assert (len(page.leads), len(page.rejected), page.mismatched, page.filtered_here) == (1, 1, 2, 1)
    assert page.n_rows == 1 + 1 + 2 + 1
    assert sorted(warning[:36] for warning in page.warnings) == [
        "1 of 5 rows broke the filter “status",
        "2 of 5 rows broke the filter “type” ",
    ]


def test_rows_within_a_second_of_a_bound_are_not_held_against_the_portal() -> None:
    """A portal may compare whole seconds; further out it ignores the bound."""
    stamps = ["11:59:57.000", "11:59:59.500", "12:00:00.000", "12:00:30.900", "12:00:32.000"]
    body = page_body([lead_json(s, f"2026-09-20T{s}Z") for s in stamps])
    page = client_of(scripted(answer(200, body))).page(created_from=NOW, created_to=NOW + timedelta(seconds=30))
    assert [lead.lead_id for lead in page.leads] == stamps[1:4]
    assert page.mismatched == 2
    assert len(page.warnings) == 2


def test_a_full_sync_needs_no_probe_for_the_dialect() -> None:
    portal = Portal(LeadsPortal(rows_over_days(10)))
    client = client_of(portal)
    client.page(created_from=NOW - timedelta(days=1), filters=Filters.of({"from": ["2026-09-18"]}))
    assert len(portal.data_calls) == 1
    assert client.dialect is None


# Pagination that does not add up


@pytest.mark.parametrize(
    "pagination",
    [
        {"nextPage": 1},
        {"nextPage": 3},
        {"nextPage": "2"},
        {"nextPage": 2.0},
        {"nextPage": True},
        {"nextPage": "absent", "totalPages": -1},
        {"total": "absent"},
        {"total": None},
        {"total": -1},
        {"total": "60"},
        {"totalPages": "two"},
        {"perPage": 0},
        {"page": 2},
        {"page": 2, "nextPage": 3},
        {"page": "1"},
    ],
    ids=str,
)
def test_a_pagination_that_cannot_be_trusted_is_refused(pagination: dict[str, Any]) -> None:
    body = page_with(page_body(rows(50), total=100), **pagination)
    with pytest.raises(UnexpectedPayloadError, match="would pass for a whole one"):
        client_of(scripted(answer(200, body))).page()


@pytest.mark.parametrize(
    ("pagination", "n_rows", "is_last"),
    [
        ({"nextPage": None}, 50, True),
        ({"nextPage": 2}, 50, False),
        ({"nextPage": 2}, 0, True),
        ({"nextPage": "absent"}, 50, False),
        ({"nextPage": "absent", "total": 50, "totalPages": 1}, 50, True),
        ({"nextPage": "absent", "totalPages": "absent"}, 50, False),
        ({"nextPage": "absent", "totalPages": "absent", "total": 50}, 50, True),
        ({"nextPage": "absent"}, 0, True),
        ({"page": "absent", "perPage": "absent"}, 50, False),
        ({"perPage": 20, "totalPages": 5}, 20, False),
    ],
    ids=str,
)
def test_the_last_page_is_known_by_each_of_the_contracts_signs(
    pagination: dict[str, Any], n_rows: int, is_last: bool
) -> None:
    body = page_with(page_body(rows(n_rows), total=100), **pagination)
    page = client_of(scripted(answer(200, body))).page()
    assert page.is_last is is_last


# All pages


def test_all_pages_come_in_order_and_end() -> None:
    portal = Portal(LeadsPortal(rows_over_days(120)))
    pages = list(client_of(portal).iter_pages())
    assert [(page.number, page.n_rows) for page in pages] == [(1, 50), (2, 50), (3, 20)]
    assert len({lead.lead_id for page in pages for lead in page.leads}) == 120
    assert pages[-1].warnings == ()
    assert len(portal.data_calls) == 3


def test_all_leads_come_in_the_portals_order() -> None:
    given = rows_over_days(75)
    leads = list(client_of(LeadsPortal(given)).iter_leads())
    assert [lead.lead_id for lead in leads] == [row["id"] for row in given]


def test_an_empty_account_is_one_empty_page() -> None:
    (page,) = client_of(LeadsPortal([])).iter_pages()
    assert (page.n_rows, page.total, page.warnings) == (0, 0, ())


def test_the_bounds_are_the_same_on_every_page() -> None:
    portal = Portal(LeadsPortal(rows_over_days(120)))
    list(client_of(portal).iter_pages(created_from=NOW - timedelta(days=25), created_to=NOW))
    bounds = {(call.url.params["createdAtFrom"], call.url.params["createdAtTo"]) for call in portal.data_calls}
    assert len(portal.data_calls) > 1
    assert bounds == {("2026-08-26T12:00:00Z", "2026-09-20T12:00:00Z")}


def test_pages_without_next_page_end_at_total_pages() -> None:
    replies = [page_with(page_body(rows(50, 50 * i), i + 1, total=150), nextPage="absent") for i in range(3)]
    assert sum(page.n_rows for page in client_of(scripted(*map(ok, replies))).iter_pages()) == 150


def test_rows_that_shifted_between_pages_are_warned_about() -> None:
    """A lead that arrives while we page pushes the last row of page 1 onto page 2."""
    first, second = page_body(rows(50), 1, total=60), page_body(rows(11, 49), 2, total=61)
    *_, last = client_of(scripted(answer(200, first), answer(200, second))).iter_pages()
    assert last.warnings == (
        "60 leads were read where the portal counts 61: leads came or went meanwhile. Read again.",
    )


def test_a_wrong_total_is_warned_about() -> None:
    (page,) = client_of(scripted(answer(200, page_body(rows(10), total=11)))).iter_pages()
    assert "10 leads were read where the portal counts 11" in page.warnings[0]


def test_rows_without_an_id_count_towards_the_total() -> None:
    (page,) = client_of(scripted(answer(200, page_body([*rows(8), {"id": None}, {}])))).iter_pages()
    assert page.warnings == ()


def test_a_page_that_is_echoed_is_refused() -> None:
    """The portal calls it page 2, but its rows are those of page 1."""
    replies = [answer(200, page_body(rows(50), number, total=150)) for number in (1, 2)]
    pages = client_of(scripted(*replies)).iter_pages()
    next(pages)
    with pytest.raises(UnexpectedPayloadError, match="same rows as page 1"):
        next(pages)


def test_a_list_without_an_end_is_cut_by_the_safety_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadlib.api.client.MAX_PAGES", 5)

    def endless(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["page"])
        return answer(200, page_body(rows(50, number * 50), number, total=10**6))

    with pytest.raises(UnexpectedPayloadError, match="goes on after 5 pages"):
        list(client_of(endless).iter_pages())


def test_a_404_past_page_1_is_the_end_when_every_lead_was_read() -> None:
    first = page_body(rows(50), 1, total=51)
    after = page_body([lead_json("x")], 1, per_page=1, total=50)
    pages = list(client_of(scripted(answer(200, first), problem(404, "no such page"), answer(200, after))).iter_pages())
    assert [page.n_rows for page in pages] == [50]


def test_a_404_in_the_middle_is_no_end() -> None:
    """A network in front of the portal answers 404 now and then; a short list must not look complete."""
    first = page_body(rows(50), 1, total=200)
    total = page_body([lead_json("x")], 1, per_page=1, total=200)
    replies = scripted(answer(200, first), answer(404, raw=b"<html>"), answer(200, total))
    with pytest.raises(UnexpectedPayloadError, match="after 50 of 200 leads"):
        list(client_of(replies).iter_pages())


def test_a_404_on_page_1_is_raised() -> None:
    with pytest.raises(NotFoundError):
        list(client_of(scripted(problem(404, "nothing"))).iter_pages())


def test_the_total_is_one_call_for_one_row() -> None:
    portal = Portal(LeadsPortal(rows_over_days(77)))
    assert client_of(portal).total() == 77
    assert [call.url.params["perPage"] for call in portal.data_calls] == ["1"]


# Ids


def test_leads_are_fetched_by_id_fifty_a_call_in_the_flat_dialect() -> None:
    portal = Portal(LeadsPortal(rows_over_days(130), "flat"))
    ids = [f"message_lead_{i}" for i in range(120)]
    pages = client_of(portal, dialect="flat").leads_by_id([*ids, ids[0], "unknown"])
    assert pages is not None
    assert {lead.lead_id for page in pages for lead in page.leads} == set(ids)
    assert [len(call.url.params.get_list("id")) for call in portal.data_calls] == [50, 50, 21]


def test_rows_that_no_id_asked_for_are_left_out_and_told() -> None:
    pages = client_of(LeadsPortal(rows_over_days(10), None), dialect="flat").leads_by_id(["message_lead_3"])
    assert pages is not None
    assert [lead.lead_id for lead in pages[0].leads] == ["message_lead_3"]
    assert pages[0].mismatched == 9
    assert "9 of 10 rows were not among the ids" in pages[0].warnings[0]


def test_the_filter_dialect_cannot_ask_by_id_and_says_none_instead_of_nothing() -> None:
    portal = Portal(scripted())
    assert client_of(portal, dialect="filter").leads_by_id(["a"]) is None
    assert client_of(portal, dialect="filter").leads_by_id([]) == ()
    assert portal.requests == []


# The dialect


@pytest.mark.parametrize(("spoken", "n_calls"), [("filter", 2), ("flat", 3)])
@pytest.mark.parametrize("is_strict", [False, True], ids=["ignores unknown", "refuses unknown"])
@pytest.mark.parametrize("same", [False, True], ids=["mixed leads", "all leads alike"])
def test_the_dialect_is_found_by_what_it_obeys(spoken: Any, n_calls: int, is_strict: bool, same: bool) -> None:
    given = rows(3) if same else rows_over_days(30)
    portal = Portal(LeadsPortal(given, spoken, is_strict=is_strict))
    client = client_of(portal)
    assert client.find_dialect() == spoken
    assert (client.dialect, client.dialect_note) == (spoken, None)
    assert len(portal.data_calls) == n_calls
    assert {call.url.params["perPage"] for call in portal.data_calls} == {"1"}
    client.find_dialect()
    assert len(portal.data_calls) == n_calls, "it is remembered"


def test_an_empty_account_cannot_tell_its_dialect_and_is_asked_again() -> None:
    portal = LeadsPortal([], "flat")
    client = client_of(portal)
    assert client.find_dialect() == "filter"
    assert client.dialect is None
    assert client.dialect_note is not None
    assert "no leads yet" in client.dialect_note
    portal.rows = rows(1)
    assert client.find_dialect() == "flat"
    assert client.dialect_note is None


def test_a_portal_that_obeys_neither_dialect_is_filtered_here_with_a_warning() -> None:
    client = client_of(LeadsPortal(rows_over_days(30), None))
    page = client.page(filters=Filters.of({"type": ["call"]}))
    assert {lead.channel for lead in page.leads} == {"call"}
    assert page.mismatched == 15
    assert page.warnings
    assert client.dialect is None
    assert "neither dialect" in (client.dialect_note or "")


def test_a_filtered_page_finds_the_dialect_first() -> None:
    client = client_of(LeadsPortal(rows_over_days(30), "flat"))
    page = client.page(filters=Filters.of({"type": ["call"]}))
    assert (page.total, page.mismatched) == (15, 0)
    assert client.dialect == "flat"


def test_the_settings_dialect_wins_over_the_remembered_one_and_both_save_the_probe() -> None:
    portal = Portal(scripted())
    assert client_of(portal, dialect="flat").find_dialect() == "flat"
    assert client_of(portal, dialect="flat", api_dialect="filter").find_dialect() == "filter"
    assert portal.requests == []


def test_trouble_while_looking_for_the_dialect_is_raised_not_taken_for_an_answer() -> None:
    with pytest.raises(PortalUnavailableError):
        client_of(lambda _: problem(500, "oops")).find_dialect()


# How far back


@pytest.mark.parametrize(
    ("accepts_days", "expected_days", "n_calls"),
    [(400, 93, 1), (92, 92, 2), (91.5, 91, 3), (90, 90, 4), (89, 89, 5), (88, 88, 6), (60, 60, 10), (30, 30, 10)],
)
def test_the_oldest_accepted_day_is_probed(accepts_days: float, expected_days: float, n_calls: int) -> None:
    portal = Portal(LeadsPortal([], accepts_days=accepts_days))
    assert client_of(portal).oldest_accepted(NOW) == NOW - timedelta(days=expected_days)
    assert len(portal.data_calls) == n_calls


@pytest.mark.parametrize("accepts_days", [87, 75, 59, 45, 20, 1])
def test_a_shorter_reach_is_narrowed_within_ten_calls(accepts_days: float) -> None:
    portal = Portal(LeadsPortal([], accepts_days=accepts_days))
    found_days = (NOW - client_of(portal).oldest_accepted(NOW)) / timedelta(days=1)
    assert accepts_days * 0.5 - 1 <= found_days <= accepts_days
    assert len(portal.data_calls) <= 10


def test_a_portal_that_refuses_even_yesterday_is_told_by_its_own_refusal() -> None:
    with pytest.raises(BadRequestError, match="more than 3 months"):
        client_of(LeadsPortal([], accepts_days=0)).oldest_accepted(NOW)


# What the portal can do


@pytest.mark.parametrize("bounds_created_to", [True, False])
@pytest.mark.parametrize("sorts", [True, False])
@pytest.mark.parametrize("dialect", ["filter", "flat"])
def test_a_probe_tells_what_the_portal_obeys(dialect: Any, sorts: bool, bounds_created_to: bool) -> None:
    portal = Portal(LeadsPortal(rows_over_days(40), dialect, bounds_created_to=bounds_created_to, sorts=sorts))
    found = client_of(portal).probe()
    assert found.dialect == dialect
    assert found.oldest_accepted == NOW - timedelta(days=92)
    assert found.total == 40
    assert found.bounds_created_to is bounds_created_to
    assert found.sorts_by_created_at is sorts
    assert found.portal_at == NOW
    assert len(portal.data_calls) <= 15


def test_a_probe_of_an_empty_account_says_that_it_cannot_tell() -> None:
    found = client_of(LeadsPortal([])).probe()
    assert (found.total, found.bounds_created_to, found.sorts_by_created_at) == (0, None, None)
    assert found.dialect_note


def test_a_lead_that_arrives_between_the_two_orders_does_not_pass_for_sorting() -> None:
    given = sorted(rows_over_days(10), key=lambda row: str(row["createdAt"]), reverse=True)
    inner = LeadsPortal(given)
    minutes = iter(range(1, 100))

    def busy(request: httpx.Request) -> httpx.Response:
        inner.rows = [lead_json("new", (NOW + timedelta(minutes=next(minutes))).isoformat()), *inner.rows]
        return inner(request)

    assert client_of(busy).probe().sorts_by_created_at is False


def test_rows_in_any_order_do_not_pass_for_sorting() -> None:
    """Both orders answer as if they were obeyed, but without an order a newer lead comes first."""
    hours_ago = {"desc": 5, "asc": 9, "": 1}

    def shuffled(request: httpx.Request) -> httpx.Response:
        created_at = NOW - timedelta(hours=hours_ago[request.url.params.get("orderDirection", "")])
        return answer(200, page_body([lead_json("a", created_at.isoformat())], per_page=1, total=10))

    assert client_of(shuffled, dialect="flat").probe().sorts_by_created_at is False


def test_a_probe_without_the_scope_names_it() -> None:
    with pytest.raises(ScopeError) as caught:
        client_of(scripted(problem(403, "no"))).probe()
    assert caught.value.scope == "leads:read"


# Names


def user(profile: object, **changes: Any) -> dict[str, Any]:
    return {"id": 5, "firstName": "Test", "lastName": "Agent", "status": "active", "publicProfile": profile, **changes}


@pytest.mark.parametrize(
    ("row", "agent"),
    [
        (user({"id": 7, "name": "Shown Name"}), AgentName(7, "Shown Name", True)),
        (user({"id": 7, "name": " "}), AgentName(7, "Test Agent", True)),
        (user({"id": 7}), AgentName(7, "Test Agent", True)),
        (user({"id": 7}, lastName=None), AgentName(7, "Test", True)),
        (user({"id": 7}, firstName=None, lastName=None), AgentName(7, "#7", True)),
        (user({"id": 7, "name": "A\x00\ud800"}), AgentName(7, "A?", True)),
        (user({"id": 7}, status="inactive"), AgentName(7, "Test Agent", False)),
        (user({"id": 7}, status="asleep"), AgentName(7, "Test Agent", None)),
        (user({"id": 7}, status=["odd"]), AgentName(7, "Test Agent", None)),
        (user(None), None),
        (user({}), None),
        (user({"id": "7"}), None),
        (user({"id": True}), None),
        (user({"id": 2**63}), None),
        ("text", None),
    ],
    ids=[
        "profile name", "blank name", "no name", "first name only", "no names", "unclean", "inactive", "unknown status",
        "odd status", "no profile", "empty profile", "text id", "bool id", "huge id", "no object",
    ],
)  # fmt: skip
def test_an_agent_is_named_by_the_profile_else_the_user_else_the_id(row: Any, agent: AgentName | None) -> None:
    assert list(client_of(scripted(answer(200, page_body([row])))).iter_agents()) == ([agent] if agent else [])


def test_agents_come_from_all_pages_of_a_hundred() -> None:
    bodies = [page_body([user({"id": i + 1})], i + 1, per_page=1, total=3) for i in range(3)]
    portal = Portal(scripted(*(answer(200, body) for body in bodies)))
    assert [agent.agent_id for agent in client_of(portal).iter_agents()] == [1, 2, 3]
    assert [str(call.url.query, "ascii") for call in portal.data_calls] == [f"page={i}&perPage=100" for i in (1, 2, 3)]


@pytest.mark.parametrize("reply", [lambda: problem(403, "no"), lambda: answer(404, raw=b"<html>")], ids=["403", "404"])
def test_names_that_may_not_be_read_are_unavailable_and_not_asked_again(reply: Callable[[], httpx.Response]) -> None:
    portal = Portal(lambda _: reply())
    client = client_of(portal)
    assert client.unavailable == frozenset()
    for _ in range(2):
        assert list(client.iter_agents()) == []
        assert client.listings(["a"]) == []
    assert client.unavailable == {"users:read", "listings:read"}
    assert len(portal.data_calls) == 2


@pytest.mark.parametrize(
    "pagination",
    [{"nextPage": 1}, {"nextPage": "absent", "totalPages": "absent"}, {"page": 9}],
    ids=["loops", "no end", "another page"],
)
def test_a_list_of_agents_that_does_not_tell_its_end_is_refused(pagination: dict[str, Any]) -> None:
    body = page_with(page_body([user({"id": 1})], total=300), **pagination)
    with pytest.raises(UnexpectedPayloadError):
        list(client_of(scripted(answer(200, body))).iter_agents())


def test_trouble_during_a_lookup_is_raised() -> None:
    with pytest.raises(PortalUnavailableError):
        list(client_of(lambda _: problem(502, "oops")).iter_agents())
    with pytest.raises(BadRequestError):
        client_of(lambda _: problem(400, "oops")).listings(["a"])


def listing(listing_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": listing_id, "reference": "EX-1", "title": {"en": "Test flat", "ar": "شقة"}, "type": "apartment",
        "category": "residential", "price": {"type": "yearly"}, **changes,
    }  # fmt: skip


def listings_answer(*found: Any) -> httpx.Response:
    return answer(200, {"results": list(found), "pagination": {"page": 1, "totalPages": 1}, "activeCts": 0})


@pytest.mark.parametrize(
    ("changes", "title", "offering"),
    [
        ({}, "Test flat", "rent"),
        ({"price": {"type": "sale"}}, "Test flat", "sale"),
        ({"price": {"type": "daily"}}, "Test flat", "rent"),
        ({"price": {}}, "Test flat", None),
        ({"price": None}, "Test flat", None),
        ({"title": {"ar": "شقة"}}, "شقة", "rent"),
        ({"title": {"en": "", "ar": "شقة"}}, "شقة", "rent"),
        ({"title": "Plain"}, "Plain", "rent"),
        ({"title": None}, None, "rent"),
    ],
    ids=str,
)
def test_a_listing_has_its_title_and_offering(changes: dict[str, Any], title: str | None, offering: Any) -> None:
    (found,) = client_of(scripted(listings_answer(listing("a", **changes)))).listings(["a"])
    assert found == ListingName("a", "EX-1", title, "apartment", "residential", offering)


def test_listings_are_asked_published_then_draft_then_archived_for_what_is_missing() -> None:
    portal = Portal(scripted(listings_answer(listing("a")), listings_answer(listing("c")), listings_answer()))
    found = client_of(portal).listings(["a", "b", "c", "a", "", "x,y"])
    assert [row.listing_id for row in found] == ["a", "c"]
    queries = [dict(call.url.params) for call in portal.data_calls]
    assert queries == [
        {"perPage": "100", "filter[ids]": "a,b,c"},
        {"perPage": "100", "filter[ids]": "b,c", "draft": "true"},
        {"perPage": "100", "filter[ids]": "b", "archived": "true"},
    ]


def test_no_listings_cost_no_call() -> None:
    assert client_of(scripted()).listings([]) == []


def test_listings_are_asked_fifty_at_a_time() -> None:
    def known(request: httpx.Request) -> httpx.Response:
        return listings_answer(*(listing(i) for i in request.url.params["filter[ids]"].split(",")))

    portal = Portal(known)
    ids = [f"l{i}" for i in range(101)]
    assert [row.listing_id for row in client_of(portal).listings(ids)] == ids
    assert len(portal.data_calls) == 3


def test_listings_that_were_not_asked_for_are_left_out() -> None:
    """A portal that ignores the filter answers its first hundred listings."""
    odd = [listing("z"), {"id": None}, "text", listing("a")]
    assert [row.listing_id for row in client_of(scripted(listings_answer(*odd))).listings(["a"])] == ["a"]


def test_a_project_has_its_title_and_developer() -> None:
    body = {"title": {"en": "Test Towers"}, "developer": {"id": "d-1", "name": {"ar": "مطور"}}}
    portal = Portal(scripted(answer(200, body)))
    assert client_of(portal).project("p-1") == ProjectName("p-1", "Test Towers", "d-1", "مطور")
    assert portal.data_calls[0].url.path == "/v1/projects/p-1"


def test_a_project_with_nothing_in_it_is_still_known() -> None:
    assert client_of(scripted(answer(200, []))).project("p-1") == ProjectName("p-1", None, None, None)


def test_an_unknown_project_is_none_and_others_may_still_be_asked() -> None:
    client = client_of(scripted(problem(404, "no"), answer(200, {"title": {"en": "B"}})))
    assert client.project("a") is None
    assert client.unavailable == frozenset()
    assert client.project("b") is not None


def test_projects_without_the_scope_are_unavailable() -> None:
    client = client_of(scripted(problem(403, "no")))
    assert client.project("a") is None
    assert client.project("b") is None
    assert client.unavailable == {"projects:read"}


@pytest.mark.parametrize("project_id", ["", "..", "../users", "a/b", "a?b", "a%2f", "é", "a" * 65, "a\n"])
def test_a_project_id_cannot_leave_its_place_in_the_path(project_id: str) -> None:
    assert client_of(scripted()).project(project_id) is None


def test_closing_ends_the_client() -> None:
    with client_of(scripted(httpx.Response(200, stream=Body([b"{}"])))) as client:
        pass
    with pytest.raises(StoppedError):
        client.page()
