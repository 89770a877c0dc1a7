"""The token that goes with every call: exchanged for the key and its secret, or given ready-made."""

import base64
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NoReturn

from leadlib.api.wire import Answer, Call, Counters, Wire, refuse
from leadlib.config import Settings
from leadlib.errors import CredentialsError, PortalError, SettingsError, UnexpectedPayloadError

TOKEN_PATH = "/v1/auth/token"  # noqa: S105  # a path, not a secret
RENEW_AT = 0.8
"""Share of a token's life after which a new one is fetched."""

REFUSAL_KEPT_S = 300.0
"""A key that was refused is not offered again for so long, however many calls ask for a token."""


class Tokens:
    """Hands out a token that is valid now. Thread-safe: threads that need a new one share one call.

    A token lives in memory only. Raises SettingsError if the settings hold no credentials.
    """

    def __init__(self, settings: Settings, wire: Wire, counters: Counters, monotonic: Callable[[], float]) -> None:
        if not settings.has_credentials:
            raise SettingsError(
                "There is nothing to call the portal with. Set LEADLIB_API_KEY and LEADLIB_API_SECRET, or "
                "LEADLIB_API_TOKEN.",
                "LEADLIB_API_KEY",
            )
        self._settings = settings
        self._wire = wire
        self._counters = counters
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renew_at = 0.0
        self._rounds = 0
        self._failure: PortalError | None = None
        self._failed_at = 0.0
        if settings.api_token and not _fits_a_header(settings.api_token.reveal()):
            raise SettingsError(
                "LEADLIB_API_TOKEN holds characters that a token cannot have (spaces, line breaks, accents). Paste it "
                "again, on one line.",
                "LEADLIB_API_TOKEN",
            )

    @property
    def is_static(self) -> bool:
        return self._settings.api_token is not None

    def token(self) -> str:
        """A token to send. Raises CredentialsError if the key is refused, PortalUnavailableError if none can be had."""
        if self._settings.api_token is not None:
            return self._settings.api_token.reveal()
        rounds_seen = self._rounds
        with self._lock:
            if self._token is not None and self._monotonic() < self._renew_at:
                return self._token
            self._share_failure(rounds_seen)
            try:
                return self._mint()
            except PortalError as error:
                self._failure, self._failed_at = error, self._monotonic()
                raise
            finally:
                self._rounds += 1

    def drop(self, token: str) -> None:
        """`token` was refused: the next call of `token()` fetches another, unless somebody already has."""
        with self._lock:
            if self._token == token:
                self._token = None

    def _share_failure(self, rounds_seen: int) -> None:
        """Raise again what a call just met that we waited for, and a refusal for REFUSAL_KEPT_S: never hammer."""
        failure = self._failure
        if failure is None:
            return
        waited_for_it = self._rounds != rounds_seen
        is_kept = isinstance(failure, CredentialsError) and self._monotonic() - self._failed_at < REFUSAL_KEPT_S
        if waited_for_it or is_kept:
            raise type(failure)(str(failure), call=failure.call, status=failure.status, trace_id=failure.trace_id)

    def _mint(self) -> str:
        key, secret = self._settings.api_key, self._settings.api_secret
        if key is None or secret is None:
            raise SettingsError("A key and its secret only work together.", "LEADLIB_API_SECRET")
        call = Call(
            f"POST {TOKEN_PATH}",
            self._settings.api_url + TOKEN_PATH,
            scope="",
            content=json.dumps({"apiKey": key.reveal(), "apiSecret": secret.reveal()}).encode(),
            headers={"Content-Type": "application/json"},
        )
        self._token = None
        began_at = self._monotonic()
        answer = self._wire.ask(call, token=None)
        if answer.status != 200:
            _refuse_key(call, answer)
        body = answer.body if isinstance(answer.body, dict) else {}
        token, life_s = body.get("accessToken"), body.get("expiresIn")
        if (
            not isinstance(token, str)
            or not _fits_a_header(token)
            or isinstance(life_s, bool)
            or not isinstance(life_s, int | float)
            or life_s <= 0
        ):
            raise UnexpectedPayloadError(
                f"{call.label} answered 200 without a usable accessToken and expiresIn. Check that LEADLIB_API_URL is "
                "the portal's.",
                call=call.label, status=200, trace_id=answer.trace_id,
            )  # fmt: skip
        self._counters.add(tokens=1)
        self._failure = None
        # A life in whole seconds may be rounded, which matters to tokens that live two.
        self._token, self._renew_at = token, began_at + min(RENEW_AT * life_s, max(life_s - 1, life_s / 2))
        return token


def token_ends_at(token: str) -> datetime | None:
    """When a ready token ends, in UTC, by its own word (`exp` of a JWT, unproven); None if it says nothing."""
    try:
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, OSError):
        return None


def _refuse_key(call: Call, answer: Answer) -> NoReturn:
    if answer.status in {401, 403}:
        blocked = "" if answer.body is not None else " (Or a firewall before the portal blocked us.)"
        raise CredentialsError(
            f"{call.label} was refused with {answer.status}: the key is wrong, revoked or expired (keys live a year at "
            f"most). Check LEADLIB_API_KEY and LEADLIB_API_SECRET, or create a new key.{blocked}",
            call=call.label, status=answer.status, trace_id=answer.trace_id,
        )  # fmt: skip
    refuse(call, answer)


def _fits_a_header(token: str) -> bool:
    return token.isascii() and token.isprintable() and " " not in token and token != ""
