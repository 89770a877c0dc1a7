"""How a stretch of createdAt is read from the portal so that nothing in it can be missed without being noticed."""

from leadlib.reading.pages import MAX_TRIES, Verdict, one_pass, read_pages, statuses_upwards
from leadlib.reading.slices import (
    CALLS_IN_FLIGHT,
    PAD,
    ROWS_AIMED_AT,
    BoundsIgnoredError,
    Slice,
    cuts_blind,
    read_slices,
)

__all__ = [
    "CALLS_IN_FLIGHT",
    "MAX_TRIES",
    "PAD",
    "ROWS_AIMED_AT",
    "BoundsIgnoredError",
    "Slice",
    "Verdict",
    "cuts_blind",
    "one_pass",
    "read_pages",
    "read_slices",
    "statuses_upwards",
]
