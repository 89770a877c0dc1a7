-- Stretches of created_at that hold about $window_rows filtered leads each: one row per stretch, newest first.
-- A stretch is [window_from, window_to), in whole hours; sorting one after the other keeps memory flat.

with hours as (
    select
        date_trunc('hour', created_at) as hour,
        count(*) as n_leads
    from leads
    where true /* filters */
    group by hour
),

numbered as (
    select
        hour,
        (sum(n_leads) over (order by hour desc) - n_leads) // $window_rows as window_number
    from hours
)

select
    min(hour) as window_from,
    max(hour) + interval 1 hour as window_to
from numbered
group by window_number
order by window_from desc
