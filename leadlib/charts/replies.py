"""How long a reply takes: what became of leads by age, and the shares within the usual limits."""

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import Row, bar_rows, empty_figure, named
from leadlib.metrics import MINIMUM_FOR_VERDICT, metric_named
from leadlib.theme import PALETTES, Theme, figure

_HEIGHT_PX = 360
_TICKS = {5: "5 min", 15: "15 min", 60: "1 h", 240: "4 h", 1_440: "1 d", 10_080: "7 d", 43_200: "30 d"}
_FIRST_MIN = 1


def plot_reply_curve(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Replied, archived and still waiting by age, bands that sum to 100 %, from `metrics.reply_curve`.

    Ages run on a logarithmic scale from a minute on; ages that too few looks tell of are shaded.
    """
    metric = metric_named("replied_within")
    if len(frame) < 2:
        return empty_figure(metric.label, theme)
    colours = PALETTES[theme]
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
            "tickvals": list(_TICKS),
            "ticktext": list(_TICKS.values()),
            "title": {"text": "Age of the lead, wall clock"},
            "showgrid": False,
            "hoverformat": ",.0f",
            "unifiedhovertitle": {"text": "%{x:,.0f} min old"},
            "automargin": True,
        },
        yaxis={"tickformat": ".0%", "range": [0, 1], "zeroline": False, "automargin": True},
    )


def reply_curve_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: what has become of leads a day and a week after they came."""
    told = frame[frame["n_looks"] >= MINIMUM_FOR_VERDICT]
    if told.empty:
        return (
            "No leads for these filters." if frame.empty else "Too few looks at these leads to tell when replies came."
        )
    parts = []
    for words, age_min in (("a day", 1_440), ("a week", 10_080)):
        before = told[told["age_min"] <= age_min]
        if len(before) and told["age_min"].iloc[-1] >= age_min:
            row = before.iloc[-1]
            parts.append(
                f"After {words} {formats.percent(row['replied_within'])} have a reply and "
                f"{formats.percent(row['still_waiting'])} wait."
            )
    return " ".join(parts) or "These leads are too young to tell what becomes of them in a day."


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
    least = f"at least {formats.duration(low * 60)}" if low > 0 else ""
    most = f"at most {formats.duration(high * 60)}" if math.isfinite(high) else ""
    span = formats.listed([words for words in (least, most) if words]) or "no more can be said"
    return (
        f"Half of the leads have a reply after about {formats.duration(median * 60)} on the wall clock ({span}); those "
        "that never get one count too."
    )


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
