"""Exports that are put on record before anybody can read the file, and within what one person may take."""

import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from leadlib import formats
from leadlib.access import Access
from leadlib.errors import AccessError, ExportError, ExportLimitError, StoreError
from leadlib.export.columns import Format, chosen_columns
from leadlib.export.leads import ExportResult, export_leads, within_scope
from leadlib.export.texts import defused
from leadlib.filters import Filters, to_pairs
from leadlib.metrics import summary
from leadlib.store import LIMITS, ExportRow, Limits, Refusal, Store, names_somebody

EXPORT_LIMIT = "export_limit"
"""The kind of alarm that goes up when somebody asks for more than they may take."""

EXPORTS_KEPT_MONTHS = 24

SQL_ROWS = "csv of SQL"
"""The format of what a SQL cell gave, as the record has it."""

REASON_LENGTH = 200

COMMAND_LINE = "command line"
LOCAL_USE = "local"

_ALARM = (
    f"Somebody asked for more names and phones in files than one person may take ({LIMITS.files_an_hour} files an "
    f"hour, {formats.number(LIMITS.rows_a_day)} leads a day), and was refused. The page Privacy says who, and takes "
    "this notice down."
)


def who_is(access: Access) -> str:
    """Who a download is put on record for."""
    return access.email or LOCAL_USE


def limits_for(access: Access) -> Limits | None:
    """What one person may take of what is personal; None: no limit.

    Where nobody signs in, whoever asks owns the machine and can read the store's files themselves: a limit would only
    be in their way, and could not tell two people apart. Their exports are on record all the same.
    """
    return LIMITS if access.email else None


def checked_reason(text: str, access: Access, *, personal: bool) -> str:
    """The reason as it is put on record. Raises AccessError where one is needed or this one will not do."""
    reason = " ".join(text.split())
    if not reason and personal and access.email:
        raise AccessError("no_reason", "Say in a few words what the names and phones are for, and ask again.")
    if len(reason) > REASON_LENGTH or not reason.isprintable():
        raise AccessError("bad_reason", f"A reason has at most {REASON_LENGTH} characters, on one line.")
    if names_somebody(reason):
        raise AccessError(
            "bad_reason",
            "The reason is kept for two years and must name nobody: leave e-mail addresses and long numbers out of it.",
        )
    return reason


def explain(refusal: Refusal, store: Store, limits: Limits) -> str:
    """Why a personal file is refused, and when it is possible again."""
    again = "" if refusal.again_at is None else formats.instant(refusal.again_at, store.timezone)
    if refusal.limit == "files":
        return (
            f"One person may take {limits.files_an_hour} files with personal columns an hour, and you have. The next "
            f"one is possible at {again} ({store.timezone.key}). Files without personal columns have no limit."
        )
    most = formats.number(limits.rows_a_day)
    if refusal.again_at is None:
        return (
            f"One person may take the personal columns of {most} leads a day, and these are more. Narrow the filters, "
            "or leave the personal columns out."
        )
    return (
        f"One person may take the personal columns of {most} leads a day, and with these it would be more. As many "
        f"are possible at {again} ({store.timezone.key}); fewer, or without personal columns, at once."
    )


