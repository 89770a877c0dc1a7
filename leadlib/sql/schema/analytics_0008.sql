-- What the questions that are asked most would otherwise work out of millions of rows each time.

-- one row per sender key that was ever seen, by a part of its hash: a number for it. Keys are told apart by 64 of its bits,
-- which is enough: among ten million senders the chance that any two are taken for one is one in three hundred thousand.
create table senders (sender_code ubigint not null, sender_no integer not null);
insert into senders
select sender_code, row_number() over (order by sender_code)
from (select distinct md5_number_lower(sender_key) as sender_code from leads where sender_key is not null);

-- the number of sender_key: different numbers are counted in a fifteenth of the time that different keys take
alter table leads add column sender_no integer;

-- the stretch in which the first response lies, as the status observations tell; null without one. To look it up for each
-- lead of two months took longer than all else that the figures at equal age need.
alter table leads add column replied_after timestamptz;
alter table leads add column replied_by timestamptz;

update leads set sender_no = senders.sender_no from senders where sender_code = md5_number_lower(sender_key);
update leads set replied_after = first_replies.replied_after, replied_by = first_replies.replied_by
from (
    select lead_id, min(not_before) as replied_after, min(not_after) as replied_by
    from status_observations where stage = 'responded' group by lead_id
) as first_replies
where first_replies.lead_id = leads.lead_id;
