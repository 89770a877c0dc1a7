-- Leads for an export, with names for their ids: one row per lead, newest first, then by id.
-- Of each id's names the newest is taken: an id that stands twice in a table of names never doubles a lead.

with filtered as (
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
        sender_key,
        first_seen_at,
        last_seen_at,
        source,
        deleted_at_source,
        replied_after,
        replied_by
    from leads
    where true /* filters */
),

-- the stretches in which leads were archived, as the looks at them tell
ends as (
    select
        lead_id,
        min(not_before) as archived_after,
        min(not_after) as archived_by
    from status_observations
    where stage = 'archived' and lead_id in (select lead_id from filtered)
    group by lead_id
),

agent_names as (
    select agent_id, arg_max(name, seen_at) as agent_name
    from agents
    group by agent_id
),

listing_names as (
    select listing_id, arg_max(title, seen_at) as listing_title
    from listings
    group by listing_id
),

project_names as (
    select
        project_id,
        arg_max(title, seen_at) as project_title,
        arg_max(developer_name, seen_at) as project_developer_name
    from projects
    group by project_id
),

developer_names as (
    select developer_id, arg_max(developer_name, seen_at) as developer_name
    from projects
    group by developer_id
)

select
    f.lead_id,
    f.created_at,
    f.created_local,
    f.channel,
    f.status,
    f.stage,
    f.reached_stage,
    f.entity_type,
    f.agent_id,
    a.agent_name,
    f.listing_id,
    f.listing_reference,
    l.listing_title,
    f.project_id,
    p.project_title,
    f.developer_id,
    coalesce(d.developer_name, p.project_developer_name) as developer_name,
    f.distribution_type,
    f.call_talk_time_s,
    f.call_wait_time_s,
    f.tags,
    f.sender_key,
    f.first_seen_at,
    f.last_seen_at,
    f.replied_after,
    f.replied_by,
    e.archived_after,
    e.archived_by,
    f.source,
    f.deleted_at_source
from filtered as f
left join ends as e using (lead_id)
left join agent_names as a using (agent_id)
left join listing_names as l using (listing_id)
left join project_names as p using (project_id)
left join developer_names as d on d.developer_id = f.developer_id
order by f.created_at desc, f.lead_id
