"""What stands under the weeks: where history is too thin for a rate, and when the replies of each channel have come."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from leadlib import formats
from leadlib.metrics.stages import FOLLOWED_DAYS
from leadlib.metrics.table import MAXIMUM_UNKNOWN_SHARE
from leadlib.records import HOURS_TO_MATURE

_HOUR_S = 3600


def notes(weeks: pd.DataFrame, channels: pd.DataFrame) -> list[str]:
    """Sentences for a frame of `within_hours` by week and one of `settling`; none without leads."""
    if weeks.empty:
        return []
    sentences = []
    thin = int((weeks["response_rate_within_quality"] == "bounds").sum())
    if thin:
        of_weeks = "the only week" if len(weeks) == 1 else f"{thin} of {formats.count_of(len(weeks), 'week')}"
        sentences.append(
            f"In {of_weeks} history is too thin for a rate within {HOURS_TO_MATURE}{formats.NBSP}h: of more than "
            f"{formats.percent(MAXIMUM_UNKNOWN_SHARE)} of the leads the looks do not tell whether they responded by "
            "then. The line reaches from none of them to all."
        )
    known = channels[channels["settled_h"].notna()]
    if len(known):
        ages = [_age_words(row) for row in known.to_dict("records")]
        sentences.append(
            f"Of the replies of the first {FOLLOWED_DAYS} days, 95{formats.NBSP}% have come by the age of (with its 95"
            f"{formats.NBSP}% interval): {formats.listed(ages)}."
        )
    slow = known[known["settled_h_low"] > HOURS_TO_MATURE]
    if len(slow):
        names = formats.listed(list(slow["label"]))
        sentences.append(
            f"Of {names} less than 95{formats.NBSP}% of the replies have come at {HOURS_TO_MATURE}{formats.NBSP}h, so "
            "the rate so far of young leads still grows there: compare such weeks when they are older."
        )
    untold = channels[channels["settled_h"].isna()]
    if len(untold):
        names = formats.listed(list(untold["label"]), "or")
        sentences.append(f"By what age replies have come cannot be told for {names} yet.")
    return [*sentences, "A point leads to all leads of its week."]


def _age_words(row: Mapping[Any, Any]) -> str:
    interval = formats.duration_range(row["settled_h_low"] * _HOUR_S, row["settled_h_high"] * _HOUR_S)
    return f"{row['label']} {formats.duration(row['settled_h'] * _HOUR_S)} ({interval})"
