"""Agents as if all had the same kinds of leads: indirect standardisation for the mix of cases."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from leadlib.filters import MISSING, Filters
from leadlib.metrics.compared import Floats, Limits, compared, counts_of, shrunken, verdicts
from leadlib.metrics.queries import ask
from leadlib.metrics.statistics import wilson
from leadlib.metrics.table import MINIMUM_FOR_STRATUM, dimension_named
from leadlib.statistics import ACT, LOOK, funnel_limits
from leadlib.store import Store

STRATA: tuple[tuple[str, ...], ...] = (
    ("channel", "entity_type", "hour"),
    ("channel", "entity_type", "part_of_day"),
    ("channel", "entity_type"),
    ("channel",),
    (),
)
"""Kinds of leads, the narrowest first: a lead is compared within the first of them in which the others have enough."""

HOURS_OF_PART = 4
"""Parts of the day begin at 00:00, 04:00 and so on."""


def like_for_like(store: Store, filters: Filters) -> pd.DataFrame:
    """One row per agent as if all had the same kinds of leads (indirect standardisation): best shrunken rate first.

    Columns: key, label, is_active, leads, matured, responded_matured, unknown_matured, team_rate and response_rate with
    _low, _high, _quality, all as in `agents`; expected_responded (how many of the matured leads would have responded at
    the rate that all agents have with leads of the same kind; NaN without matured leads), compared_finely (share of
    them for which that kind was channel, entity type and hour; see STRATA and `expected_rates`), observed_to_expected
    with _low, _high (95 % interval; for expected as given), standardised_rate (the same times the team's rate, 1 at
    most) with _low, _high, _quality, standardised_shrunken_rate, standardised_rank and so on as in `agents` (drawn from
    as many leads with the standardised rate), look_low, look_high, act_low, act_high (an agent's own limits, on the
    scale of the standardised rate), standardised_verdict. What is compared is NaN where the response rate is not shown,
    and for all where there is no team rate. Unassigned leads come last, beside what agents would have answered of them.
    """
    others = filters.with_values("agent", ())
    everyone = compared(store, others, "agent").sort_values("key", ignore_index=True)
    is_agent = (everyone["key"] != MISSING).to_numpy()
    n, hits, unknown_leads = counts_of(everyone)
    team_rate = everyone["team_rate"].to_numpy("float64")
    expected, n_finely = _expected(store, others, everyone["key"])
    some = np.where(n > 0, n, np.nan)
    expected = np.where((n > 0) & ~np.isnan(team_rate), expected, np.nan)
    usual = np.clip(expected / some, 0, 1)
    look, act = (_limits(n, usual, within) for within in (LOOK, ACT))
    # From a share of an agent's own leads to that of the team's; where nothing was to be expected nothing can be said.
    to_rate = team_rate / np.where(usual > 0, usual, np.nan)
    quality = everyone["response_rate_quality"].mask(np.isnan(to_rate) & (n > 0), "bounds").to_numpy(object)
    is_compared = ~np.isnan(to_rate)
    standardised_hits = np.where(is_compared, np.minimum(hits * to_rate, n), 0)
    columns: dict[str, npt.NDArray[Any]] = {
        "expected_responded": expected,
        "compared_finely": n_finely / some,
        **_ratio_and_rate(hits, n, unknown_leads, quality, to_rate, team_rate),
        **shrunken(quality, is_agent, standardised_hits, n * is_compared, 0 * n, prefix="standardised_"),
        **dict(zip(("look_low", "look_high"), (limit * to_rate for limit in look), strict=True)),
        **dict(zip(("act_low", "act_high"), (limit * to_rate for limit in act), strict=True)),
        "standardised_verdict": np.where(is_agent, verdicts(hits, n, unknown_leads, look, act), np.array(None)),
    }
    frame = everyone[list(_AS_THEY_ARE)].assign(**columns)
    place = np.lexsort((-frame["leads"].to_numpy(), -frame["standardised_shrunken_rate"].to_numpy(), ~is_agent))
    frame = frame.iloc[place]
    if others != filters:
        frame = frame[frame["key"].isin(set(filters["agent"]))]
    return frame.reset_index(drop=True)


_AS_THEY_ARE = (
    *("key", "label", "is_active", "leads", "matured", "responded_matured", "unknown_matured", "team_rate"),
    *("response_rate", "response_rate_low", "response_rate_high", "response_rate_quality"),
)


def _ratio_and_rate(
    hits: npt.NDArray[np.int64],
    n: npt.NDArray[np.int64],
    unknown_leads: npt.NDArray[np.int64],
    quality: npt.NDArray[Any],
    to_rate: Floats,
    team_rate: Floats,
) -> dict[str, npt.NDArray[Any]]:
    """Responded to expected and the standardised rate. Their interval is that of the raw rate on another scale.

    A reply is frequent, so Poisson's limits for a count, usual for rare events, would be half as wide again. Leads of
    unlike chances vary less than a binomial count: Wilson's interval errs on the careful side.
    """
    point = np.where(np.isin(quality, ["few", "enough"]), hits / np.maximum(n, 1) * to_rate, np.nan)
    has_interval = np.isin(quality, ["few", "enough", "bounds"])
    low = np.where(has_interval, wilson(hits, n)[0] * to_rate, np.nan)
    high = np.where(has_interval, wilson(hits + unknown_leads, n)[1] * to_rate, np.nan)
    return {
        "observed_to_expected": point / team_rate,
        "observed_to_expected_low": low / team_rate,
        "observed_to_expected_high": high / team_rate,
        "standardised_rate": np.minimum(point, 1),
        "standardised_rate_low": np.minimum(low, 1),
        "standardised_rate_high": np.minimum(high, 1),
        "standardised_rate_quality": quality,
    }


def expected_rates(mix: pd.DataFrame) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The rate that all agents together have with leads of each row's kind, and which of STRATA that kind is.

    `mix` has one row per agent (missing: unassigned, who are no part of the team), channel, entity_type and hour, with
    matured and responded_matured. The kind is the narrowest of which agents other than the row's own have at least
    MINIMUM_FOR_STRATUM matured leads; where none is, it is all leads. NaN if agents have no matured leads at all.
    """
    is_agent = mix["agent"].notna()
    counted = mix.assign(
        part_of_day=mix["hour"].astype(int) // HOURS_OF_PART,
        team=mix["matured"].where(is_agent, 0),
        responded=mix["responded_matured"].where(is_agent, 0),
        everything=0,
    )
    rates = np.full(len(mix), np.nan)
    levels = np.full(len(mix), len(STRATA) - 1)
    is_open = np.ones(len(mix), dtype=bool)
    for level, kind in enumerate(STRATA):
        by = list(kind) or ["everything"]
        team, responded = (counted.groupby(by, dropna=False)[name].transform("sum") for name in ("team", "responded"))
        own = counted.groupby(["agent", *by], dropna=False)["team"].transform("sum")
        is_taken = is_open & ((team - own >= MINIMUM_FOR_STRATUM).to_numpy() | (not kind))
        rates[is_taken] = (responded / team.where(team > 0))[is_taken]
        levels[is_taken] = level
        is_open &= ~is_taken
    return rates, levels


