"""The front, ours beside the usual page and each of its parts left out: `python -m benchmarks.front [--leads N]`.

Measured over the same made-up leads, each app in a process of its own: what Chromium loads and how long it takes to the
first filled chart of the Overview (`cold`: a new browser; `warm`: the address opened again in it; the least and the
median of the runs); the first run of the page's script after the start, the median of reruns of the same view and of
channels and agents that nobody has chosen before, and how many reruns eight sessions get a second that do not think,
all over the real WebSocket; what a session takes of memory. The usual page is benchmarks/peers/usual_page.py under
Streamlit's own settings. May claim: ratios between rows of one run, and bytes. May not claim: seconds on another
machine, or on a busy one; the load average tells of it.
"""

import argparse
import asyncio
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import plotly.express as px
from playwright.sync_api import Browser, sync_playwright

from benchmarks.dashboard import made
from benchmarks.made_leads import open_store
from benchmarks.serving import HOME, Served, served, settings_for
from benchmarks.sessions import close, open_session
from leadlib import charts
from leadlib.errors import LeadlibError
from leadlib.filters import Filters
from leadlib.metrics import volume
from leadlib.store import Store

WITHOUT = ("packed scripts", "early scripts", "gc.freeze", "warming", "kept answers")
IN_BROWSER = ("packed scripts", "early scripts")
COLD_S, COLD_MB, RERUN_MS = 3.5, 2.6, 500
_FILLED = ".js-plotly-plot .trace path, .js-plotly-plot .trace rect"


@dataclass
class Loaded:
    """What Chromium told of some visits."""

    cold_s: list[float] = field(default_factory=list)
    warm_s: list[float] = field(default_factory=list)
    cold_mb: float = 0.0


