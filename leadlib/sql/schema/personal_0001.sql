-- The personal file: who the senders are. No query over the analytics file can reach it.

-- one row per lead
create table lead_contacts (
    lead_id varchar not null,
    sender_name varchar,
    sender_phone varchar,
    sender_email varchar,
    sender_whatsapp_username varchar,
    response_link varchar,
    call_record_url varchar,
    enrichment varchar
);

-- one row per lead, and one per rejected row (under its hash): the JSON text as received
create table lead_payloads (lead_id varchar not null, raw varchar not null);

-- one row per erased person or lead, as a keyed hash, so that they do not come back
create table suppressed (key_hash varchar not null, kind varchar not null, suppressed_at timestamptz not null);

-- the installation's own random key behind sender_key
create table install (sender_hash_key blob not null);
