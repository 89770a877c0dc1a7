-- What the filters can offer: one row per field and value that any lead carries, most leads first within a field.
-- Columns: field (key of FIELDS), value (text, "none" for leads without one), label (a name, null if there is none), leads.
with carried as (
    select 'status' as field, status as value, null as label from leads
    union all
    select 'type', channel, null from leads
    union all
    select 'entity', entity_type, null from leads
    union all
    select 'agent', coalesce(cast(leads.agent_id as varchar), 'none'), agents.name
    from leads left join agents using (agent_id)
    union all
    select 'listing', coalesce(leads.listing_reference, 'none'), listings.title
    from leads left join listings using (listing_id)
    union all
    select 'project', coalesce(leads.project_id, 'none'), projects.title
    from leads left join projects using (project_id)
    union all
    select 'listing_id', leads.listing_id, listings.title
    from leads left join listings using (listing_id) where leads.listing_id is not null
    union all
    select 'developer', coalesce(leads.developer_id, 'none'), projects.developer_name
    from leads left join projects using (project_id)
    union all
    select 'tag', unnest(tags), null from leads
)

select
    field,
    value,
    max(label) as label,
    count(*) as leads
from carried
group by field, value
order by field, leads desc, value
