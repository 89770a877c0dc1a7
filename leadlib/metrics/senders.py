"""How many people are behind the leads, and how many of them had written before."""

from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from leadlib.filters import Filters
from leadlib.formats import Grain
from leadlib.metrics.counting import rate
from leadlib.metrics.queries import ask, buckets_between, coverage, window
from leadlib.metrics.questions import volume
from leadlib.metrics.table import grain_named
from leadlib.store import Store

DAYS_TO_RETURN = 28
"""Whoever writes again within so many days is a repeat sender."""

_COUNTED = ("unique_senders", "repeat_leads", "leads_of_senders")


def senders_over_time(store: Store, filters: Filters, grain: Grain = "day") -> pd.DataFrame:
    """Leads and the different senders behind them: one row per bucket of `volume`, all groups together.

    Columns: bucket, key, label, leads, is_partial, covered as in `volume`; unique_senders (people count once per bucket
    and in each bucket that they wrote in: they do not add up), repeat_leads (of senders with another lead in the 28
    days before, whatever the filters), leads_of_senders (that carry a sender at all) and repeat_share, the first by the
    second, with _low, _high and _quality ("not_followed" and NaN where the 28 days before the bucket were not read).
    """
    grain = grain_named(grain)
    shown = volume(store, filters, grain)
    counted = ask(store, "senders_over_time", filters, grain=grain).set_index("bucket")
    counts = {
        name: counted[name].reindex(shown["bucket"], fill_value=0).to_numpy().astype("int64") for name in _COUNTED
    }
    shares = rate("repeat_share", counts["repeat_leads"], counts["leads_of_senders"], 0 * counts["repeat_leads"])
    if len(shown):
        is_followed = _are_followed(store, filters, shown, grain)
        for name in ("repeat_share", "repeat_share_low", "repeat_share_high"):
            shares[name][~is_followed] = np.nan
        shares["repeat_share_quality"][~is_followed] = "not_followed"
    return shown.assign(**counts, **shares)


def _are_followed(store: Store, filters: Filters, shown: pd.DataFrame, grain: Grain) -> npt.NDArray[np.bool_]:
    """Whether all of the 28 days before each bucket, and of the bucket as far as it is shown, was read."""
    first, last = shown["bucket"].iloc[0].to_pydatetime(), shown["bucket"].iloc[-1].to_pydatetime()
    buckets = buckets_between(first, last, grain, store.timezone)
    read = coverage(store)
    start, end = window(filters, store.timezone)
    ends_at = [limit for limit in (end, read.ends_at) if limit is not None]
    followed = []
    for begins, ends in zip(buckets.from_.to_pydatetime(), buckets.to.to_pydatetime(), strict=True):
        begin = max(begins, start) if start else begins
        followed.append(read.contains(begin - timedelta(days=DAYS_TO_RETURN), min([ends, *ends_at])))
    return np.array(followed, dtype=bool)
