"""Server time of a rerun of Overview on the sandbox's quarter: `python -m benchmarks.rerun`.

Measured: one run of the whole page script (shell, filters, queries, figures, messages to the browser's queue) in this
process, without network and browser. `warm` repeats the same view, so cached answers serve it; `new filter` asks for a
view nobody has seen, so every question goes to DuckDB; `first` loads on top what a server loads for its first visitor.
On a machine that is busy with something else the least is nearer to the truth than the median. May claim: what one
viewer's click costs the server. May not claim: what the browser then needs to draw.
"""

import importlib
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from leadlib.ui.engine import get_engine
from leadlib.worker import Wish

SHELL = Path(__file__).resolve().parents[1] / "leadlib" / "ui" / "shell.py"
N_RUNS = 20
BUDGET_MS = 150


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LEADLIB_DATABASE"] = folder
        os.environ["LEADLIB_SYNC_MINUTES"] = "0"
        engine = get_engine()
        engine.sync(Wish(full=True), lambda progress: None)
        while engine.worker.status.is_running or engine.worker.status.n_queued:
            time.sleep(0.1)  # the sandbox's past comes with a second sync, and with it new data
        importlib.import_module("leadlib.charts")  # as a server does while it starts
        app = AppTest.from_file(str(SHELL), default_timeout=60)
        first_ms = _timed_ms(app)
        warm_ms = [_timed_ms(app) for _ in range(N_RUNS)]
        new_ms = []
        # Each listing is a view that no cache has seen.
        references = engine.store.query(
            "select listing_reference from leads where listing_reference is not null "
            "group by 1 order by count(*) desc, 1 limit $n",
            {"n": N_RUNS},
        )["listing_reference"]
        for reference in references:
            app.multiselect(key="filter_listing").set_value([reference])
            new_ms.append(_timed_ms(app))
        n_leads = int(engine.store.query("select count(*) as n from leads")["n"].iloc[0])
        print(f"{n_leads:,} leads; {platform.machine()}, {os.cpu_count()} cores; {N_RUNS} runs each")
        print(f"{'run':<12}{'least ms':>10}{'median ms':>11}{'worst ms':>10}{'of budget':>11}")
        for name, times in (("first", [first_ms]), ("warm", warm_ms), ("new filter", new_ms)):
            median = statistics.median(times)
            print(f"{name:<12}{min(times):>10.0f}{median:>11.0f}{max(times):>10.0f}{median / BUDGET_MS:>11.0%}")
        get_engine.clear()


def _timed_ms(app: AppTest) -> float:
    started = time.perf_counter()
    app.run()
    elapsed_ms = (time.perf_counter() - started) * 1000
    if app.exception or app.error:
        raise RuntimeError("the page shows an error; its time would mean nothing")
    return elapsed_ms


if __name__ == "__main__":
    main()
