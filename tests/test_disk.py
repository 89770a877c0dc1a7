"""Rows C4, E3 and E5 of the fault matrix: a full disk, a folder that may not be written, and who holds the store.

The normal run tries a few fillings of the disk, the full form many: `pytest tests/test_disk.py --matrix full`.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from leadlib.api import Client, Pacer, default_burst
from leadlib.config import SANDBOX_PORTAL, Secret, Settings
from leadlib.errors import StoreError, StoreReadOnlyError
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.store import Person, Store
from leadlib.store.generations import open_newest
from leadlib.ui.engine import get_engine
from tests.conftest import DUBAI, at, make_lead
from tests.disasters import batches_in, on_unix, open_at, run_in_process, write

pytestmark = pytest.mark.embedded(reason="a full or read-only folder, and one program at a time in it")

ROOT = Path(__file__).resolve().parents[1]
SHELL = ROOT / "leadlib" / "ui" / "shell.py"
DISK_BYTES = 12 * 2**20
NOBODY = 65_534
MOUNT, UMOUNT = shutil.which("mount") or "", shutil.which("umount") or ""

WRITES: dict[str, Callable[[Store, int], Any]] = {
    "batch": write,
    "checkpoint": lambda store, _: (store._analytics.checkpoint(), store._personal.checkpoint()),
    "generation": lambda store, _: store.publish(),
    "personal-copy": lambda store, _: store.copy_personal(),
    "erasure": lambda store, _: store.erase(Person(phones=("+971509999999",)), "test"),
    "backup": lambda store, n: store.back_up(store.folder / f"backup-{n}"),
}


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """A file system of its own in `folder`. Skips the test where this process may not make one."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (MOUNT and UMOUNT) or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk; the variant with a limit on file sizes has run")
    done = subprocess.run([MOUNT, *options, str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting a small disk is not allowed here; the variant with a limit on file sizes has run")
    try:
        yield
    finally:
        subprocess.run([UMOUNT, "-l", str(folder)], check=True)


def fill(folder: Path, room: int) -> Path:
    """Leaves `room` bytes of the disk free."""
    filler = folder / "filler"
    free = os.statvfs(folder)
    with filler.open("wb") as file:
        file.write(b"x" * max(0, free.f_bavail * free.f_frsize - room))
    return filler


@on_unix
def test_E3_full_disk_at_any_write_costs_nothing_that_was_acknowledged(
    tmp_path: Path, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    disk = tmp_path / "disk"
    rooms = range(0, 800_000, 8_000) if request.config.getoption("--matrix") == "full" else (0, 60_000)
    n_failed = 0
    with mounted(disk, "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs"):
        store = open_at(disk / "store")
        number = 0
        write(store, number)
        store.publish()
        for room in rooms:
            for name, action in WRITES.items():
                filler = fill(disk, room)
                acknowledged = batches_in(store)
                try:
                    action(store, number + 1)
                except StoreError:
                    n_failed += 1
                # The disk is still full, and all that was acknowledged can be read, here and from the generation.
                assert set(acknowledged) <= set(batches_in(store)), name
                with open_newest(disk / "store") as generation:
                    assert generation.query("select count(*) as n from leads")["n"].iloc[0] >= 20
                filler.unlink()
                for leftover in (disk / "store").glob("backup-*"):
                    shutil.rmtree(leftover)
                number += 1
                write(store, number)  # and once there is room, it goes on
                assert number in batches_in(store)
            store.publish()
            store.close()
            fill(disk, room)
            store = open_at(disk / "store")  # starting on a full disk shows what there is, too
            assert number in batches_in(store)
            (disk / "filler").unlink()
            assert not store.alarms()
            # Room for the next round: the disk is small, and the store grows.
            store.close()
            shutil.rmtree(disk / "store")
            store = open_at(disk / "store")
            number = 0
            write(store, number)
            store.publish()
        store.close()
    record_property("writes that met a full disk", n_failed)
    assert n_failed >= len(rooms)


def write_up_to_the_limit(pipe: Connection, folder: Path, limit: int) -> None:
    import resource

    store = open_at(folder)
    write(store, 0)
    store.publish()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    number, is_full = 0, False
    while not is_full:
        try:
            write(store, number + 1)
            number += 1
        except StoreError:
            is_full = True
    pipe.send(("written", number))
    for name, action in WRITES.items():
        try:
            action(store, number + 1)
        except StoreError as error:
            pipe.send((name, str(error)))
        assert set(range(number + 1)) <= set(batches_in(store)), name
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    write(store, number + 1)
    store.publish()
    store.close()
    with open_at(folder) as again:
        assert batches_in(again) == list(range(number + 2))
        assert not again.alarms()
    pipe.send(("recovered", number))


@on_unix
def test_E3_file_that_may_not_grow_is_a_clean_error_and_recovers(tmp_path: Path) -> None:
    """The variant that runs everywhere: the operating system refuses every byte beyond the limit."""
    code, heard = run_in_process(write_up_to_the_limit, tmp_path / "store", 150_000)
    assert code == 0
    said = dict(heard)
    assert {"written", "batch", "recovered"} <= set(said)
    assert said["written"] > 0
    assert "What was committed before is intact" in said["batch"]
    assert "Canary" not in repr(heard)


def read_as_nobody(pipe: Connection, folder: Path) -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    store = open_at(folder)
    pipe.send(store.is_read_only)
    pipe.send(batches_in(store))
    pipe.send([alarm.kind for alarm in store.alarms()])
    for change in (
        lambda: store.begin_sync(kind="full", dialect="flat", started_at=at("2026-09-17 10:00")),
        lambda: write(store, 5),
        lambda: store.remember("a", "b"),
        store.publish,
        store.copy_personal,
    ):
        try:
            change()
            pipe.send("changed")
        except StoreError as error:
            pipe.send(type(error).__name__)
    store.close()


@on_unix
@pytest.mark.parametrize("log", ["log-left-by-a-crash", "closed"])
def test_E5_folder_of_another_owner_is_served_and_not_written(log: str) -> None:
    # Below /tmp, where any user may look for a folder by its name; pytest's own folders are its user's alone.
    parent = Path(tempfile.mkdtemp(prefix="leadlight-test-"))
    try:
        parent.chmod(0o755)
        folder = parent / "store"
        code, _ = run_in_process(write_two_and_end, folder, log == "closed")
        assert code == (0 if log == "closed" else 9)
        for path in (folder, *folder.rglob("*")):
            if os.geteuid() == 0:
                os.chown(path, NOBODY, NOBODY)
            path.chmod(0o500 if path.is_dir() else 0o400)
        code, heard = run_in_process(read_as_nobody, folder)
        assert code == 0
        assert heard[:3] == [True, [0, 1], ["read_only"]]
        assert set(heard[3:]) <= {"StoreReadOnlyError", "StoreError"}
        assert heard[3:6] == ["StoreReadOnlyError"] * 3
    finally:
        for path in (parent / "store", *(parent / "store").rglob("*")):
            path.chmod(0o700)
        shutil.rmtree(parent)


def open_as_nobody(pipe: Connection, folder: Path) -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setuid(NOBODY)
    try:
        open_at(folder)
    except StoreError as error:
        pipe.send(str(error))


@on_unix
def test_E5_folder_that_may_not_even_be_looked_into_is_an_error_of_ours() -> None:
    parent = Path(tempfile.mkdtemp(prefix="leadlight-test-"))
    try:
        with open_at(parent / "store"):
            pass
        parent.chmod(0o755)
        (parent / "store").chmod(0o000)
        code, heard = run_in_process(open_as_nobody, parent / "store")
        assert (code, len(heard)) == (0, 1)
        assert "LEADLIB_DATABASE" in heard[0]
    finally:
        (parent / "store").chmod(0o700)
        shutil.rmtree(parent)


def write_two_and_end(pipe: Connection, folder: Path, is_closed: bool) -> None:
    store = open_at(folder)
    for number in range(2):
        write(store, number)
    if is_closed:
        store.close()
    else:
        os._exit(9)


@on_unix
def test_E5_pages_of_a_store_that_cannot_be_written_are_served_with_a_banner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "disk" / "store"
    monkeypatch.setenv("LEADLIB_DATABASE", str(folder))
    monkeypatch.setenv("LEADLIB_SYNC_MINUTES", "0")
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs"):
        with Store.open(folder, timezone=DUBAI, portal=SANDBOX_PORTAL) as store:
            store.write_leads([make_lead("a"), make_lead("b")], observed_at=at("2026-09-17 10:00"))
        subprocess.run([MOUNT, "-o", "remount,ro", str(tmp_path / "disk")], check=True)
        try:
            for page in ("overview", "leads", "health"):
                app = AppTest.from_file(str(SHELL), default_timeout=60).run()
                if page != "overview":
                    app.switch_page(f"../../pages/{page}.py").run()
                assert not app.exception
                shown = " ".join([*(w.value for w in app.warning), *(h.proto.body for h in app.get("html"))])
                assert "open for reading only" in shown
                assert "may not be written" in shown
                assert "Traceback" not in shown
            with pytest.raises(StoreReadOnlyError):
                get_engine().store.remember("a", "b")
        finally:
            get_engine.clear()


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[tuple[SandboxServer, dict[str, str]]]:
    """A portal that takes its time, and the environment of an installation that reads it."""
    with SandboxServer(
        SandboxSettings(dialect="flat", n_leads=300, latency_s=0.15, calls_per_minute=600_000)
    ) as server:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("LEADLIB_")}
        yield (
            server,
            {
                **plain,
                "LEADLIB_DATABASE": str(tmp_path / "store"),
                "LEADLIB_API_URL": server.url,
                "LEADLIB_API_KEY": API_KEY,
                "LEADLIB_API_SECRET": API_SECRET,
                "LEADLIB_CALLS_PER_MINUTE": "650",
            },
        )


def start_sync(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "leadlib", "sync", *arguments],
        cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@on_unix
def test_C4_of_two_syncs_at_once_one_reads_and_the_other_ends_well(
    portal: tuple[SandboxServer, dict[str, str]], tmp_path: Path
) -> None:
    server, environment = portal
    first = start_sync(environment, "--json")
    deadline = time.monotonic() + 60
    while not server.calls["/v1/leads"] and time.monotonic() < deadline and first.poll() is None:
        time.sleep(0.02)  # until the first holds the store and has begun to read
    second = start_sync(environment, "--json")
    out, err = second.communicate(timeout=60)
    assert second.returncode == 0
    assert json.loads(out) == {"outcome": "busy"}
    assert f"held by process {first.pid}" in err
    out, _ = first.communicate(timeout=60)
    done = json.loads(out)
    assert (first.returncode, done["outcome"]) == (0, "complete")
    # One bucket: whatever reached the portal was called by the first.
    assert sum(server.calls[path] for path in server.calls if path != "/v1/auth/token") <= done["calls"]
    with Store.open(tmp_path / "store", timezone=DUBAI, portal=server.url) as store:
        assert store.query("select count(*) as n from syncs")["n"].iloc[0] == 1


@on_unix
def test_C4_sync_from_cron_ends_well_while_the_app_holds_the_store(
    portal: tuple[SandboxServer, dict[str, str]], tmp_path: Path
) -> None:
    server, environment = portal
    with Store.open(tmp_path / "store", timezone=DUBAI, portal=server.url):
        process = start_sync(environment)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert err.count("\n") == 1
    assert "whoever holds the store does the syncing" in err
    assert not server.calls


def most_within(seconds: float, instants: list[float]) -> int:
    """The most of them in any stretch so long, its end not included."""
    return max(bisect_left(instants, first + seconds) - place for place, first in enumerate(instants))


@on_unix
def test_C4_sixteen_threads_and_other_programs_have_one_bucket(
    portal: tuple[SandboxServer, dict[str, str]],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    record_property: Callable[..., None],
) -> None:
    """Three seconds of it, ten minutes in the full form; the pace is the portal's clock's, so nothing here is timed."""
    seconds = 600 if request.config.getoption("--matrix") == "full" else 3
    server, environment = portal
    let_go: list[float] = []

    class Counting(Pacer):
        def take(self) -> float:
            instant = super().take()
            let_go.append(instant)
            return instant

    settings = Settings(api_url=server.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET))
    client = Client(settings, pacer=Counting(325))
    until = time.monotonic() + seconds

    def call() -> int:
        n_calls = 0
        while time.monotonic() < until:
            client.page(per_page=1)
            n_calls += 1
        return n_calls

    losers = 0
    with client, Store.open(tmp_path / "store", timezone=DUBAI, portal=server.url), ThreadPoolExecutor(16) as pool:
        threads = [pool.submit(call) for _ in range(16)]
        while time.monotonic() < until:
            out, err = start_sync(environment, "--json").communicate(timeout=120)
            assert json.loads(out) == {"outcome": "busy"}
            assert "whoever holds the store does the syncing" in err
            losers += 1
        n_calls = sum(thread.result() for thread in threads)
    assert losers > 0
    assert n_calls == server.calls["/v1/leads"]  # the others have called nobody
    let_go.sort()
    burst = default_burst(325)
    assert len(let_go) >= n_calls > burst
    for stretch in (1, 10, 60):
        assert most_within(stretch, let_go) <= 325 * stretch / 60 + burst
    record_property("calls", n_calls)
    record_property("most_in_a_minute", most_within(60, let_go))
    record_property("programs_turned_away", losers)
