"""What people noted on days, on every chart over time: a thin line per day, numbered, and the words below."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import plotly.graph_objects as go
from plotly.basedatatypes import BaseTraceType

from leadlib import formats
from leadlib.charts.drawing import safe
from leadlib.theme import PALETTES, Theme

_ONE_DAY = timedelta(days=1)


def with_day_notes(figure: go.Figure, notes: Mapping[date, Sequence[str]], *, theme: Theme = "light") -> list[str]:
    """Draws the notes of the days that a chart over time shows; gives a sentence for each, in the order of the lines.

    A chart whose x axis is no axis of dates is left as it is.
    """
    # Most installations have none, and every chart of every rerun comes by here.
    shown = _days_shown(figure) if notes else None
    if shown is None:
        return []
    colour = PALETTES[theme].quiet
    sentences = []
    for number, day in enumerate(sorted(day for day in notes if shown[0] <= day <= shown[1]), start=1):
        figure.add_shape(
            type="line", x0=day.isoformat(), x1=day.isoformat(), y0=0, y1=1, yref="paper",
            line={"color": colour, "width": 1, "dash": "dot"}, layer="below",
        )  # fmt: skip
        figure.add_annotation(
            x=day.isoformat(), y=1, yref="paper", yanchor="top", xanchor="left", showarrow=False,
            text=f"<b>{number}</b>", font={"color": colour, "size": 11},
            hovertext="<br>".join(safe(words) for words in notes[day]),
        )  # fmt: skip
        sentences.append(f"{number}: {formats.day(day)} – {'; '.join(notes[day])}")
    return sentences


def _days_shown(figure: go.Figure) -> tuple[date, date] | None:
    """The first and the last day that bars and points stand for; None without an axis of dates or without any."""
    if figure.layout.xaxis.type != "date":
        return None
    places = sorted({place for trace in figure.data for place in _places_of(trace)})
    if not places:
        return None
    # A bar stands at the beginning of its week or month, and its last day is a step later.
    step = places[-1] - places[-2] if len(places) > 1 else _ONE_DAY
    return places[0].date(), (places[-1] + max(step, _ONE_DAY) - _ONE_DAY).date()


def _places_of(trace: BaseTraceType) -> list[datetime]:
    x = getattr(trace, "x", None)
    if x is not None:
        return [datetime.fromisoformat(str(place)[:19]) for place in x if place is not None]
    x0, y = getattr(trace, "x0", None), getattr(trace, "y", None)
    if x0 is None or y is None:
        return []
    step = timedelta(milliseconds=float(trace.dx))
    return [datetime.fromisoformat(str(x0)[:19]) + number * step for number in range(len(y))]
