-- Values that no dialect of the API documents, kept as they came: one row per field and value, most leads first.
with carried as (
    select 'status' as field, status as value, stage = 'unrecognised' as is_unknown from leads
    union all
    select 'channel', channel, channel not in ('whatsapp', 'email', 'call', 'chat') from leads
    union all
    select
        'entity type',
        entity_type,
        entity_type not in ('listing', 'project', 'developer', 'publicProfile', 'agent', 'company')
    from leads
)

select
    field,
    value,
    count(*) as leads
from carried
where is_unknown
group by field, value
order by leads desc, field, value
