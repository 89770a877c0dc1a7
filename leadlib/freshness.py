"""How old the data is, and whether that is too old: one rule for the banner, `/healthz` and the monitoring.

Two ages count: that of the last look, whichever band it was, and that of the last sweep of the whole window, which
alone sees late changes of old leads. Both are told on this machine's clock, by which syncs are dated.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from leadlib import formats
from leadlib.store import Store
from leadlib.sync import BANDS, window_every

LOOK_LIMIT = timedelta(minutes=15)
WINDOW_SLACK = timedelta(hours=6)
"""How late a sweep of the window may be: due every six hours it is stale after twelve, due each night after thirty."""

INTERVALS = 3
"""Or so many intervals of the background sync, where that is longer: two of them may fail before anybody is told."""


@dataclass(frozen=True)
class Freshness:
    """What is known of the age of the data at the moment `now`. Instants are UTC on the local clock.

    `read_at` has for each band when its last successful sweep ended; a wider band serves for a narrower one, and a
    band that never succeeded is left out. `tried_at` is when the first sync of the store began, None before that;
    `has_failed` tells whether one of them has failed. `interval` is None if no background sync runs.
    """

    now: datetime
    interval: timedelta | None
    read_at: dict[str, datetime]
    tried_at: datetime | None
    has_failed: bool
    window_limit: timedelta

    @property
    def is_sync_on(self) -> bool:
        """False if nothing reads the portal by itself: then the data is as old as somebody wants it to be."""
        return self.interval is not None

    @property
    def limits(self) -> dict[str, timedelta]:
        """How old the last look (`hot`) and the last sweep of the window (`cold`) may be."""
        patience = INTERVALS * (self.interval or timedelta(0))
        return {"hot": max(LOOK_LIMIT, patience), "cold": max(self.window_limit, patience)}

    def age(self, kind: str) -> timedelta | None:
        """How long ago that band was last read, or first tried if it never was; None before any try.

        What lies in the future was just now: a clock was set back.
        """
        at = self.read_at.get(kind, self.tried_at)
        return None if at is None else max(timedelta(0), self.now - at)

    @property
    def stale(self) -> tuple[str, ...]:
        """The bands that are too old, `hot` before `cold`; empty while all is well, and where no sync runs.

        A store that was never read waits for its first sync, however long that takes, unless that has failed.
        """
        if not self.is_sync_on or not (self.read_at or self.has_failed):
            return ()
        return tuple(kind for kind, limit in self.limits.items() if (age := self.age(kind)) is not None and age > limit)

    @property
    def sentence(self) -> str:
        """What the banner says; empty if nothing is stale."""
        words = {"hot": "No look at the portal has succeeded for", "cold": "The whole window has not been read for"}
        return " ".join(
            f"{words[kind]} {formats.duration(self.age(kind))} (limit {formats.duration(self.limits[kind])})."
            for kind in self.stale
        )


def freshness(store: Store, sync_minutes: int, now: datetime) -> Freshness:
    """The age of the store's data at `now` (UTC), where a background sync runs every `sync_minutes` (0: none does).

    Raises StoreError.
    """
    read_at, tried_at, has_failed, window_limit = _of_syncs(store, store.data_version)
    interval = timedelta(minutes=sync_minutes) if sync_minutes else None
    return Freshness(now, interval, read_at, tried_at, has_failed, window_limit)


# Every page asks every few seconds, and between two commits nothing changes.
@lru_cache(maxsize=4)
def _of_syncs(store: Store, data_version: int) -> tuple[dict[str, datetime], datetime | None, bool, timedelta]:
    syncs = store.query(
        "select kind, max(finished_at) filter (outcome in ('complete', 'uncertain')) as read_at, "
        "min(started_at) as tried_at, bool_or(outcome = 'failed') as has_failed "
        "from syncs where kind in (select unnest($kinds)) group by kind",
        {"kinds": [band.kind for band in BANDS]},
    ).set_index("kind")
    ends = syncs["read_at"].dropna()
    read_at = {}
    for place, band in enumerate(BANDS):
        as_wide = [ends[wide.kind].to_pydatetime() for wide in BANDS[: place + 1] if wide.kind in ends.index]
        if as_wide:
            read_at[band.kind] = max(as_wide)
    tried_at = None if syncs.empty else syncs["tried_at"].min().to_pydatetime()
    as_of = store.as_of()
    limit = window_every(store, as_of or datetime.now(UTC)) + WINDOW_SLACK
    return read_at, tried_at, bool(syncs["has_failed"].any()), limit
