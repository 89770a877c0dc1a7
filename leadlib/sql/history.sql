-- From when to when the store can say how things looked: what was not seen then cannot be told now.
--
-- Grain: one row. Null without leads. It begins when the first sync came to its end, for until then leads were missing
-- that had been there all the time; where no sync ever did (a store fed by webhooks alone), with the first lead seen.
select
    greatest(
        min(first_seen_at),
        coalesce((select min(finished_at) from syncs where outcome in ('complete', 'uncertain')), min(first_seen_at))
    ) as begins_at,
    max(last_seen_at) as ends_at
from leads
