-- What the portal calls the leads today.
--
-- Grain: one row per group, status as received, and the stage it stands for. Order: by group, then status.
with chosen_leads as (
    select
        'all' /* group */ as key,
        status,
        stage,
        1 /* leads of a row */ as leads
    from leads
    where true /* filters */
)
select
    cast(key as varchar) as key,
    status,
    stage,
    sum(leads) as leads
from chosen_leads
group by chosen_leads.key, status, stage
order by key, status, stage
