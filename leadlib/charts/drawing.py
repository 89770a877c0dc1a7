"""What the charts share: text made safe, the empty figure, and bars that carry their label above them.

Labels stand above the bars and not beside them, so a chart reads on a telephone as well as on a wide screen.
"""

import html
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from leadlib import formats
from leadlib.theme import COLOURS, FONT_SIZE_PX, Theme, template

ROW_PX = 46
LONGEST_LABEL = 34

_ISOLATE, _POP = "\u2068", "\u2069"


def safe(text: str, longest: int | None = LONGEST_LABEL) -> str:
    """`text` for a figure: tags and entities shown as typed, one line, cut with an ellipsis, its direction its own.

    Plotly makes bold text, line breaks and links out of HTML in any label, and names are written by others.
    """
    printable = "".join(" " if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} else c for c in text)
    line = " ".join(printable.split())
    if longest is not None and len(line) > longest:
        line = line[: longest - 1].rstrip() + "…"
    if any(unicodedata.bidirectional(c) in {"R", "AL"} for c in line):
        line = f"{_ISOLATE}{line}{_POP}"
    # A dollar sign on both ends would be read as a formula, and %{…} as a part of a hover template.
    return html.escape(line).replace("$", "&#36;").replace("%{", "%&#123;")


def figure(traces: Sequence[dict[str, Any]], theme: Theme, **layout: Any) -> go.Figure:
    """A figure of these traces with the theme's template and nothing else."""
    return go.Figure(data=list(traces), layout={"template": template(theme), **layout})


def empty_figure(what: str, theme: Theme, because: str = "no leads for these filters") -> go.Figure:
    """A figure that says in words that there is nothing to draw: "Response rate so far: no leads for these filters"."""
    note = {
        "text": f"{what}: {because}",
        "showarrow": False,
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0.5,
        "font": {"color": COLOURS[theme].muted, "size": FONT_SIZE_PX + 1},
    }
    hidden = {"visible": False}
    return figure([], theme, height=160, xaxis=hidden, yaxis=hidden, annotations=[note])


@dataclass(frozen=True)
class Row:
    """One labelled bar: its key (for clicks), words to its left and right, both safe already, and its hover text."""

    key: str
    left: str
    right: str
    hover: str
    value: float
    colour: str
    maybe: float = 0.0
    """How much longer the bar would be if all that is unknown were true; drawn hatched."""


def bar_rows(rows: Sequence[Row], theme: Theme, *, longest: float, height_px: int = ROW_PX) -> go.Figure:
    """Horizontal bars, first row on top, each on a track that ends at `longest`, under a line with its words.

    customdata[0] of a bar is the row's key.
    """
    colours = COLOURS[theme]
    places = [place + 0.22 for place in range(len(rows))]
    shared = {"type": "bar", "orientation": "h", "y": places, "width": 0.28, "hoverinfo": "skip", "showlegend": False}
    end = max(longest, 1e-9)
    traces: list[dict[str, Any]] = [
        {**shared, "x": [end] * len(rows), "marker": {"color": colours.track, "line": {"width": 0}}},
        _hovering(
            {**shared, "x": [row.value for row in rows], "marker": {"color": [row.colour for row in rows]}}, rows
        ),
    ]
    if any(row.maybe > 0 for row in rows):
        pattern = {"shape": "/", "size": 5, "solidity": 0.35, "fgcolor": [row.colour for row in rows]}
        maybe = {
            **shared,
            "x": [row.maybe for row in rows],
            "base": [row.value for row in rows],
            "marker": {"color": colours.track, "pattern": pattern, "line": {"width": 0}},
        }
        traces.append(_hovering(maybe, rows))
    return figure(
        [*traces, *row_words(rows, end, theme)],
        theme,
        barmode="overlay",
        bargap=0,
        height=rows_height(len(rows), height_px),
        xaxis={"visible": False, "range": [0, end]},
        yaxis={"visible": False, "range": [len(rows) - 0.5, -0.55]},
        margin={"l": 2, "r": 2, "t": 2, "b": 2},
        hovermode="closest",
    )


def rows_height(n: int, height_px: int = ROW_PX) -> int:
    """The height of a figure of `n` rows that share its whole height."""
    return n * height_px + 6


def row_words(rows: Sequence[Row], end: float, theme: Theme) -> list[dict[str, Any]]:
    """Two traces of text above each row: what it is at the left end, how much at the right end (x = 0 and x = `end`)."""
    places = [place - 0.2 for place in range(len(rows))]
    shared = {"type": "scatter", "mode": "text", "y": places, "hoverinfo": "skip", "showlegend": False}
    size = {"size": FONT_SIZE_PX}
    return [
        {
            **shared,
            "x": [0] * len(rows),
            "text": [row.left for row in rows],
            "textposition": "middle right",
            "textfont": {**size, "color": COLOURS[theme].text},
            "cliponaxis": False,
        },
        {
            **shared,
            "x": [end] * len(rows),
            "text": [row.right for row in rows],
            "textposition": "middle left",
            "textfont": {**size, "color": COLOURS[theme].muted},
            "cliponaxis": False,
        },
    ]


def _hovering(trace: dict[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
    return trace | {
        "customdata": [[row.key, row.hover] for row in rows],
        "hovertemplate": "%{customdata[1]}<extra></extra>",
        "hoverinfo": "all",
    }


def rate_words(share: float, low: float, high: float, quality: str) -> str:
    """A rate as a row shows it: "53 % (52–56)", "51–56 %" for bounds, "too few" below five leads."""
    if quality in {"no_leads", "too_few"}:
        return "no leads" if quality == "no_leads" else "too few"
    interval = formats.percent_range(low, high)
    return interval if math.isnan(share) else f"{formats.percent(share)} ({interval.removesuffix(f'{formats.NBSP}%')})"


def interval_words(share: float, low: float, high: float, quality: str) -> str:
    """The same in full words, for hover: "53 %, 95 % interval 52–56 %"."""
    if quality in {"no_leads", "too_few"}:
        return "no leads to count" if quality == "no_leads" else "too few leads for a rate"
    interval = formats.percent_range(low, high)
    if math.isnan(share):
        return f"between {interval.replace('–', ' and ')}: of more than 5{formats.NBSP}% the history is unknown"
    few = ", few leads, no verdict" if quality == "few" else ""
    return f"{formats.percent(share)}, 95{formats.NBSP}% interval {interval}{few}"
