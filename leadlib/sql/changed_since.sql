-- Leads of which the store knows that something happened after $as_of, or that it was told so after $exported_at:
-- one row per lead. What has no history (names, tags, what the lead is about) is not in it.

select lead_id
from leads
where first_seen_at > $as_of or deleted_at_source > $as_of
union
select lead_id
from status_observations
where not_after > $as_of
union
select lead_id
from assignment_observations
where not_after > $as_of
union
select lead_id
from lead_sights
where seen_at > $as_of or received_at > $exported_at
