"""What lets an answer in a file be checked: where it comes from, and a hash of its rows.

Files of leads have the same for leads (`leadlib.export`); here are the figures, of a metric or of a notebook's cell.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from leadlib import formats
from leadlib.cells import plain
from leadlib.errors import UnprovenError
from leadlib.export.about import check_zone, iso_in, row_digests, settings_of, sum_hexdigest
from leadlib.export.leads import within_scope
from leadlib.export.texts import readable_column
from leadlib.filters import Filters, to_address, to_pairs
from leadlib.metrics import METRICS
from leadlib.store import Store

_RULES = [(metric.key, metric.label, metric.unit, metric.definition) for metric in METRICS]
RULES_VERSION = hashlib.sha256(json.dumps(_RULES, ensure_ascii=False).encode()).hexdigest()[:12]
"""Names the wording of all metrics: two files with the same one mean the same by every word."""

_WORDS = {
    "LEADLIB_WORKING_HOURS": "working hours",
    "LEADLIB_SLA_MINUTES": "SLA in minutes",
    "LEADLIB_BADGE_RULES": "badge rules",
}
_FLOAT = re.compile(r"-?\d+(\.\d+(e[+-]?\d+)?|e[+-]?\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Facts:
    """What a file says of its origin: whose leads, which of them, as of when, and the address that shows them.

    `link` is "" where there is none; `settings` are those by which numbers are made, but for the zone.
    """

    portal: str
    as_of: datetime | None
    timezone: ZoneInfo
    filter_words: str
    link: str = ""
    filters: Filters = field(default_factory=Filters)
    settings: Mapping[str, str] = field(default_factory=dict)
    exported_at: datetime | None = None

    @classmethod
    def of(cls, store: Store, filters: Filters, filter_words: str, link: str) -> "Facts":
        """Those of an answer that `store` gives now; a scope is told as a filter by its agents."""
        filters = within_scope(store, filters)
        settings, now = settings_of(store), datetime.now(UTC)
        return cls(store.portal, store.as_of(), store.timezone, filter_words, link, filters, settings, now)

    def rows(self) -> dict[str, str]:
        """The facts for people, by name, in the order in which they are read."""
        as_of = formats.instant(self.as_of, self.timezone) if self.as_of else "never: the store is empty"
        told = {
            "Leads": self.filter_words,
            "Portal": self.portal,
            "As of": as_of,
            "Time zone": f"{self.timezone.key}, in which days begin",
            "Settings": "; ".join(f"{_WORDS.get(name, name)} {value}" for name, value in self.settings.items()),
            "Link": self.link,
        }
        return {name: words for name, words in told.items() if words}

    def plain(self) -> dict[str, object]:
        """The facts for programs, by the names that files of leads have for them."""
        return {
            "portal": self.portal,
            "filter_words": self.filter_words,
            "filters": to_pairs(self.filters),
            "restore_link": self.link,
            "time_zone": self.timezone.key,
            "settings": [f"{name}={value}" for name, value in self.settings.items()],
            "as_of": iso_in(self.timezone, self.as_of),
            "exported_at": iso_in(self.timezone, self.exported_at),
            "rules_version": RULES_VERSION,
        }


@dataclass(frozen=True)
class Sum:
    """How many rows an answer has, and their hash."""

    n_rows: int
    sha256: str


def link_of(filters: Filters) -> str:
    """The first screen under these filters, without the app's own address, which nobody knows here."""
    return f"/{to_address(filters)}"


def sum_of(frame: pd.DataFrame) -> Sum:
    """The sum of an answer's rows."""
    return sum_of_rows(*texts_of(frame))


def texts_of(frame: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the cells as the texts that are hashed and compared."""
    columns = [[text_of(plain(value)) for value in frame.iloc[:, place]] for place in range(frame.shape[1])]
    return [str(name) for name in frame.columns], [list(row) for row in zip(*columns, strict=True)]


def text_of(value: Any) -> str:
    """A plain value as every format gives it back: numbers to twelve digits, "" for what is missing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    # The order in which a computer adds decides about the last digits.
    return f"{float(text):.12g}" if _FLOAT.fullmatch(text) else text


def sum_of_rows(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Sum:
    """The sum of rows in whatever order: of the names, the number, and the sum of the rows' own SHA-256."""
    total = sum(int.from_bytes(digest) for digest in digests_of(names, rows))
    return Sum(len(rows), sum_hexdigest(names, len(rows), total))


def digests_of(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[bytes]:
    """The SHA-256 of each row, without characters that no file keeps."""
    if not names:
        return []
    columns = [pa.array([row[at] for row in rows], pa.string()) for at in range(len(names))]
    cells = [pc.fill_null(readable_column(column), "") for column in columns]
    return row_digests(pa.table(cells, names=[str(at) for at in range(len(names))]))


def filters_told(facts: Mapping[str, Any], path: str) -> Filters:
    """The filters that the facts of the file at `path` name. Raises UnprovenError, or FilterError for unknown ones."""
    pairs: dict[str, list[str]] = {}
    told = facts.get("filters") or []
    if not isinstance(told, list):
        raise UnprovenError(f"{path} does not say which leads it speaks of.", path)
    for text in told:
        key, _, value = str(text).partition("=")
        pairs.setdefault(key, []).append(value)
    return Filters.of(pairs)


def check_origin(store: Store, facts: Mapping[str, Any], path: str) -> None:
    """Raises UnprovenError if a file with these facts speaks of another portal, or of days of another zone."""
    if facts.get("portal") != store.portal:
        raise UnprovenError(f"{path} speaks of leads of {facts.get('portal')}, and this store of {store.portal}.", path)
    check_zone(store, facts.get("time_zone"), path)


def other_settings(store: Store, facts: Mapping[str, Any]) -> list[str]:
    """What else decides about numbers and is not as it was: "LEADLIB_SLA_MINUTES was 60 and is 30"."""
    told = facts.get("settings") or []
    then = dict(str(pair).partition("=")[::2] for pair in (told if isinstance(told, list) else [told]))
    now = settings_of(store)
    return [f"{name} was {then[name]} and is {now[name]}" for name in now if name in then and then[name] != now[name]]


def told_as_of(facts: Mapping[str, Any]) -> datetime | None:
    """The newest look at the portal that is in the file; None if its store was empty, or it does not say."""
    try:
        return datetime.fromisoformat(str(facts.get("as_of")))
    except ValueError:
        return None


def one_sum(parts: Iterable[Sum | None]) -> Sum:
    """The sum of several answers, in their order; None stands for one that there is not."""
    parts = list(parts)
    said = "\n".join("" if part is None else f"{part.n_rows} {part.sha256}" for part in parts)
    return Sum(sum(part.n_rows for part in parts if part is not None), hashlib.sha256(said.encode()).hexdigest())
