"""A portal on a port, a store, and a client between them: what the tests of the sync stand on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from leadlib.api import Client
from leadlib.config import Secret, Settings
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.store import Store, SyncRow
from leadlib.sync import Progress, run_sync
from tests.conftest import DUBAI, at

NOW = at("2026-11-20 09:00")
PLENTY = 10**6


class Bench:
    """A portal, a store, and a client between them that never waits. The local clock runs beside the portal's.

    Give it another bench's `client`, and the portal has become that other one overnight.
    """

    def __init__(self, portal: SandboxServer, store: Store, transport: httpx.BaseTransport | None = None) -> None:
        self.portal = portal
        self.store = store
        self.local_ahead = timedelta(0)
        self.progress: list[Progress] = []
        settings = Settings(
            api_url=portal.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET), calls_per_minute=PLENTY
        )
        self.own_client = self.client = Client(settings, transport=transport, sleep=lambda seconds: None)

    def sync(self, **asked: Any) -> SyncRow:
        return run_sync(self.client, self.store, on_progress=self.progress.append, now=self.now, **asked)

    def now(self) -> datetime:
        return self.portal.clock.now() + self.local_ahead

    def advance(self, **by: float) -> None:
        self.portal.clock.advance(timedelta(**by))

    def sync_every(self, *, hours: float, until: datetime, minutes: float = 0) -> list[SyncRow]:
        """Syncs that come round until the portal's clock has reached an instant."""
        rows = []
        while self.portal.clock.now() < until:
            self.advance(hours=hours, minutes=minutes)
            rows.append(self.sync())
        return rows

    @property
    def shown_ids(self) -> set[str]:
        """What the portal shows now."""
        return self.portal.truth.lead_ids(self.portal.clock.now())

    @property
    def stored_ids(self) -> set[str]:
        return set(self.store.query("select lead_id from leads")["lead_id"])

    @property
    def gone_ids(self) -> set[str]:
        """Leads that are marked as gone from the portal."""
        return set(self.store.query("select lead_id from leads where deleted_at_source is not null")["lead_id"])

    def lead(self, lead_id: str) -> Any:
        """The row of one lead."""
        return self.store.query("select * from leads where lead_id = $lead_id", {"lead_id": lead_id}).iloc[0]

    def syncs(self) -> list[tuple[str, str]]:
        rows = self.store.query("select kind, outcome from syncs order by started_at, finished_at")
        return list(rows.itertuples(index=False, name=None))


@contextmanager
def benches(open_store: Callable[..., Store]) -> Iterator[Callable[..., Bench]]:
    """A function that starts a portal and gives the bench around it; settings of the sandbox may be changed."""
    running: list[Bench] = []

    def start(transport: httpx.BaseTransport | None = None, **changes: Any) -> Bench:
        plain = {"n_leads": 600, "frozen_at": NOW, "calls_per_minute": PLENTY, "token_calls_per_minute": PLENTY}
        portal = SandboxServer(SandboxSettings(**{**plain, **changes})).__enter__()
        running.append(Bench(portal, open_store(f"store-{len(running)}", portal=portal.url), transport))
        return running[-1]

    yield start
    for one in running:
        one.own_client.close()
        one.portal.__exit__(None, None, None)


@contextmanager
def planted_brokerage(folder: Path, n_leads: int) -> Iterator[Bench]:
    """The bench of a brokerage that was read once, in the flat dialect: there is one look at each lead."""
    plain = SandboxSettings(dialect="flat", n_leads=n_leads, frozen_at=NOW, calls_per_minute=PLENTY)
    with SandboxServer(plain) as portal, Store.open(folder, timezone=DUBAI, portal=portal.url) as store:
        one = Bench(portal, store)
        with one.own_client:
            one.sync(full=True)
            yield one
