"""What several test files share: invented leads and a store of their own folder."""

import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from leadlib.records import Lead, leads_from_json
from leadlib.store import Store

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


@pytest.fixture(autouse=True)
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts `__main__` back: a page run by a test takes its place, and a process started later would run the page."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


def set_app_settings(monkeypatch: pytest.MonkeyPatch, folder: Path, **more: str) -> None:
    """Has the app open a store below `folder`, with a portal that is not there and no sync; `more` are set too."""
    settings = {
        "LEADLIB_DATABASE": str(folder / "store"),
        "LEADLIB_API_URL": "http://127.0.0.1:9",
        "LEADLIB_API_TOKEN": "a-token",
        "LEADLIB_SYNC_MINUTES": "0",
    }
    for name, value in {**settings, **more}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """A function that opens stores below the test's own folder; all are closed at the end."""
    opened: list[Store] = []

    def open_one(name: str = "store", timezone: ZoneInfo = DUBAI, portal: str = "test") -> Store:
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


@pytest.fixture(scope="session")
def matrix(request: pytest.FixtureRequest) -> list[tuple[int, int]]:
    """Numbers of leads and seeds that a row of the fault matrix is run with."""
    if request.config.getoption("--matrix") == "full":
        return [(n_leads, seed) for n_leads in (3_000, 15_000) for seed in range(40)]
    return [(1_500, 7), (1_500, 8)]
