"""Which stages a channel never reports, in as few sentences as it takes."""

from collections.abc import Sequence

import pandas as pd

from leadlib import formats
from leadlib.metrics.table import STAGE_LABELS
from leadlib.records import LADDER


def notes(per_channel: pd.DataFrame) -> list[str]:
    """A sentence for the stages that no channel of the funnel reports, and one for each group of single channels."""
    reported: dict[str, set[str]] = {}
    for label, stage in zip(per_channel["label"], per_channel["stage"], strict=True):
        reported.setdefault(str(label), set()).add(str(stage))
    anywhere = set().union(*reported.values())
    nowhere = [stage for stage in LADDER if stage not in anywhere]
    sentences = [f"The portal reports {_words(nowhere)} for none of these leads."] if reported and nowhere else []
    # One sentence names all channels that leave out the same stages.
    silent: dict[tuple[str, ...], list[str]] = {}
    for label, stages in reported.items():
        left_out = tuple(stage for stage in LADDER if stage in anywhere and stage not in stages)
        if left_out:
            silent.setdefault(left_out, []).append(label)
    sentences += [f"It never reports {_words(out)} for {formats.listed(who, 'or')}." for out, who in silent.items()]
    return [" ".join(sentences)] if sentences else []


def _words(stages: Sequence[str]) -> str:
    return formats.listed([f"“{STAGE_LABELS[stage].lower()}”" for stage in stages], "or")
