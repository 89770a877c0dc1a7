"""Patience: how long somebody waits for an answer, and a watch that stops the statements nobody waits for."""

import atexit
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from leadlib.errors import QueryStoppedError, SlowQueryError

_LOOK_EVERY_S = 0.05


@dataclass(frozen=True)
class Patience:
    """What somebody who asks is ready to wait: `seconds` for each statement (None: as long as it takes).

    `is_gone` says whether they want no answer any more; it is called from another thread, often, and must be quick.
    `leave` is called in their own thread once their statement has been stopped for that, and may raise what ends
    whatever they were doing.
    """

    seconds: float | None = None
    is_gone: Callable[[], bool] = lambda: False
    leave: Callable[[], None] = lambda: None


def too_slow(seconds: float | None, path: str) -> SlowQueryError:
    """What is raised when the seconds are over."""
    return SlowQueryError(
        f"A question to the store was not answered within {seconds:g} s and was stopped, so that nobody else has to "
        "wait for it. Ask for fewer days, or narrow another filter.",
        path,
    )


def unwanted(path: str) -> QueryStoppedError:
    """What is raised when whoever asked is gone."""
    return QueryStoppedError("Nobody waits for this answer any more.", path)


@contextmanager
def waiting_for(lock: threading.Lock, patience: Patience, path: str) -> Iterator[None]:
    """Holds the lock meanwhile, having waited for it as long as the patience lasts.

    Raises SlowQueryError or QueryStoppedError when it ends before, or what its `leave` raises.
    """
    last_s = time.monotonic() + (patience.seconds or 0)
    while not lock.acquire(timeout=_LOOK_EVERY_S):
        if patience.is_gone():
            patience.leave()
            raise unwanted(path)
        if patience.seconds is not None and time.monotonic() > last_s:
            raise too_slow(patience.seconds, path)
    try:
        yield
    finally:
        lock.release()


ENDLESS = Patience()
"""Of whoever waits as long as it takes: the worker, the command line."""


class Running:
    """A statement that runs on `cursor`; `is_late` and `is_unwanted` say why it was stopped, if it was."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, patience: Patience) -> None:
        self._cursor = cursor
        self._patience = patience
        self._ends_at_s = None if patience.seconds is None else time.monotonic() + patience.seconds
        self.is_late = False
        self.is_unwanted = False

    def look(self) -> None:
        """Stops the statement if it is time. Again at each look: an interruption before it has begun is lost."""
        if not self.is_late and not self.is_unwanted:
            self.is_unwanted = self._patience.is_gone()
            self.is_late = self._ends_at_s is not None and time.monotonic() > self._ends_at_s
        if self.is_late or self.is_unwanted:
            self._cursor.interrupt()


class _Watch:
    """One thread for the statements of the process: a timer for each would cost more than most of them do."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: set[Running] = set()
        self._thread: threading.Thread | None = None
        self._is_ending = False

    @contextmanager
    def over(self, running: Running) -> Iterator[None]:
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="watch over statements", daemon=True)
                self._thread.start()
                atexit.register(self._end)
            self._running.add(running)
            if len(self._running) == 1:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:  # after this nothing interrupts the cursor, whatever it does next
                self._running.discard(running)

    def _look(self) -> None:
        while not self._is_ending:
            with self._changed:
                self._changed.wait_for(lambda: self._running or self._is_ending)
                self._look_at_all()
            time.sleep(_LOOK_EVERY_S)

    def _end(self) -> None:
        """At the end of the program: a thread that went on would keep DuckDB loaded while the rest is taken down."""
        with self._changed:
            self._is_ending = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(1)

    def _look_at_all(self) -> None:
        # A function of its own: its variable would otherwise keep the last cursor, and with it a closed file, open.
        for running in self._running:
            running.look()


_WATCH = _Watch()


@contextmanager
def watched(cursor: duckdb.DuckDBPyConnection, patience: Patience) -> Iterator[Running]:
    """What runs on the cursor meanwhile is stopped when the patience ends: it then raises duckdb.InterruptException."""
    running = Running(cursor, patience)
    if patience is ENDLESS:
        yield running
        return
    with _WATCH.over(running):
        yield running
