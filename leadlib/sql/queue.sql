-- One page of the leads that wait: one row per lead, in the chosen order, ties by age and id.
-- Waiting means the same as in counts.sql. The page's ids are found first and widened after, as in lead_rows.sql.
-- The chance that a reply still comes is given from outside, as steps: from an age on, per channel, until the next step.
with waiting_leads as (
    select
        lead_id,
        channel,
        sender_no,
        created_at,
        (epoch_us(timestamptz '2100-01-01 00:00:00+00' /* as of */) - epoch_us(created_at)) / 60000000.0 as age_min
    from leads
    where true /* filters */
        and coalesce(reached_stage, stage) in ('sent', 'delivered', 'opened')
        and stage not in ('archived', 'unrecognised')
        and deleted_at_source is null
),
turns as (
    select
        lead_id,
        row_number() over (partition by sender_no order by created_at, lead_id) as nth_lead
    from leads
    where sender_no in (select sender_no from waiting_leads)
),
steps as (
    select
        unnest(cast('[]' /* channels */ as varchar[])) as channel,
        unnest(cast('[]' /* ages */ as double[])) as from_age_min,
        unnest(cast('[]' /* chances */ as double[])) as reply_chance
),
queued as (
    select
        w.lead_id,
        w.created_at,
        coalesce(t.nth_lead, 1) as nth_lead,
        w.created_at < timestamptz '1900-01-01 00:00:00+00' /* overdue before */ as is_overdue,
        s.reply_chance
    from waiting_leads as w
    left join turns as t on t.lead_id = w.lead_id
    asof left join steps as s on w.channel = s.channel and w.age_min >= s.from_age_min
),
chosen as (
    select
        lead_id,
        nth_lead,
        is_overdue,
        reply_chance,
        row_number() over (order by created_at, lead_id /* order */) as place
    from queued
    order by created_at, lead_id /* order */
    limit 50 /* rows */
    offset 0 /* skipped */
)
select
    leads.lead_id,
    leads.created_at,
    leads.created_local,
    leads.channel,
    leads.status,
    leads.stage,
    leads.reached_stage,
    leads.entity_type,
    leads.agent_id,
    agents.name as agent_name,
    leads.listing_id,
    leads.listing_reference,
    listings.title as listing_title,
    leads.project_id,
    projects.title as project_title,
    leads.developer_id,
    projects.developer_name,
    leads.distribution_type,
    leads.call_talk_time_s,
    leads.call_wait_time_s,
    leads.tags,
    leads.first_seen_at,
    leads.last_seen_at,

    chosen.nth_lead,
    chosen.is_overdue,
    chosen.reply_chance
from chosen
inner join leads using (lead_id)
left join agents using (agent_id)
left join listings using (listing_id)
left join projects using (project_id)
order by chosen.place
