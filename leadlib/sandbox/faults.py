"""The switches for what goes wrong at a portal: one class each, found by its name in `FAULTS`.

A fault is one row: a class under `@_fault(name, sentence)` that overrides the hooks it needs. Hooks are called in the
order in which they stand in `Fault`; every app makes its own instances, so counters and dice start afresh with it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from leadlib.sandbox.lead import Lead
from leadlib.sandbox.problems import ProblemError


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire. `is_cut` means that the connection is closed after half of the body."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A data call that a fault looks at: its path and the id of the token it came with (None: no valid one)."""

    path: str
    token_id: str | None


class Fault:
    """The hooks, each doing nothing. Refuse by raising `ProblemError`."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def token_life_s(self, planned_s: int) -> int:
        """Seconds that a new token lives."""
        return planned_s

    def before_token(self) -> None:
        """Before a token call is looked at."""

    def before_data(self, call: Call) -> None:
        """Before a data call whose token is in order is answered."""

    def change_lead(self, row: dict[str, Any], lead: Lead) -> None:
        """Change one row of a page of leads in place."""

    def change_page(self, page: dict[str, Any]) -> None:
        """Change the body of a page of leads in place."""

    def change_answer(self, answer: Answer) -> Answer:
        """The answer to a data call as it leaves the portal."""
        return answer


_CLASSES: Final[dict[str, type[Fault]]] = {}
_SENTENCES: Final[dict[str, str]] = {}


def _fault(name: str, sentence: str) -> Callable[[type[Fault]], type[Fault]]:
    def enter(cls: type[Fault]) -> type[Fault]:
        _CLASSES[name] = cls
        _SENTENCES[name] = sentence
        return cls

    return enter


def switched_on(names: Iterable[str], seed: int) -> tuple[Fault, ...]:
    """Fresh instances of the named faults, in the order of `FAULTS`, with dice that follow from the seed."""
    chosen = set(names)
    return tuple(cls(random.Random(f"{seed}:{name}")) for name, cls in _CLASSES.items() if name in chosen)


@_fault("rate-limit", "Every 7th data call answers 429 with Retry-After: 1.")
class _RateLimit(Fault):
    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._n_calls = 0

    def before_data(self, call: Call) -> None:
        self._n_calls += 1
        if self._n_calls % 7 == 0:
            raise ProblemError(429, "Too many requests.", headers={"Retry-After": "1"})


@_fault("server-errors", "30 % of the data calls answer 500, 502 or 503.")
class _ServerErrors(Fault):
    def before_data(self, call: Call) -> None:
        if self.rng.random() < 0.3:
            raise ProblemError(self.rng.choice((500, 502, 503)), "Something went wrong on our side.")


@_fault("reset", "One data answer in five is cut: the connection closes in the middle of the body.")
class _Reset(Fault):
    def change_answer(self, answer: Answer) -> Answer:
        return replace(answer, is_cut=True) if self.rng.random() < 0.2 else answer


@_fault("garbage", "One data answer in five is 200 with a page of HTML instead of JSON.")
class _Garbage(Fault):
    def change_answer(self, answer: Answer) -> Answer:
        if answer.status != 200 or self.rng.random() >= 0.2:
            return answer
        return Answer(200, b"<!doctype html><title>One moment</title><p>Checking your browser.</p>", "text/html")


@_fault("truncated", "One data answer in five is 200 with JSON that stops half way; its Content-Length fits the half.")
class _Truncated(Fault):
    def change_answer(self, answer: Answer) -> Answer:
        if answer.status != 200 or self.rng.random() >= 0.2:
            return answer
        return replace(answer, body=answer.body[: len(answer.body) // 2])


@_fault("wrong-key", "The token call answers 401, whatever the key.")
class _WrongKey(Fault):
    def before_token(self) -> None:
        raise ProblemError(401, "The API key is not known, expired or revoked.")


@_fault("no-leads-scope", "GET /v1/leads answers 403: the key was made without leads:read.")
class _NoLeadsScope(Fault):
    def before_data(self, call: Call) -> None:
        if call.path == "/v1/leads":
            raise ProblemError(403, "The scope leads:read is missing.")


@_fault("expired-token", "Tokens live 2 seconds, and the token call says so.")
class _ExpiredToken(Fault):
    def token_life_s(self, planned_s: int) -> int:
        return min(planned_s, 2)


@_fault("unauthorized-once", "The first use of each token answers 401; the same token works from then on.")
class _UnauthorizedOnce(Fault):
    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._seen: set[str] = set()

    def before_data(self, call: Call) -> None:
        if call.token_id is not None and call.token_id not in self._seen:
            self._seen.add(call.token_id)
            raise ProblemError(401, "The token is not valid.")


@_fault("wrong-total", "The total of every page of leads is one too high.")
class _WrongTotal(Fault):
    def change_page(self, page: dict[str, Any]) -> None:
        page["pagination"]["total"] += 1


@_fault("odd-rows", "About one lead in 20 is odd: unknown values, an unknown field, no id or a bad createdAt.")
class _OddRows(Fault):
    def change_lead(self, row: dict[str, Any], lead: Lead) -> None:
        match lead.number % 140:
            case 11:
                row["channel"] = "telegram"
            case 31:
                row["status"] = "snoozed"
            case 51:
                row["entityType"] = "building"
            case 71:
                row["sender"]["contacts"] = [{"type": "telegramHandle", "value": "sample.handle"}]
            case 91:
                row["sellerProperty"] = {"bedrooms": 2, "note": "unknown to the documents"}
            case 111:
                del row["id"]
            case 131:
                row["createdAt"] = "yesterday"


FAULTS: Final[Mapping[str, str]] = MappingProxyType(_SENTENCES)
"""Every switch by name, with what it does in one sentence."""
