"""Places: how much heavy work is done at a time, and the line of those who wait for theirs."""

import threading
import time
from collections.abc import Callable
from types import TracebackType

_LOOK_EVERY_S = 0.1


class Places:
    """A number of places for work that would slow everybody down if all of it were done at once. Safe from any thread.

    Whoever lines up first begins first.
    """

    def __init__(self, n_places: int) -> None:
        self.n_places = n_places
        self._changed = threading.Condition()
        self._line: list[Turn] = []

    def line_up(self, name: str = "") -> "Turn":
        """The next turn, for a `with` block, at whose end the place is free. `name` is what to ask for it by."""
        turn = Turn(self, name)
        with self._changed:
            self._line.append(turn)
        return turn

    def n_ahead(self, name: str) -> int | None:
        """How many turns have to end before that of this name begins, 0 once it has; None for a name not in line."""
        with self._changed:
            for place, turn in enumerate(self._line):
                if turn.name == name:
                    return max(0, place - self.n_places + 1)
        return None

    @property
    def n_ahead_of_next(self) -> int:
        """How many turns would have to end before the next one that is asked for begins."""
        with self._changed:
            return max(0, len(self._line) - self.n_places + 1)


class Turn:
    """Somebody's turn: it is theirs to begin once `has_begun`."""

    def __init__(self, places: Places, name: str) -> None:
        self.name = name
        self._places = places

    @property
    def has_begun(self) -> bool:
        """True from the moment at which there is a place."""
        with self._places._changed:
            return self._is_up()

    def wait(self, longest_s: float, is_gone: Callable[[], bool] = lambda: False) -> bool:
        """Waits for the place, at most so long and while somebody wants it; whether it is there."""
        last_s = time.monotonic() + longest_s
        with self._places._changed:
            while not self._is_up() and time.monotonic() < last_s and not is_gone():
                self._places._changed.wait(_LOOK_EVERY_S)
            return self._is_up()

    def __enter__(self) -> "Turn":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._places._changed:
            self._places._line.remove(self)
            self._places._changed.notify_all()

    def _is_up(self) -> bool:
        return self in self._places._line[: self._places.n_places]
