"""One function per question: a store and filters in, a small frame out.

Counts are whole numbers. A rate `x` comes as five columns: `x` (share; NaN where none may be shown), `x_low` and
`x_high` (95 % interval: Wilson, widened by leads of unknown outcome), `x_quality` (see Quality) and, next to it, its
numerator and denominator under the names METRICS gives. Instants are UTC; buckets and days are on the account's clock.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal, get_args

import numpy as np
import pandas as pd

from leadlib import formats
from leadlib.errors import FilterError
from leadlib.filters import MISSING, Filters
from leadlib.formats import Grain
from leadlib.metrics.change import summary_change
from leadlib.metrics.queries import (
    Coverage,
    ask,
    buckets_between,
    coverage,
    local_time,
    names_for,
    window,
)
from leadlib.metrics.statistics import wilson
from leadlib.metrics.table import (
    ALL,
    CHANNEL_LABELS,
    MAXIMUM_UNKNOWN_SHARE,
    METRICS,
    MINIMUM_FOR_RATE,
    MINIMUM_FOR_VERDICT,
    NO_GROUP,
    OTHERS,
    STAGE_LABELS,
    STAGES,
    Dimension,
    dimension_named,
    grain_named,
    label_of,
    metric_named,
    unknown,
)
from leadlib.records import LADDER
from leadlib.store import Store

VolumeBy = Literal["channel", "entity_type", "stage", "agent"]

COUNTS: tuple[str, ...] = (
    *("leads", "unique_senders", "unassigned", "responded", "waiting", "archived", "archived_unknown", "unrecognised"),
    *("matured", "responded_matured", "unknown_matured", "pending"),
    *("reached_sent", "reached_delivered", "reached_opened", "reached_responded"),
)
"""The columns of counts that `summary` and `breakdown` share, each a key of METRICS."""


def summary(store: Store, filters: Filters) -> pd.DataFrame:
    """The headline numbers, one row, also when there are no leads (zeros, rates NaN, times NaT).

    Columns: COUNTS (int), both rates as the head of this file says, first_created_at and last_created_at of the chosen
    leads, observed_at (the store's last observation, whatever the filters; all three UTC instants).
    """
    counted = ask(store, "counts", filters)
    if counted.empty:
        counted = pd.DataFrame(
            {**dict.fromkeys(COUNTS, 0), "first_created_at": pd.NaT, "last_created_at": pd.NaT}, index=[0]
        )
    rows = _with_rates(counted)
    rows["observed_at"] = pd.NaT if (ends_at := coverage(store).ends_at) is None else ends_at
    times = ["first_created_at", "last_created_at", "observed_at"]
    for column in times:
        rows[column] = _instants(rows[column])
    return rows[[*COUNTS, *_rate_columns(), *times]]


def volume(
    store: Store,
    filters: Filters,
    grain: Grain = "day",
    by: VolumeBy | None = None,
    limit: int | None = None,
) -> pd.DataFrame:
    """How many leads came when: one row per bucket and group, zeros written out, by time, then largest group first.

    Columns: bucket (start on the account's clock, naive), key, label (the group), leads (int), is_partial (the bucket
    is not over at the last observation, began before what was read, or is cut by the filters' days), covered (share of
    the bucket that was read, 0 to 1: zero leads at 0 are no answer). Buckets run from the first read or first lead to
    the last one within the filters' days. `limit` keeps the largest groups and adds up the rest as "Others". No leads:
    no rows.
    """
    if by is not None and by not in get_args(VolumeBy):
        raise unknown("group for volume", by, get_args(VolumeBy))
    grain = grain_named(grain)
    dimension = dimension_named(by) if by else NO_GROUP
    counted = ask(store, "volume", filters, by=dimension, grain=grain)
    if counted.empty:
        columns = ["bucket", "key", "label", "leads", "is_partial", "covered"]
        return pd.DataFrame({name: [] for name in columns}).astype(
            {"bucket": "datetime64[us]", "leads": "int64", "is_partial": bool, "covered": float}
        )
    counted["key"] = counted["key"].fillna(MISSING)
    order = _largest_first(counted)
    if limit is not None and len(order) > limit:
        counted.loc[~counted["key"].isin(order[:limit]), "key"] = OTHERS
        order = [*order[:limit], OTHERS]
    start, end = window(filters, store.timezone)
    read = coverage(store).within(start, end)
    local = [local_time(instant, store) for instant in (read.begins_at, read.ends_at) if instant is not None]
    # A stretch that ends at midnight does not begin another day.
    local[1:] = [instant - timedelta(microseconds=1) for instant in local[1:]]
    seen = [counted["bucket"].min().to_pydatetime(), counted["bucket"].max().to_pydatetime()]
    buckets = buckets_between(min([*seen, *local]), max([*seen, *local]), grain, store.timezone)
    covered = pd.Series(read.shares(buckets.from_, buckets.to), index=buckets.starts)
    grid = pd.MultiIndex.from_product([buckets.starts, order], names=["bucket", "key"])
    leads = counted.groupby(["bucket", "key"])["leads"].sum().reindex(grid, fill_value=0)
    rows = leads.reset_index()
    rows["leads"] = rows["leads"].astype("int64")
    rows["covered"] = covered.reindex(rows["bucket"]).to_numpy()
    rows["is_partial"] = rows["covered"] < 1
    rows["label"] = rows["key"].map(_labels(store, dimension, order))
    return rows[["bucket", "key", "label", "leads", "is_partial", "covered"]]


def heat_map(store: Store, filters: Filters) -> pd.DataFrame:
    """Leads by weekday and hour of the account's clock: 168 rows, Monday 00 first; no leads at all give no rows.

    Columns: weekday (1 = Monday), hour (0-23), leads (raw count), occurrences (how many such hours were read within the
    filters' days), leads_per_hour (leads / occurrences; NaN where no such hour was read).
    """
    counted = ask(store, "heat_map", filters)
    if counted.empty:
        return pd.DataFrame({"weekday": [], "hour": [], "leads": [], "occurrences": [], "leads_per_hour": []}).astype(
            {"weekday": "int64", "hour": "int64", "leads": "int64", "occurrences": "int64", "leads_per_hour": float}
        )
    grid = pd.MultiIndex.from_product([range(1, 8), range(24)], names=["weekday", "hour"])
    rows = counted.set_index(["weekday", "hour"])["leads"].reindex(grid, fill_value=0).astype("int64").reset_index()
    read = coverage(store).within(*window(filters, store.timezone))
    rows["occurrences"] = _hours_read(read, store).reindex(grid, fill_value=0).to_numpy(dtype="int64")
    rows["leads_per_hour"] = rows["leads"] / rows["occurrences"].where(rows["occurrences"] > 0)
    return rows


def funnel(store: Store, filters: Filters, by: Literal["channel"] | None = None) -> pd.DataFrame:
    """How far leads came: one row per group and stage, largest group first, stages up the ladder; no leads: no rows.

    Columns: key, label (the group), stage, stage_label, leads (reached at least this stage, as far as known: never
    rising), leads_high (if all leads of unknown history had reached it too), start_leads, previous_leads (the
    denominators), share_of_start and share_of_previous (NaN below 5 leads, or when unknowns pass 5 % of the
    denominator), each with _low and _high (95 % interval, widened by the unknown) and _quality, archived_unknown
    (leads of the group whose history is unknown), off_ladder (leads of the group that only ever had an unrecognised
    status: in no bar), note (stages left out because the group's channels never report them; empty if none).
    """
    if by not in (None, "channel"):
        raise unknown("group for the funnel", str(by), ["channel"])
    dimension = dimension_named(by) if by else NO_GROUP
    channels = ask(store, "counts", filters, by=dimension_named("channel"))
    # What the funnel takes from the counts adds up over channels, so one reading of the leads serves both.
    counted = channels if by or channels.empty else channels.sum(numeric_only=True).to_frame().T.assign(key=ALL)
    reported: dict[str, set[str]] = {}
    for seen in ask(store, "stages_seen", filters).itertuples():
        reported.setdefault(str(seen.channel), set()).add(str(seen.stage))
    counted["key"] = counted["key"].fillna(MISSING)
    frames: list[pd.DataFrame] = []
    for group in counted.sort_values(["leads", "key"], ascending=[False, True]).to_dict("records"):
        its_channels = [group["key"]] if by else list(channels["key"])
        # Whatever exists was sent, so the first rung stands even if every lead had left it when first seen.
        stages = [
            stage
            for stage in LADDER
            if stage == LADDER[0] or any(stage in reported.get(channel, ()) for channel in its_channels)
        ]
        rows = pd.DataFrame(
            {
                "key": group["key"],
                "label": label_of(dimension, str(group["key"])),
                "stage": stages,
                "stage_label": [STAGE_LABELS[stage] for stage in stages],
                "leads": [int(group[f"reached_{stage}"]) for stage in stages],
            }
        )
        unknown_leads = int(group["archived_unknown"])
        rows["leads_high"] = rows["leads"] + np.where(rows["stage"] == LADDER[0], 0, unknown_leads)
        rows["start_leads"] = int(group["reached_sent"])
        rows["previous_leads"] = rows["leads_high"].shift(1).fillna(rows["start_leads"]).astype("int64")
        rows["archived_unknown"] = unknown_leads
        rows["off_ladder"] = int(group["leads"]) - int(group["reached_sent"])
        rows["note"] = _note_on_stages(stages, its_channels, reported)
        frames.append(rows)
    columns = ["key", "label", "stage", "stage_label", "leads", "leads_high"]
    if not frames:
        whole = ["leads", "leads_high", "start_leads", "previous_leads", "archived_unknown", "off_ladder"]
        frames = [pd.DataFrame({name: [] for name in [*columns, *whole[2:], "note"]}).astype(dict.fromkeys(whole, int))]
    rows = pd.concat(frames, ignore_index=True)
    for share, denominator in (("share_of_start", "start_leads"), ("share_of_previous", "previous_leads")):
        rows = _with_rate(rows, share, rows["leads"], rows[denominator], rows["leads_high"] - rows["leads"])
        # All of those that were sent were sent: that is no estimate.
        rows.loc[(rows["stage"] == LADDER[0]) & rows[share].notna(), [f"{share}_low", f"{share}_high"]] = 1.0
        columns += [denominator, share, f"{share}_low", f"{share}_high", f"{share}_quality"]
    return rows[[*columns, "archived_unknown", "off_ladder", "note"]]


def status_counts(store: Store, filters: Filters, by: str | None = None) -> pd.DataFrame:
    """Today's statuses as the portal words them: one row per group and status, largest group first, then up the ladder.

    Columns: key, label (the group, of any dimension), status, stage, stage_label, leads, group_leads (the group's
    total), share (leads / group_leads: a plain share of a total, without an interval). No leads: no rows.
    """
    dimension = dimension_named(by) if by else NO_GROUP
    rows = ask(store, "statuses", filters, by=dimension)
    rows["key"] = rows["key"].fillna(MISSING)
    order = _largest_first(rows)
    rows["label"] = rows["key"].map(_labels(store, dimension, order))
    rows["stage_label"] = rows["stage"].map(STAGE_LABELS)
    rows["group_leads"] = rows.groupby("key")["leads"].transform("sum")
    rows["share"] = rows["leads"] / rows["group_leads"]
    rows["_group"] = rows["key"].map({key: place for place, key in enumerate(order)})
    rows["_stage"] = rows["stage"].map({stage: place for place, stage in enumerate(STAGES)})
    rows = rows.sort_values(["_group", "_stage", "leads", "status"], ascending=[True, True, False, True])
    columns = ["key", "label", "status", "stage", "stage_label", "leads", "group_leads", "share"]
    return rows[columns].reset_index(drop=True)


def breakdown(store: Store, filters: Filters, by: str, limit: int | None = None) -> pd.DataFrame:
    """All counts and rates per group of a dimension: most leads first, ties by key; groups of time in their own order.

    Columns: key (usable as a filter's value; "none" for leads that have none), label (a name, "#17" for an agent
    nobody named, "Unassigned" and the like), is_active (agents: True, False if departed, None if unknown; else None),
    n_groups (1, or how many groups the last row stands for), COUNTS, both rates as the head of this file says,
    first_created_at, last_created_at. `limit` keeps the largest groups and adds one row, key "others", over all other
    leads, counted anew so that its senders are right too. Groups without leads have no row, days included.
    """
    dimension = dimension_named(by)
    rows = ask(store, "counts", filters, by=dimension)
    rows["key"] = rows["key"].fillna(MISSING)
    rows["n_groups"] = 1
    if dimension.is_time:
        rows = rows.sort_values("key", key=lambda keys: keys.str.rjust(2, "0"))
    else:
        rows = rows.sort_values(["leads", "key"], ascending=[False, True])
        if limit is not None and len(rows) > limit:
            shown = rows.head(limit)
            rest = ask(store, "counts", filters, by=dimension, without=tuple(shown["key"]))
            rows = pd.concat([shown, rest.assign(key=OTHERS, n_groups=len(rows) - limit)])
    rows = _with_rates(rows.reset_index(drop=True))
    keys = list(rows["key"])
    names = names_for(store, dimension, keys)
    details = dict(zip(rows["key"], rows["detail"], strict=True))
    labels = _labels(store, dimension, keys, names, details)
    if OTHERS in labels:
        labels[OTHERS] = f"Others ({formats.number(rows['n_groups'].max())})"
    rows["label"] = rows["key"].map(labels)
    flags = zip(names["key"], names["is_active"], strict=True)
    active = {key: None if pd.isna(flag) else bool(flag) for key, flag in flags}
    rows["is_active"] = pd.Series([active.get(key) for key in keys], dtype=object)
    for column in ("first_created_at", "last_created_at"):
        rows[column] = _instants(rows[column])
    head = ["key", "label", "is_active", "n_groups"]
    return rows[[*head, *COUNTS, *_rate_columns(), "first_created_at", "last_created_at"]]


QUESTIONS: Mapping[str, Callable[..., pd.DataFrame]] = {
    "summary": summary,
    "summary_change": summary_change,
    "volume": volume,
    "heat_map": heat_map,
    "funnel": funnel,
    "status_counts": status_counts,
    "breakdown": breakdown,
}


def compute(name: str, store: Store, filters: Filters, by: str | None = None, grain: Grain = "day") -> pd.DataFrame:
    """The frame behind a metric's key or a question's name: what the command line and the notebook ask for.

    A question gives its own frame. A metric gives its own columns of `summary`, or of `breakdown` if `by` is named;
    shares of the funnel and leads per hour give those of their question. `grain` is for volume alone; `by`
    "none" is no `by`. Raises FilterError for an unknown name, with the nearest known one, and for a `by` that the
    question does not take.
    """
    by = None if by == "none" else by
    if by is not None and name in {"summary", "summary_change", "heat_map", "leads_per_hour"}:
        raise FilterError(f"“{name}” is over all leads: leave out “{by[:40]}”, or ask for breakdown.", by)
    if name in QUESTIONS:
        if name == "breakdown":
            return breakdown(store, filters, by or "channel")
        if name == "volume":
            return volume(store, filters, grain, by)  # type: ignore[arg-type]  # volume refuses what it does not take
        if name in {"funnel", "status_counts"}:
            return QUESTIONS[name](store, filters, by)
        return QUESTIONS[name](store, filters)
    if name not in {metric.key for metric in METRICS}:
        raise unknown("metric", name, [*(metric.key for metric in METRICS), *QUESTIONS])
    metric = metric_named(name)
    if metric.sql == "heat_map":
        return heat_map(store, filters)
    if name in {"share_of_start", "share_of_previous"}:
        rows = funnel(store, filters, by)  # type: ignore[arg-type]  # funnel refuses what it does not take
        return rows[["key", "label", "stage", "stage_label", *_columns_of(name)]]
    rows = breakdown(store, filters, by) if by else summary(store, filters)
    return rows[[*(("key", "label") if by else ()), *_columns_of(name)]]


def _columns_of(name: str) -> list[str]:
    metric = metric_named(name)
    if metric.numerator is None or metric.denominator is None:
        return [name]
    return [name, f"{name}_low", f"{name}_high", metric.numerator, metric.denominator, f"{name}_quality"]


def _rate_columns() -> list[str]:
    rates = ("response_rate", "response_rate_of_all")
    return [f"{rate}{end}" for rate in rates for end in ("", "_low", "_high", "_quality")]


def _with_rates(rows: pd.DataFrame) -> pd.DataFrame:
    rows = _with_rate(rows, "response_rate", rows["responded_matured"], rows["matured"], rows["unknown_matured"])
    # The portal's own figure knows no unknowns: archived leads count as not responded, so no bounds stand in for it.
    return _with_rate(rows, "response_rate_of_all", rows["responded"], rows["leads"], 0 * rows["leads"])


def _with_rate(rows: pd.DataFrame, name: str, hits: pd.Series, n: pd.Series, unknown_leads: pd.Series) -> pd.DataFrame:
    """`rows` with the rate hits / n, its interval from none to all of the unknown among the hits, and its quality."""
    low, _ = wilson(hits, n)
    _, high = wilson(hits + unknown_leads, n)
    is_shown = (n >= MINIMUM_FOR_RATE).to_numpy()
    is_bounds = (unknown_leads > MAXIMUM_UNKNOWN_SHARE * n).to_numpy()
    return rows.assign(
        **{
            name: np.where(is_shown & ~is_bounds, hits / n.where(n > 0), np.nan),
            f"{name}_low": np.where(is_shown, low, np.nan),
            f"{name}_high": np.where(is_shown, high, np.nan),
            f"{name}_quality": np.select(
                [n == 0, ~is_shown, is_bounds, n < MINIMUM_FOR_VERDICT],
                ["no_leads", "too_few", "bounds", "few"],
                "enough",
            ).astype(object),
        }
    )


def _instants(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column, utc=True).astype("datetime64[us, UTC]")


def _largest_first(rows: pd.DataFrame) -> list[str]:
    totals = rows.groupby("key")["leads"].sum().reset_index()
    return list(totals.sort_values(["leads", "key"], ascending=[False, True])["key"])


def _labels(
    store: Store,
    dimension: Dimension,
    keys: list[str],
    names: pd.DataFrame | None = None,
    details: Mapping[str, object] | None = None,
) -> dict[str, str]:
    """Words for every key: a name where there is one, else the portal's own reference, else the id."""
    names = names_for(store, dimension, keys) if names is None else names
    known = {key: label for key, label in zip(names["key"], names["label"], strict=True) if isinstance(label, str)}
    labels: dict[str, str] = {}
    for key in keys:
        detail = (details or {}).get(key)
        if key == OTHERS:
            labels[key] = "Others"
        elif key in known and known[key].strip():
            labels[key] = known[key].strip()
        elif isinstance(detail, str):
            labels[key] = detail
        elif dimension.key == "agent" and key != MISSING:
            labels[key] = f"#{key}"
        elif dimension.is_time:
            labels[key] = _time_label(dimension, key)
        else:
            labels[key] = label_of(dimension, key)
    return labels


def _time_label(dimension: Dimension, key: str) -> str:
    if dimension.key == "weekday":
        return formats.WEEKDAYS[int(key) - 1]
    if dimension.key == "hour":
        return formats.hour(int(key))
    return formats.bucket(date.fromisoformat(key), grain_named(dimension.key))


def _hours_read(read: Coverage, store: Store) -> pd.Series:
    """How many hours of each weekday and hour were read at least in part, indexed by (weekday, hour)."""
    if read.begins_at is None or read.ends_at is None:
        return pd.Series(dtype="int64")
    last = local_time(read.ends_at, store) - timedelta(microseconds=1)
    hours = buckets_between(local_time(read.begins_at, store), last, "hour", store.timezone)
    starts = hours.starts[read.shares(hours.from_, hours.to) > 0]
    return pd.Series(1, index=starts).groupby([starts.day_of_week + 1, starts.hour]).sum()


def _note_on_stages(stages: Sequence[str], channels: Sequence[str], reported: Mapping[str, set[str]]) -> str:
    notes: list[str] = []
    never = [STAGE_LABELS[stage] for stage in LADDER if stage not in stages]
    if never:
        notes.append(f"{formats.listed(never)} {'is' if len(never) == 1 else 'are'} never reported here.")
    for stage in stages[1:]:
        silent = [c for c in channels if stage not in reported.get(c, ())]
        if silent:
            words = formats.listed([CHANNEL_LABELS.get(c, c) or "no channel" for c in silent], "or")
            notes.append(f"{STAGE_LABELS[stage]} is never reported for {words}.")
    return " ".join(notes)
