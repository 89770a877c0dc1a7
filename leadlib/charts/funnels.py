"""How far leads come, and where they stand today."""

import pandas as pd
import plotly.graph_objects as go

from leadlib import formats
from leadlib.charts.empty import NOTHING, plot_nothing
from leadlib.theme import PALETTES, Theme, figure


def plot_funnel(rows: pd.DataFrame, *, theme: Theme) -> go.Figure:
    """Bars for the stages reached, top down, of the frame of `funnel` without groups; whiskers: history unknown."""
    if rows.empty:
        return plot_nothing(theme)
    return figure([_bars(rows, theme)], theme, 90 + 58 * len(rows), **_axes(rows))


def plot_funnel_by_channel(rows: pd.DataFrame, *, theme: Theme) -> go.Figure:
    """The share of each channel's leads that reached each stage, side by side, of the frame of `funnel` by channel."""
    if rows.empty:
        return plot_nothing(theme)
    palette = PALETTES[theme]
    traces: list[dict[str, object]] = []
    for place, (key, group) in enumerate(rows.groupby("key", sort=False)):
        shares = group["leads"] / group["start_leads"].where(group["start_leads"] > 0)
        high = group["leads_high"] / group["start_leads"].where(group["start_leads"] > 0)
        label = str(group["label"].iloc[0])
        traces.append(
            {
                "type": "bar",
                "name": f"{label} ({formats.number(group['start_leads'].iloc[0])})",
                "x": group["stage_label"],
                "y": shares,
                "marker": {"color": palette.channels.get(str(key)) or palette.series[place % len(palette.series)]},
                "text": [formats.percent(share) for share in shares],
                "textposition": "outside",
                "cliponaxis": False,
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": high - shares,
                    "arrayminus": [0] * len(group),
                    "color": palette.quiet,
                    "thickness": 1,
                    "width": 3,
                },
                "hovertemplate": [
                    f"{label}, {stage.lower()}: {formats.count_of(n, 'lead')} of {formats.number(start)}<extra></extra>"
                    for stage, n, start in zip(group["stage_label"], group["leads"], group["start_leads"], strict=True)
                ],
            }
        )
    order = list(dict.fromkeys(rows.sort_values("stage", key=_rungs)["stage_label"]))
    return figure(
        traces,
        theme,
        340,
        barmode="group",
        yaxis={
            "tickformat": ".0%",
            "rangemode": "tozero",
            "title": {"text": "of the channel's leads"},
            "range": [0, 1.12],
        },
        xaxis={"categoryorder": "array", "categoryarray": order},
    )


def plot_status(rows: pd.DataFrame, *, theme: Theme) -> go.Figure:
    """One bar a status, of the frame of `status_counts` without groups."""
    if rows.empty:
        return plot_nothing(theme)
    stages = PALETTES[theme].stages
    return figure(
        [
            {
                "type": "bar",
                "orientation": "h",
                "y": rows["status"].str.capitalize(),
                "x": rows["leads"],
                "text": [
                    f"{formats.number(n)} · {formats.percent(share)}"
                    for n, share in zip(rows["leads"], rows["share"], strict=True)
                ],
                "textposition": "auto",
                "marker": {"color": [stages[stage] for stage in rows["stage"]]},
                "hovertemplate": "%{y}: %{x:,} leads<extra></extra>",
            }
        ],
        theme,
        90 + 58 * len(rows),
        yaxis={"autorange": "reversed"},
        xaxis={"title": {"text": "leads"}},
    )


def funnel_takeaway(rows: pd.DataFrame) -> str:
    """The share that responded, and the step at which most leads are lost."""
    if rows.empty:
        return NOTHING
    last = rows.iloc[-1]
    share = (
        formats.percent(last["share_of_start"])
        if not formats.is_missing(last["share_of_start"])
        else formats.percent_range(last["share_of_start_low"], last["share_of_start_high"])
    )
    unknown = int(last["archived_unknown"])
    doubt = f" {formats.count_of(unknown, 'lead')} archived before first seen: the whiskers." if unknown else ""
    return (
        f"{share} of {formats.count_of(last['start_leads'], 'lead')} reached {str(last['stage_label']).lower()}.{doubt}"
    )


def funnel_by_channel_takeaway(rows: pd.DataFrame) -> str:
    """The channel that is answered most, and the one that is answered least."""
    responded = rows[(rows["stage"] == "responded") & (rows["start_leads"] >= 5)]
    if len(responded) < 2:
        return funnel_takeaway(rows)
    shares = (responded["leads"] / responded["start_leads"]).set_axis(responded["label"])
    return (
        f"{shares.idxmax()} leads are answered most ({formats.percent(shares.max())}), {shares.idxmin()} leads least "
        f"({formats.percent(shares.min())})."
    )


def status_takeaway(rows: pd.DataFrame) -> str:
    """The most common status, and the share that still waits."""
    if rows.empty:
        return NOTHING
    most = rows.sort_values("leads", ascending=False).iloc[0]
    waiting = rows.loc[rows["stage"].isin(["sent", "delivered", "opened"]), "leads"].sum()
    return (
        f"Most leads are {most['status']!s} ({formats.percent(most['share'])}); "
        f"{formats.percent(waiting / rows['leads'].sum())} are open and without a response."
    )


def _bars(rows: pd.DataFrame, theme: Theme) -> dict[str, object]:
    palette = PALETTES[theme]
    texts = []
    for place, row in enumerate(rows.to_dict("records")):
        start = row["leads"] / row["start_leads"] if row["start_leads"] else None
        has_step = place > 0 and not formats.is_missing(row["share_of_previous"])
        step = f" · {formats.percent(row['share_of_previous'])} of previous" if has_step else ""
        texts.append(f"{formats.number(row['leads'])} · {formats.percent(start)}{step}")
    return {
        "type": "bar",
        "orientation": "h",
        "y": rows["stage_label"],
        "x": rows["leads"],
        "text": texts,
        "textposition": "auto",
        "insidetextanchor": "start",
        "cliponaxis": False,
        "marker": {"color": [palette.stages[stage] for stage in rows["stage"]]},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": rows["leads_high"] - rows["leads"],
            "arrayminus": [0] * len(rows),
            "color": palette.quiet,
            "thickness": 1.5,
            "width": 4,
        },
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }


def _axes(rows: pd.DataFrame) -> dict[str, object]:
    return {
        "yaxis": {"autorange": "reversed"},
        "xaxis": {
            "title": {"text": "leads that reached the stage"},
            "range": [0, float(rows["start_leads"].max()) * 1.02],
        },
    }


def _rungs(stages: pd.Series) -> pd.Series:
    return stages.map({"sent": 0, "delivered": 1, "opened": 2, "responded": 3})
