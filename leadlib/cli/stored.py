"""What the commands that read the store share."""

from typing import TYPE_CHECKING

from leadlib import formats
from leadlib.config import Settings

if TYPE_CHECKING:
    from leadlib.store import Store


def open_store(settings: Settings) -> "Store":
    """The store that these settings name. Raises StoreError."""
    from leadlib.store import Store

    return Store.open(
        settings.database,
        timezone=settings.timezone,
        portal=settings.portal,
        working_hours=settings.working_hours,
        sla_minutes=settings.sla_minutes,
        badge_rules=settings.badge_rules,
    )


def as_of(store: "Store") -> str:
    """How old the data is, for the end of a sentence."""
    newest = store.as_of()
    if newest is None:
        return "and the store is empty: run “python -m leadlib sync” first"
    return f"as of {formats.instant(newest, store.timezone)} ({store.timezone.key})"
