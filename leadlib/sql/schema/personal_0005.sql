-- Views that people have named, and what they noted on a day. Their own words, which may name anybody, so they lie with
-- what is personal. A row is never changed but to say when it was taken down.

create table saved_views (
    view_id varchar not null,
    title varchar not null,
    page varchar not null,
    -- the address's parameters as JSON: name to list of values
    query varchar not null,
    author varchar not null,
    saved_at timestamptz not null,
    removed_at timestamptz
);
create table day_notes (
    note_id varchar not null,
    -- on the account's clock
    day date not null,
    words varchar not null,
    author varchar not null,
    saved_at timestamptz not null,
    removed_at timestamptz
);
