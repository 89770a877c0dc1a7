"""Guest links: addresses that open a part of the leads to who cannot sign in, until they expire or are ended."""

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from leadlib.filters import Filters
from leadlib.store.files import File
from leadlib.store.races import run_again
from leadlib.store.suppression import Person

LONGEST = timedelta(days=30)
"""What a link may live at most."""

_KEY_BYTES = 16
_COLUMNS = (
    "link_id, key_hash, title, pages, settings, filters, names_agents, maker, agents, made_at, expires_at, n_uses, "
    "last_used_at, ended_at"
)


@dataclass(frozen=True)
class Offer:
    """What somebody offers by a link. `settings` are the pages' parameters, `maker` is an e-mail address.

    `agents` are those whose leads the maker sees; None means all. Without `names_agents` guests get numbers for names.
    """

    title: str
    pages: tuple[str, ...]
    settings: Mapping[str, Sequence[str]]
    filters: Filters
    names_agents: bool
    maker: str
    agents: tuple[int, ...] | None


@dataclass(frozen=True)
class GuestLink:
    """One link that was made, and what became of it. Instants are UTC; `ended_at` is None until somebody ends it."""

    link_id: str
    offer: Offer
    made_at: datetime
    expires_at: datetime
    n_uses: int = 0
    last_used_at: datetime | None = None
    ended_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """True until it expires or is ended."""
        return self.ended_at is None and now < self.expires_at


class GuestLinks:
    """The guest links of a store. They lie in its personal file, with a keyed hash in place of what opens them.

    Every run of a guest's page asks, so they are kept in memory. Safe from any thread.
    """

    def __init__(self, file: File, hash_key: bytes) -> None:
        self._hash_key = hash_key
        self._lock = threading.Lock()
        self.read_from(file)

    def read_from(self, file: File) -> None:
        """Takes what is in `file` from now on; for the store, when that was written anew or changed behind its back."""
        self._file = file
        rows = file.fetch(f"select {_COLUMNS} from guest_links order by made_at, link_id").to_pylist()
        self._links = {str(row["key_hash"]): _link(row) for row in rows}

    def all(self) -> tuple[GuestLink, ...]:
        """Every link that was ever made, newest first."""
        return tuple(reversed(self._links.values()))

    def opened_by(self, key: str) -> GuestLink | None:
        """The link that this part of an address opens, whatever has become of it; None if there is none."""
        return self._links.get(self._hash(key))

    @run_again
    def make(self, offer: Offer, lives: timedelta) -> str:
        """Makes a link and gives the part of its address that opens it, 128 random bits: nobody can be told it again.

        Raises ValueError for a life of nothing or longer than LONGEST.
        """
        if not timedelta() < lives <= LONGEST:
            raise ValueError(f"a link lives for {LONGEST.days} days at most")
        key, now = secrets.token_urlsafe(_KEY_BYTES), datetime.now(UTC)
        link = GuestLink(secrets.token_hex(8), offer, now, now + lives)
        with self._lock:
            with self._file.transaction() as cursor:
                cursor.execute(
                    f"insert into guest_links ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, null, null)",
                    [
                        *(link.link_id, self._hash(key), offer.title, list(offer.pages)),
                        *(
                            json.dumps(dict(offer.settings)),
                            json.dumps(dict(offer.filters.selected)),
                            offer.names_agents,
                        ),
                        *(offer.maker, None if offer.agents is None else list(offer.agents), now, link.expires_at),
                    ],
                )
            self._links = {**self._links, self._hash(key): link}
        return key

    @run_again
    def end(self, link_id: str) -> None:
        """Ends a link, for pages that are open too. Once is as good as twice."""
        self._change(link_id, lambda link, now: replace(link, ended_at=link.ended_at or now))

    @run_again
    def note_use(self, link_id: str) -> None:
        """Counts that somebody has come by a link."""
        self._change(link_id, lambda link, now: replace(link, n_uses=link.n_uses + 1, last_used_at=now))

    def _change(self, link_id: str, change: Callable[[GuestLink, datetime], GuestLink]) -> None:
        with self._lock:
            found = next(((key, link) for key, link in self._links.items() if link.link_id == link_id), None)
            if found is None:
                return
            key_hash, changed = found[0], change(found[1], datetime.now(UTC))
            with self._file.transaction() as cursor:
                cursor.execute(
                    "update guest_links set n_uses = ?, last_used_at = ?, ended_at = ? where link_id = ?",
                    [changed.n_uses, changed.last_used_at, changed.ended_at, link_id],
                )
            self._links = {**self._links, key_hash: changed}

    def _hash(self, key: str) -> str:
        return hmac.digest(self._hash_key, f"guest link {key}".encode(), hashlib.sha256).hex()


def _link(row: Mapping[str, Any]) -> GuestLink:
    offer = Offer(
        row["title"],
        tuple(row["pages"]),
        json.loads(row["settings"]),
        Filters.of(json.loads(row["filters"])),
        row["names_agents"],
        row["maker"],
        None if row["agents"] is None else tuple(row["agents"]),
    )
    times = {name: row[name] for name in ("made_at", "expires_at", "n_uses", "last_used_at", "ended_at")}
    return GuestLink(row["link_id"], offer, **times)


def erase_from_guest_links(cursor: duckdb.DuckDBPyConnection, person: Person) -> int:
    """Deletes links whose words hold a phone or an address of the person; gives their number."""
    rows = cursor.execute("select link_id, concat_ws(' ', title, settings, filters, maker) from guest_links").fetchall()
    held = [link_id for link_id, words in rows if person.is_in(str(words))]
    for link_id in held:
        cursor.execute("delete from guest_links where link_id = ?", [link_id])
    return len(held)
