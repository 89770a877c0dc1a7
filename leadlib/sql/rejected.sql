-- Rows of the portal that are no leads, and that did not come whole since: one row per reason.
select
    reason,
    count(*) as n_rows,
    max(first_seen_at) as newest_at
from rejected_leads
where resolved_at is null
group by reason
order by n_rows desc, reason
