"""Engine: what a running installation consists of, opened and closed as one."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from leadlib.access import Access
from leadlib.api import Client
from leadlib.config import Dialect, Secret, Settings
from leadlib.digest import TURN_EVERY_S, Post
from leadlib.errors import StoreError
from leadlib.expiry import watch_expiry
from leadlib.export import EXPORTS_KEPT_MONTHS, Tickets
from leadlib.metrics import watch_silence
from leadlib.past import Past
from leadlib.places import Places
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings, Truth
from leadlib.store import Store, SyncRow, months_before, store_for
from leadlib.sync import Progress, publishable, run_sync
from leadlib.webhooks import APPLY_EVERY_S, LOOK_EVERY_S, Applier, KnownAddresses, Spool, Watch
from leadlib.worker import Chore, Wish, Worker

log = logging.getLogger(__name__)

_KEEP_EVERY_S = 3600.0
_KEEP_UP_EVERY_S = 300.0
_COPY_EVERY = timedelta(days=1)

# The built-in sandbox is ours alone: a newcomer should not wait for a limit that protects somebody else's server.
_SANDBOX_CALLS_PER_MINUTE = 60_000


class Engine:
    """Settings, store, client, background worker and, without credentials, the built-in sandbox.

    `providers` are those at which people sign in; without one everybody is the owner. Both are as they were at the
    start, so that a file which is changed or removed meanwhile opens nothing.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        client: Client,
        sandbox: SandboxServer | None,
        providers: tuple[str, ...] = (),
    ) -> None:
        self.settings = settings
        self.store = store
        self.client = client
        self.sandbox = sandbox
        self.tickets = Tickets()
        self.files = Places(settings.files_at_once)
        self.spool = Spool(settings.database)
        self.webhooks = Applier(store, client, self.spool)
        self.past = None if sandbox is None else Past(sandbox, store, client, self.webhooks)
        # Nobody else can subscribe anything in the sandbox.
        self.watch = None if sandbox is not None else Watch(store, client, KnownAddresses(settings.database))
        self.worker = Worker(self.sync, settings.sync_minutes, self._chores(), work=store.work, begin=self.store.settle)
        self.providers = providers
        self._stores: dict[str, Store] = {}

    @classmethod
    def open(cls, settings: Settings, providers: tuple[str, ...] = ()) -> "Engine":
        """Everything but the worker's thread, which `worker.start()` starts. Raises StoreError or SettingsError."""
        with ExitStack() as opened:
            store = opened.enter_context(Store.open(settings.database, **settings.of_store))
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
            engine = cls(settings, store, Client(settings, dialect=_known_dialect(settings, store)), sandbox, providers)
            opened.pop_all()
        return engine

    def close(self) -> None:
        self.client.stop()
        self.worker.stop()
        self.webhooks.close()
        self.client.close()
        self.store.close()
        if self.sandbox is not None:
            self.sandbox.__exit__(None, None, None)

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def store_for(self, access: Access) -> Store:
        """The store as somebody with these rights sees it: the same one for all whose `access.key` is the same."""
        known = self._stores.get(access.key)
        return known if known is not None else self._stores.setdefault(access.key, store_for(self.store, access))

    @property
    def is_sandbox(self) -> bool:
        """True if the leads are planted ones of the built-in sandbox."""
        return self.sandbox is not None

    @property
    def truth(self) -> Truth | None:
        """What was planted in the built-in sandbox; None for a portal, whose truth nobody knows."""
        return None if self.sandbox is None else self.sandbox.truth

    @property
    def dialect(self) -> Dialect:
        """The dialect in use; before the first sync has found out, the one the product was ordered for."""
        return self.client.dialect or "filter"

    def _chores(self) -> tuple[Chore, ...]:
        chores = [
            Chore("webhook events", APPLY_EVERY_S, self._apply_events, for_each=True),
            Chore("keeping the store", _KEEP_EVERY_S, self.keep_store),
            Chore("digest and alerts", TURN_EVERY_S, Post(self.store, self.settings).turn),
        ]
        if self.store.work.is_shared and self.settings.sql_cells:
            chores.append(
                Chore("copy for SQL cells", max(60.0, self.settings.sync_minutes * 60.0), self._copy, for_each=True)
            )
        if self.store.work.is_shared:
            chores.append(Chore("files of the shared store", _KEEP_UP_EVERY_S, self.store.keep_up))
        if self.watch is not None:
            chores.append(Chore("webhook subscriptions", LOOK_EVERY_S, self.watch.look))
        return tuple(chores)

    def _apply_events(self) -> None:
        """Events that came to this machine are applied by it; what they leave open is asked for by one program."""
        if self.worker.is_ours:
            self.webhooks.turn()
        else:
            self.webhooks.apply()

    def _copy(self) -> None:
        """SQL cells ask a copy on their own machine, which another program's sync does not bring there."""
        if self.store.published() != self.store.sequence():
            self.store.publish()

    def sync(self, wish: Wish, on_progress: Callable[[Progress], None]) -> SyncRow:
        """One sync, now, in this thread. Raises PortalError or StoreError.

        The sandbox's past is put into an empty store on the way, most of it by a second sync that is asked for at once:
        a newcomer should not wait for it.
        """
        if self.past is None:
            watch_expiry(self.settings, self.store, datetime.now(UTC))
        elif self.past.is_due:
            self.past.look_back(on_progress)
        elif self.past.is_unfinished:
            self.past.catch_up(on_progress)
        full = wish.full or (self.store.must_read_all and not wish.is_part)
        row = run_sync(
            self.client, self.store, full=full, since=wish.since, filters=wish.filters, on_progress=on_progress
        )
        if full and publishable(row) and row.n_uncertain == 0:
            self.store.has_read_all()
        if publishable(row):
            if not wish.is_part:
                watch_silence(self.store)
            self._publish()
        if self.past is not None and self.past.is_unfinished:
            self.worker.request(Wish())
        return row

    def _publish(self) -> None:
        """A copy that cannot be written costs the sync nothing, but somebody has to know."""
        try:
            self.store.publish()
        except StoreError as error:
            log.error("a generation could not be published: %s", type(error).__name__)
            self.store.raise_alarm(
                "unpublished",
                "The copy of the numbers for reports and for repairs could not be written, so it is as old as the last "
                "one. What is shown here is up to date. Check the disk's free space; the next sync tries again.",
            )
        else:
            self.store.clear_alarm("unpublished")

    def keep_store(self, now: datetime | None = None) -> None:
        """What is due once a day, and after people have written something: old persons forgotten, the rest of the
        personal file copied for repairs.

        `now` is this moment unless it is given. Raises StoreError.
        """
        now = now or datetime.now(UTC)
        copied_at = self.store.personal_copied_at()
        # What people have written comes back from nowhere else, nor what they took with them.
        written_at = max(self.store.words.written_at(), self.store.exports.written_at())
        is_due = now - copied_at >= _COPY_EVERY or written_at > copied_at
        if self.store.is_read_only or not is_due:
            return
        if self.settings.retention_months:
            self.store.forget_persons(months_before(now, self.settings.retention_months))
        self.store.exports.forget_before(months_before(now, EXPORTS_KEPT_MONTHS))
        self.store.copy_personal()
        self.store.retire_alarms(now)


def _known_dialect(settings: Settings, store: Store) -> Dialect | None:
    if settings.api_dialect != "auto":
        return settings.api_dialect
    remembered = store.recall("dialect")
    return remembered if remembered in {"filter", "flat"} else None  # type: ignore[return-value]  # just checked
