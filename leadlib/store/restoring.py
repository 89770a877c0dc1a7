"""A damaged file of the store: moved aside, built anew from the newest whole copy, and a note of what to do about it.

Damaged files are never deleted. The note lies on the disk from before the first change until the portal has been read
again, so that a crash in between loses neither the fact nor the rest of the work.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from leadlib.errors import StoreDamagedError, StoreError, StoreUnreadableError
from leadlib.store import disk
from leadlib.store.building import build
from leadlib.store.copies import Copy
from leadlib.store.files import File
from leadlib.store.generations import FOLDER as GENERATIONS
from leadlib.store.generations import newest_copy
from leadlib.store.mark import Mark

Damage = Literal["tail", "unreadable", "gone", "future"]
PERSONAL_COPY = "personal-copy"
READ_AGAIN = (
    "The store had been damaged. It was restored, and everything that the portal still shows has been read again. What "
    "changed in between is known less exactly. Have the machine's disk checked; this notice goes after a week."
)
_NOTE = "restored.json"
_COPIES = {"analytics": GENERATIONS, "personal": PERSONAL_COPY}


@dataclass(frozen=True)
class Restored:
    """One file that was mended at `at`: what was wrong with it, and the copy of `copied_at` it was restored from.

    The damage is a lost tail, a file that is unreadable or gone, or rows dated in the future.
    `copied_at` is None if there was none, and where the file was kept less its lost last commits. `moved_to` is the
    folder of what there was of the damaged file. Times are RFC 3339 texts in UTC.
    """

    schema: str
    damage: Damage
    at: str
    copied_at: str | None = None
    moved_to: str | None = None


def open_file(folder: Path, name: str, schema: str, *, is_read_only: bool) -> File:
    """The file, mended if it is damaged and can be. Raises StoreError.

    A file that is no store's, in a folder where no store ever was, is left as it is.
    """
    path = folder / name
    try:
        return File(path, schema, is_read_only=is_read_only)
    except StoreDamagedError as damage:
        copies = folder / _COPIES[schema]
        copy = newest_copy(copies, is_checked=True)
        known = Mark(path.with_suffix(".sequence")).read()
        if copy is None and not known:
            # There never was a store of ours: the file is somebody's, and stays.
            raise StoreUnreadableError(str(damage), str(path)) from damage
        if is_read_only:
            raise
        held = damage.sequence
        if held is not None and (copy is None or copy.manifest.sequence <= held):
            take_note(folder, Restored(schema, "tail", now_text()))
            return File(path, schema, has_lost_tail=True)
        return _build_anew(path, schema, copy, known)


def notes(folder: Path) -> list[Restored]:
    """What was mended in this store and has not been read again from the portal; empty if nothing."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        return [Restored(**note) for note in json.loads((folder / _NOTE).read_bytes())]
    return []


def forget_notes(folder: Path) -> None:
    """The portal has been read again. Raises StoreError."""
    try:
        (folder / _NOTE).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{folder / _NOTE} could not be removed ({type(error).__name__}).", str(folder)) from error


def explain(restored: Sequence[Restored]) -> str:
    """What happened, what it means and what comes next, for a manager."""
    words = []
    for note in restored:
        what = "the leads' table" if note.schema == "analytics" else "the senders' details"
        if note.damage == "tail":
            words.append(f"The last changes to {what} were lost from the disk.")
            continue
        if note.damage == "future":
            words.append("Some entries were dated in the future and do not count any more.")
            continue
        fate = "was gone" if note.damage == "gone" else "could not be read any more"
        if note.copied_at is None:
            words.append(f"The file with {what} {fate}, and there was no copy of it yet: it begins anew.")
        else:
            words.append(f"The file with {what} {fate} and has been restored as it was at {note.copied_at}.")
        if note.damage == "unreadable":
            words.append(f"The damaged file is kept in {note.moved_to}.")
    words.append(
        "The next sync reads everything again that the portal still shows; until it has ended, newer leads may be "
        "missing. What changed meanwhile is known less exactly. Have the machine's disk checked."
    )
    return " ".join(words)


def _build_anew(path: Path, schema: str, copy: Copy | None, known: int) -> File:
    folder = path.parent
    earlier = next((note for note in notes(folder) if note.schema == schema and note.moved_to is not None), None)
    if path.exists() or earlier is None or earlier.moved_to is None:
        damage: Damage = "unreadable" if path.exists() else "gone"
        moved_to = folder / f"damaged-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    else:
        # An earlier run was cut off after it had moved the file.
        damage, moved_to = earlier.damage, folder / earlier.moved_to
    copied_at = copy.manifest.created_at.isoformat(timespec="seconds") if copy is not None else None
    take_note(folder, Restored(schema, damage, now_text(), copied_at, moved_to.name))
    try:
        disk.make_folder(moved_to)
        # The log first: it must not be left to be taken for a new file's.
        for name in (path.name + ".wal", path.name):
            if (folder / name).exists():
                (folder / name).rename(moved_to / name)
        disk.sync_folder(folder)
    except OSError as error:
        raise StoreError(
            f"{path} is damaged and cannot be moved aside ({type(error).__name__}). Check the folder's permissions.",
            str(path),
        ) from error
    salvage_from = moved_to / path.name if schema == "personal" and (moved_to / path.name).exists() else None
    sequence = max(known, copy.manifest.sequence if copy is not None else 0) + 1
    build(path, schema, sequence, copy, salvage_from)
    return File(path, schema)


def take_note(folder: Path, note: Restored) -> None:
    """Puts down that a file was mended, until `forget_notes`. Raises StoreError."""
    kept = [
        one
        for one in notes(folder)
        if (one.schema, one.damage, one.moved_to) != (note.schema, note.damage, note.moved_to)
    ]
    try:
        disk.write_whole(folder / _NOTE, json.dumps([asdict(one) for one in (*kept, note)], indent=1).encode())
    except OSError as error:
        raise StoreError(
            f"{folder} holds a damaged store, which cannot be mended while nothing can be written there "
            f"({type(error).__name__}). Check the disk's free space and the folder's permissions.",
            str(folder),
        ) from error


def now_text() -> str:
    """This moment as notes have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
