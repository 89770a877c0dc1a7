"""How likely a reply still comes to a lead that waits, by how long it has waited."""

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import empty_figure, named, safe
from leadlib.metrics import DAYS_AHEAD, metric_named
from leadlib.theme import Theme, channel_colour, figure

_HEIGHT_PX = 320
# Few enough to stand side by side on a phone.
_TICKS = {5: "5 min", 60: "1 h", 480: "8 h", 1_440: "1 d", 10_080: "7 d"}
_FIRST_MIN = 1


def plot_reply_chances(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """A stepped line per channel over the age of a lead that still waits, from `metrics.reply_chances`.

    Ages run on a logarithmic scale from a minute on. A line has gaps where the chance is refused.
    """
    told = frame[frame["reply_chance"].notna()]
    if told.empty:
        return empty_figure(metric_named("reply_chance").short_label, theme, "no leads were followed closely enough")
    most = float(frame.loc[frame["key"].isin(told["key"]), "age_min"].max())
    return figure(
        [_line(frame[frame["key"] == key], str(key), theme) for key in told["key"].drop_duplicates()],
        theme,
        _HEIGHT_PX,
        hovermode="closest",
        margin={"l": 8, "r": 12, "t": 36, "b": 8},
        xaxis={
            "type": "log",
            "range": [math.log10(_FIRST_MIN), math.log10(max(most, 2 * _FIRST_MIN))],
            "tickvals": list(_TICKS),
            "ticktext": list(_TICKS.values()),
            "title": {"text": "Waiting for, wall clock"},
            "tickangle": 0,
            "showgrid": False,
            "automargin": True,
        },
        yaxis={"tickformat": ".0%", "rangemode": "tozero", "zeroline": False, "automargin": True},
    )


def reply_chances_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: the chance of the channel with most leads after an hour and after a day of waiting."""
    told = frame[frame["reply_chance"].notna()]
    if told.empty:
        return "Too few leads were followed since they came to tell whether a reply still comes."
    key = told.sort_values(["n_waited", "key"], ascending=[False, True])["key"].iloc[0]
    rows = frame[frame["key"] == key]
    parts: list[str] = []
    for words, age_min in (("an hour", 60), ("a day", 1_440)):
        row = rows[rows["age_min"] <= age_min].iloc[-1]
        if not formats.is_missing(row["reply_chance"]):
            parts.append(f"{formats.percent(row['reply_chance'])} {'of what has waited ' * (not parts)}for {words}")
    label = rows["label"].iloc[0]
    if not parts:
        return f"The line shows how often a reply comes on {label} within {DAYS_AHEAD} days."
    return f"On {label} a reply comes within {DAYS_AHEAD} days to {formats.listed(parts)}."


def _line(rows: pd.DataFrame, key: str, theme: Theme) -> dict[str, Any]:
    drawn = rows.assign(age_min=rows["age_min"].clip(lower=_FIRST_MIN))
    return {
        "type": "scatter",
        "mode": "lines",
        "x": drawn["age_min"].tolist(),
        "y": [None if math.isnan(chance) else round(chance, 5) for chance in drawn["reply_chance"]],
        "name": safe(str(rows["label"].iloc[0])),
        "line": {"shape": "hv", "width": 2, "color": channel_colour(key, theme)},
        "customdata": [[row.key, _hover(row)] for row in named(drawn)],
        "hovertemplate": "%{customdata[1]}<extra></extra>",
        "connectgaps": False,
    }


def _hover(row: Any) -> str:
    interval = formats.percent_range(row.reply_chance_low, row.reply_chance_high)
    return (
        f"<b>{safe(row.label, 80)}</b>, waiting for {formats.duration(row.age_min * 60)}<br>"
        f"{formats.percent(row.reply_chance)}, 95{formats.NBSP}% interval {interval}<br>"
        f"{formats.count_of(row.n_waited, 'lead')} waited as long"
    )
