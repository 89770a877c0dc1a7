-- Which stages leads were seen to go from and to.
--
-- Grain: one row per move, with its leads. Order: none. A move and its words are those of the filter by it (FIELDS), whose column
-- the loader puts in; as it stands the file knows a single one.
with chosen_leads as (
    select unnest(['first:sent>today:sent'] /* moves */) as key
    from leads
    where true /* filters */
)
select
    key,
    count(*) as leads
from chosen_leads
group by key
