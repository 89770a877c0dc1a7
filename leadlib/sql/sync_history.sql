-- The last twenty syncs and, however long ago, the last complete one and the last that compared its total with the
-- portal's: one row per sync, newest first.
select
    started_at,
    finished_at,
    kind,
    outcome,
    created_from,
    created_to,
    n_read,
    n_counted,
    n_new,
    n_changed,
    n_deleted,
    n_rejected,
    n_uncertain,
    n_calls,
    n_retries,
    seconds,
    portal_total,
    store_total,
    message
from syncs
qualify
    row_number() over (order by started_at desc) <= 20
    or row_number() over (partition by outcome order by started_at desc) = 1 and outcome = 'complete'
    or row_number() over (partition by portal_total is null order by started_at desc) = 1 and portal_total is not null
order by started_at desc
