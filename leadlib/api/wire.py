"""One call to the portal: sent at our pace, read up to a cap, tried again where that can help, told apart when not."""

import contextlib
import email.utils
import logging
import math
import random
import re
import socket
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NoReturn
from weakref import WeakSet

import httpx

from leadlib.api.bodies import NOT_JSON, parse
from leadlib.api.circuit import Circuit
from leadlib.api.connections import Connections
from leadlib.api.pacing import Pacer
from leadlib.errors import (
    BadRequestError,
    NotFoundError,
    PortalRefusedError,
    PortalUnavailableError,
    RateLimitedError,
    ScopeError,
    StoppedError,
    UnexpectedPayloadError,
)

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
BODY_GAP_S = 5.0
"""Between two pieces of a body that has begun; READ_TIMEOUT_S is for its beginning."""

ANSWER_TIMEOUT_S = 30.0
"""For a whole answer, looked at with each piece: one that trickles in ends BODY_GAP_S later at the latest."""

MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_ATTEMPTS = 6
MAX_ATTEMPTS_WHILE_OTHERS_WORK = 12
"""A portal that answers other calls is not down: a reading of a thousand calls must survive that one has bad luck."""

RECENTLY_S = 60.0
"""An answer this long before a call began still shows that the portal is not down."""

FIRST_BACKOFF_S = 0.5
MAX_BACKOFF_S = 60.0
MAX_RETRY_AFTER_S = 120.0
MAX_CALL_S = 300.0
"""For one call with its attempts and the waits between them, not counting our own pacing."""

_TIMEOUT = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
RETRYABLE_STATUSES = frozenset({429, 500, 502, 503, 504})
ERROR_FORMAT_HEADER = {"X-PF-Error-Format": "problem-json-v2"}
HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": "Leadlight",
    **ERROR_FORMAT_HEADER,
}

logger = logging.getLogger("leadlib.api")
# httpx logs every URL with its query, httpcore every response header. Ours say what is needed and nothing else.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True)
class Call:
    """One request without its token. `label` is "METHOD /path", the only form that messages and logs may show.

    `url` and `content` stay out of the repr: a query or a body may hold what nobody should read in a log. The answer to
    a call that `has_leads` is a page of them.
    """

    label: str
    url: str = field(repr=False)
    scope: str
    content: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    has_leads: bool = False

    @property
    def method(self) -> str:
        return self.label.partition(" ")[0]


@dataclass(frozen=True)
class Answer:
    """What came back and will not change by asking again. `body` is the JSON (None where there is none).

    `token` is what the call went with; None if it went without. `row_texts` are the rows of a list `data` as they came.
    """

    status: int
    body: Any = field(repr=False)
    portal_at: datetime | None
    trace_id: str | None
    token: str | None = field(default=None, repr=False)
    row_texts: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Stats:
    """What a client has done so far. `waited_s` counts pacing and the waits before retries, over all threads."""

    calls: int = 0
    retries: int = 0
    waited_s: float = 0.0
    tokens: int = 0
    rate_limited: int = 0


