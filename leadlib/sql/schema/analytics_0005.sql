-- Webhooks: what they said of leads, nothing personal in it.

-- The portal's time of the newest full row of a lead. Null while webhooks alone know it: then created_at is the time of
-- its first event, until a row says better.
alter table leads add column row_seen_at timestamptz;
update leads set row_seen_at = observed_at;

-- one row per event applied, and one per full row of a lead of which there are events (kind 'row'): enough to put a
-- lead and its history together in the same way whatever the order in which they came
create table lead_sights (
    lead_id varchar not null,
    seen_at timestamptz not null,
    kind varchar not null,
    channel varchar,
    status varchar,
    entity_type varchar,
    agent_id bigint,
    listing_id varchar,
    listing_reference varchar,
    project_id varchar,
    developer_id varchar,
    -- which of the sender's details the event carried; never the details
    carried varchar[] not null,
    -- of the body of the event, by which a repeated delivery is known; null for a full row
    sha256 varchar,
    received_at timestamptz not null,
    -- when the portal was asked for the whole lead, after the event
    asked_at timestamptz
);
