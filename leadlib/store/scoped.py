"""ScopedStore: of a store, what one person may see of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import pyarrow as pa

from leadlib.access import Access
from leadlib.errors import StoreError
from leadlib.filters import Filters
from leadlib.records import Contact
from leadlib.store.alarms import Alarm
from leadlib.store.export_log import ExportLog
from leadlib.store.files import File
from leadlib.store.guest_links import GuestLinks
from leadlib.store.scope import Part, ScopedFile, UnchangedFile, refusal
from leadlib.store.store import Store
from leadlib.store.words import Words


def store_for(whole: Store, access: Access) -> Store:
    """The store as somebody with these rights sees it: itself for who may see all of it, else a ScopedStore.

    Keep what you get: answers are remembered per store.
    """
    if access.sees_all_leads and access.may_see_people and access.may_open_response_links:
        return whole
    return ScopedStore(whole, access)


class ScopedStore(Store):
    """A store as one Access sees it: the leads of its agents, people masked unless it may see them, nothing to change.

    Its answers are those of a store that only ever held these leads. What was read when, and what people have written
    for one another (notebooks, views, notes), are the same for all; alarms are for those who see all leads. A guest's
    has the leads of their link alone, no person even masked, and nothing that people have written.
    """

    def __init__(self, whole: Store, access: Access) -> None:
        """Raises StoreError for a part of the leads of a store that is read beside another program."""
        if not access.sees_all_leads and not whole.has_persons:
            raise StoreError("Of a store that is read beside the app all leads are seen or none.", str(whole.folder))
        self._whole = whole
        self.access = access
        self.folder: Path = whole.folder
        self.timezone = whole.timezone
        self.working_hours = whole.working_hours
        self.portal = whole.portal
        self.sla_minutes = whole.sla_minutes
        self.badge_rules = whole.badge_rules
        self._as_of = (0, None)
        self._opened = whole._opened
        analytics: File = whole._analytics
        self._analytics = (
            UnchangedFile(analytics)
            if access.sees_all_leads
            else ScopedFile(analytics, access.scope, _part_of(access, whole.timezone))
        )
        # No table at all: what reads persons here goes through `contacts`, and nothing else does.
        self._personal = ScopedFile(whole._personal, "nothing", None)

    @property
    def agents(self) -> tuple[int, ...] | None:  # type: ignore[override]  # the whole store's is of all leads
        """As of the whole store. Raises StoreError for a guest's, whose leads are told by more than agents."""
        if self.access.shared is not None:
            raise refusal(str(self.folder))
        return self.access.agents

    @property
    def data_version(self) -> int:
        return self._whole.data_version

    @property
    def has_rollups(self) -> bool:
        return self.access.sees_all_leads

    @property
    def is_read_only(self) -> bool:
        return self._whole.is_read_only

    def close(self) -> None:
        """Nothing: whoever opened the whole store closes it."""

    # Reading

    def contacts(self, lead_ids: Sequence[str]) -> pa.Table:
        """As of the whole store, of the leads that are seen: masks and no links where the rights ask for that.

        For a guest there is no row.
        """
        if self.access.shared is not None:
            lead_ids = ()
        asked = {"ids": list(lead_ids)}
        seen = self.query("select lead_id from leads semi join (select unnest($ids) as lead_id) using (lead_id)", asked)
        found = self._whole.contacts(seen["lead_id"].tolist())
        rows = [self._as_seen(row) for row in found.to_pylist()]
        return pa.Table.from_pylist(rows, schema=found.schema)

    def _as_seen(self, row: dict[str, str | None]) -> dict[str, str | None]:
        if not self.access.may_open_response_links:
            row = {**row, "response_link": None}
        if self.access.may_see_people:
            return row
        masked = Contact(
            row["sender_name"], row["sender_phone"], row["sender_email"], row["sender_whatsapp_username"]
        ).masked()
        return {
            **dict.fromkeys(row),
            "lead_id": row["lead_id"],
            "sender_name": masked.name,
            "sender_phone": masked.phone,
            "sender_email": masked.email,
            "sender_whatsapp_username": masked.whatsapp_username,
        }

    def recall(self, key: str) -> str | None:
        return self._whole.recall(key)

    def pseudonym(self, text: str) -> str:
        return self._whole.pseudonym(text)

    def sequence(self) -> int:
        return self._whole.sequence()

    def alarms(self) -> tuple[Alarm, ...]:
        """Of the whole store; none in a scope, since their words tell of all leads."""
        return self._whole.alarms() if self.access.sees_all_leads else ()

    @property
    def words(self) -> Words:
        """Those of the whole store, to be read only unless the right to edit notebooks is there; none for a guest."""
        if self.access.shared is not None:
            return _NoWords(self._personal)
        return self._whole.words if self.access.may_edit_notebooks else _SeenWords(self._whole.words)

    @property
    def exports(self) -> ExportLog:  # type: ignore[override]  # what colleagues took is for who sees the whole store
        raise refusal(str(self.folder))

    @property
    def guest_links(self) -> GuestLinks:
        raise refusal(str(self.folder))

    # Writing

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise refusal(str(self.folder))

    write_leads = write_events = mark_as_asked = write_rejected = write_names = settle_absences = _refuse
    begin_sync = finish_sync = write_slice = fold_slices = has_read_all = sparing_memory = _refuse
    remember = raise_alarm = clear_alarm = retire_alarms = _refuse
    publish = copy_personal = forget_persons = erase = back_up = settle = keep_up = set_patience = _refuse
    leads_of = all_of = erasures = held = _refuse  # of everybody, or of nobody


def _part_of(access: Access, timezone: ZoneInfo) -> Part:
    if access.shared is None:
        return Part(access.agents)
    return Part(access.agents, Filters(access.shared.selected), timezone, access.shared.names_agents)


class _NoWords(Words):
    """Nothing that anybody has written, and no place to write."""

    def __init__(self, nothing: File) -> None:
        self._file = nothing
        self._saved_views = ()
        self._day_notes = ()


class _SeenWords(Words):
    """The words of a store at this moment; to write raises StoreReadOnlyError."""

    def __init__(self, words: Words) -> None:
        self._file = UnchangedFile(words._file)
        self._saved_views = words.saved_views()
        self._day_notes = words.day_notes()
