-- What the projects are called. Grain: one row per project; the newest title wins. is_active is always null: no one says.
with chosen_names as (
    select
        project_id as key,
        nullif(trim(title), '') as label,
        cast(null as boolean) as is_active,
        row_number() over (partition by project_id order by seen_at desc, title) as age
    from projects
)
select
    key,
    label,
    is_active
from chosen_names
where age = 1
order by key
