-- How many leads wait, how many of them too long, and how many come from somebody who has written before.
--
-- Grain: one row per group that has waiting leads. As it stands the file has a single group, all leads, of which none is
-- overdue. Order: none.
-- Waiting means the same as in counts.sql. A sender's earlier leads are looked for among all leads, whatever is filtered.
with waiting_leads as (
    select
        'all' /* group */ as key,
        lead_id,
        sender_no,
        created_at
    from leads
    where true /* filters */
        and coalesce(reached_stage, stage) in ('sent', 'delivered', 'opened')
        and stage not in ('archived', 'unrecognised')
        and deleted_at_source is null
),
turns as (
    select
        lead_id,
        row_number() over (partition by sender_no order by created_at, lead_id) as nth_lead
    from leads
    where sender_no in (select sender_no from waiting_leads)
)
select
    cast(key as varchar) as key,
    count(*) as waiting,
    count(*) filter (where created_at < timestamptz '1900-01-01 00:00:00+00' /* overdue before */) as overdue,
    count(*) filter (where nth_lead > 1) as waiting_again,
    min(created_at) as oldest_created_at
from waiting_leads
left join turns using (lead_id)
group by waiting_leads.key
