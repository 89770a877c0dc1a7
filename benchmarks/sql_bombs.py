"""Twenty SQL bombs beside eight sessions of the dashboard: `python -m benchmarks.sql_bombs`.

Measured: what the questions of one Overview (summary, volume, funnel, two breakdowns) take in this process, by filters
that no session has asked with before, so that each goes to DuckDB. Eight sessions ask, each thinking for a second in
between; first alone, then while two users run the bombs of the tests one after the other under the usual limits, which
is as many as run at a time, then alone again. May claim: what cells that go wrong cost those who look at pages. May not
claim: how fast pages are, which `benchmarks.rerun` says. Another load on the machine falls on all three parts; the load
average tells of it.
"""

import os
import platform
import queue
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

from leadlib.config import Settings
from leadlib.engine import Engine
from leadlib.errors import SqlCellError
from leadlib.filters import Filters
from leadlib.metrics import breakdown, funnel, summary, volume
from leadlib.sql_cells import run_sql
from leadlib.store import Store
from leadlib.worker import Wish
from tests.sql_bombs import BOMBS

N_SESSIONS = 8
N_BOMBERS = 2
THINKING_S = 1.0
ALONE_S = 20.0
TARGET = 2.0


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine.open(Settings(database=Path(folder), sync_minutes=0))
        engine.sync(Wish(full=True), lambda progress: None)
        views = unseen_views(engine.store)
        n_leads = int(engine.store.query("select count(*) as n from leads")["n"].iloc[0])
        print(f"{n_leads:,} leads; {platform.machine()}, {os.cpu_count()} cores; {N_SESSIONS} sessions")
        alone = ask_until(engine.store, views, lambda: time.sleep(ALONE_S))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        bombed = ask_until(engine.store, views, lambda: drop_all(Path(folder)))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
        again = ask_until(engine.store, views, lambda: time.sleep(ALONE_S))
        print(f"{'sessions':<18}{'answers':>9}{'median ms':>11}{'p95 ms':>9}{'load':>7}")
        for name, (times, load) in (("alone", alone), ("beside bombs", bombed), ("alone again", again)):
            print(f"{name:<18}{len(times):>9}{statistics.median(times):>11.0f}{p95(times):>9.0f}{load:>7.1f}")
        ratio = p95(bombed[0]) / p95(alone[0] + again[0])
        print(
            f"p95 beside bombs / alone: {ratio:.2f} (target: {TARGET:g}); this process grew by {grown / 1024:.0f} MiB"
        )
        engine.close()


def unseen_views(store: Store) -> Iterator[Filters]:
    """Filters that no cache has seen: every agent, from every day."""
    agents = store.query("select distinct agent_id::varchar as agent from leads where agent_id is not null order by 1")
    days = store.query("select distinct created_local::date::varchar as day from leads order by 1")
    for day, agent in product(days["day"], agents["agent"]):
        yield Filters.of({"agent": [agent], "from": [day]})


def ask_until(store: Store, views: Iterator[Filters], work: Callable[[], None]) -> tuple[list[float], float]:
    """The milliseconds of every Overview that the sessions asked for while `work` went on, and the load after it."""
    is_over, lock = threading.Event(), threading.Lock()
    times: list[float] = []

    def session(number: int) -> None:
        time.sleep(number * THINKING_S / N_SESSIONS)
        while not is_over.is_set():
            with lock:
                filters = next(views)
            started = time.perf_counter()
            summary(store, filters)
            volume(store, filters, grain="day", by="channel")
            funnel(store, filters)
            breakdown(store, filters, by="entity_type")
            breakdown(store, filters, by="agent", limit=12)
            times.append((time.perf_counter() - started) * 1000)
            is_over.wait(THINKING_S)

    sessions = [threading.Thread(target=session, args=(number,)) for number in range(N_SESSIONS)]
    for one in sessions:
        one.start()
    work()
    is_over.set()
    for one in sessions:
        one.join()
    return times, os.getloadavg()[0]


def drop_all(folder: Path) -> None:
    """Runs every bomb, and says how each ended."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in BOMBS:
        waiting.put(name)

    def bomber() -> None:
        while True:
            try:
                name = waiting.get_nowait()
            except queue.Empty:
                return
            started = time.perf_counter()
            try:
                run_sql(folder, BOMBS[name], Filters())
            except SqlCellError as error:
                print(f"  {time.perf_counter() - started:4.1f} s  {name}: {error}")
            else:
                raise AssertionError(f"{name} was answered")

    bombers = [threading.Thread(target=bomber) for _ in range(N_BOMBERS)]
    for one in bombers:
        one.start()
    for one in bombers:
        one.join()


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


if __name__ == "__main__":
    main()
