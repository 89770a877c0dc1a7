"""The background sync: when it runs, what it queues, and that nothing ends its thread but `stop`."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leadlib.config import Secret, Settings
from leadlib.engine import Engine
from leadlib.errors import LeadlibError, PortalUnavailableError
from leadlib.filters import Filters
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.store import Store, SyncRow
from leadlib.sync import Progress
from leadlib.worker import Chore, Wish, Worker
from tests.conftest import DUBAI, eventually

DUE = Wish()
CALLS = Wish(filters=Filters.of({"type": ["call"]}))
TODAY = Wish(since="2026-11-20")
PATIENCE_S = 10


def ended(outcome: str = "complete") -> SyncRow:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return SyncRow("id", "full", outcome, "filter", at, at, None, None, 0, 0, 0, 0, 0, 0, 0, 0, 0.0, None)


@dataclass
class Bench:
    """A worker whose clock stands still and whose syncs wait until they are let go."""

    interval_minutes: int = 5
    is_held: bool = False
    now_s: float = 1_000.0
    failures: list[Exception] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.go = threading.Event()
        self.worker = Worker(self.sync, self.interval_minutes, monotonic=lambda: self.now_s)

    def sync(self, wish: Wish, on_progress: Callable[[Progress], None]) -> SyncRow:
        self.wishes.append(wish)
        on_progress(Progress("reading leads", n_read=50))
        if self.is_held:
            assert self.go.wait(PATIENCE_S)
            on_progress(Progress("reading leads", n_read=100))
        if self.failures:
            raise self.failures.pop(0)
        return ended()

    def start(self) -> Worker:
        self.worker.start()
        return self.worker

    def finished(self, n: int) -> None:
        eventually(lambda: self.worker.status.n_finished == n)


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(**options: object) -> Bench:
        made.append(Bench(**options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.go.set()
        one.worker.stop()


def test_first_sync_is_due_at_once_and_the_next_after_the_interval(bench: Callable[..., Bench]) -> None:
    one = bench()
    worker = one.start()
    one.finished(1)
    assert worker.status.seconds_to_next == 300
    one.now_s += 299
    assert worker.status.seconds_to_next == 1
    one.now_s += 1
    worker.request(DUE)  # wakes the thread, which finds that a sync is asked for and due: one is enough for both
    one.finished(2)
    assert one.wishes == [DUE, DUE]
    assert worker.status.seconds_to_next == 300


def test_without_an_interval_it_runs_only_when_asked(bench: Callable[..., Bench]) -> None:
    one = bench(interval_minutes=0)
    worker = one.start()
    assert (worker.status.seconds_to_next, worker.status.n_finished) == (None, 0)
    worker.request(Wish(full=True))
    one.finished(1)
    assert one.wishes == [Wish(full=True)]
    assert worker.status.seconds_to_next is None


@pytest.mark.parametrize("part", [CALLS, TODAY], ids=["view", "since"])
def test_sync_of_a_part_does_not_put_off_what_is_due(bench: Callable[..., Bench], part: Wish) -> None:
    one = bench()
    worker = one.start()
    one.finished(1)
    one.now_s += 200
    worker.request(part)
    one.finished(2)
    assert worker.status.seconds_to_next == 100


def test_the_same_wish_is_queued_once_and_all_are_carried_out_in_turn(bench: Callable[..., Bench]) -> None:
    one = bench(interval_minutes=0, is_held=True)
    worker = one.start()
    worker.request(DUE)
    eventually(lambda: len(one.wishes) == 1)
    for wish in (CALLS, Wish(full=True), CALLS, Wish(full=True)):
        worker.request(wish)
    assert (worker.status.is_running, worker.status.n_queued) == (True, 2)
    one.go.set()
    one.finished(3)
    assert one.wishes == [DUE, CALLS, Wish(full=True)]
    assert worker.status.n_queued == 0


def test_progress_is_shown_while_it_runs_and_gone_after(bench: Callable[..., Bench]) -> None:
    one = bench(interval_minutes=0, is_held=True)
    worker = one.start()
    worker.request(DUE)
    eventually(lambda: worker.status.progress == Progress("reading leads", n_read=50))
    one.go.set()
    one.finished(1)
    assert worker.status.progress is None
    assert worker.status.last == ended()


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        pytest.param(PortalUnavailableError("It is down.", call="GET /v1/leads"), "It is down.", id="portal"),
        pytest.param(ZeroDivisionError("a secret"), "an error of its own (ZeroDivisionError)", id="bug"),
    ],
)
def test_failure_is_told_and_ends_no_thread(bench: Callable[..., Bench], failure: Exception, words: str) -> None:
    one = bench(failures=[failure])
    worker = one.start()
    one.finished(1)
    assert words in str(worker.status.error)
    assert "a secret" not in str(worker.status.error)
    assert worker.status.seconds_to_next == 300
    worker.request(DUE)
    one.finished(2)
    assert (worker.status.error, worker.status.last) == (None, ended())


def test_failure_keeps_the_last_good_sync(bench: Callable[..., Bench]) -> None:
    one = bench()
    worker = one.start()
    one.finished(1)
    one.failures.append(LeadlibError("No."))
    worker.request(DUE)
    one.finished(2)
    assert str(worker.status.error) == "No."
    assert worker.status.last == ended()


def test_stop_ends_a_waiting_thread_at_once(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.start()
    one.finished(1)
    one.worker.stop()
    one.worker.request(DUE)
    assert not one.worker.is_alive
    assert one.wishes == [DUE]


def test_stop_ends_a_sync_at_its_next_report(bench: Callable[..., Bench]) -> None:
    one = bench(is_held=True)
    worker = one.start()
    eventually(lambda: bool(one.wishes))
    worker.stop(timeout_s=0)
    assert worker.is_alive
    one.go.set()
    one.finished(1)
    assert "is being stopped" in str(worker.status.error)


def test_stop_before_the_start_is_nothing(bench: Callable[..., Bench]) -> None:
    worker = bench().worker
    worker.stop()
    assert not worker.status.is_running
    assert worker.status.n_finished == 0


def test_engine_closed_during_a_sync_keeps_what_was_committed_and_tells_why(tmp_path: Path) -> None:
    with SandboxServer(SandboxSettings(n_leads=1_000, latency_s=0.05, calls_per_minute=10**6)) as portal:
        settings = Settings(
            api_url=portal.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET), database=tmp_path / "store"
        )
        engine = Engine.open(settings)
        engine.worker.start()
        eventually(lambda: engine.worker.status.progress is not None and engine.worker.status.progress.n_read > 100)
        engine.close()
        assert not engine.worker.is_alive
        with Store.open(tmp_path / "store", timezone=DUBAI, portal=portal.url) as store:
            syncs = store.query("select outcome, message from syncs")
            n_leads = len(store.query("select lead_id from leads"))
            n_contacts = store.contacts(store.query("select lead_id from leads")["lead_id"].tolist()).num_rows
    assert syncs["outcome"].tolist() == ["failed"]
    assert "is being stopped" in syncs["message"].iloc[0]
    assert n_contacts == n_leads > 100


def test_chores_run_at_the_start_then_when_due_and_beside_a_running_sync() -> None:
    done: list[str] = []
    holds = threading.Event()

    def sync(wish: Wish, on_progress: Callable[[Progress], None]) -> SyncRow:
        assert holds.wait(PATIENCE_S)
        return ended()

    clock = {"now_s": 1_000.0}
    chores = (Chore("often", 10, lambda: done.append("often")), Chore("seldom", 3_600, lambda: done.append("seldom")))
    worker = Worker(sync, 5, chores, monotonic=lambda: clock["now_s"])
    worker.start()
    eventually(lambda: sorted(done) == ["often", "seldom"])
    clock["now_s"] += 10
    worker.request(DUE)  # wakes the threads, which look at the clock
    eventually(lambda: done.count("often") == 2)
    assert done.count("seldom") == 1
    holds.set()
    worker.stop()
    assert not worker.is_alive


def test_a_chore_that_fails_is_tried_again_and_hinders_no_other(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    def failing() -> None:
        done.append(1)
        raise ZeroDivisionError("a secret")

    clock = {"now_s": 1_000.0}
    worker = Worker(lambda wish, report: ended(), 0, [Chore("counting", 10, failing)], monotonic=lambda: clock["now_s"])
    worker.start()
    eventually(lambda: len(done) == 1)

    def again() -> bool:
        # When it is due next is set after it has failed, so one step of the clock could come too early.
        clock["now_s"] += 10
        worker.request(DUE)
        return len(done) >= 2

    eventually(again)
    worker.stop()
    assert "counting failed: ZeroDivisionError" in caplog.text
    assert "a secret" not in caplog.text
