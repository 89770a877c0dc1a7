"""Why a response rate differs between two periods: other rates, or another mix of leads."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from leadlib.filters import MISSING, Filters
from leadlib.metrics.change import Periods, compare_periods
from leadlib.metrics.questions import labels_of
from leadlib.metrics.statistics import Z_95, wilson
from leadlib.metrics.table import (
    MAXIMUM_UNKNOWN_SHARE,
    MINIMUM_FOR_RATE,
    MINIMUM_FOR_VERDICT,
    dimension_named,
    unknown,
)
from leadlib.store import Store

MIX_BY = ("channel", "entity_type", "agent")
"""What leads can be split by, to tell a change of the mix from a change within."""

_COUNTED = ("leads", "matured", "responded_matured", "unknown_matured")
_ALL_LABEL = "All leads"


def rate_mix(store: Store, filters: Filters, by: str = "channel") -> pd.DataFrame:
    """The change of leads and of the response rate so far between two periods, a row a group, and first one for all.

    The periods and the equal age are those of `summary_change`. With w a group's share of the matured leads, r its rate
    and bars for means of both periods, a change of the rate is the sum over groups of

        rate_effect = w̄ (r_now - r_before)          other rates within
        mix_effect  = (r̄ - R) (w_now - w_before)    another mix; R is the mean of both periods' whole rates

    which is symmetric in the periods (Kitagawa 1955, and Shapley's value of the two). A group without matured leads in
    one period is all mix.

    Columns: key ("all" for the first row), label, leads and leads_before, leads_difference, is_chance (a difference of
    leads that chance makes in one of twenty or more, were both periods alike), matured, responded_matured, each also
    with _before, rate_difference, mix_effect and rate_effect (shares), the last two with _low and _high (95 % interval:
    of Wilson's intervals combined, and of a multinomial mix; NaN below 20 matured leads in either period, in which case
    nothing is to be read into them), reason (why effects are not told, which are then NaN; the same in all rows),
    current_from, current_to, previous_from, previous_to (days, inclusive). No leads: no rows. Raises FilterError for a
    `by` outside of MIX_BY.
    """
    if by not in MIX_BY:
        raise unknown("group for the mix", by, MIX_BY)
    dimension = dimension_named(by)
    periods = compare_periods(store, filters, dimension)
    keys, now, before = _sides(periods)
    if not keys:
        return pd.DataFrame({name: [] for name in _COLUMNS}).astype({"key": "str", "label": "str", "reason": "str"})
    reason = periods.reason or periods.replies_reason or _why_no_rate(now, before)
    columns = _effects(now, before)
    if reason:
        effects = [name for name in columns if "effect" in name or name == "rate_difference"]
        columns |= {name: np.full(len(keys) + 1, np.nan) for name in effects}
    if periods.reason:
        columns |= {"leads_difference": np.full(len(keys) + 1, np.nan)}
    labels = labels_of(store, dimension, keys)
    days = (*(periods.current or (None, None)), *(periods.previous or (None, None)))
    frame = pd.DataFrame(
        {
            "key": pd.Series(["all", *keys], dtype="str"),
            "label": pd.Series([_ALL_LABEL, *(labels[key] for key in keys)], dtype="str"),
            **columns,
            "reason": pd.Series([reason] * (len(keys) + 1), dtype="str"),
            **dict(zip(_DAYS, ([day] * (len(keys) + 1) for day in days), strict=True)),
        }
    )
    return frame[list(_COLUMNS)]


_DAYS = ("current_from", "current_to", "previous_from", "previous_to")
_COLUMNS = (
    *("key", "label", "leads", "leads_before", "leads_difference", "is_chance"),
    *("matured", "matured_before", "responded_matured", "responded_matured_before", "rate_difference"),
    *("mix_effect", "mix_effect_low", "mix_effect_high", "rate_effect", "rate_effect_low", "rate_effect_high"),
    *("reason", *_DAYS),
)

_Counts = dict[str, npt.NDArray[np.float64]]


def _sides(periods: Periods) -> tuple[list[str], _Counts, _Counts]:
    """The groups, most leads in both periods first, and the counts of either period in their order."""
    rows = periods.rows.assign(key=periods.rows["key"].fillna(MISSING))
    totals = rows.groupby("key")["leads"].sum() if len(rows) else pd.Series(dtype="int64")
    keys = sorted((str(key) for key in totals.index), key=lambda key: (-totals[key], key))
    sides = []
    for is_current in (True, False):
        side = rows[rows["is_current"].astype(bool) == is_current].set_index("key").reindex(keys)
        sides.append({name: side[name].fillna(0).to_numpy("float64") for name in _COUNTED} if keys else {})
    return keys, sides[0], sides[1]


def _why_no_rate(now: _Counts, before: _Counts) -> str:
    for side in (now, before):
        matured = side["matured"].sum()
        if matured < MINIMUM_FOR_RATE or side["unknown_matured"].sum() > MAXIMUM_UNKNOWN_SHARE * matured:
            return "Too few leads, or too many of unknown history, for a rate in both periods."
    return ""


def _effects(now: _Counts, before: _Counts) -> dict[str, npt.NDArray[Any]]:
    n1, n0 = now["matured"], before["matured"]
    w1, w0 = n1 / max(n1.sum(), 1), n0 / max(n0.sum(), 1)
    r1, r0 = now["responded_matured"] / np.maximum(n1, 1), before["responded_matured"] / np.maximum(n0, 1)
    # A rate that is not there stands for no difference: such a group came or went as a whole.
    r1, r0 = np.where(n1 > 0, r1, r0), np.where(n0 > 0, r0, r1)
    whole1, whole0 = float(w1 @ r1), float(w0 @ r0)
    weight, level = (w1 + w0) / 2, (r1 + r0) / 2 - (whole1 + whole0) / 2
    mix, rate = level * (w1 - w0), weight * (r1 - r0)
    low, high = _rate_reaches(now, before, weight)
    is_enough = np.minimum(n1, n0) >= MINIMUM_FOR_VERDICT
    spread = Z_95 * np.sqrt(level**2 * (w1 * (1 - w1) / max(n1.sum(), 1) + w0 * (1 - w0) / max(n0.sum(), 1)))
    is_whole_enough = min(n1.sum(), n0.sum()) >= MINIMUM_FOR_VERDICT
    whole_spread = Z_95 * np.sqrt(_mix_variance(level, w1, n1.sum()) + _mix_variance(level, w0, n0.sum()))

    def shown(whole: float, groups: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.array([whole if is_whole_enough else np.nan, *np.where(is_enough, groups, np.nan)])

    columns: dict[str, npt.NDArray[Any]] = {
        "rate_difference": np.array([whole1 - whole0, *np.where((n1 > 0) & (n0 > 0), r1 - r0, np.nan)]),
        "mix_effect": np.array([mix.sum(), *mix]),
        "mix_effect_low": shown(mix.sum() - whole_spread, mix - spread),
        "mix_effect_high": shown(mix.sum() + whole_spread, mix + spread),
        "rate_effect": np.array([rate.sum(), *rate]),
        "rate_effect_low": shown(rate.sum() - np.sqrt((low**2).sum()), rate - low),
        "rate_effect_high": shown(rate.sum() + np.sqrt((high**2).sum()), rate + high),
    }
    for name in ("leads", "matured", "responded_matured"):
        for ending, side in (("", now), ("_before", before)):
            columns[f"{name}{ending}"] = np.array([side[name].sum(), *side[name]]).astype("int64")
    leads, leads_before = columns["leads"], columns["leads_before"]
    # Were both periods alike, each lead would fall into either with even chance.
    least, most = wilson(leads, leads + leads_before)
    columns["leads_difference"] = (leads - leads_before).astype("float64")
    columns["is_chance"] = ~((least > 0.5) | (most < 0.5))
    return columns


def _rate_reaches(
    now: _Counts, before: _Counts, weight: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """How far the ends of each group's interval lie from its rate effect, below and above: Newcombe's, weighted.

    A group without matured leads in one period has no rate effect, and so no reach.
    """
    reach = []
    for is_low in (True, False):
        squares = np.zeros(len(weight))
        for side, is_current in ((now, True), (before, False)):
            n = side["matured"]
            low, high = wilson(side["responded_matured"], n)
            share = side["responded_matured"] / np.maximum(n, 1)
            squares += np.nan_to_num(share - low if is_low == is_current else high - share) ** 2
        is_there = (now["matured"] > 0) & (before["matured"] > 0)
        reach.append(np.where(is_there, weight * np.sqrt(squares), 0.0))
    return reach[0], reach[1]


def _mix_variance(level: npt.NDArray[np.float64], w: npt.NDArray[np.float64], n: float) -> float:
    """The variance of Σ level · w where n leads fall into groups with shares w."""
    return float((w @ level**2 - (w @ level) ** 2) / n) if n else 0.0
