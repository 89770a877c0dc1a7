"""Faults of the span asked for: what its bounds include, and how far back it may reach."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from leadlib.sandbox.clock import three_months_before
from leadlib.sandbox.faults.base import Fault, fault

if TYPE_CHECKING:
    from leadlib.sandbox.query import LeadQuery

_DUBAI: Final = timezone(timedelta(hours=4))
_SECOND_MS: Final = 1000


@fault("whole-second-bounds", "Leads and the bounds of createdAt are compared on whole seconds, fractions cut off.")
class _WholeSecondBounds(Fault):
    def change_query(self, query: LeadQuery) -> LeadQuery:
        from_ms, to_ms = query.created_from_ms, query.created_to_ms
        return replace(
            query,
            grain_ms=_SECOND_MS,
            created_from_ms=None if from_ms is None else from_ms // _SECOND_MS * _SECOND_MS,
            created_to_ms=None if to_ms is None else to_ms // _SECOND_MS * _SECOND_MS + _SECOND_MS - 1,
        )


@fault("from-exclusive", "A lead created exactly at createdAtFrom is left out.")
class _FromExclusive(Fault):
    def change_query(self, query: LeadQuery) -> LeadQuery:
        if query.created_from_ms is None:
            return query
        return replace(query, created_from_ms=query.created_from_ms + query.grain_ms)


@fault("to-exclusive", "A lead created exactly at createdAtTo is left out.")
class _ToExclusive(Fault):
    def change_query(self, query: LeadQuery) -> LeadQuery:
        if query.created_to_ms is None:
            return query
        return replace(query, created_to_ms=query.created_to_ms - query.grain_ms)


@fault("window-utc-dates", "The three months begin with their first day in UTC, not at the time of day.")
class _WindowUtcDates(Fault):
    def window_start(self, planned: datetime, at: datetime) -> datetime:
        return _midnight(three_months_before(at.astimezone(UTC)))


@fault("window-dubai-dates", "The three months begin with their first day in Dubai, not at the time of day.")
class _WindowDubaiDates(Fault):
    def window_start(self, planned: datetime, at: datetime) -> datetime:
        return _midnight(three_months_before(at.astimezone(_DUBAI))).astimezone(UTC)


@fault("window-ninety-days", "The portal shows and takes 90 days, not three calendar months.")
class _WindowNinetyDays(Fault):
    def window_start(self, planned: datetime, at: datetime) -> datetime:
        return at - timedelta(days=90)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
