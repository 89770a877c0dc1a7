-- How many leads had responded by the age of 24 hours, as far as the looks at them tell.
--
-- Grain: one row per group. As it stands the file has a single group, all leads. Order: none.
-- Only leads that were followed for those hours are counted. One whose first response lies between a look before the mark
-- and one after it is unknown: that is every lead that was first seen responded later than that, with no look before. So is a lead
-- of which no rung of the ladder was ever seen. One that was archived from a rung without a response has none.
with chosen_leads as (
    select
        'all' /* group */ as key,
        coalesce(reached_stage, stage) as reached,
        replied_after,
        replied_by,
        epoch_us(created_at) + 24 /* hours to mature */ * 3600000000 as mark_us
    from leads
    where epoch_us(last_seen_at) - epoch_us(created_at) >= 24 /* hours to mature */ * 3600000000
        and true /* filters */
),
leads_then as (
    select
        key,
        reached in ('archived', 'unrecognised') as is_without_rung,
        reached = 'responded' as is_responded,
        coalesce(epoch_us(replied_by) <= mark_us, false) as is_by_then,
        coalesce(epoch_us(replied_after) >= mark_us, false) as is_later
    from chosen_leads
)
select
    cast(key as varchar) as key,
    count(*) filter (where is_responded and is_by_then) as responded_within,
    count(*) filter (where is_without_rung or (is_responded and not is_by_then and not is_later)) as unknown_within
from leads_then
group by leads_then.key
