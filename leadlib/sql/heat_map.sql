-- On which weekday and at which hour leads come.
--
-- Grain: one row per ISO weekday (1 = Monday) and hour of the account's clock, only where there were leads.
-- Order: by weekday, then hour. How often each such hour occurred is not in the leads: see coverage.sql.
with chosen_leads as (
    select
        isodow(created_local) as weekday,
        hour(created_local) as hour,
        1 /* leads of a row */ as leads
    from leads
    where true /* filters */
)
select
    weekday,
    hour,
    sum(leads) as leads
from chosen_leads
group by weekday, hour
order by weekday, hour
