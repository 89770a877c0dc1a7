"""When to stop calling a portal that has trouble, and when to try again."""

import threading
from collections import deque
from collections.abc import Callable

WINDOW_S = 300.0
RETRY_SHARE = 0.1
"""Of the calls of the last WINDOW_S this share may be repeats."""

FEW_RETRIES = 20
"""So many repeats within WINDOW_S say nothing yet, however few the calls."""

FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 900.0
TRIES_AFTER_A_PAUSE = 4
"""So many calls must fail one after the other before the next pause: a portal that fails now and then is not down."""

_BUCKET_S = 10.0


class Circuit:
    """Lets calls through until too many have to be repeated; then nobody calls for a minute. Thread-safe.

    After the pause calls go ahead one at a time. Once one is answered, all go on and the counting begins anew; if none
    of TRIES_AFTER_A_PAUSE is, the next pause is twice as long, up to a quarter of an hour. A portal that fails now and
    then is thus read to the end, slowly, and one that is down is left alone.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Condition()
        self._buckets: deque[tuple[float, int, int]] = deque()  # since when, calls, repeats among them
        self._paused_until: float | None = None
        self._pause_s = FIRST_PAUSE_S
        self._tried_by: int | None = None  # the thread whose call goes ahead; answers to earlier calls say nothing
        self._n_tries = 0

    def wait_s(self) -> float:
        """Seconds before asking again whether a call may go. 0 lets it go, and binds its thread to tell how it went.

        While another thread's call goes ahead, this waits for what it tells.
        """
        with self._lock:
            while self._tried_by is not None:
                self._lock.wait()
            if self._paused_until is None:
                return 0.0
            left_s = self._paused_until - self._monotonic()
            if left_s > 0:
                return left_s
            self._tried_by = threading.get_ident()
            return 0.0

    def answered(self) -> None:
        """A call that was let go got an answer, be it a refusal."""
        with self._lock:
            if self._paused_until is None:
                self._count(repeats=0)
            elif self._tried_by == threading.get_ident():
                self._paused_until, self._pause_s = None, FIRST_PAUSE_S
                self._n_tries = 0
                self._buckets.clear()
                self._let_others_go()

    def failed(self) -> None:
        """A call that was let go has to be repeated."""
        with self._lock:
            now = self._monotonic()
            if self._paused_until is None:
                self._count(repeats=1)
                repeats = sum(bucket[2] for bucket in self._buckets)
                if repeats > max(FEW_RETRIES, RETRY_SHARE * sum(bucket[1] for bucket in self._buckets)):
                    self._paused_until = now + self._pause_s
            elif self._tried_by == threading.get_ident():
                self._n_tries += 1
                self._let_others_go()
                if self._n_tries == TRIES_AFTER_A_PAUSE:
                    self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
                    self._paused_until, self._n_tries = now + self._pause_s, 0

    def gave_no_sign(self) -> None:
        """A call that was let go ended before it could tell anything of the portal."""
        with self._lock:
            if self._tried_by == threading.get_ident():
                self._let_others_go()

    def _let_others_go(self) -> None:
        self._tried_by = None
        self._lock.notify_all()

    def _count(self, repeats: int) -> None:
        now = self._monotonic()
        while self._buckets and self._buckets[0][0] <= now - WINDOW_S:
            self._buckets.popleft()
        if not self._buckets or self._buckets[-1][0] <= now - _BUCKET_S:
            self._buckets.append((now, 0, 0))
        since, n_calls, n_repeats = self._buckets[-1]
        self._buckets[-1] = (since, n_calls + 1, n_repeats + repeats)
