-- Notebooks: texts that people write, which may name anybody, so they lie with what is personal.

-- one row per save, numbered from 1 for each name; none is ever changed. A deletion is a row too, and so is its undoing.
create table notebooks (
    name varchar not null,
    version bigint not null,
    title varchar not null,
    author varchar not null,
    saved_at timestamptz not null,
    -- the cells as JSON, see leadlib/notebooks
    cells varchar not null,
    is_deleted boolean not null
);
