"""Engine: what a running installation consists of, opened and closed as one."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from leadlib.api import Client
from leadlib.config import Dialect, Secret, Settings
from leadlib.export import Tickets
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.store import Store, SyncRow
from leadlib.sync import Progress, run_sync
from leadlib.worker import Wish, Worker

log = logging.getLogger(__name__)

# The built-in sandbox is ours alone: a newcomer should not wait for a limit that protects somebody else's server.
_SANDBOX_CALLS_PER_MINUTE = 60_000


class Engine:
    """Settings, store, client, background worker and, without credentials, the built-in sandbox."""

    def __init__(self, settings: Settings, store: Store, client: Client, sandbox: SandboxServer | None) -> None:
        self.settings = settings
        self.store = store
        self.client = client
        self.sandbox = sandbox
        self.tickets = Tickets()
        self.worker = Worker(self.sync, settings.sync_minutes)

    @classmethod
    def open(cls, settings: Settings) -> "Engine":
        """Everything but the worker's thread, which `worker.start()` starts. Raises StoreError or SettingsError."""
        with ExitStack() as opened:
            store = opened.enter_context(
                Store.open(settings.database, timezone=settings.timezone, portal=settings.portal)
            )
            sandbox = None
            if not settings.has_credentials:
                sandbox = opened.enter_context(
                    SandboxServer(SandboxSettings(calls_per_minute=_SANDBOX_CALLS_PER_MINUTE))
                )
                settings = replace(
                    settings,
                    api_url=sandbox.url,
                    api_key=Secret(API_KEY),
                    api_secret=Secret(API_SECRET),
                    calls_per_minute=_SANDBOX_CALLS_PER_MINUTE,
                )
            engine = cls(settings, store, Client(settings, dialect=_known_dialect(settings, store)), sandbox)
            opened.pop_all()
        return engine

    def close(self) -> None:
        self.worker.stop()
        self.client.close()
        self.store.close()
        if self.sandbox is not None:
            self.sandbox.__exit__(None, None, None)

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_sandbox(self) -> bool:
        """True if the leads are planted ones of the built-in sandbox."""
        return self.sandbox is not None

    @property
    def dialect(self) -> Dialect:
        """The dialect in use; before the first sync has found out, the one the product was ordered for."""
        return self.client.dialect or "filter"

    def sync(self, wish: Wish, on_progress: Callable[[Progress], None]) -> SyncRow:
        """One sync, now, in this thread. Raises PortalError or StoreError."""
        return run_sync(
            self.client, self.store, full=wish.full, since=wish.since, filters=wish.filters, on_progress=on_progress
        )


def _known_dialect(settings: Settings, store: Store) -> Dialect | None:
    if settings.api_dialect != "auto":
        return settings.api_dialect
    remembered = store.recall("dialect")
    return remembered if remembered in {"filter", "flat"} else None  # type: ignore[return-value]  # just checked
