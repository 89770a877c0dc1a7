-- What a payload is compared by. Null until its row is written again: then it counts as changed once.
alter table lead_payloads add column raw_md5 ubigint;
