-- Drift: fields of the portal's rows that no document of the API has, one row per path of names, never a value.
-- n_rows counts the rows read that had it, a lead that is read again each time.
create table odd_fields (
    path varchar not null,
    n_rows bigint not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null
);

-- when a lead with the id of a row that was no lead came whole after all
alter table rejected_leads add column resolved_at timestamptz;
