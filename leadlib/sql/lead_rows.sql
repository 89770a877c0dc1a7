-- One page of leads: one row per lead, in the chosen order, ties by id.
-- The page is cut out first and widened after: names are looked up for fifty rows, not for all. To number all leads in order
-- before the cut, instead of those of the page after it, takes fifty times as long.
with page as (
    select
        lead_id,
        created_at,
        created_local,
        channel,
        status,
        stage,
        reached_stage,
        entity_type,
        agent_id,
        listing_id,
        listing_reference,
        project_id,
        developer_id,
        distribution_type,
        call_talk_time_s,
        call_wait_time_s,
        tags,
        first_seen_at,
        last_seen_at
    from leads
    where true /* filters */
    order by created_at desc, lead_id /* order */
    limit 50 /* rows */
    offset 0 /* skipped */
),

numbered as (
    select
        *,
        row_number() over (order by created_at desc, lead_id /* order */) as place
    from page
)

select
    numbered.lead_id,
    numbered.created_at,
    numbered.created_local,
    numbered.channel,
    numbered.status,
    numbered.stage,
    numbered.reached_stage,
    numbered.entity_type,
    numbered.agent_id,
    agents.name as agent_name,
    numbered.listing_id,
    numbered.listing_reference,
    listings.title as listing_title,
    numbered.project_id,
    projects.title as project_title,
    numbered.developer_id,
    projects.developer_name,
    numbered.distribution_type,
    numbered.call_talk_time_s,
    numbered.call_wait_time_s,
    numbered.tags,
    numbered.first_seen_at,
    numbered.last_seen_at
from numbered
left join agents using (agent_id)
left join listings using (listing_id)
left join projects using (project_id)
order by numbered.place
