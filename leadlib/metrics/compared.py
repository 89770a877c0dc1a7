"""Groups beside each other, as far as their leads allow: limits, shrunken rates, ranks and a verdict in words.

Agents, listings, projects and developers are told in the same way; agents.py and league.py add what is theirs.
"""

from collections.abc import Mapping, Sequence
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

Floats = npt.NDArray[np.float64]
Limits = tuple[Floats, Floats]

FILTERS_OF: Mapping[str, Sequence[str]] = {
    "agent": ("agent",),
    "listing": ("listing_id", "listing"),
    "project": ("project",),
    "developer": ("developer",),
}
"""What can be compared, and the filters that name one of a kind, the best first: references of listings repeat."""

_COUNTED = (
    *("key", "label", "is_active", "leads", "responded", "matured", "responded_matured", "unknown_matured"),
    *("pending", "waiting", "unique_senders", "response_rate", "response_rate_low", "response_rate_high"),
    *("response_rate_quality", "response_rate_of_all", "response_rate_of_all_low", "response_rate_of_all_high"),
    "response_rate_of_all_quality",
)


def compared(store: Store, filters: Filters, by: str) -> pd.DataFrame:
    """One row per group of `by` (of FILTERS_OF), best shrunken rate first, those without one by leads, "none" last.

    Columns: key, label, is_active, leads, responded, matured, responded_matured, unknown_matured, pending, waiting,
    unique_senders and both rates, all as in `breakdown`; then shrunken_rate with _low, _high (95 % interval, from none
    to all of the unknown answered) and _quality (NaN where the response rate is not shown), rank (1 is the best; NaN
    without a shrunken rate), rank_best and rank_worst (95 % interval), n_ranked (of how many), peer_rate (of all
    others) with _low, _high, _quality, peers_responded and peers_matured, team_rate (of all groups; NaN below 5 matured
    leads or when unknowns pass 5 %), look_low, look_high, act_low, act_high (the 95 % and 99.8 % limits around it for
    this many matured leads; NaN without a team rate), verdict (a Verdict; missing for leads without a group),
    oldest_waiting_h (hours up to the last observation; NaN if none waits). A group is compared with all groups under
    the other filters, whichever of them the filters name, and by all of its leads under those.
    """
    others = filters
    for field in FILTERS_OF[by]:
        others = others.with_values(field, ())
    everyone = breakdown(store, others, by).sort_values("key", ignore_index=True)
    is_rival = (everyone["key"] != MISSING).to_numpy()
    n, hits, unknown_leads = counts_of(everyone)
    team_n, team_hits, team_unknown = (int(counts[is_rival].sum()) for counts in (n, hits, unknown_leads))
    is_known = team_n >= MINIMUM_FOR_RATE and team_unknown <= MAXIMUM_UNKNOWN_SHARE * team_n
    team_rate = team_hits / team_n if is_known else np.nan
    nowhere = np.full(len(n), np.nan)
    look, act = (funnel_limits(n, team_rate, within) if is_known else (nowhere, nowhere) for within in (LOOK, ACT))
    columns: dict[str, npt.NDArray[Any]] = {
        **shrunken(everyone["response_rate_quality"].to_numpy(object), is_rival, hits, n, unknown_leads),
        "peers_responded": team_hits - np.where(is_rival, hits, 0),
        "peers_matured": team_n - np.where(is_rival, n, 0),
        "team_rate": np.full(len(n), team_rate),
        **dict(zip(("look_low", "look_high", "act_low", "act_high"), (*look, *act), strict=True)),
        "verdict": np.where(is_rival, verdicts(hits, n, unknown_leads, look, act), np.array(None)),
        "oldest_waiting_h": _oldest_waiting_h(store, others, by, everyone["key"]),
    }
    peers_unknown = team_unknown - np.where(is_rival, unknown_leads, 0)
    columns |= rate("peer_rate", columns["peers_responded"], columns["peers_matured"], peers_unknown)
    frame = everyone[list(_COUNTED)].assign(**columns)
    frame = frame.iloc[np.lexsort((-frame["leads"].to_numpy(), -frame["shrunken_rate"].to_numpy(), ~is_rival))]
    if others != filters:
        frame = frame[frame["key"].isin(set(breakdown(store, filters, by)["key"]))]
    return frame.reset_index(drop=True)


def counts_of(frame: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The matured leads of each row, how many of them responded, and how many have an unknown outcome."""
    matured, responded, unknown_leads = (
        frame[name].to_numpy("int64") for name in ("matured", "responded_matured", "unknown_matured")
    )
    return matured, responded, unknown_leads


def shrunken(
    qualities: npt.NDArray[Any],
    is_rival: npt.NDArray[np.bool_],
    hits: npt.NDArray[Any],
    n: npt.NDArray[Any],
    unknown_leads: npt.NDArray[Any],
    prefix: str = "",
) -> dict[str, npt.NDArray[Any]]:
    """Shrunken rates and ranks of those whose rate may be shown, by its quality; all rivals say what is usual.

    Columns as in `compared`, each with `prefix` before its name.
    """
    is_ranked = is_rival & np.isin(qualities, ["few", "enough"])
    found = shrink(hits[is_rival], n[is_rival])
    if_answered = shrink((hits + unknown_leads)[is_rival], n[is_rival])
    shown = is_ranked[is_rival]
    rates = found.rate[shown]
    best, worst = rank_intervals(found.draws[:, shown])

    def among_all(values: npt.NDArray[Any]) -> Floats:
        column = np.full(len(is_ranked), np.nan)
        column[is_ranked] = values
        return column

    return {
        f"{prefix}shrunken_rate": among_all(rates),
        f"{prefix}shrunken_rate_low": among_all(found.low[shown]),
        f"{prefix}shrunken_rate_high": among_all(if_answered.high[shown]),
        f"{prefix}shrunken_rate_quality": qualities,
        f"{prefix}rank": among_all(1 + np.searchsorted(np.sort(-rates), -rates)),
        f"{prefix}rank_best": among_all(best),
        f"{prefix}rank_worst": among_all(worst),
        f"{prefix}n_ranked": np.full(len(is_ranked), len(rates)),
    }


def verdicts(
    hits: npt.NDArray[np.int64],
    n: npt.NDArray[np.int64],
    unknown_leads: npt.NDArray[np.int64],
    look: Limits,
    act: Limits,
) -> npt.NDArray[Any]:
    """A Verdict each. Leads of unknown outcome are taken as best speaks against a verdict."""
    lowest, highest = hits / np.maximum(n, 1), (hits + unknown_leads) / np.maximum(n, 1)
    names: list[Verdict] = ["too_few", "worse", "better", "look_low", "look_high"]
    conditions = [n < MINIMUM_FOR_VERDICT, highest < act[0], lowest > act[1], highest < look[0], lowest > look[1]]
    return np.select(conditions, names, "no_call").astype(object)


def _oldest_waiting_h(store: Store, filters: Filters, by: str, keys: pd.Series) -> Floats:
    rows = ask(store, "oldest_waiting", filters, by=(dimension_named(by),))
    ends_at = coverage(store).ends_at
    if ends_at is None:
        return np.full(len(keys), np.nan)
    hours = {
        key: (ends_at - utc(created_at)) / timedelta(hours=1)
        for key, created_at in zip(rows["key"].fillna(MISSING), rows["oldest_created_at"], strict=True)
    }
    return np.array([hours.get(key, np.nan) for key in keys], dtype=np.float64)
