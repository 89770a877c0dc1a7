"""Leads by what they are about and by who answers them: frames of `breakdown`."""

from html import escape

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.empty import NOTHING, plot_nothing
from leadlib.metrics import metric_named
from leadlib.theme import PALETTES, Theme, figure

_ROW_HEIGHT = 26


def plot_entity_types(rows: pd.DataFrame, *, theme: Theme) -> go.Figure:
    """One bar a group, with its count and share."""
    if rows.empty:
        return plot_nothing(theme)
    total = rows["leads"].sum()
    palette = PALETTES[theme]
    return figure(
        [
            {
                "type": "bar",
                "orientation": "h",
                "y": [_short(label) for label in rows["label"]],
                "x": rows["leads"],
                "text": [f"{formats.number(n)} · {formats.percent(n / total)}" for n in rows["leads"]],
                "textposition": "auto",
                "marker": {"color": [palette.series[n % len(palette.series)] for n in range(len(rows))]},
                "hovertemplate": "%{y}: %{x:,} leads<extra></extra>",
            }
        ],
        theme,
        90 + 48 * len(rows),
        yaxis={"autorange": "reversed"},
        xaxis={"title": {"text": "leads"}},
    )


def plot_league(rows: pd.DataFrame, *, theme: Theme) -> go.Figure:
    """One bar a group, answered and not: the solid part has responded."""
    if rows.empty:
        return plot_nothing(theme)
    palette = PALETTES[theme]
    labels = [_short(label) for label in rows["label"]]
    shared = {"type": "bar", "orientation": "h", "y": labels}
    return figure(
        [
            shared
            | {
                "name": "Responded",
                "x": rows["responded"],
                "marker": {"color": palette.accent},
                "hovertemplate": "%{y}<br>%{x:,} responded<extra></extra>",
            },
            shared
            | {
                "name": "Not responded",
                "x": rows["leads"] - rows["responded"],
                "marker": {"color": palette.stages["sent"]},
                "hovertemplate": "%{y}<br>%{x:,} not responded<extra></extra>",
            },
        ],
        theme,
        110 + _ROW_HEIGHT * len(rows),
        barmode="stack",
        yaxis={"autorange": "reversed"},
        xaxis={"title": {"text": "leads"}},
    )


def plot_response_rates(rows: pd.DataFrame, *, theme: Theme) -> go.Figure:
    """A dot a group with its 95 % interval, best first; too small groups are grey and last, without a dot."""
    if rows.empty:
        return plot_nothing(theme)
    palette = PALETTES[theme]
    ordered = rows.assign(
        middle=rows["response_rate"].fillna((rows["response_rate_low"] + rows["response_rate_high"]) / 2)
    ).sort_values(["middle", "leads"], ascending=[False, False], na_position="last")
    labels = [
        f"{_short(label)}  (n {formats.number(n)})"
        for label, n in zip(ordered["label"], ordered["matured"], strict=True)
    ]
    is_firm = ordered["response_rate_quality"].isin(["enough", "few"])
    metric = metric_named("response_rate")
    team = ordered["responded_matured"].sum() / ordered["matured"].sum() if ordered["matured"].sum() else None
    hover = [
        f"{escape(str(row['label']))}<br>"
        f"{formats.number(row['responded_matured'])} of {formats.number(row['matured'])} responded<br>"
        f"{formats.percent(row['response_rate'])} · 95 % interval "
        f"{formats.percent_range(row['response_rate_low'], row['response_rate_high'])}"
        for row in ordered.to_dict("records")
    ]
    return figure(
        [
            {
                "type": "scatter",
                "mode": "markers",
                "x": ordered["middle"],
                "y": labels,
                "text": hover,
                "hovertemplate": "%{text}<extra></extra>",
                "marker": {
                    "size": 9,
                    "color": [palette.accent if firm else palette.quiet for firm in is_firm],
                    "symbol": [
                        "circle" if q in {"enough", "few"} else "line-ns-open" for q in ordered["response_rate_quality"]
                    ],
                },
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": ordered["response_rate_high"] - ordered["middle"],
                    "arrayminus": ordered["middle"] - ordered["response_rate_low"],
                    "color": palette.quiet,
                    "thickness": 2,
                    "width": 0,
                },
            }
        ],
        theme,
        110 + _ROW_HEIGHT * len(rows),
        yaxis={"autorange": "reversed", "type": "category", "categoryorder": "array", "categoryarray": labels},
        xaxis={"tickformat": ".0%", "range": [0, 1.02], "title": {"text": metric.label}},
        shapes=[
            {
                "type": "line",
                "x0": team,
                "x1": team,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": {"dash": "dot", "width": 1.5, "color": palette.warning},
            }
        ]
        if team is not None
        else [],
    )


def entity_types_takeaway(rows: pd.DataFrame) -> str:
    """The largest group and its share."""
    if rows.empty:
        return NOTHING
    first = rows.iloc[0]
    share = formats.percent(first["leads"] / rows["leads"].sum())
    return f"{first['label']} leads are {share} of {formats.count_of(rows['leads'].sum(), 'lead')}."


def league_takeaway(rows: pd.DataFrame) -> str:
    """Who has most leads, and how concentrated they are."""
    if rows.empty:
        return NOTHING
    first = rows.iloc[0]
    return f"Most leads: {first['label']}, {formats.number(first['leads'])} of {formats.number(rows['leads'].sum())}."


def response_rates_takeaway(rows: pd.DataFrame) -> str:
    """The rate of all together, how many can be told from it, and how many are too small for a rate."""
    matured = rows["matured"].sum()
    if not matured:
        return NOTHING
    team = rows["responded_matured"].sum() / matured
    judged = rows[rows["response_rate_quality"] == "enough"]
    above = int((judged["response_rate_low"] > team).sum())
    below = int((judged["response_rate_high"] < team).sum())
    small = int(rows["response_rate_quality"].isin(["too_few", "no_leads"]).sum())
    few = f"; {small} with too few leads for a rate" if small else ""
    return (
        f"All together {formats.percent(team)} (dotted line). {above} clearly above, {below} clearly below, the others "
        f"cannot be told from it{few}."
    )


def _short(label: object, most: int = 34) -> str:
    text = str(label)
    return escape(text if len(text) <= most else f"{text[: most - 1]}…")
