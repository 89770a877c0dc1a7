"""Twenty SQL bombs beside eight sessions of the dashboard: `python -m benchmarks.sql_bombs`.

Measured: what the questions of one Overview (summary, volume, funnel, two breakdowns) take in this process, by filters
that no session has asked with before, so that each goes to DuckDB. Eight sessions ask, each thinking for a second in
between, by turns alone and while two users run four of the bombs of the tests under the usual limits, which is as many
as run at a time. May claim: what cells that go wrong cost those who look at pages. May not claim: how fast pages are,
which `benchmarks.rerun` says. Other work on the machine falls on both alike; the load average tells of it.
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
from dataclasses import dataclass, field
from functools import partial
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
ALONE_S = 8.0
N_BOMBS_A_ROUND = 4
TARGET = 2.0


@dataclass
class Times:
    """How long each Overview took, and the machine's load average after each round."""

    ms: list[float] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine.open(Settings(database=Path(folder), sync_minutes=0))
        engine.sync(Wish(full=True), lambda progress: None)
        views = unseen_views(engine.store)
        n_leads = int(engine.store.query("select count(*) as n from leads")["n"].iloc[0])
        print(f"{n_leads:,} leads; {platform.machine()}, {os.cpu_count()} cores; {N_SESSIONS} sessions")
        alone, bombed, grown = Times(), Times(), 0
        for first in range(0, len(BOMBS), N_BOMBS_A_ROUND):
            ask_until(engine.store, views, alone, lambda: time.sleep(ALONE_S))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            names = list(BOMBS)[first : first + N_BOMBS_A_ROUND]
            ask_until(engine.store, views, bombed, partial(drop, Path(folder), names))
            grown += resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
        print(f"{'sessions':<14}{'answers':>9}{'median ms':>11}{'p95 ms':>9}{'load':>7}")
        for name, times in (("alone", alone), ("beside bombs", bombed)):
            median, load = statistics.median(times.ms), statistics.mean(times.loads)
            print(f"{name:<14}{len(times.ms):>9}{median:>11.0f}{p95(times.ms):>9.0f}{load:>7.1f}")
        print(f"p95 beside bombs / alone: {p95(bombed.ms) / p95(alone.ms):.2f} (target: {TARGET:g})")
        print(f"this process grew by {grown / 1024:.0f} MiB beside the bombs")
        engine.close()


def unseen_views(store: Store) -> Iterator[Filters]:
    """Filters that no cache has seen: every agent, from every day."""
    agents = store.query("select distinct agent_id::varchar as agent from leads where agent_id is not null order by 1")
    days = store.query("select distinct created_local::date::varchar as day from leads order by 1")
    for day, agent in product(days["day"], agents["agent"]):
        yield Filters.of({"agent": [agent], "from": [day]})


def ask_until(store: Store, views: Iterator[Filters], times: Times, work: Callable[[], None]) -> None:
    """Adds what the sessions waited for their Overviews while `work` went on, and the load after it."""
    is_over, lock = threading.Event(), threading.Lock()

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
            times.ms.append((time.perf_counter() - started) * 1000)
            is_over.wait(THINKING_S)

    sessions = [threading.Thread(target=session, args=(number,)) for number in range(N_SESSIONS)]
    for one in sessions:
        one.start()
    work()
    is_over.set()
    for one in sessions:
        one.join()
    times.loads.append(os.getloadavg()[0])


def drop(folder: Path, names: list[str]) -> None:
    """Runs the bombs of these names, and says how each ended."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in names:
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
