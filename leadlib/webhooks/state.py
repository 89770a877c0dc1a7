"""How the webhooks fare, for Data health."""

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from leadlib.store import Store
from leadlib.webhooks.applying import SYNC_ID
from leadlib.webhooks.spool import Spool


@dataclass(frozen=True)
class WebhookState:
    """Events so far: applied to leads, rejected as no lead events, still waiting in the spool.

    Repeats of a delivery count once, and what is older than about three months is forgotten. `last_at` is when the
    newest one that was applied came, by our clock in UTC; None if none ever did.
    """

    n_applied: int
    n_rejected: int
    n_waiting: int
    last_at: datetime | None

    @property
    def n_received(self) -> int:
        return self.n_applied + self.n_rejected + self.n_waiting


def webhook_state(store: Store, spool: Spool) -> WebhookState:
    """What the store and the spool say at the moment. Raises StoreError."""
    seen = store.query(
        "select count(*) as n_applied, max(received_at) as last_at, "
        "(select count(*) from rejected_leads where sync_id = $sync_id) as n_rejected "
        "from lead_sights where sha256 is not null",
        {"sync_id": SYNC_ID},
    ).iloc[0]
    last_at = None if pd.isna(seen["last_at"]) else seen["last_at"].to_pydatetime()
    return WebhookState(int(seen["n_applied"]), int(seen["n_rejected"]), len(spool.waiting()), last_at)
