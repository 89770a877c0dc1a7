"""The mark: which commit of a store's file was the last to be acknowledged, kept outside the file.

A database whose write-ahead log was cut or spoilt can open without an error and simply know less. Beside what it says
of itself, the mark says what it must say at least.
"""

import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path

from leadlib.store.disk import OWNER_FILE

_SLOT = struct.Struct("<8sQL")
_SIGN = b"LEADMARK"
_ROOM = 32


class Mark:
    """The number of the last acknowledged commit, in two places of a small file that are written in turn.

    It is overwritten where it lies: a full disk does not stop it, and a torn write spoils one place of the two.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> int:
        """The last acknowledged commit; 0 if nothing is known."""
        content = b""
        with suppress(OSError):
            content = self.path.read_bytes()
        return max(_number(content[:_ROOM]), _number(content[_ROOM:]))

    def write(self, sequence: int) -> None:
        """Puts `sequence` down and returns once it is on the disk. Raises OSError."""
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), OWNER_FILE)
        try:
            os.lseek(handle, _ROOM * (sequence % 2), os.SEEK_SET)
            os.write(handle, _SLOT.pack(_SIGN, sequence, _checksum(sequence)).ljust(_ROOM, b"\0"))
            os.fsync(handle)
        finally:
            os.close(handle)


def _checksum(sequence: int) -> int:
    return zlib.crc32(sequence.to_bytes(8, "little"), zlib.crc32(_SIGN))


def _number(place: bytes) -> int:
    if len(place) < _SLOT.size:
        return 0
    sign, sequence, checksum = _SLOT.unpack_from(place)
    return int(sequence) if sign == _SIGN and checksum == _checksum(sequence) else 0
