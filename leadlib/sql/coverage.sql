-- Which stretches of time have been read, so that "no leads" can be told from "not looked".
--
-- Grain: one row per unbroken stretch of createdAt; stretches that touch are one. Order: by covered_from.
-- A slice that was read without a certificate counts as read: what it lacks, if anything, is told apart (health.doubts).
-- A slice read before its own end covers only up to the moment of reading. A store that has leads but no slices (fed by
-- webhooks or an import) is taken as read from its first lead to the last time it saw one.
with stretches as (
    select
        created_from,
        least(created_to, observed_at) as created_to
    from slices
    where created_from < least(created_to, observed_at) and true /* certainty */
),
-- a new stretch begins where nothing before it reaches
marked as (
    select
        created_from,
        created_to,
        coalesce(
            created_from > max(created_to) over (
                order by created_from, created_to
                rows between unbounded preceding and 1 preceding
            ),
            true
        ) as is_start
    from stretches
),
numbered as (
    select
        created_from,
        created_to,
        count(*) filter (where is_start) over (order by created_from, created_to rows unbounded preceding) as stretch
    from marked
),
merged as (
    select
        min(created_from) as covered_from,
        max(created_to) as covered_to
    from numbered
    group by stretch
),
leads_alone as (
    select
        min(created_at) as covered_from,
        max(last_seen_at) as covered_to
    from leads
    where not exists (select 1 from slices)
    having count(*) > 0
)
select covered_from, covered_to from merged
union all
select covered_from, covered_to from leads_alone
order by covered_from
