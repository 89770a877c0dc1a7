"""One shared store under many programs: `python -m benchmarks.shared`, for 5 minutes with 4 writers and 8 readers.

A real PostgreSQL, as durable as Debian sets it up, and a folder for the files, both on this machine; each writer and
reader is a process of its own that opens the store as an app would. Whichever writer is elected writes batches of 500
leads, half of them news of leads that are there, tidies up every half minute, and is killed (SIGKILL) four times a run;
another process is started in its place. The other writers meanwhile write five leads at a time, as events from
webhooks come to each replica, some of them the same new leads at the same moment. Each reader draws a dashboard of six
questions, waits a second, and draws the next.

Checked at the end: every lead that was acknowledged is there, once, with its sender, and no step of its history is
there twice; no reader and no writer has met an error, and no reader has seen fewer leads than before.

May claim: that nothing is lost or doubled, how long a take-over takes, ratios within a run. May not claim: what two
machines with a network between them and an object store would take.
"""

import argparse
import json
import os
import platform
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from leadlib.filters import Filters
from leadlib.metrics import breakdown, funnel, heat_map, status_counts, summary, volume
from leadlib.records import Lead, leads_from_json
from leadlib.shared import SharedAddress, lake_address
from leadlib.store import Store
from leadlib.store.lake import LakeFile
from leadlib.store.upkeep import keep_up
from tests.postgres import Postgres, find_binaries, serve_postgres

HOME = Path(__file__).resolve().parents[1]
ZONE = ZoneInfo("Asia/Dubai")
BEGAN = datetime(2026, 11, 25, 6, tzinfo=UTC)
FULL_BATCH, SMALL_BATCH = 500, 5
THINK_S = 1.0
KEEP_UP_EVERY_S = 30.0
LOOK_S = 0.5
"""How often a writer without the work looks whether it is free; the app does every two seconds."""

QUESTIONS: tuple[Callable[[Store, Filters], object], ...] = (
    summary,
    lambda store, filters: volume(store, filters, "day", "channel"),
    funnel,
    heat_map,
    status_counts,
    lambda store, filters: breakdown(store, filters, "agent", 12),
)
SETS = (Filters(), Filters.of({"from": ["2026-11-01"]}), Filters.of({"type": ["whatsapp"]}))


@dataclass(frozen=True)
class Outcome:
    """What a run found. Times in seconds unless they are called otherwise."""

    minutes: float
    n_writers: int
    n_readers: int
    leads_at_start: int
    leads_at_end: int
    acknowledged: int
    lost: int
    doubled: int
    without_sender: int
    doubled_history: int
    errors: list[str]
    commits: int
    commits_per_s: float
    leads_per_s: float
    reads: int
    read_p50_ms: float
    read_p95_ms: float
    kills: int
    take_overs_s: list[float]
    tidied: int
    slowest_write_s: float

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.without_sender or self.doubled_history or self.errors)


def make_leads(name: str, numbers: Sequence[int], status: str) -> list[Lead]:
    rows = [
        {
            "id": f"{name}-{number}",
            "entityType": "listing",
            "channel": ("whatsapp", "call", "email")[number % 3],
            "status": status,
            "publicProfile": {"id": 90001 + number % 60},
            "listing": {"id": f"L{number % 900}", "reference": f"REF-{number % 900}"},
            "sender": {
                "name": f"Sender {number}",
                "contacts": [{"type": "phone", "value": f"+97150{number % 10**7:07}"}],
            },
            "tags": [],
            "createdAt": (BEGAN - timedelta(minutes=7 * (number % 18_000))).isoformat().replace("+00:00", "Z"),
        }
        for number in numbers
    ]
    leads, rejected = leads_from_json(rows)
    assert not rejected
    return leads


# What a writer and a reader do, each in a process of its own


