"""How far a running sync is."""

from dataclasses import dataclass

from leadlib import formats

_LEAST_S = 1.0
"""Before this many seconds a pace says nothing."""


@dataclass(frozen=True)
class Progress:
    """Where a running sync is. `n_expected` is None until the portal has said how many leads are to be read.

    `n_calls_left` are the calls still to make for the leads, as far as is known: None until then. What does not fit
    into one response, or has to be read again, adds to them.
    """

    phase: str
    n_read: int = 0
    n_expected: int | None = None
    n_calls: int = 0
    n_retries: int = 0
    seconds: float = 0.0
    n_calls_left: int | None = None

    @property
    def calls_per_minute(self) -> float | None:
        """The pace so far; None in the first second."""
        return None if self.seconds < _LEAST_S or not self.n_calls else self.n_calls / self.seconds * 60

    @property
    def seconds_left(self) -> float | None:
        """How long the calls that are left take at the pace so far; None as long as either is unknown."""
        pace = self.calls_per_minute
        return None if pace is None or self.n_calls_left is None else self.n_calls_left / pace * 60

    @property
    def pace(self) -> str:
        """How fast it goes and what is left, in words: "412 calls a minute, 35 calls and 5 s to go"; may be empty."""
        parts = []
        if self.calls_per_minute is not None:
            parts.append(f"{formats.count_of(round(self.calls_per_minute), 'call')} a minute")
        if self.n_calls_left:
            left = f" and {formats.duration(self.seconds_left)}" if self.seconds_left is not None else ""
            parts.append(f"{formats.count_of(self.n_calls_left, 'call')}{left} to go")
        return ", ".join(parts)
