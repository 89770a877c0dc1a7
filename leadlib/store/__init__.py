"""The store: two DuckDB files, and the only code that knows DuckDB.

`leads.duckdb` holds the analytics tables and nothing personal; `personal.duckdb` holds who the senders are. They are
two databases that never see each other, so no query over the first can reach a person, whatever it says. A store that
several machines share has two lakes in their place, and PostgreSQL to tell whose turn it is.
"""

from leadlib.store.absences import AbsenceCount
from leadlib.store.alarms import Alarm
from leadlib.store.backup import is_free, restore_backup
from leadlib.store.erasing import Erased, ErasureRow, months_before
from leadlib.store.events import LeadEvent
from leadlib.store.export_log import LIMITS, ExportLog, ExportRow, Limits, Refusal
from leadlib.store.guest_links import LONGEST, GuestLink, GuestLinks, Offer
from leadlib.store.keepsakes import DayNote, Keepsake, SavedView
from leadlib.store.migrating import move_to_folder, move_to_lakes
from leadlib.store.notebooks import NotebookVersion
from leadlib.store.patience import ENDLESS, Patience, unwanted, waiting_for
from leadlib.store.rows import SliceRow, SyncRow
from leadlib.store.scoped import ScopedStore, store_for
from leadlib.store.store import Store
from leadlib.store.suppression import Person, names_somebody
from leadlib.store.words import Words
from leadlib.store.work import ALONE, Told, Work
from leadlib.store.writes import UpsertCount

__all__ = [
    "ALONE",
    "ENDLESS",
    "LIMITS",
    "LONGEST",
    "AbsenceCount",
    "Alarm",
    "DayNote",
    "Erased",
    "ErasureRow",
    "ExportLog",
    "ExportRow",
    "GuestLink",
    "GuestLinks",
    "Keepsake",
    "LeadEvent",
    "Limits",
    "NotebookVersion",
    "Offer",
    "Patience",
    "Person",
    "Refusal",
    "SavedView",
    "ScopedStore",
    "SliceRow",
    "Store",
    "SyncRow",
    "Told",
    "UpsertCount",
    "Words",
    "Work",
    "is_free",
    "months_before",
    "move_to_folder",
    "move_to_lakes",
    "names_somebody",
    "restore_backup",
    "store_for",
    "unwanted",
    "waiting_for",
]
