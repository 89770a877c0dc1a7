-- How many different senders there are; unlike leads they do not add up, since one may write to several groups.
--
-- Grain: one row per group. As it stands the file has a single group, all leads. Order: none.
with chosen_leads as (
    select
        'all' /* group */ as key,
        sender_key
    from leads
    where true /* filters */
)
select
    cast(key as varchar) as key,
    count(distinct sender_key) as unique_senders
from chosen_leads
group by chosen_leads.key
