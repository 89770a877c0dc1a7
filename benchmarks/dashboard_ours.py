"""The nine questions to a store of ours: `FOLDER ASKED RUNS`, one JSON line at the end.

They are asked through the functions that the pages call, each run with none of our answers remembered; what DuckDB has
read of the file stays in its memory, as in a running app.
"""

import gc
import json
import resource
import sys
import time
from pathlib import Path

import pandas as pd

from benchmarks.made_leads import open_store
from leadlib.filters import Filters
from leadlib.metrics import breakdown, funnel, heat_map, queries, status_counts, summary, summary_change, volume
from leadlib.metrics.lead_rows import lead_rows
from leadlib.store import Store

COUNTS = (
    *("leads", "unassigned", "responded", "waiting", "archived", "archived_unknown", "matured", "responded_matured"),
    *("unknown_matured", "pending", "reached_sent", "reached_delivered", "reached_opened", "reached_responded"),
    "unique_senders",
)


def nine(store: Store, filters: Filters) -> dict[str, pd.DataFrame]:
    """What Overview asks, and of the pages behind it the heat map, the statuses and the leads themselves."""
    return {
        "summary": summary(store, filters),
        "change": summary_change(store, filters),
        "volume": volume(store, filters, "day", "channel"),
        "funnel": funnel(store, filters),
        "entities": breakdown(store, filters, "entity_type"),
        "agents": breakdown(store, filters, "agent", limit=12),
        "heat_map": heat_map(store, filters),
        "statuses": status_counts(store, filters),
        "rows": lead_rows(store, filters),
    }


def answers(frames: dict[str, pd.DataFrame]) -> dict[str, object]:
    """The same in the form in which all programs give them."""
    change = frames["change"].set_index("key").loc[["leads", "unique_senders", "responded"]]
    days, hours, rows = frames["volume"], frames["heat_map"], frames["rows"]
    return {
        "summary": frames["summary"][list(COUNTS)].iloc[0].tolist(),
        "change": {period: change[period].astype(int).tolist() for period in ("current", "previous")},
        "volume": {
            f"{bucket:%Y-%m-%d} {key}": n
            for bucket, key, n in zip(days["bucket"], days["key"], days["leads"].tolist(), strict=True)
            if n
        },
        "funnel": dict(zip(frames["funnel"]["stage"], frames["funnel"]["leads"].tolist(), strict=True)),
        "entities": _by_key(frames["entities"]),
        "agents": _by_key(frames["agents"]),
        "heat_map": {
            f"{day} {hour}": n
            for day, hour, n in zip(hours["weekday"], hours["hour"], hours["leads"].tolist(), strict=True)
            if n
        },
        "statuses": dict(zip(frames["statuses"]["status"], frames["statuses"]["leads"].tolist(), strict=True)),
        "rows": [f"{lead} {name}" for lead, name in zip(rows["lead_id"], rows["agent_name"].fillna(""), strict=True)],
    }


def _by_key(frame: pd.DataFrame) -> dict[str, list[int]]:
    return {row["key"]: [row[name] for name in COUNTS] for row in frame.to_dict("records")}


def main() -> None:
    folder, asked, runs = Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
    found = {}
    with open_store(folder) as store:
        for name, question in asked.items():
            filters = Filters.of(question["filters"])
            times, cpu_times = [], []
            for _ in range(runs + 1):
                queries.forget_answers(store)
                gc.collect()
                began, cpu_began = time.perf_counter(), time.process_time()
                frames = nine(store, filters)
                times.append(time.perf_counter() - began)
                cpu_times.append(time.process_time() - cpu_began)
            found[name] = {"seconds": times[1:], "cpu_s": cpu_times[1:], "answers": answers(frames)}
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"found": found, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main()
