"""Small groups: what a frame has of fewer than five leads, which guests do not see."""

import pandas as pd

from leadlib.metrics.table import OTHERS

SMALLEST_GROUP = 5
"""Groups of fewer leads are not shown to guests: somebody might be told apart in them."""

_SIZES = ("group_leads", "start_leads", "leads", "moved", "n_history", "n_followed")
_OUTCOMES = ("n_replied", "n_archived", "n_waiting", "n_unknown")
_ALL = "all"


def is_small(n_leads: float) -> bool:
    """True for the sizes of groups that are kept from guests. Nobody is told apart in a group of none."""
    return 0 < n_leads < SMALLEST_GROUP


def without_small_groups(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame of a question without the rows of small groups; the same one if there is none.

    A group over time is as large as all its leads. Rows that are not one group each (days, steps, all leads, what is
    added up as "Others") stay. Of a frame by status each row is a group.
    """
    if "key" not in frame or frame.empty:
        return frame
    size = next((name for name in _SIZES if name in frame), None)
    if size is None:
        if not set(_OUTCOMES) <= set(frame) or "is_active" not in frame:
            return frame
        sizes = frame[list(_OUTCOMES)].sum(axis=1)
    elif "bucket" in frame:
        sizes = frame.groupby("key")[size].transform("sum")
    else:
        sizes = frame["leads"] if "status" in frame else frame[size]
    is_group = ~frame["key"].isin([_ALL, OTHERS]) | ("status" in frame)
    is_kept = ~(is_group & sizes.map(is_small))
    return frame if is_kept.all() else frame[is_kept].reset_index(drop=True)
