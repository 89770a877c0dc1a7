"""When the portal's key ends, as far as that can be known, and the alarm that goes up before it does.

The portal tells nobody when a key ends: its owner reads the day off the portal's own screen and sets it here. Without
that a last possible day follows from the key's first use. A ready token carries its end within itself.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from leadlib import formats
from leadlib.api import token_ends_at
from leadlib.config import Secret, Settings
from leadlib.store import Store

ALARM = "key_expires"
WARN_DAYS = 30
"""The alarm goes up so many days before the end; its words count them down."""

LONGEST_LIFE = timedelta(days=365)
"""A key of the portal lives no longer than this."""

_FIRST_USE = "key_first_used"


@dataclass(frozen=True)
class Expiry:
    """The day on which the credentials end, in the account's zone. `is_exact`: told, not concluded from first use."""

    ends_on: date
    is_exact: bool
    is_token: bool = False


def expiry(settings: Settings, store: Store) -> Expiry | None:
    """When the credentials in use end; None if nobody knows: no sync with them yet, or a token that does not say."""
    if settings.api_token is not None:
        at = token_ends_at(settings.api_token.reveal())
        return None if at is None else Expiry(at.astimezone(settings.timezone).date(), is_exact=True, is_token=True)
    if settings.api_key_expires is not None:
        return Expiry(settings.api_key_expires, is_exact=True)
    used_at = _first_used(settings.api_key, store)
    if used_at is None:
        return None
    return Expiry(used_at.astimezone(settings.timezone).date() + LONGEST_LIFE, is_exact=False)


def watch_expiry(settings: Settings, store: Store, now: datetime) -> None:
    """Puts the alarm up from thirty days before the end on, counting down, and takes it down after a renewal.

    A key that is new here is noted as used from `now` on, under a fingerprint that does not tell the key.
    """
    if settings.api_key is not None and _first_used(settings.api_key, store) is None:
        store.remember(_FIRST_USE, f"{_fingerprint(settings.api_key)} {now.astimezone(UTC).isoformat()}")
    known = expiry(settings, store)
    days_left = None if known is None else (known.ends_on - now.astimezone(settings.timezone).date()).days
    if known is None or days_left is None or days_left > WARN_DAYS:
        store.clear_alarm(ALARM)
    else:
        store.raise_alarm(ALARM, _message(known, days_left))


def _message(known: Expiry, days_left: int) -> str:
    day = formats.day(known.ends_on)
    when = f"in {formats.count_of(days_left, 'day')}, on {day}" if days_left > 0 else f"today, {day}"
    verb = f"ends {when}" if days_left >= 0 else f"ended on {day}"
    if known.is_token:
        return (
            f"The token in LEADLIB_API_TOKEN {verb}. From then on no lead is read, and the numbers stay as they are. "
            "Set LEADLIB_API_KEY and LEADLIB_API_SECRET instead: a key renews its tokens."
        )
    renew = (
        "Create a new key on the portal (PF Expert, Developer Resources; it needs leads:read), put it into "
        "LEADLIB_API_KEY and LEADLIB_API_SECRET, its last day into LEADLIB_API_KEY_EXPIRES, and start Leadlight again."
    )
    if not known.is_exact:
        verb = f"{verb} at the latest: it was first used here a year before, and no key lives longer"
    return f"The portal's key {verb}. From then on no lead is read, and the numbers stay as they are. {renew}"


def _first_used(key: Secret | None, store: Store) -> datetime | None:
    """When this key was first used with this store; None if it is new to it."""
    fingerprint, _, at = (store.recall(_FIRST_USE) or "").partition(" ")
    return datetime.fromisoformat(at) if key is not None and fingerprint == _fingerprint(key) else None


def _fingerprint(key: Secret) -> str:
    return hashlib.sha256(key.reveal().encode()).hexdigest()[:12]
