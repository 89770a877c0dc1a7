"""Where agents stand beside what a badge asks, and where they will at the next evaluation."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import (
    BAR_BELOW,
    Row,
    empty_figure,
    heading,
    interval_words,
    named,
    row_words,
    safe,
    shortened,
    spans,
    touch,
    tracks,
)
from leadlib.metrics import BADGE_WORDS, BadgeVerdict, metric_named
from leadlib.theme import PALETTES, Palette, Theme, figure

LIKELY = 0.9
"""A chance from here on is drawn as likely to pass, one below the rest of it as unlikely."""

MOST_ROWS = 60
_ROW_PX = 42


def plot_badges(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """The share answered per agent, highest on top: a dot for today, a line for where it lies then, four times in five.

    From `metrics.badges`. The dotted line is what the rule asks. A dot in colour is likely to pass or likely not to, a
    grey one is open; without a forecast there is no line, with much unknown history no dot. customdata[0] of a row is
    the agent's key.
    """
    metric = metric_named("badge_share")
    if frame.empty:
        return empty_figure(metric.label, theme)
    colours = PALETTES[theme]
    shown = frame.head(MOST_ROWS)
    rows = [
        Row(
            key=row.key,
            left=f"<b>{safe(row.label, 20)}</b> · {formats.number(row.badge_leads)}",
            right=f"{_share(row)} · {chance_text(vars(row))}",
            hover=_hover(row),
            value=row.badge_share,
            colour=_colour(row, colours),
        )
        for row in named(shown)
    ]
    places = [place + BAR_BELOW for place in range(len(rows))]
    needed = frame["badge_share_needed"].iloc[0]
    top = -1.2 if math.isnan(needed) else -1.7
    over = heading("Name · leads that count", "Today · chance to pass")
    return figure(
        [
            tracks(places, theme),
            *spans(rows, places, list(shown["badge_expected_low"]), list(shown["badge_expected_high"])),
            {
                "type": "scatter",
                "mode": "markers",
                "x": [None if math.isnan(row.value) else row.value for row in rows],
                "y": places,
                "marker": {
                    "size": 11,
                    "color": [row.colour for row in rows],
                    "line": {"color": colours.page, "width": 1.5},
                },
                "hoverinfo": "skip",
                "showlegend": False,
                "cliponaxis": False,
            },
            *row_words([over, *rows], 1.0, theme, first=-1),
            touch(rows, 1.0),
        ],
        theme,
        46 + round((len(rows) - 0.5 - top) * _ROW_PX),
        hovermode="closest",
        margin={"l": 16, "r": 22, "t": 2, "b": 44},
        shapes=[] if math.isnan(needed) else [_needed_line(needed, top, colours)],
        annotations=[] if math.isnan(needed) else [_needed_words(needed, top, colours)],
        xaxis={
            "range": [0, 1.002],
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "ticktext": [formats.percent(tick) for tick in (0, 0.25, 0.5, 0.75, 1)],
            "zeroline": False,
            "title": {"text": metric.label},
        },
        yaxis={"visible": False, "range": [len(rows) - 0.5, top]},
    )


def badges_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: how many pass today, how many are likely to at the next evaluation, who is closest to it."""
    if frame.empty:
        return "No leads for these filters."
    day = formats.day(frame["evaluated_on"].iloc[0])
    passing, open_ = (int((frame["badge_verdict"] == verdict).sum()) for verdict in ("passes", "cannot_tell"))
    sentence = f"Today {formats.number(passing)} of {formats.count_of(len(frame), 'agent')} "
    sentence += "passes" if passing == 1 else "pass"
    if open_:
        sentence += f" and of {formats.number(open_)} it cannot be told"
    told = frame[frame["badge_chance"].notna()]
    if told.empty:
        return f"{sentence}; there is too little to forecast the evaluation of {day}."
    likely = int((told["badge_chance"] >= LIKELY).sum())
    sentence += f"; {formats.number(likely)} {'is' if likely == 1 else 'are'} likely to pass on {day}"
    if (told["badge_chance_reason"] != "").any():
        sentence += ", the rule on WhatsApp replies left aside where it cannot be told"
    sentence += "."
    near = told[(told["badge_to_answer"] > 0) & (told["badge_to_answer"] <= told["badge_waiting"])]
    near = near[~(near["badge_whatsapp_min_low"] > near["badge_whatsapp_needed"])]
    if near.empty:
        return sentence
    row = near.sort_values(["badge_to_answer", "key"]).iloc[0]
    answers = formats.count_of(row["badge_to_answer"], "answer")
    return f"{sentence} Closest to it: {shortened(str(row['label']))}, {answers} short."


def chance_text(row: Mapping[Any, Any]) -> str:
    """A chance as the screen shows it: "73 %", its bounds where they are far apart, a dash without a forecast."""
    if formats.is_missing(row["badge_chance"]):
        return formats.percent_range(row["badge_chance_low"], row["badge_chance_high"])
    return formats.percent(row["badge_chance"])


def _share(row: Any) -> str:
    if math.isnan(row.badge_share):
        return formats.percent_range(row.badge_share_low, row.badge_share_high)
    return formats.percent(row.badge_share)


def _colour(row: Any, colours: Palette) -> str:
    if row.badge_chance_low >= LIKELY:
        return colours.accent
    return colours.warning if row.badge_chance_high <= 1 - LIKELY else colours.unjudged


def _needed_line(needed: float, top: float, colours: Palette) -> dict[str, Any]:
    line = {"color": colours.quiet, "width": 1.5, "dash": "dot"}
    ends = {"x0": needed, "x1": needed, "yref": "y", "y0": top + 0.45, "y1": 1e6}
    return {"type": "line", **ends, "line": line, "layer": "below"}


def _needed_words(needed: float, top: float, colours: Palette) -> dict[str, Any]:
    return {
        "text": f"{formats.percent(needed)} needed",
        "x": needed,
        "y": top + 0.2,
        "showarrow": False,
        "xanchor": "left" if needed < 0.5 else "right",
        "font": {"color": colours.quiet, "size": 12},
    }


def _hover(row: Any) -> str:
    verdict: BadgeVerdict = row.badge_verdict
    share = interval_words(row.badge_share, row.badge_share_low, row.badge_share_high, row.badge_share_quality)
    chance = chance_text(vars(row))
    expected = formats.percent_range(row.badge_expected_low, row.badge_expected_high)
    then = "" if expected == formats.MISSING_TEXT else f"On {formats.day(row.evaluated_on)}: {expected} expected<br>"
    return (
        f"<b>{safe(row.label, 80)}</b><br>{BADGE_WORDS[verdict]}; chance to pass {chance}<br>{share}<br>"
        f"{formats.number(row.badge_answered)} of {formats.number(row.badge_leads)} leads answered, "
        f"{formats.number(row.badge_waiting)} waiting<br>{then}{row.badge_action}"
    )
