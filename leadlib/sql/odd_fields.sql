-- Fields of the portal's rows that no document of the API has: one row per path, the newest discovery first.
select
    path,
    n_rows,
    first_seen_at,
    last_seen_at
from odd_fields
order by first_seen_at desc, path
