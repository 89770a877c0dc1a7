"""The spool: deliveries that were acknowledged and are not in the store yet, one file each.

The files hold persons, so folder and files are their owner's alone. They live for seconds while the app runs.
"""

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from leadlib.store.disk import make_folder, sync_folder

_SUFFIX = ".json"
_UNFINISHED = ".part"
_ABANDONED_S = 3600.0


@dataclass(frozen=True)
class Delivery:
    """One delivery as it was received: the hash of its body, when it came (our clock, UTC), and the body itself."""

    sha256: str
    received_at: datetime
    body: bytes = field(repr=False)


class Spool:
    """The folder `spool` beside the store's files. Safe for several threads and processes."""

    def __init__(self, database: Path) -> None:
        self.folder = database / "spool"

    def put(self, body: bytes) -> str:
        """Keeps a body, and its hash: it survives a crash and a power cut from the return on.

        The same body again is the same file. Raises OSError if it could not be kept; then nothing of it is left.
        """
        sha256 = hashlib.sha256(body).hexdigest()
        self._make_folder()
        # mkstemp gives a file that only its owner can read.
        handle, name = tempfile.mkstemp(suffix=_UNFINISHED, dir=self.folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.folder / f"{sha256}{_SUFFIX}")
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        sync_folder(self.folder)
        return sha256

    def waiting(self) -> list[str]:
        """The hashes of the deliveries that wait, oldest first."""
        ages: list[tuple[float, str]] = []
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    if entry.name.endswith(_SUFFIX):
                        with contextlib.suppress(FileNotFoundError):
                            ages.append((entry.stat().st_mtime, entry.name.removesuffix(_SUFFIX)))
        except FileNotFoundError:
            return []
        return [sha256 for _, sha256 in sorted(ages)]

    def read(self, hashes: Sequence[str]) -> list[Delivery]:
        """These deliveries, but for those that were taken away meanwhile."""
        found: list[Delivery] = []
        for sha256 in hashes:
            with contextlib.suppress(FileNotFoundError), open(self.folder / f"{sha256}{_SUFFIX}", "rb") as file:
                received_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
                found.append(Delivery(sha256, received_at, file.read()))
        return found

    def discard(self, hashes: Sequence[str]) -> None:
        """Takes deliveries away, for good: only what the store has committed."""
        for sha256 in hashes:
            (self.folder / f"{sha256}{_SUFFIX}").unlink(missing_ok=True)

    def sweep(self) -> None:
        """Takes away what a crash in the middle of `put` left behind an hour ago or more: it was never acknowledged."""
        for path in self.folder.glob(f"*{_UNFINISHED}"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _ABANDONED_S:
                    path.unlink()

    def _make_folder(self) -> None:
        if self.folder.is_dir():
            return
        make_folder(self.folder.parent)
        make_folder(self.folder)
        sync_folder(self.folder.parent)
