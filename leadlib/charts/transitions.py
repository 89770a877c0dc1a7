"""Which stages follow each other."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import empty_figure, named
from leadlib.metrics import metric_named
from leadlib.metrics.table import STAGE_LABELS
from leadlib.theme import FONT_SIZE_PX, PALETTES, Theme, figure

_HEIGHT_PX = 380
_OPACITY = 0.35
"""How much of their colour the bands have."""

_LEAST_NAMED = 0.05
"""A stage between the edges that fewer leads than this have been through is named at the pointer alone."""


def plot_transitions(frame: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Leads as bands from what they were first seen as, over what they became, to where they stand today.

    From `metrics.transitions`. Bands have the colour of the stage they lead to; a band from a stage straight to the
    right edge are the leads that are still there. customdata[0] of a node or a band is its key.
    """
    if frame.empty:
        return empty_figure(metric_named("moved").label, theme)
    colours = PALETTES[theme]
    keys = list(dict.fromkeys([*frame["from_key"], *frame["to_key"]]))
    place_of = {key: place for place, key in enumerate(keys)}
    into = frame.groupby("to_key")["moved"].sum()
    out_of = frame.groupby("from_key")["moved"].sum()
    counts = [int(out_of[key] if key in out_of else into[key]) for key in keys]
    stages = [key.split(":")[1] for key in keys]
    n_leads = _n_leads(frame)
    sankey = {
        "type": "sankey",
        "arrangement": "snap",
        "node": {
            "label": [_node_words(key, n, n_leads) for key, n in zip(keys, counts, strict=True)],
            "color": [colours.stages[stage] for stage in stages],
            "customdata": [[key, _node_hover(key, n)] for key, n in zip(keys, counts, strict=True)],
            "hovertemplate": "%{customdata[1]}<extra></extra>",
            "pad": 18,
            "thickness": 12,
            "line": {"width": 0},
        },
        "link": {
            "source": [place_of[key] for key in frame["from_key"]],
            "target": [place_of[key] for key in frame["to_key"]],
            "value": frame["moved"].tolist(),
            "color": [_see_through(colours.stages[stage]) for stage in frame["to_stage"]],
            "customdata": [[row.key, _link_hover(row)] for row in named(frame)],
            "hovertemplate": "%{customdata[1]}<extra></extra>",
        },
        "textfont": {"color": colours.text, "size": FONT_SIZE_PX - 1},
    }
    return figure(
        [sankey],
        theme,
        _HEIGHT_PX,
        margin={"l": 4, "r": 4, "t": 30, "b": 8},
        annotations=[_edge_words("First seen", 0, theme), _edge_words("Today", 1, theme)],
    )


def transitions_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: how many leads were seen to move at all, and the most frequent move."""
    if frame.empty:
        return "No leads for these filters."
    n_leads = _n_leads(frame)
    moves = frame[~frame["to_key"].str.startswith("today:")]
    n_moved = int(moves.loc[moves["from_key"].str.startswith("first:"), "moved"].sum())
    if not n_moved:
        return f"None of {formats.count_of(n_leads, 'lead')} was seen to change: all stand where they were first seen."
    between: dict[tuple[str, str], int] = {}
    for row in named(moves):
        between[row.from_stage, row.to_stage] = between.get((row.from_stage, row.to_stage), 0) + row.moved
    start, end = max(between, key=between.__getitem__)
    return (
        f"{formats.number(n_moved)} of {formats.count_of(n_leads, 'lead')} were seen to change, most often from "
        f"{STAGE_LABELS[start].lower()} to {STAGE_LABELS[end].lower()} ({formats.number(between[start, end])}); the "
        "others stand where they were first seen."
    )


def _n_leads(frame: pd.DataFrame) -> int:
    return int(frame.loc[frame["from_key"].str.startswith("first:"), "moved"].sum())


def _node_words(key: str, n: int, n_leads: int) -> str:
    """The stage, with its leads at both edges; between them only where it is large enough not to lie over others."""
    side, stage = key.split(":")
    if side in {"first", "today"}:
        return f"{STAGE_LABELS[stage]} {formats.number(n)}"
    return STAGE_LABELS[stage] if n >= _LEAST_NAMED * n_leads else ""


def _node_hover(key: str, n: int) -> str:
    side, stage = key.split(":")
    words = {"first": "First seen as {}", "then": "Became {}", "again": "Went back to {}", "today": "Today {}"}
    return f"<b>{words[side].format(STAGE_LABELS[stage].lower())}</b><br>{formats.count_of(n, 'lead')}"


def _link_hover(row: Any) -> str:
    return f"<b>{row.label}</b><br>{formats.count_of(row.moved, 'lead')}, {formats.percent(row.share)} of all"


def _edge_words(text: str, x: float, theme: Theme) -> dict[str, Any]:
    return {
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": x,
        "y": 1,
        "xanchor": "left" if x == 0 else "right",
        "yanchor": "bottom",
        "yshift": 6,
        "showarrow": False,
        "font": {"color": PALETTES[theme].quiet, "size": FONT_SIZE_PX - 1},
    }


def _see_through(colour: str) -> str:
    """A colour written as #rrggbb, for bands that others lie under."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{_OPACITY})"
