"""The portal's front: every call passes through here to be counted, limited, let in, answered or refused."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from leadlib.sandbox.access import Doorman, RateLimit
from leadlib.sandbox.clock import Clock, three_months_before
from leadlib.sandbox.faults import Answer, Call, switched_on
from leadlib.sandbox.lead import Lead
from leadlib.sandbox.problems import V2_HEADER, V2_VALUE, ProblemError
from leadlib.sandbox.settings import SandboxSettings
from leadlib.sandbox.truth import Rules, Truth

Handler = Callable[[Request, datetime], Awaitable[Answer]]
"""Answers a call at the portal's present second, or raises ProblemError."""

_LONGEST_BODY: Final = 64_000


class Portal:
    """The state behind one sandbox: its clock, its truth, its doors, and how often each path was called."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.clock = Clock(settings.frozen_at)
        self.calls: Counter[str] = Counter()
        self.faults = switched_on(settings.faults, settings.seed, settings.fault_options)
        rules = Rules(self._window_start, self._appears_ms, self._readable_id) if self.faults else Rules()
        self.truth = Truth(settings.seed, settings.n_leads, self.clock, rules)
        for fault in self.faults:
            fault.plant(self.truth)
        self.doorman = Doorman(settings.scopes)
        self._token_limit = RateLimit(settings.token_calls_per_minute)
        self._data_limit = RateLimit(settings.calls_per_minute)

    def data(self, scope: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint for a call that needs a token with `scope`."""

        async def endpoint(request: Request) -> Response:
            if self.settings.call_takes_s and self.clock.is_held:
                self.clock.advance(timedelta(seconds=self.settings.call_takes_s))
            return await self._respond(request, lambda at: self._data_answer(request, at, scope, handler))

        return endpoint

    async def token(self, request: Request) -> Response:
        """POST /v1/auth/token."""
        return await self._respond(request, lambda at: self._token_answer(request, at))

    async def refuse(self, request: Request, error: Exception) -> Response:
        """The answer to a path or method that the portal does not have."""

        async def raise_problem(_: datetime) -> Answer:
            status = getattr(error, "status_code", 404)
            raise ProblemError(status, "There is no such path." if status == 404 else "The method is not allowed here.")

        return await self._respond(request, raise_problem)

    async def _token_answer(self, request: Request, at: datetime) -> Answer:
        self._token_limit.count(_client(request))
        for fault in self.faults:
            fault.before_token()
        life_s = self.settings.token_life_s
        for fault in self.faults:
            life_s = fault.token_life_s(life_s)
        return json_answer(self.doorman.mint(await json_body(request), life_s, at))

    async def _data_answer(self, request: Request, at: datetime, scope: str, handler: Handler) -> Answer:
        self._data_limit.count(_client(request))
        token = self.doorman.token(request.headers.get("authorization"), at)
        call = Call(request.url.path, request.url.query, token.id, at)
        for fault in self.faults:
            fault.before_data(call)
        if scope not in token.scopes:
            raise ProblemError(403, f"The scope {scope} is missing.")
        answer = await handler(request, at)
        for fault in self.faults:
            answer = fault.change_answer(answer, call)
        return answer

    async def _respond(self, request: Request, answer_at: Callable[[datetime], Awaitable[Answer]]) -> Response:
        self.calls[request.url.path] += 1
        if self.settings.latency_s:
            await asyncio.sleep(self.settings.latency_s)
        now = self.clock.now()
        try:
            # One response is one snapshot, as of a whole second.
            answer = await answer_at(now.replace(microsecond=0))
        except ProblemError as problem:
            is_v2 = request.headers.get(V2_HEADER) == V2_VALUE
            body = problem.body(is_v2, uuid.uuid4().hex)
            media = "application/problem+json" if is_v2 else "application/json"
            answer = Answer(problem.status, body, media, problem.headers)
        date = now
        for fault in self.faults:
            date = fault.date(date)
        # The date is the portal's: a client may learn from it how far its own clock is off.
        headers = {**answer.headers, "Date": format_datetime(date, usegmt=True)}
        if answer.parts is not None:
            return _SlowResponse(answer.parts, answer.status, headers, answer.content_type)
        cls = _CutResponse if answer.is_cut else Response
        return cls(answer.body, answer.status, headers, answer.content_type)

    def _window_start(self, at: datetime) -> datetime:
        start = three_months_before(at)
        for fault in self.faults:
            start = fault.window_start(start, at)
        return start

    def _appears_ms(self, lead: Lead) -> int | None:
        return max((ms for fault in self.faults if (ms := fault.appears_ms(lead)) is not None), default=None)

    def _readable_id(self, lead: Lead) -> str | None:
        lead_id: str | None = lead.id
        for fault in self.faults:
            lead_id = fault.readable_id(lead_id, lead)
        return lead_id


class _CutResponse(Response):
    """Promises the whole body, sends half of it, and ends: the server then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


class _SlowResponse(Response):
    """Sends parts with pauses between them until they end or the caller has hung up."""

    def __init__(
        self, parts: Iterator[tuple[bytes, float]], status: int, headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(b"", status, headers, media_type)
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Without a length the body goes out in chunks, of which nobody knows the last.
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        hung_up = asyncio.ensure_future(_end_of(receive))
        try:
            for part, pause_s in self._parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
                await asyncio.wait([hung_up], timeout=pause_s)
                if hung_up.done():
                    return
            await send({"type": "http.response.body", "body": b""})
        finally:
            hung_up.cancel()


async def _end_of(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def json_answer(content: Any, status: int = 200) -> Answer:
    """An answer with JSON as the portal writes it: compact, letters unescaped."""
    return Answer(status, json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


async def json_body(request: Request) -> object:
    """The JSON of a request. Raises ProblemError 400 when it is none, or unreasonably long."""
    body = await request.body()
    try:
        if len(body) <= _LONGEST_BODY:
            return json.loads(body)
    except (ValueError, RecursionError):
        pass
    raise ProblemError(400, "The body must be JSON.")


def _client(request: Request) -> str:
    return request.client.host if request.client else "local"
