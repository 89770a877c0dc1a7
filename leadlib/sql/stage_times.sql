-- How long leads stood on one rung of the ladder before they were on another, as far as the looks at them tell.
--
-- Grain: one row per group, step (sent_opened, opened_responded, sent_responded), kind of end, and pair of minutes between which
-- the end lies, with its leads. As it stands the file has a single group, all leads. Order: none. Kinds: reached (the higher
-- rung), archived (from the lower one), waiting (begins_min is how long it has stood there for certain, ends_min is null),
-- unknown (no rung was ever seen, or the status of today is a word that nobody knows) and late (first looked at more than a day
-- after creation, when what became of it was mostly over), both without minutes.
-- Sent is the moment of creation. An opening lies between two looks itself, so the time to the response is at least from the look
-- that saw it opened to the last one without a response, at most from the last look before to the one that saw the response.
-- A response whose opening was never seen was opened on the way. Minutes are rounded as in reply_intervals.sql.
-- Calls are left out: a call is answered at once or never.
with chosen_leads as (
    select
        'all' /* group */ as key,
        lead_id,
        stage,
        coalesce(reached_stage, stage) as reached,
        epoch_us(created_at) as created_us,
        epoch_us(last_seen_at) as last_seen_us,
        epoch_us(first_seen_at) - epoch_us(created_at) > 86400000000 as is_late
    from leads
    where channel <> 'call' and true /* filters */
),
firsts as (
    select
        lead_id,
        min(epoch_us(not_before)) filter (where stage in ('opened', 'responded')) as opened_from_us,
        min(epoch_us(not_after)) filter (where stage in ('opened', 'responded')) as opened_by_us,
        min(epoch_us(not_before)) filter (where stage = 'responded') as responded_from_us,
        min(epoch_us(not_after)) filter (where stage = 'responded') as responded_by_us,
        max(epoch_us(not_before)) filter (where stage = 'archived') as archived_from_us,
        max(epoch_us(not_after)) filter (where stage = 'archived') as archived_by_us
    from status_observations
    where stage in ('opened', 'responded', 'archived') and lead_id in (select lead_id from chosen_leads)
    group by lead_id
),
ends as (
    select
        key,
        stage,
        reached,
        is_late,
        created_us,
        last_seen_us,
        coalesce(opened_from_us, created_us) as opened_from_us,
        coalesce(opened_by_us, last_seen_us) as opened_by_us,
        coalesce(responded_from_us, created_us) as responded_from_us,
        coalesce(responded_by_us, last_seen_us) as responded_by_us,
        coalesce(archived_from_us, created_us) as archived_from_us,
        coalesce(archived_by_us, last_seen_us) as archived_by_us
    from chosen_leads
    left join firsts using (lead_id)
),
steps as (
    select
        *,
        'sent_opened' as step,
        reached in ('opened', 'responded') as is_reached,
        created_us as starts_from_us,
        created_us as starts_by_us,
        opened_from_us as next_from_us,
        opened_by_us as next_by_us
    from ends
    union all
    select
        *,
        'opened_responded' as step,
        reached = 'responded' as is_reached,
        opened_from_us as starts_from_us,
        opened_by_us as starts_by_us,
        responded_from_us as next_from_us,
        responded_by_us as next_by_us
    from ends
    where reached not in ('sent', 'delivered')
    union all
    select
        *,
        'sent_responded' as step,
        reached = 'responded' as is_reached,
        created_us as starts_from_us,
        created_us as starts_by_us,
        responded_from_us as next_from_us,
        responded_by_us as next_by_us
    from ends
),
kinds as (
    select
        key,
        step,
        case
            when is_late then 'late'
            when is_reached then 'reached'
            when reached in ('archived', 'unrecognised') or stage = 'unrecognised' then 'unknown'
            when stage = 'archived' then 'archived'
            else 'waiting'
        end as kind,
        starts_from_us,
        starts_by_us,
        case when is_reached then next_from_us when stage = 'archived' then archived_from_us else last_seen_us end as ends_from_us,
        case when is_reached then next_by_us when stage = 'archived' then archived_by_us end as ends_by_us
    from steps
),
minutes as (
    select
        key,
        step,
        kind,
        greatest(0, ends_from_us - starts_by_us) / 60000000 as begins,
        -- what was over in the very moment it began still took a while
        case when kind <> 'waiting' then greatest(1000, ends_by_us - starts_from_us) / 60000000 end as ends
    from kinds
    where kind not in ('unknown', 'late')
),
steps_of_minutes as (
    select
        key,
        step,
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
    from minutes
),
rounded as (
    select
        key,
        step,
        kind,
        round(begins / begins_step) * begins_step as begins_min,
        case
            when ends - begins < ends_step then ceil(ends / ends_step)
            when ends < ends_step then 1
            else round(ends / ends_step)
        end * ends_step as ends_min,
        ends - begins < ends_step as is_moment,
        ends_step
    from steps_of_minutes
)
select
    cast(key as varchar) as key,
    step,
    kind,
    if(is_moment or begins_min >= ends_min, ends_min - ends_step, begins_min) as begins_min,
    ends_min,
    count(*) as leads
from rounded
group by all
union all
select
    cast(key as varchar) as key,
    step,
    kind,
    null as begins_min,
    null as ends_min,
    count(*) as leads
from kinds
where kind in ('unknown', 'late')
group by all
