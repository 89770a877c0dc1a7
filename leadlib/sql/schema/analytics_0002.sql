-- After a reading of the whole window: the portal's own count of it, and what the store holds of the same stretch.
-- Null where a sync read less than the window.
alter table syncs add column portal_total bigint;
alter table syncs add column store_total bigint;
