"""How far leads come."""

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import Row, bar_rows, empty_figure, heading, interval_words, named, rate_words, safe
from leadlib.records import LADDER
from leadlib.theme import PALETTES, Theme, channel_colour


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
            colour=PALETTES[theme].stages[row.stage],
        )
        for row, before in zip(named(frame), previous, strict=True)
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
        for row in named(frame)
        if row.stage in words and not math.isnan(row.share_of_start_low)
    ]
    if not parts:
        return f"{formats.count_of(start, 'lead').capitalize()}: too few for shares."
    return f"Of {formats.count_of(start, 'lead')}, {formats.listed(parts)}."


def plot_funnel_by_channel(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Under each stage above sent, a bar for every channel that reports it: the share of what was sent there.

    From `metrics.funnel(by="channel")`. A channel that never reports a stage has no bar, which is not 0 %.
    customdata[0] of a bar is its stage and the channel's key: "opened/whatsapp".
    """
    stages = [stage for stage in LADDER[1:] if (frame["stage"] == stage).any()]
    if frame.empty or not stages:
        return empty_figure(
            "Funnel by channel", theme, "no leads" if frame.empty else "no stage after sent was seen yet"
        )
    rows: list[Row] = []
    for stage in stages:
        reached = frame[frame["stage"] == stage]
        rows.append(
            heading(
                f"<b>{reached['stage_label'].iloc[0]}</b>",
                f"Share of sent (95{formats.NBSP}% interval)" if stage == stages[0] else "",
            )
        )
        rows += [_channel_row(row, theme) for row in named(reached)]
    return bar_rows(rows, theme, longest=1.0, height_px=40)


def _channel_row(row: Any, theme: Theme) -> Row:
    rate = (row.share_of_start, row.share_of_start_low, row.share_of_start_high, row.share_of_start_quality)
    known = row.leads / row.start_leads if row.start_leads else 0.0
    is_shown = not math.isnan(row.share_of_start_low)
    return Row(
        key=f"{row.stage}/{row.key}",
        left=f"{safe(row.label)} · {formats.number(row.leads)} of {formats.number(row.start_leads)}",
        right=rate_words(*rate),
        hover=_hover(row, None),
        value=known if is_shown else 0.0,
        maybe=(row.leads_high - row.leads) / row.start_leads if is_shown else 0.0,
        colour=channel_colour(row.key, theme),
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
