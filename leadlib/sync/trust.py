"""When a sweep's result is not to be believed, and the alarms that say so."""

from collections.abc import Callable
from datetime import datetime, timedelta

from leadlib import formats
from leadlib.store import Store, SyncRow

FEW = 5
"""Up to so many are never too many: one odd row in a quiet night is no reason to hold back what is known."""

SHARE = 0.01

BELIEVED_FOR = timedelta(days=3)
"""How long it holds that missing leads are gone: each must be missed twice, a day apart, before it is marked."""

_BELIEVED_UNTIL = "missing_believed_until"
_WIDTH = {"since": 1, "hot": 1, "warm": 2, "cold": 3}


def is_too_many(n: int, of: int) -> bool:
    """True if `n` of `of` leads or rows are more than can be put down to chance: over 1 %, and over FEW."""
    return n > max(FEW, SHARE * of)


def believe_missing(store: Store, now: datetime) -> None:
    """Somebody has looked: leads that are missing at the portal are gone, however many, for BELIEVED_FOR from `now`."""
    store.remember(_BELIEVED_UNTIL, (now + BELIEVED_FOR).isoformat())


def too_many_missing(store: Store, now: datetime) -> Callable[[int, int], bool]:
    """`is_too_many`, unless somebody has said that missing leads are to be believed."""
    until = store.recall(_BELIEVED_UNTIL)
    is_believed = until is not None and now < datetime.fromisoformat(until)
    return lambda n, of: not is_believed and is_too_many(n, of)


def has_too_many_rejected(row: SyncRow) -> bool:
    """True if so many of the rows that came are no leads that the rest may not be the whole truth either."""
    return is_too_many(row.n_rejected, row.n_read + row.n_suppressed + row.n_rejected)


def publishable(row: SyncRow) -> bool:
    """True if the store may be published as this sync left it: it ended, and few of its rows were no leads."""
    return row.outcome in {"complete", "uncertain"} and not has_too_many_rejected(row)


def set_alarms(store: Store, row: SyncRow) -> None:
    """Raises what `row`, the sync that has just ended, gives reason for, and clears what it has settled.

    An alarm stands until a sweep at least as wide as the one that raised it finds nothing wrong.
    """
    if row.kind not in _WIDTH:
        return
    _set(store, row, "rejected_rows", _rejected_message, has_too_many_rejected)
    _set(store, row, "mass_deletion", _missing_message, lambda one: one.n_withheld > 0)


def set_audit_alarm(store: Store, day: datetime, n_missed: int) -> None:
    """Raises or clears what the weekly audit gives reason for; `day` is the first instant of the day it read."""
    if not n_missed:
        store.clear_alarm("audit")
        return
    store.raise_alarm(
        "audit",
        f"{formats.count_of(n_missed, 'lead')} of {formats.day(day)} (UTC) came when the day was read page by page, by "
        "channel or by agent, and not when it was read in short stretches of time, as syncs do. They are stored, but "
        "others may be missing: the portal's bounds on createdAt do not hold what they promise. Report it to the "
        "portal's support; syncs go on.",
    )


def _set(
    store: Store, row: SyncRow, kind: str, message: Callable[[SyncRow], str], is_wrong: Callable[[SyncRow], bool]
) -> None:
    key = f"alarm_{kind}_from"
    raised_by = store.recall(key) if any(alarm.kind == kind for alarm in store.alarms()) else None
    if is_wrong(row):
        store.raise_alarm(kind, message(row))
        if raised_by is None or _WIDTH[row.kind] > _WIDTH[raised_by]:
            store.remember(key, row.kind)
    elif raised_by is not None and _WIDTH[row.kind] >= _WIDTH[raised_by]:
        store.clear_alarm(kind)


def _rejected_message(row: SyncRow) -> str:
    n_rows = row.n_read + row.n_suppressed + row.n_rejected
    return (
        f"{formats.number(row.n_rejected)} of {formats.count_of(n_rows, 'row')} that the portal sent are no leads: "
        "they lack an id or a usable date. They are kept, but no number counts them, and published copies stay as they "
        "were. Data health has the reasons. If the rows stay, report them to the portal's support."
    )


def _missing_message(row: SyncRow) -> str:
    return (
        f"{formats.count_of(row.n_withheld, 'lead')} that the store holds were missing from the portal's answers. So "
        "many at once are more likely a mistake of the portal than deletions: none was marked as gone, no contact was "
        "removed, and all numbers still count them. Look at the portal: if the leads are there, a later sync finds "
        "them and takes this down. If they were deleted, say so on Data health or with “python -m leadlib sync "
        "--believe-missing”; if you do not know, ask the portal's support what happened."
    )
