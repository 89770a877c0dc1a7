"""The store: two DuckDB files, and the only code that knows DuckDB.

`leads.duckdb` holds the analytics tables and nothing personal; `personal.duckdb` holds who the senders are. They are
two databases that never see each other, so no query over the first can reach a person, whatever it says.
"""

from leadlib.store.store import SliceRow, Store, SyncRow
from leadlib.store.writes import UpsertCount

__all__ = ["SliceRow", "Store", "SyncRow", "UpsertCount"]
