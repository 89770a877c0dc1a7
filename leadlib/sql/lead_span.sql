-- The first and the last instant that anything in the store's leads and their histories lies at.
--
-- Grain: one row; without leads both are null.
select
    min(created_at) as first_at,
    greatest(max(created_at), max(last_seen_at), (select max(not_after) from status_observations)) as last_at
from leads
