"""What history says of the funnel: how long leads stand on a rung, and which stages follow each other."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from leadlib import formats
from leadlib.filters import Filters
from leadlib.metrics.queries import ask, remembered
from leadlib.metrics.replies import MOST_APART, Looks
from leadlib.metrics.statistics import quantile_ends
from leadlib.metrics.table import MINIMUM_FOR_VERDICT, STAGE_LABELS, STAGES, dimension_named, label_of
from leadlib.store import Store

STEPS: Mapping[str, tuple[str, str]] = {
    "sent_opened": ("Sent to opened", "opened"),
    "opened_responded": ("Opened to responded", "responded"),
}
"""From one rung to another: its words, and the rung that it leads to."""

SETTLED_SHARE = 0.95
"""The part of the replies that have come when a response rate is taken to be settled."""

FOLLOWED_DAYS = 7
"""Replies that come later than this after their lead are not waited for when it is told when a rate is settled."""

LEAST_REPLIES = 100
"""Fewer replies do not tell when nearly all have come."""

_KINDS = ("reached", "archived", "waiting", "unknown", "late")
_TOLD = ("reached", "archived", "waiting")
_NEXT = 0


def stage_times(store: Store, filters: Filters) -> pd.DataFrame:
    """How long a step up the ladder takes: one row per step of STEPS that any lead has begun, none without leads.

    Columns: key and label ("Sent to opened"), median_step_min (minutes on the wall clock after which half of the leads
    on the lower rung, calls left out, were on the higher one; archived and waiting leads count as not there; infinite
    where fewer ever get there, NaN where the looks do not support it), median_step_min_low and _high (its 95 %
    interval, from the least to the most that the looks allow; NaN like it), reason (why there is no figure; empty if
    there is one), n_reached, n_archived, n_waiting, n_unknown, n_late (leads; those of unknown history and those first
    looked at more than a day after they came are left out).
    """
    everything = ask(store, "stage_times", filters)
    rows = []
    for step, (label, _) in STEPS.items():
        its_own = everything[everything["step"] == step]
        if len(its_own):
            counts = _counts(its_own)
            rows.append({"key": step, "label": label, **_median(store, filters, step, its_own, counts), **counts})
    columns = ("key", "label", *_MEDIAN, "reason", *(f"n_{kind}" for kind in _KINDS))
    return pd.DataFrame(rows, columns=list(columns)).astype({"key": "str", "label": "str", "reason": "str"})


_MEDIAN = ("median_step_min", "median_step_min_low", "median_step_min_high")


def _median(
    store: Store, filters: Filters, step: str, rows: pd.DataFrame, counts: Mapping[str, int]
) -> dict[str, object]:
    looks = _looks(store, filters, step, "all", rows)
    reason = _reason(looks, counts)
    if not reason:
        median = list(looks.median().values())[: len(_MEDIAN)]
        least, most = looks.found.age_of(_NEXT, 0.5)
        if np.isnan(median).any():
            reason = "Too few looks at leads that had been on the lower rung for so long."
        elif np.isfinite(most) and most > MOST_APART * least:
            reason = f"Looks are too far apart: half were there after somewhere between {_span(least, most)}."
        else:
            return {**dict(zip(_MEDIAN, median, strict=True)), "reason": ""}
    return {**dict.fromkeys(_MEDIAN, np.nan), "reason": reason}


def settling(store: Store, filters: Filters) -> pd.DataFrame:
    """The age by which 95 % of the replies of a week had come: one row per channel but calls, most leads first.

    Columns: key, label (the channel), settled_h (hours on the wall clock: by then they had come for certain; NaN where
    the looks do not support it), settled_h_low and _high (95 % interval, from the least to the most that the looks
    allow; NaN like it), n_reached, n_archived, n_waiting, n_unknown and n_late as in `stage_times`,
    n_followed (leads known to be without a reply after a week), reason (why there is no figure; empty if there is
    one).
    """
    channel = dimension_named("channel")
    everything = ask(store, "stage_times", filters, by=(channel,))
    everything = everything[everything["step"] == "sent_responded"]
    rows = []
    for key in everything["key"].unique():
        its_own = everything[everything["key"] == key]
        counts = _counts(its_own)
        told = _settled(store, filters, key, its_own, counts)
        rows.append({"key": key, "label": label_of(channel, key), **told, **counts})
    rows.sort(key=lambda row: (-sum(row[f"n_{kind}"] for kind in _KINDS), row["key"]))
    columns = ("key", "label", *_SETTLED, *(f"n_{kind}" for kind in _KINDS), "n_followed", "reason")
    return pd.DataFrame(rows, columns=list(columns)).astype({"key": "str", "label": "str", "reason": "str"})


_SETTLED = ("settled_h", "settled_h_low", "settled_h_high")


def _settled(
    store: Store, filters: Filters, channel: str, rows: pd.DataFrame, counts: Mapping[str, int]
) -> dict[str, object]:
    followed_min = FOLLOWED_DAYS * 1_440
    n_followed = int(rows.loc[rows["begins_min"] >= followed_min, "leads"].sum())
    n_replied = counts["n_reached"]
    looks = _looks(store, filters, "sent_responded", channel, rows)
    found = looks.found
    reason = _reason(looks, counts)
    if not reason and n_replied < LEAST_REPLIES:
        reason = f"Fewer than {LEAST_REPLIES} replies were seen."
    if not reason and n_followed < MINIMUM_FOR_VERDICT:
        reason = f"Fewer than {MINIMUM_FOR_VERDICT} leads without a reply were followed for {FOLLOWED_DAYS} days."
    if not reason:
        total = found.by(_NEXT, followed_min)[0]
        low, high = found.age_of(_NEXT, SETTLED_SHARE * total)
        if high > MOST_APART * low:
            reason = f"Looks are too far apart: the age lies between {_span(low, high)}."
        else:
            replied = rows[(rows["kind"] == "reached") & (rows["begins_min"] < followed_min)]
            least, most = quantile_ends(SETTLED_SHARE, n_replied)  # of LEAST_REPLIES or more these are below 1
            # Each reply came after its last look without it and by its first look with it, whatever is estimated.
            earliest = min(found.age_of(_NEXT, least * total)[0], _age_of_share(replied, "begins_min", least))
            latest = max(found.age_of(_NEXT, most * total)[1], _age_of_share(replied, "ends_min", most))
            hours = dict(zip(_SETTLED, (age / 60 for age in (high, earliest, latest)), strict=True))
            return {**hours, "n_followed": n_followed, "reason": ""}
    return {**dict.fromkeys(_SETTLED, np.nan), "n_followed": n_followed, "reason": reason}


def _age_of_share(rows: pd.DataFrame, column: str, share: float) -> float:
    """The smallest of the ages in a column that so large a share of the leads does not pass."""
    ordered = rows.sort_values(column)
    up_to = ordered["leads"].cumsum().to_numpy()
    return float(ordered[column].iloc[int(np.searchsorted(up_to, share * up_to[-1] - 1e-9))])


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    return {f"n_{kind}": int(rows.loc[rows["kind"] == kind, "leads"].sum()) for kind in _KINDS}


def _reason(looks: Looks, counts: Mapping[str, int]) -> str:
    """Why the looks at these leads tell no age at all; empty if they may."""
    if sum(counts[f"n_{kind}"] for kind in _TOLD) < MINIMUM_FOR_VERDICT:
        return f"Fewer than {MINIMUM_FOR_VERDICT} leads were looked at within a day of their creation."
    if not looks.was_watched:
        return "Looks are too far apart: most of these leads were not seen on the lower rung before the higher one."
    return ""


def _looks(store: Store, filters: Filters, step: str, group: str, rows: pd.DataFrame) -> Looks:
    """The intervals of the leads of known history, the next rung in the place of a reply."""
    known = rows[rows["kind"].isin(_TOLD)]
    known = known.assign(kind=known["kind"].replace({"reached": "replied"}))
    return remembered(store, ("stage times", step, group, filters), lambda: Looks.of(known))


def _span(low_min: float, high_min: float) -> str:
    return f"{formats.duration(low_min * 60)} and {formats.duration(high_min * 60)}"


def transitions(store: Store, filters: Filters) -> pd.DataFrame:
    """What leads were first seen as, what they became, and where they stand: one row per move, origins up the ladder.

    Columns: key, label ("First seen sent → opened"), from_key, from_stage, to_key, to_stage, moved (leads), share
    (moved / all leads). Keys are "first:STAGE" for what a lead was first seen as, "then:STAGE" for what it became,
    "again:STAGE" for what it became after it had gone back, and "today:STAGE" for where it stands. Moves out of first:
    sum to the leads, and so do those into today:; what goes into any other comes out of it. A lead that went back more
    than once has its moves in between left out. A row's leads are those under the filter "move" by its key. No leads:
    no rows.
    """
    counted = ask(store, "stage_moves", filters)
    rows = sorted(zip(counted["key"], counted["leads"], strict=True), key=lambda row: _places(row[0]))
    ends = [key.split(">") for key, _ in rows]
    moved = np.array([leads for _, leads in rows], dtype="int64")
    n_leads = sum(leads for key, leads in rows if key.startswith("first:"))
    return pd.DataFrame(
        {
            "key": pd.Series([key for key, _ in rows], dtype="str"),
            "label": pd.Series([_words(key) for key, _ in rows], dtype="str"),
            "from_key": pd.Series([start for start, _ in ends], dtype="str"),
            "from_stage": pd.Series([start.split(":")[1] for start, _ in ends], dtype="str"),
            "to_key": pd.Series([end for _, end in ends], dtype="str"),
            "to_stage": pd.Series([end.split(":")[1] for _, end in ends], dtype="str"),
            "moved": moved,
            "share": moved / max(n_leads, 1),
        }
    )


_SIDES = ("first", "then", "again", "today")


def _places(move: str) -> list[tuple[int, int]]:
    nodes = (node.split(":") for node in move.split(">"))
    return [(_SIDES.index(side), STAGES.index(stage)) for side, stage in nodes]


def _words(move: str) -> str:
    (origin, start), (target, end) = (node.split(":") for node in move.split(">"))
    words = {"first": "First seen {}", "then": "{}", "again": "{} again"}[origin].format(
        STAGE_LABELS[start].lower() if origin == "first" else STAGE_LABELS[start]
    )
    if target == "today":
        return f"{words}, {'still there' if start == end else f'today {STAGE_LABELS[end].lower()}'}"
    return f"{words} → {STAGE_LABELS[end].lower()}{' again' if target == 'again' else ''}"


def words_by_move() -> dict[str, str]:
    """What the key of each move that there may be reads: "First seen sent → opened"."""
    nodes = [f"{side}:{stage}" for side in _SIDES for stage in STAGES]
    return {
        f"{start}>{end}": _words(f"{start}>{end}") for start in nodes[: -len(STAGES)] for end in nodes[len(STAGES) :]
    }
