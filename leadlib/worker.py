"""The background sync: one thread that reads the portal every few minutes, and when asked.

Pages never call the portal. They read the store, ask this thread for a sync (`request`) and show what it says of
itself (`status`). Of several programs on a shared store one does the work; this thread of the others passes on what is
asked there, shows what that one says, and takes over when it is gone.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from leadlib.errors import CredentialsError, LeadlibError, ScopeError, StoppedError, StoreError, StoreReadOnlyError
from leadlib.filters import Filters
from leadlib.store import ALONE, SyncRow, Told, Work
from leadlib.sync import Progress

log = logging.getLogger(__name__)

_LONGEST_PAUSE_S = 3600.0
"""Between two syncs with a key that the portal refuses."""

LOOK_S = 2.0
"""How often a program on a shared store looks whether it may do the work, and what others ask for."""


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

    @property
    def text(self) -> str:
        """What another program makes the same wish of, by `wish_of`."""
        selected = None if self.filters is None else dict(self.filters.selected)
        return json.dumps({"full": self.full, "since": self.since, "filters": selected}, sort_keys=True)


def wish_of(text: str) -> Wish:
    """The wish of another program's `text`; what is due, if that was of another version."""
    try:
        told = json.loads(text)
        filters = told["filters"]
        return Wish(bool(told["full"]), told["since"], None if filters is None else Filters.of(filters))
    except (ValueError, KeyError, TypeError, LeadlibError):
        return Wish()


@dataclass(frozen=True)
class Chore:
    """Something small that is done at the start and then every `every_s` seconds, beside the syncs.

    Of several programs on a shared store that which works does it, or each for itself where it is `for_each`.
    """

    name: str
    every_s: float
    run: Callable[[], None]
    for_each: bool = False


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
    is due next. All of that is done by the program that has `work`; `begin` is called each time it becomes this one.
    """

    def __init__(
        self,
        sync: Callable[[Wish, Callable[[Progress], None]], SyncRow],
        interval_minutes: int,
        chores: Sequence[Chore] = (),
        monotonic: Callable[[], float] = time.monotonic,
        work: Work = ALONE,
        begin: Callable[[], None] = lambda: None,
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
        self._work = work
        self._begin = begin
        self._is_ours = not work.is_shared
        self._told = Told()
        self._told_at_s = monotonic()
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
    def is_ours(self) -> bool:
        """True while this program does the work: always, unless the store is shared."""
        return self._is_ours

    @property
    def is_alive(self) -> bool:
        """True while a thread of it is at work or waiting for some."""
        return any(thread.is_alive() for thread in self._threads)

    @property
    def status(self) -> WorkerStatus:
        with self._wake:
            if not self._is_ours:
                return self._status_of_another()
            to_next = None if self._next_at is None else max(0.0, self._next_at - self._monotonic())
            return replace(self._status, n_queued=len(self._wishes), seconds_to_next=to_next)

    def _status_of_another(self) -> WorkerStatus:
        told = self._told
        return WorkerStatus(
            progress=Progress(**json.loads(told.progress)) if told.progress else None,
            n_finished=told.n_finished,
            error=self._status.error,
            n_queued=told.n_waiting + len(self._wishes),
        )

    def _loop(self) -> None:
        while True:
            if self._work.is_shared:
                self._look_around()
            with self._wake:
                if self._is_stopping:
                    return
                if not self._is_ours or not (self._wishes or self._is_due()):
                    self._wake.wait(self._seconds_to_look())
                    continue
                wish = self._wishes.pop(0) if self._wishes else Wish()
                self._status = replace(self._status, progress=Progress("starting"))
            self._run(wish)

    def _seconds_to_look(self) -> float | None:
        to_next = None if self._next_at is None else max(0.0, self._next_at - self._monotonic())
        if not self._work.is_shared:
            return to_next
        return min(LOOK_S, to_next) if to_next is not None and self._is_ours else LOOK_S

    def _look_around(self) -> None:
        """Takes the work if nobody has it; takes on what others ask for, or passes on what is asked here."""
        try:
            if self._work.take():
                if not self._is_ours:
                    self._begin()
                    log.info("this program now does the work on the shared store")
                asked = [wish_of(text) for text in self._work.asked()]
                with self._wake:
                    self._is_ours = True
                    self._wishes += [wish for wish in asked if wish not in self._wishes]
                self._tell()
            else:
                with self._wake:
                    self._is_ours = False
                self._pass_on()
                self._told = self._work.told()
        except StoreError as error:
            with self._wake:
                self._is_ours = False
            log.warning("the other programs on the shared store could not be asked: %s", type(error).__name__)

    def _pass_on(self) -> None:
        while self._wishes:
            try:
                self._work.ask(self._wishes[0].text)
                failure = None
            except StoreReadOnlyError as error:
                failure = error
            with self._wake:
                self._wishes.pop(0)
                self._status = replace(self._status, error=failure)

    def _tell(self) -> None:
        with self._wake:
            progress, n_finished = self._status.progress, self._status.n_finished
        self._work.tell(Told("" if progress is None else json.dumps(asdict(progress)), n_finished))
        self._told_at_s = self._monotonic()

    def _do_chores(self) -> None:
        due_at = {chore: self._monotonic() for chore in self._chores}
        while True:
            chore = min(due_at, key=lambda one: due_at[one])
            with self._wake:
                while not self._is_stopping and self._monotonic() < due_at[chore]:
                    self._wake.wait(due_at[chore] - self._monotonic())
                if self._is_stopping:
                    return
            if not (self._is_ours or chore.for_each):
                due_at[chore] = self._monotonic() + LOOK_S
                continue
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
        if self._work.is_shared and self._monotonic() - self._told_at_s > LOOK_S:
            with suppress(StoreError):  # nobody else knows how far it is, and it goes on
                self._tell()
