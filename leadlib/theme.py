"""Colours, and how a Plotly figure looks on a light and on a dark page.

Backgrounds are transparent. Every colour that carries meaning has a contrast of at least 3 to 1 against its page, and
the four channels stay apart for viewers with any of the common colour blindnesses; tests/test_charts.py measures both.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal
from zlib import crc32

import plotly.graph_objects as go

Theme = Literal["light", "dark"]

FONT = '"Source Sans", "Source Sans Pro", system-ui, sans-serif'
FONT_SIZE_PX = 13


@dataclass(frozen=True)
class Palette:
    """The colours of one theme.

    `page` is what figures lie on, `panel` a box above it. `quiet` is text that steps back, `grid` a line behind data,
    `track` the empty part of a bar, `unjudged` data that nobody is compared by. `scale` goes from none to most.
    `channels` and `stages` are fixed by key, `series` is for everything else.
    """

    page: str
    panel: str
    text: str
    quiet: str
    grid: str
    track: str
    unjudged: str
    accent: str
    warning: str
    channels: Mapping[str, str]
    stages: Mapping[str, str]
    series: tuple[str, ...]
    scale: tuple[str, ...]


PALETTES: Mapping[Theme, Palette] = {
    "light": Palette(
        page="#ffffff",
        panel="#ffffff",
        text="#14201f",
        quiet="#55655f",
        grid="#e6ebea",
        track="#eef2f1",
        unjudged="#84918f",
        accent="#0f766e",
        warning="#b45309",
        channels={"whatsapp": "#17a170", "call": "#2450b0", "email": "#cb7c16", "chat": "#9d2f63"},
        stages={
            "sent": "#7d8f9a",
            "delivered": "#4f8fa3",
            "opened": "#2f8f97",
            "responded": "#0f766e",
            "archived": "#84918f",
            "unrecognised": "#b45309",
        },
        series=("#0f766e", "#2450b0", "#cb7c16", "#9d2f63", "#5f8f1f", "#7a58c1", "#2c8fb3", "#8a5a3c"),
        scale=("#f0f5f4", "#c5e4df", "#86c9c0", "#3fa69b", "#0f766e", "#0a4a45"),
    ),
    "dark": Palette(
        page="#0e1514",
        panel="#1b2726",
        text="#e6eeed",
        quiet="#9fb0ad",
        grid="#24302e",
        track="#1c2725",
        unjudged="#7c8b88",
        accent="#2dd4bf",
        warning="#f0a63c",
        channels={"whatsapp": "#45d79b", "call": "#6c8fee", "email": "#f0a63c", "chat": "#dc5c98"},
        stages={
            "sent": "#8b9ba6",
            "delivered": "#63a9bf",
            "opened": "#43b5b8",
            "responded": "#2dd4bf",
            "archived": "#7c8b88",
            "unrecognised": "#f0a63c",
        },
        series=("#2dd4bf", "#6c8fee", "#f0a63c", "#dc5c98", "#a3cf5a", "#b39af0", "#6cc4e6", "#cf9d7d"),
        scale=("#15211f", "#173f3b", "#1a635b", "#20897d", "#2dbfac", "#8ff0e2"),
    ),
}

_NOT_A_GROUP = {"none", "others", ""}
_FIXED_SERIES: Mapping[str, int] = {"listing": 0, "project": 1, "developer": 2, "publicProfile": 3, "company": 4}


def channel_colour(key: str, theme: Theme) -> str:
    """The colour of a channel, fixed for the four known ones; an unknown one always gets the same of what is left."""
    colours = PALETTES[theme]
    if key in _NOT_A_GROUP:
        return colours.unjudged
    left = colours.series[len(colours.channels) :]
    return colours.channels.get(key, left[crc32(key.encode()) % len(left)])


def group_colours(keys: Iterable[str], theme: Theme) -> dict[str, str]:
    """A colour per group: fixed for channels, stages and entity types, else in the order given; grey for no group.

    A frame by channel that holds an unknown one still has the known ones, so any known channel settles what is meant.
    """
    colours = PALETTES[theme]
    names = list(dict.fromkeys(keys))
    if any(name in colours.channels for name in names):
        return {name: channel_colour(name, theme) for name in names}
    if any(name in colours.stages for name in names):
        return {name: colours.stages.get(name, colours.unjudged) for name in names}
    if names == ["all"]:
        return {"all": colours.accent}
    if any(name in _FIXED_SERIES for name in names):
        free = colours.series[len(_FIXED_SERIES) :]
        fixed = {name: colours.series[place] for name, place in _FIXED_SERIES.items()}
        return {
            name: colours.unjudged if name in _NOT_A_GROUP else fixed.get(name, free[crc32(name.encode()) % len(free)])
            for name in names
        }
    named = [name for name in names if name not in _NOT_A_GROUP]
    by_place = {name: colours.series[place % len(colours.series)] for place, name in enumerate(named)}
    return {name: by_place.get(name, colours.unjudged) for name in names}


@cache
def template(theme: Theme) -> dict[str, Any]:
    """The Plotly template of a theme, small, because every figure carries it. Shared: do not change it."""
    colours = PALETTES[theme]
    axis = {
        "gridcolor": colours.grid,
        "linecolor": colours.grid,
        "zerolinecolor": colours.grid,
        "tickcolor": colours.grid,
        "tickfont": {"color": colours.quiet, "size": FONT_SIZE_PX - 1},
        "title": {"font": {"color": colours.quiet, "size": FONT_SIZE_PX - 1}, "standoff": 8},
        "fixedrange": True,
        "spikecolor": colours.quiet,
        "spikethickness": 1,
        "spikedash": "solid",
    }
    return {
        "layout": {
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT, "size": FONT_SIZE_PX, "color": colours.text},
            "colorway": list(colours.series),
            "xaxis": axis,
            "yaxis": axis,
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 1.02,
                "yanchor": "bottom",
                "font": {"color": colours.text},
                "itemsizing": "constant",
                "entrywidth": 0,
            },
            "hoverlabel": {
                "bgcolor": colours.panel,
                "bordercolor": colours.grid,
                "font": {"family": FONT, "size": FONT_SIZE_PX, "color": colours.text},
                "align": "left",
                "namelength": -1,
            },
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "separators": ".,",
            "dragmode": False,
        }
    }


def figure(traces: Sequence[Mapping[str, object]], theme: Theme, height: int, **layout: object) -> go.Figure:
    """A figure of these traces, `height` pixels high and as wide as its place, with the look of `theme`."""
    # Plotly's own check of every value takes four times as long as all the rest of drawing; a test does it instead.
    return go.Figure(
        data=[dict(trace) for trace in traces],
        layout={"template": template(theme), "height": height, **layout},
        _validate=False,
    )
