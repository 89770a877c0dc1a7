-- Since when the oldest lead without an answer has been waiting.
--
-- Grain: one row per group that has waiting leads. As it stands the file has a single group, all leads. Order: none.
-- Waiting means the same as in counts.sql: never seen as responded, and still open at the portal.
with waiting_leads as (
    select
        'all' /* group */ as key,
        created_at
    from leads
    where true /* filters */
        and coalesce(reached_stage, stage) in ('sent', 'delivered', 'opened')
        and stage not in ('archived', 'unrecognised')
        and deleted_at_source is null
)
select
    cast(key as varchar) as key,
    min(created_at) as oldest_created_at
from waiting_leads
group by waiting_leads.key
