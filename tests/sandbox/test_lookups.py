"""Names, listings, projects, places, statistics and webhooks: everything beside the leads."""

import statistics
from datetime import timedelta

import pytest

from tests.sandbox.conftest import NOW, Caller, caller


def test_users_include_those_who_left_and_those_without_a_profile(filtering: Caller) -> None:
    rows = filtering.get("/v1/users?perPage=100").json()["data"]
    agents = filtering.portal.truth.agents
    assert [row["publicProfile"]["id"] for row in rows if row["publicProfile"]] == [agent.id for agent in agents]
    assert any(row["publicProfile"] is None for row in rows)
    assert [row["status"] for row in rows].count("inactive") == sum(not agent.active for agent in agents) >= 1
    assert all(row["id"] != (row["publicProfile"] or {}).get("id") for row in rows)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("publicProfileId=90001,90002", [90_001, 90_002]),
        ("id=40003", [90_003]),
        ("email=agent.90004@example.com", [90_004]),
        ("search=autoreply", [90_006]),
        ("status=inactive", [90_499]),
        ("publicProfileId=1", []),
        ("perPage=1&page=2", [90_002]),
    ],
)
def test_users_can_be_chosen(filtering: Caller, query: str, expected: list[int]) -> None:
    rows = filtering.get(f"/v1/users?{query}").json()["data"]
    assert [row["publicProfile"]["id"] for row in rows] == expected


@pytest.mark.parametrize(
    "path", ["/v1/users", "/v1/listings", "/v1/locations?search=sample", "/v1/stats/public-profiles"]
)
def test_lookups_take_a_hundred_per_page_and_no_more(filtering: Caller, path: str) -> None:
    join = "&" if "?" in path else "?"
    assert filtering.get(f"{path}{join}perPage=100").status_code == 200
    assert filtering.get(f"{path}{join}perPage=101").status_code == 400


def test_listings_come_by_id_reference_and_stage(filtering: Caller) -> None:
    truth = filtering.portal.truth

    def ids(query: str) -> set[str]:
        return {row["id"] for row in filtering.get(f"/v1/listings?perPage=100&{query}").json()["results"]}

    live, gone, draft = (
        next(listing for listing in truth.listings if listing.stage == stage) for stage in ("live", "archived", "draft")
    )
    assert ids(f"filter[ids]={live.id},{gone.id}") == {live.id}
    assert ids(f"filter[ids]={gone.id}&archived=true") == {gone.id}
    assert draft.id in ids("draft=true")
    assert ids(f"filter%5Breference%5D={live.reference}") == {live.id}
    rows = filtering.get("/v1/listings?filter[offeringType]=rent&filter[category]=commercial").json()["results"]
    assert rows
    assert {(row["price"]["type"] != "sale", row["category"]) for row in rows} == {(True, "commercial")}


def test_every_lead_has_its_names_in_the_lookups(filtering: Caller) -> None:
    agents = {agent.id for agent in filtering.portal.truth.agents}
    rows = filtering.leads()
    assert {row["publicProfile"]["id"] for row in rows if "publicProfile" in row} <= agents
    for project_id in {row["project"]["id"] for row in rows if "project" in row}:
        project = filtering.get(f"/v1/projects/{project_id}").json()
        assert project["title"]["en"]
        assert project["title"]["ar"]
        assert project["developer"]["name"]["en"]
    assert filtering.get("/v1/projects/00000000-0000-4000-8000-000000000000").status_code == 404


def test_locations_need_two_letters(filtering: Caller) -> None:
    assert filtering.get("/v1/locations?search=s").status_code == 400
    rows = filtering.get("/v1/locations?search=marina&filter[id]=1101,1102").json()["data"]
    assert [row["name"] for row in rows] == ["Sample Marina"]


def test_statistics_are_strings_computed_from_sixty_days_of_truth(filtering: Caller) -> None:
    rows = filtering.get("/v1/stats/public-profiles?perPage=100").json()["data"]
    row = next(row for row in rows if row["id"] == 90_004)
    since = NOW - timedelta(days=60)
    leads = [
        lead for lead in filtering.portal.truth.visible(NOW) if lead.agent_id == 90_004 and lead.created_at >= since
    ]
    answered = [lead for lead in leads if lead.responded_at is not None and lead.responded_at <= NOW]
    assert row["metrics"]["leadsCount"]["value"] == str(len(leads))
    assert row["metrics"]["responseRate"]["value"] == f"{100 * len(answered) / len(leads):.1f}"
    mean_s = statistics.fmean(60 * (lead.response_minutes or 0) for lead in answered)
    assert row["metrics"]["responseTime"]["value"] == f"{mean_s:.0f}"
    assert 90_499 not in {row["id"] for row in rows}


def test_webhooks_can_be_subscribed_listed_and_removed() -> None:
    reader = caller()
    body = {"eventId": "lead.created", "callbackUrl": "https://example.com/hook", "secret": "s" * 32}
    made = reader.get("/v1/webhooks", "POST", json=body)
    expected = {"eventId": "lead.created", "url": "https://example.com/hook", "createdAt": "2026-11-23T12:00:00Z"}
    assert (made.status_code, made.json()) == (201, expected)
    assert reader.get("/v1/webhooks", "POST", json=body).status_code == 409
    other = {**body, "callbackUrl": "https://example.org/hook"}
    assert reader.get("/v1/webhooks", "POST", json=other).status_code == 201
    assert len(reader.get("/v1/webhooks?eventType=lead.created").json()["data"]) == 2
    assert reader.get("/v1/webhooks?eventType=lead.updated").json() == {"data": []}
    assert reader.get("/v1/webhooks/lead.created", "DELETE").status_code == 204
    assert reader.get("/v1/webhooks/lead.created", "DELETE").status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"eventId": "lead.exploded"}, id="unknown-event"),
        pytest.param({"callbackUrl": "ftp://example.com"}, id="no-web-address"),
        pytest.param({"secret": "s" * 33}, id="long-secret"),
    ],
)
def test_webhook_that_breaks_a_rule_is_refused(filtering: Caller, change: dict[str, str]) -> None:
    body = {"eventId": "lead.created", "callbackUrl": "https://example.com/hook", **change}
    assert filtering.get("/v1/webhooks", "POST", json=body).status_code == 422
