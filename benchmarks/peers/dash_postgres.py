"""The nine questions to a PostgreSQL: `load URL FILE` fills it, `URL ASKED RUNS` asks, one JSON line at the end.

The file is CSV with a header. Indexes are what the filters ask for: time, and channel, agent and listing with time.
"""

import json
import sys
import time

import psycopg

TABLE = """
create unlogged table leads (
    lead_id text not null, created_at timestamptz not null, created_local timestamp not null, channel text not null,
    entity_type text not null, agent_id bigint, listing_reference text, status text not null, stage text not null,
    reached_stage text, sender_key text, last_seen_at timestamptz not null, is_gone boolean not null,
    replied_by timestamptz
);
create unlogged table agents (agent_id bigint primary key, name text not null);
"""
INDEXES = (
    "create index on leads (created_at, lead_id)",
    "create index on leads (channel, created_at)",
    "create index on leads (agent_id, created_at)",
    "create index on leads (listing_reference, created_at)",
    "vacuum analyze leads",
    "vacuum analyze agents",
)
RUNG = """case coalesce(reached_stage, stage) when 'sent' then 1 when 'delivered' then 2 when 'opened' then 3
    when 'responded' then 4 end"""
COUNTS = """
    count(*), count(*) filter (where agent_id is null), count(*) filter (where rung = 4),
    count(*) filter (where rung < 4 and stage not in ('archived', 'unrecognised') and not is_gone),
    count(*) filter (where stage = 'archived'), count(*) filter (where stage = 'archived' and rung is null),
    count(*) filter (where matured), count(*) filter (where matured and rung = 4),
    count(*) filter (where matured and rung is null), count(*) filter (where not matured and rung is distinct from 4),
    count(*) filter (where rung >= 1 or stage = 'archived'), count(*) filter (where rung >= 2),
    count(*) filter (where rung >= 3), count(*) filter (where rung = 4), count(distinct sender_key)
"""
MATURED = "last_seen_at - created_at >= interval '24 hours'"
KINDS = f"(select *, {RUNG} as rung, {MATURED} as matured from leads where {{0}}) as k"


def condition(asked):
    parts, values = ["true"], []
    if "from" in asked:
        parts.append("created_at >= %s::timestamptz and created_at < %s::timestamptz")
        values += [asked["from"], asked["to"]]
    for key, column in (("type", "channel"), ("agent", "agent_id"), ("listing", "listing_reference")):
        if key in asked:
            parts.append(f"{column} = any(%s)")
            values.append(asked[key])
    return " and ".join(parts), values


def nine(ask, asked):
    where, values = condition(asked)
    without_days, same = condition({key: value for key, value in asked.items() if key != "from"})
    kinds = KINDS.format(where)
    sizes = ask(
        f"select coalesce(agent_id::text, 'none'), count(*) from leads where {where} group by 1 order by 2 desc, 1",
        values,
    )
    group = "coalesce(agent_id::text, 'none')"
    top = [agent for agent, _ in sizes[:12]]
    if len(sizes) > 12:
        group = f"case when {group} = any(%s) then {group} else 'others' end"
    shown = [top] if len(sizes) > 12 else []
    summary = list(ask(f"select {COUNTS} from {kinds}", values)[0])
    period = """select count(*), count(distinct sender_key), count(*) filter (where replied_by <= %s::timestamptz)
        from leads where created_at >= %s::timestamptz and created_at < %s::timestamptz and """
    return {
        "summary": summary,
        "change": {
            name: list(ask(period + without_days, [asked[name][2], asked[name][0], asked[name][1], *same])[0])
            for name in ("current", "previous")
        },
        "volume": {
            f"{day} {channel}": n
            for day, channel, n in ask(
                f"select created_local::date::text, channel, count(*) from leads where {where} group by 1, 2", values
            )
        },
        "funnel": dict(zip(("sent", "delivered", "opened", "responded"), summary[-5:-1], strict=True)),
        "entities": {
            key: counts for key, *counts in ask(f"select entity_type, {COUNTS} from {kinds} group by 1", values)
        },
        "agents": {
            key: counts for key, *counts in ask(f"select {group}, {COUNTS} from {kinds} group by 1", [*shown, *values])
        },
        "heat_map": {
            f"{weekday} {hour}": n
            for weekday, hour, n in ask(
                "select extract(isodow from created_local)::int, extract(hour from created_local)::int, count(*) "
                f"from leads where {where} group by 1, 2",
                values,
            )
        },
        "statuses": dict(ask(f"select status, count(*) from leads where {where} group by 1", values)),
        "rows": [
            f"{lead} {name or ''}"
            for lead, name in ask(
                f"select lead_id, name from (select * from leads where {where} order by created_at desc, lead_id "
                "limit 50) as page left join agents using (agent_id) order by created_at desc, lead_id",
                values,
            )
        ],
    }


def load(url, path):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLE)
        for table, name in (("leads", path), ("agents", path.replace("leads.csv", "agents.csv"))):
            with (
                connection.cursor().copy(f"copy {table} from stdin (format csv, header)") as copy,
                open(name, "rb") as file,
            ):
                while block := file.read(1 << 20):
                    copy.write(block)
        for statement in INDEXES:
            connection.execute(statement)
        ((size,),) = connection.execute("select pg_total_relation_size('leads')").fetchall()
    print(json.dumps({"bytes": size}))


def main():
    if sys.argv[1] == "load":
        load(sys.argv[2], sys.argv[3])
        return
    url, asked, runs = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    found = {}
    with psycopg.connect(url, autocommit=True) as connection:

        def ask(sql, values):
            return connection.execute(sql, values).fetchall()

        for name, question in asked.items():
            times = []
            for _ in range(runs + 1):
                began = time.perf_counter()
                answers = nine(ask, question)
                times.append(time.perf_counter() - began)
            found[name] = {"seconds": times[1:], "answers": answers}
    print(json.dumps({"found": found, "peak_mb": None}))


if __name__ == "__main__":
    main()
