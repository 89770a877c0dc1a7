"""Taking a person, or all persons of old leads, out of every place where the store keeps them. The counts stay."""

import calendar
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from leadlib.errors import StoreError
from leadlib.records import Contact
from leadlib.store import disk, suppression
from leadlib.store.export_log import erase_from_exports
from leadlib.store.files import File
from leadlib.store.guest_links import erase_from_guest_links
from leadlib.store.keepsakes import erase_from_keepsakes
from leadlib.store.notebooks import erase_from_notebooks
from leadlib.store.senders import forget_senders
from leadlib.store.suppression import Person
from leadlib.store.writes import sender_key

SPOOL = "spool"
_DAMAGED = "damaged-*"
_PERSONAL_TABLES = ("lead_contacts", "lead_payloads")
_IDS_AT_ONCE = 50_000
_BY_THEM = (
    "sender_key is not null and (lead_id in (select unnest($ids)) or list_contains($keys::varchar[], sender_key))"
)


@dataclass(frozen=True)
class Erased:
    """What an erasure found: leads that have lost their sender; other texts, deliveries, damaged files, versions of
    notebooks, and saved views, notes and guest links that were removed. `erasure_id` is what it is on record by.
    """

    n_leads: int
    n_texts: int
    n_deliveries: int
    n_damaged: int
    n_notebooks: int
    n_keepsakes: int
    erasure_id: str = ""


@dataclass(frozen=True)
class ErasureRow:
    """One erasure on record: when (UTC), on whose word, by which kinds of marks, and how much was found.

    `n_others` are texts, deliveries, damaged files, versions of notebooks, views and notes.
    """

    erasure_id: str
    erased_at: datetime
    who: str
    kinds: tuple[str, ...]
    n_leads: int
    n_others: int


