"""The pacer: never too fast, halved by a 429, and back again."""

import threading
from collections.abc import Callable

import pytest

from leadlib.api import Pacer, default_burst
from tests.api_doubles import Clock


def paced(clock: Clock, calls_per_minute: int, burst: int | None = None) -> Pacer:
    return Pacer(calls_per_minute, burst, monotonic=clock.monotonic, sleep=clock.sleep)


def most_in_a_minute(instants: list[float]) -> int:
    """The most calls in any window of 60 s (its end not included)."""
    return max(sum(first <= instant < first + 60 for instant in instants) for first in instants)


@pytest.mark.parametrize(("calls_per_minute", "burst"), [(600, 40), (60, 4), (1, 1)])
def test_no_minute_holds_more_than_the_pace_and_the_burst(calls_per_minute: int, burst: int) -> None:
    clock = Clock()
    pacer = paced(clock, calls_per_minute, burst)
    instants = [pacer.take() for _ in range(3 * calls_per_minute)]
    assert most_in_a_minute(instants) <= calls_per_minute + burst
    assert instants[burst - 1] == instants[0], "the burst goes at once"


def test_the_pace_is_used_to_95_percent() -> None:
    clock = Clock()
    pacer = paced(clock, 600)
    start = clock.now
    for _ in range(3000):
        pacer.take()
    assert 3000 / (clock.now - start) * 60 >= 0.95 * 600


def test_a_pause_does_not_save_up_more_than_the_burst() -> None:
    clock = Clock()
    pacer = paced(clock, 60, 5)
    clock.now += 3600
    instants = [pacer.take() for _ in range(20)]
    assert instants.count(instants[0]) == 5


@pytest.mark.parametrize("calls_per_minute", [1, 10, 325, 600, 625, 649, 650])
def test_the_default_burst_stays_below_the_portals_650(calls_per_minute: int) -> None:
    assert calls_per_minute + default_burst(calls_per_minute) <= max(650, calls_per_minute + 1)
    assert 1 <= default_burst(calls_per_minute) <= 40


def test_the_default_pace_keeps_ten_calls_a_minute_for_others() -> None:
    clock = Clock()
    pacer = Pacer(monotonic=clock.monotonic, sleep=clock.sleep)
    assert most_in_a_minute([pacer.take() for _ in range(2000)]) <= 640


def test_a_429_halves_the_pace_and_a_tenth_comes_back_each_minute() -> None:
    clock = Clock()
    pacer = paced(clock, 600, 40)
    pacer.slow_down(pacer.take())
    assert pacer.calls_per_minute == pytest.approx(300)
    clock.now += 60
    assert pacer.calls_per_minute == pytest.approx(360)
    clock.now += 3600
    assert pacer.calls_per_minute == pytest.approx(600)


def test_after_a_429_the_burst_is_gone() -> None:
    clock = Clock()
    pacer = paced(clock, 600, 40)
    first = pacer.take()
    pacer.slow_down(first)
    assert pacer.take() - first == pytest.approx(60 / 300, rel=0.01)


def test_calls_that_were_in_flight_together_halve_the_pace_once() -> None:
    clock = Clock()
    pacer = paced(clock, 600, 40)
    in_flight = [pacer.take() for _ in range(8)]
    for taken_at in in_flight:
        clock.now += 0.001
        pacer.slow_down(taken_at)
    assert pacer.calls_per_minute == pytest.approx(300, rel=0.01)
    clock.now += 1
    pacer.slow_down(pacer.take())
    assert pacer.calls_per_minute == pytest.approx(151, rel=0.02), "a later 429 counts again"


def test_the_pace_never_falls_to_nothing() -> None:
    clock = Clock()
    pacer = paced(clock, 600, 40)
    for _ in range(50):
        pacer.slow_down(pacer.take())
    assert pacer.calls_per_minute >= 30


def test_nobody_goes_before_the_hold_is_over() -> None:
    clock = Clock()
    pacer = paced(clock, 600, 40)
    pacer.slow_down(pacer.take(), hold_s=30)
    assert pacer.take() >= 1030


def test_a_hold_counts_when_calls_are_in_hand_too() -> None:
    clock = Clock()
    pacer = paced(clock, 600, 40)
    first = pacer.take()
    pacer.slow_down(first)
    clock.now += 10
    pacer.slow_down(first, hold_s=30)
    assert pacer.take() == 1000 + 10 + 30


@pytest.mark.parametrize(("calls_per_minute", "burst"), [(0, 1), (-1, 1), (10, 0)])
def test_a_pacer_that_lets_nothing_pass_is_refused(calls_per_minute: int, burst: int) -> None:
    with pytest.raises(ValueError, match="at least one call"):
        Pacer(calls_per_minute, burst)


def in_threads(n: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_threads_share_one_bucket() -> None:
    """A clock that many threads move: each nap moves it at least to its own end."""
    lock = threading.Lock()
    now = [0.0]
    instants: list[float] = []

    def sleep(seconds: float) -> None:
        with lock:
            now[0] += seconds

    pacer = Pacer(600, 40, monotonic=lambda: now[0], sleep=sleep)

    def work() -> None:
        for _ in range(100):
            taken_at = pacer.take()
            with lock:
                instants.append(taken_at)

    in_threads(8, work)
    assert len(instants) == 800
    assert most_in_a_minute(instants) <= 640
