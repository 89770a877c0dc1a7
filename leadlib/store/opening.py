"""A store's two files and its lock, opened as one.

Damaged files are mended on the way; where nothing may be written, they are opened for reading.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from leadlib.errors import StoreBusyError, StoreError, StoreUnreadableError
from leadlib.store import disk, restoring
from leadlib.store.building import rewrite
from leadlib.store.files import File, names_of_migrations
from leadlib.store.generations import FOLDER as GENERATIONS
from leadlib.store.generations import KEPT, newest_copy, publish, remove_drafts
from leadlib.store.mark import Mark
from leadlib.store.memory import nobody, tables_of
from leadlib.store.opened import Opened
from leadlib.store.restoring import PERSONAL_COPY, Restored, open_file

ANALYTICS = "leads.duckdb"
PERSONAL = "personal.duckdb"


class OwnFiles(Opened):
    """Two files in a folder, and the lock that keeps every other process out until `close`."""

    def __init__(self, folder: Path, analytics: File, personal: File, lock: disk.Lock) -> None:
        super().__init__(folder, analytics, personal)
        self._lock = lock
        self._leads_lock = threading.Lock()

    def close(self) -> None:
        super().close()
        self._lock.release()

    @contextmanager
    def leads_lock(self) -> Iterator[None]:
        with self._leads_lock:
            yield

    def mended(self) -> list[Restored]:
        return restoring.notes(self.folder)

    def take_note(self, note: Restored) -> None:
        restoring.take_note(self.folder, note)

    def forget_notes(self) -> None:
        restoring.forget_notes(self.folder)

    def personal_copied_at(self) -> datetime:
        copy = newest_copy(self.folder / PERSONAL_COPY)
        return copy.manifest.created_at if copy is not None else datetime.min.replace(tzinfo=UTC)

    def has_copy_for_mending(self) -> bool:
        # The key of the installation and the list of who is kept out have to be in a copy from the first day.
        last = newest_copy(self.folder / PERSONAL_COPY)
        return last is not None and last.manifest.migrations == self.personal.migrations()

    def copy_personal(self) -> None:
        publish(self.personal, self.folder / PERSONAL_COPY, kept=2)

    def after_forgetting(self) -> None:
        self.personal.checkpoint()
        publish(self.personal, self.folder / PERSONAL_COPY, kept=1)

    def after_erasing(self) -> None:
        self.personal.checkpoint()
        self.personal.write_anew(rewrite)
        self.analytics.checkpoint()
        publish(self.personal, self.folder / PERSONAL_COPY, kept=1)
        self.publish(kept=1)


class Published(OwnFiles):
    """A generation to be read, without the persons: nothing of it is on disk, and nothing of it changes."""

    has_persons = False


def open_files(folder: Path) -> OwnFiles:
    """The files in `folder`, made if there are none.

    Raises StoreBusyError, StoreUnreadableError, or StoreDamagedError where they cannot be mended.
    """
    try:
        disk.make_folder(folder)
        is_read_only = not _may_write(folder)
        is_nothing_to_read = is_read_only and not (folder / ANALYTICS).exists()
        lock = disk.Lock(folder / "store.lock")
        holder = None if is_read_only else lock.take()
    except OSError as error:
        raise StoreUnreadableError(
            f"The folder {folder} cannot be made or used ({type(error).__name__}). Set LEADLIB_DATABASE to one that "
            "can.",
            str(folder),
        ) from error
    if holder is not None:
        raise StoreBusyError(
            f"{folder} is held by {f'process {holder}' if holder else 'another process'}, most likely the running app. "
            "Use “Sync now” and the downloads there, or stop it first.",
            str(folder),
        )
    if is_nothing_to_read:
        raise StoreUnreadableError(
            f"{folder} may not be written by this program, and there is no store in it. Set LEADLIB_DATABASE to "
            "another folder, or give the program's user the right to write this one.",
            str(folder),
        )
    try:
        if not is_read_only:
            _sweep(folder)
        analytics = open_file(folder, ANALYTICS, "analytics", is_read_only=is_read_only)
        try:
            personal = open_file(folder, PERSONAL, "personal", is_read_only=is_read_only)
        except StoreError:
            analytics.close()
            raise
    except BaseException:
        lock.release()
        raise
    return OwnFiles(folder, analytics, personal, lock)


def open_published(folder: Path) -> Published | None:
    """The newest generation in `folder`, read into memory, with nobody in its personal file; None while there is none.

    It needs no lock and stays as it is, whatever the app does to the folder meanwhile. Raises StoreUnreadableError if
    another version of this program has written it.
    """
    # The newest may be deleted between its being found and its being read; then there is a newer one.
    for _ in range(KEPT):
        copy = newest_copy(folder / GENERATIONS)
        if copy is None:
            return None
        if copy.manifest.migrations != names_of_migrations("analytics"):
            raise StoreUnreadableError(
                f"{copy.folder} was written by another version of Leadlight. Let this version sync once.",
                str(copy.folder),
            )
        try:
            analytics = tables_of(copy)
        except duckdb.Error:
            continue
        lock = disk.Lock(folder / "store.lock")  # never taken
        return Published(folder, analytics, nobody(folder / PERSONAL), lock)
    return None


def is_published_whole(folder: Path) -> bool:
    """True if the newest generation in `folder` has all that was committed to the store."""
    copy = newest_copy(folder / GENERATIONS)
    return copy is not None and copy.manifest.sequence == Mark((folder / ANALYTICS).with_suffix(".sequence")).read()


def _may_write(folder: Path) -> bool:
    files = (folder / name for name in (ANALYTICS, PERSONAL))
    return disk.is_writable(folder) and all(os.access(path, os.W_OK) for path in files if path.exists())


def _sweep(folder: Path) -> None:
    """Deletes what a crash has left half done; nobody else can be at work on it."""
    for path in (*folder.glob("*.part"), *folder.glob("*.draft.duckdb*")):
        disk.remove_quietly(path)
    for copies in (GENERATIONS, PERSONAL_COPY):
        remove_drafts(folder / copies)
