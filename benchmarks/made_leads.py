"""A store of ours with any number of made-up leads, written by the database itself: `make_store(folder, n_leads)`.

Two years of a large brokerage up to HELD_AT: more leads on working days and in the evening, a few agents and listings
that get most of them, senders who write again, statuses that moved on and were seen to. The tables are made by our own
migrations and hold what syncs leave there: rows in the order of creation, histories, a ledger that covers all of it.
The same number of leads gives the same store. Nobody in it exists.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from leadlib.store import Store

HELD_AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Dubai")
PORTAL = "made up"
N_DAYS = 730
N_AGENTS = 400

# Shares of a hundred leads by weekday (Monday first) and of a thousand by hour of the day.
_BY_WEEKDAY = (16, 16, 15, 15, 13, 12, 13)
_BY_HOUR = (12, 8, 5, 4, 4, 6, 12, 22, 38, 52, 60, 62, 58, 54, 52, 52, 54, 58, 66, 74, 80, 72, 52, 43)

_MADE = """
create or replace temp table made as
with numbered as (
    select first_number + unnest(range(n_leads)) as n, day from days where day >= $first and day < $last
),
people as (
    select
        n,
        day + to_hours(cast($hours[1 + cast(floor(chance(n, 1) * 1000) as bigint)] as bigint))
            + to_microseconds(cast(floor(chance(n, 2) * 3600000) as bigint) * 1000) as created_local,
        case when chance(n, 3) < 0.36 then 'call' when chance(n, 3) < 0.74 then 'whatsapp'
            when chance(n, 3) < 0.93 then 'email' else 'chat' end as channel,
        case when chance(n, 4) < 0.86 then 'listing' when chance(n, 4) < 0.95 then 'project'
            when chance(n, 4) < 0.98 then 'publicProfile' else 'developer' end as entity_type,
        -- a power of an even chance: the first tenth of the agents gets two fifths of the leads
        if(chance(n, 5) < 0.015, null, 90001 + cast(floor($n_agents * power(chance(n, 6), 2.5)) as bigint)) as agent_id,
        cast(floor($n_listings * power(chance(n, 7), 2.5)) as bigint) as listing,
        cast(floor(120 * power(chance(n, 8), 2)) as bigint) as project,
        -- 0.8 senders a lead: most write once, some again and again
        cast(floor($n_senders * power(chance(n, 9), 1.3)) as bigint) as sender
    from numbered
),
outcomes as (
    select
        *,
        timezone($zone, created_local) as created_at,
        chance(n, 10) < 0.35 + 0.5 * (coalesce(agent_id, 0) * 7 % 11) / 10 as will_reply,
        -- minutes to a reply: a quarter of an hour to most of a day, by agent, with a long tail
        exp(3.0 + (coalesce(agent_id, 0) * 5 % 7) / 2 + 2.4 * (chance(n, 11) + chance(n, 12) - 1)) as reply_min,
        chance(n, 13) < 0.3 as will_archive,
        20 + 50 * chance(n, 14) as archive_days,
        chance(n, 15) < 0.012 as was_late
    from people
),
moments as (
    select
        *,
        created_at + to_seconds(cast(floor(20 + 280 * chance(n, 16)) as bigint)) as seen_at,
        least($held_at, created_at + interval 90 day) as last_at,
        created_at + to_seconds(cast(floor(reply_min * 60) as bigint)) as reply_at,
        created_at + to_seconds(cast(floor(archive_days * 86400) as bigint)) as archive_at
    from outcomes
),
stages as (
    select
        *,
        will_reply and not was_late and reply_at < last_at and (not will_archive or reply_at < archive_at) as has_reply,
        was_late or (will_archive and archive_at < last_at) as is_archived,
        not was_late and channel <> 'call' and chance(n, 17) < 0.7 as is_opened
    from moments
    where created_at < $held_at
)
select
    if(channel = 'call', 'call', 'message') || '_lead_' || (1000000 + n) as lead_id,
    created_at,
    channel,
    case when is_archived then 'archived' when has_reply then 'responded' when is_opened then 'opened'
        when channel = 'email' then 'delivered' else 'sent' end as status,
    status as stage,
    entity_type,
    agent_id,
    if(entity_type = 'listing', '01J' || lpad(to_base(listing, 32), 23, 'X'), null) as listing_id,
    if(entity_type = 'listing', 'LL-' || (10000 + listing), null) as listing_reference,
    if(entity_type = 'project', substr(md5('p' || project), 1, 32), null) as project_id,
    if(entity_type in ('project', 'developer'), substr(md5('d' || project % 30), 1, 32), null) as developer_id,
    cast(null as varchar) as distribution_type,
    if(channel = 'call', cast(floor(400 * power(chance(n, 18), 3)) as bigint), null) as call_talk_time_s,
    if(channel = 'call', cast(floor(40 * chance(n, 19)) as bigint), null) as call_wait_time_s,
    if(chance(n, 20) < 0.05, ['vip'], cast([] as varchar[])) as tags,
    if(chance(n, 21) < 0.002, null, md5('s' || sender)) as sender_key,
    if(was_late, least(created_at + interval 80 day, $held_at), seen_at) as first_seen_at,
    greatest(seen_at, last_at) as last_seen_at,
    last_seen_at as observed_at,
    'rest' as source,
    cast(null as timestamptz) as deleted_at_source,
    case when was_late then null when has_reply then 'responded' when is_opened then 'opened'
        when channel = 'email' then 'delivered' else 'sent' end as reached_stage,
    created_local,
    last_seen_at as row_seen_at,
    if(sender_key is null, null, cast(sender + 1 as integer)) as sender_no,
    is_opened and (not has_reply or reply_at > seen_at + interval 5 minute) as has_look_at_opened,
    -- looks come every five minutes, so what happened between two of them is known to so much
    if(has_reply, greatest(if(has_look_at_opened, seen_at + interval 5 minute, seen_at),
        reply_at - to_seconds(cast(floor(300 * chance(n, 22)) as bigint))), null) as replied_after,
    replied_after + interval 5 minute as replied_by,
    has_reply,
    is_archived and not was_late as was_seen_to_leave,
    was_late,
    seen_at,
    archive_at
