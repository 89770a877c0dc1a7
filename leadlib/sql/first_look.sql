-- When the portal was first looked at: one row, null while it never was.
select min(first_seen_at) as first_seen_at
from leads
