"""Receiving a delivery: who sent it is checked, then it is kept, then it is answered. Nothing else happens here.

The portal gives five seconds for an answer and counts an event without one as undelivered, so neither the database nor
the portal is touched, and a busy store or a portal that is down is no reason to refuse.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from leadlib.config import Settings, load_settings
from leadlib.errors import LeadlibError
from leadlib.webhooks.signature import is_signed
from leadlib.webhooks.spool import Spool

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 256 * 1024
"""No event is nearly as long; more is not read."""

_THREADS = 16
_COMPLAIN_EVERY_S = 60.0


@dataclass(frozen=True)
class Receipt:
    """The answer to a delivery: an HTTP status and a sentence."""

    status: int
    text: str


KEPT = Receipt(200, "Kept.")
TOO_LONG = Receipt(413, f"The body is longer than {MAX_BODY_BYTES // 1024} KiB, which no lead event is.")
NOT_SIGNED = Receipt(401, "X-Signature is not the signature of this body.")
NO_SECRET = Receipt(503, "LEADLIB_WEBHOOK_SECRET is not set here, so the portal cannot be told from others.")
NOT_KEPT = Receipt(503, "The event could not be kept. Send it again later.")
NO_SETTINGS = Receipt(503, "A setting of this installation needs attention.")


class Receiver:
    """Takes deliveries for the installation that the settings name. Threads are its own: others may all be busy."""

    def __init__(self, settings: Callable[[], Settings] = load_settings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="leadlib-receiving")
        self._lock = threading.Lock()
        self._complained_at_s: dict[Receipt, float] = {}

    async def receive(
        self, chunks: AsyncIterator[bytes], announced_bytes: str | None, signature: bytes | None
    ) -> Receipt:
        """The answer to a delivery whose body comes in `chunks`; `announced_bytes` is its Content-Length header.

        After KEPT the event survives a crash. No more than MAX_BODY_BYTES and a chunk are read.
        """
        if announced_bytes is not None and _is_too_long(announced_bytes):
            return self._answer(TOO_LONG)
        body = bytearray()
        async for chunk in chunks:
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return self._answer(TOO_LONG)
        loop = asyncio.get_running_loop()
        return self._answer(await loop.run_in_executor(self._threads, self._take, bytes(body), signature))

    def _take(self, body: bytes, signature: bytes | None) -> Receipt:
        try:
            settings = self._settings()
        except LeadlibError:
            return NO_SETTINGS
        if settings.webhook_secret is None:
            return NO_SECRET
        if not is_signed(body, signature, settings.webhook_secret.reveal()):
            return NOT_SIGNED
        try:
            Spool(settings.database).put(body)
        except OSError:
            return NOT_KEPT
        return KEPT

    def _answer(self, receipt: Receipt) -> Receipt:
        """`receipt`, logged if it is a refusal, each kind once a minute: who floods us must not fill the disk."""
        if receipt is not KEPT:
            with self._lock:
                now_s = time.monotonic()
                is_due = now_s - self._complained_at_s.get(receipt, -_COMPLAIN_EVERY_S) >= _COMPLAIN_EVERY_S
                if is_due:
                    self._complained_at_s[receipt] = now_s
            if is_due:
                log.warning("a webhook delivery was answered with %d: %s", receipt.status, receipt.text)
        return receipt


def _is_too_long(announced_bytes: str) -> bool:
    return announced_bytes.isascii() and announced_bytes.isdigit() and int(announced_bytes[:20]) > MAX_BODY_BYTES
