-- The number of the last commit: one row. What lies beside the file says how far it must reach at least.
create table commits (sequence bigint not null);
insert into commits values (0);
