"""What travels with the leads in every file: which they are, as of when, by which rules, and a hash of the rows."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from leadlib.errors import UnprovenError
from leadlib.export.columns import NUMBERS, RULES, RULES_VERSION, Column
from leadlib.export.texts import readable_column, time_texts
from leadlib.filters import Filters, to_address, to_pairs
from leadlib.store import Store

_LEADS_SCREEN = "leads"
_CELL_END = "\x1f"  # one of the characters that no cell holds once it is readable


class RowHash:
    """Counts and hashes the rows that pass, in whatever order: the columns' names, and the sum of the rows' hashes."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.n_rows = 0
        self._columns = columns
        self._sum = 0

    def passing(self, batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The same batches, each hashed on its way."""
        for batch in batches:
            self.take(cells_of(batch, self._columns))
            yield batch

    def take(self, cells: pa.Table) -> None:
        """Hashes the next rows, as `cells_of` gives them."""
        for digest in row_digests(cells):
            self._sum += int.from_bytes(digest)
        self.n_rows += cells.num_rows

    def hexdigest(self) -> str:
        """What `sum_hexdigest` gives of the rows so far."""
        return sum_hexdigest((column.name for column in self._columns), self.n_rows, self._sum)


def sum_hexdigest(names: Iterable[str], n_rows: int, total: int) -> str:
    """SHA-256 over the names of columns, the number of rows, and the sum of the rows' own without what exceeds it."""
    return hashlib.sha256(f"{_CELL_END.join(names)}\n{n_rows}\n{total % 2**256:064x}".encode()).hexdigest()


def iso_in(timezone: ZoneInfo, instant: datetime | None) -> str | None:
    """An instant as the facts of a file have it: with the offset of the zone; None if there is none."""
    return instant.astimezone(timezone).isoformat() if instant else None


def check_zone(store: Store, zone: object, path: str) -> None:
    """Raises UnprovenError if the days of the file at `path` begin in another zone than the store's."""
    if zone != store.timezone.key:
        raise UnprovenError(
            f"The days of {path} begin in {zone}, those of this store in {store.timezone.key}. Set LEADLIB_TIMEZONE to "
            f"{zone} to compare them.",
            path,
        )


def row_digests(cells: pa.Table) -> list[bytes]:
    """The SHA-256 of each row."""
    columns = [column.combine_chunks() for column in cells.columns]
    rows = pc.binary_join_element_wise(*columns, _CELL_END).cast(pa.binary()).to_pylist()
    return [hashlib.sha256(row).digest() for row in rows]


def cells_of(batch: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """The cells as texts that every format can hold: what is hashed, and compared.

    Times are UTC to the millisecond, created_local that of the account's clock; tags are joined by a semicolon, texts
    are without unreadable characters and cut to COMPARED_CHARACTERS, and what is missing is an empty text.
    """
    return pa.table({column.name: _texts(batch, column) for column in columns})


def _texts(batch: pa.Table, column: Column) -> pa.Array:
    cells = batch.column(column.name).combine_chunks()
    if pa.types.is_timestamp(column.type):
        texts = time_texts(batch, column.name)
    elif pa.types.is_integer(column.type):
        texts = cells.cast(pa.string())
    else:
        texts = readable_column(pc.binary_join(cells, "; ") if pa.types.is_list(column.type) else cells)
    return pc.fill_null(texts, "")


@dataclass(frozen=True)
class About:
    """What a reader must know to understand a file of leads, and to have it checked.

    `filter_words` is one sentence; `site` the app's own address if it is known; `as_of` None while the store is empty;
    `commit_before` is the store's last commit before the rows were read, `commit` asks for the last one so far; `rows`
    is what was hashed of the rows so far.
    """

    portal: str
    filters: Filters
    filter_words: str
    site: str
    timezone: ZoneInfo
    settings: Mapping[str, str]
    as_of: datetime | None
    exported_at: datetime
    columns: tuple[Column, ...]
    commit_before: int
    commit: Callable[[], int] = field(compare=False)
    rows: RowHash = field(compare=False)

    def facts(self) -> dict[str, object]:
        """Everything as plain values, in the order in which it is shown."""
        return {
            "portal": self.portal,
            "filter_words": self.filter_words,
            "filters": to_pairs(self.filters),
            "restore_link": self.site + _LEADS_SCREEN + to_address(self.filters),
            "time_zone": self.timezone.key,
            "settings": [f"{name}={value}" for name, value in self.settings.items()],
            "as_of": iso_in(self.timezone, self.as_of),
            "exported_at": iso_in(self.timezone, self.exported_at),
            "commit_before": self.commit_before,
            "commit_after": self.commit(),
            "n_leads": self.rows.n_rows,
            "rows_sha256": self.rows.hexdigest(),
            "has_personal_columns": any(column.is_personal for column in self.columns),
            "rules_version": RULES_VERSION,
            "columns": {column.name: column.meaning for column in self.columns},
            "numbers": dict(NUMBERS),
            "rules": list(RULES),
        }


def settings_of(store: Store) -> dict[str, str]:
    """The settings by which the store's leads are counted and judged, but for the time zone, as texts."""
    rules = store.badge_rules
    digest = hashlib.sha256(repr(rules).encode()).hexdigest()[:12]
    return {
        "LEADLIB_WORKING_HOURS": str(store.working_hours),
        "LEADLIB_SLA_MINUTES": str(store.sla_minutes),
        "LEADLIB_BADGE_RULES": f"{'the built-in example' if rules.is_example else 'own rules'}, {digest}",
    }
