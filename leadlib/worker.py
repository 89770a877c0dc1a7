"""The background sync: one thread that reads the portal every few minutes, and when asked.

Pages never call the portal. They read the store, ask this thread for a sync (`request`) and show what it says of
itself (`status`).
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from leadlib.errors import CredentialsError, LeadlibError, ScopeError, StoppedError
from leadlib.filters import Filters
from leadlib.store import SyncRow
from leadlib.sync import Progress

log = logging.getLogger(__name__)

_LONGEST_PAUSE_S = 3600.0
"""Between two syncs with a key that the portal refuses."""


@dataclass(frozen=True)
class Wish:
    """A sync that somebody asked for: the whole window, from a day on, one view's filters, or what is due."""

    full: bool = False
    since: str | None = None
    filters: Filters | None = None

    @property
    def is_part(self) -> bool:
        """True if it reads less than what is due, so that what is due stays due."""
        return self.since is not None or self.filters is not None


@dataclass(frozen=True)
class Chore:
    """Something small that is done at the start and then every `every_s` seconds, beside the syncs."""

    name: str
    every_s: float
    run: Callable[[], None]


@dataclass(frozen=True)
class WorkerStatus:
    """What the thread is doing. `progress` is set while it syncs, `n_finished` grows with each end.

    `error` is the failure of the last sync, None once one has succeeded. `seconds_to_next` is None if no sync is
    planned.
    """

    progress: Progress | None = None
    last: SyncRow | None = None
    error: LeadlibError | None = None
    n_finished: int = 0
    n_queued: int = 0
    seconds_to_next: float | None = None

    @property
    def is_running(self) -> bool:
        return self.progress is not None


class Worker:
    """Runs `sync` in a thread of its own: at once, then every `interval_minutes` (0: only when asked).

    `chores` run in a second thread, so that none of them waits for a long sync. One that fails is tried again when it
    is due next.
    """

    def __init__(
        self,
        sync: Callable[[Wish, Callable[[Progress], None]], SyncRow],
        interval_minutes: int,
        chores: Sequence[Chore] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sync = sync
        self._chores = tuple(chores)
        self._interval_s = interval_minutes * 60
        self._monotonic = monotonic
        self._wake = threading.Condition()
        self._wishes: list[Wish] = []
        self._status = WorkerStatus()
        self._next_at = monotonic() if interval_minutes else None
        self._is_stopping = False
        self._n_refused = 0
        self._threads = [threading.Thread(target=self._loop, name="leadlib-worker", daemon=True)]
        if self._chores:
            self._threads.append(threading.Thread(target=self._do_chores, name="leadlib-chores", daemon=True))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float = 5) -> None:
        """Ends the threads: at once if it waits, else after the page a sync is reading. Nothing committed is lost."""
        with self._wake:
            self._is_stopping = True
            self._wake.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout_s)

    def request(self, wish: Wish) -> None:
        """Queues a sync; one that already waits in the queue is not queued twice."""
        with self._wake:
            if wish not in self._wishes:
                self._wishes.append(wish)
            self._wake.notify_all()

    @property
    def is_alive(self) -> bool:
        """True while a thread of it is at work or waiting for some."""
        return any(thread.is_alive() for thread in self._threads)

    @property
    def status(self) -> WorkerStatus:
        with self._wake:
            to_next = None if self._next_at is None else max(0.0, self._next_at - self._monotonic())
            return replace(self._status, n_queued=len(self._wishes), seconds_to_next=to_next)

    def _loop(self) -> None:
        while True:
            with self._wake:
                while not self._is_stopping and not self._wishes and not self._is_due():
                    self._wake.wait(None if self._next_at is None else max(0.0, self._next_at - self._monotonic()))
                if self._is_stopping:
                    return
                wish = self._wishes.pop(0) if self._wishes else Wish()
                self._status = replace(self._status, progress=Progress("starting"))
            self._run(wish)

    def _do_chores(self) -> None:
        due_at = {chore: self._monotonic() for chore in self._chores}
        while True:
            chore = min(due_at, key=lambda one: due_at[one])
            with self._wake:
                while not self._is_stopping and self._monotonic() < due_at[chore]:
                    self._wake.wait(due_at[chore] - self._monotonic())
                if self._is_stopping:
                    return
            try:
                chore.run()
            except Exception as error:  # noqa: BLE001  # one chore's bug must not end the thread that does the others
                log.error("%s failed: %s", chore.name, type(error).__name__)
            due_at[chore] = self._monotonic() + chore.every_s

    def _is_due(self) -> bool:
        return self._next_at is not None and self._monotonic() >= self._next_at

    def _run(self, wish: Wish) -> None:
        last, failure = None, None
        try:
            last = self._sync(wish, self._report)
        except LeadlibError as error:
            failure = error
        except Exception as error:  # noqa: BLE001  # a bug in a sync must not end the thread that does all later ones
            log.error("a sync ended in %s", type(error).__name__)
            failure = LeadlibError(f"The sync stopped on an error of its own ({type(error).__name__}).")
        self._n_refused = min(self._n_refused + 1, 10) if isinstance(failure, CredentialsError | ScopeError) else 0
        with self._wake:
            self._status = WorkerStatus(
                last=last or self._status.last, error=failure, n_finished=self._status.n_finished + 1
            )
            if self._interval_s and not wish.is_part:
                self._next_at = self._monotonic() + self._pause_s()

    def _pause_s(self) -> float:
        """Seconds until the next sync: longer and longer while the portal refuses the key, which nobody mends soon."""
        return max(self._interval_s, min(self._interval_s * 2.0**self._n_refused, _LONGEST_PAUSE_S))

    def _report(self, progress: Progress) -> None:
        with self._wake:
            if self._is_stopping:
                raise StoppedError
            self._status = replace(self._status, progress=progress)
