"""Leads over time: per bucket, and per hour of the week."""

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.empty import NOTHING, plot_nothing
from leadlib.theme import PALETTES, Theme, figure


def plot_volume(rows: pd.DataFrame, *, theme: Theme) -> go.Figure:
    """Stacked bars, one colour a group, of the frame of `volume`. Buckets that were not read whole are hatched."""
    if rows.empty:
        return plot_nothing(theme)
    palette = PALETTES[theme]
    traces: list[dict[str, object]] = []
    for place, (key, group) in enumerate(rows.groupby("key", sort=False)):
        own = palette.channels.get(str(key)) or palette.stages.get(str(key))
        colour = own or palette.series[place % len(palette.series)]
        partial = group["is_partial"]
        name = escape(str(group["label"].iloc[0]))
        notes = ["<br>not a whole period yet, or not all of it was read" if flag else "" for flag in partial]
        traces.append(
            {
                "type": "bar",
                "name": name,
                "x": group["bucket"],
                "y": group["leads"],
                "customdata": notes,
                "marker": {
                    "color": colour,
                    "pattern": {"shape": ["/" if flag else "" for flag in partial], "size": 5, "solidity": 0.5},
                    "line": {"width": 0},
                },
                "legendgroup": name,
                "showlegend": False,
                "hovertemplate": f"{name}: %{{y:,}}%{{customdata}}<extra></extra>",
            }
        )
        # The legend copies a trace's first bar, which may be a hatched one; a bar of no height keeps it plain.
        legend: dict[str, object] = {"type": "bar", "name": name, "x": [None], "y": [None], "marker": {"color": colour}}
        traces.append(legend | {"legendgroup": name})
    return figure(
        traces,
        theme,
        340,
        barmode="stack",
        hovermode="x unified",
        showlegend=rows["key"].nunique() > 1,
        yaxis={"title": {"text": "leads"}, "rangemode": "tozero"},
        xaxis={"type": "date", "hoverformat": "%a %-d %b %Y" if not _has_hours(rows) else "%a %-d %b %Y, %H:00"},
    )


def _has_hours(rows: pd.DataFrame) -> bool:
    return bool((rows["bucket"].dt.hour != 0).any())


def volume_takeaway(rows: pd.DataFrame) -> str:
    """Which group brings most, and the busiest bucket."""
    total = int(rows["leads"].sum())
    if total == 0:
        return NOTHING
    groups = rows.groupby("label", sort=False)["leads"].sum()
    buckets = rows.groupby("bucket")["leads"].sum()
    busiest = buckets.idxmax()
    what = f"{groups.idxmax()} brings {formats.percent(groups.max() / total)} of" if len(groups) > 1 else "There are"
    n_partial = int(rows.loc[rows["is_partial"], "bucket"].nunique())
    hatched = f" {formats.count_of(n_partial, 'period')} not read whole: hatched." if n_partial else ""
    return (
        f"{what} {formats.count_of(total, 'lead')}; most came on {formats.day(busiest)} "
        f"({formats.number(buckets.max())}).{hatched}"
    )


def plot_heat_map(rows: pd.DataFrame, *, theme: Theme) -> go.Figure:
    """Weekdays down, hours across, of the frame of `heat_map`; the darker, the more leads in an hour of that kind."""
    if rows.empty:
        return plot_nothing(theme)
    grid = rows.pivot(index="weekday", columns="hour", values="leads_per_hour")
    hover = [
        [_hour_words(row) for row in rows[rows["weekday"] == weekday].to_dict("records")] for weekday in grid.index
    ]
    scale = PALETTES[theme].scale
    return figure(
        [
            {
                "type": "heatmap",
                "x": [f"{hour:02}" for hour in grid.columns],
                "y": [formats.WEEKDAYS[int(weekday) - 1] for weekday in grid.index],
                "z": grid.to_numpy(),
                "text": hover,
                "hovertemplate": "%{text}<extra></extra>",
                "colorscale": [[n / (len(scale) - 1), colour] for n, colour in enumerate(scale)],
                "zmin": 0,
                "xgap": 2,
                "ygap": 2,
                "colorbar": {"title": {"text": "leads<br>an hour"}, "thickness": 10, "outlinewidth": 0},
            }
        ],
        theme,
        300,
        yaxis={"autorange": "reversed", "showgrid": False},
        xaxis={
            "showgrid": False,
            "tickangle": 0,
            "nticks": 12,
            "type": "category",
            "title": {"text": "hour of the day"},
        },
    )


def _hour_words(row: Mapping[Any, Any]) -> str:
    return (
        f"{formats.WEEKDAYS[row['weekday'] - 1]} {formats.hour(row['hour'])}<br>"
        f"{formats.number(row['leads_per_hour'], 1)} leads an hour<br>"
        f"{formats.count_of(row['leads'], 'lead')} in {formats.count_of(row['occurrences'], 'such hour')}"
    )


def heat_map_takeaway(rows: pd.DataFrame) -> str:
    """The busiest hour of the week, and the share of leads outside office hours."""
    if rows.empty or rows["leads_per_hour"].isna().all():
        return NOTHING
    busiest = rows.sort_values("leads_per_hour", ascending=False).iloc[0]
    outside = rows.loc[(rows["hour"] < 9) | (rows["hour"] >= 18) | (rows["weekday"] >= 6), "leads"].sum()
    return (
        f"Busiest: {formats.WEEKDAYS[int(busiest['weekday']) - 1]} at {formats.hour(int(busiest['hour']))} with "
        f"{formats.number(busiest['leads_per_hour'], 1)} leads an hour; "
        f"{formats.percent(outside / rows['leads'].sum())} of all leads come outside Monday to Friday, 9 to 18."
    )
