"""What the charts share: text made safe, the empty figure, and bars that carry their label above them.

Labels stand above the bars and not beside them, so a chart reads on a telephone as well as on a wide screen.
"""

import html
import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.theme import FONT_SIZE_PX, PALETTES, Theme, figure

ROW_PX = 46
LONGEST_LABEL = 26
LONGEST_COVERED = 60
"""Characters of a name of which words to the right may cover the end, so that it is as long as there is room."""
BAR_BELOW, WORDS_ABOVE = 0.16, 0.2
"""Where a row has its bar and its words, in rows from its middle: closer to each other than to the next row."""

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


def named(frame: pd.DataFrame) -> Iterator[Any]:
    """The rows of a frame, each with its columns as attributes."""
    columns = [frame[name].tolist() for name in frame.columns]
    # pandas' own itertuples makes a class anew at each call, which takes longer than the rows.
    for values in zip(*columns, strict=True):
        yield SimpleNamespace(**dict(zip(frame.columns, values, strict=True)))


def shortened(text: str, longest: int = 48) -> str:
    """`text` on one line and not too long for a sentence; not made safe, for sentences are plain text."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def empty_figure(what: str, theme: Theme, because: str = "no leads for these filters") -> go.Figure:
    """A figure that says in words that there is nothing to draw: "Response rate so far: no leads for these filters"."""
    note = {
        "text": f"{what}: {because}",
        "showarrow": False,
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0.5,
        "font": {"color": PALETTES[theme].quiet, "size": FONT_SIZE_PX + 1},
    }
    hidden = {"visible": False}
    return figure([], theme, 160, xaxis=hidden, yaxis=hidden, annotations=[note])


@dataclass(frozen=True)
class Row:
    """One labelled bar: its key (for clicks), words above its two ends, safe already, and its hover text.

    A `value` of NaN draws no bar.
    """

    key: str
    left: str
    right: str
    hover: str
    value: float
    colour: str
    maybe: float = 0.0
    """How much longer the bar would be if all that is unknown were true; drawn hatched."""
    is_heading: bool = False


def heading(left: str, right: str = "") -> Row:
    """A row of words alone, which say what stands in the rows below."""
    return Row("", left, right, "", math.nan, "rgba(0,0,0,0)", is_heading=True)


def bar_rows(
    rows: Sequence[Row], theme: Theme, *, longest: float, height_px: int = ROW_PX, covers: bool = False
) -> go.Figure:
    """Horizontal bars, first row on top, each on a track that ends at `longest`, under a line with its words.

    The whole row answers to pointer and finger; customdata[0] there is the row's key. With `covers` the words on the
    right lie over the end of those on the left, which may then be long (see `name_under`).
    """
    colours = PALETTES[theme]
    bars = [(place + BAR_BELOW, row) for place, row in enumerate(rows) if not math.isnan(row.value)]
    places, barred = [place for place, _ in bars], [row for _, row in bars]
    shared = {"type": "bar", "orientation": "h", "y": places, "width": 0.28, "hoverinfo": "skip", "showlegend": False}
    end = max(longest, 1e-9)
    traces: list[dict[str, Any]] = [
        {**shared, "x": [end] * len(barred), "marker": {"color": colours.track, "line": {"width": 0}}},
        {**shared, "x": [row.value for row in barred], "marker": {"color": [row.colour for row in barred]}},
    ]
    if any(row.maybe > 0 for row in barred):
        pattern = {"shape": "/", "size": 5, "solidity": 0.35, "fgcolor": [row.colour for row in barred]}
        maybe = {
            **shared,
            "x": [row.maybe for row in barred],
            "base": [row.value for row in barred],
            "marker": {"color": colours.track, "pattern": pattern, "line": {"width": 0}},
        }
        traces.append(maybe)
    words = row_words(rows, end, theme)
    return figure(
        [*traces, *([{**words[0], "cliponaxis": True}] if covers else words), touch(rows, end)],
        theme,
        rows_height(len(rows), height_px),
        annotations=_covering_words(rows, end, theme) if covers else [],
        barmode="overlay",
        bargap=0,
        xaxis={"visible": False, "range": [0, end]},
        yaxis={"visible": False, "range": [len(rows) - 0.5, -0.55]},
        margin={"l": 2, "r": 2, "t": 2, "b": 2},
        hovermode="closest",
    )


def rows_height(n: int, height_px: int = ROW_PX) -> int:
    """The height of a figure of `n` rows that share its whole height."""
    return n * height_px + 6


def row_words(rows: Sequence[Row], end: float, theme: Theme, first: int = 0) -> list[dict[str, Any]]:
    """Two traces of text above each row: what it is on the left (x = 0), how much on the right (x = `end`)."""
    places = [place + (BAR_BELOW if row.is_heading else -WORDS_ABOVE) for place, row in enumerate(rows, first)]
    shared = {"type": "scatter", "mode": "text", "y": places, "hoverinfo": "skip", "showlegend": False}
    size = {"size": FONT_SIZE_PX}
    text, quiet = PALETTES[theme].text, PALETTES[theme].quiet
    return [
        {
            **shared,
            "x": [0] * len(rows),
            "text": [row.left for row in rows],
            "textposition": "middle right",
            "textfont": {
                **size,
                "color": [quiet if row.is_heading else text for row in rows],
            },
            "cliponaxis": False,
        },
        {
            **shared,
            "x": [end] * len(rows),
            "text": [row.right for row in rows],
            "textposition": "middle left",
            "textfont": {**size, "color": quiet},
            "cliponaxis": False,
        },
    ]


def _covering_words(rows: Sequence[Row], end: float, theme: Theme) -> list[dict[str, Any]]:
    """The words on the right of each row, on a ground of their own."""
    colours = PALETTES[theme]
    return [
        {
            "x": end,
            "xanchor": "right",
            "y": place + (BAR_BELOW if row.is_heading else -WORDS_ABOVE),
            "text": f"\u2002{row.right}",
            "showarrow": False,
            "bgcolor": colours.page,
            "borderpad": 0,
            "height": FONT_SIZE_PX + 2,
            "font": {"size": FONT_SIZE_PX, "color": colours.quiet},
            "captureevents": False,
        }
        for place, row in enumerate(rows)
        if row.right
    ]


def name_under(text: str) -> str:
    """`text` for the left of a row whose right may cover its end: longer, unless it is read from the right."""
    is_from_right = any(unicodedata.bidirectional(c) in {"R", "AL"} for c in text)
    return safe(text, LONGEST_LABEL if is_from_right else LONGEST_COVERED)


def touch(rows: Sequence[Row], end: float) -> dict[str, Any]:
    """An unseen bar over each row but the headings, with its hover text and key: thin marks are hard to hit."""
    touched = [(place, row) for place, row in enumerate(rows) if not row.is_heading]
    return {
        "type": "bar",
        "orientation": "h",
        "x": [end] * len(touched),
        "y": [place for place, _ in touched],
        "width": 0.98,
        "marker": {"color": "rgba(0,0,0,0)", "line": {"width": 0}},
        "customdata": [[row.key, row.hover] for _, row in touched],
        "hovertemplate": "%{customdata[1]}<extra></extra>",
        "showlegend": False,
    }


def tracks(places: Sequence[float], theme: Theme) -> dict[str, Any]:
    """A thin line from 0 to 1 at each place, on which a row's share lies."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for place in places:
        xs += [0, 1, None]
        ys += [place, place, None]
    line = {"color": PALETTES[theme].track, "width": 6}
    return {
        "type": "scatter",
        "mode": "lines",
        "x": xs,
        "y": ys,
        "line": line,
        "hoverinfo": "skip",
        "showlegend": False,
    }


def spans(
    rows: Sequence[Row], places: Sequence[float], low: Sequence[float], high: Sequence[float]
) -> list[dict[str, Any]]:
    """A thick line from low to high per row, none where they are NaN: one trace per colour."""
    traces = []
    for colour in dict.fromkeys(row.colour for row in rows):
        xs: list[float | None] = []
        ys: list[float | None] = []
        for row, place, a, b in zip(rows, places, low, high, strict=True):
            if row.colour == colour and not math.isnan(a):
                xs += [float(a), float(b), None]
                ys += [place, place, None]
        line = {"color": colour, "width": 4}
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": xs,
                "y": ys,
                "line": line,
                "opacity": 0.55,
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
    return traces


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
