-- How many leads each group got in each week since its first one.
--
-- Grain: one row per group and week of its age that has leads; the first lead opens week 1 and is not counted itself.
-- As it stands the file has a single group, all leads. Order: none. Weeks are seven times 24 hours, on no calendar, and
-- hold their end, not their beginning: leads that come at a steady pace then are as many in week 1 as in any other.
-- A week without a row had no leads or was not read: that is told apart afterwards.
with chosen_leads as (
    select
        'all' /* group */ as key,
        created_at
    from leads
    where true /* filters */
),
aged_leads as (
    select
        key,
        created_at,
        min(created_at) over (partition by key) as first_created_at
    from chosen_leads
)
select
    cast(key as varchar) as key,
    greatest(1, (epoch_us(created_at) - epoch_us(first_created_at) + 604799999999) // 604800000000) as week,
    count(*) - if(week = 1, 1, 0) as leads,
    min(first_created_at) as first_created_at
from aged_leads
group by aged_leads.key, week
