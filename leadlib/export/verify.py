"""A file of leads held against itself and the store: is it as it was written, and does the store still agree?"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from leadlib.errors import UnprovenError
from leadlib.export.about import RowHash, cells_of, check_zone, row_digests
from leadlib.export.columns import COLUMNS, RULES_VERSION, Column, chosen_columns
from leadlib.export.leads import iter_batches
from leadlib.export.reading import Claim, LeadFile, read_leads
from leadlib.store import Store

Kind = Literal["new", "joined", "left", "changed", "seen_again", "unexplained", "unknown", "twice"]

KIND_WORDS: Mapping[Kind, str] = {
    "new": "new since",
    "joined": "under these filters only since",
    "left": "no longer under these filters",
    "changed": "with other values",
    "seen_again": "seen again, with nothing changed",
    "unexplained": "different, although the history knows of no change since",
    "unknown": "in the file and unknown to the store",
    "twice": "in the file more than once",
}
"""How a lead of the file and of the store can differ, in words that follow “3 leads:”."""

WITH_HISTORY = frozenset(
    (
        *("status", "stage", "reached_stage", "agent_id", "first_seen_at", "deleted_at_source"),
        *("replied_after", "replied_by", "archived_after", "archived_by"),
    )
)
"""Columns of which the store keeps when they changed. Of all others only today's value can be compared."""

SHOWN = 5
"""So many leads of a kind are named."""

# Those of status and agent, and of the moment of arrival, which does not change.
_FILTERS_WITH_HISTORY = {"status", "reached", "move", "agent", "from", "to", "weekday", "hour"}
_SEEN = "last_seen_at"
_SINCE = files("leadlib") / "sql" / "changed_since.sql"


@dataclass(frozen=True)
class Difference:
    """Leads that differ in one way: how many, the first of them by id, and in how many each column differs."""

    kind: Kind
    n_leads: int
    lead_ids: tuple[str, ...]
    columns: Mapping[str, int]


@dataclass(frozen=True)
class Verdict:
    """What became of a file.

    `is_altered`: its rows do not give the hash that it carries. `lost_columns` and `other_columns` are those that it
    should have and has not, and the other way round. `has_other_rules`: it was written by a version of this program
    that defines something otherwise. `as_of` is the store's own of now.
    """

    claim: Claim
    n_rows: int
    is_altered: bool
    lost_columns: tuple[str, ...]
    other_columns: tuple[str, ...]
    has_other_rules: bool
    differences: tuple[Difference, ...]
    as_of: datetime | None

    @property
    def is_match(self) -> bool:
        """True if the file is as it was written and the store has the same leads; seen again is not another lead."""
        return not self.is_altered and all(difference.kind == "seen_again" for difference in self.differences)


def verify_file(store: Store, path: Path) -> Verdict:
    """Reads the file at `path`, whatever its format, and looks for the same leads in the store.

    Nothing personal is in the verdict but the names of columns. Raises UnprovenError if the file does not say what it
    holds, or belongs to another portal or zone; StoreError.
    """
    file = read_leads(path)
    claim = file.claim
    if claim.portal != store.portal:
        raise UnprovenError(f"{path} holds leads of {claim.portal}, and this store those of {store.portal}.", str(path))
    check_zone(store, claim.time_zone, str(path))
    if claim.has_personal_columns and not store.has_persons:
        raise UnprovenError(
            f"{path} has personal columns, and nobody can be looked up while the app holds the store. Stop the app "
            "first.",
            str(path),
        )
    expected = chosen_columns(claim.has_personal_columns)
    names = [column.name for column in expected]
    lost = tuple(name for name in names if name not in file.names)
    other = tuple(name for name in file.names if name not in names)
    try:
        n_rows, sha256 = _hashed(file.cells, expected if not lost and not other else _columns_of(file))
        if (n_rows, sha256) == _hashed(partial(_stored, store, claim), expected):
            differences: tuple[Difference, ...] = ()
        else:
            differences = _differences(store, file, [column for column in expected if column.name not in lost])
    except pa.ArrowException as error:
        raise UnprovenError(f"The rows of {path} cannot be read ({type(error).__name__}).", str(path)) from error
    return Verdict(
        claim=claim,
        n_rows=n_rows,
        is_altered=(n_rows, sha256) != (claim.n_leads, claim.rows_sha256),
        lost_columns=lost,
        other_columns=other,
        has_other_rules=claim.rules_version != RULES_VERSION,
        differences=differences,
        as_of=store.as_of(),
    )


def _columns_of(file: LeadFile) -> list[Column]:
    known = {column.name: column for column in COLUMNS}
    return [known.get(name, Column(name, "")) for name in file.names]


def _hashed(read: Callable[[Sequence[Column]], Iterable[pa.Table]], columns: Sequence[Column]) -> tuple[int, str]:
    rows = RowHash(columns)
    for cells in read(columns):
        rows.take(cells)
    return rows.n_rows, rows.hexdigest()


