"""Each fault does what its sentence says."""

import json
import re
from dataclasses import replace

import httpx

from leadlib.sandbox import FAULTS, SandboxServer
from tests.sandbox.conftest import KEY_PAIR, SMALL, Caller, caller, faulty


def statuses(reader: Caller, n_calls: int, path: str = "/v1/leads?perPage=5") -> list[int]:
    return [reader.get(path).status_code for _ in range(n_calls)]


def test_every_fault_says_what_it_does_and_changes_nothing_when_off() -> None:
    for name, sentence in FAULTS.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+|-[0-9]+)*", name)
        assert sentence.endswith(".")
        assert sentence[0].isupper() or sentence[0].isdigit()
    assert set(statuses(caller(), 30)) == {200}


def test_rate_limit_fault_refuses_every_seventh_call() -> None:
    reader = faulty("rate-limit")
    answers = [reader.get("/v1/users?perPage=1") for _ in range(14)]
    assert [answer.status_code for answer in answers] == ([200] * 6 + [429]) * 2
    assert answers[6].headers["retry-after"] == "1"


def test_server_errors_fault_fails_about_a_third_the_same_way_each_time() -> None:
    seen = statuses(faulty("server-errors"), 100)
    assert set(seen) == {200, 500, 502, 503}
    assert 60 <= seen.count(200) <= 80
    assert seen == statuses(faulty("server-errors"), 100)


def test_garbage_fault_answers_some_calls_with_html() -> None:
    reader = faulty("garbage")
    answers = [reader.get("/v1/leads?perPage=1") for _ in range(40)]
    html = [answer for answer in answers if answer.headers["content-type"].startswith("text/html")]
    assert 3 <= len(html) <= 16
    assert all(answer.status_code == 200 and answer.text.startswith("<!doctype") for answer in html)


def test_truncated_fault_cuts_some_bodies() -> None:
    reader = faulty("truncated")
    n_cut = 0
    for _ in range(40):
        answer = reader.get("/v1/leads?perPage=1")
        assert answer.status_code == 200
        try:
            answer.json()
        except ValueError:
            n_cut += 1
    assert 3 <= n_cut <= 16


def test_wrong_key_fault_refuses_the_right_key() -> None:
    assert faulty("wrong-key").mint().status_code == 401


def test_no_leads_scope_fault_refuses_leads_only() -> None:
    reader = faulty("no-leads-scope")
    assert reader.get("/v1/leads").status_code == 403
    assert reader.get("/v1/users").status_code == 200


def test_unauthorized_fault_refuses_every_token() -> None:
    reader = faulty("unauthorized")
    assert statuses(reader, 2) == [401, 401]
    reader.mint()
    assert statuses(reader, 1) == [401]


def test_unauthorized_once_fault_refuses_the_first_use_of_the_first_token_only() -> None:
    reader = faulty("unauthorized-once")
    assert statuses(reader, 3) == [401, 200, 200]
    reader.mint()
    assert statuses(reader, 2) == [200, 200]


def test_odd_rows_fault_plants_each_kind_of_oddity_in_a_few_rows() -> None:
    rows = faulty("odd-rows", n_leads=2_000).leads()
    oddities = {
        "channel": sum(row["channel"] == "telegram" for row in rows),
        "status": sum(row["status"] == "snoozed" for row in rows),
        "entity type": sum(row["entityType"] == "building" for row in rows),
        "contact": sum("telegramHandle" in json.dumps(row["sender"]) for row in rows),
        "field": sum("sellerProperty" in row for row in rows),
        "id": sum("id" not in row for row in rows),
        "created at": sum(row["createdAt"] == "yesterday" for row in rows),
    }
    assert all(0 < n_rows < 40 for n_rows in oddities.values()), oddities


def test_reset_fault_cuts_the_connection_in_the_middle_of_a_body() -> None:
    n_cut = 0
    with SandboxServer(replace(SMALL, faults=frozenset({"reset"}))) as running, httpx.Client() as client:
        token = client.post(f"{running.url}/v1/auth/token", json=KEY_PAIR).json()["accessToken"]
        for _ in range(20):
            try:
                answer = client.get(f"{running.url}/v1/leads", headers={"Authorization": f"Bearer {token}"})
                assert len(answer.json()["data"]) == 50
            except httpx.RemoteProtocolError:
                n_cut += 1
    assert 1 <= n_cut <= 10
