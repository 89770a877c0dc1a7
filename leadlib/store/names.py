"""Names for ids: what a look-up found, and what it asked for in vain."""

from collections.abc import Sequence
from datetime import datetime

import duckdb
import pyarrow as pa

from leadlib.records import AgentName, ListingName, ProjectName

KEYS = (("agents", "agent_id"), ("listings", "listing_id"), ("projects", "project_id"))

Ids = tuple[Sequence[int], Sequence[str], Sequence[str]]
"""Ids of agents, listings and projects, in the order of KEYS."""

NO_IDS: Ids = ((), (), ())

_TEXTS_OF_LISTING = ("listing_id", "reference", "title", "property_type", "category", "offering")
_COLUMNS = (
    pa.schema([("agent_id", pa.int64()), ("name", pa.string()), ("is_active", pa.bool_())]),
    pa.schema([(name, pa.string()) for name in _TEXTS_OF_LISTING]),
    pa.schema([(name, pa.string()) for name in ("project_id", "title", "developer_id", "developer_name")]),
)


def write_found(
    cursor: duckdb.DuckDBPyConnection,
    agents: Sequence[AgentName],
    listings: Sequence[ListingName],
    projects: Sequence[ProjectName],
    at: datetime,
) -> None:
    """Replaces what is known of these."""
    found: tuple[Sequence[object], ...] = (agents, listings, projects)
    for (table, key), columns, rows in zip(KEYS, _COLUMNS, found, strict=True):
        if rows:
            # Two users may share one public profile: an id that stands twice would double its leads.
            once = {vars(row)[key]: vars(row) for row in rows}
            cursor.register("incoming_names", pa.Table.from_pylist(list(once.values()), schema=columns))
            cursor.execute(f"delete from {table} where {key} in (select {key} from incoming_names)")
            cursor.execute(f"insert into {table} select *, $at from incoming_names", {"at": at})


def write_unknown(cursor: duckdb.DuckDBPyConnection, unknown: Ids, at: datetime) -> None:
    """Notes that the portal does not know these: what was known of them stays, else a row without a name is made."""
    for (table, key), columns, ids in zip(KEYS, _COLUMNS, unknown, strict=True):
        if ids:
            cursor.register("incoming_ids", pa.table({key: pa.array(ids, columns.field(key).type)}))
            cursor.execute(
                f"update {table} set seen_at = $at where {key} in (select {key} from incoming_ids)", {"at": at}
            )
            name, value = (", name", f", '#' || {key}") if table == "agents" else ("", "")
            cursor.execute(
                f"insert into {table} ({key}{name}, seen_at) select {key}{value}, $at from incoming_ids "
                f"anti join {table} using ({key})",
                {"at": at},
            )
