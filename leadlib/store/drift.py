"""Where the portal differs from its documents: fields they do not have, rows that are no leads and were mended."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import duckdb
import pyarrow as pa

from leadlib.records import Lead

MOST_FIELDS = 500
"""A portal that invents names without end fills no file with them."""

_FIELD_COLUMNS = pa.schema([("path", pa.string()), ("n_rows", pa.int64())])


def write_odd_fields(cursor: duckdb.DuckDBPyConnection, leads: Sequence[Lead], observed_at: datetime) -> None:
    """Logs the undocumented fields of these leads, by name and never by value."""
    counted = Counter(path for lead in leads for path in lead.odd_paths)
    if not counted:
        return
    rows = [{"path": path, "n_rows": n} for path, n in counted.items()]
    cursor.register("incoming_fields", pa.Table.from_pylist(rows, schema=_FIELD_COLUMNS))
    cursor.execute(
        "update odd_fields as f set n_rows = f.n_rows + i.n_rows, last_seen_at = greatest(f.last_seen_at, $at) "
        "from incoming_fields as i where i.path = f.path",
        {"at": observed_at},
    )
    cursor.execute(
        "insert into odd_fields select path, n_rows, $at, $at from incoming_fields anti join odd_fields using (path) "
        "qualify row_number() over (order by path) <= $most - (select count(*) from odd_fields)",
        {"at": observed_at, "most": MOST_FIELDS},
    )


def resolve_rejected(cursor: duckdb.DuckDBPyConnection, observed_at: datetime) -> None:
    """Settles the rows that were no leads and whose ids are now among the leads just `staged`."""
    cursor.execute(
        "update rejected_leads set resolved_at = $at "
        "where resolved_at is null and first_seen_at <= $at and lead_id in (select lead_id from staged)",
        {"at": observed_at},
    )
