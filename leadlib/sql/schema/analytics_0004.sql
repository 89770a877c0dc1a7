-- Sweeps in bands, slices that were counted, leads that are gone, and who a lead was assigned to.

-- how a slice was verified: 'read' row by row, or 'counted' and found as the store has it
alter table slices add column how varchar default 'read';

-- leads that were counted and not read, that an erased person keeps out, that were marked as gone, and that were missing
-- in such numbers that none was marked
alter table syncs add column n_counted bigint default 0;
alter table syncs add column n_suppressed bigint default 0;
alter table syncs add column n_deleted bigint default 0;
alter table syncs add column n_withheld bigint default 0;
update syncs set kind = case kind when 'full' then 'cold' when 'recent' then 'hot' end where kind in ('full', 'recent');

-- one row per lead that a sweep did not find where it should be, until another confirms it or the lead is seen again
create table absences (lead_id varchar not null, missed_at timestamptz not null);

-- one row per agent that a lead was seen with (null: nobody): it was first so somewhere in (not_before, not_after]
create table assignment_observations (
    lead_id varchar not null,
    agent_id bigint,
    not_before timestamptz not null,
    not_after timestamptz not null,
    source varchar not null
);
insert into assignment_observations
select
    lead_id,
    agent_id,
    least(created_at, last_seen_at),
    last_seen_at,
    source
from leads;
