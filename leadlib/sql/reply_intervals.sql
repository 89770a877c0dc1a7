-- Between which ages leads were answered or archived, as far as the looks at them tell.
--
-- Grain: one row per kind of end and pair of ages in minutes, with its leads. Order: none. Kinds: replied, archived (on a
-- rung seen before, without a reply), waiting (begins_min is the age at the last look, ends_min is null), unknown (first
-- seen archived, or with a status that nobody knows: no ages).
-- Ages are rounded up, to a minute in the first quarter of an hour and to ever longer steps after it, so that millions
-- of leads make a few hundred rows: both ends alike, for rounding a look by what it found would bias every share. What
-- began and ended in one step stands in that step.
-- Calls are left out: a call is answered at once or never.
with chosen_leads as (
    select
        lead_id,
        stage,
        coalesce(reached_stage, stage) as reached,
        created_at,
        last_seen_at
    from leads
    where channel <> 'call' and true /* filters */
),
ends as (
    select
        lead_id,
        stage as end_stage,
        min(not_before) as not_before,
        min(not_after) as not_after
    from status_observations
    where stage in ('responded', 'archived') and lead_id in (select lead_id from chosen_leads)
    group by lead_id, stage
),
kinds as (
    select
        lead_id,
        created_at,
        last_seen_at,
        case
            when reached = 'responded' then 'replied'
            when stage = 'archived' and reached in ('sent', 'delivered', 'opened') then 'archived'
            when stage in ('sent', 'delivered', 'opened') then 'waiting'
            else 'unknown'
        end as kind,
        case when reached = 'responded' then 'responded' else 'archived' end as end_stage
    from chosen_leads
),
ages as (
    select
        kind,
        greatest(0, epoch_us(case when kind = 'waiting' then last_seen_at else coalesce(not_before, created_at) end)
            - epoch_us(created_at)) / 60000000 as begins,
        -- a reply in the very moment of creation still came after it
        case when kind <> 'waiting' then
            greatest(1000, epoch_us(coalesce(not_after, last_seen_at)) - epoch_us(created_at)) / 60000000
        end as ends
    from kinds
    left join ends using (lead_id, end_stage)
),
steps as (
    select
        kind,
        begins,
        ends,
        case
            when begins <= 15 then 1 when begins <= 60 then 5 when begins <= 240 then 15 when begins <= 1440 then 60
            when begins <= 20160 then 360 else 1440
        end as begins_step,
        case
            when ends <= 15 then 1 when ends <= 60 then 5 when ends <= 240 then 15 when ends <= 1440 then 60
            when ends <= 20160 then 360 else 1440
        end as ends_step
    from ages
    where kind <> 'unknown'
),
rounded as (
    select
        kind,
        ceil(begins / begins_step) * begins_step as begins_min,
        ceil(ends / ends_step) * ends_step as ends_min,
        ends_step
    from steps
)
select
    kind,
    if(begins_min >= ends_min, ends_min - ends_step, begins_min) as begins_min,
    ends_min,
    count(*) as leads
from rounded
group by all
union all
select
    kind,
    null as begins_min,
    null as ends_min,
    count(*) as leads
from kinds
where kind = 'unknown'
group by kind
