-- What the person who looks after the installation has to know, one row per kind, until it is over.
create table alarms (kind varchar not null, message varchar not null, raised_at timestamptz not null);