@dataclass
class Reruns:
    """What sessions told."""

    first_ms: float
    same_ms: float
    new_ms: float
    a_second: float
    session_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leads", type=int, default=200_000)
    parser.add_argument("--visits", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="where the made store is kept and found again")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        kept = (asked.keep or here) / f"made-{asked.leads}"
        kept.mkdir(parents=True, exist_ok=True)
        store = Path(shutil.copytree(made(kept, asked.leads), here / "store"))
        print(f"{asked.leads:,} leads; {platform.machine()}, {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
        measure_parts(store)
        settings = settings_for(store)
        rows = [("ours", "")] + [(f"without {name}", name) for name in WITHOUT]
        print(
            f"\n{'':<26}{'cold s':>13}{'MB':>6}{'warm s':>13}{'first ms':>10}{'rerun ms':>10}{'new ms':>8}"
            f"{'a second':>10}{'MB each':>9}"
        )
        for label, name in rows:
            with served(HOME / "benchmarks" / "front_app.py", here, {**settings, "FRONT_WITHOUT": name}) as app:
                _print(label, *measure(app, asked.visits, in_browser=not name or name in IN_BROWSER))
        data = here / "leads.parquet"
        with duckdb.connect(str(store / "leads.duckdb"), read_only=True) as connection:
            connection.execute(f"copy leads to '{data}'")
        usual = here / "usual"
        usual.mkdir()
        page = Path(shutil.copy(HOME / "benchmarks" / "peers" / "usual_page.py", usual))
        with served(page, here, {"USUAL_PAGE_DATA": str(data)}, cwd=usual) as app:
            _print("the usual page", *measure(app, asked.visits, in_browser=True))
        print(f"budget: cold <= {COLD_S} s and <= {COLD_MB} MB, rerun <= {RERUN_MS} ms")


def measure_parts(folder: Path) -> None:
    """What is measured best without a server: how figures are built, and why each question has a cursor of its own."""
    with open_store(folder) as store:
        by_day = volume(store, Filters(), grain="day", by="channel")
        ours = _least_ms(lambda: charts.plot_volume(by_day, theme="light").to_json())
        usual = _least_ms(lambda: px.bar(by_day, x="bucket", y="leads", color="label").to_json())
        print(f"leads a day as a figure: graph_objects {ours:.1f} ms, plotly.express {usual:.1f} ms")
        print(f"200 questions from 8 threads: {_wrong(store, shared=False)} wrong or failed with cursors, ", end="")
        print(f"{_wrong(store, shared=True)} over one connection")


def _least_ms(build: object, n: int = 10) -> float:
    assert callable(build)
    times = []
    for _ in range(n):
        began = time.perf_counter()
        build()
        times.append((time.perf_counter() - began) * 1000)
    return min(times)


def _wrong(store: Store, *, shared: bool) -> int:
    """How many of 200 questions get another answer than theirs, or none."""
    from concurrent.futures import ThreadPoolExecutor

    file = store._analytics
    with duckdb.connect(":memory:") as connection:

        def ask(number: int) -> bool:
            try:
                if not shared:
                    return bool(file.fetch(f"select {number} as n from range(2000)").column("n")[0].as_py() != number)
                return connection.execute(f"select {number} as n from range(2000)").fetchall()[0] != (number,)
            except (duckdb.Error, LeadlibError, IndexError):
                return True

        with ThreadPoolExecutor(8) as threads:
            return sum(threads.map(ask, range(200)))


def measure(app: Served, visits: int, *, in_browser: bool) -> tuple[Loaded | None, Reruns]:
    """One app: first by a session, so that its first run is the first, then in a browser."""
    reruns = asyncio.run(_sessions(app))
    return (_visits(app.url, visits) if in_browser else None), reruns


async def _sessions(app: Served) -> Reruns:
    first, tasks = await open_session(app.url)
    first_ms = first.asked[0].ms
    same_ms = statistics.median([(await first.run("again")).ms for _ in range(10)])
    new = []
    for label in ("Channel", "Assigned agent"):
        for option in first.options(label)[:6]:
            new.append((await first.choose(label, [option])).ms)
    await first.clear()
    before_mb = app.resident_mb
    opened = [await open_session(app.url) for _ in range(8)]
    session_mb = (app.resident_mb - before_mb) / len(opened)
    seconds, until = 4.0, time.monotonic() + 4.0

    async def hurry(session: object) -> int:
        n_runs = 0
        while time.monotonic() < until:
            await session.run("again")  # type: ignore[attr-defined]  # a Session
            n_runs += 1
        return n_runs

    began = time.monotonic()
    n_runs = sum(await asyncio.gather(*(hurry(session) for session, _ in opened)))
    a_second = n_runs / max(seconds, time.monotonic() - began)
    for session, its_tasks in [*opened, (first, tasks)]:
        await close(session, its_tasks)
    return Reruns(first_ms, same_ms, statistics.median(new), a_second, session_mb)


def _visits(url: str, n: int) -> Loaded:
    loaded = Loaded()
    with sync_playwright() as playwright:
        for _ in range(n):
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
            )
            _visit(browser, url, loaded)
            browser.close()
    return loaded


def _visit(browser: Browser, url: str, loaded: Loaded) -> None:
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: list[float] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    network.on(
        "Network.webSocketFrameReceived", lambda event: sizes.append(len(event["response"]["payloadData"]) * 0.75)
    )
    for times in (loaded.cold_s, loaded.warm_s):
        sizes.clear()
        began = time.monotonic()
        page.goto(url)
        page.wait_for_selector(_FILLED, state="attached", timeout=120_000)
        times.append(time.monotonic() - began)
        page.wait_for_function("document.querySelector('.stApp')?.dataset.testScriptState === 'notRunning'")
        page.wait_for_timeout(500)
        if times is loaded.cold_s:
            loaded.cold_mb = sum(sizes) / 1e6
    context.close()


def _print(label: str, loaded: Loaded | None, reruns: Reruns) -> None:
    def span(times: Sequence[float]) -> str:
        return f"{min(times):.1f}-{statistics.median(times):.1f}"

    cold, warm, size = ("", "", "") if loaded is None else (span(loaded.cold_s), span(loaded.warm_s), loaded.cold_mb)
    size_text = f"{size:.1f}" if isinstance(size, float) else ""
    print(
        f"{label:<26}{cold:>13}{size_text:>6}{warm:>13}{reruns.first_ms:>10.0f}{reruns.same_ms:>10.0f}{reruns.new_ms:>8.0f}"
        f"{reruns.a_second:>10.1f}{reruns.session_mb:>9.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
