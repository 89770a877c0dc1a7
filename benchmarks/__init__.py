"""Measurements; none of them is a test. `HELD_AT` is the moment at which the benchmarks' portal stands still."""

from datetime import UTC, datetime

HELD_AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
