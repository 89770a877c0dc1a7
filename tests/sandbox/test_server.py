"""The sandbox as others use it: its names and settings, on a port, and its end."""

import http.client
import json
import re
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

import leadlib.sandbox
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, serve
from tests.sandbox.conftest import KEY_PAIR, NOW, SMALL, caller


def test_exported_names_are_those_that_exist() -> None:
    assert sorted(leadlib.sandbox.__all__) == sorted(
        name for name, value in vars(leadlib.sandbox).items() if not name.startswith("_") and not _is_module(value)
    )


def _is_module(value: object) -> bool:
    return type(value).__name__ == "module"


def test_key_pair_has_the_portals_shape() -> None:
    assert re.fullmatch(r"\w{5}\.\w{34}", API_KEY)
    assert len(API_SECRET) == 32


def test_server_accepts_brackets_raw_and_encoded(server: SandboxServer) -> None:
    token = httpx.post(f"{server.url}/v1/auth/token", json=KEY_PAIR).json()["accessToken"]
    totals = set()
    for query in ("filter[status]=opened,responded", "filter%5Bstatus%5D=opened%2Cresponded"):
        connection = http.client.HTTPConnection(str(urlsplit(server.url).netloc))
        connection.request("GET", f"/v1/leads?{query}", headers={"Authorization": f"Bearer {token}"})
        totals.add(json.load(connection.getresponse())["pagination"]["total"])
        connection.close()
    assert len(totals) == 1
    assert 0 < totals.pop() < len(server.truth.visible(NOW))


def test_server_counts_calls_by_path_and_dates_answers_by_its_own_clock(server: SandboxServer) -> None:
    server.calls.clear()
    answers = [httpx.get(f"{server.url}{path}") for path in ("/v1/leads?page=1", "/v1/leads", "/nowhere")]
    assert server.calls == {"/v1/leads": 2, "/nowhere": 1}
    assert {parsedate_to_datetime(answer.headers["date"]) for answer in answers} == {server.clock.now()}
    assert all(answer.headers.get_list("date") == [answer.headers["date"]] for answer in answers)


def test_server_adds_the_latency_asked_for() -> None:
    reader = caller(latency_s=0.05)
    answer = reader.get("/v1/leads?perPage=1")
    assert answer.elapsed >= timedelta(seconds=0.04)


def test_taken_port_fails_at_the_start(server: SandboxServer) -> None:
    port = urlsplit(server.url).port or 0
    with pytest.raises(OSError, match="in use"):
        serve(SMALL, port, lambda _: None)


def test_serving_tells_its_address_once_calls_are_answered_and_ends_quietly_when_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[str, int]] = []

    def interrupt(_: SandboxServer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SandboxServer, "wait", interrupt)
    serve(SMALL, 0, lambda url: told.append((url, httpx.get(f"{url}/v1/leads").status_code)))
    assert [status for _, status in told] == [401]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"dialect": "klingon"}, id="dialect"),
        pytest.param({"n_leads": -1}, id="n_leads"),
        pytest.param({"faults": frozenset({"earthquake"})}, id="faults"),
        pytest.param({"scopes": frozenset({"root"})}, id="scopes"),
        pytest.param({"frozen_at": NOW.replace(tzinfo=None)}, id="frozen_at"),
    ],
)
def test_impossible_settings_are_refused_by_name(changes: dict[str, Any], request: pytest.FixtureRequest) -> None:
    with pytest.raises(ValueError, match=request.node.callspec.id):
        replace(SMALL, **changes)
