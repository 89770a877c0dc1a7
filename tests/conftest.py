"""What several test files share: invented leads and a store of their own folder."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from leadlib.records import Lead, leads_from_json
from leadlib.store import Store
from tests.postgres import Postgres, find_binaries, serve_postgres

DUBAI = ZoneInfo("Asia/Dubai")

# Dozens of processes read the same files: on a machine where nobody keeps what was compiled, each compiles all of them.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def lead_json(lead_id: str, created_at: str = "2026-09-15T06:12:45Z", **changes: Any) -> dict[str, Any]:
    """One row of the API's `data`; `changes` replace or add fields. The person is invented."""
    return {
        "id": lead_id,
        "entityType": "listing",
        "channel": "whatsapp",
        "status": "sent",
        "publicProfile": {"id": 90001},
        "listing": {"id": "01JEXAMP1E0000000000000001", "reference": "EX-RENT-001"},
        "sender": {"name": "Test Sender One", "contacts": [{"type": "phone", "value": "+971500000001"}]},
        "responseLink": f"https://example.com/r/{lead_id}",
        "tags": [],
        "createdAt": created_at,
        **changes,
    }


def make_lead(lead_id: str, created_at: str = "2026-09-15T06:12:45Z", **changes: Any) -> Lead:
    """The Lead of `lead_json`."""
    leads, rejected = leads_from_json([lead_json(lead_id, created_at, **changes)])
    assert not rejected
    return leads[0]


def at(text: str) -> datetime:
    """A UTC instant from "2026-09-15 10:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def eventually(holds: Callable[[], bool], *, within_s: float = 10, every_s: float = 0.002) -> None:
    """Waits until it holds; fails if it does not in time."""
    deadline_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(every_s)


@pytest.fixture(autouse=True)
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts `__main__` back: a page run by a test takes its place, and a process started later would run the page."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


def settings_of_store(folder: Path) -> dict[str, str]:
    """The settings by which a program of its own opens the store of this folder: where `Store.open` has it, too."""
    return _SHARED[0].settings(folder) if _SHARED else {"LEADLIB_DATABASE": str(folder)}


def set_app_settings(monkeypatch: pytest.MonkeyPatch, folder: Path, **more: str) -> None:
    """Has the app open a store below `folder`, with a portal that is not there and no sync; `more` are set too."""
    settings = {
        **settings_of_store(folder / "store"),
        "LEADLIB_API_URL": "http://127.0.0.1:9",
        "LEADLIB_API_TOKEN": "a-token",
        "LEADLIB_SYNC_MINUTES": "0",
    }
    for name, value in {**settings, **more}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store as its first opening leaves it; a copy of it is opened at half of what a new one takes."""
    folder = tmp_path_factory.mktemp("empty") / "store"
    Store.open(folder, timezone=DUBAI, portal="test").close()
    return folder


@pytest.fixture
def open_store(tmp_path: Path, empty_store: Path) -> Iterator[Callable[..., Store]]:
    """A function that opens stores below the test's own folder; all are closed at the end."""
    opened: list[Store] = []

    def open_one(name: str = "store", timezone: ZoneInfo = DUBAI, portal: str = "test") -> Store:
        if (timezone, portal) == (DUBAI, "test") and not (tmp_path / name).exists():
            shutil.copytree(empty_store, tmp_path / name)
        opened.append(Store.open(tmp_path / name, timezone=timezone, portal=portal))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[..., Store]) -> Store:
    return open_store()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process more than there are cores: many tests wait for a browser, a server or a disk."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--matrix", choices=["short", "full"], default="short", help="size of the fault matrix")
    parser.addoption(
        "--store",
        choices=["embedded", "shared"],
        default="embedded",
        help="shared: each store is a shared one, with a real PostgreSQL; needs requirements-shared.txt",
    )

    parser.addoption("--short", action="store_true", help="only what shows most of shared stores in a minute or two")


_SHORT = (
    *("test_migrate.py", "test_shared_store.py", "test_shared_stress.py", "test_shared_viewer.py", "test_upkeep.py"),
    "test_worked_examples.py",
)
_SERVER = pytest.StashKey[Postgres]()
_AT_THE_END = pytest.StashKey[ExitStack]()
_NO_SERVER = "no PostgreSQL on this machine: install the package postgresql to test the shared store"
_SHARED: list[Any] = []
"""The SharedStores of this process, where the run is on shared stores."""


def pytest_configure(config: pytest.Config) -> None:
    """Starts one PostgreSQL for all processes of a run on shared stores."""
    if config.getoption("--store") != "shared":
        return
    # Its engine is in another environment than that of the other runs.
    from tests.shared_stores import SharedStores, lay_out_template

    if hasattr(config, "workerinput"):
        server = Postgres(*map(Path, config.workerinput["postgres"]))
    else:
        binaries = find_binaries()
        if binaries is None:
            raise pytest.UsageError(_NO_SERVER)
        config.stash[_AT_THE_END] = ExitStack()
        server = config.stash[_AT_THE_END].enter_context(serve_postgres(binaries))
        lay_out_template(server)
    config.stash[_SERVER] = server
    _SHARED.append(SharedStores(server))
    _SHARED[0].stand_in()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a process of pytest-xdist, before it starts, where the server is."""
    server = node.config.stash.get(_SERVER, None)
    node.workerinput["postgres"] = (str(server.folder), str(server.binaries)) if server else None


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash.get(_AT_THE_END, ExitStack()).close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--short"):
        items[:] = [item for item in items if item.path.name.startswith(_SHORT)]
    wanted = config.getoption("--store")
    for item in items:
        for kind in {"embedded", "shared"} - {wanted}:
            if mark := item.get_closest_marker(kind):
                reason = mark.kwargs.get("reason", f"is about the {kind} store")
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def shared_stores_of_one_test() -> Iterator[None]:
    with _SHARED[0].of_one_test() if _SHARED else nullcontext():
        yield


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """The run's PostgreSQL; without `--store shared` one of this process's own, if the machine has the package."""
    server = request.config.stash.get(_SERVER, None)
    if server is not None:
        yield server
        return
    binaries = find_binaries()
    if binaries is None:
        pytest.skip(_NO_SERVER)
    with serve_postgres(binaries) as server:
        yield server


@pytest.fixture(scope="session")
def matrix(request: pytest.FixtureRequest) -> list[tuple[int, int]]:
    """Numbers of leads and seeds that a row of the fault matrix is run with."""
    if request.config.getoption("--matrix") == "full":
        return [(n_leads, seed) for n_leads in (3_000, 15_000) for seed in range(40)]
    return [(1_500, 7)]


ONE_APP = frozenset(f"tests/e2e/test_{name}.py" for name in ("clicks", "notebook", "share", "use"))
"""Files that look at one app and leave it as it is: in one process they start it once."""


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Files stay whole, as --dist loadscope has it, and those of one app stay together."""
    if config.getoption("dist") != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            return "one app" if file in ONE_APP else file

    return Scheduling(config, log)
