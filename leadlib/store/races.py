"""Lost races: on a shared store another program may commit first; then the same is done again from its beginning."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from leadlib.errors import LostRaceError

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

_TRIES = 5


def run_again(change: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """The same method, run again while it loses races; of a lost one nothing is in the store. Raises LostRaceError."""

    @wraps(change)
    def changing(self: S, /, *arguments: P.args, **named: P.kwargs) -> T:
        for _ in range(_TRIES - 1):
            try:
                return change(self, *arguments, **named)
            except LostRaceError:
                continue
        return change(self, *arguments, **named)

    return changing
