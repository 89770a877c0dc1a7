"""Files as they lie on the disk: written so that a crash leaves the old or the new one, and for the owner alone."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where the database's own lock has to do
    fcntl = None  # type: ignore[assignment]

OWNER_FILE = 0o600
OWNER_FOLDER = 0o700


def make_folder(folder: Path) -> None:
    """Makes the folder, with all above it, for the owner alone; one that exists keeps its permissions."""
    folder.mkdir(mode=OWNER_FOLDER, parents=True, exist_ok=True)


def keep_private(path: Path) -> None:
    """Takes the file from everybody but its owner. Nothing happens if it is not there, or not ours to change."""
    with suppress(OSError):
        if path.stat().st_mode & 0o077:
            path.chmod(OWNER_FILE)


def sync_file(path: Path) -> None:
    """Returns once the file's bytes are on the disk."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Returns once the names in the folder are on the disk; Windows writes them by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, content: bytes) -> None:
    """Puts a file in place by rename: a reader finds the old one or the new one, whenever the power fails."""
    draft = path.with_name(path.name + ".part")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_FILE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def remove(path: Path) -> None:
    """Removes a file or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_quietly(path: Path) -> None:
    """The same for what is of no use to anybody: if it cannot be removed now, it is the next time."""
    with suppress(OSError):
        remove(path)


def is_writable(folder: Path) -> bool:
    """True if this process may make files there: asked of the operating system, read-only mounts included."""
    return os.access(folder, os.W_OK | os.X_OK)


class Lock:
    """A lock on a folder that ends with its holder, however that ends. The database's own goes with its file; this
    one stays while a file is moved aside, built anew or swapped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def take(self) -> int | None:
        """None if the lock is now ours, else the process that has it (0 if that is not known). Raises OSError."""
        if fcntl is None:
            return None
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, OWNER_FILE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 20)
            os.close(handle)
            return int(holder) if holder.strip().isdigit() else 0
        except OSError:
            os.close(handle)
            raise
        self._handle = handle
        os.ftruncate(handle, 0)
        with suppress(OSError):  # a full disk has no room for the number, which is only for the other's message
            os.write(handle, str(os.getpid()).encode())
        return None

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
