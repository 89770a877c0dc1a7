"""Why a figure changed: from what it was to what it is, step by step."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import (
    BAR_BELOW,
    Row,
    empty_figure,
    heading,
    named,
    row_words,
    rows_height,
    safe,
    touch,
)
from leadlib.metrics import FIGURES, PARTS, metric_named
from leadlib.theme import PALETTES, Theme, figure

MOST_STEPS = 10
"""Groups of a period's mix that have a step of their own: the others are one step."""

_ROW_PX = 44
_ROOM = 0.04
_DID = {part.key: part.did for part in PARTS}


@dataclass(frozen=True)
class _Step:
    """A bar from one level to the next, or a dot where a whole figure stands (`before` is NaN)."""

    key: str
    left: str
    right: str
    hover: str
    before: float
    after: float
    is_sure: bool = True


def plot_why_changed(frame: pd.DataFrame, of: str = "leads", *, theme: Theme = "light") -> go.Figure:
    """From then to now, a floating bar per part that has leads, from `metrics.why_changed`; `of` is one of its FIGURES.

    The ends are dots, since bars would have to begin at nothing. customdata[0] of a row is the part's key.
    """
    what = metric_named(f"{of}_change").label
    if frame.empty:
        return empty_figure(what, theme)
    if reason := frame[f"{of}_reason"].iloc[0]:
        return empty_figure(what, theme, _cut(reason))
    steps, level = [], math.nan
    for row in named(_told(frame, of)):
        before, level = level, getattr(row, f"{of}_level")
        is_end = row.key in {"then", "now"}
        n = getattr(row, f"{of}_in_part")
        steps.append(
            _Step(
                row.key,
                f"<b>{row.label}</b> · {formats.count_of(n, 'lead')}",
                _level(of, level) if is_end else _change(of, getattr(row, f"{of}_change")),
                _part_hover(row, of, level, n),
                math.nan if is_end else before,
                level,
            )
        )
    return _waterfall(steps, theme, heading("Leads that make the difference", "Change"))


def why_changed_takeaway(frame: pd.DataFrame, of: str = "leads") -> str:
    """One plain sentence: where the figure stood then and stands now, and the largest parts of the way."""
    if frame.empty:
        return "No leads for these filters."
    if reason := frame[f"{of}_reason"].iloc[0]:
        return str(reason)
    levels = frame[f"{of}_level"].tolist()
    before, after = levels[0], levels[-1]
    name = metric_named(of).label
    told = _told(frame, of).set_index("key").drop(["then", "now"])
    told = told[told[f"{of}_change"] != 0]
    if told.empty:
        return f"{name}: {_level(of, after)} at both moments, and no lead made a difference."
    largest = told.reindex(told[f"{of}_change"].abs().sort_values(ascending=False, kind="stable").index).head(3)
    parts = [
        f"{label.lower()} {_change(of, change)}"
        for label, change in zip(largest["label"], largest[f"{of}_change"], strict=True)
    ]
    most = "" if len(told) <= len(largest) else "most of all "
    return (
        f"{name} went from {_level(of, before)} to {_level(of, after)} ({_change(of, after - before)}): "
        f"{most}{formats.listed(parts)}."
    )


def why_changed_sentences(frame: pd.DataFrame, of: str = "leads") -> list[str]:
    """A sentence for each part that has leads: how many did what, and what that did to the figure."""
    if frame.empty or frame[f"{of}_reason"].iloc[0]:
        return []
    sentences = []
    for row in named(_told(frame, of)):
        if row.key in _DID:
            n, change = getattr(row, f"{of}_in_part"), getattr(row, f"{of}_change")
            sentences.append(f"{row.label}: {formats.count_of(n, 'lead')} {_did(row.key, n)}: {_change(of, change)}.")
    return sentences


