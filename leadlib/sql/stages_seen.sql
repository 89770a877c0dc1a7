-- Which stages a channel reports at all.
--
-- Grain: one row per channel and stage, over the whole store: no filter applies, because what a channel can report
-- does not depend on the leads one looks at. Order: by channel, then stage.
with seen as (
    select channel, stage from leads
    union
    select channel, reached_stage as stage from leads where reached_stage is not null
)
select
    channel,
    stage
from seen
order by channel, stage
