"""From the portal into the store: what to read, how it is written down, and what came of it.

Where the portal obeys createdAtTo, time is read in slices of one response each; where it does not, in passes over its
pages that need a certificate (`leadlib.reading` has both, and why). What was seen is kept in any case. What cannot be
certified is recorded, and shown, as uncertain.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from leadlib import formats
from leadlib.api import Client
from leadlib.errors import BadRequestError, LeadlibError, PortalError
from leadlib.filters import Filters, start_of_day
from leadlib.reading import BoundsIgnoredError, Slice, Verdict, cuts_blind, one_pass, read_slices
from leadlib.records import AgentName, Lead, ListingName, ProjectName, RejectedRow
from leadlib.store import SliceRow, Store, SyncRow, UpsertCount

log = logging.getLogger(__name__)

_Name = TypeVar("_Name", AgentName, ListingName, ProjectName)

MAX_PASSES = 3
"""How often a stretch is read before it is called uncertain."""

RECENT = timedelta(hours=48)
"""What an incremental sync reads again: the portal can show a lead hours after its createdAt."""

FULL_EVERY = timedelta(hours=6)
"""How old the last pass over the whole window may be before the window is read again for status changes."""

WINDOW_STEPS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
"""How far the start is moved when the portal's window moves on past it during a pass, step by step."""

AHEAD = timedelta(minutes=5)
"""How far past the portal's clock the newest slice reaches: its clocks may disagree among themselves."""

KNOWN_PER_SLICE = 40
"""Known leads per slice when a stretch is read again: a page less room for what came since."""

_ROWS_PER_COMMIT = 2_000


@dataclass(frozen=True)
class Progress:
    """Where a running sync is. `n_expected` is None until the portal has said how many there are."""

    phase: str
    n_read: int = 0
    n_expected: int | None = None
    n_calls: int = 0
    n_retries: int = 0
    seconds: float = 0.0


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
    """One sync, to its end, and what it did: the whole window at first, then the last two days, the window six-hourly.

    `full` reads the whole window whatever is due, `since` (a day in the account's zone) from there on. `filters` fetch
    one view, from `since` on if that is given: its rows are stored, but they count as coverage of nothing. `now` tells
    the local clock's UTC instant. Raises PortalError or StoreError; what was committed before stays, and the failure is
    on record in `syncs`. Raises ValueError for `full` beside `since` or `filters`.
    """
    if full and not (since is None and filters is None):
        raise ValueError("A full sync reads everything: it takes no first day and no filters.")
    run = _Run(client, store, on_progress, now)
    if filters is not None:
        run.kind = "view"
    elif since is not None:
        run.kind = "since"
    elif full or _is_full_due(store, run.started_at):
        run.kind = "full"
    else:
        run.kind = "recent"
    run.open()
    try:
        run.find_dialect()
        if since is not None:
            run.created_from = start_of_day(since, store.timezone)
        elif run.kind == "recent":
            run.created_from = run.portal_now() - RECENT
        elif run.kind == "full":
            run.report("asking how far back the portal goes")
            run.created_from = client.oldest_accepted(run.portal_now())
        run.read(filters or Filters())
        run.reconcile()
        run.fetch_names()
    except BaseException as error:
        # Ctrl-C included: a sync without an end on record would look as if it were still running.
        run.close("failed", str(error) if isinstance(error, LeadlibError) else type(error).__name__)
        raise
    return run.close("uncertain" if run.n_uncertain or run.rejected else "complete", " ".join(run.notes) or None)


def sentence(row: SyncRow) -> str:
    """What a sync did, for a person, on one line."""
    if row.outcome == "failed":
        return f"Failed after {row.n_read:,} leads: {row.message}"
    if row.n_new == row.n_changed == 0:
        what = f"Nothing has changed: {row.n_read:,} leads read, all as they were"
    else:
        what = f"{row.n_read:,} leads read: {row.n_new:,} new, {row.n_changed:,} changed"
    rejected = f", {row.n_rejected:,} rows that are no leads" if row.n_rejected else ""
    doubt = ", not certain to be complete" if row.n_uncertain else ""
    return f"{what}{rejected}{doubt} ({row.n_calls:,} calls, {row.seconds:.1f} s)."


def to_json(row: SyncRow) -> str:
    """The same as one JSON object: counts without their n_, times in RFC 3339, `coverage_from` and `coverage_to`."""

    def plain(value: object) -> object:
        return value.isoformat() if isinstance(value, datetime) else value

    renamed = {"created_from": "coverage_from", "created_to": "coverage_to", "n_uncertain": "uncertain_slices"}
    facts = {renamed.get(name, name.removeprefix("n_")): plain(value) for name, value in vars(row).items()}
    return json.dumps({**facts, "reconcile_delta": row.reconcile_delta})


