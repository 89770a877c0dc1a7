"""What the commands that read the store share."""

from typing import TYPE_CHECKING

from leadlib import formats
from leadlib.cli.output import tell
from leadlib.config import Settings
from leadlib.errors import StoreBusyError

if TYPE_CHECKING:
    from leadlib.store import Store


def open_store(settings: Settings) -> "Store":
    """The store that these settings name. Raises StoreError."""
    from leadlib.store import Store

    return Store.open(settings.database, **settings.of_store)


def open_to_read(settings: Settings, instead: str) -> "Store":
    """The store, or what is published of it while the app holds it; `instead` says what that means here."""
    try:
        return open_store(settings)
    except StoreBusyError:
        tell(f"The running app holds the store, so {instead}.")
        return open_published(settings)


def open_published(settings: Settings) -> "Store":
    """What is published of the store, brought up to date where nobody holds it: SQL cells ask that too."""
    from leadlib.store import Store

    return Store.open_beside(settings.database, **settings.of_store)


def as_of(store: "Store") -> str:
    """How old the data is, for the end of a sentence."""
    newest = store.as_of()
    if newest is None:
        return "and the store is empty: run “python -m leadlib sync” first"
    return f"as of {formats.instant(newest, store.timezone)} ({store.timezone.key})"
