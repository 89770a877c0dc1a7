-- Guest links. What they are called and who made them may name people, so they lie with what is personal.

-- one row per link; a row is never changed but to say when it was last used, and when it was ended
create table guest_links (
    link_id varchar not null,
    -- a keyed hash of the part of the address that nobody can guess: who reads this table can open nothing
    key_hash varchar not null,
    title varchar not null,
    -- by name, the one at the bare address first
    pages varchar[] not null,
    -- the pages' settings and the leads' filters as JSON: name to list of values
    settings varchar not null,
    filters varchar not null,
    names_agents boolean not null,
    -- who made it, and the agents whose leads they saw then; null means all
    maker varchar not null,
    agents bigint[],
    made_at timestamptz not null,
    expires_at timestamptz not null,
    n_uses bigint not null,
    last_used_at timestamptz,
    ended_at timestamptz
);
