-- How many leads came when, from how many different senders, and how many of them from somebody who had written before.
--
-- Grain: one row per bucket of local time, only where there were leads. Order: by bucket. Senders of buckets do not add up.
-- Before: within 28 days, by any lead of theirs, whatever the filters. Leads without a sender's details can be neither.
with written_before as (
    select
        lead_id,
        created_at - lag(created_at) over (partition by sender_no order by created_at, lead_id) <= interval 28 day as is_repeat
    from leads
    where sender_no is not null
),
chosen_leads as (
    select
        lead_id,
        sender_no,
        date_trunc('day' /* grain */, created_local) as bucket
    from leads
    where true /* filters */
)
select
    cast(bucket as timestamp) as bucket,
    count(sender_no) as leads_of_senders,
    count(distinct sender_no) as unique_senders,
    count(*) filter (where is_repeat) as repeat_leads
from chosen_leads
left join written_before using (lead_id)
group by chosen_leads.bucket
order by bucket
