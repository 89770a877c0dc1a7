"""What a sync did, for people and for programs."""

import json
from datetime import datetime

from leadlib.store import SyncRow


def sentence(row: SyncRow) -> str:
    """What a sync did, for a person, on one line."""
    if row.outcome == "failed":
        return f"Failed after {row.n_read:,} leads: {row.message}"
    seen = f"{row.n_read:,} leads read"
    if row.n_counted:
        seen += f" and {row.n_counted:,} counted"
    if row.n_new == row.n_changed == row.n_deleted == 0:
        what = f"Nothing has changed: {seen}, all as they were"
    else:
        what = f"{seen}: {row.n_new:,} new, {row.n_changed:,} changed"
    deleted = f", {row.n_deleted:,} gone from the portal" if row.n_deleted else ""
    rejected = f", {row.n_rejected:,} rows that are no leads" if row.n_rejected else ""
    doubt = ", not certain to be complete" if row.n_uncertain else ""
    return f"{what}{deleted}{rejected}{doubt} ({row.n_calls:,} calls, {row.seconds:.1f} s)."


def to_json(row: SyncRow) -> str:
    """The same as one JSON object: counts without their n_, times in RFC 3339, `coverage_from` and `coverage_to`."""

    def plain(value: object) -> object:
        return value.isoformat() if isinstance(value, datetime) else value

    renamed = {"created_from": "coverage_from", "created_to": "coverage_to"}
    facts = {renamed.get(name, name.removeprefix("n_")): plain(value) for name, value in vars(row).items()}
    return json.dumps({**facts, "reconcile_delta": row.reconcile_delta})
