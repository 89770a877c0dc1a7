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
),
-- leads that are alike are counted once, together: the twelve conditions below then look at dozens of rows, not at millions
kinds as (
    select
        key,
        rung,
        is_archived,
        is_unrecognised,
        is_unassigned,
        is_matured,
        max(detail) as detail,
        count(*) as leads,
        min(created_at) as first_created_at,
        max(created_at) as last_created_at
    from chosen_leads
    group by all
),
senders as (
    select
        key,
        count(distinct sender_key) as unique_senders
    from chosen_leads
    group by chosen_leads.key
)
select
    cast(kinds.key as varchar) as key,
    max(detail) as detail,

    sum(leads) as leads,
    any_value(unique_senders) as unique_senders,
    coalesce(sum(leads) filter (where is_unassigned), 0) as unassigned,

    coalesce(sum(leads) filter (where rung = 4), 0) as responded,
    coalesce(sum(leads) filter (where rung < 4 and not is_archived and not is_unrecognised), 0) as waiting,
    coalesce(sum(leads) filter (where is_archived), 0) as archived,
    coalesce(sum(leads) filter (where is_archived and rung is null), 0) as archived_unknown,
    coalesce(sum(leads) filter (where is_unrecognised), 0) as unrecognised,

    coalesce(sum(leads) filter (where is_matured), 0) as matured,
    coalesce(sum(leads) filter (where is_matured and rung = 4), 0) as responded_matured,
    coalesce(sum(leads) filter (where is_matured and rung is null), 0) as unknown_matured,
    coalesce(sum(leads) filter (where not is_matured and rung is distinct from 4), 0) as pending,

    coalesce(sum(leads) filter (where rung >= 1 or is_archived), 0) as reached_sent,
    coalesce(sum(leads) filter (where rung >= 2), 0) as reached_delivered,
    coalesce(sum(leads) filter (where rung >= 3), 0) as reached_opened,
    coalesce(sum(leads) filter (where rung >= 4), 0) as reached_responded,

    min(first_created_at) as first_created_at,
    max(last_created_at) as last_created_at
from kinds
inner join senders on senders.key is not distinct from kinds.key
group by kinds.key
order by key
