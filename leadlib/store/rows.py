"""Rows that a sync writes about itself."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class SyncRow:
    """What a finished sync leaves in `syncs`. Times are UTC; `outcome` is complete, uncertain or failed.

    `kind` is hot, warm, cold, since or view. All that came is accounted for: n_read == n_new + n_changed + n_unchanged,
    and beside them stand n_rejected rows that are no leads and n_suppressed ones of persons who were erased. n_counted
    leads were not read but found as they were by counting. n_deleted were marked as gone from the portal; n_withheld
    were missing in such numbers that none was marked.

    After a sweep of the whole window, `portal_total` is the portal's own count of it at the end, `store_total` what the
    store holds of the same stretch, rows that are no leads included; else both are None.
    """

    sync_id: str
    kind: str
    outcome: str
    dialect: str
    started_at: datetime
    finished_at: datetime
    created_from: datetime | None
    created_to: datetime | None
    n_read: int
    n_new: int
    n_changed: int
    n_unchanged: int
    n_rejected: int
    n_uncertain: int
    n_calls: int
    n_retries: int
    seconds: float
    message: str | None
    portal_total: int | None = None
    store_total: int | None = None
    n_counted: int = 0
    n_suppressed: int = 0
    n_deleted: int = 0
    n_withheld: int = 0

    @property
    def reconcile_delta(self) -> int | None:
        """How many more the store holds than the portal counts; 0 is as it should be. None if it was not compared."""
        if self.portal_total is None or self.store_total is None:
            return None
        return self.store_total - self.portal_total


@dataclass(frozen=True)
class SliceRow:
    """A line of the ledger `slices`: a stretch of createdAt, half-open [created_from, created_to), read to its end.

    In the order of the table's columns. `total` is the portal's count, `n_distinct` ours. `how` is "read", or "counted"
    where counts alone showed that the store has it.
    """

    sync_id: str
    created_from: datetime
    created_to: datetime
    total: int
    n_distinct: int
    is_certain: bool
    observed_at: datetime
    how: str = "read"
