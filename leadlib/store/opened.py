"""Opened: what a store lies in, once it is open, and what only the place can do: locks, copies, leaving no trace."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from leadlib.store import generations
from leadlib.store.files import File
from leadlib.store.restoring import Restored
from leadlib.store.work import ALONE, Work


@dataclass(frozen=True)
class Files:
    """What a shared store consists of: files and their bytes, rows that are not in files yet, when it was tidied up."""

    n_files: int
    n_bytes: int
    n_rows_outside: int
    tidied_at: datetime | None


class Opened(ABC):
    """The analytics tables and the personal ones, each as a File, and the folder of what else this machine keeps.

    `has_persons` is False if the persons were left out; `work` tells which program does what one does for all.
    """

    has_persons = True
    work: Work = ALONE

    def __init__(self, folder: Path, analytics: File, personal: File) -> None:
        self.folder = folder
        self.analytics = analytics
        self.personal = personal

    @property
    def is_read_only(self) -> bool:
        return self.analytics.is_read_only

    @property
    def place(self) -> str:
        """Where the store lies, in words for who looks after it."""
        return str(self.folder)

    def close(self) -> None:
        self.analytics.close()
        self.personal.close()

    @abstractmethod
    @contextmanager
    def leads_lock(self) -> Iterator[None]:
        """Between the personal and the analytics commit of a batch no other batch may come, of any program."""
        yield

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Meanwhile nobody else can be at work on the store, if it gives True."""
        yield True

    def has_moved(self) -> bool:
        """True once after another program has committed something."""
        return False

    def publish(self, kept: int = generations.KEPT) -> None:
        """Makes the analytics tables as they are now the newest generation on this machine. Raises StoreError."""
        generations.publish(self.analytics, self.folder / generations.FOLDER, kept)

    def keep_up(self, now: datetime) -> bool:
        """Tidies up the place if that is due at `now` (UTC), and says if it was. Raises StoreError."""
        return False

    def files(self) -> Files | None:
        """What the place consists of, where that needs looking after; else None. Raises StoreError."""
        return None

    # What was mended

    @abstractmethod
    def mended(self) -> list[Restored]:
        """What was mended and has not been read again from the portal; empty if nothing."""

    @abstractmethod
    def take_note(self, note: Restored) -> None:
        """Puts down that something was mended. Raises StoreError."""

    @abstractmethod
    def forget_notes(self) -> None:
        """The portal has been read again. Raises StoreError."""

    # What is personal

    @abstractmethod
    def personal_copied_at(self) -> datetime:
        """When the personal tables were last looked after by `copy_personal`, UTC; long ago if they never were."""

    @abstractmethod
    def copy_personal(self) -> None:
        """Makes a copy of the personal tables for mending, where the place has no other. Raises StoreError."""

    @abstractmethod
    def has_copy_for_mending(self) -> bool:
        """False where the personal tables, as they are laid out now, could not be mended."""

    @abstractmethod
    def after_forgetting(self) -> None:
        """Rows about persons were deleted: no copy may have them any more. Raises StoreError."""

    @abstractmethod
    def after_erasing(self) -> None:
        """The same, and no byte of those rows may be left. Raises StoreError."""
