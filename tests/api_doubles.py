"""A portal that lives inside a test: the transport of a client, a clock that only sleeping moves, invented secrets."""

import json
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from leadlib.api import Client, Pacer
from leadlib.config import Dialect, Secret, Settings
from tests.conftest import lead_json

KEY = "CANRY." + "k" * 28 + "canary"
SECRET = "s" * 26 + "canary"
TOKEN = "token-canary." + "eyJ4IjoxfQ" * 10 + ".aaaa"
PHONE = "+971500000001"
NAME = "Test Sender One"
CANARIES = (KEY, SECRET, "token-canary", PHONE, NAME)

URL = "https://portal.example"
NOW = datetime(2026, 9, 20, 12, 0, tzinfo=UTC)
DATE_HEADER = "Sun, 20 Sep 2026 12:00:00 GMT"


class Clock:
    """Monotonic seconds that pass only while somebody sleeps; `slept` lists the naps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.now += seconds


class HighestJitter(random.Random):
    """Draws the upper end, so that a wait can be written out in a test."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Body(httpx.SyncByteStream):
    """A body in pieces, as it comes from a socket; an exception among the pieces is raised."""

    def __init__(self, pieces: Iterable[bytes | Exception]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


def answer(
    status: int = 200, body: Any = None, headers: dict[str, str] | None = None, raw: bytes | None = None
) -> httpx.Response:
    """A streamed answer with the portal's Date; `body` as JSON, or `raw` bytes as they are."""
    content = raw if raw is not None else json.dumps(body).encode()
    return httpx.Response(status, headers={"Date": DATE_HEADER, **(headers or {})}, stream=Body([content]))


def token_answer(token: str = TOKEN, expires_in: object = 1800) -> httpx.Response:
    return answer(200, {"accessToken": token, "tokenType": "Bearer", "expiresIn": expires_in})


def page_body(rows: list[Any], page: int = 1, per_page: int = 50, total: int | None = None) -> Any:
    """A body of rows with a pagination that fits."""
    total = len(rows) if total is None else total
    total_pages = -(-total // per_page)
    following = page + 1 if page < total_pages else None
    whole = {
        "page": page, "perPage": per_page, "total": total, "totalPages": total_pages,
        "nextPage": following, "prevPage": page - 1 or None,
    }  # fmt: skip
    return {"data": rows, "pagination": whole}


def page_with(body: Any, **pagination: Any) -> Any:
    """`body` with these entries of its pagination replaced, or taken out where "absent"."""
    whole = {**body["pagination"], **pagination}
    return {**body, "pagination": {name: value for name, value in whole.items() if value != "absent"}}


def problem(status: int, detail: str, trace_id: str = "trace-0001") -> httpx.Response:
    """An error in the new format."""
    body = {
        "type": f"https://problems.example/common-http-{status}/", "code": f"common_http_{status}", "title": "Refused",
        "status": status, "detail": detail, "attributes": {"trace_id": trace_id},
    }  # fmt: skip
    return answer(status, body, {"Content-Type": "application/problem+json"})


Reply = httpx.Response | Exception
Handler = Callable[[httpx.Request], Reply]


@dataclass
class Portal:
    """Answers data calls with `handler` and token calls with `on_token`; keeps every request."""

    handler: Handler
    on_token: Handler = lambda request: token_answer()
    requests: list[httpx.Request] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.requests.append(request)
        reply = (self.on_token if request.url.path == "/v1/auth/token" else self.handler)(request)
        if isinstance(reply, Exception):
            raise reply
        return reply

    @property
    def token_calls(self) -> list[httpx.Request]:
        return [request for request in self.requests if request.url.path == "/v1/auth/token"]

    @property
    def data_calls(self) -> list[httpx.Request]:
        return [request for request in self.requests if request.url.path != "/v1/auth/token"]


def scripted(*replies: Reply) -> Handler:
    """Gives the replies one after another; asking for more fails the test."""
    left = list(replies)

    def handler(request: httpx.Request) -> Reply:
        assert left, f"one call too many: {request.method} {request.url.path}"
        return left.pop(0)

    return handler


def settings(**changes: Any) -> Settings:
    return Settings(**{"api_url": URL, "api_key": Secret(KEY), "api_secret": Secret(SECRET), **changes})


def client_of(
    handler: Handler | Portal,
    clock: Clock | None = None,
    *,
    dialect: Dialect | None = None,
    pacer: Pacer | None = None,
    **changes: Any,
) -> Client:
    """A client of `handler`, its time that of `clock`, its jitter the highest."""
    clock = clock or Clock()
    portal = handler if isinstance(handler, Portal) else Portal(handler)
    return Client(
        settings(**changes), transport=httpx.MockTransport(portal), monotonic=clock.monotonic, sleep=clock.sleep,
        rng=HighestJitter(), dialect=dialect, pacer=pacer,
    )  # fmt: skip


class LeadsPortal:
    """A handler that filters, pages and ages as the contract says, over `rows`, in one dialect or neither.

    `dialect` None ignores every filter; `accepts_days` is how far back createdAtFrom may lie.
    """

    def __init__(
        self,
        rows: list[dict[str, Any]],
        dialect: Dialect | None = "filter",
        *,
        accepts_days: float = 92,
        bounds_created_to: bool = False,
        sorts: bool = False,
        is_strict: bool = False,
    ) -> None:
        self.rows = rows
        self.dialect = dialect
        self.accepts_days = accepts_days
        self.bounds_created_to = bounds_created_to
        self.sorts = sorts
        self.is_strict = is_strict

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        names = {
            "filter": {"filter[status]": ("status",), "filter[type]": ("channel",),
                       "filter[listingReference]": ("listing", "reference")},
            "flat": {"status": ("status",), "channel": ("channel",), "id": ("id",),
                     "listingReference": ("listing", "reference")},
        }  # fmt: skip
        known = names.get(self.dialect or "", {})
        common = {"page", "perPage", "createdAtFrom", "createdAtTo", "orderBy", "orderDirection"}
        if self.is_strict and set(query.keys()) - set(known) - common:
            return problem(400, "unknown parameter")
        rows = self.rows
        if "createdAtFrom" in query:
            since = datetime.fromisoformat(query["createdAtFrom"])
            if since < NOW - timedelta(days=self.accepts_days):
                return problem(422, "createdAtFrom is more than 3 months ago")
            rows = [row for row in rows if datetime.fromisoformat(row["createdAt"]) >= since]
        if "createdAtTo" in query and self.bounds_created_to:
            until = datetime.fromisoformat(query["createdAtTo"])
            rows = [row for row in rows if datetime.fromisoformat(row["createdAt"]) <= until]
        for name, path in known.items():
            values = [v for text in query.get_list(name) for v in (text.split(",") if "[" in name else [text])]
            if values:
                rows = [row for row in rows if _at_path(row, path) in values]
        if self.sorts and query.get("orderBy") == "createdAt":
            newest_first = query.get("orderDirection") == "desc"
            rows = sorted(rows, key=lambda row: datetime.fromisoformat(row["createdAt"]), reverse=newest_first)
        page, per_page = int(query["page"]), int(query["perPage"])
        shown = rows[(page - 1) * per_page : page * per_page]
        return answer(200, page_body(shown, page, per_page, len(rows)))


def _at_path(row: dict[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = row
    for name in path:
        value = value.get(name, {}) if isinstance(value, dict) else None
    return value


def rows_over_days(n: int) -> list[dict[str, Any]]:
    """`n` leads, one every 6 hours back from NOW, in an order that is not by time; statuses and channels alternate."""
    rows = [
        lead_json(
            f"message_lead_{i}",
            (NOW - timedelta(hours=6 * (i + 1))).isoformat().replace("+00:00", "Z"),
            status=("sent", "opened", "responded")[i % 3],
            channel=("call", "whatsapp")[i % 2],
        )
        for i in range(n)
    ]
    return rows[n // 2 :] + rows[: n // 2]
