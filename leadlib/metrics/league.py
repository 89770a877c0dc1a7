"""Listings, projects and developers: how surely their leads are answered, and how their leads fade with age."""

from datetime import timedelta
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from leadlib.filters import MISSING, Filters
from leadlib.metrics.compared import compared, counts_of
from leadlib.metrics.queries import ask, coverage, window
from leadlib.metrics.statistics import byar
from leadlib.metrics.table import MINIMUM_FOR_RATE, dimension_named, unknown
from leadlib.store import Store

LeagueOf = Literal["listing", "project", "developer"]

POPULAR = 0.75
"""Popular is what has at least as many leads as this share of all groups."""

QUIET_WEEKS = 4
"""A first lead is one if the weeks before it were read and had none: the portal shows three months of older groups."""

LEAST_WEEKS = 4
"""Groups count in the decay once they were followed for so many weeks: each of those then speaks of the same ones."""

_WEEK = timedelta(weeks=1)


def league(store: Store, filters: Filters, by: LeagueOf = "listing") -> pd.DataFrame:
    """One row per listing, project or developer, compared as agents are: columns and order as in `compared`.

    Then replies_short (how many more of the matured leads would have responded at the rate of all; 0 above it, NaN
    below 5 matured leads or without that rate), is_popular (at least as many leads as three of four groups) and
    is_missed (popular, and worse than all together by more than chance leaves). Leads without a group come last.
    """
    if by not in get_args(LeagueOf):
        raise unknown("league", by, get_args(LeagueOf))
    frame = compared(store, filters, by)
    matured, responded, unknown_leads = counts_of(frame)
    is_group = (frame["key"] != MISSING).to_numpy()
    short = np.maximum(frame["team_rate"].to_numpy() * matured - responded - unknown_leads, 0)
    leads = frame["leads"].to_numpy()
    everyone = leads[is_group] if is_group.any() else np.zeros(1)
    is_popular = is_group & (leads >= np.quantile(everyone, POPULAR, method="higher"))
    return frame.assign(
        replies_short=np.where(matured >= MINIMUM_FOR_RATE, short, np.nan),
        is_popular=is_popular,
        is_missed=is_popular & (frame["verdict"] == "worse").to_numpy(),
    )


def decay(store: Store, filters: Filters, by: LeagueOf = "listing") -> pd.DataFrame:
    """Leads a week since the first lead of a listing, project or developer: one row per week of age.

    Columns: key and label ("Week 3"), week (1 is the first), groups_followed (of which this whole week was read), leads
    (that they got in it, without the first one, which opens week 1), leads_a_week (leads / groups_followed; NaN below
    5 groups) with _low and _high (95 % interval, widened by how unlike the groups are). Counted are groups whose first
    lead under the filters, whatever their days, came after four weeks that were read and had none, and that have been
    followed for four weeks since. What left the portal counts on, without leads. Rows go on while a group was followed,
    and to week 4 at least; no leads give no rows.
    """
    if by not in get_args(LeagueOf):
        raise unknown("league", by, get_args(LeagueOf))
    of_any_day = filters.with_values("from", ()).with_values("to", ())
    counted = ask(store, "decay", of_any_day, by=(dimension_named(by),))
    read, ends_at = coverage(store), coverage(store).ends_at
    if counted.empty or ends_at is None:
        return _weeks(np.zeros((0, 0)), np.zeros((0, 0), dtype=bool))
    groups = counted.dropna(subset=["key"]).groupby("key", sort=True)["first_created_at"].first()
    first = pd.DatetimeIndex(groups).tz_convert("UTC")
    was_quiet = read.shares(first - QUIET_WEEKS * _WEEK, first) == 1
    is_counted = was_quiet & (first + LEAST_WEEKS * _WEEK <= pd.Timestamp(ends_at))
    groups, first = groups[is_counted], first[is_counted]
    oldest = max(((ends_at - start) // _WEEK for start in first), default=0)
    n_weeks = max(int(oldest), LEAST_WEEKS)
    asked = read.within(*window(filters, store.timezone))
    followed = np.column_stack(
        [asked.shares(first + week * _WEEK, first + (week + 1) * _WEEK) == 1 for week in range(n_weeks)]
    )
    leads = np.zeros((len(groups), n_weeks))
    rows = counted[counted["key"].isin(groups.index) & (counted["week"] <= n_weeks)]
    leads[groups.index.get_indexer(pd.Index(rows["key"])), rows["week"] - 1] = rows["leads"]
    return _weeks(leads, followed)


def _weeks(leads: npt.NDArray[np.float64], followed: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """The frame of `decay` from leads by group (rows) and week (columns), and which of them were read whole."""
    n_weeks = leads.shape[1]
    n = followed.sum(axis=0)
    total = (leads * followed).sum(axis=0)
    some = np.where(n >= MINIMUM_FOR_RATE, n, np.nan)
    mean = total / some
    spread = (followed * (leads - mean) ** 2).sum(axis=0) / (some - 1)
    # Groups are more unlike than chance makes them, so that so many leads tell no more than fewer independent ones.
    unlike = np.maximum(np.where(mean > 0, spread / np.where(mean > 0, mean, 1), 1), 1)
    low, high = byar(total / unlike)
    return pd.DataFrame(
        {
            "key": pd.Series([str(week + 1) for week in range(n_weeks)], dtype="str"),
            "label": pd.Series([f"Week {week + 1}" for week in range(n_weeks)], dtype="str"),
            "week": np.arange(1, n_weeks + 1, dtype="int64"),
            "leads": total.astype("int64"),
            "groups_followed": n.astype("int64"),
            "leads_a_week": mean,
            "leads_a_week_low": low * unlike / some,
            "leads_a_week_high": high * unlike / some,
        }
    )
