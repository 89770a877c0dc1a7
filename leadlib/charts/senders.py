"""Leads, and the different people behind them."""

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import empty_figure, named
from leadlib.charts.volume import grain_of, plot_volume
from leadlib.metrics import grain_named, metric_named
from leadlib.theme import PALETTES, Theme


def plot_senders(frame: pd.DataFrame, *, grain: str | None = None, theme: Theme = "light") -> go.Figure:
    """Unique senders as a line over the bars of leads, from `metrics.senders_over_time`; marks as in `plot_volume`."""
    metric = metric_named("unique_senders")
    if frame.empty:
        return empty_figure(metric.label, theme)
    drawn = plot_volume(frame, grain=grain, theme=theme)
    step = grain_of(frame) if grain is None else grain_named(grain)
    colours = PALETTES[theme]
    is_unread = (frame["covered"] <= 0) & (frame["leads"] == 0)
    senders = {
        "type": "scatter",
        "mode": "lines+markers" if len(frame) <= 40 else "lines",
        "x": [bucket.isoformat() for bucket in frame["bucket"]],
        "y": [None if unread else int(n) for n, unread in zip(frame["unique_senders"], is_unread, strict=True)],
        "name": metric.label,
        "line": {"color": colours.warning, "width": 2},
        "marker": {"color": colours.warning, "size": 6},
        "text": [formats.bucket(bucket, step) for bucket in frame["bucket"]],
        "hovertemplate": "%{y:,}"
        if drawn.layout.hovermode == "x unified"
        else f"<b>%{{text}}</b><br>{metric.label}: <b>%{{y:,}}</b><extra></extra>",
    }
    return go.Figure(
        data=[*drawn.data, senders],
        layout=drawn.layout.update(margin={"l": 8, "r": 8, "t": 36, "b": 8}),
    )


def senders_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: the senders of the newest complete bucket, and how many of its leads are of repeat ones."""
    whole = frame[~frame["is_partial"]] if len(frame) else frame
    if frame.empty:
        return "No leads for these filters."
    if whole.empty:
        return f"No complete {grain_of(frame)} yet."
    row = next(named(whole.tail(1)))
    when = formats.bucket(row.bucket, grain_of(frame)).replace("Week of", "the week of")
    people = formats.count_of(row.unique_senders, "different sender")
    sentence = f"{when[:1].upper()}{when[1:]}: {formats.count_of(row.leads, 'lead')} from {people}"
    if formats.is_missing(row.repeat_share):
        return f"{sentence}."
    interval = formats.percent_range(row.repeat_share_low, row.repeat_share_high)
    share = f"{formats.percent(row.repeat_share)} (95{formats.NBSP}% interval {interval})"
    return f"{sentence}; {share} of the leads were from somebody who had written in the 28 days before."
