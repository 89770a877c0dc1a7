"""What a SQL cell can see: its relations, their columns and what they mean. What is not in this table is not there."""

from collections.abc import Mapping
from typing import NamedTuple

FILTERED = "filtered_leads"


class SchemaColumn(NamedTuple):
    """One column that a cell can ask for; `type` is the database's word, `meaning` the glossary's."""

    relation: str
    column: str
    type: str
    meaning: str


RELATIONS: Mapping[str, str] = {
    "leads": "One row per lead that the portal has reported.",
    FILTERED: "The leads under the notebook's filters, with the columns of leads.",
    "status_observations": "One row per stage that a lead was seen to enter.",
    "assignment_observations": "One row per agent that a lead was seen with.",
    "agents": "Names of agents.",
    "listings": "Names of listings.",
    "projects": "Names of projects.",
    "syncs": "One row per sync, with what it read.",
    "slices": "The ledger: one row per stretch of arrival times that a sync read to its end.",
}
"""The relations, and what a row of each is."""

HIDDEN = {("syncs", "message"), ("leads", "sender_no"), ("filtered_leads", "sender_no")}
"""Columns of these relations that stay out: words that a program wrote for whoever looks after the machine, and numbers
that say nothing that sender_key does not."""

_LEADS = (
    ("lead_id", "varchar", "The portal's id of the lead."),
    ("created_at", "timestamptz", "When the lead arrived at the portal, in UTC."),
    ("created_local", "timestamp", "The same moment on the clock of the account's zone: use it for days and hours."),
    ("channel", "varchar", "How the person got in touch: call, chat, email or whatsapp."),
    ("status", "varchar", "How far the lead has come, in the portal's own word, as last seen."),
    ("stage", "varchar", "The same in words for both dialects: sent, delivered, opened, responded, archived."),
    ("reached_stage", "varchar", "The highest rung of the ladder ever witnessed; null if first seen archived."),
    ("entity_type", "varchar", "What the lead is about: a listing, a project, a developer or an agent's profile."),
    ("agent_id", "bigint", "Public profile id of the assigned agent; null if unassigned."),
    ("listing_id", "varchar", "The portal's id of the listing."),
    ("listing_reference", "varchar", "The listing's reference, as your listings carry it."),
    ("project_id", "varchar", "The portal's id of the project."),
    ("developer_id", "varchar", "The portal's id of the developer."),
    ("distribution_type", "varchar", "How the portal gave the lead out, in its own word."),
    ("call_talk_time_s", "bigint", "Seconds talked, for calls."),
    ("call_wait_time_s", "bigint", "Seconds waited before the call was taken or lost."),
    ("tags", "varchar[]", "The lead's tags."),
    ("sender_key", "varchar", "Equal for equal senders, and tells nothing else about them; null where none is known."),
    ("replied_after", "timestamptz", "The first response came after this: a look without it, or the lead's arrival."),
    ("replied_by", "timestamptz", "The first response had come by then; null while none was seen."),
    ("first_seen_at", "timestamptz", "When the lead was first seen."),
    ("last_seen_at", "timestamptz", "When the lead was last seen."),
    ("observed_at", "timestamptz", "Of which moment the stored row speaks."),
    ("row_seen_at", "timestamptz", "When the newest full row came; null while only events have told of the lead."),
    ("source", "varchar", "What the newest observation came from: rest (a sync) or webhook."),
    ("deleted_at_source", "timestamptz", "When the lead was found to be gone; null if the portal still has it."),
)

