"""Who may call, and how often: tokens and rate limits."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import jwt

from leadlib.sandbox.problems import ProblemError
from leadlib.sandbox.settings import API_KEY, API_SECRET

_SIGNING_KEY: Final = "the-sandbox-signs-with-this-key-and-nothing-else-does-so-it-is-no-secret"
_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Token:
    """A valid token: its id and what it may do."""

    id: str
    scopes: frozenset[str]


class Doorman:
    """Mints tokens and looks at them.

    A token is dead when either the portal's clock or the real one has passed its life: a clock held still does not make
    tokens eternal, a clock moved on ends them at once.
    """

    def __init__(self, scopes: frozenset[str]) -> None:
        self._scopes = scopes
        self._dies_at_s: dict[str, float] = {}
        self._secret_of_key: dict[str, str] = {API_KEY: API_SECRET}
        self._key_of_token: dict[str, str] = {}

    def issue(self, key: str, secret: str) -> None:
        """One key more, beside those there are."""
        self._secret_of_key[key] = secret

    def revoke(self, key: str) -> None:
        """Ends a key, and with it all its tokens."""
        del self._secret_of_key[key]

    def mint(self, body: object, life_s: int, now: datetime) -> dict[str, object]:
        """The answer to a token call. Raises ProblemError: 422 for a wrong body, 401 for a wrong pair."""
        if not isinstance(body, Mapping):
            raise ProblemError(422, "The body must be a JSON object.")
        for name in ("apiKey", "apiSecret"):
            if not isinstance(body.get(name), str):
                raise ProblemError(422, f"{name} is required", f"/{name}")
        for name in body:
            if name not in ("apiKey", "apiSecret"):
                raise ProblemError(422, f"{name} is not allowed", f"/{name}")
        if self._secret_of_key.get(body["apiKey"]) != body["apiSecret"]:
            raise ProblemError(401, "The API key is not known, expired or revoked.")
        token_id = uuid.uuid4().hex
        issued_s = int(now.timestamp())
        claims = {"jti": token_id, "iat": issued_s, "exp": issued_s + life_s, "scope": " ".join(sorted(self._scopes))}
        self._key_of_token[token_id] = body["apiKey"]
        self._dies_at_s[token_id] = time.monotonic() + life_s
        token = jwt.encode(claims, _SIGNING_KEY, algorithm="HS256")
        return {"accessToken": token, "tokenType": "Bearer", "expiresIn": life_s}

    def token(self, authorization: str | None, now: datetime) -> Token:
        """The token of an Authorization header. Raises ProblemError 401 when it is missing, false or expired."""
        if authorization is None or not authorization.lower().startswith("bearer "):
            raise ProblemError(401, "A bearer token is required.")
        try:
            # The expiry is ours to judge: PyJWT would judge it by the machine's clock.
            claims = jwt.decode(authorization[7:], _SIGNING_KEY, ["HS256"], {"verify_exp": False, "verify_iat": False})
        except jwt.InvalidTokenError as error:
            raise ProblemError(401, "The token is not valid.") from error
        dies_at_s = self._dies_at_s.get(claims["jti"], float("inf"))
        if now.timestamp() >= claims["exp"] or time.monotonic() >= dies_at_s:
            raise ProblemError(401, "The token has expired.")
        if self._key_of_token.get(claims["jti"], API_KEY) not in self._secret_of_key:
            raise ProblemError(401, "The token's key has been revoked.")
        return Token(claims["jti"], frozenset(claims["scope"].split()))


class RateLimit:
    """At most `calls_per_minute` in any 60 real seconds per client: a sliding window."""

    def __init__(self, calls_per_minute: int) -> None:
        self._most = calls_per_minute
        self._times_s: dict[str, deque[float]] = {}

    def count(self, client: str) -> None:
        """Count a call. Raises ProblemError 429 when it is one too many; a refused call is not counted."""
        now_s = time.monotonic()
        times_s = self._times_s.setdefault(client, deque())
        while times_s and times_s[0] <= now_s - _MINUTE_S:
            times_s.popleft()
        if len(times_s) >= self._most:
            raise ProblemError(429, "Too many requests.")
        times_s.append(now_s)
