"""One function per question: a store and filters in, a small frame out.

Counts are whole numbers. A rate `x` comes as five columns: `x` (share; NaN where none may be shown), `x_low` and
`x_high` (95 % interval: Wilson, widened by leads of unknown outcome), `x_quality` (see Quality) and, next to it, its
numerator and denominator under the names METRICS gives. Instants are UTC; buckets and days are on the account's clock.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, timedelta
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from leadlib import formats
from leadlib.filters import MISSING, Filters
from leadlib.formats import Grain
from leadlib.metrics.counting import ADDABLE, COUNTS, Columns, counts_by, rate, rates, senders_by
from leadlib.metrics.queries import Coverage, ask, buckets_between, coverage, local_time, names_of, window
from leadlib.metrics.table import (
    CHANNEL_LABELS,
    NO_GROUP,
    OTHERS,
    STAGE_LABELS,
    STAGES,
    Dimension,
    dimension_named,
    grain_named,
    label_of,
    unknown,
)
from leadlib.records import LADDER
from leadlib.store import Store

VolumeBy = Literal["channel", "entity_type", "stage", "agent"]


def summary(store: Store, filters: Filters) -> pd.DataFrame:
    """The headline numbers, one row, also when there are no leads (zeros, rates NaN, times NaT).

    Columns: COUNTS (int), both rates as the head of this file says, first_created_at and last_created_at of the chosen
    leads, observed_at (the store's last observation, whatever the filters; all three UTC instants).
    """
    counted = counts_by(store, filters, NO_GROUP)
    if not len(counted["key"]):
        counted |= dict.fromkeys(ADDABLE, np.zeros(1, dtype="int64"))
        counted |= dict.fromkeys(("first_created_at", "last_created_at"), np.array(["NaT"], dtype="datetime64[us]"))
    counted["unique_senders"] = np.array([sum(senders_by(store, filters, NO_GROUP).values())])
    ends_at = coverage(store).ends_at
    observed_at = np.array([ends_at and ends_at.astimezone(UTC).replace(tzinfo=None)], dtype="datetime64[us]")
    return pd.DataFrame(
        {
            **{name: counted[name] for name in COUNTS},
            **rates(counted),
            "first_created_at": _utc(counted["first_created_at"]),
            "last_created_at": _utc(counted["last_created_at"]),
            "observed_at": _utc(observed_at),
        }
    )


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
    counted = ask(store, "volume", filters, by=(dimension,), grain=grain)
    if counted.empty:
        return pd.DataFrame(
            {"bucket": [], "key": [], "label": [], "leads": [], "is_partial": [], "covered": []}
        ).astype({"bucket": "datetime64[us]", "leads": "int64", "is_partial": bool, "covered": float})
    keys = list(counted["key"].fillna(MISSING))
    totals: dict[str, int] = {}
    for key, leads in zip(keys, counted["leads"], strict=True):
        totals[key] = totals.get(key, 0) + leads
    order = sorted(totals, key=lambda key: (-totals[key], key))
    if limit is not None and len(order) > limit:
        order = [*order[:limit], OTHERS]
    start, end = window(filters, store.timezone)
    read = coverage(store).within(start, end)
    local = [local_time(instant, store) for instant in (read.begins_at, read.ends_at) if instant is not None]
    # A stretch that ends at midnight does not begin another day.
    local[1:] = [instant - timedelta(microseconds=1) for instant in local[1:]]
    seen = [counted["bucket"].iloc[0].to_pydatetime(), counted["bucket"].iloc[-1].to_pydatetime()]
    buckets = buckets_between(min([*seen, *local]), max([*seen, *local]), grain, store.timezone)
    covered = read.shares(buckets.from_, buckets.to)
    place_of = {key: place for place, key in enumerate(order)}
    groups = np.array([place_of.get(key, len(order) - 1) for key in keys])
    grid = np.zeros((len(buckets.starts), len(order)), dtype="int64")
    np.add.at(grid, (buckets.starts.get_indexer(pd.Index(counted["bucket"])), groups), counted["leads"].to_numpy())
    labels = labels_of(store, dimension, order)
    return pd.DataFrame(
        {
            "bucket": buckets.starts.repeat(len(order)),
            "key": order * len(buckets.starts),
            "label": [labels[key] for key in order] * len(buckets.starts),
            "leads": grid.ravel(),
            "is_partial": np.repeat(covered < 1, len(order)),
            "covered": np.repeat(covered, len(order)),
        }
    )


def heat_map(store: Store, filters: Filters) -> pd.DataFrame:
    """Leads by weekday and hour of the account's clock: 168 rows, Monday 00 first; no leads at all give no rows.

    Columns: weekday (1 = Monday), hour (0-23), leads (raw count), occurrences (how many such hours were read within the
    filters' days; 0 for weekdays and hours that the filters leave out), leads_per_hour (leads / occurrences; NaN where
    no such hour was read).
    """
    counted = ask(store, "heat_map", filters)
    if counted.empty:
        return pd.DataFrame({"weekday": [], "hour": [], "leads": [], "occurrences": [], "leads_per_hour": []}).astype(
            {"weekday": "int64", "hour": "int64", "leads": "int64", "occurrences": "int64", "leads_per_hour": float}
        )
    leads = np.zeros((7, 24), dtype="int64")
    leads[counted["weekday"] - 1, counted["hour"]] = counted["leads"]
    occurrences = _hours_read(coverage(store).within(*window(filters, store.timezone)), store)
    if filters["weekday"]:
        occurrences[[day[:3].lower() not in filters["weekday"] for day in formats.WEEKDAYS], :] = 0
    if filters["hour"]:
        occurrences[:, [str(hour) not in filters["hour"] for hour in range(24)]] = 0
    return pd.DataFrame(
        {
            "weekday": np.repeat(np.arange(1, 8), 24),
            "hour": np.tile(np.arange(24), 7),
            "leads": leads.ravel(),
            "occurrences": occurrences.ravel(),
            "leads_per_hour": np.where(occurrences > 0, leads / np.maximum(occurrences, 1), np.nan).ravel(),
        }
    )


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
    counted = counts_by(store, filters, dimension)
    channels = sorted(counts_by(store, filters, dimension_named("channel"))["key"])
    reported: dict[str, set[str]] = {}
    for channel, stage in ask(store, "stages_seen", filters).itertuples(index=False):
        reported.setdefault(channel, set()).add(stage)
    rows: list[dict[str, Any]] = []
    for place in _in_order(counted, dimension):
        group = {name: column[place] for name, column in counted.items()}
        its_channels = [group["key"]] if by else channels
        # Whatever exists was sent, so the first rung stands even if every lead had left it when first seen.
        stages = [
            stage
            for stage in LADDER
            if stage == LADDER[0] or any(stage in reported.get(channel, ()) for channel in its_channels)
        ]
        note = _note_on_stages(stages, its_channels, reported)
        start = previous = group["reached_sent"]
        for stage in stages:
            reached = group[f"reached_{stage}"]
            high = reached + (0 if stage == LADDER[0] else group["archived_unknown"])
            rows.append(
                {
                    "key": group["key"],
                    "label": label_of(dimension, group["key"]),
                    "stage": stage,
                    "stage_label": STAGE_LABELS[stage],
                    "leads": reached,
                    "leads_high": high,
                    "start_leads": start,
                    "previous_leads": previous,
                    "archived_unknown": group["archived_unknown"],
                    "off_ladder": group["leads"] - start,
                    "note": note,
                }
            )
            previous = high

    def column(name: str) -> npt.NDArray[Any]:
        return np.array([row[name] for row in rows], dtype=object if name in _FUNNEL_TEXTS else "int64")

    unknown_leads = column("leads_high") - column("leads")
    shares = {
        **rate("share_of_start", column("leads"), column("start_leads"), unknown_leads),
        **rate("share_of_previous", column("leads"), column("previous_leads"), unknown_leads),
    }
    for share in ("share_of_start", "share_of_previous"):
        # All of those that were sent were sent: that is no estimate.
        is_certain = (column("stage") == LADDER[0]) & ~np.isnan(shares[share])
        shares[f"{share}_low"][is_certain] = shares[f"{share}_high"][is_certain] = 1.0
    return pd.DataFrame({name: shares[name] if name in shares else column(name) for name in _FUNNEL})


_FUNNEL_TEXTS = ("key", "label", "stage", "stage_label", "note")
_FUNNEL = (
    *("key", "label", "stage", "stage_label", "leads", "leads_high"),
    *("start_leads", "share_of_start", "share_of_start_low", "share_of_start_high", "share_of_start_quality"),
    *("previous_leads", "share_of_previous", "share_of_previous_low", "share_of_previous_high"),
    *("share_of_previous_quality", "archived_unknown", "off_ladder", "note"),
)


def status_counts(store: Store, filters: Filters, by: str | None = None) -> pd.DataFrame:
    """Today's statuses as the portal words them: one row per group and status, largest group first, then up the ladder.

    Columns: key, label (the group, of any dimension), status, stage, stage_label, leads, group_leads (the group's
    total), share (leads / group_leads: a plain share of a total, without an interval). No leads: no rows.
    """
    dimension = dimension_named(by) if by else NO_GROUP
    rows = ask(store, "statuses", filters, by=(dimension,))
    rows["key"] = rows["key"].fillna(MISSING)
    totals = rows.groupby("key")["leads"].sum()
    labels = labels_of(store, dimension, list(totals.index))
    rows["label"] = rows["key"].map(labels)
    rows["stage_label"] = rows["stage"].map(STAGE_LABELS)
    rows["group_leads"] = rows["key"].map(totals).astype("int64")
    rows["share"] = rows["leads"] / rows["group_leads"]
    rows["rung"] = rows["stage"].map({stage: place for place, stage in enumerate(STAGES)})
    order = ["group_leads", "key", "rung", "leads", "status"]
    rows = rows.sort_values(order, ascending=[False, True, True, False, True], ignore_index=True)
    return rows[["key", "label", "status", "stage", "stage_label", "leads", "group_leads", "share"]]


def breakdown(store: Store, filters: Filters, by: str, limit: int | None = None) -> pd.DataFrame:
    """All counts and rates per group of a dimension: most leads first, ties by key; groups of time in their own order.

    Columns: key (usable as a filter's value; "none" for leads that have none), label (a name, "#17" for an agent
    nobody named, "Unassigned" and the like), is_active (agents: True, False if departed, None if unknown; else None),
    n_groups (1, or how many groups the last row stands for), COUNTS, both rates as the head of this file says,
    first_created_at, last_created_at. `limit` keeps the largest groups and adds one row, key "others", over all other
    leads, whose senders are counted anew. Groups without leads have no row, days included.
    """
    dimension = dimension_named(by)
    counted = counts_by(store, filters, dimension)
    order = _in_order(counted, dimension)
    n_others, shown = 0, None
    if limit is not None and len(order) > limit and not dimension.is_time:
        n_others, shown = len(order) - limit, tuple(counted["key"][order[:limit]])
        counted = counts_by(store, filters, dimension, shown)
        order = list(range(limit + 1))
    keys = list(counted["key"][order])
    senders = senders_by(store, filters, dimension, shown)
    columns = {name: column[order] for name, column in counted.items()}
    columns["unique_senders"] = np.array([senders[key] for key in keys], dtype="int64")
    labels = labels_of(store, dimension, keys, dict(zip(keys, columns["detail"], strict=True)))
    if shown is not None:
        labels[OTHERS] = f"Others ({formats.number(n_others)})"
    names = names_of(store, dimension)
    return pd.DataFrame(
        {
            "key": pd.Series(keys, dtype="str"),
            "label": pd.Series([labels[key] for key in keys], dtype="str"),
            "is_active": np.array([names[key].is_active if key in names else None for key in keys], dtype=object),
            "n_groups": np.array([n_others if key == OTHERS and shown else 1 for key in keys], dtype="int64"),
            **{name: columns[name] for name in COUNTS},
            **rates(columns),
            "first_created_at": _utc(columns["first_created_at"]),
            "last_created_at": _utc(columns["last_created_at"]),
        }
    )


def _in_order(counted: Columns, dimension: Dimension) -> list[int]:
    """The places of the groups as they are listed: time goes its way, of all else the largest comes first."""
    keys, leads = counted["key"].tolist(), counted["leads"].tolist()
    if dimension.is_time:
        return sorted(range(len(keys)), key=lambda place: keys[place].rjust(2, "0"))
    return sorted(range(len(keys)), key=lambda place: (-leads[place], keys[place]))


def _utc(instants: npt.NDArray[Any]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(instants).tz_localize("UTC")


def labels_of(
    store: Store, dimension: Dimension, keys: Sequence[str], details: Mapping[str, object] | None = None
) -> dict[str, str]:
    """Words for every key: a name where there is one, else the portal's own reference, else the id."""
    names = names_of(store, dimension)
    labels: dict[str, str] = {}
    for key in keys:
        detail = (details or {}).get(key)
        name = names[key].label if key in names else None
        if key == OTHERS:
            labels[key] = "Others"
        elif name is not None:
            labels[key] = name
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


def _hours_read(read: Coverage, store: Store) -> npt.NDArray[np.int64]:
    """How many hours of each weekday (rows, Monday first) and hour (columns) were read at least in part."""
    hours_read = np.zeros((7, 24), dtype="int64")
    if read.begins_at is not None and read.ends_at is not None:
        last = local_time(read.ends_at, store) - timedelta(microseconds=1)
        hours = buckets_between(local_time(read.begins_at, store), last, "hour", store.timezone)
        starts = hours.starts[read.shares(hours.from_, hours.to) > 0]
        np.add.at(hours_read, (starts.day_of_week, starts.hour), 1)
    return hours_read


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
