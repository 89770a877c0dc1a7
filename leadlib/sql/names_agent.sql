-- What the agents are called. Grain: one row per agent; the newest name wins. is_active is null where the portal does not say.
with chosen_names as (
    select
        cast(agent_id as varchar) as key,
        name as label,
        is_active,
        row_number() over (partition by agent_id order by seen_at desc, name) as age
    from agents
)
select
    key,
    label,
    is_active
from chosen_names
where age = 1
order by key
