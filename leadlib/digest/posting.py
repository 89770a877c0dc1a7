"""When messages go out by themselves: the digest at its times, an alert when it begins and then seldom."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from leadlib import formats
from leadlib.config import Addressee, Settings
from leadlib.digest.alerts import Alert, alerts_now
from leadlib.digest.message import Message
from leadlib.digest.sending import send
from leadlib.digest.sentences import make_digest
from leadlib.errors import DeliveryError, SettingsError
from leadlib.store import Store

log = logging.getLogger(__name__)

TURN_EVERY_S = 60.0

_STILL_WORTH_SENDING = timedelta(hours=12)
"""A digest that could not go out at its time goes out later, but not on top of the next one."""

_REST = timedelta(minutes=10)
"""How long a way is left alone that has failed."""


class Post:
    """The turn that the worker takes every minute: is something to be told, and was it told already?

    What was sent is kept in the store, by each way for itself, so that a new start repeats nothing. What could not be
    sent is tried again.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._resting: dict[Addressee, datetime] = {}

    def turn(self, now: datetime | None = None) -> None:
        """Sends what is due at `now` (UTC, this moment unless given). Raises StoreError."""
        now = now or datetime.now(UTC)
        ways = [to for to in self._settings.addressees if self._resting.get(to, now) <= now]
        if not ways or self._store.is_read_only:
            return
        alerts = alerts_now(
            self._store,
            sync_minutes=self._settings.sync_minutes,
            most_overdue=self._settings.alert_overdue,
            now=now,
        )
        for to in ways:
            try:
                self._tell(to, alerts, now)
                self._send_digest(to, alerts, now)
            except (DeliveryError, SettingsError) as error:
                log.error("%s: %s", error.title, error)
                self._resting[to] = now + _REST

    def _tell(self, to: Addressee, alerts: Sequence[Alert], now: datetime) -> None:
        quiet = timedelta(hours=self._settings.alert_quiet_hours)
        due = [one for one in alerts if now - self._last(f"{one.kind}_told_by_{to}", now, now - quiet) >= quiet]
        if not due:
            return
        title = due[0].title
        if len(due) > 1:
            title += f", and {formats.count_of(len(due) - 1, 'more alert')}"
        rule = f"Told again after {formats.duration(quiet)} if it lasts."
        message = Message(title, (("Now", tuple(one.sentence for one in due)),), rule, self._settings.site)
        send(message, to, self._settings)
        for one in due:
            self._store.remember(f"{one.kind}_told_by_{to}", now.isoformat())

    def _send_digest(self, to: Addressee, alerts: tuple[Alert, ...], now: datetime) -> None:
        times, key = self._settings.digest, f"digest_sent_by_{to}"
        if times is None:
            return
        due = times.last_before(now, self._store.timezone)
        # Switched on just now: what was due before is nobody's digest.
        before = self._last(key, now, now)
        if before < due and now - due < _STILL_WORTH_SENDING:
            send(make_digest(self._store, alerts, site=self._settings.site), to, self._settings)
        if before < due or self._store.recall(key) is None:
            self._store.remember(key, now.isoformat())

    def _last(self, key: str, now: datetime, otherwise: datetime) -> datetime:
        """When it was last sent, not later than `now`: a clock may have been set back."""
        text = self._store.recall(key)
        return otherwise if text is None else min(now, datetime.fromisoformat(text))