def _is_full_due(store: Store, now: datetime) -> bool:
    """True if no certain reading of the whole window is recent. One in the future is none: a clock was set back."""
    recent = store.query(
        "select 1 as found from syncs where kind = 'full' and outcome in ('complete', 'uncertain') and n_uncertain = 0 "
        "and started_at between $earliest and $now limit 1",
        {"earliest": now - FULL_EVERY, "now": now},
    )
    return recent.empty


@dataclass
class _Run:
    """A sync under way: what it has counted so far, and how it reports that."""

    client: Client
    store: Store
    on_progress: Callable[[Progress], None]
    now: Callable[[], datetime]
    kind: str = "full"
    sync_id: str = ""
    dialect: str = ""
    created_from: datetime | None = None
    created_to: datetime | None = None
    n_expected: int | None = None
    seen: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    written: UpsertCount = field(default_factory=UpsertCount)
    n_uncertain: int = 0
    n_mismatched: int = 0
    reads_slices: bool = True
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

    def portal_now(self) -> datetime:
        """The portal's clock, by which leads are dated; ours, which may be wrong, where it does not tell."""
        return self.client.page(per_page=1).portal_at or self.started_at

    def close(self, outcome: str, message: str | None) -> SyncRow:
        """Puts the end on record, and gives it back."""
        n_read = len(self.seen)
        row = SyncRow(
            sync_id=self.sync_id,
            kind=self.kind,
            outcome=outcome,
            dialect=self.dialect,
            started_at=self.started_at,
            finished_at=self.now(),
            created_from=self.created_from,
            created_to=self.created_to,
            n_read=n_read,
            n_new=self.written.n_new,
            n_changed=self.written.n_changed,
            n_unchanged=max(0, n_read - self.written.n_new - self.written.n_changed),
            n_rejected=len(self.rejected),
            n_uncertain=self.n_uncertain,
            n_calls=self.client.stats.calls - self._calls_before,
            n_retries=self.client.stats.retries - self._retries_before,
            seconds=time.monotonic() - self._monotonic,
            message=message,
            portal_total=self.portal_total,
            store_total=self.store_total,
        )
        self.store.finish_sync(row)
        log.info("sync %s %s: %s", self.kind, outcome, sentence(row) if outcome != "failed" else "failed")
        return row

    def report(self, phase: str) -> None:
        self.on_progress(
            Progress(
                phase,
                n_read=len(self.seen),
                n_expected=self.n_expected,
                n_calls=self.client.stats.calls - self._calls_before,
                n_retries=self.client.stats.retries - self._retries_before,
                seconds=time.monotonic() - self._monotonic,
            )
        )

    def read(self, filters: Filters) -> None:
        """Reads everything from `created_from` on, in the way that this portal allows."""
        steps = iter(WINDOW_STEPS)
        while True:
            try:
                if self.created_from is None or filters.selected or not self._can_be_sliced():
                    self._read_passes(filters)
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
                if self.kind != "full" or self.created_from is None or step is None:
                    raise
                self.created_from += step

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
        self.n_expected = page.total
        self.created_to = portal_now
        cuts = self._cuts(created_from, portal_now, page.total)
        batch = _Batch(self)
        try:
            for slice_ in read_slices(self.client, created_from, portal_now + AHEAD, cuts, portal_now):
                batch.add(slice_.leads, slice_.rejected, slice_.observed_at, self._ledger(slice_))
                self.n_uncertain += not slice_.is_certain
                self.report("reading leads")
        finally:
            batch.commit()
        if self.n_uncertain:
            self.notes.append(
                f"{formats.count_of(self.n_uncertain, 'stretch', 'stretches')} contradicted the portal's own count. "
                "All that came is stored, but a lead may have slipped through. The next sync reads them again."
            )

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

    def _cuts(self, created_from: datetime, created_to: datetime, total: int) -> list[datetime]:
        """Where to cut: along the leads we know, or evenly where they are too few to tell."""
        known = self.store.query(
            "select created_at from leads where created_at between $low and $high "
            "qualify row_number() over (order by created_at) % $per_slice = 0",
            {"low": created_from, "high": created_to, "per_slice": KNOWN_PER_SLICE},
        )["created_at"]
        if len(known) * KNOWN_PER_SLICE < total / 2:
            return cuts_blind(created_from, created_to, total)
        return [instant.to_pydatetime() for instant in known]

    def _read_passes(self, filters: Filters) -> None:
        for n_pass in range(MAX_PASSES):
            if self._pass(filters, f"reading again, pass {n_pass + 1}" if n_pass else "reading leads"):
                break
        else:
            self.n_uncertain = 1
        if self.n_mismatched:
            self.notes.append(
                f"{formats.count_of(self.n_mismatched, 'row')} did not fit what was asked for and stayed out: the "
                "portal does not apply all of these filters."
            )
        if not self.n_uncertain:
            return
        self.notes.append(
            f"Leads moved between the pages in {MAX_PASSES} passes out of {MAX_PASSES}: all that was seen is stored, "
            "but one may have slipped through. The next sync reads the stretch again."
        )

    def _pass(self, filters: Filters, phase: str) -> bool:
        batch = _Batch(self)
        pass_ = one_pass(self.client, filters, self.created_from, None)
        started_at: datetime | None = None
        self.n_mismatched = 0
        try:
            while True:
                page = next(pass_)
                self.n_mismatched += page.mismatched
                started_at = started_at or page.portal_at or self.now()
                batch.add(page.leads, page.rejected, page.portal_at or self.now())
                self.n_expected = max(page.total, len(self.seen))
                self.report(phase)
        except StopIteration as end:
            verdict: Verdict = end.value
        finally:
            batch.commit()
        self.created_to = started_at or self.started_at
        if self.kind != "view" and self.created_from is not None:
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
        return verdict.is_certain

    def reconcile(self) -> None:
        """Compares the portal's own count of the window with ours, after the window was read."""
        if self.kind != "full" or self.created_from is None:
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
            "select count(*) as n from leads where created_at >= $start and deleted_at_source is null", {"start": start}
        )["n"].iloc[0]
        self.store_total = int(held) + len(self.rejected)

    def fetch_names(self) -> None:
        """Looks up agents, listings and projects that leads carry and the store cannot name yet.

        An id that the portal does not know gets a row without a name, so it is asked for once; a key that may not
        look names up costs one call a sync, and a note. A lookup that fails costs its names, never the sync.
        """
        agent_ids, listing_ids, project_ids = self.store.ids_without_names()
        if agent_ids or listing_ids:
            self.report("looking up names")
        agents = self._found("agents", self._agents(agent_ids))
        listings = self._found("listings", self._listings(listing_ids))
        projects = self._found("projects", self._projects(project_ids))
        self.store.write_names(agents, listings, projects)
        for scope in sorted(self.client.unavailable):
            self.notes.append(f"Names are missing: the key lacks {scope}.")

    def _found(self, what: str, names: Iterable[_Name]) -> list[_Name]:
        found: list[_Name] = []
        try:
            for name in names:
                found.append(name)
        except PortalError as error:
            log.warning("the names of %s could not be looked up: %s", what, type(error).__name__)
            self.notes.append(f"The names of some {what} could not be looked up; the next sync tries again. {error}")
        return found

    def _agents(self, ids: list[int]) -> Iterator[AgentName]:
        if not ids:
            return
        known = set()
        for agent in self.client.iter_agents():
            known.add(agent.agent_id)
            yield agent
        if "users:read" not in self.client.unavailable:
            yield from (AgentName(agent_id, f"#{agent_id}", None) for agent_id in ids if agent_id not in known)

    def _listings(self, ids: list[str]) -> Iterator[ListingName]:
        found = self.client.listings(ids) if ids else []
        yield from found
        if "listings:read" not in self.client.unavailable:
            known = {listing.listing_id for listing in found}
            yield from (ListingName(x, None, None, None, None, None) for x in ids if x not in known)

    def _projects(self, ids: list[str]) -> Iterator[ProjectName]:
        for project_id in ids:
            self.report("looking up names")
            project = self.client.project(project_id)
            if "projects:read" in self.client.unavailable:
                return
            yield project or ProjectName(project_id, None, None, None)


