"""Numbers by name: the frame behind a metric's key or a question's name."""

from collections.abc import Callable, Mapping

import pandas as pd

from leadlib.errors import FilterError
from leadlib.filters import Filters
from leadlib.formats import Grain
from leadlib.metrics.agents import agents
from leadlib.metrics.change import summary_change
from leadlib.metrics.questions import breakdown, funnel, heat_map, status_counts, summary, volume
from leadlib.metrics.replies import reply_curve, reply_shares
from leadlib.metrics.table import METRICS, metric_named, unknown
from leadlib.store import Store

QUESTIONS: Mapping[str, Callable[..., pd.DataFrame]] = {
    "summary": summary,
    "summary_change": summary_change,
    "volume": volume,
    "heat_map": heat_map,
    "funnel": funnel,
    "status_counts": status_counts,
    "breakdown": breakdown,
    "agents": agents,
    "reply_shares": reply_shares,
    "reply_curve": reply_curve,
}

_OF_AGENTS = ("shrunken_rate", "rank", "peer_rate", "verdict", "oldest_waiting_h")
_OF_REPLIES = ("replied_within", "archived_within", "still_waiting", "median_reply_min")


def compute(name: str, store: Store, filters: Filters, by: str | None = None, grain: Grain = "day") -> pd.DataFrame:
    """The frame behind a metric's key or a question's name: what the command line and the notebook ask for.

    A question gives its own frame. A metric gives its own columns of `summary`, or of `breakdown` if `by` is named;
    shares of the funnel, leads per hour and what only agents have give those of their question. `grain` is for volume
    alone; `by` "none" is no `by`. Raises FilterError for an unknown name, with the nearest known one, and for a `by`
    that the question does not take.
    """
    by = None if by == "none" else by
    of_all = {"summary", "summary_change", "heat_map", "leads_per_hour", "reply_shares", "reply_curve", *_OF_REPLIES}
    if by is not None and name in of_all:
        raise FilterError(f"“{name}” is over all leads: leave out “{by[:40]}”, or ask for breakdown.", by)
    if by not in (None, "agent") and name in {"agents", *_OF_AGENTS}:
        raise FilterError(f"“{name}” is told of agents only: leave out “{by[:40]}”.", by)
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
    if name in _OF_AGENTS:
        return agents(store, filters)[["key", "label", *_columns_of(name)]]
    if name in {"replied_within", "median_reply_min"}:
        return reply_shares(store, filters)[["key", "label", name, f"{name}_low", f"{name}_high"]]
    if name in _OF_REPLIES:
        return reply_curve(store, filters)[["key", "label", "age_min", name]]
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
    if name == "rank":
        return ["rank", "rank_best", "rank_worst", "n_ranked"]
    if metric.numerator is None or metric.denominator is None:
        return [name]
    return [name, f"{name}_low", f"{name}_high", metric.numerator, metric.denominator, f"{name}_quality"]
