-- The analytics file: nothing personal. Times are UTC instants.

-- one row per lead
create table leads (
    lead_id varchar not null,
    created_at timestamptz not null,
    channel varchar not null,
    status varchar not null,
    stage varchar not null,
    entity_type varchar not null,
    agent_id bigint,
    listing_id varchar,
    listing_reference varchar,
    project_id varchar,
    developer_id varchar,
    distribution_type varchar,
    call_talk_time_s bigint,
    call_wait_time_s bigint,
    tags varchar[] not null,
    -- keyed hash of the sender's phone, e-mail or username: repeat senders can be counted without knowing them
    sender_key varchar,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    observed_at timestamptz not null,
    source varchar not null,
    deleted_at_source timestamptz,
    -- the highest rung of the ladder ever witnessed; null while none was (first seen archived or unrecognised)
    reached_stage varchar,
    -- created_at on the clock of the account's zone, so that no query converts zones row by row
    created_local timestamp not null
);

-- one row per stage that a lead was seen to enter: it was first true somewhere in (not_before, not_after]
create table status_observations (
    lead_id varchar not null,
    status varchar not null,
    stage varchar not null,
    not_before timestamptz not null,
    not_after timestamptz not null,
    source varchar not null
);

-- one row per public profile, listing, project: names for ids
create table agents (agent_id bigint not null, name varchar not null, is_active boolean, seen_at timestamptz not null);
create table listings (
    listing_id varchar not null,
    reference varchar,
    title varchar,
    property_type varchar,
    category varchar,
    offering varchar,
    seen_at timestamptz not null
);
create table projects (
    project_id varchar not null,
    title varchar,
    developer_id varchar,
    developer_name varchar,
    seen_at timestamptz not null
);

-- one row per sync, open ones without finished_at
create table syncs (
    sync_id varchar not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    kind varchar not null,
    outcome varchar not null,
    dialect varchar not null,
    created_from timestamptz,
    created_to timestamptz,
    n_read bigint not null,
    n_new bigint not null,
    n_changed bigint not null,
    n_unchanged bigint not null,
    n_rejected bigint not null,
    n_uncertain bigint not null,
    n_calls bigint not null,
    n_retries bigint not null,
    seconds double not null,
    message varchar
);

-- one row per stretch of createdAt that was read to its end: what is covered, and how surely
create table slices (
    sync_id varchar not null,
    created_from timestamptz not null,
    created_to timestamptz not null,
    total bigint not null,
    n_distinct bigint not null,
    is_certain boolean not null,
    observed_at timestamptz not null
);

-- one row per portal row that is no lead; its text is in the personal file
create table rejected_leads (
    sha256 varchar not null,
    lead_id varchar,
    reason varchar not null,
    sync_id varchar not null,
    first_seen_at timestamptz not null
);
