"""One sync from its first call to its last line on record."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from leadlib import formats
from leadlib.api import MAX_PER_PAGE, Client
from leadlib.errors import BadRequestError, LeadlibError, PortalError
from leadlib.filters import Filters, start_of_day
from leadlib.reading import PAD, BoundsIgnoredError, Slice, Verdict, read_pages, read_slices
from leadlib.records import Lead
from leadlib.store import AbsenceCount, SliceRow, Store, SyncRow
from leadlib.sync.audit import audit, is_due
from leadlib.sync.bands import BANDS, COLD, Band, begins_at, due_band
from leadlib.sync.batch import Batch, Tally
from leadlib.sync.counting import unchanged
from leadlib.sync.names import fetch_names
from leadlib.sync.planning import EXPECTED_PER_SLICE, stretches
from leadlib.sync.progress import Progress
from leadlib.sync.summary import sentence
from leadlib.sync.trust import has_too_many_rejected, set_alarms, set_audit_alarm, too_many_missing

log = logging.getLogger(__name__)

WINDOW_STEPS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
"""How far the start is moved when the portal's window moves on past it during a pass, step by step."""

AHEAD = timedelta(minutes=5)
"""How far past the portal's clock the newest slice reaches: its clocks may disagree among themselves."""

SURELY_SHOWN = timedelta(days=60)
"""A sweep that begins earlier than this asks first how far back the portal goes."""


