-- How many senders have sent more than one lead.
--
-- Grain: one row per group, only where there are senders. Order: by key. Leads without a sender are left out.
with chosen_leads as (
    select
        'all' /* group */ as key,
        sender_no
    from leads
    where sender_no is not null and true /* filters */
),
senders as (
    select
        key,
        sender_no,
        count(*) as leads
    from chosen_leads
    group by chosen_leads.key, sender_no
)
select
    cast(key as varchar) as key,
    count(*) filter (where leads > 1) as repeat_senders
from senders
group by senders.key
order by key