SCHEMA: tuple[SchemaColumn, ...] = (
    *(SchemaColumn(relation, *column) for relation in ("leads", FILTERED) for column in _LEADS),
    *(
        SchemaColumn(relation, *column)
        for relation, columns in {
            "status_observations": (
                ("lead_id", "varchar", "The portal's id of the lead."),
                ("status", "varchar", "The status in the portal's own word."),
                ("stage", "varchar", "The same in words for both dialects."),
                ("not_before", "timestamptz", "The status was first true after this instant."),
                ("not_after", "timestamptz", "The status was first true at this instant or before."),
                ("source", "varchar", "What it was seen through: rest (a sync) or webhook."),
            ),
            "assignment_observations": (
                ("lead_id", "varchar", "The portal's id of the lead."),
                ("agent_id", "bigint", "Public profile id of the agent; null for nobody."),
                ("not_before", "timestamptz", "The lead was first theirs after this instant."),
                ("not_after", "timestamptz", "The lead was first theirs at this instant or before."),
                ("source", "varchar", "What it was seen through: rest (a sync) or webhook."),
            ),
            "agents": (
                ("agent_id", "bigint", "Public profile id, as in leads."),
                ("name", "varchar", "The agent's name."),
                ("is_active", "boolean", "Whether the portal calls the agent active; null if it does not say."),
                ("seen_at", "timestamptz", "When the name was seen."),
            ),
            "listings": (
                ("listing_id", "varchar", "The portal's id, as in leads."),
                ("reference", "varchar", "The reference, as your listings carry it."),
                ("title", "varchar", "The listing's title."),
                ("property_type", "varchar", "Apartment, villa and the like, in the portal's word."),
                ("category", "varchar", "Residential or commercial, in the portal's word."),
                ("offering", "varchar", "Sale or rent, in the portal's word."),
                ("seen_at", "timestamptz", "When the listing was seen."),
            ),
            "projects": (
                ("project_id", "varchar", "The portal's id, as in leads."),
                ("title", "varchar", "The project's title."),
                ("developer_id", "varchar", "The portal's id of the developer."),
                ("developer_name", "varchar", "The developer's name."),
                ("seen_at", "timestamptz", "When the project was seen."),
            ),
            "syncs": (
                ("sync_id", "varchar", "The id of the sync, as in slices."),
                ("started_at", "timestamptz", "When it began."),
                ("finished_at", "timestamptz", "When it ended; null while it runs, or if it broke off."),
                ("kind", "varchar", "Its band (hot, warm, cold), or another reason for reading."),
                ("outcome", "varchar", "How it ended."),
                ("dialect", "varchar", "The words of the API that it spoke: filter or flat."),
                ("created_from", "timestamptz", "Where the stretch of created_at that it read begins."),
                ("created_to", "timestamptz", "Where that stretch ends."),
                ("n_read", "bigint", "Rows read."),
                ("n_new", "bigint", "Leads that were not known before."),
                ("n_changed", "bigint", "Leads that had changed."),
                ("n_unchanged", "bigint", "Leads that were as they are stored."),
                ("n_rejected", "bigint", "Rows that can be no lead."),
                ("n_uncertain", "bigint", "Slices that were not read with certainty."),
                ("n_calls", "bigint", "Calls to the portal."),
                ("n_retries", "bigint", "Calls that were repeated."),
                ("n_counted", "bigint", "Leads found to be as stored by the portal's totals, without being read."),
                ("n_suppressed", "bigint", "Leads of erased persons, stored without a sender."),
                ("n_deleted", "bigint", "Leads that were marked as gone."),
                ("n_withheld", "bigint", "Leads missing in such numbers that none was marked as gone."),
                ("portal_total", "bigint", "The portal's own count of the whole window; null if less was read."),
                ("store_total", "bigint", "What the store holds of the same stretch; null if less was read."),
                ("seconds", "double", "How long it took."),
            ),
            "slices": (
                ("sync_id", "varchar", "The sync that read it."),
                ("created_from", "timestamptz", "Where the stretch of created_at begins."),
                ("created_to", "timestamptz", "Where it ends."),
                ("total", "bigint", "The portal's own count of it."),
                ("n_distinct", "bigint", "Different leads that were read in it."),
                ("is_certain", "boolean", "Whether it was read, or counted, with certainty."),
                ("how", "varchar", "read (row by row) or counted."),
                ("observed_at", "timestamptz", "When it was verified."),
            ),
        }.items()
        for column in columns
    ),
)


def schema() -> list[SchemaColumn]:
    """Every column that a cell can see, relation by relation: (relation, column, type, meaning)."""
    return list(SCHEMA)
