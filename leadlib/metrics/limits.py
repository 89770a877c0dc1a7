"""Which days or weeks stand out: the usual volume, the limits around it, and what is outside."""

from typing import Final

import numpy as np
import pandas as pd

from leadlib import formats
from leadlib.filters import Filters
from leadlib.formats import Grain
from leadlib.metrics.questions import VolumeBy, volume
from leadlib.metrics.table import grain_named
from leadlib.statistics import LEAST_PERIODS, xmr
from leadlib.store import Store

MOST_PERIODS: Final[dict[Grain, int]] = {"day": 91, "week": 26}
"""How many of the newest complete periods say what is usual: older ones are of another time."""


def volume_limits(
    store: Store, filters: Filters, grain: Grain = "day", by: VolumeBy | None = None, limit: int | None = None
) -> pd.DataFrame:
    """How many leads came when, as in `volume`, and for each bucket of all groups together what is usual.

    Columns: those of `volume`, then usual_leads (the level; of days that of their weekday) with _low and _high (what is
    outside is told from chance), signal ("above", "below", "run_above", "run_below" for the eighth and any later one in
    a row on one side of the level, else ""), n_complete (how many complete buckets tell what is usual) and reason (why
    there are no limits; empty if there are). Levels and limits are learnt from the newest 91 complete days or 26 weeks
    up to the filters' last day, whatever their first; buckets that are older or not complete have NaN and no signal.
    """
    shown = volume(store, filters, grain, by, limit)
    grain = grain_named(grain)
    history = volume(store, filters.with_values("from", ()), grain)
    is_complete = ~history["is_partial"].to_numpy()
    place = np.flatnonzero(is_complete)[-MOST_PERIODS.get(grain, 0) :] if grain in MOST_PERIODS else np.array([], int)
    reason = ""
    if grain not in MOST_PERIODS:
        reason = "What is usual is told of days and weeks only."
    elif len(place) < LEAST_PERIODS:
        periods = formats.count_of(len(place), f"complete {grain}")
        reason = f"What is usual is still being learnt: {periods} of the {LEAST_PERIODS} that it takes."
    columns = {name: np.full(len(shown), np.nan) for name in ("usual_leads", "usual_leads_low", "usual_leads_high")}
    signal = np.full(len(shown), "", dtype=object)
    if not reason:
        complete = history.iloc[place]
        kinds = complete["bucket"].dt.day_of_week.to_numpy() if grain == "day" else np.zeros(len(place), int)
        found = xmr(complete["leads"].to_numpy(), kinds, np.diff(place, prepend=-1) == 1)
        where = pd.Index(complete["bucket"]).get_indexer(pd.Index(shown["bucket"]))
        is_told = (where >= 0) & ~shown["is_partial"].to_numpy()
        for name, values in zip(columns, (found.level, found.low, found.high), strict=True):
            columns[name][is_told] = values[where[is_told]]
        signal[is_told] = found.signal[where[is_told]]
    return shown.assign(**columns, signal=signal, n_complete=len(place), reason=reason)