class Counters:
    """Stats under a lock: counted by many threads, read by any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stats = Stats()

    def add(
        self, *, calls: int = 0, retries: int = 0, waited_s: float = 0.0, tokens: int = 0, rate_limited: int = 0
    ) -> Stats:
        """Count, and the sums after it."""
        with self._lock:
            now = self._stats
            self._stats = Stats(
                now.calls + calls,
                now.retries + retries,
                now.waited_s + waited_s,
                now.tokens + tokens,
                now.rate_limited + rate_limited,
            )
            return self._stats

    @property
    def stats(self) -> Stats:
        with self._lock:
            return self._stats


@dataclass(eq=False)  # an exception must stay hashable
class _TransientError(Exception):
    """An attempt failed in a way that another may not. `reason` is a few words for messages and logs."""

    reason: str
    status: int | None = None
    trace_id: str | None = None
    retry_after_s: float | None = None
    is_payload: bool = False


class Wire:
    """Sends calls to one host, with retries. Thread-safe. Once `stopped` is set, calls end in StoppedError.

    The loop is written out rather than taken from stamina: stamina sleeps and draws its jitter by itself (here both are
    injected), adds jitter to a wait instead of drawing the whole wait, and cannot take the larger of a backoff and a
    Retry-After.
    """

    def __init__(
        self,
        base_url: str,
        pacer: Pacer,
        counters: Counters,
        *,
        transport: httpx.BaseTransport | None,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        rng: random.Random,
        stopped: threading.Event,
    ) -> None:
        self._pacer = pacer
        self._circuit = Circuit(monotonic)
        self._answered_at: float | None = None
        self._stopped = stopped
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._sockets_lock = threading.Lock()
        self._counters = counters
        self._monotonic = monotonic
        self._sleep = sleep
        self._rng = rng
        self._connections = Connections(base_url, transport)

    def close(self) -> None:
        self._connections.close()

    def hang_up(self) -> None:
        """Ends all connections, so that nobody goes on waiting for an answer."""
        with self._sockets_lock:
            sockets = list(self._sockets)
        for connected in sockets:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    def ask(self, call: Call, token: Callable[[], str] | None) -> Answer:
        """The portal's answer: any status that is not worth another attempt, JSON in hand where it is 200.

        `token` is asked before each attempt, since a token may end while we wait; None sends none, and such a call
        (for a token) waits for no circuit, for the call that needs it has done so.
        Raises PortalUnavailableError (RateLimitedError, UnexpectedPayloadError) when the attempts or the time are used
        up, StoppedError once it is time to stop.
        """
        spent_s, attempt, first_at = 0.0, 0, self._monotonic()
        while True:
            attempt += 1
            asked_at = self._monotonic()
            spent_s += self._pass_circuit(call, spent_s) if token else 0.0
            try:
                taken_at = self._pacer.take()
                self._counters.add(waited_s=self._monotonic() - asked_at)
                if self._stopped.is_set():
                    raise StoppedError
                token_now = token() if token else None
                began_at = self._monotonic()
                number = self._counters.add(calls=1).calls
                answer = self._attempt(call, token_now, began_at)
            except _TransientError as error:
                spent_s += self._monotonic() - began_at
                if error.status == 429:
                    self._counters.add(rate_limited=1)
                    self._pacer.slow_down(taken_at, error.retry_after_s or 0.0)
                if token:
                    self._tell_circuit(error)
                wait_s = self._backoff_s(attempt, error.retry_after_s)
                if attempt >= self._most_attempts(first_at) or spent_s + wait_s > MAX_CALL_S:
                    _give_up(call, error, attempt, spent_s)
                logger.warning(
                    "call %d: %s: %s (trace %s); attempt %d, next in %.1f s",
                    number, call.label, error.reason, error.trace_id, attempt, wait_s,
                )  # fmt: skip
                self._counters.add(retries=1, waited_s=wait_s)
                spent_s += wait_s
                self._sleep(wait_s)
            except BaseException as error:
                if token:
                    self._tell_circuit(error)
                raise
            else:
                if token:
                    self._circuit.answered()
                    self._answered_at = self._monotonic()
                logger.debug(
                    "call %d: %s: %d in %.3f s (trace %s)",
                    number, call.label, answer.status, self._monotonic() - began_at, answer.trace_id,
                )  # fmt: skip
                return replace(answer, token=token_now)

    def _pass_circuit(self, call: Call, spent_s: float) -> float:
        """Waits while nobody may call; how long, in seconds. A call that cannot wait that long ends here."""
        waited_s = 0.0
        while (wait_s := self._circuit.wait_s()) > 0:
            if spent_s + waited_s + wait_s > MAX_CALL_S:
                raise PortalUnavailableError(
                    f"{call.label} was not sent: too many calls failed, so the portal is left alone for another "
                    f"{math.ceil(wait_s / 60)} min. Nothing needs to be done; the next sync tries again.",
                    call=call.label,
                )  # fmt: skip
            self._sleep(wait_s)
            waited_s += wait_s
        return waited_s

    def _tell_circuit(self, error: BaseException) -> None:
        """What a data call that ended in `error` says of the portal."""
        if isinstance(error, _TransientError) and error.status == 429:
            self._circuit.answered()  # a portal that counts calls is alive, and the pacer has heard it
        elif isinstance(error, _TransientError | PortalUnavailableError):
            self._circuit.failed()
        else:
            self._circuit.gave_no_sign()

    def _most_attempts(self, first_at: float) -> int:
        """How often a call that began at `first_at` is tried."""
        is_alive = self._answered_at is not None and self._answered_at > first_at - RECENTLY_S
        return MAX_ATTEMPTS_WHILE_OTHERS_WORK if is_alive else MAX_ATTEMPTS

    def _backoff_s(self, attempt: int, retry_after_s: float | None) -> float:
        backoff_s = self._rng.uniform(0, min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2 ** (attempt - 1)))
        return max(retry_after_s or 0.0, backoff_s)

    def _attempt(self, call: Call, token: str | None, began_at: float) -> Answer:
        headers = {**HEADERS, **call.headers, **({"Authorization": f"Bearer {token}"} if token else {})}
        timeout = _TIMEOUT.as_dict()
        facts = {"timeout": timeout, "trace": self._on_event}
        request = httpx.Request(call.method, call.url, content=call.content, headers=headers, extensions=facts)
        try:
            # The transport itself: what a httpx.Client adds (cookies, redirects, a login) must not happen here anyway.
            with self._connections.lent() as lent, contextlib.closing(lent.handle_request(request)) as response:
                timeout["read"] = BODY_GAP_S
                body = b"".join(self._chunks(response, call, began_at))
        except httpx.TimeoutException as error:
            raise _TransientError("no answer in time") from error
        except httpx.TransportError as error:
            raise _TransientError(f"the connection failed ({type(error).__name__})") from error
        except zlib.error as error:
            raise _TransientError("the answer is damaged", response.status_code, is_payload=True) from error
        return _answer(call, response, body)

    def _on_event(self, name: str, facts: Mapping[str, Any]) -> None:
        # The one public way to the sockets, which `hang_up` needs: closing a client wakes nobody who waits for bytes.
        if name in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            with self._sockets_lock:
                self._sockets.add(facts["return_value"].get_extra_info("socket"))
            if self._stopped.is_set():
                self.hang_up()

    def _chunks(self, response: httpx.Response, call: Call, began_at: float) -> Iterator[bytes]:
        """The body, decoded, in pieces. Decoded here, because httpx unpacks a whole piece however large it becomes."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if response.is_stream_consumed:  # a transport that hands the body over whole has decoded it too
            pieces, unpack = iter([response.content]), None
        else:
            if encoding not in {"identity", "gzip"}:
                raise UnexpectedPayloadError(
                    f"{call.label} came back in the encoding {encoding[:20]!r}, though gzip was the only one offered.",
                    call=call.label, status=response.status_code,
                )  # fmt: skip
            pieces, unpack = response.iter_raw(), zlib.decompressobj(wbits=31) if encoding == "gzip" else None
        room = MAX_ANSWER_BYTES
        n_received = 0
        for piece in pieces:
            n_received += len(piece)
            chunk = unpack.decompress(piece, room + 1) if unpack else piece
            room -= len(chunk)
            if room < 0:
                raise UnexpectedPayloadError(
                    f"{call.label} sent more than {MAX_ANSWER_BYTES // 2**20} MiB, which no page of leads needs. The "
                    "rest was not read. Check that LEADLIB_API_URL is the portal's.",
                    call=call.label, status=response.status_code,
                )  # fmt: skip
            if self._stopped.is_set():
                raise StoppedError
            if self._monotonic() - began_at > ANSWER_TIMEOUT_S:
                raise _TransientError(f"the answer took longer than {ANSWER_TIMEOUT_S:.0f} s")
            yield chunk
        if unpack and n_received and not unpack.eof:
            raise _TransientError("the answer is cut off", response.status_code, is_payload=True)


