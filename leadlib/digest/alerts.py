"""What somebody should hear of at once: the store's own alarms, data that grows old, and too many overdue leads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from leadlib import formats
from leadlib.digest.message import Part, Sentence, sentence
from leadlib.filters import Filters, to_address
from leadlib.freshness import freshness
from leadlib.metrics import backlog
from leadlib.store import Store

BACKLOG, STALE = "backlog", "stale"

_TITLES: Mapping[str, str] = {
    "silent_channel": "A channel went silent",
    "unknown_subscription": "Leads go to an unknown address",
    "export_limit": "Somebody asked for too many persons in files",
    STALE: "The data grows old",
    BACKLOG: "Too many leads are overdue",
}
_OTHER = "Leadlight needs attention"
_PAGES: Mapping[str, str] = {"silent_channel": "volume", "export_limit": "privacy"}

DAYS_OF_BACKLOG = 3
"""Older leads that wait are lost more often than late: they would keep the alert up for ever."""


@dataclass(frozen=True)
class Alert:
    """Something that is wrong now: its `kind`, for programs, a title, and a sentence that leads to its proof."""

    kind: str
    title: str
    sentence: Sentence


def alerts_now(store: Store, *, sync_minutes: int, most_overdue: int, now: datetime) -> tuple[Alert, ...]:
    """What is wrong at `now` (UTC), worst first: what the store has raised, stale data, a backlog.

    A backlog is more than `most_overdue` leads of the DAYS_OF_BACKLOG days up to the newest look that wait longer than
    the account's SLA. Raises StoreError.
    """
    found = [_alert(alarm.kind, alarm.message, "See where it stands.") for alarm in store.alarms()]
    age = freshness(store, sync_minutes, now)
    if age.stale:
        found.append(_alert(STALE, age.sentence, "Data health lists the last syncs."))
    as_of = store.as_of()
    if as_of is not None:
        first = as_of.astimezone(store.timezone).date() - timedelta(days=DAYS_OF_BACKLOG - 1)
        young = Filters.of({"from": [first.isoformat()]})
        row = backlog(store, young).iloc[0]
        if row["overdue"] > most_overdue:
            overdue = f"{formats.count_of(row['overdue'], 'lead')} of the last {DAYS_OF_BACKLOG} days"
            words = f"{overdue} have waited for more than {row['sla_minutes']} working minutes."
            found.append(_alert(BACKLOG, words, "The rescue queue has them.", f"queue{to_address(young)}"))
    return tuple(found)


def _alert(kind: str, words: str, proof: str, path: str | None = None) -> Alert:
    title = _TITLES.get(kind, _OTHER)
    return Alert(kind, title, sentence(f"{title}. {words} ", Part(proof, path or _PAGES.get(kind, "health"))))
