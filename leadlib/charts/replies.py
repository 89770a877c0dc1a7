"""How long a reply takes: what became of leads by age, the shares within the usual limits, and those of groups.

Every frame says on which clock its ages are, and so does every chart.
"""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import Row, bar_rows, empty_figure, named, safe, shortened
from leadlib.metrics import MINIMUM_FOR_VERDICT, Clock, age_range, age_words, metric_named, sla_words
from leadlib.theme import PALETTES, Theme, figure

_HEIGHT_PX = 360
_TREND_PX = 300
_TICKS_MIN = (5, 15, 60, 240, 1_440, 10_080, 43_200)
_ON_CLOCK: Mapping[Clock, str] = {"wall": "on the wall clock", "working": "in working hours"}
_FIRST_MIN = 1


def plot_reply_curve(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Replied, archived and still waiting by age, bands that sum to 100 %, from `metrics.reply_curve`.

    Ages run on a logarithmic scale from a minute on; ages that too few looks tell of are shaded.
    """
    metric = metric_named("replied_within")
    if len(frame) < 2:
        return empty_figure(metric.label, theme)
    colours = PALETTES[theme]
    clock: Clock = frame["clock"].iloc[0]
    drawn = frame[frame["age_min"] >= _FIRST_MIN]
    most = float(frame["age_min"].iloc[-1])
    bands = (
        ("replied_within", "Replied", colours.stages["responded"]),
        ("archived_within", "Archived without a reply", colours.unjudged),
        ("still_waiting", "Waiting", colours.track),
    )
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "stackgroup": "leads",
            "x": drawn["age_min"].tolist(),
            "y": drawn[key].round(5).tolist(),
            "name": words,
            "line": {"shape": "hv", "width": 0, "color": colour},
            "fillcolor": colour,
            "hovertemplate": "%{y:.0%}",
        }
        for key, words, colour in bands
    ]
    return figure(
        traces,
        theme,
        _HEIGHT_PX,
        hovermode="x unified",
        margin={"l": 8, "r": 12, "t": 36, "b": 8},
        legend={"traceorder": "normal"},
        shapes=_untold(drawn, theme),
        xaxis={
            "type": "log",
            "range": [math.log10(_FIRST_MIN), math.log10(max(most, 2 * _FIRST_MIN))],
            "tickvals": list(_TICKS_MIN),
            "ticktext": [age_words(age, clock) for age in _TICKS_MIN],
            "title": {"text": f"Age of the lead {_ON_CLOCK[clock]}"},
            "showgrid": False,
            "hoverformat": ",.0f",
            "unifiedhovertitle": {"text": "%{x:,.0f} min old"},
            "automargin": True,
        },
        yaxis={"tickformat": ".0%", "range": [0, 1], "zeroline": False, "automargin": True},
    )


def reply_curve_takeaway(frame: pd.DataFrame) -> str:
    """What has become of leads a day and a week after they came; in working hours, after one and 24 of them."""
    told = frame[frame["n_looks"] >= MINIMUM_FOR_VERDICT]
    if told.empty:
        return (
            "No leads for these filters." if frame.empty else "Too few looks at these leads to tell when replies came."
        )
    parts = []
    is_wall = frame["clock"].iloc[0] == "wall"
    spans = (("a day", 1_440), ("a week", 10_080)) if is_wall else (("an hour of work", 60), ("24 hours of it", 1_440))
    for words, age_min in spans:
        before = told[told["age_min"] <= age_min]
        if len(before) and told["age_min"].iloc[-1] >= age_min:
            row = before.iloc[-1]
            parts.append(
                f"After {words} {formats.percent(row['replied_within'])} have a reply and "
                f"{formats.percent(row['still_waiting'])} wait."
            )
    return " ".join(parts) or f"These leads are too young to tell what becomes of them in {spans[0][0]}."


def plot_reply_shares(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """The share replied to within each limit as a bar, or that the looks do not tell, from `metrics.reply_shares`.

    customdata[0] of a bar is the limit.
    """
    if frame.empty:
        return empty_figure(metric_named("replied_within").label, theme)
    colours = PALETTES[theme]
    rows = [
        Row(
            key=row.key,
            left=f"<b>{row.label}</b>",
            right=_share_words(row),
            hover=f"<b>Within {row.label}</b><br>{_hover(row)}",
            value=row.replied_within,
            colour=colours.stages["responded"],
        )
        for row in named(frame)
    ]
    return bar_rows(rows, theme, longest=1.0)


def reply_shares_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: the median, or why there is none."""
    if frame.empty:
        return "No leads for these filters."
    median, low, high = (float(frame[f"median_reply_min{end}"].iloc[0]) for end in ("", "_low", "_high"))
    if math.isnan(median):
        return "Too few of these leads were seen waiting before their reply to tell the median time to one."
    if math.isinf(median):
        return "Fewer than half of these leads have had a reply, so there is no median time to one."
    clock: Clock = frame["clock"].iloc[0]
    least = f"at least {age_words(low, clock)}" if low > 0 else ""
    most = f"at most {age_words(high, clock)}" if math.isfinite(high) else ""
    span = formats.listed([words for words in (least, most) if words]) or "no more can be said"
    return (
        f"Half of the leads have a reply after about {age_words(median, clock)} {_ON_CLOCK[clock]} ({span}); those "
        "that never get one count too."
    )


def plot_replies_by(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """The share replied to within an age as a bar per group, from `metrics.replies_by`; groups of calls have none.

    customdata[0] of a bar is the group's key.
    """
    shown = _with_leads(frame)
    if shown.empty:
        return empty_figure(metric_named("replied_within").label, theme)
    rows = [
        Row(
            key=row.key,
            left=f"<b>{safe(row.label)}</b>",
            right=_share_words(row),
            hover=f"<b>{safe(row.label, None)}</b><br>{_hover(row)}{_minutes_hover(row)}",
            value=row.replied_within,
            colour=PALETTES[theme].stages["responded"],
        )
        for row in named(shown)
    ]
    return bar_rows(rows, theme, longest=1.0)


def replies_by_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: the groups with the most and the fewest replies in time, and if that may be chance."""
    shown = _with_leads(frame)
    told = shown[shown["replied_within"].notna()].sort_values("replied_within", kind="stable", ascending=False)
    if told.empty:
        return "No leads for these filters." if shown.empty else "Too few looks at these leads to tell replies in time."
    clock: Clock = frame["clock"].iloc[0]
    within = f"within {sla_words(told['age_min'].iloc[0])} {_ON_CLOCK[clock]}"
    best, worst = told.iloc[0], told.iloc[-1]
    if len(told) == 1:
        return f"Of {shortened(best['label'])} {formats.percent(best['replied_within'])} have a reply {within}."
    is_apart = best["replied_within_low"] > worst["replied_within_high"]
    return (
        f"{shortened(best['label'])} has the most replies {within} ({formats.percent(best['replied_within'])}), "
        f"{shortened(worst['label'])} the fewest ({formats.percent(worst['replied_within'])}): "
        f"{'more than chance makes' if is_apart else 'that may be chance'}."
    )


def plot_reply_trend(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """The share replied to within an age per week of creation, with its interval, from `metrics.replies_by` by week.

    Weeks that the looks do not tell of have no point. customdata[0] of a point is the Monday of its week.
    """
    metric = metric_named("replied_within")
    rows = [row for row in named(frame) if not math.isnan(row.replied_within)]
    if not rows:
        return empty_figure(metric.label, theme, "no leads for these filters" if frame.empty else "too few looks")
    colours = PALETTES[theme]
    shared = {"type": "scatter", "showlegend": False}
    whiskers = [
        {
            **shared,
            "mode": "lines",
            "x": [row.key, row.key],
            "y": [row.replied_within_low, row.replied_within_high],
            "line": {"color": colours.accent, "width": 3},
            "opacity": 0.45,
            "hoverinfo": "skip",
        }
        for row in rows
    ]
    points = {
        **shared,
        "mode": "lines+markers",
        "x": frame["key"].tolist(),
        "y": [None if math.isnan(share) else share for share in frame["replied_within"]],
        "line": {"color": colours.accent, "width": 1.5},
        "marker": {"size": 9, "color": colours.accent, "line": {"color": colours.page, "width": 1.5}},
        "customdata": [[row.key, f"<b>{row.label}</b><br>{_hover(row)}{_minutes_hover(row)}"] for row in named(frame)],
        "hovertemplate": "%{customdata[1]}<extra></extra>",
        "cliponaxis": False,
    }
    return figure(
        [*whiskers, points],
        theme,
        _TREND_PX,
        hovermode="closest",
        margin={"l": 8, "r": 12, "t": 12, "b": 8},
        xaxis={"type": "date", "showgrid": False, "tickformat": "%-d %b\n%Y", "nticks": 8, "automargin": True},
        yaxis={"tickformat": ".0%", "range": [0, 1.03], "zeroline": False, "automargin": True, "nticks": 6},
    )


def reply_trend_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: the lowest and the highest of the weeks that can be told."""
    told = frame[frame["replied_within"].notna()].sort_values("replied_within", kind="stable")
    if len(told) < 2:
        return "No leads for these filters." if frame.empty else "Too few weeks were looked at closely to be compared."
    clock: Clock = frame["clock"].iloc[0]
    low, high = told.iloc[0], told.iloc[-1]
    return (
        f"Within {sla_words(low['age_min'])} {_ON_CLOCK[clock]}, the {formats.count_of(len(told), 'week')} that "
        f"can be told range from {formats.percent(low['replied_within'])} ({low['label']}) to "
        f"{formats.percent(high['replied_within'])} ({high['label']}); where intervals overlap, that may be chance."
    )


def _with_leads(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame[["n_replied", "n_archived", "n_waiting", "n_unknown"]].sum(axis=1) > 0]


def _minutes_hover(row: Any) -> str:
    ages = (("median_reply_min", "half of the leads"), ("p90_reply_min", "nine in ten of the replies"))
    told = []
    for key, words in ages:
        age, low, high = (getattr(row, f"{key}{end}") for end in ("", "_low", "_high"))
        if math.isfinite(age):
            told.append(f"{words} by {age_words(age, row.clock)} ({age_range(low, high, row.clock)})")
    return "".join(f"<br>{text}" for text in told)


def _share_words(row: Any) -> str:
    if math.isnan(row.replied_within):
        return "not to be told"
    interval = formats.percent_range(row.replied_within_low, row.replied_within_high)
    return f"{formats.percent(row.replied_within)} ({interval.removesuffix(f'{formats.NBSP}%')})"


def _hover(row: Any) -> str:
    if row.reason:
        return str(row.reason).replace(": ", ":<br>")
    interval = formats.percent_range(row.replied_within_low, row.replied_within_high)
    share = f"{formats.percent(row.replied_within)}, 95{formats.NBSP}% interval {interval}"
    return f"{share}<br>{formats.count_of(row.n_looks, 'lead')} tell of this age"


def _untold(drawn: pd.DataFrame, theme: Theme) -> list[dict[str, Any]]:
    """A veil over the ages, from the left, up to the first that enough looks tell of."""
    told = drawn[drawn["n_looks"] >= MINIMUM_FOR_VERDICT]["age_min"]
    end = float(told.iloc[0] if len(told) else drawn["age_min"].iloc[-1])
    if end <= _FIRST_MIN:
        return []
    colours = PALETTES[theme]
    words = {"text": "too few looks", "font": {"color": colours.quiet, "size": 12}, "textposition": "top center"}
    veil = {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": _FIRST_MIN, "x1": end, "line": {"width": 0}}
    return [{**veil, "fillcolor": colours.page, "opacity": 0.75, "label": words}]
