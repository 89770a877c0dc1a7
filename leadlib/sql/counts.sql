-- How many leads there are, and how far they have come.
--
-- Grain: one row per kind of lead: leads of one group that are alike in everything that is counted here. What a column
-- says of a group, or of all leads, is its sum. As it stands the file has a single group; the loader puts dimensions in
-- its place, several at once, since one reading of the leads then answers for each of them. No leads give no row.
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
        case coalesce(reached_stage, stage) when 'sent' then 1 when 'delivered' then 2 when 'opened' then 3 when 'responded' then 4 end as rung,
        stage = 'archived' as is_archived,
        stage = 'unrecognised' as is_unrecognised,
        deleted_at_source is not null as is_gone,
        agent_id is null as is_unassigned,
        epoch_us(last_seen_at) - epoch_us(created_at) >= 24 /* hours to mature */ * 3600000000 as is_matured,
        created_at
    from leads
    where true /* filters */
),
-- the conditions below then look at dozens of rows, not at millions
kinds as (
    select
        "all" /* their names */,
        rung,
        is_archived,
        is_unrecognised,
        is_gone,
        is_unassigned,
        is_matured,
        max(detail) as detail,
        count(*) as leads,
        min(created_at) as first_created_at,
        max(created_at) as last_created_at
    from chosen_leads
    group by all
)
select
    cast("all" as varchar) as "all" /* as texts */,
    detail,

    leads,
    if(is_unassigned, leads, 0) as unassigned,

    if(rung = 4, leads, 0) as responded,
    if(rung < 4 and not is_archived and not is_unrecognised and not is_gone, leads, 0) as waiting,
    if(is_archived, leads, 0) as archived,
    if(is_archived and rung is null, leads, 0) as archived_unknown,
    if(is_unrecognised, leads, 0) as unrecognised,

    if(is_matured, leads, 0) as matured,
    if(is_matured and rung = 4, leads, 0) as responded_matured,
    if(is_matured and rung is null, leads, 0) as unknown_matured,
    if(not is_matured and rung is distinct from 4, leads, 0) as pending,

    if(rung >= 1 or is_archived, leads, 0) as reached_sent,
    if(rung >= 2, leads, 0) as reached_delivered,
    if(rung >= 3, leads, 0) as reached_opened,
    if(rung >= 4, leads, 0) as reached_responded,

    first_created_at,
    last_created_at
from kinds
