"""Leads from the store into a file: exactly the filtered rows, newest first, in flat memory."""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from xlsxwriter.exceptions import FileSizeError, XlsxWriterException

from leadlib.errors import ExportError
from leadlib.export.about import About, RowHash, settings_of
from leadlib.export.columns import Column, Format, chosen_columns, format_named
from leadlib.export.files import write_csv, write_json, write_parquet, write_xlsx
from leadlib.filters import Filters, describe, to_where
from leadlib.store import Store

_SQL = files("leadlib") / "sql"
_NO_FILTERS = "true /* filters */"

WINDOW_ROWS = 25_000
"""Leads sorted at a time. Sorting a million at once takes half a gigabyte; twenty sorts take no longer."""

BATCH_ROWS = 12_500

_WRITERS: Mapping[Format, Callable[[Iterator[pa.Table], Path, About], int]] = {
    "csv": write_csv,
    "xlsx": write_xlsx,
    "parquet": write_parquet,
    "json": write_json,
}


@dataclass(frozen=True)
class ExportResult:
    """What an export wrote: the number of leads, the file's hash, the store's as-of time, the columns' names.

    `as_of` is the newest observation when the export began, None for an empty store. For the audit log.
    """

    rows: int
    sha256: str
    as_of: datetime | None
    columns: tuple[str, ...]


def export_leads(
    store: Store,
    filters: Filters,
    fmt: Format,
    path: Path,
    *,
    personal: bool = False,
    names: Mapping[str, Mapping[str, str]] | None = None,
    site: str = "/",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    release: Callable[[ExportResult], None] = lambda _: None,
) -> ExportResult:
    """Writes the filtered leads to `path`, one row a lead, newest first and then by id.

    Columns: COLUMNS, the personal ones only if `personal`. The link for responding is never among them: opening it
    counts as a response at the portal. `names` are words for ids in the file's description, as filters.describe takes
    them; `site` is the app's own address, for the link that restores the view. The file appears under its name when it
    is whole and `release` has returned, readable by its owner only; an error leaves what was there.
    Where the store shows the leads of some agents alone, the file says so: as a filter by them.
    Raises ExportError if it cannot be written, StoreError if the leads cannot be read.
    """
    format_named(fmt)
    filters = within_scope(store, filters)
    columns = chosen_columns(personal)
    # The commit first: what is read after it has at least that.
    commit_before = store.sequence()
    about = About(
        portal=store.portal,
        filters=filters,
        filter_words=describe(filters, names),
        site=site,
        timezone=store.timezone,
        settings=settings_of(store),
        as_of=store.as_of(),
        exported_at=now(),
        columns=columns,
        commit_before=commit_before,
        commit=store.sequence,
        rows=RowHash(columns),
    )
    try:
        # A folder of its own beside the target: also the writers' own temporary files stay on this disk and go with it.
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", suffix=".part", dir=path.parent) as folder:
            part = Path(folder) / path.name
            part.touch(mode=0o600)
            n_rows = _WRITERS[fmt](about.rows.passing(iter_batches(store, filters, columns)), part, about)
            with part.open("rb+") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                os.fsync(file.fileno())
            result = ExportResult(n_rows, sha256, about.as_of, tuple(column.name for column in columns))
            release(result)
            part.replace(path)
    except FileSizeError as error:
        raise ExportError(
            "So many leads make an Excel file beyond 4 GB, which Excel does not open. Take CSV or Parquet, or narrow "
            "the filters.",
            str(path),
        ) from error
    except (OSError, XlsxWriterException) as error:
        raise ExportError(
            f"{path} could not be written ({type(error).__name__}). Check that the folder exists, may be written and "
            "has space.",
            str(path),
        ) from error
    return result


def within_scope(store: Store, filters: Filters) -> Filters:
    """The same leads in words that hold without the scope: whoever verifies the file asks the whole store."""
    if store.agents is None:
        return filters
    agents = [str(agent) for agent in store.agents]
    chosen = [agent for agent in filters["agent"] if agent in agents] if filters["agent"] else agents
    return filters.with_values("agent", chosen or filters["agent"])


def file_name(filters: Filters, fmt: Format, as_of: datetime | None) -> str:
    """A name for the download, such as leadlight-leads-2026-11-23T1835-3f9c2ab01d44.csv. Two calls never give the same.

    The time is that of `as_of` in the zone it comes in. Filters that are in use show as “filtered” and nothing more.
    """
    parts = ["leadlight-leads"]
    if filters.selected:
        parts.append("filtered")
    if as_of is not None:
        parts.append(as_of.strftime("%Y-%m-%dT%H%M"))
    # Streamlit tells large downloads apart by their names, so that two files with one name could be swapped.
    return f"{'-'.join([*parts, secrets.token_hex(6)])}.{format_named(fmt).extension}"


def iter_batches(store: Store, filters: Filters, columns: tuple[Column, ...]) -> Iterator[pa.Table]:
    """The filtered leads with exactly `columns`, in batches of at most BATCH_ROWS."""
    where, bound = to_where(filters, store.timezone)
    windows_sql, leads_sql = (
        (_SQL / name).read_text(encoding="utf-8") for name in ("export_windows.sql", "export_leads.sql")
    )
    windows = store.query(windows_sql.replace(_NO_FILTERS, where), {**bound, "window_rows": WINDOW_ROWS})
    within = f"{where} and created_at >= $window_from and created_at < $window_to"
    schema = pa.schema([(c.name, c.type) for c in columns if not c.is_personal])
    personal = [c.name for c in columns if c.is_personal]
    for window_from, window_to in zip(windows["window_from"], windows["window_to"], strict=True):
        limits = {"window_from": window_from.to_pydatetime(), "window_to": window_to.to_pydatetime()}
        batches = store.batches(leads_sql.replace(_NO_FILTERS, within), {**bound, **limits}, BATCH_ROWS)
        # A whole window at once: its contacts are then one question, and no query stays open while a file is written.
        leads = pa.Table.from_batches(list(batches)).select(schema.names).cast(schema)
        if personal:
            leads = _with_contacts(store, leads, personal)
        for start in range(0, leads.num_rows, BATCH_ROWS):
            yield leads.slice(start, BATCH_ROWS)


def _with_contacts(store: Store, leads: pa.Table, personal: list[str]) -> pa.Table:
    lead_ids = leads.column("lead_id").combine_chunks()
    contacts = store.contacts(lead_ids.to_pylist())
    at = pc.index_in(lead_ids, contacts.column("lead_id").combine_chunks())
    for name in personal:
        leads = leads.append_column(name, contacts.column(name).combine_chunks().cast(pa.string()).take(at))
    return leads