from stages
"""

_OBSERVED = """
insert into status_observations
with looks as (
    select lead_id, case when channel = 'email' then 'delivered' else 'sent' end as stage, created_at as not_before,
        seen_at as not_after from made where not was_late
    union all
    select lead_id, 'archived', created_at, first_seen_at from made where was_late
    union all
    select lead_id, 'opened', seen_at, seen_at + interval 5 minute from made where has_look_at_opened
    union all
    select lead_id, 'responded', replied_after, replied_by from made where has_reply
    union all
    select lead_id, 'archived', archive_at - interval 1 hour, archive_at from made where was_seen_to_leave
)
select lead_id, stage as status, stage, not_before, not_after, 'rest' from looks order by not_after, lead_id
"""

_NAMES = """
insert into senders select distinct md5_number_lower(sender_key), sender_no from leads where sender_key is not null;
insert into agents
select distinct agent_id, 'Agent ' || (agent_id - 90000), true, $held_at from leads where agent_id is not null;
insert into listings
select listing_id, any_value(listing_reference), 'Flat ' || any_value(listing_reference), 'apartment', 'residential',
    'rent', $held_at
from leads where listing_id is not null group by listing_id;
insert into projects
select project_id, 'Project ' || substr(project_id, 1, 4), any_value(developer_id),
    'Developer ' || substr(any_value(developer_id), 1, 4), $held_at
from leads where project_id is not null group by project_id
"""


def make_store(folder: Path, n_leads: int) -> int:
    """Writes a store with about `n_leads` leads into the new folder `folder`; gives their exact number."""
    with open_store(folder):
        pass
    with duckdb.connect(str(folder / "leads.duckdb")) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("create temp macro chance(n, k) as hash(n * 64 + k) / 18446744073709551616.0")
        days = _days(n_leads)
        connection.execute("create temp table days (day timestamp, first_number bigint, n_leads bigint)")
        connection.executemany("insert into days values (?, ?, ?)", days)
        hours = [hour for hour, share in enumerate(_BY_HOUR) for _ in range(share)]
        hours += [20] * (1000 - len(hours))
        columns = [name for (name,) in connection.execute("select column_name from (describe leads)").fetchall()]
        for start in range(0, len(days), 30):
            stretch = days[start : start + 30]
            values = {
                "first": stretch[0][0],
                "last": stretch[-1][0] + timedelta(days=1),
                "hours": hours[:1000],
                "zone": ZONE.key,
                "held_at": HELD_AT,
                "n_agents": N_AGENTS,
                "n_listings": max(200, n_leads // 100),
                "n_senders": max(100, n_leads * 8 // 10),
            }
            connection.execute(_MADE, values)
            names = ", ".join(columns)
            connection.execute(f"insert into leads ({names}) select {names} from made order by created_at, lead_id")
            connection.execute(_OBSERVED)
            connection.execute(
                "insert into assignment_observations "
                "select lead_id, agent_id, created_at, first_seen_at, 'rest' from made order by first_seen_at, lead_id"
            )
        for statement in _NAMES.split(";"):
            connection.execute(statement, {"held_at": HELD_AT} if "$held_at" in statement else None)
        ((n_made,),) = connection.execute("select count(*) from leads").fetchall()
        facts = {"at": HELD_AT, "first": days[0][0].replace(tzinfo=ZONE), "n": n_made}
        connection.execute(
            "insert into syncs (sync_id, started_at, finished_at, kind, outcome, dialect, created_from, created_to, "
            "n_read, n_new, n_changed, n_unchanged, n_rejected, n_uncertain, n_calls, n_retries, seconds) "
            "values ('made', $at, $at, 'cold', 'complete', 'flat', $first, $at, $n, $n, 0, 0, 0, 0, 1, 0, 1)",
            facts,
        )
        connection.execute(
            "insert into slices (sync_id, created_from, created_to, total, n_distinct, is_certain, observed_at, how) "
            "values ('made', $first, $at, $n, $n, true, $at, 'read')",
            facts,
        )
    return int(n_made)


def open_store(folder: Path) -> Store:
    """The store in `folder`, as the app opens it."""
    return Store.open(folder, timezone=ZONE, portal=PORTAL)


def _days(n_leads: int) -> list[tuple[datetime, int, int]]:
    """Each day, the number of its first lead, and how many it has: in the end half as many again as at first."""
    last = HELD_AT.astimezone(ZONE).date()
    dates = [last - timedelta(days=N_DAYS - 1 - place) for place in range(N_DAYS)]
    weights = [_weight(day, place) for place, day in enumerate(dates)]
    days, first_number = [], 0
    for day, weight in zip(dates, weights, strict=True):
        n_of_day = round(n_leads * weight / sum(weights))
        days.append((datetime(day.year, day.month, day.day), first_number, n_of_day))  # noqa: DTZ001  # local
        first_number += n_of_day
    return days


def _weight(day: date, place: int) -> float:
    return _BY_WEEKDAY[day.weekday()] * (1 + 0.5 * place / N_DAYS)
