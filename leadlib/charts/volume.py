"""Leads over time."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.drawing import empty_figure, safe, shortened
from leadlib.formats import Grain
from leadlib.metrics import OTHERS, SIGNAL_WORDS, grain_named, metric_named
from leadlib.theme import PALETTES, Theme, figure, group_colours

MOST_BARS = 200
"""Beyond so many buckets bars would be thinner than a pixel and slow to draw: steps are drawn instead."""

_HOVER_FORMATS: Mapping[Grain, str] = {
    "hour": "%a %-d %b %Y, %H:%M",
    "day": "%a %-d %b %Y",
    "week": "Week of %-d %b %Y",
    "month": "%B %Y",
}
_TICK_FORMATS: Mapping[Grain, str] = {
    "hour": "%H:%M\n%-d %b",
    "day": "%-d %b\n%Y",
    "week": "%-d %b\n%Y",
    "month": "%b\n%Y",
}
_HEIGHT_PX = 320
_WITHOUT_FILTER = {OTHERS, "unrecognised", ""}
_HOUR_MS = 3_600_000


def plot_volume(frame: pd.DataFrame, *, grain: str | None = None, theme: Theme = "light") -> go.Figure:
    """Leads per bucket, stacked by group, from `metrics.volume`, or with the usual and its limits from `volume_limits`.

    Buckets that are not over, or were cut, are hatched; stretches that were never read are left empty and marked. Many
    buckets are drawn as steps. customdata[0] of a bar is its mark (see `mark_of`), if a filter can tell its leads.
    Bars that can be clicked answer to the pointer one by one, since Plotly takes a click on a whole stack for the last.
    Without a `grain` it is read from the buckets, which a single one does not tell.
    """
    metric = metric_named("leads")
    if frame.empty:
        return empty_figure(metric.label, theme)
    step = grain_of(frame) if grain is None else grain_named(grain)
    labels = dict(zip(frame["key"], frame["label"], strict=True))
    leads = leads_by_bucket(frame)
    whole = frame.iloc[:: len(labels)]
    is_unread = (whole["covered"] <= 0).to_numpy()
    where = _places(whole["bucket"], step)
    is_bars = len(whole) <= MOST_BARS
    is_clickable = is_bars and step != "hour"
    totals = leads.sum(axis=1)
    is_named = len(labels) > 1
    colour_of = group_colours(labels, theme)
    hatching = _hatching(whole["is_partial"], theme)
    traces: list[dict[str, Any]] = []
    for place, (key, label) in enumerate(labels.items()):
        name = safe(str(label), 22 if len(labels) <= 5 else 14)
        shared = {
            **where,
            "y": _heights(leads[:, place], is_unread),
            "name": name,
            "legendgroup": key,
            "hovertemplate": "%{y:,}",
        }
        if is_bars:
            marker = {"color": colour_of[key], "line": {"width": 0}}
            hover = _hover(name if is_named else "", totals, whole, step) if is_clickable else {}
            traces.append(
                {
                    **shared,
                    **hover,
                    "type": "bar",
                    "marker": marker | hatching,
                    "showlegend": False,
                    **_marks(whole["bucket"], step, str(key)),
                }
            )
            # A legend copies the look of a trace's first bar, and that one may be hatched.
            sample = {"type": "bar", "x": [None], "y": [None], "name": name, "legendgroup": key}
            traces += [{**sample, "marker": {"color": colour_of[key]}}] if is_named else []
        else:
            line = {"shape": "hv", "width": 0, "color": colour_of[key]}
            area = {"stackgroup": "leads", "line": line, "fillcolor": colour_of[key], "mode": "lines"}
            traces.append({**shared, "type": "scatter", **area, "showlegend": is_named})
    if not is_clickable:
        traces.append(_total(totals, whole, where, is_named))
    if "signal" in whole:
        traces += _limits(whole, totals, where, theme, is_bars)
    return figure(
        traces,
        theme,
        _HEIGHT_PX + 10 * max(0, len(labels) - 4),
        barmode="stack",
        bargap=0.18 if len(whole) <= 100 else 0.05,
        hovermode="closest" if is_clickable else "x unified",
        legend={"traceorder": "normal"},
        margin={"l": 8, "r": 8, "t": 36 if is_named or "signal" in frame else 12, "b": 8},
        shapes=_unread(totals, whole, step, theme) + ([] if is_bars else _cut(whole, step, theme)),
        xaxis={
            "type": "date",
            "showgrid": False,
            "hoverformat": _HOVER_FORMATS[step],
            "tickformat": _TICK_FORMATS["day" if step == "hour" and len(whole) > 72 else step],
            "automargin": True,
            **_ticks(whole["bucket"], step),
        },
        yaxis={
            "rangemode": "tozero",
            "title": {"text": metric.label},
            "automargin": True,
            "tickformat": ",~d",
            "nticks": 6,
        },
    )


def volume_takeaway(frame: pd.DataFrame) -> str:
    """One plain sentence: who brings most, and when most came."""
    if frame.empty:
        return "No leads for these filters."
    leads = leads_by_bucket(frame)
    total = int(leads.sum())
    labels = dict(zip(frame["key"], frame["label"], strict=True))
    totals = {key: int(n) for key, n in zip(labels, leads.sum(axis=0), strict=True)}
    first = max((key for key in totals if key != "others"), key=totals.__getitem__, default=None)
    sentence = formats.count_of(total, "lead").capitalize()
    if len(totals) > 1 and first is not None:
        share = formats.percent(totals[first] / total)
        sentence = f"{shortened(str(labels[first]))} brings {share} of {formats.count_of(total, 'lead')}"
    grain = grain_of(frame)
    whole = frame.iloc[:: len(labels)]
    in_full = np.where(whole["is_partial"], -1, leads.sum(axis=1))
    if (in_full >= 0).sum() < 2:
        return f"{sentence}."
    best = int(in_full.argmax())
    when = _when(whole["bucket"].iloc[best], grain)
    sentence = f"{sentence}; the busiest full {grain} was {when}, with {formats.number(in_full[best])}."
    return " ".join([sentence, *_signals(whole, grain)]) if "signal" in whole else sentence


def mark_of(bucket: datetime, grain: Grain, key: str) -> str:
    """What a bar is called when it is clicked: "2026-09-14/week/whatsapp"."""
    return f"{bucket:%Y-%m-%d}/{grain}/{key}"


def leads_by_bucket(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """The leads of a volume frame, a row per bucket and a column per group, both in the order of the frame."""
    n_groups = int((frame["bucket"] == frame["bucket"].iloc[0]).sum())
    return frame["leads"].to_numpy().reshape(-1, n_groups)


def grain_of(frame: pd.DataFrame) -> Grain:
    """How far apart the buckets of a volume frame lie; a single one is taken for a day unless its start says more."""
    starts = pd.DatetimeIndex(frame["bucket"].unique()).sort_values()
    if len(starts) < 2:
        return "hour" if len(starts) and starts[0].hour else "day"
    step = (starts[1:] - starts[:-1]).min()
    if step < timedelta(days=1):
        return "hour"
    if step < timedelta(days=7):
        return "day"
    return "week" if step < timedelta(days=28) else "month"


def _places(buckets: pd.Series, grain: Grain) -> dict[str, Any]:
    """Where the buckets stand: their starts, or first and step where they are even, which is a tenth of the text."""
    steps = np.diff(buckets.to_numpy("datetime64[ms]")).astype("int64")
    if grain != "month" and len(steps) > 1 and (steps == steps[0]).all():
        return {"x0": buckets.iloc[0].isoformat(), "dx": float(steps[0])}
    return {"x": [bucket.isoformat() for bucket in buckets]}


def _heights(leads: npt.NDArray[np.int64], is_unread: npt.NDArray[np.bool_]) -> list[int | None]:
    """Leads per bucket; None where none came because nobody looked."""
    return [None if unread and n == 0 else n for n, unread in zip(leads.tolist(), is_unread, strict=True)]


def _hatching(is_partial: pd.Series, theme: Theme) -> dict[str, Any]:
    if not is_partial.any():
        return {}
    shapes = ["/" if partial else "" for partial in is_partial]
    page = PALETTES[theme].page
    return {"pattern": {"shape": shapes, "size": 5, "solidity": 0.45, "fgcolor": page, "fillmode": "overlay"}}


def _hover(name: str, totals: npt.NDArray[np.int64], whole: pd.DataFrame, grain: Grain) -> dict[str, Any]:
    """What a bar says to the pointer: its bucket, its own leads if they have a name, and those of the whole stack."""
    own = f"<br>{name}: <b>%{{y:,}}</b><br>In all: " if name else "<br>"
    return {
        "hovertext": [f"{formats.count_of(n, 'lead')}{part}" for n, part in zip(totals, _parts(whole), strict=True)],
        "hovertemplate": f"<b>%{{x|{_HOVER_FORMATS[grain]}}}</b>{own}%{{hovertext}}<extra></extra>",
    }


def _parts(whole: pd.DataFrame) -> list[str]:
    """For each bucket, how much of it was read; empty where all of it was."""
    return [
        f", {formats.percent(share)} of the time read" if partial else ""
        for share, partial in zip(whole["covered"].tolist(), whole["is_partial"], strict=True)
    ]


def _total(totals: npt.NDArray[np.int64], whole: pd.DataFrame, where: dict[str, Any], is_named: bool) -> dict[str, Any]:
    """A line nobody sees: in the hover box it stands for the sum, and says if the bucket is only a part."""
    return {
        "type": "scatter",
        "mode": "lines",
        **where,
        "y": _heights(totals, (whole["covered"] <= 0).to_numpy()),
        "line": {"width": 0, "color": "rgba(0,0,0,0)"},
        "text": _parts(whole),
        "hovertemplate": "<b>%{y:,} leads</b>" + (" in all" if is_named else "") + "%{text}<extra></extra>",
        "name": "Total",
        "showlegend": False,
    }


def _marks(buckets: pd.Series, grain: Grain, key: str) -> dict[str, Any]:
    """The bars' marks; none where no filter tells the leads of a bar from all others."""
    if grain == "hour" or key in _WITHOUT_FILTER:
        return {}
    return {"customdata": [[mark_of(bucket, grain, key)] for bucket in buckets]}


