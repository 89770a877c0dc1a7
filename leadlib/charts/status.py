"""What the portal calls the leads today."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import Row, bar_rows, empty_figure, named, safe
from leadlib.theme import PALETTES, Theme, figure


def plot_status(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Today's statuses from `metrics.status_counts`: a bar each for one group, a stacked share bar a group for several.

    customdata[0] of a bar is the status as the portal words it; for several groups, customdata[1] is the group's key.
    """
    if frame.empty:
        return empty_figure("Status today", theme)
    if frame["key"].nunique() > 1:
        return _stacked(frame, theme)
    colours = PALETTES[theme]
    rows = [
        Row(
            key=row.status,
            left=f"<b>{_word(row.status)}</b>  {formats.number(row.leads)}",
            right=formats.percent(row.share) + (" · unrecognised" if row.stage == "unrecognised" else ""),
            hover=_hover(row),
            value=row.leads,
            colour=colours.stages.get(row.stage, colours.unjudged),
        )
        for row in named(frame)
    ]
    return bar_rows(rows, theme, longest=float(frame["group_leads"].iloc[0]))


def status_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: the most frequent status, and what waits."""
    if frame.empty:
        return "No leads for these filters."
    total = int(frame["leads"].sum())
    by_status = frame.groupby("status")["leads"].sum().sort_values(ascending=False, kind="stable")
    top = str(by_status.index[0]) or "no status"
    sentence = (
        f"{formats.percent(by_status.iloc[0] / total)} of {formats.count_of(total, 'lead')} stand at “{top}” today"
    )
    odd = int(frame.loc[frame["stage"] == "unrecognised", "leads"].sum())
    return f"{sentence}; {formats.number(odd)} carry a status nobody knows." if odd else f"{sentence}."


def _stacked(frame: pd.DataFrame, theme: Theme) -> go.Figure:
    colours = PALETTES[theme]
    groups = list(dict.fromkeys(frame["key"]))
    labels = [safe(str(frame.loc[frame["key"] == key, "label"].iloc[0]), 22) for key in groups]
    traces: list[dict[str, Any]] = []
    for (status, stage), rows in frame.groupby(["status", "stage"], sort=False):
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": _word(str(status)),
                "y": [groups.index(key) for key in rows["key"]],
                "x": [float(share) for share in rows["share"]],
                "text": [formats.percent(share) if share >= 0.08 else "" for share in rows["share"]],
                "textposition": "inside",
                "insidetextanchor": "middle",
                "textangle": 0,
                "textfont": {"color": colours.page},
                "marker": {
                    "color": colours.stages.get(str(stage), colours.unjudged),
                    "line": {"width": 1, "color": colours.page},
                },
                "customdata": [[row.status, row.key, _hover(row)] for row in named(rows)],
                "hovertemplate": "%{customdata[2]}<extra></extra>",
            }
        )
    ticks = [0, 0.25, 0.5, 0.75, 1]
    return figure(
        traces,
        theme,
        80 + 38 * len(groups),
        barmode="stack",
        bargap=0.3,
        hovermode="closest",
        legend={"traceorder": "normal"},
        margin={"l": 8, "r": 22, "t": 36, "b": 8},
        xaxis={
            "range": [0, 1.002],
            "tickvals": ticks,
            "ticktext": [formats.percent(tick) for tick in ticks],
            "showgrid": False,
            "automargin": True,
        },
        yaxis={
            "tickvals": list(range(len(groups))),
            "ticktext": labels,
            "range": [len(groups) - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
            "automargin": True,
        },
    )


def _word(status: str) -> str:
    return safe(status[:1].upper() + status[1:]) if status else "No status given"


def _hover(row: Any) -> str:
    group = "" if row.key == "all" else f" · {safe(row.label)}"
    stage = "" if row.status == row.stage else f"<br>Counts as {row.stage_label.lower()}"
    return (
        f"<b>{_word(row.status)}{group}</b><br>{formats.percent(row.share, 1)}: "
        f"{formats.number(row.leads)} of {formats.count_of(row.group_leads, 'lead')}{stage}"
    )
