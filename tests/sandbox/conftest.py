"""What the tests of the portal's double share: a caller, small sandboxes, and the planted truth of one."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from leadlib.sandbox import API_KEY, API_SECRET, Clock, SandboxServer, SandboxSettings, Truth, create_app
from leadlib.sandbox.lead import Lead
from leadlib.sandbox.settings import Dialect

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DUBAI_AHEAD = timedelta(hours=4)
KEY_PAIR = {"apiKey": API_KEY, "apiSecret": API_SECRET}
PLENTY = 1_000_000
DIALECTS: tuple[Dialect, ...] = ("filter", "flat")


class Caller:
    """Calls an app in this process with a token of its own; `leads` reads all pages of a query."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        self.portal = app.state.portal
        self.token = ""

    def ask(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        """One call as it is, without a token of our own."""

        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test") as client:
                return await client.request(method, path, **options)

        return asyncio.run(call())

    def mint(self) -> httpx.Response:
        answer = self.ask("/v1/auth/token", "POST", json=KEY_PAIR)
        if answer.status_code == 200:
            self.token = answer.json()["accessToken"]
        return answer

    def get(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        """One call with a token."""
        if not self.token:
            self.mint()
        return self.ask(path, method, headers={"Authorization": f"Bearer {self.token}"}, **options)

    def page(self, query: str = "") -> dict[str, Any]:
        answer = self.get(f"/v1/leads?{query}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pages(self, query: str = "") -> Iterator[dict[str, Any]]:
        number: int | None = 1
        while number is not None:
            body = self.page(f"{query}&page={number}")
            yield body
            number = body["pagination"]["nextPage"]

    def leads(self, query: str = "") -> list[dict[str, Any]]:
        return [row for body in self.pages(query) for row in body["data"]]


def caller(**changes: Any) -> Caller:
    """A small sandbox whose clock is held still."""
    return Caller(create_app(replace(SMALL, **changes)))


def faulty(*names: str, options: Mapping[str, int] | None = None, **changes: Any) -> Caller:
    """A small sandbox with faults; `options` are those of the faults, such as {"deletes.every": 7}."""
    return caller(faults=frozenset(names), fault_options=options or {}, **changes)


SMALL = SandboxSettings(n_leads=300, frozen_at=NOW, calls_per_minute=PLENTY, token_calls_per_minute=PLENTY)


@pytest.fixture(scope="session")
def filtering() -> Caller:
    return caller(n_leads=900)


@pytest.fixture(scope="session")
def flat() -> Caller:
    return caller(n_leads=900, dialect="flat")


@pytest.fixture(scope="session")
def truth() -> Truth:
    return Truth(7, 12_000, Clock(NOW))


@pytest.fixture(scope="session")
def visible(truth: Truth) -> list[Lead]:
    return list(truth.visible(NOW))


@pytest.fixture(scope="session")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(SMALL) as running:
        yield running