def run_sync(
    client: Client,
    store: Store,
    *,
    full: bool = False,
    since: str | None = None,
    filters: Filters | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> SyncRow:
    """One sync, to its end, and what it did: a sweep of the widest band that is due.

    `full` reads the whole window whatever is due, and counts nothing instead; `since` (a day in the account's zone)
    reads from there on. `filters` fetch one view, from `since` on if that is given: its rows are stored, but they count
    as coverage of nothing. `now` tells the local clock's UTC instant. Raises PortalError or StoreError; what was
    committed before stays, and the failure is on record in `syncs`. Raises ValueError for `full` beside `since` or
    `filters`.
    """
    if full and not (since is None and filters is None):
        raise ValueError("A full sync reads everything: it takes no first day and no filters.")
    run = _Run(client, store, on_progress, now)
    if filters is not None:
        run.kind = "view"
    elif since is not None:
        run.kind = "since"
    else:
        run.band = COLD if full else due_band(store, run.started_at)
        run.kind = run.band.kind
        run.may_count = not full and run.band is not BANDS[-1]
    run.open()
    try:
        run.find_dialect()
        if since is not None:
            run.created_from = start_of_day(since, store.timezone)
        elif run.band is not None:
            run.find_beginning(run.band)
        run.read(filters or Filters())
        run.settle()
        run.reconcile()
        run.audit()
        run.notes += fetch_names(client, store, lambda: run.report("looking up names"), run.now())
    except BaseException as error:
        # Ctrl-C included: a sync without an end on record would look as if it were still running.
        run.close("failed", str(error) if isinstance(error, LeadlibError) else type(error).__name__)
        raise
    return run.finish()


@dataclass
class _Run:
    """A sync under way: what it has found so far, and how it reports that."""

    client: Client
    store: Store
    on_progress: Callable[[Progress], None]
    now: Callable[[], datetime]
    kind: str = "cold"
    band: Band | None = None
    may_count: bool = False
    sync_id: str = ""
    dialect: str = ""
    created_from: datetime | None = None
    created_to: datetime | None = None
    n_expected: int | None = None
    n_calls_left: int | None = None
    tally: Tally = field(default_factory=Tally)
    unclear: list[tuple[datetime, datetime]] = field(default_factory=list)
    n_counted: int = 0
    n_uncertain: int = 0
    reads_slices: bool = True
    absences: AbsenceCount = field(default_factory=AbsenceCount)
    portal_total: int | None = None
    store_total: int | None = None
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.started_at = self.now()
        self._monotonic = time.monotonic()
        self._calls_before, self._retries_before = self.client.stats.calls, self.client.stats.retries

    def open(self) -> None:
        """Puts the sync on record before the first call: a portal that does not answer leaves its trace too."""
        self.dialect = self.client.dialect or ""
        self.sync_id = self.store.begin_sync(kind=self.kind, dialect=self.dialect, started_at=self.started_at)

    def find_dialect(self) -> None:
        """Finds out which dialect the portal speaks, and keeps the answer with the data."""
        self.report("finding out which dialect the portal speaks")
        self.dialect = self.client.find_dialect()
        # An account without leads cannot tell, and is asked again next time.
        if self.client.dialect is not None and self.store.recall("dialect") != self.dialect:
            self.store.remember("dialect", self.dialect)

    def find_beginning(self, band: Band) -> None:
        """Finds out from where on to read, by the portal's clock, by which leads are dated."""
        portal_now = self.client.page(per_page=1).portal_at or self.started_at
        begin = begins_at(self.store, band, portal_now)
        if begin is None or begin < portal_now - SURELY_SHOWN:
            self.report("asking how far back the portal goes")
            oldest = self.client.oldest_accepted(portal_now)
            begin = oldest if begin is None else max(begin, oldest)
        self.created_from = begin

    def finish(self) -> SyncRow:
        """Ends a sync that has done its work: on record, in the ledger, in the alarms."""
        self.store.fold_slices(self.sync_id)
        is_doubtful = self.n_uncertain or self.tally.n_news or self.absences.n_withheld
        row = self.row("complete", None)
        if has_too_many_rejected(row):
            self.notes.append(
                f"{formats.number(row.n_rejected)} rows are no leads, which are too many: what is published stays as "
                "it was."
            )
            is_doubtful = True
        row = self.close("uncertain" if is_doubtful else "complete", " ".join(self.notes) or None)
        set_alarms(self.store, row)
        return row

    def close(self, outcome: str, message: str | None) -> SyncRow:
        """Puts the end on record, and gives it back."""
        row = self.row(outcome, message)
        self.store.finish_sync(row)
        log.info("sync %s %s: %s", self.kind, outcome, sentence(row) if outcome != "failed" else "failed")
        return row

    def row(self, outcome: str, message: str | None) -> SyncRow:
        written = self.tally.written
        return SyncRow(
            sync_id=self.sync_id,
            kind=self.kind,
            outcome=outcome,
            dialect=self.dialect,
            started_at=self.started_at,
            finished_at=self.now(),
            created_from=self.created_from,
            created_to=self.created_to,
            n_read=self.tally.n_read,
            n_new=written.n_new,
            n_changed=written.n_changed,
            n_unchanged=written.n_unchanged,
            n_rejected=len(self.tally.rejected),
            n_uncertain=self.n_uncertain,
            n_calls=self.client.stats.calls - self._calls_before,
            n_retries=self.client.stats.retries - self._retries_before,
            seconds=time.monotonic() - self._monotonic,
            message=message,
            portal_total=self.portal_total,
            store_total=self.store_total,
            n_counted=self.n_counted,
            n_suppressed=written.n_suppressed,
            n_deleted=self.absences.n_deleted,
            n_withheld=self.absences.n_withheld,
        )

    def report(self, phase: str) -> None:
        self.on_progress(
            Progress(
                phase,
                n_read=self.tally.n_received,
                n_expected=self.n_expected,
                n_calls=self.client.stats.calls - self._calls_before,
                n_retries=self.client.stats.retries - self._retries_before,
                seconds=time.monotonic() - self._monotonic,
                n_calls_left=self.n_calls_left,
            )
        )

    # Reading

    def read(self, filters: Filters) -> None:
        """Reads everything from `created_from` on, in the way that this portal allows."""
        steps = iter(WINDOW_STEPS)
        while True:
            try:
                if self.created_from is None or filters.selected or not self._can_be_sliced():
                    self._read_pages(filters)
                else:
                    self._read_slices(self.created_from)
                return
            except BoundsIgnoredError:
                # It did when it was asked. This sync goes on page by page, and the next one asks again.
                self.reads_slices = False
                self.store.remember("bounds_created_to", "unknown")
            except BadRequestError:
                # The oldest day of the window moves on while we read. Anything else that is refused stays refused.
                step = next(steps, None)
                if self.band is None or self.created_from is None or step is None:
                    raise
                self.created_from += step
            self._expect_all_again()

    def _expect_all_again(self) -> None:
        """Whatever was read so far may come again, and must not be counted twice."""
        began_at = self.tally.first_observed_at
        if began_at is not None:
            seen = self.store.query("select lead_id from leads where last_seen_at >= $since", {"since": began_at})
            self.tally.seen.update(dict.fromkeys(seen["lead_id"], 0))
        self.n_counted = 0

    def _can_be_sliced(self) -> bool:
        """Whether the portal obeys createdAtTo: as it is remembered, else by asking."""
        if not self.reads_slices:
            return False
        known = self.store.recall("bounds_created_to")
        if known not in {"yes", "no"}:
            self.report("finding out whether the portal obeys createdAtTo")
            answer = self.client.bounds_created_to()
            if answer is None:
                return False  # an account without leads cannot tell; it is asked again next time
            known = "yes" if answer else "no"
            self.store.remember("bounds_created_to", known)
        return known == "yes"

    def _read_slices(self, created_from: datetime) -> None:
        page = self.client.page(1, created_from=created_from, per_page=1)
        portal_now = page.portal_at or self.now()
        self.created_to = portal_now
        counted = self._count(created_from, portal_now, is_bounded=True)
        skip = [(one.created_from, one.created_to) for one in counted]
        self.n_expected = max(0, page.total - self.n_counted)
        batch = Batch(self.store, self.sync_id, self.tally)
        try:
            for begin, end, cuts in stretches(self.client, self.store, created_from, portal_now, AHEAD, page.total):
                for slice_ in read_slices(self.client, begin, end, cuts, portal_now, skip):
                    self._take_slice(batch, slice_)
                batch.commit()
        finally:
            batch.commit()
        if self.n_uncertain:
            self.notes.append(
                f"{formats.count_of(self.n_uncertain, 'stretch', 'stretches')} contradicted the portal's own count. "
                "All that came is stored, but a lead may have slipped through. The next sync reads them again."
            )

    def _take_slice(self, batch: Batch, slice_: Slice) -> None:
        batch.add(slice_.leads, slice_.rejected, slice_.observed_at, self._ledger(slice_), _near_an_edge(slice_))
        if any(row.lead_id is None for row in slice_.rejected):
            self.unclear.append((slice_.created_from, slice_.created_to))
        self.n_uncertain += not slice_.is_certain
        n_to_come = (self.n_expected or 0) - self.tally.n_received
        self.n_calls_left = max(slice_.n_left, n_to_come // EXPECTED_PER_SLICE)
        self.report("reading leads")

    def _count(self, created_from: datetime, portal_now: datetime, *, is_bounded: bool) -> list[SliceRow]:
        """The stretches that counting shows to be as the store has them, put into the ledger."""
        if not self.may_count:
            return []
        counted = [
            one.ledger(self.sync_id)
            for one in unchanged(
                self.client, self.store, created_from, portal_now, is_bounded=is_bounded,
                on_count=lambda: self.report("comparing counts"),
            )
        ]  # fmt: skip
        self.store.write_leads([], observed_at=portal_now, slice_rows=counted)
        self.n_counted = sum(one.total for one in counted)
        return counted

    def _ledger(self, slice_: Slice) -> SliceRow:
        return SliceRow(
            self.sync_id,
            slice_.created_from,
            slice_.created_to,
            slice_.total,
            slice_.n_distinct,
            slice_.is_certain,
            slice_.observed_at,
        )

    def _read_pages(self, filters: Filters) -> None:
        if self.created_from is not None and self._is_all_counted(self.created_from):
            return
        batch = Batch(self.store, self.sync_id, self.tally)
        reading = read_pages(self.client, filters, self.created_from, None, may_split=self.kind != "view")
        n_passes = 0
        is_unclear = False
        started_at: datetime | None = None
        try:
            while True:
                page = next(reading)
                n_passes += page.number == 1
                started_at = started_at or page.portal_at or self.now()
                is_unclear |= any(row.lead_id is None for row in page.rejected)
                batch.add(page.leads, page.rejected, page.portal_at or self.now())
                self.n_expected = max(page.total, self.tally.n_received)
                self.n_calls_left = max(0, -(-page.total // MAX_PER_PAGE) - page.number + 1)
                self.report(f"reading again, pass {n_passes}" if n_passes > 1 else "reading leads")
        except StopIteration as end:
            verdict: Verdict = end.value
        finally:
            batch.commit()
        self.created_to = verdict.began_at or started_at or self.started_at
        self.n_uncertain += not verdict.is_certain
        if verdict.n_mismatched:
            self.notes.append(
                f"{formats.count_of(verdict.n_mismatched, 'row')} did not fit what was asked for and stayed out: the "
                "portal does not apply all of these filters."
            )
        if not verdict.is_certain:
            self.notes.append(
                f"Leads moved between the pages in {n_passes} passes out of {n_passes}: all that was seen is stored, "
                "but one may have slipped through. The next sync reads the stretch again."
            )
        if self.kind != "view" and self.created_from is not None:
            if is_unclear:
                self.unclear.append((self.created_from, self.created_to))
            self.store.write_slice(
                SliceRow(
                    self.sync_id,
                    self.created_from,
                    self.created_to,
                    verdict.total,
                    verdict.n_distinct,
                    verdict.is_certain,
                    self.created_to,
                )
            )

    def _is_all_counted(self, created_from: datetime) -> bool:
        """Whether counting has settled everything, where the portal can only be asked for all up to now."""
        if not self.may_count:
            return False
        portal_now = self.client.page(per_page=1).portal_at or self.now()
        for one in self._count(created_from, portal_now, is_bounded=False):
            self.created_from, self.created_to = one.created_from, one.created_to
            return True
        return False

    # After reading

    def settle(self) -> None:
        """Looks for leads that should have come and did not."""
        if self.kind == "view" or self.tally.first_observed_at is None:
            return
        self.absences = self.store.settle_absences(
            self.sync_id,
            began_at=self.tally.first_observed_at,
            rejected_ids=self.tally.rejected_ids,
            unclear=self.unclear,
            is_too_many=too_many_missing(self.store, self.started_at),
        )
        if self.absences.n_withheld:
            self.notes.append(
                f"{formats.count_of(self.absences.n_withheld, 'lead')} were missing from the portal's answers, too "
                "many to be believed: none was marked as gone."
            )

    def reconcile(self) -> None:
        """Compares the portal's own count of the window with ours, after the window was read.

        Leads that were missed and wait to be missed again are not counted: they are known to be gone.
        """
        if self.kind != "cold" or self.created_from is None:
            return
        self.report("comparing totals")
        # The window has moved on while it was read, so its oldest minutes may not be asked for any more.
        for step in (timedelta(0), *WINDOW_STEPS):
            start = self.created_from + step
            try:
                self.portal_total = self.client.total(created_from=start)
                break
            except BadRequestError:
                continue
            except PortalError as error:
                # The leads are stored; a comparison that could not be made is no reason to call the sync failed.
                self.notes.append(f"The totals could not be compared: {error.title.lower()}.")
                return
        else:
            return
        held = self.store.query(
            "select count(*) as n from leads anti join absences using (lead_id) "
            "where created_at >= $start and deleted_at_source is null",
            {"start": start},
        )["n"].iloc[0]
        self.store_total = int(held) + len(self.tally.rejected) + self.tally.written.n_suppressed

    def audit(self) -> None:
        """Once a week, after a certain sweep of the window in slices, tries whether slices still hold all there is."""
        if self.kind != "cold" or self.created_from is None or self.n_uncertain or not self.reads_slices:
            return
        if self.store.recall("bounds_created_to") != "yes" or not is_due(self.store, self.started_at):
            return
        self.report("auditing a day")
        try:
            found = audit(self.client, self.store, self.created_from, self.created_to or self.started_at)
        except PortalError as error:
            self.notes.append(f"The weekly audit could not be made: {error.title.lower()}.")
            return
        if found is not None:
            self.store.write_leads(found.missed, observed_at=self.created_to or self.started_at)
            set_audit_alarm(self.store, found.day, len(found.missed))


def _near_an_edge(slice_: Slice) -> Callable[[Lead], bool]:
    """Whether a lead of a slice is so near its edge that a neighbour may bring it too."""
    low, high = slice_.created_from + 2 * PAD, slice_.created_to - 2 * PAD
    return lambda lead: not low <= lead.created_at < high
