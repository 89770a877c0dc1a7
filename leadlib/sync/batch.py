"""Rows on their way into the store, and what became of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from leadlib.records import Lead, RejectedRow
from leadlib.store import SliceRow, Store, UpsertCount

_ROWS_PER_COMMIT = 10_000


@dataclass
class Tally:
    """What came in a sync, and what became of it.

    Each lead counts once, as it was when it first came: n_received == n_new + n_changed + n_unchanged + n_suppressed
    once all is committed. Rows that are no leads stand beside them: `rejected` are their hashes, `rejected_ids` the ids
    of those that have one, n_news how many had never come before. `seen` are the leads that may come again, with a hash
    of the text in which they came last, and `first_observed_at` is the portal's earliest clock.
    """

    n_received: int = 0
    written: UpsertCount = field(default_factory=UpsertCount)
    rejected: set[str] = field(default_factory=set)
    rejected_ids: set[str] = field(default_factory=set)
    n_news: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    first_observed_at: datetime | None = None

    @property
    def n_read(self) -> int:
        """Leads that are in the store now."""
        return self.written.n_new + self.written.n_changed + self.written.n_unchanged


class Batch:
    """Rows collected for few, large transactions: a history is exact only if rows of different seconds stay apart."""

    def __init__(self, store: Store, sync_id: str, tally: Tally) -> None:
        self._store = store
        self._sync_id = sync_id
        self._tally = tally
        self._fresh: dict[datetime, list[Lead]] = {}
        self._again: dict[datetime, list[Lead]] = {}
        self._slices: dict[datetime, list[SliceRow]] = {}
        self._n_rows = 0

    def add(
        self,
        leads: Sequence[Lead],
        rejected: Sequence[RejectedRow],
        observed_at: datetime,
        slice_row: SliceRow | None = None,
        may_come_again: Callable[[Lead], bool] = lambda lead: True,
    ) -> None:
        """Takes the rows of one answer, and the line of the ledger that goes with them.

        To remember all leads of a large account would cost memory: only those that `may_come_again` are.
        """
        tally = self._tally
        tally.first_observed_at = min(tally.first_observed_at or observed_at, observed_at)
        if rejected:
            tally.n_news += self._store.write_rejected(rejected, sync_id=self._sync_id, observed_at=observed_at)
            tally.rejected.update(row.sha256 for row in rejected)
            tally.rejected_ids.update(row.lead_id for row in rejected if row.lead_id)
        once = {lead.lead_id: lead for lead in leads}
        fresh = [lead for lead in once.values() if lead.lead_id not in tally.seen]
        tally.n_received += len(fresh)
        self._fresh.setdefault(observed_at, []).extend(fresh)
        if len(fresh) < len(once):
            # Most come again as they were, from over the edge of the next slice: nothing new to write.
            again = [
                lead
                for lead in once.values()
                if lead.lead_id in tally.seen and tally.seen[lead.lead_id] != hash(lead.raw)
            ]
            self._again.setdefault(observed_at, []).extend(again)
            tally.seen.update((lead.lead_id, hash(lead.raw)) for lead in again)
        tally.seen.update((lead.lead_id, hash(lead.raw)) for lead in fresh if may_come_again(lead))
        if slice_row is not None:
            self._slices.setdefault(observed_at, []).append(slice_row)
        self._n_rows += len(leads)
        if self._n_rows >= _ROWS_PER_COMMIT:
            self.commit()

    def commit(self) -> None:
        """Writes what was collected, oldest second first; the ledger goes with the last rows of its second."""
        self._n_rows = 0
        for observed_at in sorted(self._fresh):
            # Taken out first: a commit that fails is tried no second time, and one that succeeded is not repeated.
            fresh, again = self._fresh.pop(observed_at), self._again.pop(observed_at, [])
            slice_rows = self._slices.pop(observed_at, [])
            self._tally.written += self._store.write_leads(
                fresh, observed_at=observed_at, slice_rows=() if again else slice_rows
            )
            if again:
                self._store.write_leads(again, observed_at=observed_at, slice_rows=slice_rows)
