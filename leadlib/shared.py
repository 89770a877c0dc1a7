"""Shared: the address of a store that several machines share, as LEADLIB_DATABASE has it."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

PREFIX = "ducklake:"
_BEGINNING = "ducklake:postgres:"
_WANTED = (
    "ducklake:postgres:DSN?data=PLACE, such as ducklake:postgres:host=db.internal dbname=leads user=leadlight"
    "?data=/srv/leads, where PLACE is a folder that all machines share, by its whole path, or s3://BUCKET/FOLDER"
)
_PAIR = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']*)")
_TOLD = ("host", "port", "dbname", "user")


@dataclass(frozen=True)
class LakeAddress:
    """Where a lake lies: its catalog in the PostgreSQL database of `dsn`, its files below `data`.

    The text of it says where, and never with which password.
    """

    dsn: str = field(repr=False)
    data: str

    def __str__(self) -> str:
        facts = _facts(self.dsn)
        told = " ".join(f"{name}={facts[name]}" for name in _TOLD if facts.get(name))
        return f"{_BEGINNING}{told}?data={self.data}"

    @property
    def is_in_folder(self) -> bool:
        """True if its files lie in a folder, not in an object store."""
        return "://" not in self.data


@dataclass(frozen=True)
class SharedAddress:
    """Where a shared store lies: the lake of what is not personal, and that of the persons; None: they stay out."""

    analytics: LakeAddress
    personal: LakeAddress | None

    def __str__(self) -> str:
        return str(self.analytics)


def lake_address(text: str) -> LakeAddress:
    """The address that the text is; raises ValueError with what is wanted, and nothing of what was given."""
    if not text.startswith(_BEGINNING):
        raise ValueError(_WANTED)
    dsn, mark, data = re.sub(r"[?&]data=", "\n", text.removeprefix(_BEGINNING)).rpartition("\n")
    is_whole = data.startswith("/") or re.fullmatch(r"[A-Za-z]:[\\/].*", data) or re.fullmatch(r"\w+://[^/]+.*", data)
    facts = _facts(dsn)
    if not mark or not is_whole or "'" in data or not facts or "dbname" not in facts:
        raise ValueError(_WANTED)
    return LakeAddress(dsn.strip(), data.rstrip("/"))


def _facts(dsn: str) -> dict[str, str]:
    """What a DSN says, by the names of its keys; empty if it is none. It is written as pairs or as a URL."""
    if re.match(r"postgres(ql)?://", dsn.strip()):
        try:
            parts = urlsplit(dsn.strip())
            port = parts.port
        except ValueError:
            return {}
        told = {"host": parts.hostname or "", "port": str(port or ""), "dbname": parts.path.strip("/")}
        told |= {"user": unquote(parts.username or "")}
        return {name: value for name, value in told.items() if value}
    rest = _PAIR.sub("", dsn)
    if rest.strip():
        return {}
    return {name: value.strip("'") for name, value in _PAIR.findall(dsn)}
