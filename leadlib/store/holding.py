"""What the store holds of persons, counted or in full: from two files that no query sees together."""

import json
from dataclasses import dataclass
from datetime import datetime

from leadlib.store.files import File
from leadlib.store.suppression import Person

_BY_LEAD = ("leads", "status_observations", "assignment_observations", "lead_sights", "absences", "rejected_leads")
_BY_LEAD_PERSONAL = ("lead_contacts", "lead_payloads")
_WORDS = ("notebooks", "saved_views", "day_notes")


@dataclass(frozen=True)
class Held:
    """Leads whose sender is held: how many, of how many senders, and how many are older than a moment.

    `oldest_at` is when the oldest of them was created, UTC; None if there is none.
    """

    n_leads: int
    n_senders: int
    n_older: int
    oldest_at: datetime | None


def held(personal: File, analytics: File, before: datetime) -> Held:
    """What is held of persons; older are leads created before `before`, UTC."""
    named = "coalesce(sender_name, sender_phone, sender_email, sender_whatsapp_username) is not null"
    lead_ids = personal.fetch(f"select distinct lead_id from lead_contacts where {named}")
    cursor = analytics.cursor()
    cursor.register("held_lead_ids", lead_ids)
    found = cursor.sql(
        "select count(*) as n_leads, count(distinct sender_key) as n_senders, "
        "count(*) filter (created_at < $before) as n_older, min(created_at) as oldest_at "
        "from leads semi join held_lead_ids using (lead_id)",
        params={"before": before},
    ).to_arrow_table()
    cursor.close()
    return Held(**found.to_pylist()[0])


def all_of(personal: File, analytics: File, person: Person, lead_ids: set[str]) -> dict[str, list[dict[str, object]]]:
    """Every row that is about a person, table by table, without empty tables: `lead_ids` are their leads'.

    The link for responding is blank in it, and in the rows as received: whoever opened it would change how fast the
    agent seems to have answered. Personal.
    """
    bound = {"ids": sorted(lead_ids)}
    told: dict[str, list[dict[str, object]]] = {}
    for file, tables in ((analytics, _BY_LEAD), (personal, _BY_LEAD_PERSONAL)):
        for table in tables:
            rows = file.fetch(f"select * from {table} where lead_id in (select unnest($ids))", bound).to_pylist()
            told[table] = [_without_link(row) for row in rows]
    for table in _WORDS:
        rows = personal.fetch(f"select * from {table}").to_pylist()
        told[table] = [row for row in rows if person.is_in(" ".join(map(str, row.values())))]
    return {table: rows for table, rows in told.items() if rows}


def _without_link(row: dict[str, object]) -> dict[str, object]:
    row = {name: value for name, value in row.items() if name not in {"response_link", "raw_md5"}}
    if "raw" in row:
        received = json.loads(str(row["raw"])) if _is_json(str(row["raw"])) else row["raw"]
        if isinstance(received, dict):
            received.pop("responseLink", None)
        row["raw"] = received
    return row


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
