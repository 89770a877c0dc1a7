"""The nine questions over a data frame in memory: `FILE ASKED RUNS`, one JSON line at the end.

`ASKED` is the JSON that benchmarks/dashboard.py gives to everybody. `cached` takes the frame out of a pickle at each
run, as st.cache_data does; `held` has it at hand.
"""

import json
import pickle
import resource
import sys
import time

import numpy as np
import pandas as pd

LADDER = {"sent": 1, "delivered": 2, "opened": 3, "responded": 4}


def chosen(df, asked):
    keep = np.ones(len(df), dtype=bool)
    if "from" in asked:
        keep &= (df["created_at"] >= pd.Timestamp(asked["from"])).to_numpy()
        keep &= (df["created_at"] < pd.Timestamp(asked["to"])).to_numpy()
    for key, column in (("type", "channel"), ("agent", "agent_id"), ("listing", "listing_reference")):
        if key in asked:
            keep &= df[column].isin(asked[key]).to_numpy()
    return df[keep] if not keep.all() else df


def with_kinds(df):
    rung = df["reached_stage"].fillna(df["stage"]).map(LADDER)
    archived, unknown = df["stage"] == "archived", df["stage"] == "unrecognised"
    matured = df["last_seen_at"] - df["created_at"] >= pd.Timedelta(hours=24)
    responded = rung == 4
    return pd.DataFrame({
        "leads": 1,
        "unassigned": df["agent_id"].isna().astype("int64"),
        "responded": responded.astype("int64"),
        "waiting": ((rung < 4) & ~archived & ~unknown & ~df["is_gone"]).astype("int64"),
        "archived": archived.astype("int64"),
        "archived_unknown": (archived & rung.isna()).astype("int64"),
        "matured": matured.astype("int64"),
        "responded_matured": (matured & responded).astype("int64"),
        "unknown_matured": (matured & rung.isna()).astype("int64"),
        "pending": (~matured & ~responded).astype("int64"),
        "reached_sent": ((rung >= 1) | archived).astype("int64"),
        "reached_delivered": (rung >= 2).astype("int64"),
        "reached_opened": (rung >= 3).astype("int64"),
        "reached_responded": responded.astype("int64"),
        "sender_key": df["sender_key"],
        "entity_type": df["entity_type"],
        "agent_id": df["agent_id"],
    })  # fmt: skip


COUNTS = [
    "leads", "unassigned", "responded", "waiting", "archived", "archived_unknown", "matured", "responded_matured",
    "unknown_matured", "pending", "reached_sent", "reached_delivered", "reached_opened", "reached_responded",
]  # fmt: skip


def by_group(kinds, key):
    groups = kinds.groupby(key, sort=False)
    sums, senders = groups[COUNTS].sum(), groups["sender_key"].nunique()
    return {str(k): [int(n) for n in (*sums.loc[k], senders.loc[k])] for k in sums.index}


def change(df, asked):
    periods = {}
    for name in ("current", "previous"):
        start, end, seen_by = (pd.Timestamp(text) for text in asked[name])
        part = df[(df["created_at"] >= start) & (df["created_at"] < end)]
        periods[name] = [len(part), int(part["sender_key"].nunique()), int((part["replied_by"] <= seen_by).sum())]
    return periods


def nine(df, names, asked):
    leads = chosen(df, asked)
    without_days = chosen(df, {key: value for key, value in asked.items() if key != "from"})
    kinds = with_kinds(leads)
    total = [int(kinds[name].sum()) for name in COUNTS]
    days = leads.groupby([leads["created_local"].dt.normalize(), leads["channel"]]).size()
    hours = leads.groupby([leads["created_local"].dt.dayofweek + 1, leads["created_local"].dt.hour]).size()
    by_agent = kinds.assign(
        agent_id=kinds["agent_id"].astype("Int64").astype("str").where(kinds["agent_id"].notna(), "none")
    )
    sizes = by_agent.groupby("agent_id").size().reset_index(name="n")
    top = list(sizes.sort_values(["n", "agent_id"], ascending=[False, True])["agent_id"][:12])
    if len(sizes) > 12:
        by_agent["agent_id"] = by_agent["agent_id"].where(by_agent["agent_id"].isin(top), "others")
    page = leads.nlargest(80, "created_at").sort_values(["created_at", "lead_id"], ascending=[False, True])[:50]
    page = page.merge(names, on="agent_id", how="left")
    return {
        "summary": [*total, int(leads["sender_key"].nunique())],
        "change": change(without_days, asked),
        "volume": {f"{day:%Y-%m-%d} {channel}": int(n) for (day, channel), n in days.items()},
        "funnel": dict(zip(LADDER, total[-4:], strict=True)),
        "entities": by_group(kinds, "entity_type"),
        "agents": by_group(by_agent, "agent_id"),
        "heat_map": {f"{day} {hour}": int(n) for (day, hour), n in hours.items()},
        "statuses": {status: int(n) for status, n in leads.groupby("status").size().items()},
        "rows": [f"{lead} {name}" for lead, name in zip(page["lead_id"], page["name"].fillna(""), strict=True)],
    }


def main():
    path, how, asked, runs = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
    frame, names = pd.read_parquet(path), pd.read_parquet(path.replace("leads.parquet", "agents.parquet"))
    blob = pickle.dumps((frame, names)) if how == "cached" else b""
    if how == "cached":
        del frame, names
    found = {}
    for name, question in asked.items():
        times = []
        for _ in range(runs + 1):
            began = time.perf_counter()
            df, agents = pickle.loads(blob) if how == "cached" else (frame, names)  # noqa: S301
            answers = nine(df, agents, question)
            times.append(time.perf_counter() - began)
        found[name] = {"seconds": times[1:], "answers": answers}
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"found": found, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main()
