"""Whole dashboards, ours beside what people use instead: `python -m benchmarks.dashboard [--leads N ...]`.

Measured: nine questions that the Overview and the chart pages ask (headline figures, their change at equal age, leads a
day by channel, the funnel, entity types, the twelve largest agents and the others, the heat map, today's statuses, and
the newest fifty leads with names), one after the other, from the call to the finished answer, under each set of
filters. Every program is a process of its own and answers once before its clock runs; all answers have to be the same,
to the last lead, or the run fails.

Ours: through the functions that the pages call, with none of our own answers remembered. The peers: a pandas frame in
memory, at hand (`held`) and taken out of a pickle at each run as st.cache_data does (`cached`); a polars frame in
memory with all questions in one collect_all; PostgreSQL with an index for each filter, 2 GB of shared buffers, unlogged
tables, asked with plain SQL. The peers' tables have what they need and no more, the moment of each first reply worked
out beforehand.

May claim: ratios between programs on one machine in one run. May not claim: seconds on another machine, or on one where
others are at work; there the least of the runs (which is shown) and our CPU seconds are nearest to the truth.

`--peers-python` names an interpreter that has benchmarks/peers/requirements.txt; without it only ours is measured.
PostgreSQL is left out where its programs are not found, or with `--without postgres`. `--keep FOLDER` is where made
stores and the peers' files are kept and found again; ten million leads take 1.3 GB there, and twice that in PostgreSQL.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.made_leads import HELD_AT, ZONE, make_store
from leadlib.filters import start_of_day

HOME = Path(__file__).resolve().parents[1]
PEERS = HOME / "benchmarks" / "peers"
POSTGRES = Path("/usr/lib/postgresql/15/bin")

LAST_DAY = HELD_AT.astimezone(ZONE).date() - timedelta(days=1)
SETS: Mapping[str, Mapping[str, list[str]]] = {
    "unfiltered": {},
    "30 days": {"from": [(LAST_DAY - timedelta(days=29)).isoformat()], "to": [LAST_DAY.isoformat()]},
    "WhatsApp, six months": {
        "type": ["whatsapp"],
        "from": [(LAST_DAY - timedelta(days=182)).isoformat()],
        "to": [LAST_DAY.isoformat()],
    },
    "one agent": {"agent": ["90021"]},
    "one listing reference": {"listing": ["LL-10100"]},
}


@dataclass(frozen=True)
class Run:
    """What a program answered, in which seconds, by set of filters. `peak_mb` is None for a server's client."""

    seconds: Mapping[str, list[float]]
    answers: Mapping[str, Any]
    cpu_s: Mapping[str, list[float]]
    peak_mb: float | None


def asked() -> dict[str, dict[str, object]]:
    """Each set of filters in our words, and as instants and values for those who do not know them."""
    return {name: {"filters": chosen, **_in_plain_words(chosen)} for name, chosen in SETS.items()}


def _in_plain_words(chosen: Mapping[str, list[str]]) -> dict[str, object]:
    first = date.fromisoformat(chosen["from"][0]) if "from" in chosen else LAST_DAY - timedelta(days=29)
    length = timedelta(days=(LAST_DAY - first).days + 1)
    plain: dict[str, object] = {
        "current": [_begin(first), _begin(LAST_DAY + timedelta(days=1)), HELD_AT.isoformat()],
        "previous": [_begin(first - length), _begin(first), (HELD_AT - length).isoformat()],
    }
    if "from" in chosen:
        plain |= {"from": _begin(first), "to": _begin(LAST_DAY + timedelta(days=1))}
    for key in ("type", "listing"):
        if key in chosen:
            plain[key] = chosen[key]
    if "agent" in chosen:
        plain["agent"] = [int(agent) for agent in chosen["agent"]]
    return plain


def _begin(day: date) -> str:
    return start_of_day(day.isoformat(), ZONE).astimezone(UTC).isoformat()


def run(command: Sequence[str]) -> Run:
    """Runs a program to its end. Raises RuntimeError if it fails: its time would mean nothing."""
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])} failed:\n{done.stderr[-3000:]}")
    told = json.loads(done.stdout.strip().rpartition("\n")[2])
    found = told["found"]
    return Run(
        {name: one["seconds"] for name, one in found.items()},
        {name: one["answers"] for name, one in found.items()},
        {name: one.get("cpu_s", []) for name, one in found.items()},
        told["peak_mb"],
    )


def made(folder: Path, n_leads: int) -> Path:
    """A folder with a store of so many made-up leads: the one that is there, or a new one."""
    if not (folder / "store" / "leads.duckdb").exists():
        began = time.perf_counter()
        shutil.rmtree(folder / "draft", ignore_errors=True)
        n_made = make_store(folder / "draft", n_leads)
        (folder / "draft").rename(folder / "store")
        print(f"made {n_made:,} leads in {time.perf_counter() - began:.0f} s", flush=True)
    return folder / "store"


