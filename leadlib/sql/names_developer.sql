-- What the developers are called. Grain: one row per developer; the newest name wins. is_active is always null: no one says.
with chosen_names as (
    select
        developer_id as key,
        nullif(trim(developer_name), '') as label,
        cast(null as boolean) as is_active,
        row_number() over (partition by developer_id order by seen_at desc, developer_name) as age
    from projects
    where developer_id is not null
)
select
    key,
    label,
    is_active
from chosen_names
where age = 1
order by key
