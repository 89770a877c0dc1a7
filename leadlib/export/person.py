"""All that is held about one person, as one JSON file: what they may ask for. It is on record as a personal export."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from leadlib.errors import ExportError, StoreError
from leadlib.export.on_record import refuse_many, refused
from leadlib.store import ExportRow, Limits, Person, Refusal, Store
from leadlib.store.disk import write_whole

_NOTES = (
    "Leads are told by lead_id. Tables are those of the program's store, times are UTC.",
    "A lead's sender is told from others by sender_key, a keyed hash that nobody can turn back.",
    "The link for responding is left out: opening it would count as an answer at the portal.",
    "Files and backups that were made before are not looked through.",
)


def write_person(
    whole: Store,
    person: Person,
    path: Path,
    *,
    who: str,
    reason: str = "",
    limits: Limits | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> int:
    """Writes all that the store holds of the person to `path`, for its owner alone; the number of leads.

    The record of exports says who did, why, and of how many leads; by what the person was found is not in it. Raises
    ExportLimitError, ExportError, StoreError.
    """
    lead_ids = whole.leads_of(person) | set(person.lead_ids)
    refuse_many(whole, len(lead_ids), who=who, reason=reason, limits=limits, now=now)
    held = whole.all_of(person, lead_ids)
    about = {
        "portal": whole.portal,
        "written_at": now().isoformat(timespec="seconds"),
        "as_of": whole.as_of(),
        "searched_by": sorted({kind for kind, _ in person.marks}),
        "notes": _NOTES,
    }
    content = json.dumps({"about": about, **held}, ensure_ascii=False, indent=1, default=_text).encode()
    n_leads = len(held.get("leads", ()))
    row = ExportRow(
        exported_at=now(),
        who=who,
        filters=(),
        column_names=("all that is held of one person",),
        format="json",
        n_rows=n_leads,
        sha256=hashlib.sha256(content).hexdigest(),
        is_personal=True,
        reason=reason,
    )
    try:
        outcome = whole.exports.add(row, limits)
        if isinstance(outcome, Refusal) and limits is not None:
            raise refused(whole, outcome, limits)
        write_whole(path, content)
    except (OSError, StoreError) as error:
        raise ExportError(
            f"{path} could not be written, or not be put on record ({type(error).__name__}). Check the folders' "
            "permissions and the disk's free space.",
            str(path),
        ) from error
    return n_leads


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
