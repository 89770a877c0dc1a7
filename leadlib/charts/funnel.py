"""How far leads come."""

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import Row, bar_rows, empty_figure, figure, interval_words, safe
from leadlib.metrics import metric_named
from leadlib.records import LADDER
from leadlib.theme import COLOURS, Theme, channel_colour


def plot_funnel(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """One bar per stage, sent on top, with its count and shares, from `metrics.funnel` of one group.

    Leads whose history is unknown lengthen the bar by a hatched piece: the truth ends somewhere in it. customdata[0] of
    a bar is its stage.
    """
    if frame.empty:
        return empty_figure("Funnel", theme)
    frame = frame[frame["key"] == frame["key"].iloc[0]]
    previous = [None, *frame["stage_label"].str.lower()][: len(frame)]
    rows = [
        Row(
            key=row.stage,
            left=f"<b>{row.stage_label}</b>  {formats.number(row.leads)}",
            right=_shares(row, before),
            hover=_hover(row, before),
            value=row.leads,
            maybe=row.leads_high - row.leads,
            colour=COLOURS[theme].stages[row.stage],
        )
        for row, before in zip(frame.itertuples(), previous, strict=True)
    ]
    return bar_rows(rows, theme, longest=float(frame["start_leads"].iloc[0]), height_px=54)


def funnel_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: which shares of the sent leads reached the stages above."""
    if frame.empty:
        return "No leads for these filters."
    frame = frame[frame["key"] == frame["key"].iloc[0]]
    start = int(frame["start_leads"].iloc[0])
    if start == 0:
        return "No lead has a status that is recognised."
    words = {"delivered": "were delivered", "opened": "were opened", "responded": "responded"}
    parts = [
        f"{_share_words(row.share_of_start, row.share_of_start_low, row.share_of_start_high)} {words[row.stage]}"
        for row in frame.itertuples()
        if row.stage in words and not math.isnan(row.share_of_start_low)
    ]
    if not parts:
        return f"{formats.count_of(start, 'lead').capitalize()}: too few for shares."
    return f"Of {formats.count_of(start, 'lead')}, {formats.listed(parts)}."


def plot_funnel_by_channel(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Per stage above sent, a bar for every channel that reports it: the share of what was sent there, with its interval.

    From `metrics.funnel(by="channel")`. A channel that never reports a stage has no bar, which is not 0 %. customdata[0]
    of a bar is the channel's key, customdata[1] the stage.
    """
    metric = metric_named("share_of_start")
    stages = [stage for stage in LADDER[1:] if (frame["stage"] == stage).any()]
    if frame.empty or not stages:
        return empty_figure(
            "Funnel by channel", theme, "no leads" if frame.empty else "no stage after sent was seen yet"
        )
    colours = COLOURS[theme]
    traces: list[dict[str, Any]] = []
    channels = list(dict.fromkeys(frame["key"]))
    for key in channels:
        rows = frame[(frame["key"] == key) & frame["stage"].isin(stages)]
        is_shown = rows["share_of_start_low"].notna()
        # Where bounds replace the point, the bar ends at the lower one and the line shows how far it may go.
        ends = rows["share_of_start"].fillna(rows["leads"] / rows["start_leads"])[is_shown]
        rows = rows[is_shown]
        sent = int(frame.loc[frame["key"] == key, "start_leads"].iloc[0])
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": f"{safe(str(frame.loc[frame['key'] == key, 'label'].iloc[0]))} ({formats.number(sent)})",
                "y": [stages.index(stage) for stage in rows["stage"]],
                "x": [float(end) for end in ends],
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [float(v) for v in (rows["share_of_start_high"] - ends).clip(lower=0)],
                    "arrayminus": [float(v) for v in (ends - rows["share_of_start_low"]).clip(lower=0)],
                    "color": colours.muted,
                    "thickness": 1.5,
                    "width": 3,
                },
                "text": [
                    f" {_share_words(r.share_of_start, r.share_of_start_low, r.share_of_start_high)}"
                    for r in rows.itertuples()
                ],
                "textposition": "inside",
                "insidetextanchor": "start",
                "textangle": 0,
                "textfont": {"color": colours.page},
                "marker": {"color": channel_colour(key, theme), "line": {"width": 0}},
                "customdata": [[key, r.stage, _hover(r, None)] for r in rows.itertuples()],
                "hovertemplate": "%{customdata[2]}<extra></extra>",
            }
        )
    ticks = [0, 0.25, 0.5, 0.75, 1]
    return figure(
        traces,
        theme,
        barmode="group",
        bargap=0.25,
        bargroupgap=0.08,
        height=76 + len(stages) * (18 + 24 * len(channels)),
        hovermode="closest",
        margin={"l": 8, "r": 14, "t": 36, "b": 8},
        legend={"traceorder": "normal"},
        xaxis={
            "range": [0, 1],
            "tickvals": ticks,
            "ticktext": [formats.percent(tick) for tick in ticks],
            "title": {"text": metric.label},
            "automargin": True,
        },
        yaxis={
            "tickvals": list(range(len(stages))),
            "ticktext": [str(frame.loc[frame["stage"] == stage, "stage_label"].iloc[0]) for stage in stages],
            "range": [len(stages) - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
            "automargin": True,
        },
    )


def funnel_by_channel_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: where most and where fewest leads respond, among channels with enough of them."""
    answered = frame[(frame["stage"] == "responded") & frame["share_of_start"].notna()]
    if answered.empty:
        return "No channel has enough leads of known history for a share."
    answered = answered.sort_values("share_of_start", ascending=False, kind="stable")
    best, worst = answered.iloc[0], answered.iloc[-1]
    said = f"{best['label']} leads respond most often, {formats.percent(best['share_of_start'])} of those sent"
    return (
        f"{said}."
        if len(answered) == 1
        else f"{said}; {worst['label']} least, {formats.percent(worst['share_of_start'])}."
    )


def _share_words(share: float, low: float, high: float) -> str:
    """A share, or its bounds where the point is not known; empty below five leads."""
    if math.isnan(low):
        return ""
    return formats.percent_range(low, high) if math.isnan(share) else formats.percent(share)


def _shares(row: Any, before: str | None) -> str:
    if before is None or math.isnan(row.share_of_start_low):
        return "" if before is None else "too few for a share"
    start = f"{_share_words(row.share_of_start, row.share_of_start_low, row.share_of_start_high)} of sent"
    of_previous = _share_words(row.share_of_previous, row.share_of_previous_low, row.share_of_previous_high)
    return start if before == "sent" or not of_previous else f"{start} · {of_previous} of {before}"


def _hover(row: Any, before: str | None) -> str:
    known = f"{formats.number(row.leads)} of {formats.number(row.start_leads)} leads"
    lines = [f"<b>{row.stage_label}{'' if row.key == 'all' else ' · ' + safe(row.label)}</b>", known]
    if row.stage != LADDER[0]:
        quality = (row.share_of_start, row.share_of_start_low, row.share_of_start_high, row.share_of_start_quality)
        lines.append(f"Of sent: {interval_words(*quality)}")
        if before not in (None, LADDER[0]):
            rate = (
                row.share_of_previous,
                row.share_of_previous_low,
                row.share_of_previous_high,
                row.share_of_previous_quality,
            )
            lines.append(f"Of {before}: {interval_words(*rate)}")
    if row.leads_high > row.leads:
        lines.append(
            f"Up to {formats.number(row.leads_high)}: {formats.number(row.archived_unknown)} were first seen archived"
        )
    if row.off_ladder and row.stage == LADDER[0]:
        lines.append(f"Not in it: {formats.number(row.off_ladder)} with an unrecognised status")
    return "<br>".join(lines)
