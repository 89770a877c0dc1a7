-- The stages that leads were seen in, one after the other.
--
-- Grain: one row per path and stage of today, with its leads. Order: none. A path is the stages in the order in which they were seen,
-- with a space between two; one that comes twice in a row, in other words of the portal, stands twice.
with chosen_leads as (
    select lead_id, stage
    from leads
    where true /* filters */
),
paths as (
    select
        lead_id,
        string_agg(stage, ' ' order by not_after, not_before) as path
    from status_observations
    where lead_id in (select lead_id from chosen_leads)
    group by lead_id
)
select
    coalesce(path, stage) as path,
    stage as stage_today,
    count(*) as leads
from chosen_leads
left join paths using (lead_id)
group by all
