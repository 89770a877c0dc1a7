-- Roll-ups, kept by leadlib/store/rollups.py: a row stands for `leads` leads of one stretch of local time that are alike in the
-- columns it has. created_at is that of the first of them, last_created_at that of the last; created_local is where the stretch
-- begins. last_seen_at, deleted_at_source and, in lead_days, agent_id say no more than whether all of them have matured, are gone
-- and have an agent.

create table lead_hours (
    created_local timestamp not null,
    channel varchar not null,
    created_at timestamptz not null,
    last_created_at timestamptz not null,
    leads bigint not null
);

create table lead_days (
    created_local timestamp not null,
    channel varchar not null,
    entity_type varchar not null,
    status varchar not null,
    stage varchar not null,
    reached_stage varchar,
    agent_id bigint,
    last_seen_at timestamptz not null,
    deleted_at_source timestamptz,
    created_at timestamptz not null,
    last_created_at timestamptz not null,
    leads bigint not null
);

create table agent_weeks (
    created_local timestamp not null,
    agent_id bigint,
    stage varchar not null,
    reached_stage varchar,
    last_seen_at timestamptz not null,
    deleted_at_source timestamptz,
    created_at timestamptz not null,
    last_created_at timestamptz not null,
    leads bigint not null
);
