-- One page of leads: one row per lead, in the chosen order, ties by id.
-- The page's ids are found first and widened after: names are looked up for fifty rows, not for all.
with filtered as (
    select lead_id, created_at, stage
    from leads
    where true /* filters */
),

chosen as (
    select
        lead_id,
        row_number() over (order by created_at desc, lead_id /* order */) as place
    from filtered
    order by created_at desc, lead_id /* order */
    limit 50 /* rows */
    offset 0 /* skipped */
)

select
    leads.lead_id,
    leads.created_at,
    leads.created_local,
    leads.channel,
    leads.status,
    leads.stage,
    leads.reached_stage,
    leads.entity_type,
    leads.agent_id,
    agents.name as agent_name,
    leads.listing_id,
    leads.listing_reference,
    listings.title as listing_title,
    leads.project_id,
    projects.title as project_title,
    leads.developer_id,
    projects.developer_name,
    leads.distribution_type,
    leads.call_talk_time_s,
    leads.call_wait_time_s,
    leads.tags,
    leads.first_seen_at,
    leads.last_seen_at
from chosen
inner join leads using (lead_id)
left join agents using (agent_id)
left join listings using (listing_id)
left join projects using (project_id)
order by chosen.place
