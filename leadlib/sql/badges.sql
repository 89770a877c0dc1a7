-- What each agent's leads had come to by a given moment, as the portal's badges count them: of all channels, and how long
-- WhatsApp replies took.
--
-- Grain: one row per agent, day of creation (the account's), state, and whether the lead is younger than a day. Order:
-- none. States: answered; waiting (open at the portal, without a reply); closed (archived without one, or gone); unknown
-- (first seen archived, or with a status that nobody knows, or a reply that came just before or just after the moment).
-- As it stands the moment lies in the future, so the file says how all leads stand by now. Minutes are those of WhatsApp
-- replies, from the least that the looks at them allow to the most, as sums and as sums of squares.
with chosen_leads as (
    select
        lead_id,
        agent_id,
        channel,
        stage,
        coalesce(reached_stage, stage) as reached,
        created_at,
        cast(created_local as date) as created_on,
        coalesce(deleted_at_source <= timestamptz '2100-01-01 00:00:00+00' /* as of */, false) as is_gone,
        created_at > timestamptz '2100-01-01 00:00:00+00' /* as of */ - to_hours(24 /* hours to mature */) as is_young
    from leads
    where
        agent_id is not null
        and created_at >= timestamptz '1900-01-01 00:00:00+00' /* created from */
        and created_at <= timestamptz '2100-01-01 00:00:00+00' /* as of */
        and true /* filters */
),
ends as (
    select
        lead_id,
        min(not_before) filter (where stage = 'responded') as reply_not_before,
        min(not_after) filter (where stage = 'responded') as reply_not_after,
        min(not_after) filter (where stage = 'archived') as archived_by
    from status_observations
    where stage in ('responded', 'archived') and lead_id in (select lead_id from chosen_leads)
    group by lead_id
),
stated as (
    select
        agent_id,
        channel,
        created_on,
        is_young,
        case
            when reached = 'responded' and reply_not_after <= timestamptz '2100-01-01 00:00:00+00' /* as of */
                then 'answered'
            when reached in ('archived', 'unrecognised') then 'unknown'
            when reached = 'responded' and reply_not_before < timestamptz '2100-01-01 00:00:00+00' /* as of */
                then 'unknown'
            when is_gone or archived_by <= timestamptz '2100-01-01 00:00:00+00' /* as of */ then 'closed'
            when stage = 'unrecognised' then 'unknown'
            else 'waiting'
        end as state,
        greatest(0, epoch_us(reply_not_before) - epoch_us(created_at)) / 60000000 as least_minutes,
        greatest(0, epoch_us(reply_not_after) - epoch_us(created_at)) / 60000000 as most_minutes
    from chosen_leads
    left join ends using (lead_id)
)
select
    agent_id,
    created_on,
    state,
    is_young,
    count(*) as leads,
    count(*) filter (where channel = 'whatsapp') as whatsapp_leads,
    coalesce(sum(least_minutes) filter (where state = 'answered' and channel = 'whatsapp'), 0) as least_minutes,
    coalesce(sum(most_minutes) filter (where state = 'answered' and channel = 'whatsapp'), 0) as most_minutes,
    coalesce(sum(least_minutes ** 2) filter (where state = 'answered' and channel = 'whatsapp'), 0) as least_squares,
    coalesce(sum(most_minutes ** 2) filter (where state = 'answered' and channel = 'whatsapp'), 0) as most_squares
from stated
group by all