def plot_volume_mix(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """From the leads of the period before to those of the period, a step per group, from `metrics.rate_mix`.

    Steps that chance makes are grey. customdata[0] of a row is the group's key.
    """
    what = metric_named("leads").label
    if frame.empty:
        return empty_figure(what, theme)
    whole = frame.iloc[0]
    if math.isnan(whole["leads_difference"]):
        return empty_figure(what, theme, _cut(str(whole["reason"])))
    steps = [_end("before", _days(whole, "previous"), whole["leads_before"], formats.number(whole["leads_before"]))]
    level = float(whole["leads_before"])
    for row in named(_groups(frame, "leads_difference")):
        before, level = level, level + row.leads_difference
        chance = "within what chance does" if row.is_chance else "more than chance does"
        between = f"{formats.number(row.leads_before)} → {formats.number(row.leads)}"
        steps.append(
            _Step(
                row.key,
                f"<b>{safe(row.label)}</b> · {between}",
                formats.signed(row.leads_difference),
                f"<b>{safe(row.label, 80)}</b><br>{between} leads: {chance}",
                before,
                level,
                not row.is_chance,
            )
        )
    steps.append(_end("now", _days(whole, "current"), whole["leads"], formats.number(whole["leads"])))
    return _waterfall(steps, theme, heading("Leads before → now", "Change"))


def volume_mix_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: how many more or fewer leads came, and whether chance would do as much."""
    if frame.empty:
        return "No leads for these filters."
    whole = frame.iloc[0]
    if math.isnan(whole["leads_difference"]):
        return str(whole["reason"])
    surely = "which is within what chance does" if whole["is_chance"] else "which is more than chance does"
    return (
        f"{formats.count_of(whole['leads'], 'lead').capitalize()} in {_days(whole, 'current')}, "
        f"{formats.number(whole['leads_before'])} in {_days(whole, 'previous')} "
        f"({formats.signed(whole['leads_difference'])}), {surely}."
    )


def plot_rate_mix(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """From the rate of the period before to that of the period: another rate in each group, then another mix of them.

    From `metrics.rate_mix`. Steps whose interval holds none at all, and those without one, are grey. customdata[0] of a
    row is the group's key.
    """
    what = metric_named("response_rate").label
    if frame.empty:
        return empty_figure(what, theme)
    whole = frame.iloc[0]
    if whole["reason"]:
        return empty_figure(what, theme, _cut(str(whole["reason"])))
    before = whole["responded_matured_before"] / whole["matured_before"]
    after = whole["responded_matured"] / whole["matured"]
    steps = [_end("before", _days(whole, "previous"), before, formats.percent(before, 1))]
    level = before
    for row in named(_groups(frame, "rate_effect")):
        was, level = level, level + row.rate_effect
        steps.append(_effect_step(row, row.key, f"Rate of {safe(row.label)}", "rate_effect", was, level))
    mix = next(named(frame.head(1)))
    steps.append(_effect_step(mix, "mix", metric_named("mix_effect").short_label, "mix_effect", level, after))
    steps.append(_end("now", _days(whole, "current"), after, formats.percent(after, 1)))
    return _waterfall(steps, theme, heading("Part of the change", f"Points (95{formats.NBSP}% interval)"))


def rate_mix_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: how the rate changed, and how much of that is other rates and how much another mix."""
    if frame.empty:
        return "No leads for these filters."
    whole = frame.iloc[0]
    if whole["reason"]:
        return str(whole["reason"])
    parts = [
        f"{words} {_effect_words(whole[key], whole[f'{key}_low'], whole[f'{key}_high'])}"
        for words, key in (("other rates within the groups", "rate_effect"), ("another mix of them", "mix_effect"))
    ]
    sure = [_is_sure(whole[f"{key}_low"], whole[f"{key}_high"]) for key in ("rate_effect", "mix_effect")]
    chance = "" if any(sure) else "; both are within what chance does"
    return (
        f"{metric_named('response_rate').label}: {formats.points(whole['rate_difference'])} against the period before, "
        f"of which {formats.listed(parts)}{chance}."
    )


def _told(frame: pd.DataFrame, of: str) -> pd.DataFrame:
    """The ends and the parts that have leads."""
    if of not in FIGURES:
        raise ValueError(f"of must be one of {', '.join(FIGURES)}")
    return frame[frame["key"].isin(["then", "now"]) | (frame[f"{of}_in_part"] > 0)]


def _groups(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """The groups that differ, those that differ most first; beyond MOST_STEPS they are added up."""
    groups = frame.iloc[1:]
    groups = groups[groups[by] != 0]
    order = groups[by].abs().sort_values(ascending=False, kind="stable").index
    groups = groups.loc[order]
    if len(groups) <= MOST_STEPS:
        return groups
    rest = groups.iloc[MOST_STEPS - 1 :]
    counts = [name for name in ("leads", "leads_before", by) if name in groups]
    others = rest.head(1).assign(
        key="others", label=f"Others ({len(rest)})", is_chance=True, rate_effect_low=math.nan, rate_effect_high=math.nan
    )
    others = others.assign(**{name: rest[name].sum() for name in counts})
    return pd.concat([groups.iloc[: MOST_STEPS - 1], others])


def _end(key: str, label: str, level: float, words: str) -> _Step:
    return _Step(key, f"<b>{label}</b>", words, f"<b>{label}</b><br>{words}", math.nan, float(level))


def _effect_step(row: Any, key: str, label: str, effect: str, before: float, after: float) -> _Step:
    low, high = getattr(row, f"{effect}_low"), getattr(row, f"{effect}_high")
    words = _effect_words(getattr(row, effect), low, high)
    sure = _is_sure(low, high)
    chance = "" if sure else "<br>Within what chance does" if not math.isnan(low) else "<br>Too few leads to judge"
    counted = (
        f"<br>{formats.number(row.responded_matured_before)} of {formats.number(row.matured_before)} before, "
        f"{formats.number(row.responded_matured)} of {formats.number(row.matured)} now"
        if key not in {"mix", "others"}
        else ""
    )
    return _Step(key, f"<b>{label}</b>", words, f"<b>{label}</b>: {words}{counted}{chance}", before, after, sure)


def _effect_words(effect: float, low: float, high: float) -> str:
    if math.isnan(low):
        return formats.points(effect)
    return f"{formats.points(effect)} ({formats.signed(low * 100, 1)} to {formats.signed(high * 100, 1)})"


def _is_sure(low: float, high: float) -> bool:
    return low > 0 or high < 0


def _part_hover(row: Any, of: str, level: float, n: float) -> str:
    if row.key not in _DID:
        return f"<b>{row.label}</b><br>{_level(of, level)}, {formats.count_of(n, 'lead')}"
    words = f"{formats.count_of(n, 'lead')} {_did(row.key, n)}"
    return f"<b>{row.label}</b>: {_change(of, getattr(row, f'{of}_change'))}<br>{words}"


def _did(key: str, n: float) -> str:
    words = _DID[key]
    if n != 1:
        return words
    for many, one in (("were ", "was "), ("are ", "is "), ("have ", "has "), ("they stay", "it stays")):
        words = words.replace(many, one)
    return words


def _level(of: str, level: float) -> str:
    return formats.number(level) if of == "leads" else formats.percent(level, 1)


def _change(of: str, change: float) -> str:
    return formats.signed(change) if of == "leads" else formats.points(change, 1 if abs(change) >= 0.0005 else 2)


def _days(row: pd.Series, period: str) -> str:
    return formats.day_range(row[f"{period}_from"], row[f"{period}_to"])


def _cut(reason: str) -> str:
    words = reason.rstrip(".")
    return words if len(words) <= 60 else "see the sentence above"


def _waterfall(steps: Sequence[_Step], theme: Theme, over: Row) -> go.Figure:
    colours = PALETTES[theme]
    levels = [level for step in steps for level in (step.before, step.after) if not math.isnan(level)]
    low, high = min(levels), max(levels)
    room = max((high - low) * _ROOM, 1e-9)
    low, end = low - room, high - low + 2 * room
    rows = [Row(step.key, step.left, step.right, step.hover, math.nan, colours.accent) for step in steps]

    def at(choose: Callable[[_Step], bool]) -> list[tuple[float, _Step]]:
        return [(place + BAR_BELOW, step) for place, step in enumerate(steps) if choose(step)]

    bars, dots = at(lambda step: not math.isnan(step.before)), at(lambda step: math.isnan(step.before))
    lines: dict[str, list[float | None]] = {"x": [], "y": []}
    for place, step in enumerate(steps[:-1]):
        lines["x"] += [step.after - low] * 2 + [None]
        lines["y"] += [place + BAR_BELOW, place + 1 + BAR_BELOW, None]
    quiet = {"hoverinfo": "skip", "showlegend": False}
    traces: list[dict[str, Any]] = [
        {
            **{**quiet, **lines},
            "type": "scatter",
            "mode": "lines",
            "line": {"color": colours.grid, "width": 1.5},
        },
        {
            **quiet,
            "type": "bar",
            "orientation": "h",
            "y": [place for place, _ in bars],
            "x": [step.after - step.before for _, step in bars],
            "base": [step.before - low for _, step in bars],
            "width": 0.28,
            "marker": {"color": [_colour(step, theme) for _, step in bars]},
        },
        {
            **quiet,
            "type": "scatter",
            "mode": "markers",
            "x": [step.after - low for _, step in dots],
            "y": [place for place, _ in dots],
            "marker": {"size": 12, "symbol": "diamond", "color": colours.text},
            "cliponaxis": False,
        },
    ]
    return figure(
        [*traces, *row_words([over, *rows], end, theme, first=-1), touch(rows, end)],
        theme,
        rows_height(len(rows) + 1, _ROW_PX),
        barmode="overlay",
        bargap=0,
        xaxis={"visible": False, "range": [0, end]},
        yaxis={"visible": False, "range": [len(rows) - 0.5, -1.4]},
        margin={"l": 2, "r": 2, "t": 2, "b": 2},
        hovermode="closest",
    )


def _colour(step: _Step, theme: Theme) -> str:
    if not step.is_sure:
        return PALETTES[theme].unjudged
    return PALETTES[theme].accent if step.after >= step.before else PALETTES[theme].warning