def _stored(store: Store, claim: Claim, columns: Sequence[Column]) -> Iterator[pa.Table]:
    """The store's leads for the file's filters, as the file's `cells` gives its own."""
    for batch in iter_batches(store, claim.filters, chosen_columns(claim.has_personal_columns)):
        yield cells_of(batch, columns)


def _differences(store: Store, file: LeadFile, columns: Sequence[Column]) -> tuple[Difference, ...]:
    """What differs between the file and the store in `columns`, kinds in the order of KIND_WORDS."""
    compared = [column.name for column in columns if column.name != _SEEN]
    in_file: dict[str, tuple[bytes, str]] = {}
    found: dict[Kind, list[str]] = {kind: [] for kind in KIND_WORDS}
    for cells in file.cells(columns):
        for lead_id, digest, seen in _digested(cells, compared):
            if lead_id in in_file:
                found["twice"].append(lead_id)
            in_file[lead_id] = (digest, seen)

    only_in_store: list[str] = []
    stored: list[pa.Table] = []
    left = dict.fromkeys(in_file)
    for cells in _stored(store, file.claim, columns):
        is_other = []
        for lead_id, digest, seen in _digested(cells, compared):
            known = in_file.get(lead_id)
            left.pop(lead_id, None)
            is_other.append(known is not None and known[0] != digest)
            if known is None:
                only_in_store.append(lead_id)
            elif known[0] == digest and known[1] != seen:
                found["seen_again"].append(lead_id)
        stored.append(cells.filter(pa.array(is_other, pa.bool_())))
    changes = _changes(file, columns, compared, stored)

    since = _changed_since(store, file.claim)
    is_told = {key for key, _ in file.claim.filters.selected} <= _FILTERS_WITH_HISTORY
    fresh = _among(store, only_in_store, "first_seen_at > $as_of", file.claim)
    for lead_id in only_in_store:
        kind: Kind = "new" if lead_id in fresh else "joined" if lead_id in since or not is_told else "unexplained"
        found[kind].append(lead_id)
    there = _among(store, list(left), "true", file.claim)
    for lead_id in left:
        is_explained = lead_id in since or not is_told
        found["unknown" if lead_id not in there else "left" if is_explained else "unexplained"].append(lead_id)
    for lead_id, differing in changes.items():
        found["unexplained" if differing & WITH_HISTORY and lead_id not in since else "changed"].append(lead_id)
    return tuple(
        Difference(
            kind,
            len(lead_ids),
            tuple(sorted(lead_ids)[:SHOWN]),
            dict(Counter(name for name in compared for lead_id in lead_ids if name in changes.get(lead_id, ()))),
        )
        for kind, lead_ids in found.items()
        if lead_ids
    )


def _digested(cells: pa.Table, compared: Sequence[str]) -> list[tuple[str, bytes, str]]:
    lead_ids = cells.column("lead_id").to_pylist()
    seen = cells.column(_SEEN).to_pylist() if _SEEN in cells.column_names else [""] * cells.num_rows
    return list(zip(lead_ids, row_digests(cells.select(compared)), seen, strict=True))


def _changes(
    file: LeadFile, columns: Sequence[Column], compared: Sequence[str], stored: Sequence[pa.Table]
) -> dict[str, set[str]]:
    """The columns that differ, per lead that is in the file and in `stored`."""
    if not stored or not (theirs := pa.concat_tables(stored)).num_rows:
        return {}
    lead_ids = theirs.column("lead_id").combine_chunks()
    ours = pa.concat_tables(
        cells.filter(pc.is_in(cells.column("lead_id"), lead_ids)) for cells in file.cells(columns)
    ).combine_chunks()
    place = pc.index_in(lead_ids, ours.column("lead_id").combine_chunks())
    changes: dict[str, set[str]] = {lead_id: set() for lead_id in lead_ids.to_pylist()}
    for name in compared:
        is_other = pc.not_equal(ours.column(name).combine_chunks().take(place), theirs.column(name).combine_chunks())
        for lead_id in lead_ids.filter(is_other).to_pylist():
            changes[lead_id].add(name)
    return changes


def _changed_since(store: Store, claim: Claim) -> set[str]:
    moments = {"as_of": _as_of(claim), "exported_at": claim.exported_at}
    return set(store.query(_SINCE.read_text(encoding="utf-8"), moments)["lead_id"])


def _among(store: Store, lead_ids: list[str], condition: str, claim: Claim) -> set[str]:
    """Those of `lead_ids` that the store has and that meet `condition`."""
    if not lead_ids:
        return set()
    bound: dict[str, object] = {"lead_ids": lead_ids, **({"as_of": _as_of(claim)} if "$as_of" in condition else {})}
    sql = f"select lead_id from leads where lead_id in (select unnest($lead_ids)) and {condition}"  # noqa: S608
    return set(store.query(sql, bound)["lead_id"])


def _as_of(claim: Claim) -> datetime:
    return claim.as_of or datetime.fromtimestamp(0, UTC)