class Diary:
    """What a process tells the one that judges: a line an event, on the disk before the next is begun."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)

    def note(self, kind: str, **facts: Any) -> None:
        self._file.write(json.dumps({"at": time.time(), "kind": kind, **facts}) + "\n")


def write_until(store: Store, diary: Diary, name: str, ends_at: float) -> None:
    has_work, kept_up_at = False, time.monotonic()
    chance = random.Random(name)
    for turn in count():
        if time.time() > ends_at:
            return
        if store.work.take():
            if not has_work:
                store.settle()
                diary.note("took")
                has_work = True
            fresh = range(turn * FULL_BATCH // 2, (turn + 1) * FULL_BATCH // 2)
            old = [chance.randrange(max(1, fresh[0])) for _ in range(FULL_BATCH // 2)] if turn else []
            batch = make_leads(name, [*old], "opened") + make_leads(name, fresh, "sent")
            _write(store, diary, batch)
            if time.monotonic() - kept_up_at > KEEP_UP_EVERY_S:
                began = time.monotonic()
                for lake in (store._analytics, store._personal):
                    assert isinstance(lake, LakeFile)
                    keep_up(lake)  # as the app does when it is due: what is replaced stays for an hour
                kept_up_at = time.monotonic()
                diary.note("kept up", seconds=kept_up_at - began)
        else:
            # News of one lead reaches several replicas at once: the same numbers at the same time.
            common = int(time.time() * 2)
            _write(store, diary, make_leads("common", range(common, common + 2), "sent"))
            _write(store, diary, make_leads(f"{name}-event", range(turn * 3, turn * 3 + 3), "sent"))
            time.sleep(LOOK_S)


def _write(store: Store, diary: Diary, batch: list[Lead]) -> None:
    began = time.monotonic()
    store.write_leads(batch, observed_at=datetime.now(UTC))
    diary.note("wrote", ids=[lead.lead_id for lead in batch], seconds=time.monotonic() - began)


def read_until(store: Store, diary: Diary, name: str, ends_at: float) -> None:
    chance, most = random.Random(name), 0
    while time.time() < ends_at:
        filters = chance.choice(SETS)
        began = time.monotonic()
        answers = [question(store, filters) for question in QUESTIONS]
        diary.note("read", ms=(time.monotonic() - began) * 1000)
        if filters == SETS[0]:
            n_leads = int(answers[0]["leads"].iloc[0])  # type: ignore[index]  # the summary's frame
            if n_leads < most:
                diary.note("error", words=f"{n_leads} leads after {most}")
            most = n_leads
        time.sleep(THINK_S)


def be(role: str, name: str, place: str, folder: Path) -> None:
    diary = Diary(folder / f"{name}.jsonl")
    try:
        with open_at(place, folder / name) as store:
            diary.note("opened")
            (write_until if role == "writer" else read_until)(store, diary, name, _ends_at(folder))
    except BaseException as error:
        diary.note("error", words="".join(traceback.format_exception_only(error)), trace=traceback.format_exc()[-3000:])
        raise


def _ends_at(folder: Path) -> float:
    """Waits until all have opened the store, and gives the moment at which the run ends."""
    while not (folder / "go").exists():
        time.sleep(0.05)
    return float((folder / "go").read_text())


def open_at(place: str, folder: Path) -> Store:
    lake = lake_address(place)
    return Store.open(folder, timezone=ZONE, portal="benchmark", shared=SharedAddress(lake, lake))


# Who starts, kills and judges them


def run(
    minutes: float, n_writers: int, n_readers: int, n_leads: int, n_kills: int = 4, server: Postgres | None = None
) -> Outcome:
    """Starts everything, waits, and judges. Without a `server` one of its own is started, that survives a power cut."""
    with ExitStack() as running:
        server = server or running.enter_context(_serve_durable())
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="leadlight-shared-")))
        place = f"ducklake:postgres:{server.create_database('stress')}?data={folder}/lake"
        with open_at(place, folder / "filler") as store:
            for first in range(0, n_leads, 50_000):
                leads = make_leads("held", range(first, min(first + 50_000, n_leads)), "sent")
                store.write_leads(leads, observed_at=BEGAN)
            store.keep_up()
        killed_at = _race(running, place, folder, minutes * 60, n_writers, n_readers, n_kills)
        diaries = [_read_diary(path) for path in folder.glob("*.jsonl")]
        with open_at(place, folder / "judge") as store:
            return _judge(store, diaries, killed_at, minutes, n_writers, n_readers, n_leads)


@contextmanager
def _serve_durable() -> Iterator[Postgres]:
    binaries = find_binaries()
    if binaries is None:
        raise SystemExit("There is no PostgreSQL on this machine: install the package postgresql.")
    with serve_postgres(binaries, is_durable=True) as server:
        yield server


def _race(
    running: ExitStack, place: str, folder: Path, seconds: float, n_writers: int, n_readers: int, n_kills: int
) -> list[float]:
    """Runs all processes to the end, and gives the moments at which an elected writer was killed."""
    numbers = count()

    def start(role: str) -> tuple[str, subprocess.Popen[bytes]]:
        name = f"{role}{next(numbers)}"
        command = [sys.executable, "-m", "benchmarks.shared", "--be", role, "--name", name, "--place", place]
        process = subprocess.Popen([*command, "--folder", str(folder)], cwd=HOME)
        running.callback(process.kill)
        return name, process

    writers = dict(start("writer") for _ in range(n_writers))
    others = [start("reader")[1] for _ in range(n_readers)]
    while sum(line["kind"] == "opened" for path in folder.glob("*.jsonl") for line in _read_diary(path)) < len(
        [*writers, *others]
    ):
        time.sleep(0.1)
        if failed := [process for process in [*writers.values(), *others] if process.poll() is not None]:
            raise SystemExit(f"{len(failed)} of the processes could not open the store.")
    began, killed_at = time.time(), []
    ends_at = began + seconds
    (folder / "go.part").write_text(str(ends_at))
    (folder / "go.part").rename(folder / "go")
    for number in range(n_kills):
        due_at = began + (ends_at - began) * (number + 1) / (n_kills + 1)
        while time.time() < due_at or not (elected := _elected(folder, writers)):
            time.sleep(0.1)
            if time.time() > ends_at:
                break
        else:
            writers[elected].send_signal(signal.SIGKILL)
            killed_at.append(time.time())
            writers[elected].wait()
            writers.update([start("writer")])
    for process in [*writers.values(), *others]:
        process.wait()
    return killed_at


def _elected(folder: Path, writers: dict[str, subprocess.Popen[bytes]]) -> str:
    took = {}
    for name, process in writers.items():
        if process.poll() is None:
            at = [line["at"] for line in _read_diary(folder / f"{name}.jsonl") if line["kind"] == "took"]
            took.update({name: max(at)} if at else {})
    return max(took, key=lambda name: took[name]) if took else ""


def _read_diary(path: Path) -> list[dict[str, Any]]:
    lines = []
    with suppress(FileNotFoundError), path.open() as file:
        for line in file:
            with suppress(ValueError):  # the last one of who was killed may be cut off
                lines.append(json.loads(line))
    return lines


def _judge(
    store: Store,
    diaries: Sequence[Sequence[dict[str, Any]]],
    killed_at: Sequence[float],
    minutes: float,
    n_writers: int,
    n_readers: int,
    n_leads: int,
) -> Outcome:
    lines = [line for diary in diaries for line in diary]
    wrote = [line for line in lines if line["kind"] == "wrote"]
    acknowledged = {lead_id for line in wrote for lead_id in line["ids"]} | {f"held-{n}" for n in range(n_leads)}
    stored = store.query("select lead_id, count(*) as n from leads group by 1")
    there = set(stored["lead_id"])
    history = "select lead_id, status, not_after from status_observations group by all having count(*) > 1"
    contacts = store._personal.fetch("select lead_id, count(*) as n from lead_contacts group by 1").to_pydict()
    took = sorted(line["at"] for line in lines if line["kind"] == "took")
    reads = sorted(line["ms"] for line in lines if line["kind"] == "read")
    seconds = [line["seconds"] for line in wrote]
    return Outcome(
        minutes=minutes,
        n_writers=n_writers,
        n_readers=n_readers,
        leads_at_start=n_leads,
        leads_at_end=len(there),
        acknowledged=len(acknowledged),
        lost=len(acknowledged - there),
        doubled=int((stored["n"] > 1).sum()),
        without_sender=len(there - set(contacts["lead_id"])),
        doubled_history=len(store.query(history)) + sum(n > 1 for n in contacts["n"]),
        errors=[line["words"] for line in lines if line["kind"] == "error"],
        commits=len(wrote),
        commits_per_s=len(wrote) / (minutes * 60),
        leads_per_s=sum(len(line["ids"]) for line in wrote) / (minutes * 60),
        reads=len(reads),
        read_p50_ms=statistics.median(reads) if reads else float("nan"),
        read_p95_ms=reads[int(len(reads) * 0.95)] if reads else float("nan"),
        kills=len(killed_at),
        take_overs_s=[min((at - killed for at in took if at > killed), default=float("inf")) for killed in killed_at],
        tidied=sum(line["kind"] == "kept up" for line in lines),
        slowest_write_s=max(seconds, default=0.0),
    )


def _report(found: Outcome) -> Iterator[str]:
    load, now = os.getloadavg()[0], datetime.now(UTC)
    yield f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f} at the end; {now:%Y-%m-%d %H:%M} UTC"
    yield (
        f"{found.n_writers} writers, {found.n_readers} readers, {found.minutes:g} minutes, "
        f"{found.leads_at_start:,} leads at the start, {found.leads_at_end:,} at the end"
    )
    yield (
        f"of {found.acknowledged:,} leads that were acknowledged: lost {found.lost}, doubled {found.doubled}, without "
        f"a sender {found.without_sender}; steps of history doubled {found.doubled_history}"
    )
    yield f"errors that a user would see: {len(found.errors)} {found.errors[:3] or ''}"
    yield (
        f"written: {found.commits:,} batches, {found.commits_per_s:.1f} a second, {found.leads_per_s:,.0f} leads a "
        f"second; the slowest took {found.slowest_write_s:.1f} s"
    )
    yield (
        f"read: {found.reads:,} dashboards of {len(QUESTIONS)} questions, p50 {found.read_p50_ms:,.0f} ms, "
        f"p95 {found.read_p95_ms:,.0f} ms"
    )
    took = ", ".join(f"{seconds:.1f}" for seconds in found.take_overs_s)
    yield f"killed: {found.kills} elected writers, taken over after {took} s; tidied up {found.tidied} times"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--minutes", type=float, default=5.0)
    asked.add_argument("--writers", type=int, default=4)
    asked.add_argument("--readers", type=int, default=8)
    asked.add_argument("--leads", type=int, default=100_000)
    asked.add_argument("--json", type=Path, help="where to put the figures")
    for name in ("--be", "--name", "--place", "--folder"):
        asked.add_argument(name, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.be:
        be(given.be, given.name, given.place, Path(given.folder))
        return
    found = run(given.minutes, given.writers, given.readers, given.leads)
    for line in _report(found):
        print(line, flush=True)
    if given.json:
        given.json.write_text(json.dumps(asdict(found), indent=1))
    raise SystemExit(0 if found.is_clean else 1)


if __name__ == "__main__":
    main()
