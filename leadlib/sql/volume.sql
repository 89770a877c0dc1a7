-- How many leads came when.
--
-- Grain: one row per bucket of local time and group, only where there were leads; the complete grid is made afterwards, because
-- an hour without leads and an hour that was never read look the same here.
-- Order: by bucket, then key. Buckets begin on the clock of the account's zone; weeks begin on Monday.
with chosen_leads as (
    select
        date_trunc('day' /* grain */, created_local) as bucket,
        'all' /* group */ as key,
        1 /* leads of a row */ as leads
    from leads
    where true /* filters */
)
select
    cast(bucket as timestamp) as bucket,
    cast(key as varchar) as key,
    sum(leads) as leads
from chosen_leads
group by chosen_leads.bucket, chosen_leads.key
order by bucket, key
