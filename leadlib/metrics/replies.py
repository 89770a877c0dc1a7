"""How long leads wait for a reply, as far as the looks at them can tell."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from leadlib import formats
from leadlib.filters import Filters
from leadlib.metrics.queries import ask, remembered
from leadlib.metrics.statistics import wilson
from leadlib.metrics.table import MINIMUM_FOR_VERDICT
from leadlib.statistics import Incidence, incidence
from leadlib.store import Store

SLA_MINUTES: Mapping[str, int] = {"5 min": 5, "15 min": 15, "60 min": 60, "2 h": 120, "24 h": 1_440}
"""The ages by which a reply is counted, in words and in minutes."""

WIDEST_BOUNDS = 0.1
"""A share with bounds farther apart than this is not told as one figure."""

LEAST_WATCHED = 0.5
"""Share of the replied leads that must have been seen waiting before, for the median to be told."""

_REPLIED, _ARCHIVED = 0, 1


def reply_shares(store: Store, filters: Filters) -> pd.DataFrame:
    """The share of leads replied to within each of SLA_MINUTES, on the wall clock: one row each, none without leads.

    Columns: key and label ("5 min"), age_min, replied_within (share of all leads but calls, archiving counted as an end
    without reply; NaN where the looks do not support it), replied_within_low and _high (95 % interval, about that of a
    share counted among n_looks leads, from the least to the most that may have come by then; NaN below 20), n_looks
    (leads that tell of this age: see `_looks`), reason (why there is no figure; empty if there is one),
    median_reply_min with _low and _high (minutes by which half of the leads are replied to, and its 95 % interval; all
    NaN where the looks do not support it, infinite if fewer ever are), n_replied,
    n_archived, n_waiting, n_unknown (leads; the unknown are left out of all shares).
    """
    rows, found = _estimate(store, filters)
    counts = {f"n_{kind}": int(rows.loc[rows["kind"] == kind, "leads"].sum()) for kind in _KINDS}
    if not sum(counts.values()):
        return pd.DataFrame({name: [] for name in _SHARES}).astype({"key": "str", "label": "str", "reason": "str"})
    shares = []
    for label, minutes in SLA_MINUTES.items():
        low, high = found.by(_REPLIED, minutes)
        n_looks = _looks(rows, minutes)
        reason = _reason(label, minutes, n_looks, low, high)
        middle = np.nan if reason else (low + high) / 2
        shares.append((label, label, minutes, middle, *_interval(low, high, n_looks), n_looks, reason))
    frame = pd.DataFrame(shares, columns=list(_SHARES[:8])).assign(**_median(rows, found), **counts)
    return frame[list(_SHARES)]


def reply_curve(store: Store, filters: Filters) -> pd.DataFrame:
    """What became of leads by age: one row per age at which that may change, from 0 on; none without leads.

    Columns: key (the age in minutes since creation, as text), label (in words), age_min (the same as a number, on the
    wall clock), replied_within, archived_within, still_waiting (shares of all leads but calls, which sum to 1; an end
    between two looks counts at the later one), n_looks (leads that tell of this age). Leads of unknown history are left
    out.
    """
    rows, found = _estimate(store, filters)
    replied, archived = np.column_stack([np.zeros(2), np.cumsum(found.mass, axis=1)])[:, : len(found.edges)]
    return pd.DataFrame(
        {
            "key": pd.Series([f"{age:.0f}" for age in found.edges], dtype="str"),
            "label": pd.Series([formats.duration(age * 60) for age in found.edges], dtype="str"),
            "age_min": found.edges,
            "replied_within": replied,
            "archived_within": archived,
            "still_waiting": np.clip(1 - replied - archived, 0, 1),
            "n_looks": np.array([_looks(rows, age) for age in found.edges], dtype="int64"),
        }
    )


_KINDS = ("replied", "archived", "waiting", "unknown")
_SHARES = (
    *("key", "label", "age_min", "replied_within", "replied_within_low", "replied_within_high", "n_looks", "reason"),
    *("median_reply_min", "median_reply_min_low", "median_reply_min_high"),
    *("n_replied", "n_archived", "n_waiting", "n_unknown"),
)


def _estimate(store: Store, filters: Filters) -> tuple[pd.DataFrame, Incidence]:
    """The intervals of all known leads with their numbers, and the shares by age that follow."""
    rows = ask(store, "reply_intervals", filters)
    known = rows[rows["kind"] != "unknown"].sort_values(["kind", "begins_min", "ends_min"])

    def made() -> Incidence:
        kinds = np.where(known["kind"] == "archived", _ARCHIVED, _REPLIED)
        return incidence(known["begins_min"], known["ends_min"].fillna(np.inf), kinds, known["leads"], 2)

    return rows, remembered(store, ("replies", filters), made)


def _median(rows: pd.DataFrame, found: Incidence) -> dict[str, float]:
    """The age at which half are replied to, and those at which the interval of the share takes in and leaves 50 %.

    Not without leads that were seen waiting before their reply was seen: with one look at each lead its age goes with
    the hour at which it came, and how fast replies come does so too.
    """
    replied = rows[rows["kind"] == "replied"]
    n_watched = replied.loc[replied["begins_min"] > 0, "leads"].sum()
    if n_watched < LEAST_WATCHED * replied["leads"].sum():
        return {"median_reply_min": np.nan, "median_reply_min_low": np.nan, "median_reply_min_high": np.nan}
    low, high = found.age_of(_REPLIED, 0.5) if len(found.edges) else (np.nan, np.nan)
    middle = (low + high) / 2
    if not np.isinf(middle):
        if _looks(rows, middle) < MINIMUM_FOR_VERDICT:
            middle = low = high = np.nan
        else:
            ends = [(age, *_interval(*found.by(_REPLIED, age), _looks(rows, age))) for age in found.edges]
            # Ages that too few looks tell of have no interval, so they neither take in nor leave out.
            low = max((age for age, _, most in ends if age <= low and most < 0.5), default=0.0)
            high = min((age for age, least, _ in ends if age >= high and least >= 0.5), default=np.inf)
    return {"median_reply_min": middle, "median_reply_min_low": low, "median_reply_min_high": high}


def _interval(low: float, high: float, n_looks: int) -> tuple[float, float]:
    if n_looks < MINIMUM_FOR_VERDICT:
        return np.nan, np.nan
    return float(wilson(low * n_looks, n_looks)[0]), float(wilson(high * n_looks, n_looks)[1])


def _looks(rows: pd.DataFrame, minutes: float) -> int:
    """How many leads tell of an age: looked at between half and twice of it, answered by then, or looked at that often.

    Leads that are known to have been silent for long do not count: of those that were answered nobody may have looked
    so early, and a share needs both.
    """
    begin: npt.NDArray[np.float64] = rows["begins_min"].to_numpy("float64")
    end: npt.NDArray[np.float64] = rows["ends_min"].to_numpy("float64")
    tells = (end <= 2 * minutes) | ((begin >= minutes / 2) & (begin <= 2 * minutes))
    tells |= end - begin <= minutes
    return int(rows["leads"].to_numpy()[tells].sum())


def _reason(label: str, minutes: float, n_looks: int, low: float, high: float) -> str:
    if n_looks < MINIMUM_FOR_VERDICT:
        around = f"{formats.duration(minutes * 30)} and {formats.duration(minutes * 120)}"
        leads = formats.count_of(n_looks, "lead")
        return f"Too few looks to tell {label}: between the ages of {around} the portal was asked about {leads}."
    if not high - low <= WIDEST_BOUNDS:
        return f"Looks are too far apart to tell {label} from more: between {formats.percent_range(low, high)}."
    return ""
