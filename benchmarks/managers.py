"""Many at once: `python -m benchmarks.managers [--leads N] [--seconds S] [--sessions N] [--keep FOLDER]`.

Two things are measured.

*Managers*: 1, 8 and 32 threads that ask whole dashboards of a made-up store (the nine questions of
`benchmarks.dashboard`, through the functions that the pages call) one after the other without a pause, while a writer
commits a batch of 500 leads every second: 50 new, 450 seen again. Each asks by turns all leads, the last 30 days,
WhatsApp of six months, and an agent of their own; answers are shared until the next commit, as in the app.

*Sessions*: the real app over the same store, in a process of its own, with real WebSocket sessions that open it, choose
channels and agents, clear them and turn to other pages, and think for 5 s in between; the line with the age of the data
is redrawn as in a browser. Then once more while one of them exports everything as Excel. Times are from the click to
the last byte of the page. May claim: what many cost each other. May not claim: what a browser then needs to draw. Other
work on the machine falls on all of it; the load average tells of it.
"""

import argparse
import asyncio
import os
import platform
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path

import httpx

from benchmarks.dashboard import SETS, made
from benchmarks.dashboard_ours import nine
from benchmarks.made_leads import HELD_AT, N_AGENTS, open_store
from benchmarks.serving import HOME, Served, served, settings_for
from benchmarks.sessions import Asked, Session, close, open_session, quantiles, use
from leadlib.errors import LeadlibError
from leadlib.filters import Filters
from leadlib.store import Store
from tests.conftest import make_lead

MANAGERS = (1, 8, 32)
BATCH = 500
NEW_OF_BATCH = 50
THINK_S = 5.0
DASHBOARDS_A_SECOND = 14
P95_MS = 500


