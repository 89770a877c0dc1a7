"""The nine questions over a polars frame in memory, all in one `collect_all`: `FILE ASKED RUNS`, one JSON line at the
end.
"""

import json
import resource
import sys
import time
from datetime import datetime, timedelta

import polars as pl

LADDER = {"sent": 1, "delivered": 2, "opened": 3, "responded": 4}
RUNG = pl.coalesce("reached_stage", "stage").replace_strict(LADDER, default=None, return_dtype=pl.Int8)
ARCHIVED, UNKNOWN = pl.col("stage") == "archived", pl.col("stage") == "unrecognised"
MATURED = pl.col("last_seen_at") - pl.col("created_at") >= timedelta(hours=24)
RESPONDED = pl.col("rung").eq_missing(4)
COUNTS = [
    pl.len().alias("leads"),
    pl.col("agent_id").is_null().sum().alias("unassigned"),
    RESPONDED.sum().alias("responded"),
    ((pl.col("rung") < 4) & ~ARCHIVED & ~UNKNOWN & ~pl.col("is_gone")).sum().alias("waiting"),
    ARCHIVED.sum().alias("archived"),
    (ARCHIVED & pl.col("rung").is_null()).sum().alias("archived_unknown"),
    pl.col("matured").sum().alias("n_matured"),
    (pl.col("matured") & RESPONDED).sum().alias("responded_matured"),
    (pl.col("matured") & pl.col("rung").is_null()).sum().alias("unknown_matured"),
    (~pl.col("matured") & ~RESPONDED).sum().alias("pending"),
    ((pl.col("rung") >= 1).fill_null(False) | ARCHIVED).sum().alias("reached_sent"),
    (pl.col("rung") >= 2).sum().alias("reached_delivered"),
    (pl.col("rung") >= 3).sum().alias("reached_opened"),
    RESPONDED.sum().alias("reached_responded"),
    pl.col("sender_key").drop_nulls().n_unique().alias("senders"),
]


def chosen(leads, asked):
    if "from" in asked:
        start, end = (datetime.fromisoformat(asked[side]) for side in ("from", "to"))
        leads = leads.filter((pl.col("created_at") >= start) & (pl.col("created_at") < end))
    for key, column in (("type", "channel"), ("agent", "agent_id"), ("listing", "listing_reference")):
        if key in asked:
            leads = leads.filter(pl.col(column).is_in(asked[key]))
    return leads


def change(leads, asked):
    for name in ("current", "previous"):
        start, end, seen_by = (datetime.fromisoformat(text) for text in asked[name])
        part = leads.filter((pl.col("created_at") >= start) & (pl.col("created_at") < end))
        yield part.select(
            pl.len(),
            pl.col("sender_key").drop_nulls().n_unique(),
            (pl.col("replied_by") <= seen_by).sum().alias("replied"),
        )


def nine(frame, names, asked):
    leads = chosen(frame.lazy(), asked)
    kinds = leads.with_columns(rung=RUNG, matured=MATURED)
    agent = pl.col("agent_id").cast(pl.String).fill_null("none")
    sizes = leads.group_by(agent.alias("agent")).len().collect().sort(["len", "agent"], descending=[True, False])
    top = sizes["agent"].head(12).to_list()
    group = pl.when(agent.is_in(top)).then(agent).otherwise(pl.lit("others")) if len(sizes) > 12 else agent
    page = leads.sort(["created_at", "lead_id"], descending=[True, False]).head(50)
    without_days = chosen(frame.lazy(), {key: value for key, value in asked.items() if key != "from"})
    total, days, entities, agents, hours, statuses, rows, current, previous = pl.collect_all([
        kinds.select(COUNTS),
        leads.group_by(pl.col("created_local").dt.date().alias("day"), "channel").len(),
        kinds.group_by("entity_type").agg(COUNTS),
        kinds.group_by(group.alias("agent")).agg(COUNTS),
        leads.group_by(
            pl.col("created_local").dt.weekday().alias("weekday"), pl.col("created_local").dt.hour().alias("hour")
        ).len(),
        leads.group_by("status").len(),
        page.join(names.lazy(), on="agent_id", how="left", maintain_order="left"),
        *change(without_days, asked),
    ])  # fmt: skip
    summary = list(total.row(0))
    return {
        "summary": summary,
        "change": {"current": list(current.row(0)), "previous": list(previous.row(0))},
        "volume": {f"{day:%Y-%m-%d} {channel}": n for day, channel, n in days.iter_rows()},
        "funnel": dict(zip(LADDER, summary[-5:-1], strict=True)),
        "entities": {key: list(counts) for key, *counts in entities.iter_rows()},
        "agents": {key: list(counts) for key, *counts in agents.iter_rows()},
        "heat_map": {f"{weekday} {hour}": n for weekday, hour, n in hours.iter_rows()},
        "statuses": dict(statuses.iter_rows()),
        "rows": [f"{lead} {name or ''}" for lead, name in zip(rows["lead_id"], rows["name"], strict=True)],
    }


def main():
    path, asked, runs = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    frame, names = pl.read_parquet(path), pl.read_parquet(path.replace("leads.parquet", "agents.parquet"))
    found = {}
    for name, question in asked.items():
        times = []
        for _ in range(runs + 1):
            began = time.perf_counter()
            answers = nine(frame, names, question)
            times.append(time.perf_counter() - began)
        found[name] = {"seconds": times[1:], "answers": answers}
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"found": found, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main()
