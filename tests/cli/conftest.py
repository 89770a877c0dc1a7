"""The command line as its users meet it: real processes against a real sandbox on a port, in both dialects.

Every output of every process here is searched for secrets and for people.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings, Truth
from leadlib.sandbox.settings import Dialect
from leadlib.sandbox.wire import lead_sender
from leadlib.store import Store
from tests.commands import ROOT, run_command
from tests.conftest import settings_of_store

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DUBAI = ZoneInfo("Asia/Dubai")
PLENTY = 1_000_000
SMALL = SandboxSettings(n_leads=400, frozen_at=NOW, calls_per_minute=PLENTY, token_calls_per_minute=PLENTY)
DIALECTS: tuple[Dialect, ...] = ("filter", "flat")
on_unix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither these terminals nor these signals")

_NEVER_SHOWN = re.compile(
    rf"{re.escape(API_SECRET)}|eyJ[\w-]{{20}}|\+97150000\d|\+9715555\d|sender\.[0-9a-f]+@|Traceback"
)


@dataclass
class Done:
    """How a process ended: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Installation:
    """Settings and a store of its own, and the portal that it reads, if there is one."""

    folder: Path
    server: SandboxServer | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._people = _people(self.server.truth, self.server.settings.seed) if self.server else frozenset()

    @property
    def environment(self) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("LEADLIB_")}
        portal = {}
        if self.server is not None:
            portal = {
                "LEADLIB_API_URL": self.server.url,
                "LEADLIB_API_KEY": API_KEY,
                "LEADLIB_API_SECRET": API_SECRET,
                "LEADLIB_CALLS_PER_MINUTE": "650",
            }
        return {**plain, **settings_of_store(self.folder / "store"), **portal, **self.settings}

    def start(self, *arguments: str, flags: Sequence[str] = (), **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *flags, "-m", "leadlib", *arguments],
            cwd=ROOT, env=self.environment, text=True, encoding="utf-8",
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )  # fmt: skip

    def run(self, *arguments: str, flags: Sequence[str] = ()) -> Done:
        if flags:
            return self.ended(self.start(*arguments, flags=flags))
        done = run_command(arguments, self.environment)
        return self._searched(Done(done.returncode, done.stdout, done.stderr))

    def ended(self, process: subprocess.Popen[str]) -> Done:
        out, err = process.communicate(timeout=60)
        return self._searched(Done(process.returncode, out, err))

    def _searched(self, done: Done) -> Done:
        shown = done.out + done.err
        assert not (leak := _NEVER_SHOWN.search(shown)), leak
        assert not [name for name in self._people if name in shown]
        return done

    def store(self) -> Store:
        assert self.server is not None
        return Store.open(self.folder / "store", timezone=DUBAI, portal=self.server.url)

    def lead_ids(self) -> set[str]:
        with self.store() as store:
            return set(store.query("select lead_id from leads")["lead_id"])


def _people(truth: Truth, seed: int) -> frozenset[str]:
    """The senders' names, but for those that an agent happens to have too."""
    names = {str(lead_sender(lead, seed).name) for lead in truth.leads} - {"None"}
    return frozenset(names - {agent.name for agent in truth.agents})


Install = Callable[..., Installation]


@pytest.fixture(scope="package")
def install(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """A function that makes installations; with `portal` settings they read a sandbox on a port of its own."""
    with ExitStack() as running:

        def make(portal: dict[str, Any] | None = None, **settings: str) -> Installation:
            server = None
            if portal is not None:
                changed = {name: portal.get(name, getattr(SMALL, name)) for name in SandboxSettings.__slots__}
                server = running.enter_context(SandboxServer(SandboxSettings(**changed)))
            return Installation(tmp_path_factory.mktemp("installation"), server, settings)

        yield make


@pytest.fixture(scope="package")
def synced_by_dialect(install: Install) -> dict[str, Installation]:
    """For each dialect, an installation that has read its portal once."""
    installations = {dialect: install({"dialect": dialect}) for dialect in DIALECTS}
    processes = {dialect: installations[dialect].start("sync", "--json") for dialect in DIALECTS}
    for dialect, process in processes.items():
        done = installations[dialect].ended(process)
        assert done.code == 0, done.err
        assert (done.json["dialect"], done.json["outcome"]) == (dialect, "complete")
        assert done.json["read"] == done.json["new"] > 300
    return installations


@pytest.fixture(params=DIALECTS)
def synced(request: pytest.FixtureRequest, synced_by_dialect: dict[str, Installation]) -> Installation:
    """An installation that has read its portal, in each dialect in turn."""
    return synced_by_dialect[request.param]


@pytest.fixture
def sample(synced_by_dialect: dict[str, Installation]) -> Installation:
    """An installation that has read its portal, where the dialect does not matter."""
    return synced_by_dialect["filter"]


@pytest.fixture(scope="package")
def troubled(install: Install) -> Iterator[dict[str, Callable[[], Done]]]:
    """Commands against portals in trouble, under way at the same time: retries and waits take their seconds."""
    with SandboxServer(SMALL) as gone:
        url = gone.url
    down = install(LEADLIB_API_URL=url, LEADLIB_API_KEY=API_KEY, LEADLIB_API_SECRET=API_SECRET)
    # With fewer leads than these, none of the odd ones lacks its id or its date.
    odd = install({"n_leads": 1_000, "faults": frozenset({"odd-rows"})})
    wrong_total, no_scope = (install({"faults": frozenset({name})}) for name in ("wrong-total", "no-leads-scope"))

    with ExitStack() as running:

        def started(installation: Installation, *arguments: str) -> Callable[[], Done]:
            process = running.enter_context(installation.start(*arguments))
            running.callback(process.kill)  # where the tests that ask for it run in another process
            return lambda: installation.ended(process)

        yield {
            "down": started(down, "sync", "--json"),
            "odd-rows": started(odd, "sync", "--json"),
            "wrong-total": started(wrong_total, "sync"),
            "no-scope check": started(no_scope, "check"),
            "no-scope sync": started(no_scope, "sync"),
        }


@pytest.fixture(scope="package")
def plain(install: Install) -> Installation:
    """An installation whose portal is read by nobody yet."""
    return install({})


def obeys_ctrl_c() -> None:
    # A test run in the background of a shell would otherwise pass on that it ignores Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