@dataclass
class Times:
    """What the managers waited, and what went wrong."""

    ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    n_batches: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each row is measured")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--only", choices=["managers", "sessions"])
    parser.add_argument("--keep", type=Path, help="where the made store is kept and found again")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        kept = (asked.keep or Path(temporary)) / f"made-{asked.leads}"
        kept.mkdir(parents=True, exist_ok=True)
        # A copy: what is written here is not what others who use the made store should find.
        store_folder = Path(shutil.copytree(made(kept, asked.leads), Path(temporary) / "store"))
        print(f"{asked.leads:,} leads; {platform.machine()}, {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
        if asked.only != "sessions":
            measure_managers(store_folder, asked.seconds)
        if asked.only != "managers":
            with served(HOME / "app.py", Path(temporary), settings_for(store_folder)) as app:
                asyncio.run(measure_sessions(app, asked.sessions, asked.seconds))


def measure_managers(folder: Path, seconds: float) -> None:
    """A row for each number of managers."""
    print(
        f"\n{'managers':<10}{'dashboards':>11}{'a second':>10}{'p50 ms':>9}{'p95 ms':>9}{'CPU ms':>9}{'errors':>8}"
        f"{'batches':>9}"
    )
    with open_store(folder) as store:
        for n_managers in MANAGERS:
            row = ask_at_once(store, n_managers, seconds)
            p95 = statistics.quantiles(row.ms, n=20)[-1] if len(row.ms) > 1 else row.ms[0]
            print(
                f"{n_managers:<10}{len(row.ms):>11}{len(row.ms) / row.seconds:>10.1f}{statistics.median(row.ms):>9.0f}"
                f"{p95:>9.0f}{row.cpu_s * 1000 / len(row.ms):>9.0f}{len(row.errors):>8}{row.n_batches:>9}",
                flush=True,
            )
            for words in sorted(set(row.errors)):
                print(f"  {words}")
    print(f"budget: {DASHBOARDS_A_SECOND} dashboards a second for {MANAGERS[-1]} managers, no errors")


def ask_at_once(store: Store, n_managers: int, seconds: float) -> Times:
    """So many threads ask dashboards for so long, a writer beside them."""
    times, is_over = Times(), threading.Event()

    def manager(number: int) -> None:
        own = Filters.of({"agent": [str(90001 + number % N_AGENTS)]})
        views = [*(Filters.of(SETS[name]) for name in ("unfiltered", "30 days", "WhatsApp, six months")), own]
        for turn in count(number):
            if is_over.is_set():
                return
            began = time.perf_counter()
            try:
                nine(store, views[turn % len(views)])
            except LeadlibError as error:
                times.errors.append(f"{type(error).__name__}: {error}")
            times.ms.append((time.perf_counter() - began) * 1000)

    managers = [threading.Thread(target=manager, args=(number,)) for number in range(n_managers)]
    began_s, cpu_began_s = time.perf_counter(), time.process_time()
    with writing(store, times):
        for one in managers:
            one.start()
        time.sleep(seconds)
        is_over.set()
        for one in managers:
            one.join()
        times.seconds, times.cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_began_s
    return times


@contextmanager
def writing(store: Store, times: Times) -> Iterator[None]:
    """A batch of leads is committed every second meanwhile."""
    is_over = threading.Event()

    def write() -> None:
        for batch in count():
            at = HELD_AT + timedelta(seconds=int(time.time()) % 10_000_000)
            ids = [f"again-{n}" for n in range(BATCH - NEW_OF_BATCH)] + [f"new-{at}-{n}" for n in range(NEW_OF_BATCH)]
            status = ("sent", "delivered", "opened", "responded")[batch % 4]
            leads = [make_lead(lead_id, "2026-11-20T08:00:00Z", status=status) for lead_id in ids]
            try:
                store.write_leads(leads, observed_at=at)
                times.n_batches += 1
            except LeadlibError as error:
                times.errors.append(f"writer: {type(error).__name__}: {error}")
            if is_over.wait(1):
                return

    writer = threading.Thread(target=write)
    writer.start()
    yield
    is_over.set()
    writer.join()


async def measure_sessions(server: Served, n_sessions: int, seconds: float) -> None:
    """Opens the sessions one after the other, then has all of them used, alone and beside an export."""
    first, first_tasks = await open_session(server.url)
    before_mb = server.resident_mb
    opened = [(first, first_tasks)]
    for _ in range(n_sessions - 1):
        opened.append(await open_session(server.url))
    sessions = [session for session, _ in opened]
    after_mb = server.resident_mb
    opening_ms = statistics.median(session.asked[0].ms for session in sessions)
    print(
        f"\n{n_sessions} sessions opened one by one, median {opening_ms:.0f} ms; "
        f"{(after_mb - before_mb) / max(1, n_sessions - 1):.2f} MB each, on top of {before_mb:.0f} MB"
    )
    head = f"{'sessions, 5 s think time':<28}{'runs':>6}{'a second':>10}{'p50 ms':>9}{'p95 ms':>9}{'worst ms':>10}"
    print(f"{head}{'errors':>8}{'CPU s':>8}", flush=True)
    await _row("alone", server, sessions, seconds)
    await _row("beside an Excel export", server, sessions, seconds, export=True)
    print(f"budget: p95 <= {P95_MS} ms; {server.resident_mb:.0f} MB at the end, {server.peak_mb:.0f} MB at most")
    for session, tasks in opened:
        await close(session, tasks)


async def _row(name: str, server: Served, sessions: list[Session], seconds: float, *, export: bool = False) -> None:
    for session in sessions:
        session.asked.clear()
    cpu_s = server.cpu_s
    exporting = asyncio.create_task(_export(server, sessions[0])) if export else None
    await asyncio.gather(*(use(session, seconds, THINK_S) for session in sessions))
    asked: list[Asked] = [one for session in sessions for one in session.asked]
    told = quantiles(asked)
    print(
        f"{name:<28}{len(asked):>6}{len(asked) / seconds:>10.1f}{told['p50']:>9.0f}{told['p95']:>9.0f}"
        f"{told['max']:>10.0f}{sum(one.is_error for one in asked):>8}{server.cpu_s - cpu_s:>8.1f}",
        flush=True,
    )
    if exporting is not None:
        ended, _ = await asyncio.wait([exporting], timeout=0)
        print(f"  the export: {exporting.result() if ended else f'not at its end after {seconds:.0f} s, so left'}")
        exporting.cancel()


async def _export(server: Served, session: Session) -> str:
    """Takes the link of a download, as a click on it does."""
    ticket = await session.download("Excel")
    began = time.perf_counter()
    n_bytes = 0
    async with httpx.AsyncClient(timeout=600) as client, client.stream("GET", f"{server.url}{ticket}") as answer:
        async for part in answer.aiter_bytes():
            n_bytes += len(part)
    return f"{answer.status_code}, {n_bytes / 1e6:.0f} MB in {time.perf_counter() - began:.1f} s"


if __name__ == "__main__":
    main()
