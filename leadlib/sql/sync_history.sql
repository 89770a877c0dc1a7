-- The last syncs: one row per sync, newest first.
select
    started_at,
    finished_at,
    kind,
    outcome,
    created_from,
    created_to,
    n_read,
    n_new,
    n_changed,
    n_rejected,
    n_uncertain,
    n_calls,
    n_retries,
    seconds,
    message
from syncs
order by started_at desc
limit 20