def months_before(now: datetime, months: int) -> datetime:
    """The same time of day `months` calendar months before, on the month's last day where it has no such day."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    last_day = calendar.monthrange(max(year, 1), month + 1)[1]
    return now.replace(year=max(year, 1), month=month + 1, day=min(now.day, last_day))


def erase_rows(personal: File, analytics: File, person: Person, hash_key: bytes) -> tuple[int, int, int, int]:
    """Puts the person on the list, and deletes their rows; gives how many leads, other texts, notebooks and keepsakes.

    The list is committed with the deletion in the personal file, which comes first: whatever happens then, the person
    is kept out, and the same call again finishes the work.
    """
    with personal.transaction() as cursor:
        found = _find(cursor, person)
        text_ids = _among_rejected(analytics.cursor(), found)
        lead_ids = found - text_ids
        ids = lead_ids | text_ids
        suppression.add(cursor, person.marks | {("lead", lead_id) for lead_id in lead_ids}, hash_key)
        for table in _PERSONAL_TABLES:
            cursor.execute(f"delete from {table} where lead_id in (select unnest($ids))", {"ids": sorted(ids)})
        n_notebooks = erase_from_notebooks(cursor, person)
        n_keepsakes = erase_from_keepsakes(cursor, person) + erase_from_guest_links(cursor, person)
        erase_from_exports(cursor, person)
    with analytics.transaction() as cursor:
        bound = _bound(lead_ids, person, hash_key)
        numbers = cursor.execute(f"select distinct sender_no from leads where {_BY_THEM}", bound).fetchall()
        changed = cursor.execute(f"select lead_id from leads where {_BY_THEM}", bound).fetchall()
        if changed:
            cursor.execute(f"update leads set sender_key = null, sender_no = null where {_BY_THEM}", bound)
            forget_senders(cursor, [number for (number,) in numbers])
    n_leads = len((lead_ids - set(person.lead_ids)) | {str(lead_id) for (lead_id,) in changed})
    return n_leads, len(text_ids), n_notebooks, n_keepsakes


def leads_of(personal: File, analytics: File, person: Person, hash_key: bytes) -> set[str]:
    """The ids of the leads that `erase_rows` would take the person out of; nothing is changed."""
    found = _find(personal.cursor(), person)
    lead_ids = found - _among_rejected(analytics.cursor(), found)
    sql = f"select lead_id from leads where {_BY_THEM}"
    by_them = analytics.fetch(sql, _bound(lead_ids, person, hash_key))["lead_id"].to_pylist()
    return (lead_ids - set(person.lead_ids)) | set(by_them)


def put_on_record(personal: File, person: Person, erased: Erased, who: str) -> Erased:
    """Notes that a person was erased, without a word of whom; the same with its id."""
    erasure_id = secrets.token_hex(8)
    n_others = erased.n_texts + erased.n_deliveries + erased.n_damaged + erased.n_notebooks + erased.n_keepsakes
    kinds = sorted({kind for kind, _ in person.marks})
    with personal.transaction() as cursor:
        cursor.execute(
            "insert into erasures values (?, ?, ?, ?, ?, ?)",
            [erasure_id, datetime.now(UTC), who, kinds, erased.n_leads, n_others],
        )
    return replace(erased, erasure_id=erasure_id)


def on_record(personal: File) -> list[ErasureRow]:
    """All erasures, newest first."""
    found = personal.fetch(
        "select erasure_id, erased_at, who, kinds, n_leads, n_others from erasures order by erased_at desc"
    )
    return [ErasureRow(**{**row, "kinds": tuple(row["kinds"])}) for row in found.to_pylist()]


def erase_files(folder: Path, person: Person) -> tuple[int, int]:
    """Deletes what lies beside the store: deliveries that hold the person, and all damaged files that hold persons.

    Gives the number of both. Raises StoreError.
    """
    n_deliveries, n_damaged = 0, 0
    try:
        for path in _files(folder / SPOOL):
            if person.is_in(path.read_bytes().decode("utf-8", "replace")):
                disk.remove(path)
                n_deliveries += 1
        for damaged in folder.glob(_DAMAGED):
            for path in damaged.glob("personal.*"):
                disk.remove(path)
                n_damaged += path.suffix == ".duckdb"
    except OSError as error:
        raise StoreError(
            f"The person is out of the store, but not of all files beside it in {folder} ({type(error).__name__}). "
            "Check the folder's permissions and run the same command again.",
            str(folder),
        ) from error
    return n_deliveries, n_damaged


def forget_persons(personal: File, analytics: File, folder: Path, before: datetime) -> int:
    """Deletes the personal rows of leads created before `before`, and texts that were no leads and came before then.

    Gives the number of rows deleted. Damaged files that were put aside in `folder` before then go with them.
    """
    cursor = analytics.cursor()
    cursor.execute(
        "select lead_id from leads where created_at < $before "
        "union all select sha256 from rejected_leads where first_seen_at < $before",
        {"before": before},
    )
    n_rows = 0
    while ids := [str(lead_id) for (lead_id,) in cursor.fetchmany(_IDS_AT_ONCE)]:
        n_rows += _forget(personal, ids)
    for damaged in folder.glob(_DAMAGED):
        if damaged.stat().st_mtime < before.timestamp():
            disk.remove_quietly(damaged)
    return n_rows


def _forget(personal: File, ids: list[str]) -> int:
    held = personal.cursor()
    counts = [
        held.execute(f"select count(*) from {table} where lead_id in (select unnest($ids))", {"ids": ids}).fetchall()
        for table in _PERSONAL_TABLES
    ]
    n_rows = sum(int(count[0][0]) for count in counts)
    if n_rows:
        with personal.transaction() as writer:
            for table in _PERSONAL_TABLES:
                writer.execute(f"delete from {table} where lead_id in (select unnest($ids))", {"ids": ids})
    return n_rows


def _bound(lead_ids: set[str], person: Person, hash_key: bytes) -> dict[str, object]:
    keys = [sender_key(Contact(phone=phone), hash_key) for phone in person.phones]
    keys += [sender_key(Contact(email=email), hash_key) for email in person.emails]
    return {"ids": sorted(lead_ids), "keys": keys}


def _find(cursor: duckdb.DuckDBPyConnection, person: Person) -> set[str]:
    """The ids of the person's leads, and the hashes of texts that are no leads and name the person."""
    ids = set(person.lead_ids)
    for kind, mark in person.marks:
        if kind == "lead":
            continue
        # The database narrows it down; whether it is the same phone and not a part of a longer number is decided here.
        held = "regexp_matches({0}, $mark)" if kind == "phone" else "contains(lower({0}), $mark)"
        sought = r"[\s().\-]*".join(mark) if kind == "phone" else mark
        for table, text in (("lead_contacts", "concat_ws(' ', sender_phone, sender_email)"), ("lead_payloads", "raw")):
            rows = cursor.execute(
                f"select lead_id, {text} from {table} where {held.format(text)}", {"mark": sought}
            ).fetchall()
            ids.update(str(lead_id) for lead_id, candidate in rows if person.is_in(str(candidate)))
    return ids


def _among_rejected(cursor: duckdb.DuckDBPyConnection, ids: set[str]) -> set[str]:
    rows = cursor.execute(
        "select sha256 from rejected_leads where sha256 in (select unnest($ids)) or lead_id in (select unnest($ids))",
        {"ids": sorted(ids)},
    ).fetchall()
    return {str(sha256) for (sha256,) in rows}


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
