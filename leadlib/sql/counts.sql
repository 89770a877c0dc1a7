-- How many leads there are, and how far they have come.
--
-- Grain: one row per group. As it stands the file has a single group, all leads; the loader puts a dimension in its place.
-- Order: by key. No leads give no row.
--
-- A lead counts at the highest rung of the ladder ever witnessed (reached_stage), so the reached_ columns never rise from
-- left to right. A lead that was first seen archived has no rung: it was sent, and whether it was answered is unknown.
-- A lead whose word for status nobody knows is on no rung at all, unless it was seen on one before.
-- Matured: followed for at least 24 hours, by the last time the portal showed the lead.
with chosen_leads as (
    select
        'all' /* group */ as key,
        cast(null as varchar) /* detail */ as detail,
        sender_key,
        case coalesce(reached_stage, stage) when 'sent' then 1 when 'delivered' then 2 when 'opened' then 3 when 'responded' then 4 end as rung,
        stage = 'archived' as is_archived,
        stage = 'unrecognised' as is_unrecognised,
        agent_id is null as is_unassigned,
        epoch_us(last_seen_at) - epoch_us(created_at) >= 24 /* hours to mature */ * 3600000000 as is_matured,
        created_at
    from leads
    where true /* filters */
)
select
    cast(key as varchar) as key,
    max(detail) as detail,

    count(*) as leads,
    count(distinct sender_key) as unique_senders,
    count(*) filter (where is_unassigned) as unassigned,

    count(*) filter (where rung = 4) as responded,
    count(*) filter (where rung < 4 and not is_archived and not is_unrecognised) as waiting,
    count(*) filter (where is_archived) as archived,
    count(*) filter (where is_archived and rung is null) as archived_unknown,
    count(*) filter (where is_unrecognised) as unrecognised,

    count(*) filter (where is_matured) as matured,
    count(*) filter (where is_matured and rung = 4) as responded_matured,
    count(*) filter (where is_matured and rung is null) as unknown_matured,
    count(*) filter (where not is_matured and rung is distinct from 4) as pending,

    count(*) filter (where rung >= 1 or is_archived) as reached_sent,
    count(*) filter (where rung >= 2) as reached_delivered,
    count(*) filter (where rung >= 3) as reached_opened,
    count(*) filter (where rung >= 4) as reached_responded,

    min(created_at) as first_created_at,
    max(created_at) as last_created_at
from chosen_leads
group by chosen_leads.key
order by key
