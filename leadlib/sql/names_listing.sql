-- What the listings are called. Grain: one row per listing; the newest title wins. is_active is always null: no one says.
with chosen_names as (
    select
        listing_id as key,
        nullif(concat_ws(' · ', nullif(trim(reference), ''), nullif(trim(title), '')), '') as label,
        cast(null as boolean) as is_active,
        row_number() over (partition by listing_id order by seen_at desc, reference, title) as age
    from listings
)
select
    key,
    label,
    is_active
from chosen_names
where age = 1
order by key
