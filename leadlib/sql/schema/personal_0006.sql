-- What left the store in files, and who was erased on whose word. Colleagues are named here, senders never. A row is
-- never changed; those of exports go after two years.

-- one row per file of leads that was asked for
create table exports (
    export_id varchar not null,
    exported_at timestamptz not null,
    -- the address of whoever was signed in, else "local" or "command line"
    who varchar not null,
    -- key=value each
    filters varchar[] not null,
    column_names varchar[] not null,
    format varchar not null,
    -- 0 and empty where it was refused
    n_rows bigint not null,
    sha256 varchar not null,
    is_personal boolean not null,
    reason varchar not null,
    -- the limit that was in its way: "files" or "rows"; null: the file was made
    refused varchar
);

-- one row per erasure; what the person was found by is not in it
create table erasures (
    erasure_id varchar not null,
    erased_at timestamptz not null,
    who varchar not null,
    -- phone, email, lead
    kinds varchar[] not null,
    n_leads bigint not null,
    n_others bigint not null
);