def refuse_above_limits(
    whole: Store,
    store: Store,
    filters: Filters,
    *,
    who: str,
    reason: str,
    limits: Limits | None,
    fmt: str = "",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Raises ExportLimitError if a personal file of these leads is more than `who` may take now.

    Then that is on record in `whole`, and an alarm goes up.
    """
    if limits is not None:
        n_rows = int(summary(store, filters)["leads"].iloc[0])
        row = _row(store, filters, fmt, True, who, reason, now())
        _refuse(whole, replace(row, n_rows=n_rows), limits)


def refuse_many(
    whole: Store, n_leads: int, *, who: str, reason: str, limits: Limits | None, now: Callable[[], datetime]
) -> None:
    """The same for all that is held of one person, with so many leads."""
    if limits is not None:
        _refuse(whole, ExportRow(now(), who, (), (), "json", n_leads, "", True, reason), limits)


def _refuse(whole: Store, row: ExportRow, limits: Limits) -> None:
    refusal = whole.exports.refusal(row.who, row.n_rows, row.exported_at, limits)
    if refusal is not None:
        whole.exports.add_refused(row, refusal.limit)
        raise refused(whole, refusal, limits)


def export_on_record(
    whole: Store,
    store: Store,
    filters: Filters,
    fmt: Format,
    path: Path,
    *,
    who: str,
    reason: str = "",
    limits: Limits | None,
    personal: bool = False,
    names: Mapping[str, Mapping[str, str]] | None = None,
    site: str = "/",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ExportResult:
    """As `export_leads`, of what is seen in `store`; put on record in `whole`, where all exports are.

    The file appears under its name once it is on record. Raises ExportLimitError for a personal file above `limits`,
    with an alarm; ExportError if it cannot be put on record, too.
    """
    held_to = limits if personal else None
    # Before a file is made, because what is refused should cost nothing, and once more when its rows are counted.
    refuse_above_limits(whole, store, filters, who=who, reason=reason, limits=held_to, fmt=fmt, now=now)

    def put_on_record(made: ExportResult) -> None:
        row = _row(store, filters, fmt, personal, who, reason, now())
        try:
            outcome = whole.exports.add(replace(row, n_rows=made.rows, sha256=made.sha256), held_to)
        except StoreError as error:
            raise _unrecorded(str(path)) from error
        if isinstance(outcome, Refusal):
            raise refused(whole, outcome, held_to or LIMITS)

    return export_leads(
        store, filters, fmt, path, personal=personal, names=names, site=site, now=now, release=put_on_record
    )


def rows_on_record(
    whole: Store, store: Store, filters: Filters, content: str, n_rows: int, *, who: str, now: datetime
) -> str:
    """`content`, a file of what somebody's SQL gave under `filters`, once it is on record in `whole`.

    Such rows can be single leads, though no person is in them. Raises ExportError if it cannot be put on record.
    """
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    row = replace(_row(store, filters, SQL_ROWS, False, who, "", now), column_names=(), n_rows=n_rows, sha256=sha256)
    try:
        whole.exports.add(row)
    except StoreError as error:
        raise _unrecorded() from error
    return content


def list_as_csv(rows: Sequence[ExportRow], timezone: ZoneInfo) -> str:
    """What is on record, a line each, for a spreadsheet; times are in `timezone`."""
    text = io.StringIO()
    writer = csv.writer(text)
    names = [field.name for field in fields(ExportRow)]
    writer.writerow(names)
    for row in rows:
        told = {**vars(row), "exported_at": row.exported_at.astimezone(timezone).isoformat(timespec="seconds")}
        cells = ("; ".join(cell) if isinstance(cell, tuple) else cell for cell in map(told.__getitem__, names))
        writer.writerow([defused(cell) if isinstance(cell, str) else cell for cell in cells])
    return "\ufeff" + text.getvalue()


def _row(
    store: Store, filters: Filters, fmt: str, personal: bool, who: str, reason: str, exported_at: datetime
) -> ExportRow:
    """What is on record of a file before there is one."""
    return ExportRow(
        exported_at=exported_at,
        who=who,
        filters=tuple(to_pairs(within_scope(store, filters))),
        column_names=tuple(column.name for column in chosen_columns(personal)),
        format=fmt,
        n_rows=0,
        sha256="",
        is_personal=personal,
        reason=reason,
    )


def _unrecorded(path: str = "") -> ExportError:
    return ExportError(
        "The file could not be put on record, so it is not handed out. Check the free space of the store's "
        "disk and the permissions of its folder, then export again.",
        path,
    )


def refused(whole: Store, refusal: Refusal, limits: Limits) -> ExportLimitError:
    """The error for somebody who is refused, after the alarm has gone up."""
    whole.raise_alarm(EXPORT_LIMIT, _ALARM)
    return ExportLimitError(explain(refusal, whole, limits), again_at=refusal.again_at)