def files_for_peers(folder: Path, kind: str) -> Path:
    """What the peers read, as Parquet or CSV, made from the store unless it is there."""
    path = folder / f"leads.{kind}"
    if not path.exists():
        with duckdb.connect(str(folder / "store" / "leads.duckdb"), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            options = "(format parquet, compression zstd)" if kind == "parquet" else "(format csv, header)"
            draft = path.with_suffix(".part")
            connection.execute(
                "copy (select lead_id, created_at, created_local, channel, entity_type, agent_id, listing_reference, "
                "status, stage, reached_stage, sender_key, last_seen_at, deleted_at_source is not null as is_gone, "
                f"replied_by from leads) to '{draft}' {options}"
            )
            connection.execute(f"copy (select agent_id, name from agents) to '{folder / f'agents.{kind}'}' {options}")
            draft.rename(path)
    return path


@contextmanager
def postgres(folder: Path, peers_python: str) -> Iterator[str]:
    """The URL of a PostgreSQL of our own with the leads in it, stopped at the end; its files stay in `folder`."""
    home = folder / "postgres"
    home.mkdir(exist_ok=True)
    sockets = Path(tempfile.mkdtemp(prefix="leadlight-pg-"))
    as_owner: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL does not run as root
        as_owner = ["runuser", "-u", "postgres", "--"]
        for path in (home, sockets):
            shutil.chown(path, "postgres")
        for path in (folder, *folder.parents):
            if not path.stat().st_mode & 0o001:
                raise RuntimeError(f"the user postgres cannot reach {home}: {path} is closed to others")
    data = home / "data"
    is_new = not (home / "loaded").exists()
    if is_new:
        subprocess.run([*as_owner, "rm", "-rf", str(data)], check=True)
        initdb = [*as_owner, str(POSTGRES / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd="/")
    options = (
        f"-c listen_addresses= -c unix_socket_directories={sockets} -c shared_buffers=2GB -c work_mem=256MB "
        "-c maintenance_work_mem=512MB -c effective_cache_size=6GB -c max_parallel_workers_per_gather=2 "
        "-c fsync=off -c max_wal_size=8GB -c random_page_cost=1.1"
    )
    control = [*as_owner, str(POSTGRES / "pg_ctl"), "-D", str(data), "-w", "-t", "300"]
    log = ["-l", str(home / "log")]
    subprocess.run([*control, *log, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd="/")
    url = f"host={sockets} user=postgres dbname=postgres"
    try:
        if is_new:
            began = time.perf_counter()
            path = files_for_peers(folder, "csv")
            command = [peers_python, str(PEERS / "dash_postgres.py"), "load", url, str(path)]
            loaded = subprocess.run(command, check=True, capture_output=True, text=True)
            path.unlink()
            (home / "loaded").write_text(loaded.stdout)
            print(f"PostgreSQL was loaded in {time.perf_counter() - began:.0f} s", flush=True)
        yield url
    finally:
        subprocess.run([*control, "-m", "fast", "stop"], check=False, stdout=subprocess.DEVNULL, cwd="/")
        shutil.rmtree(sockets, ignore_errors=True)


def compare(keep: Path, n_leads: int, runs: int, peers_python: str | None, without: Sequence[str]) -> None:
    folder = keep / str(n_leads)
    folder.mkdir(parents=True, exist_ok=True)
    store = made(folder, n_leads)
    n_bytes = (store / "leads.duckdb").stat().st_size
    questions = json.dumps(asked())
    print(f"\n{n_leads:,} leads, our file {n_bytes / 1e6:,.0f} MB, least of {runs} runs", flush=True)
    heads = ("unfiltered", "30 days", "6 m WhatsApp", "one agent", "one listing")
    print(f"{'':<22}{''.join(f'{head:>14}' for head in heads)}{'peak MB':>9}")
    ours = run([sys.executable, "-m", "benchmarks.dashboard_ours", str(store), questions, str(runs)])
    show("Leadlight", ours, ours)
    cpu = "".join(f"{min(times) * 1000:>11,.0f} ms" for times in ours.cpu_s.values())
    print(f"{'  CPU of all threads':<22}{cpu}", flush=True)
    if peers_python is None:
        return
    few = str(max(2, runs // 3))
    if "polars" not in without:
        path = files_for_peers(folder, "parquet")
        show("polars", run([peers_python, str(PEERS / "dash_polars.py"), str(path), questions, few]), ours)
    if "pandas" not in without:
        path = files_for_peers(folder, "parquet")
        for how in ("held", "cached"):
            command = [peers_python, str(PEERS / "dash_pandas.py"), str(path), how, questions, few]
            show(f"pandas, {how}", run(command), ours)
    if "postgres" not in without and (POSTGRES / "initdb").exists():
        with postgres(folder, peers_python) as url:
            show("PostgreSQL", run([peers_python, str(PEERS / "dash_postgres.py"), url, questions, few]), ours)


def show(name: str, done: Run, ours: Run) -> None:
    """A line of least times, and one of how many times ours they are. Raises RuntimeError if an answer differs."""
    for question in SETS:
        for part, answer in ours.answers[question].items():
            theirs = done.answers[question][part]
            if part == "funnel":  # ours leaves out the stages that no channel in question ever reports
                theirs = {stage: theirs[stage] for stage in answer}
            if theirs != answer:
                said = f"{json.dumps(theirs)[:300]} is not {json.dumps(answer)[:300]}"
                raise RuntimeError(f"{name}, {question}, {part}: {said}")
    least = [min(done.seconds[question]) for question in SETS]
    peak = f"{done.peak_mb:>9,.0f}" if done.peak_mb is not None else ""
    print(f"{name:<22}{''.join(f'{seconds * 1000:>11,.0f} ms' for seconds in least)}{peak}", flush=True)
    if done is not ours:
        ratios = [seconds / min(ours.seconds[question]) for seconds, question in zip(least, SETS, strict=True)]
        print(f"{'  ÷ ours':<22}{''.join(f'{ratio:>13.1f}x' for ratio in ratios)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--leads", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--peers-python")
    parser.add_argument("--without", nargs="*", default=[], choices=["polars", "pandas", "postgres"])
    parser.add_argument("--keep", type=Path, help="a folder for what is made, to be used again; else it is deleted")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores (load {load:.1f} at the start), "
        f"Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for n_leads in options.leads:
            compare(options.keep or Path(folder), n_leads, options.runs, options.peers_python, options.without)


if __name__ == "__main__":
    main()
