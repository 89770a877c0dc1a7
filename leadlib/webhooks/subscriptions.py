"""Who receives the account's leads: the addresses that we know of, and the alarm for any other."""

import json
import logging
from pathlib import Path
from urllib.parse import urlsplit

from leadlib import formats
from leadlib.api import Client, Subscription
from leadlib.errors import NotFoundError, ScopeError, StoreUnreadableError
from leadlib.store import Store
from leadlib.store.disk import make_folder, write_whole

log = logging.getLogger(__name__)

ALARM = "unknown_subscription"
LOOK_EVERY_S = 3600.0
_MOST_NAMED = 3


class KnownAddresses:
    """The addresses that were subscribed or accepted here: a file of their own beside the store.

    Not in the database, which the running app holds: just then somebody subscribes it from the command line.
    """

    def __init__(self, database: Path) -> None:
        self.path = database / "webhooks.json"

    def all(self) -> frozenset[str]:
        """Raises StoreUnreadableError if the file is there and cannot be read."""
        try:
            urls = json.loads(self.path.read_text(encoding="utf-8"))["urls"]
            return frozenset(str(url) for url in urls)
        except FileNotFoundError:
            return frozenset()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreUnreadableError(
                f"{self.path} cannot be read ({type(error).__name__}). Remove it, and accept the addresses again that "
                "are yours: python -m leadlib webhooks accept URL.",
                str(self.path),
            ) from error

    def add(self, url: str) -> None:
        self._write(self.all() | {url})

    def remove(self, url: str) -> None:
        if url in (known := self.all()):
            self._write(known - {url})

    def _write(self, urls: frozenset[str]) -> None:
        try:
            make_folder(self.path.parent)
            write_whole(self.path, json.dumps({"urls": sorted(urls)}, indent=1).encode())
        except OSError as error:
            raise StoreUnreadableError(
                f"{self.path} cannot be written ({type(error).__name__}). Check the folder's permissions and the disk.",
                str(self.path),
            ) from error


class Watch:
    """The hourly look at the account's subscriptions.

    A key that leaked lets its thief subscribe an address of his own, and every new lead goes there too: the permission
    for it is part of every key.
    """

    def __init__(self, store: Store, client: Client, known: KnownAddresses) -> None:
        self._store = store
        self._client = client
        self._known = known
        self.n_unknown: int | None = None  # addresses at the last look; None before it, or where it was not allowed

    def look(self) -> None:
        """Raises the alarm if leads go to addresses that nobody here knows, else takes it down.

        A key that may not list them costs the look, and a line in the log. Raises PortalError or StoreError.
        """
        try:
            found = self._client.subscriptions()
        except (ScopeError, NotFoundError) as error:
            log.info("the webhook subscriptions cannot be listed: %s", type(error).__name__)
            self.n_unknown = None
            return
        known = self._known.all()
        unknown = tuple(one for one in found if one.is_for_leads and one.url not in known)
        self.n_unknown = len({one.url for one in unknown})
        if unknown:
            self._store.raise_alarm(ALARM, message_of(unknown))
        else:
            self._store.clear_alarm(ALARM)


def message_of(unknown: tuple[Subscription, ...]) -> str:
    """What an alarm says of these subscriptions, to somebody who did not set them up."""
    places = sorted({place_of(one.url) for one in unknown})
    named = ", ".join(places[:_MOST_NAMED]) + (" and others" if len(places) > _MOST_NAMED else "")
    n_urls = len({one.url for one in unknown})
    return (
        f"The portal sends your leads to {formats.count_of(n_urls, 'address', 'addresses')} that nobody subscribed "
        f"from here: {named}. The numbers are not affected. If it belongs to a program of yours, accept it (python -m "
        "leadlib webhooks accept URL). If not, somebody has your key: end the subscription (python -m leadlib webhooks "
        "unsubscribe URL) and make a new key in Property Finder's Expert."
    )


def place_of(url: str) -> str:
    """The host and path of an address: what follows may be somebody's password."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname or ''}{parts.path}"[:80] or "an address without a host"
    except ValueError:
        return "an address that is none"
