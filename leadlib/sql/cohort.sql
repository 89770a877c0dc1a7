-- How far the leads of a period, and of the one before it, had come by a given moment: compared at equal age.
--
-- Grain: one row per group and period that has leads. As it stands there is one period, and its moment lies in the future, so it
-- says how far all leads have come by now.
-- A reply that was first true somewhere around the moment (not before it, not after it, not known) is uncertain.
with chosen_leads as (
    select
        'all' /* group */ as key,
        sender_no,
        coalesce(reached_stage, stage) as reached,
        created_at,
        last_seen_at,
        replied_after,
        replied_by,
        created_at >= timestamptz '1900-01-01 00:00:00+00' /* current from */ as is_current,
        if(
            created_at >= timestamptz '1900-01-01 00:00:00+00' /* current from */,
            timestamptz '2100-01-01 00:00:00+00' /* seen by */,
            timestamptz '2100-01-01 00:00:00+00' /* seen by before */
        ) as seen_by
    from leads
    where true /* filters */
),
leads_then as (
    select
        key,
        is_current,
        sender_no,
        epoch_us(created_at) + 24 /* hours to mature */ * 3600000000
            <= least(epoch_us(last_seen_at), epoch_us(seen_by)) as is_matured,
        reached in ('archived', 'unrecognised') as is_unknown,
        coalesce(replied_by <= seen_by, false) as is_responded,
        reached = 'responded' and coalesce(replied_after < seen_by and replied_by > seen_by, true) as is_uncertain
    from chosen_leads
)
select
    cast(key as varchar) as key,
    is_current,
    count(*) as leads,
    count(distinct sender_no) as unique_senders,
    count(*) filter (where is_responded) as responded,
    count(*) filter (where is_matured) as matured,
    count(*) filter (where is_matured and is_responded) as responded_matured,
    count(*) filter (where is_matured and is_unknown) as unknown_matured,
    count(*) filter (where is_uncertain) as uncertain
from leads_then
group by leads_then.key, is_current