def _answer(call: Call, response: httpx.Response, body: bytes) -> Answer:
    """The answer, or _TransientError for a status or a body that another attempt may not meet."""
    status = response.status_code
    portal_at = _http_date(response.headers.get("date"))
    parsed, row_texts = parse(body, has_leads=call.has_leads)
    trace_id = _trace_id(parsed) if status >= 300 else None
    if status in RETRYABLE_STATUSES:
        retry_after_s = _retry_after_s(response.headers.get("retry-after"), portal_at)
        raise _TransientError(f"status {status}", status, trace_id, retry_after_s)
    if status == 200 and parsed is NOT_JSON:
        what = "is empty" if not body.strip() else "is not JSON"
        raise _TransientError(f"status 200, but the answer {what}", status, is_payload=True)
    return Answer(status, None if parsed is NOT_JSON else parsed, portal_at, trace_id, row_texts=row_texts)


def _give_up(call: Call, error: _TransientError, attempts: int, spent_s: float) -> NoReturn:
    tried = f"{call.label} failed {attempts} times in {spent_s:.0f} s, the last time with: {error.reason}."
    if error.status == 429:
        raise RateLimitedError(
            f"{tried} Programs of this account share the portal's limit; lower LEADLIB_CALLS_PER_MINUTE or wait.",
            call=call.label, trace_id=error.trace_id, retry_after_s=error.retry_after_s,
        ) from error  # fmt: skip
    if error.is_payload:
        raise UnexpectedPayloadError(
            f"{tried} Check that LEADLIB_API_URL is the portal's, then try later.",
            call=call.label, status=error.status, trace_id=error.trace_id,
        ) from error  # fmt: skip
    raise PortalUnavailableError(
        f"{tried} Check the network and LEADLIB_API_URL; if both are right, the portal has trouble: try later.",
        call=call.label, status=error.status, trace_id=error.trace_id,
    ) from error  # fmt: skip


