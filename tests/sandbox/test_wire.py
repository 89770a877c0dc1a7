"""Pages of leads fit the portal's contract: schema, paging, dates, and what is refused."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from leadlib.sandbox.clock import three_months_before
from tests.sandbox.conftest import DIALECTS, NOW, Caller, caller

SCHEMA = json.loads((Path(__file__).parents[1] / "schemas/lead-page.schema.json").read_text(encoding="utf-8"))


def schema_of(dialect: str) -> dict[str, Any]:
    """The published schema; for the filter dialect, with the values of the document that has it."""
    schema = copy.deepcopy(SCHEMA)
    if dialect == "filter":
        schema["$defs"]["status"]["enum"] = ["sent", "opened", "responded", "archived"]
        schema["$defs"]["channel"]["enum"] = ["call", "email", "chat", "whatsapp"]
        schema["$defs"]["entityType"]["enum"] = ["listing", "project", "developer", "publicProfile"]
    return schema


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_page_fits_the_schema(dialect: str) -> None:
    reader = caller(dialect=dialect, n_leads=500)
    validator = jsonschema.Draft202012Validator(schema_of(dialect))
    pages = list(reader.pages())
    for body in pages:
        validator.validate(body)
    assert len(pages) == pages[0]["pagination"]["totalPages"] > 8


@pytest.mark.parametrize("dialect", DIALECTS)
def test_reading_all_pages_yields_exactly_the_visible_leads_newest_first(
    dialect: str, request: pytest.FixtureRequest
) -> None:
    reader: Caller = request.getfixturevalue({"filter": "filtering", "flat": "flat"}[dialect])
    rows = reader.leads()
    visible = reader.portal.truth.visible(NOW)
    assert [row["id"] for row in rows] == [lead.id for lead in reversed(visible)]
    assert reader.portal.truth.lead_ids(NOW) == {row["id"] for row in rows}


def test_pagination_names_its_neighbours(filtering: Caller) -> None:
    total = len(filtering.portal.truth.visible(NOW))
    n_pages = -(-total // 20)
    first = filtering.page("perPage=20")["pagination"]
    assert first == {
        "page": 1, "perPage": 20, "total": total, "totalPages": n_pages, "nextPage": 2, "prevPage": None,
    }  # fmt: skip
    last = filtering.page(f"perPage=20&page={n_pages}")
    assert (last["pagination"]["nextPage"], last["pagination"]["prevPage"]) == (None, n_pages - 1)
    assert len(last["data"]) == total - 20 * (n_pages - 1)


def test_page_past_the_end_is_empty(filtering: Caller) -> None:
    body = filtering.page("page=9999")
    assert body["data"] == []
    assert body["pagination"]["nextPage"] is None


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("perPage=51", id="too-many-per-page"),
        pytest.param("perPage=0", id="none-per-page"),
        pytest.param("page=0", id="page-zero"),
        pytest.param("page=two", id="page-in-words"),
        pytest.param("createdAtFrom=2026-11-01", id="date-without-time"),
        pytest.param("createdAtFrom=2026-11-01T00:00:00", id="no-zone"),
        pytest.param("createdAtFrom=2026-11-31T00:00:00Z", id="no-such-day"),
        pytest.param("createdAtFrom=2026-11-01T00:00:00+04:00", id="plus-not-encoded"),
        pytest.param("filter[status]=replied", id="the-other-dialects-value"),
        pytest.param("filter[assignedToId]=x", id="agent-in-letters"),
    ],
)
def test_malformed_query_is_refused_with_400(filtering: Caller, query: str) -> None:
    assert filtering.get(f"/v1/leads?{query}").status_code == 400


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+04:00", "9999-12-31T23:59:59-04:00", "2026-11-01T00:00:00.123456789Z"]
)
def test_extreme_dates_do_not_break_the_portal(flat: Caller, text: str) -> None:
    for name in ("createdAtFrom", "createdAtTo"):
        assert flat.get("/v1/leads", params={name: text}).status_code in (200, 422)


def test_start_date_may_be_three_calendar_months_back_and_not_a_second_more(filtering: Caller) -> None:
    assert filtering.get("/v1/leads?createdAtFrom=2026-08-23T12:00:00Z").status_code == 200
    assert filtering.get("/v1/leads?createdAtFrom=2026-08-23T16:00:00%2B04:00").status_code == 200
    assert filtering.get("/v1/leads?createdAtFrom=2026-08-23T11:59:59Z").status_code == 422


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2027-05-31", "2027-02-28", id="short-month"),
        pytest.param("2028-05-30", "2028-02-29", id="leap-day"),
        pytest.param("2027-01-15", "2026-10-15", id="over-new-year"),
        pytest.param("2026-12-31", "2026-09-30", id="thirty-days"),
    ],
)
def test_three_months_are_calendar_months(text: str, expected: str) -> None:
    before = three_months_before(datetime.fromisoformat(text).replace(tzinfo=UTC))
    assert before.date().isoformat() == expected


@pytest.mark.parametrize("dialect", DIALECTS)
def test_unknown_names_are_ignored_unless_strict(dialect: str, request: pytest.FixtureRequest) -> None:
    reader: Caller = request.getfixturevalue({"filter": "filtering", "flat": "flat"}[dialect])
    foreign = {"filter": "status=read", "flat": "filter[status]=opened"}[dialect]
    total = len(reader.portal.truth.visible(NOW))
    assert reader.page(f"{foreign}&limit=3&perPage=1")["pagination"]["total"] == total
    strict = caller(dialect=dialect, strict=True)
    assert strict.get(f"/v1/leads?{foreign}").status_code == 400
    assert strict.get("/v1/users?limit=3").status_code == 400
    assert strict.get("/v1/leads?page=1&perPage=5&createdAtFrom=2026-11-01T00:00:00Z").status_code == 200


def test_created_to_bounds_in_the_flat_dialect_only_unless_set(filtering: Caller, flat: Caller) -> None:
    query = "createdAtTo=2026-10-01T00:00:00Z&perPage=1"
    everything = len(filtering.portal.truth.visible(NOW))
    earlier = sum(lead.created_at <= datetime(2026, 10, 1, tzinfo=UTC) for lead in flat.portal.truth.visible(NOW))
    assert filtering.page(query)["pagination"]["total"] == everything
    assert flat.page(query)["pagination"]["total"] == earlier < everything
    bounding = caller(bounds_created_to=True)
    assert all(row["createdAt"] < "2026-10-01" for row in bounding.leads("createdAtTo=2026-10-01T00:00:00Z"))
    boundless = caller(dialect="flat", bounds_created_to=False)
    assert boundless.page(query)["pagination"]["total"] == len(boundless.portal.truth.visible(NOW))


def test_both_ends_of_a_span_are_included(flat: Caller) -> None:
    lead = next(lead for lead in flat.portal.truth.visible(NOW) if lead.created_ms % 1000 == 0)
    second = f"{lead.created_at:%Y-%m-%dT%H:%M:%SZ}"
    rows = flat.leads(f"createdAtFrom={second}&createdAtTo={second}")
    assert lead.id in {row["id"] for row in rows}


def test_span_that_ends_before_it_begins_is_refused(flat: Caller) -> None:
    query = "createdAtFrom=2026-11-02T00:00:00Z&createdAtTo=2026-11-01T00:00:00Z"
    assert flat.get(f"/v1/leads?{query}").status_code == 400
