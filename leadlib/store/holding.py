"""How many persons the store holds, and since when: two files that no query sees together."""

from dataclasses import dataclass
from datetime import datetime

from leadlib.store.files import File


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
