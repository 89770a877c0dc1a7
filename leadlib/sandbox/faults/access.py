"""Faults of keys and tokens."""

from __future__ import annotations

import random
from collections.abc import Mapping

from leadlib.sandbox.faults.base import Call, Fault, fault
from leadlib.sandbox.problems import ProblemError


@fault("wrong-key", "The token call answers 401, whatever the key.")
class _WrongKey(Fault):
    def before_token(self) -> None:
        raise ProblemError(401, "The API key is not known, expired or revoked.")


@fault("unauthorized", "Every data call answers 401, however fresh its token.")
class _Unauthorized(Fault):
    def before_data(self, call: Call) -> None:
        raise ProblemError(401, "The token is not valid.")


@fault("no-leads-scope", "GET /v1/leads answers 403: the key was made without leads:read.")
class _NoLeadsScope(Fault):
    def before_data(self, call: Call) -> None:
        if call.is_for_leads:
            raise ProblemError(403, "The scope leads:read is missing.")


@fault("expired-token", "Tokens live 2 seconds, and the token call says so.")
class _ExpiredToken(Fault):
    def token_life_s(self, planned_s: int) -> int:
        return min(planned_s, 2)


@fault("unauthorized-once", "The first data call of all answers 401 although its token is good; then all is well.")
class _UnauthorizedOnce(Fault):
    def __init__(self, rng: random.Random, options: Mapping[str, int]) -> None:
        super().__init__(rng, options)
        self._is_over = False

    def before_data(self, call: Call) -> None:
        if not self._is_over:
            self._is_over = True
            raise ProblemError(401, "The token is not valid.")