def _limits(
    whole: pd.DataFrame, totals: npt.NDArray[np.int64], where: dict[str, Any], theme: Theme, is_bars: bool
) -> list[dict[str, Any]]:
    """The usual and its limits as a band with steps, and a mark on each bucket that is outside; nothing if learning.

    None of them is in the legend, which on a phone would take the room of the bars: the page says what they are.
    """
    if whole["usual_leads"].isna().all():
        return []
    colours = PALETTES[theme]
    shape = "hvh" if is_bars else "hv"
    shared = {"type": "scatter", "mode": "lines", **where, "hoverinfo": "skip"}

    def line(column: str, **look: object) -> dict[str, Any]:
        values = [None if formats.is_missing(value) else float(value) for value in whole[column]]
        return {**shared, "y": values, "legendgroup": "limits", "showlegend": False, **look}

    # A line of the page's colour under it keeps the dots apart from the bars that they cross.
    halo = {"shape": shape, "width": 4, "color": colours.page}
    edge = {"shape": shape, "width": 1.5, "color": colours.text, "dash": "dot"}
    traces = [
        line("usual_leads_low", line=halo, opacity=0.6),
        line("usual_leads_low", line=edge),
        line("usual_leads_high", line=edge, name="Limits of the usual"),
    ]
    for kinds, symbol, colour, name in (
        (("above", "below"), "diamond", colours.warning, "Outside the limits"),
        (("run_above", "run_below"), "circle", colours.text, "Eight or more in a row"),
    ):
        is_marked = whole["signal"].isin(kinds).to_numpy()
        if is_marked.any():
            buckets = [bucket.isoformat() for bucket in whole["bucket"][is_marked]]
            marker = {"symbol": symbol, "size": 9, "color": colour, "line": {"color": colours.page, "width": 1.5}}
            trace = {"type": "scatter", "mode": "markers", "x": buckets, "y": totals[is_marked].tolist()}
            words = [SIGNAL_WORDS[signal] for signal in whole["signal"][is_marked]]
            hover = {"text": words, "hovertemplate": "%{text}<extra></extra>"}
            traces.append({**trace, **hover, "marker": marker, "name": name, "cliponaxis": False, "showlegend": False})
    return traces


