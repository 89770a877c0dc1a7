"""The portal's clock: running, or held still for tests and screenshots."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta


class Clock:
    """The sandbox's idea of now, always aware and in UTC.

    Without `held_at` it runs with the machine's clock; with it, it stands still until it is moved. `set` and `advance`
    work on both: a running clock goes on running from where it was put.
    """

    def __init__(self, held_at: datetime | None = None) -> None:
        self._held_at = None if held_at is None else _in_utc(held_at)
        self._ahead = timedelta(0)

    @property
    def is_held(self) -> bool:
        """True when time passes only by `set` and `advance`."""
        return self._held_at is not None

    def now(self) -> datetime:
        """The portal's present instant."""
        if self._held_at is not None:
            return self._held_at
        return datetime.now(UTC) + self._ahead

    def set(self, at: datetime) -> None:
        """Put the clock to `at`, which must carry a time zone."""
        at = _in_utc(at)
        if self._held_at is not None:
            self._held_at = at
        else:
            self._ahead = at - datetime.now(UTC)

    def advance(self, by: timedelta) -> None:
        """Move the clock by `by`; a negative `by` moves it back."""
        self.set(self.now() + by)


def three_months_before(at: datetime) -> datetime:
    """The same time of day three calendar months earlier; the last day of the month where that day does not exist."""
    months = at.year * 12 + at.month - 1 - 3
    year, month = divmod(months, 12)
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day)


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970 in UTC, cut down to a whole one."""
    return (at - _UNIX_START) // _MS


def from_ms(ms: int) -> datetime:
    """The instant `ms` milliseconds after 1970 began in UTC."""
    return _UNIX_START + ms * _MS


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"a clock needs an instant with a time zone, got {at.isoformat()}")
    return at.astimezone(UTC)


_UNIX_START = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
