-- Which kinds of leads each agent got, and how many of them responded.
--
-- Grain: one row per group of matured leads. As it stands the file has a single group; the loader puts agent, channel,
-- entity type and hour of arrival (on the account's clock) in its place. Order: none. No matured leads give no row.
-- Matured and the rungs mean the same as in counts.sql: what was never seen on the ladder has an unknown outcome.
with matured_leads as (
    select
        'all' as "all" /* groups */,
        coalesce(reached_stage, stage) as reached
    from leads
    where true /* filters */
        and epoch_us(last_seen_at) - epoch_us(created_at) >= 24 /* hours to mature */ * 3600000000
)
select
    cast("all" as varchar) as "all" /* as texts */,
    count(*) as matured,
    count(*) filter (where reached = 'responded') as responded_matured
from matured_leads
group by all
