-- How many leads there are, and how far they have come.
--
-- Grain: one row per group. As it stands the file has a single group; the loader puts dimensions in its place, also two at
-- once, since one reading of the leads then answers for each of them: what is said of a group of one of them is the sum over
-- the other. No leads give no row.
--
-- A lead counts at the highest rung of the ladder ever witnessed (reached_stage), so the reached_ columns never rise from
-- left to right. A lead that was first seen archived has no rung: it was sent, and whether it was answered is unknown.
-- A lead whose word for status nobody knows is on no rung at all, unless it was seen on one before.
-- Waiting: without a response and still open at the portal, so neither archived nor gone from it.
-- Matured: followed for at least 24 hours, by the last time the portal showed the lead.
with chosen_leads as (
    select
        'all' as "all" /* groups */,
        cast(null as varchar) /* detail */ as detail,
        stage as stage_now,
        reached_stage as stage_ever,
        deleted_at_source is not null as is_gone,
        agent_id is null as is_unassigned,
        epoch_us(last_seen_at) - epoch_us(created_at) >= 24 /* hours to mature */ * 3600000000 as is_matured,
        created_at as first_created_at,
        created_at /* last of a row */ as last_created_at,
        1 /* leads of a row */ as leads
    from leads
    where true /* filters */
),
-- the conditions below then look at hundreds of rows, not at millions
alike as (
    select
        "all" /* their names */,
        stage_now,
        stage_ever,
        is_gone,
        is_unassigned,
        is_matured,
        max(detail) as detail,
        sum(leads) as leads,
        min(first_created_at) as first_created_at,
        max(last_created_at) as last_created_at
    from chosen_leads
    group by all
),
kinds as (
    select
        * exclude (stage_now, stage_ever),
        case coalesce(stage_ever, stage_now) when 'sent' then 1 when 'delivered' then 2 when 'opened' then 3 when 'responded' then 4 end as rung,
        stage_now = 'archived' as is_archived,
        stage_now = 'unrecognised' as is_unrecognised
    from alike
)
select
    cast("all" as varchar) as "all" /* as texts */,
    max(detail) as detail,

    sum(leads) as leads,
    coalesce(sum(leads) filter (where is_unassigned), 0) as unassigned,

    coalesce(sum(leads) filter (where rung = 4), 0) as responded,
    coalesce(sum(leads) filter (where rung < 4 and not is_archived and not is_unrecognised and not is_gone), 0) as waiting,
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
group by kinds."all" /* by their names */
