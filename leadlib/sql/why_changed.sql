-- How leads stood at one moment and how at a later one, each as it was known by then.
--
-- Grain: one row per way in which leads belong to the view at the two moments and how far they had come, with its
-- leads. Ways: stays, new (created since), found_later (older, but seen only since), left_period, and by a change of
-- agent or of status moved_in, moved_out, status_in, status_out. Leads that belong to it at neither moment are in no row.
-- A lead that was not seen since a moment stood then as it stands now. For all others the observations tell; of who a
-- lead was assigned to before anybody took note, the first note tells. Every other field is as it is today.
-- Agents change before statuses: of a lead that was lost by both the agent is told.
with known_leads as (
    select
        *,
        last_seen_at <= timestamptz '2000-01-01 00:00:00+00' /* known then */ as is_same_then,
        last_seen_at <= timestamptz '2100-01-01 00:00:00+00' /* known now */ as is_same_now,
        first_seen_at <= timestamptz '2000-01-01 00:00:00+00' /* known then */ as is_known_then
    from leads
    where first_seen_at <= timestamptz '2100-01-01 00:00:00+00' /* known now */
),
rungs as (
    select
        lead_id,
        status,
        case stage when 'sent' then 1 when 'delivered' then 2 when 'opened' then 3 when 'responded' then 4 end as rung,
        not_after,
        -- two observations of one instant are told apart by more than the order in which they are stored
        {'at': epoch_us(not_after), 'since': epoch_us(not_before), 'status': status} as place
    from status_observations
    where lead_id in (select lead_id from known_leads where not is_same_then)
),
statuses as (
    select
        lead_id,
        arg_max(status, place) filter (where not_after <= timestamptz '2000-01-01 00:00:00+00' /* known then */) as status_then,
        arg_max(status, place) filter (where not_after <= timestamptz '2100-01-01 00:00:00+00' /* known now */) as status_now,
        max(rung) filter (where not_after <= timestamptz '2000-01-01 00:00:00+00' /* known then */) as rung_then,
        max(rung) filter (where not_after <= timestamptz '2100-01-01 00:00:00+00' /* known now */) as rung_now
    from rungs
    group by lead_id
),
assignments as (
    select
        lead_id,
        agent_id,
        not_after,
        {'at': epoch_us(not_after), 'since': epoch_us(not_before), 'agent_id': coalesce(agent_id, -1)} as place
    from assignment_observations
    where lead_id in (select lead_id from known_leads where not is_same_then)
),
-- in a list of one, because "nobody" is an agent too, and arg_max passes over nulls
agents_noted as (
    select
        lead_id,
        arg_max([agent_id], place) filter (where not_after <= timestamptz '2000-01-01 00:00:00+00' /* known then */) as then_noted,
        arg_max([agent_id], place) filter (where not_after <= timestamptz '2100-01-01 00:00:00+00' /* known now */) as now_noted,
        arg_min([agent_id], place) as first_noted
    from assignments
    group by lead_id
),
leads_at as (
    select
        known_leads.*,
        case coalesce(reached_stage, stage)
            when 'sent' then 1 when 'delivered' then 2 when 'opened' then 3 when 'responded' then 4
        end as rung,
        if(is_same_then, status, coalesce(status_then, '')) as its_status_then,
        if(is_same_now, status, coalesce(status_now, '')) as its_status_now,
        if(is_same_then, rung, rung_then) as its_rung_then,
        if(is_same_now, rung, rung_now) as its_rung_now,
        if(is_same_then or first_noted is null, agent_id, coalesce(then_noted, first_noted)[1]) as its_agent_then,
        if(is_same_now or first_noted is null, agent_id, coalesce(now_noted, first_noted)[1]) as its_agent_now
    from known_leads
    left join statuses using (lead_id)
    left join agents_noted using (lead_id)
),
-- as the filters know leads: at the first moment, with the agent of the second alone, and at the second
moments as (
    select * replace (its_status_then as status, its_agent_then as agent_id), 'then' as moment
    from leads_at
    where is_known_then
    union all by name
    select * replace (its_status_then as status, its_agent_now as agent_id), 'between' as moment
    from leads_at
    where is_known_then
    union all by name
    select * replace (its_status_now as status, its_agent_now as agent_id), 'now' as moment
    from leads_at
),
chosen_leads as (
    select
        lead_id,
        moment,
        created_at
    from moments
    where true /* filters */
),
members as (
    select
        lead_id,
        bool_or(moment = 'then' and created_at >= timestamptz '1900-01-01 00:00:00+00' /* period then from */) as is_then,
        bool_or(moment = 'between') as is_between,
        bool_or(moment = 'now' and created_at >= timestamptz '1900-01-01 00:00:00+00' /* period now from */) as is_now
    from chosen_leads
    group by lead_id
),
ways as (
    select
        case
            when is_then and is_now then 'stays'
            when is_then and created_at < timestamptz '1900-01-01 00:00:00+00' /* period now from */ then 'left_period'
            when is_then then if(is_between, 'status_out', 'moved_out')
            when is_known_then then if(is_between, 'moved_in', 'status_in')
            when created_at >= timestamptz '2000-01-01 00:00:00+00' /* known then */ then 'new'
            else 'found_later'
        end as way,
        epoch_us(created_at) + 24 /* hours to mature */ * 3600000000
            <= epoch_us(least(last_seen_at, timestamptz '2000-01-01 00:00:00+00' /* known then */)) as is_matured_then,
        epoch_us(created_at) + 24 /* hours to mature */ * 3600000000
            <= epoch_us(least(last_seen_at, timestamptz '2100-01-01 00:00:00+00' /* known now */)) as is_matured_now,
        coalesce(its_rung_then = 4, false) as is_responded_then,
        coalesce(its_rung_now = 4, false) as is_responded_now,
        its_rung_then is null as is_unknown_then,
        its_rung_now is null as is_unknown_now,
        coalesce(
            deleted_at_source > timestamptz '2000-01-01 00:00:00+00' /* known then */
            and deleted_at_source <= timestamptz '2100-01-01 00:00:00+00' /* known now */,
            false
        ) as is_gone_since
    from members
    inner join leads_at using (lead_id)
    where is_then or is_now
)
select
    way,
    is_matured_then,
    is_matured_now,
    is_responded_then,
    is_responded_now,
    is_unknown_then,
    is_unknown_now,
    is_gone_since,
    count(*) as leads
from ways
group by all
order by all
