"""A history out of what was seen: of a lead's status, or of who it is assigned to.

Pure: the same sights give the same history, in whatever order they became known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")

SAME_SECOND = timedelta(seconds=1)
"""A full row is dated in whole seconds, an event in milliseconds: so far apart they may be of one moment."""


@dataclass(frozen=True)
class Sight(Generic[T]):
    """`value` held at the instant `at`; `is_change` if that is also the moment at which it began."""

    at: datetime
    value: T
    is_change: bool
    source: str


@dataclass(frozen=True)
class Span(Generic[T]):
    """`value` began somewhere in (not_before, not_after]; exactly then, where the two are one."""

    value: T
    not_before: datetime
    not_after: datetime
    source: str


def spans_of(sights: Sequence[Sight[T]], begins_at: datetime) -> list[Span[T]]:
    """One span per change of value along `sights`, which stand in order of time; nothing was before `begins_at`."""
    spans: list[Span[T]] = []
    before: Sight[T] | None = None
    for place, sight in enumerate(sights):
        if before is None or sight.value != before.value:
            moment = _moment(sights[place:])
            if moment is not None:
                spans.append(Span(sight.value, moment.at, moment.at, moment.source))
            else:
                not_before = min(begins_at, sight.at) if before is None else before.at
                spans.append(Span(sight.value, not_before, sight.at, sight.source))
        before = sight
    return spans


def sights_of(spans: Sequence[Span[T]]) -> Iterator[Sight[T]]:
    """What must have been seen for a history to be what it is: the inverse of `spans_of`, as far as there is one.

    `spans` stand in order of time. What was seen between the first and the last sight of one value is not told.
    """
    for place, span in enumerate(spans):
        yield Sight(span.not_after, span.value, span.not_before == span.not_after, span.source)
        if place + 1 < len(spans):
            following = spans[place + 1]
            if span.not_after < following.not_before < following.not_after:
                yield Sight(following.not_before, span.value, False, span.source)


def _moment(sights: Sequence[Sight[T]]) -> Sight[T] | None:
    """The sight that tells when the value of the first one began; None if none does."""
    first = sights[0]
    for sight in sights:
        if sight.value != first.value or sight.at - first.at > SAME_SECOND:
            return None
        if sight.is_change:
            return sight
    return None