def _expected(store: Store, filters: Filters, keys: pd.Series) -> tuple[Floats, Floats]:
    """For each agent of `keys`, how many responses its leads let expect, and how many leads met the narrowest kind."""
    mix = ask(store, "case_mix", filters, by=[dimension_named(key) for key in ("agent", *STRATA[0])])
    mix = mix.sort_values(["agent", *STRATA[0]], ignore_index=True)
    rates, levels = expected_rates(mix)
    places = pd.Index(keys).get_indexer(pd.Index(mix["agent"].fillna(MISSING)))
    matured = mix["matured"].to_numpy("float64")
    expected, n_finely = np.zeros(len(keys)), np.zeros(len(keys))
    np.add.at(expected, places, matured * np.nan_to_num(rates))
    np.add.at(n_finely, places, matured * (levels == 0))
    return expected, n_finely


def _limits(n: npt.NDArray[np.int64], usual: Floats, within: float) -> Limits:
    """Limits around a rate of each row's own: wide enough, since leads of unlike chances vary less than alike ones."""
    ends = [
        funnel_limits(size, rate, within) if rate == rate else (np.nan, np.nan)
        for size, rate in zip(n.tolist(), usual.tolist(), strict=True)
    ]
    low, high = np.array(ends, dtype=np.float64).reshape(-1, 2).T
    return low, high
