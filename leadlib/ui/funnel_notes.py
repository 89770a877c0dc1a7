"""What the bars of a funnel leave out: stages that a channel never reports, and leads off the ladder."""

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


def beside_the_ladder(stages: pd.DataFrame) -> list[str]:
    """A sentence for leads that no bar of a funnel of one group tells for certain; none where there are none."""
    if stages.empty:
        return []
    row = stages.iloc[0]
    parts = []
    if row["archived_unknown"]:
        parts.append(
            f"{formats.count_of(row['archived_unknown'], 'lead')} first seen archived: they were sent, and the hatched "
            "pieces are as long as if all of them had come so far"
        )
    if row["off_ladder"]:
        parts.append(f"{formats.count_of(row['off_ladder'], 'lead')} of an unrecognised status: in no bar")
    return [f"{'; '.join(parts)}."] if parts else []


def on_steps(steps: pd.DataFrame) -> list[str]:
    """A sentence for each step of `stage_times` that has no time: why it has none."""
    return [f"{label}: {reason}" for label, reason in zip(steps["label"], steps["reason"], strict=True) if reason]


def _words(stages: Sequence[str]) -> str:
    return formats.listed([f"“{STAGE_LABELS[stage].lower()}”" for stage in stages], "or")
