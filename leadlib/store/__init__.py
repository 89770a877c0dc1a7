"""The store: two DuckDB files, and the only code that knows DuckDB.

`leads.duckdb` holds the analytics tables and nothing personal; `personal.duckdb` holds who the senders are. They are
two databases that never see each other, so no query over the first can reach a person, whatever it says.
"""

from leadlib.store.alarms import Alarm
from leadlib.store.rows import SliceRow, SyncRow
from leadlib.store.store import Store
from leadlib.store.writes import UpsertCount

__all__ = ["Alarm", "SliceRow", "Store", "SyncRow", "UpsertCount"]
