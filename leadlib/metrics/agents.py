"""Agents beside each other, as far as their leads allow: limits, shrunken rates, ranks and a verdict in words."""

from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from leadlib.filters import MISSING, Filters
from leadlib.metrics.counting import rate
from leadlib.metrics.queries import ask, coverage, utc
from leadlib.metrics.questions import breakdown
from leadlib.metrics.table import MAXIMUM_UNKNOWN_SHARE, MINIMUM_FOR_RATE, MINIMUM_FOR_VERDICT, Verdict, dimension_named
from leadlib.statistics import ACT, LOOK, funnel_limits, rank_intervals, shrink
from leadlib.store import Store

_COUNTED = (
    *("key", "label", "is_active", "leads", "responded", "matured", "responded_matured", "unknown_matured"),
    *("pending", "waiting", "response_rate", "response_rate_low", "response_rate_high", "response_rate_quality"),
    *("response_rate_of_all", "response_rate_of_all_low", "response_rate_of_all_high", "response_rate_of_all_quality"),
)


def agents(store: Store, filters: Filters) -> pd.DataFrame:
    """One row per agent, best shrunken rate first, then those without one by leads, unassigned leads last.

    Columns: key, label, is_active, leads, responded, matured, responded_matured, unknown_matured, pending, waiting, and
    both rates, all as in `breakdown`; then shrunken_rate with _low, _high (95 % interval, from none to all of the
    unknown answered) and _quality (NaN where the response rate is not shown), rank (1 is the best; NaN without a
    shrunken rate), rank_best and rank_worst (95 % interval), n_ranked (of how many), peer_rate (of all other agents)
    with _low, _high, _quality, peers_responded and peers_matured, team_rate (of all agents; NaN below 5 matured leads
    or when unknowns pass 5 %), look_low, look_high, act_low, act_high (the 95 % and 99.8 % limits around it for this
    many matured leads; NaN without a team rate), verdict (a Verdict; missing for unassigned leads), oldest_waiting_h
    (hours up to the last observation; NaN if none waits). An agent is compared with all agents under the other filters,
    whichever the filters name.
    """
    everyone = breakdown(store, filters.with_values("agent", ()), "agent").sort_values("key", ignore_index=True)
    is_agent = (everyone["key"] != MISSING).to_numpy()
    n, hits, unknown_leads = (
        everyone[name].to_numpy("int64") for name in ("matured", "responded_matured", "unknown_matured")
    )
    team_n, team_hits, team_unknown = (int(counts[is_agent].sum()) for counts in (n, hits, unknown_leads))
    is_known = team_n >= MINIMUM_FOR_RATE and team_unknown <= MAXIMUM_UNKNOWN_SHARE * team_n
    team_rate = team_hits / team_n if is_known else np.nan
    look, act = (
        funnel_limits(n, team_rate, within) if is_known else (np.full(len(n), np.nan),) * 2 for within in (LOOK, ACT)
    )
    columns: dict[str, npt.NDArray[Any]] = {
        **_shrunken(everyone, is_agent, hits, n, unknown_leads),
        "peers_responded": team_hits - np.where(is_agent, hits, 0),
        "peers_matured": team_n - np.where(is_agent, n, 0),
        "team_rate": np.full(len(n), team_rate),
        **dict(zip(("look_low", "look_high", "act_low", "act_high"), (*look, *act), strict=True)),
        "verdict": np.where(is_agent, _verdicts(hits, n, unknown_leads, look, act), np.array(None)),
        "oldest_waiting_h": _oldest_waiting_h(store, filters, everyone["key"]),
    }
    peers_unknown = team_unknown - np.where(is_agent, unknown_leads, 0)
    columns |= rate("peer_rate", columns["peers_responded"], columns["peers_matured"], peers_unknown)
    frame = everyone[list(_COUNTED)].assign(**columns)
    place = np.lexsort((-frame["leads"].to_numpy(), -frame["shrunken_rate"].to_numpy(), ~is_agent))
    frame = frame.iloc[place]
    chosen = filters["agent"]
    return (frame[frame["key"].isin(chosen)] if chosen else frame).reset_index(drop=True)


def _shrunken(
    everyone: pd.DataFrame,
    is_agent: npt.NDArray[np.bool_],
    hits: npt.NDArray[np.int64],
    n: npt.NDArray[np.int64],
    unknown_leads: npt.NDArray[np.int64],
) -> dict[str, npt.NDArray[Any]]:
    """Shrunken rates and ranks of those whose rate may be shown; all agents have a say in what is usual."""
    quality = everyone["response_rate_quality"].to_numpy(object)
    is_ranked = is_agent & np.isin(quality, ["few", "enough"])
    shrunken = shrink(hits[is_agent], n[is_agent])
    if_answered = shrink((hits + unknown_leads)[is_agent], n[is_agent])
    shown = is_ranked[is_agent]
    rates = shrunken.rate[shown]
    best, worst = rank_intervals(shrunken.draws[:, shown])

    def among_all(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        column = np.full(len(is_ranked), np.nan)
        column[is_ranked] = values
        return column

    return {
        "shrunken_rate": among_all(rates),
        "shrunken_rate_low": among_all(shrunken.low[shown]),
        "shrunken_rate_high": among_all(if_answered.high[shown]),
        "shrunken_rate_quality": quality,
        "rank": among_all(1 + (rates[:, None] < rates).sum(axis=1)),
        "rank_best": among_all(best),
        "rank_worst": among_all(worst),
        "n_ranked": np.full(len(is_ranked), len(rates)),
    }


def _verdicts(
    hits: npt.NDArray[np.int64],
    n: npt.NDArray[np.int64],
    unknown_leads: npt.NDArray[np.int64],
    look: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    act: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
) -> npt.NDArray[Any]:
    """A Verdict each. Leads of unknown outcome are taken as best speaks against a verdict."""
    lowest, highest = hits / np.maximum(n, 1), (hits + unknown_leads) / np.maximum(n, 1)
    verdicts: list[Verdict] = ["too_few", "worse", "better", "look_low", "look_high"]
    conditions = [n < MINIMUM_FOR_VERDICT, highest < act[0], lowest > act[1], highest < look[0], lowest > look[1]]
    return np.select(conditions, verdicts, "no_call").astype(object)


def _oldest_waiting_h(store: Store, filters: Filters, keys: pd.Series) -> npt.NDArray[np.float64]:
    rows = ask(store, "oldest_waiting", filters.with_values("agent", ()), by=(dimension_named("agent"),))
    ends_at = coverage(store).ends_at
    if ends_at is None:
        return np.full(len(keys), np.nan)
    hours = {
        key: (ends_at - utc(created_at)) / timedelta(hours=1)
        for key, created_at in zip(rows["key"].fillna(MISSING), rows["oldest_created_at"], strict=True)
    }
    return np.array([hours.get(key, np.nan) for key in keys], dtype=np.float64)