def _signals(whole: pd.DataFrame, grain: Grain) -> list[str]:
    """What stands out, in words; empty where nothing is told."""
    if whole["usual_leads"].isna().all():
        return []
    parts = []
    for signal, words in (("above", "above"), ("below", "below")):
        buckets = whole["bucket"][(whole["signal"] == signal).to_numpy()]
        if len(buckets):
            last = _when(buckets.iloc[-1], grain)
            parts.append(f"{formats.count_of(len(buckets), grain)} {words} the limits of chance (last: {last})")
    for signal, words in (("run_above", "above"), ("run_below", "below")):
        buckets = whole["bucket"][(whole["signal"] == signal).to_numpy()]
        if len(buckets):
            parts.append(f"a run of eight or more {words} the usual (last: {_when(buckets.iloc[-1], grain)})")
    if not parts:
        return [f"No {grain} stands out from what is usual."]
    listed = formats.listed(parts)
    return [f"{listed[:1].upper()}{listed[1:]}."]


def _when(bucket: datetime, grain: Grain) -> str:
    return formats.bucket(bucket, grain).replace("Week of", "the week of")


def _end(start: datetime, grain: Grain) -> datetime:
    if grain == "month":
        return (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    return start + {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}[grain]


def _unread(totals: npt.NDArray[np.int64], whole: pd.DataFrame, grain: Grain, theme: Theme) -> list[dict[str, Any]]:
    """A band behind every run of buckets of which nothing was read."""
    bands: list[list[datetime]] = []
    for bucket, covered, leads in zip(whole["bucket"], whole["covered"], totals, strict=True):
        if covered > 0 or leads > 0:
            continue
        if bands and bands[-1][1] == bucket:
            bands[-1][1] = _end(bucket, grain)
        else:
            bands.append([bucket, _end(bucket, grain)])
    half = (
        timedelta(0) if len(whole) > MOST_BARS else (_end(whole["bucket"].iloc[0], grain) - whole["bucket"].iloc[0]) / 2
    )
    # Bars stand centred on their bucket's start.
    return [_band(first - half, last - half, theme, "not read") for first, last in bands]


def _cut(whole: pd.DataFrame, grain: Grain, theme: Theme) -> list[dict[str, Any]]:
    """A band over each bucket that was read in part, where steps cannot be hatched."""
    partial = whole[whole["is_partial"] & (whole["covered"] > 0)]
    return [_band(bucket, _end(bucket, grain), theme) for bucket in partial["bucket"]]


def _band(first: datetime, last: datetime, theme: Theme, words: str = "") -> dict[str, Any]:
    label = {"text": words, "font": {"color": PALETTES[theme].quiet, "size": 11}, "textposition": "top center"}
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": first.isoformat(),
        "x1": last.isoformat(),
        "y0": 0,
        "y1": 1,
        "fillcolor": PALETTES[theme].track,
        "line": {"width": 0},
        "layer": "below",
        **({"label": label} if words else {}),
    }


def _ticks(buckets: pd.Series, grain: Grain) -> dict[str, Any]:
    """About six ticks that fall on the start of a bucket; over weeks of days, on Mondays."""
    first: datetime = buckets.iloc[0].to_pydatetime()
    n = len(buckets)
    if grain == "month":
        return {"tick0": first.isoformat(), "dtick": f"M{max(1, -(-n // 8))}"}
    if grain == "week":
        return {"tick0": first.isoformat(), "dtick": 7 * 24 * _HOUR_MS * max(1, -(-n // 7))}
    if grain == "hour" and n <= 72:
        return {
            "tick0": _midnight(first),
            "dtick": _HOUR_MS * next(h for h in (1, 3, 6, 12) if n <= 6 * h),
        }
    days = n / 24 if grain == "hour" else n
    if days <= 14:
        return {"tick0": _midnight(first), "dtick": 24 * _HOUR_MS * max(1, -(-int(days) // 6))}
    monday = first - timedelta(days=first.weekday())
    return {"tick0": _midnight(monday), "dtick": 7 * 24 * _HOUR_MS * max(1, -(-int(days) // 42))}


def _midnight(local: datetime) -> str:
    return local.replace(hour=0).isoformat()