class _Batch:
    """Rows collected for few, large transactions: a history is exact only if rows of different seconds stay apart."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._leads: dict[datetime, list[Lead]] = {}
        self._slices: dict[datetime, list[SliceRow]] = {}
        self._n_rows = 0

    def add(
        self,
        leads: Sequence[Lead],
        rejected: Sequence[RejectedRow],
        observed_at: datetime,
        slice_row: SliceRow | None = None,
    ) -> None:
        """Takes the rows of one answer, and the line of the ledger that goes with them."""
        self._run.store.write_rejected(rejected, sync_id=self._run.sync_id, observed_at=observed_at)
        self._run.rejected.update(row.sha256 for row in rejected)
        self._run.seen.update(lead.lead_id for lead in leads)
        self._leads.setdefault(observed_at, []).extend(leads)
        if slice_row is not None:
            self._slices.setdefault(observed_at, []).append(slice_row)
        self._n_rows += len(leads)
        if self._n_rows >= _ROWS_PER_COMMIT:
            self.commit()

    def commit(self) -> None:
        """Writes what was collected, oldest second first; each second is one transaction, ledger included."""
        self._n_rows = 0
        for observed_at in sorted(self._leads):
            # Taken out first: a commit that fails is tried no second time, and one that succeeded is not repeated.
            leads, slice_rows = self._leads.pop(observed_at), self._slices.pop(observed_at, [])
            self._run.written += self._run.store.write_leads(leads, observed_at=observed_at, slice_rows=slice_rows)
