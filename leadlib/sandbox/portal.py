"""The portal's front: every call passes through here to be counted, limited, let in, answered or refused."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from leadlib.sandbox.access import Doorman, RateLimit
from leadlib.sandbox.clock import Clock
from leadlib.sandbox.faults import Answer, Call, switched_on
from leadlib.sandbox.problems import V2_HEADER, V2_VALUE, ProblemError
from leadlib.sandbox.settings import SandboxSettings
from leadlib.sandbox.truth import Truth

Handler = Callable[[Request, datetime], Awaitable[Answer]]
"""Answers a call at the portal's present second, or raises ProblemError."""

_LONGEST_BODY: Final = 64_000


class Portal:
    """The state behind one sandbox: its clock, its truth, its doors, and how often each path was called."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.clock = Clock(settings.frozen_at)
        self.truth = Truth(settings.seed, settings.n_leads, self.clock)
        self.calls: Counter[str] = Counter()
        self.faults = switched_on(settings.faults, settings.seed)
        self._doorman = Doorman(settings.scopes)
        self._token_limit = RateLimit(settings.token_calls_per_minute)
        self._data_limit = RateLimit(settings.calls_per_minute)

    def data(self, scope: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint for a call that needs a token with `scope`."""

        async def endpoint(request: Request) -> Response:
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
        return json_answer(self._doorman.mint(await json_body(request), life_s, at))

    async def _data_answer(self, request: Request, at: datetime, scope: str, handler: Handler) -> Answer:
        self._data_limit.count(_client(request))
        token = self._doorman.token(request.headers.get("authorization"), at)
        for fault in self.faults:
            fault.before_data(Call(request.url.path, token.id))
        if scope not in token.scopes:
            raise ProblemError(403, f"The scope {scope} is missing.")
        answer = await handler(request, at)
        for fault in self.faults:
            answer = fault.change_answer(answer)
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
        # The date is the portal's: a client may learn from it how far its own clock is off.
        headers = {**answer.headers, "Date": format_datetime(now, usegmt=True)}
        cls = _CutResponse if answer.is_cut else Response
        return cls(answer.body, answer.status, headers, answer.content_type)


class _CutResponse(Response):
    """Promises the whole body, sends half of it, and ends: the server then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


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