def refuse(call: Call, answer: Answer) -> NoReturn:
    """Raise what a status other than 200 means. A 401 is the caller's, who holds the token."""
    facts: dict[str, Any] = {"call": call.label, "status": answer.status, "trace_id": answer.trace_id}
    came = f"{call.label} was refused with {answer.status}{_detail(answer.body)}."
    if answer.status == 403:
        cause = f"The key lacks the permission {call.scope}. Create a key with it: permissions cannot be added later."
        if answer.body is None:
            cause = f"{cause} (The answer was no API answer, so a firewall before the portal may have blocked us.)"
        raise ScopeError(f"{came} {cause}", scope=call.scope, **facts)
    if answer.status in {400, 422}:
        raise BadRequestError(f"{came} Asking again will not help: change the question.", **facts)
    if answer.status == 404:
        raise NotFoundError(f"{call.label}: the portal knows no such thing (404).", **facts)
    if 400 <= answer.status < 500:
        raise PortalRefusedError(f"{came} Asking again will not help.", **facts)
    if 300 <= answer.status < 400:
        raise UnexpectedPayloadError(
            f"{call.label} was sent elsewhere ({answer.status}). Redirects are not followed, because the token would "
            "travel with them. Check LEADLIB_API_URL.",
            **facts,
        )
    if answer.status >= 500:
        raise PortalUnavailableError(f"{call.label} failed at the portal ({answer.status}). Try later.", **facts)
    raise UnexpectedPayloadError(f"{call.label} answered {answer.status} where only 200 has a meaning.", **facts)


def _trace_id(body: Any) -> str | None:
    """The portal's reference in a problem of the new format; None in the old one, which has none."""
    attributes = body.get("attributes") if isinstance(body, dict) else None
    trace_id = attributes.get("trace_id") if isinstance(attributes, dict) else None
    return trace_id if isinstance(trace_id, str) and re.fullmatch(r"[0-9A-Za-z_.:-]{1,64}", trace_id) else None


def _detail(body: Any) -> str:
    """ " (…)" with the portal's own words in either error format; empty if there are none.

    Whatever looks like a phone, an address or a key is starred out: a portal may quote what it was sent.
    """
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    inner = [e.get("detail") for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
    texts = [t for t in (*inner, body.get("detail"), body.get("title")) if isinstance(t, str) and t.strip()]
    if not texts:
        return ""
    words = ("…" if re.search(r"@|\d[\d ()-]{6,}\d|\S{30,}", word) else word for word in texts[0][:400].split())
    shown = re.sub(r"\+?\d[\d ()-]{6,}\d", "…", " ".join(words))
    return f" ({''.join(c for c in shown if c.isprintable())[:200].rstrip('.')})"


def _http_date(text: str | None) -> datetime | None:
    try:
        instant = email.utils.parsedate_to_datetime(text or "")
        return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _retry_after_s(text: str | None, portal_at: datetime | None) -> float | None:
    """Seconds to wait, at most MAX_RETRY_AFTER_S; a date is read against the portal's own clock where it told it."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER_S)
    until = _http_date(text)
    if until is None:
        return None
    return min(max(0.0, (until - (portal_at or datetime.now(UTC))).total_seconds()), MAX_RETRY_AFTER_S)
