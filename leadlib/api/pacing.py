"""How fast we may call: one bucket for every call of an installation."""

import threading
import time
from collections.abc import Callable

PORTAL_CALLS_PER_MINUTE = 650
"""What the portal allows, counted per address and per key, so the account's other programs share it."""

DEFAULT_CALLS_PER_MINUTE = 600
LOWEST_PACE = 0.05
"""However often the portal says 429, we keep at least this share of the full pace."""

RECOVERY_PER_MINUTE = 0.1
"""After a 429, this share of the full pace comes back each minute."""

_ALMOST_ONE = 1 - 1e-9  # refills are sums of floats: waiting exactly long enough may give 0.9999999999999999


def default_burst(calls_per_minute: int) -> int:
    """Calls that may go at once: a fifteenth of a minute's calls, and never past the portal's own limit.

    600 a minute gives 40, so that a minute holds at most 640 of the 650 allowed.
    """
    return max(1, min(calls_per_minute // 15, PORTAL_CALLS_PER_MINUTE - calls_per_minute))


class Pacer:
    """A token bucket: in any 60 s at most `calls_per_minute + burst` calls pass. Safe for several threads.

    `slow_down` halves the pace; a tenth of the full pace comes back each minute.
    """

    def __init__(
        self,
        calls_per_minute: int = DEFAULT_CALLS_PER_MINUTE,
        burst: int | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        burst = default_burst(calls_per_minute) if burst is None else burst
        if calls_per_minute < 1 or burst < 1:
            raise ValueError("A pacer lets at least one call a minute pass, one at a time.")
        self._full_per_s = calls_per_minute / 60
        self._burst = burst
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._calls_in_hand = float(burst)
        self._filled_at = monotonic()
        self._pace = 1.0  # share of the full pace, as it was at _paced_at
        self._paced_at = self._filled_at
        self._held_until = self._filled_at

    @property
    def calls_per_minute(self) -> float:
        """The pace now, after any 429."""
        with self._lock:
            return self._full_per_s * 60 * self._pace_at(self._monotonic())

    def take(self) -> float:
        """Wait until a call may go; the monotonic instant at which it may."""
        while True:
            with self._lock:
                now = self._monotonic()
                wait_s = self._wait_s(now)
                if wait_s <= 0:
                    self._calls_in_hand -= 1
                    return now
            self._sleep(wait_s)

    def slow_down(self, taken_at: float, hold_s: float = 0.0) -> None:
        """The call that was let go at `taken_at` met a 429: halve the pace, and let nobody go for `hold_s`.

        Calls that were in flight together are one signal, so they halve the pace once.
        """
        with self._lock:
            now = self._monotonic()
            self._fill(now)
            self._held_until = max(self._held_until, now + hold_s)
            if self._pace_at(now) < 1 and taken_at <= self._paced_at:
                return
            self._pace = max(LOWEST_PACE, self._pace_at(now) / 2)
            self._paced_at = now
            self._calls_in_hand = min(self._calls_in_hand, 0.0)

    def _pace_at(self, now: float) -> float:
        return min(1.0, self._pace + RECOVERY_PER_MINUTE * (now - self._paced_at) / 60)

    def _fill(self, now: float) -> None:
        pace = self._pace_at(now)
        capacity = max(1.0, self._burst * pace)
        refilled = self._calls_in_hand + (now - self._filled_at) * self._full_per_s * pace
        self._calls_in_hand = min(capacity, refilled)
        self._filled_at = now

    def _wait_s(self, now: float) -> float:
        self._fill(now)
        held_s = self._held_until - now
        if self._calls_in_hand >= _ALMOST_ONE:
            return held_s
        return max(held_s, (1 - self._calls_in_hand) / (self._full_per_s * self._pace_at(now)))
