"""Who may call and how often: tokens, scopes, rate limits, and the two formats of a refusal."""

import re
import time
from datetime import timedelta

import jwt
import pytest

from leadlib.sandbox import API_KEY
from tests.sandbox.conftest import KEY_PAIR, NOW, SMALL, Caller, caller


def test_token_is_a_signed_jwt_that_says_when_it_ends() -> None:
    reader = caller(token_life_s=900)
    body = reader.mint().json()
    assert (body["tokenType"], body["expiresIn"]) == ("Bearer", 900)
    claims = jwt.decode(body["accessToken"], options={"verify_signature": False})
    assert claims["exp"] == NOW.timestamp() + 900


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({**KEY_PAIR, "apiSecret": "x" * 32}, 401, id="wrong-secret"),
        pytest.param({"apiKey": API_KEY}, 422, id="secret-missing"),
        pytest.param({**KEY_PAIR, "scope": "all"}, 422, id="extra-property"),
        pytest.param([1], 422, id="not-an-object"),
        pytest.param({**KEY_PAIR, "apiKey": 7}, 422, id="key-is-a-number"),
    ],
)
def test_token_call_refuses_anything_but_the_right_pair(filtering: Caller, body: object, status: int) -> None:
    assert filtering.ask("/v1/auth/token", "POST", json=body).status_code == status


def test_token_call_refuses_a_body_that_is_no_json(filtering: Caller) -> None:
    assert filtering.ask("/v1/auth/token", "POST", content=b"apiKey=1").status_code == 400


@pytest.mark.parametrize(
    "header", [None, "Basic x", "Bearer nonsense", "Bearer "], ids=["none", "basic", "false", "empty"]
)
def test_call_without_a_valid_token_is_refused(filtering: Caller, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    assert filtering.ask("/v1/leads", headers=headers).status_code == 401


def test_token_signed_by_somebody_else_is_refused(filtering: Caller) -> None:
    claims = {"jti": "1", "exp": NOW.timestamp() + 900, "scope": "leads:read"}
    forged = jwt.encode(claims, "another key that is long enough for HS256", algorithm="HS256")
    assert filtering.ask("/v1/leads", headers={"Authorization": f"Bearer {forged}"}).status_code == 401


def test_token_ends_with_the_portals_clock() -> None:
    reader = caller()
    assert reader.get("/v1/leads").status_code == 200
    reader.portal.clock.advance(timedelta(minutes=29, seconds=59))
    assert reader.get("/v1/leads").status_code == 200
    reader.portal.clock.advance(timedelta(seconds=1))
    assert reader.get("/v1/leads").status_code == 401


def test_token_ends_with_real_time_though_the_portals_clock_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = caller(faults=frozenset({"expired-token"}))
    assert reader.mint().json()["expiresIn"] == 2
    assert reader.get("/v1/leads").status_code == 200
    later_s = time.monotonic() + 2
    monkeypatch.setattr("leadlib.sandbox.access.time.monotonic", lambda: later_s)
    assert reader.get("/v1/leads").status_code == 401


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/v1/leads", "leads:read"),
        ("/v1/users", "users:read"),
        ("/v1/listings", "listings:read"),
        ("/v1/projects/x", "projects:read"),
        ("/v1/locations?search=sample", "locations:read"),
        ("/v1/stats/public-profiles", "statistics:read"),
        ("/v1/webhooks", "webhooks:full_access"),
    ],
)
def test_each_call_needs_its_scope(path: str, scope: str) -> None:
    assert caller(scopes=SMALL.scopes - {scope}).get(path).status_code == 403
    assert caller(scopes=frozenset({scope})).get(path).status_code in (200, 404)


def test_rate_limits_are_counted_apart_and_slide(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = caller(calls_per_minute=3, token_calls_per_minute=2)
    assert [reader.mint().status_code for _ in range(3)] == [200, 200, 429]
    answers = [reader.get("/v1/leads") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert "retry-after" not in answers[-1].headers
    later_s = time.monotonic() + 60
    monkeypatch.setattr("leadlib.sandbox.access.time.monotonic", lambda: later_s)
    assert reader.get("/v1/leads").status_code == 200


def test_refusals_speak_the_format_asked_for(filtering: Caller) -> None:
    legacy = filtering.get("/v1/leads?perPage=51")
    assert legacy.headers["content-type"] == "application/json"
    assert legacy.json()["type"] == "SCHEMA_VALIDATION"
    assert legacy.json()["errors"] == [{"detail": "perPage must be 50 or less", "pointer": "/perPage"}]
    assert "status" not in legacy.json()
    headers = {"Authorization": f"Bearer {filtering.token}", "X-PF-Error-Format": "problem-json-v2"}
    newer = filtering.ask("/v1/leads?createdAtFrom=2026-01-01T00:00:00Z", headers=headers)
    assert newer.headers["content-type"] == "application/problem+json"
    assert (newer.json()["status"], newer.json()["code"]) == (422, "common_http_422-unprocessable-entity")
    assert re.fullmatch(r"[0-9a-f]{32}", newer.json()["attributes"]["trace_id"])


@pytest.mark.parametrize("path", ["/", "/v1", "/sandbox/r/message_lead_1", "/r/message_lead_1"])
def test_paths_that_the_portal_does_not_have_answer_404_as_a_problem(filtering: Caller, path: str) -> None:
    answer = filtering.get(path)
    assert answer.status_code == 404
    assert answer.json()["type"] == "NOT_FOUND"
