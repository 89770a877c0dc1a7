-- How far the leads of a period had come by a given moment: two periods are compared at equal age.
--
-- Grain: one row. As it stands the moment lies in the future, so it says how far they have come by now.
-- A reply that was first true somewhere around the moment (not before it, not after it, not known) is uncertain.
with chosen_leads as (
    select
        lead_id,
        sender_key,
        coalesce(reached_stage, stage) as reached,
        epoch_us(created_at) + 24 /* hours to mature */ * 3600000000
            <= least(epoch_us(last_seen_at), epoch_us(timestamptz '2100-01-01 00:00:00+00' /* seen by */)) as is_matured
    from leads
    where true /* filters */
),
replies as (
    select
        lead_id,
        min(not_before) as not_before,
        min(not_after) as not_after
    from status_observations
    where stage = 'responded' and lead_id in (select lead_id from chosen_leads)
    group by lead_id
),
leads_then as (
    select
        sender_key,
        is_matured,
        reached in ('archived', 'unrecognised') as is_unknown,
        coalesce(not_after <= timestamptz '2100-01-01 00:00:00+00' /* seen by */, false) as is_responded,
        reached = 'responded' and coalesce(
            not_before < timestamptz '2100-01-01 00:00:00+00' /* seen by */
            and not_after > timestamptz '2100-01-01 00:00:00+00' /* seen by */,
            true
        ) as is_uncertain
    from chosen_leads
    left join replies using (lead_id)
)
select
    count(*) as leads,
    count(distinct sender_key) as unique_senders,
    count(*) filter (where is_responded) as responded,
    count(*) filter (where is_matured) as matured,
    count(*) filter (where is_matured and is_responded) as responded_matured,
    count(*) filter (where is_matured and is_unknown) as unknown_matured,
    count(*) filter (where is_uncertain) as uncertain
from leads_then
