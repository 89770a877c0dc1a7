-- Between which ages leads were answered or archived, as far as the looks at them tell.
--
-- Grain: one row per group, kind of end and pair of ages in minutes, with its leads. As it stands the file has a single
-- group, all leads. Order: none. Kinds: replied, archived (on a rung seen before, without a reply), waiting (begins_min is
-- the age at the last look, ends_min is null), unknown (first seen archived, or with a status that nobody knows: no ages).
-- Ages are told on the clock that runs during the stretches of work, microseconds since 1970 in which they begin and end;
-- without any it runs always. They must begin a week before the first lead and end after the last look.
-- Ages are rounded, to half a minute in the first quarter of an hour and to ever longer steps after it, so that millions of
-- leads make few thousand rows at most. Looks go to the nearest step whatever they found, for rounding a look by what it
-- found would bias every share. What began and ended within the length of a step is a moment and stands in the step that
-- holds its end, so that ages that are told exactly are within a limit exactly if they are.
-- Calls are left out: a call is answered at once or never.
with chosen_leads as (
    select
        lead_id,
        'all' /* group */ as key,
        stage,
        coalesce(reached_stage, stage) as reached,
        epoch_us(created_at) as created_us,
        epoch_us(last_seen_at) as last_seen_us
    from leads
    where channel <> 'call' and true /* filters */
),
ends as (
    select
        lead_id,
        stage as end_stage,
        min(epoch_us(not_before)) as not_before_us,
        min(epoch_us(not_after)) as not_after_us
    from status_observations
    where stage in ('responded', 'archived') and lead_id in (select lead_id from chosen_leads)
    group by lead_id, stage
),
kinds as (
    select
        lead_id,
        key,
        created_us,
        last_seen_us,
        case
            when reached = 'responded' then 'replied'
            when stage = 'archived' and reached in ('sent', 'delivered', 'opened') then 'archived'
            when stage in ('sent', 'delivered', 'opened') then 'waiting'
            else 'unknown'
        end as kind,
        case when reached = 'responded' then 'responded' else 'archived' end as end_stage
    from chosen_leads
),
instants as (
    select
        key,
        kind,
        created_us,
        case kind
            when 'waiting' then greatest(created_us, last_seen_us)
            when 'unknown' then null
            else greatest(created_us, coalesce(not_before_us, created_us))
        end as begins_us,
        if(kind in ('replied', 'archived'), greatest(created_us, coalesce(not_after_us, last_seen_us)), null) as ends_us
    from kinds
    left join ends using (lead_id, end_stage)
),
stretches as (
    select
        unnest(cast([] /* work begins us */ as bigint[])) as begins_us,
        unnest(cast([] /* work ends us */ as bigint[])) as ends_us
),
worked_before as (
    select
        begins_us,
        ends_us,
        coalesce(sum(ends_us - begins_us) over (order by begins_us rows between unbounded preceding and 1 preceding), 0)
            as worked_us,
        lead(begins_us, 1, ends_us) over (order by begins_us) as next_begins_us
    from stretches
),
periods as (
    select begins_us as from_us, ends_us as to_us, cast(worked_us as bigint) as worked_us, 1 as pace from worked_before
    union all
    select ends_us, next_begins_us, cast(worked_us + ends_us - begins_us as bigint), 0 from worked_before
),
-- A join on the hour is several times as fast as one on the instant (an asof join sorts all leads).
clock as (
    select
        unnest(range(from_us // 3600000000, (to_us - 1) // 3600000000 + 1)) as hour,
        from_us,
        to_us,
        worked_us - pace * from_us as offset_us,
        pace
    from periods
    where from_us < to_us
),
ages as (
    select
        key,
        kind,
        (coalesce(at_begin.offset_us + at_begin.pace * instants.begins_us, instants.begins_us)
            - coalesce(at_creation.offset_us + at_creation.pace * created_us, created_us)) / 60000000 as begins,
        -- a reply in the very moment of creation still came after it, and one at night before the next working minute
        if(instants.ends_us is null, null, greatest(1000,
            coalesce(at_end.offset_us + at_end.pace * instants.ends_us, instants.ends_us)
            - coalesce(at_creation.offset_us + at_creation.pace * created_us, created_us)) / 60000000) as ends
    from instants
    left join clock as at_creation
        on at_creation.hour = created_us // 3600000000
        and created_us >= at_creation.from_us and created_us < at_creation.to_us
    left join clock as at_begin
        on at_begin.hour = instants.begins_us // 3600000000
        and instants.begins_us >= at_begin.from_us and instants.begins_us < at_begin.to_us
    left join clock as at_end
        on at_end.hour = instants.ends_us // 3600000000
        and instants.ends_us >= at_end.from_us and instants.ends_us < at_end.to_us
),
steps as (
    select
        key,
        kind,
        begins,
        ends,
        case
            when begins <= 15 then 0.5 when begins <= 60 then 1 when begins <= 240 then 5 when begins <= 1440 then 15
            when begins <= 2880 then 60 when begins <= 20160 then 360 when begins <= 131040 then 1440 else 10080
        end as begins_step,
        case
            when ends <= 15 then 0.5 when ends <= 60 then 1 when ends <= 240 then 5 when ends <= 1440 then 15
            when ends <= 2880 then 60 when ends <= 20160 then 360 when ends <= 131040 then 1440 else 10080
        end as ends_step
    from ages
),
rounded as (
    select
        key,
        kind,
        round(begins / begins_step) * begins_step as begins_min,
        case
            when ends - begins < ends_step then ceil(ends / ends_step)
            when ends < ends_step then 1
            else round(ends / ends_step)
        end * ends_step as ends_min,
        ends - begins < ends_step as is_moment,
        ends_step
    from steps
)
select
    cast(key as varchar) as key,
    kind,
    if(is_moment or begins_min >= ends_min, ends_min - ends_step, begins_min) as begins_min,
    ends_min,
    count(*) as leads
from rounded
group by all
