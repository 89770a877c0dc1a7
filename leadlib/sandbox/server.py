"""The sandbox on a port: in a thread for tests, or blocking for the command line."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Final

import uvicorn

from leadlib.sandbox.app import create_app
from leadlib.sandbox.clock import Clock
from leadlib.sandbox.deliveries import Deliveries
from leadlib.sandbox.portal import Portal
from leadlib.sandbox.settings import SandboxSettings
from leadlib.sandbox.truth import Truth

_START_TIMEOUT_S: Final = 10.0
_DELIVER_EVERY_S: Final = 1.0


class SandboxServer:
    """A sandbox on 127.0.0.1, served by a daemon thread between `with` and its end.

    `port` 0 takes any free one. `calls` counts requests by path, refused ones too, so that a test can prove that
    something never calls the portal.
    """

    def __init__(self, settings: SandboxSettings, port: int = 0) -> None:
        self.settings = settings
        self._app = create_app(settings)
        self._portal: Portal = self._app.state.portal
        self._deliveries: Deliveries = self._app.state.deliveries
        self._ending = threading.Event()
        self._port = port
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end. Raises RuntimeError before the start."""
        if self._socket is None:
            raise RuntimeError("the sandbox is not running: use it in a with statement")
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def truth(self) -> Truth:
        return self._portal.truth

    @property
    def calls(self) -> Counter[str]:
        return self._portal.calls

    @property
    def clock(self) -> Clock:
        return self._portal.clock

    def issue_key(self, key: str, secret: str) -> None:
        """One key more, beside those there are: both work, as at the portal while a key is being changed."""
        self._portal.doorman.issue(key, secret)

    def revoke_key(self, key: str) -> None:
        """Ends a key, and with it all its tokens."""
        self._portal.doorman.revoke(key)

    def deliver_webhooks(self) -> int:
        """Send the events that are due by now; how many were accepted. While the clock runs, a thread does it too."""
        return self._deliveries.turn()

    def events_between(self, since: datetime, until: datetime) -> Iterator[bytes]:
        """The bodies of the webhook events after `since` up to `until`, lead by lead, as they would have been sent."""
        return self._deliveries.between(since, until)

    def __enter__(self) -> SandboxServer:
        # Bound before the thread starts: a taken port fails here, and the address is known at once.
        self._socket = socket.create_server(("127.0.0.1", self._port))
        # asyncio leaves Nagle's algorithm on for sockets it did not make, which costs 40 ms a call.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A cut answer makes uvicorn complain at error level, which is what that fault is for.
        log_level = "critical" if self.settings.faults & {"reset", "drip", "huge-body"} else "warning"
        config = uvicorn.Config(
            self._app, log_level=log_level, access_log=False, lifespan="off", ws="none",
            date_header=False, server_header=False, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="sandbox", daemon=True
        )
        self._thread.start()
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline_s:
                raise RuntimeError("the sandbox did not start")
            time.sleep(0.002)
        if not self.clock.is_held:
            threading.Thread(target=self._deliver_on, name="sandbox-webhooks", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(5)
        if self._socket is not None:
            self._socket.close()

    def _deliver_on(self) -> None:
        while not self._ending.wait(_DELIVER_EVERY_S):
            self._deliveries.turn()

    def wait(self) -> None:
        """Block until the server ends, which in the ordinary way it does not."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(1)


def serve(settings: SandboxSettings, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until interrupted (Ctrl-C ends it quietly); `on_ready` gets the base URL once calls are answered.

    Raises OSError when the port is taken.
    """
    with SandboxServer(settings, port) as sandbox:
        on_ready(sandbox.url)
        try:
            sandbox.wait()
        except KeyboardInterrupt:
            return
