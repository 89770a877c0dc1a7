"""The table twin of a chart: the same numbers in words and columns that a reader can sort and check."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.charts.volume import grain_of, leads_by_bucket
from leadlib.formats import Grain
from leadlib.metrics import (
    BADGE_WORDS,
    METRICS,
    QUALITY_WORDS,
    SIGNAL_WORDS,
    VERDICT_WORDS,
    Metric,
    age_range,
    age_words,
    is_small,
    metric_named,
)
from leadlib.ui.guests import is_guest
from leadlib.ui.kpis import FEW

COUNT = "%,d"
PERCENT = "%.1f %%"
POINTS = "%+.1f"
_BUCKETS: Mapping[Grain, str] = {
    "hour": "ddd D MMM YYYY, HH:mm",
    "day": "ddd D MMM YYYY",
    "week": "[Week of] D MMM YYYY",
    "month": "MMMM YYYY",
}
_WORDS: Mapping[str, str] = {
    **{str(k): v for k, v in VERDICT_WORDS.items()},
    **{str(k): v for k, v in BADGE_WORDS.items()},
}
_DECIMALS = {"ratio": 2, "leads per week": 2}
_NAMED = {metric.key for metric in METRICS}


@dataclass(frozen=True)
class Twin:
    """The table, and how its columns are written."""

    frame: pd.DataFrame
    columns: dict[str, Any] = field(default_factory=dict)


def twin(frame: pd.DataFrame, metrics: Sequence[str]) -> Twin:
    """The numbers of `metrics` in a frame of any question; time in rows and groups in columns where there is time."""
    if "day_number" in frame:
        return _day_by_day(frame)
    if "repeat_share" in frame:
        return _people_over_time(frame)
    if "bucket" in frame:
        return _over_time(frame)
    if "weekday" in frame:
        return _over_week(frame)
    if "planted" in frame:
        return _beside_truth(frame)
    return _by_group(frame, metrics)


def draw(table: Twin, alt: str) -> None:
    """The table on the screen; for guests without counts of few."""
    if is_guest():
        table = without_few(table)
    st.dataframe(
        table.frame, hide_index=True, placeholder=formats.MISSING_TEXT, column_config=dict(table.columns), alt=alt
    )


def without_few(table: Twin) -> Twin:
    """The table with words for counts of 1 to 4 leads."""
    shown, columns = table.frame.copy(), dict(table.columns)
    for name in shown.columns:
        values = shown[name]
        if not pd.api.types.is_integer_dtype(values):
            continue
        is_few = values.fillna(0).map(is_small)
        if is_few.any():
            shown[name] = [FEW if few else formats.number(value) for value, few in zip(values, is_few, strict=True)]
            columns[name] = st.column_config.TextColumn(alignment="right")
    return Twin(shown, columns)


def with_left(labels: pd.Series, is_active: pd.Series) -> list[str]:
    """Names, with a word at those of agents who have left."""
    return [
        f"{label} (left)" if active is False else str(label) for label, active in zip(labels, is_active, strict=True)
    ]


def _over_time(frame: pd.DataFrame) -> Twin:
    labels = {str(key): str(label) for key, label in zip(frame["key"], frame["label"], strict=True)}
    # Two agents may have one name, but a table may not have two columns of one.
    repeated = {label for label, n in Counter(labels.values()).items() if n > 1}
    headings = {key: f"{label} ({key})" if label in repeated else label for key, label in labels.items()}
    leads = leads_by_bucket(frame)
    whole = frame.iloc[:: len(labels)]
    wide = {"When": whole["bucket"].to_numpy()}
    wide |= {headings[key]: leads[:, place] for place, key in enumerate(labels)}
    if len(labels) > 1:
        wide["Total"] = leads.sum(axis=1)
    counted = {name: st.column_config.NumberColumn(format=COUNT) for name in wide if name != "When"}
    if "usual_leads" in whole and whole["usual_leads"].notna().any():
        usual = metric_named("usual_leads").label
        ends = zip(whole["usual_leads_low"], whole["usual_leads_high"], strict=True)
        wide[usual] = whole["usual_leads"].to_numpy()
        counted[usual] = st.column_config.NumberColumn(format="%.1f")
        wide["Limits"] = np.array([_limits(low, high) for low, high in ends], dtype=object)
        wide[metric_named("signal").label] = whole["signal"].map(SIGNAL_WORDS).to_numpy()
    if (whole["covered"] < 1).any():
        wide["Read"] = whole["covered"].to_numpy() * 100
        counted["Read"] = st.column_config.NumberColumn(
            format="%.0f %%", help="How much of this stretch of time was read; under 100 % leads may be missing."
        )
    times = st.column_config.DatetimeColumn(format=_BUCKETS[grain_of(frame)])
    return Twin(pd.DataFrame(wide), {"When": times, **counted})


def _limits(low: float, high: float) -> str:
    if formats.is_missing(low):
        return formats.MISSING_TEXT
    return f"{formats.number(low, 1)}–{formats.number(high, 1)}"


def _day_by_day(frame: pd.DataFrame) -> Twin:
    day = st.column_config.DateColumn(format="ddd D MMM YYYY")
    count = st.column_config.NumberColumn(format=COUNT)
    shown = {
        "Day": frame["day"],
        "Leads": frame["leads"],
        "Earlier day": frame["previous_day"],
        "Leads then": frame["previous_leads"],
        "Compared": frame["is_compared"],
    }
    return Twin(pd.DataFrame(shown), {"Day": day, "Earlier day": day, "Leads": count, "Leads then": count})


def _people_over_time(frame: pd.DataFrame) -> Twin:
    counts = ("leads", "unique_senders", "repeat_leads", "leads_of_senders")
    share = metric_named("repeat_share").label
    shown = {
        "When": frame["bucket"],
        **{metric_named(key).label: frame[key] for key in counts},
        share: frame["repeat_share"] * 100,
        "95 % interval": [
            formats.percent_range(low, high)
            for low, high in zip(frame["repeat_share_low"], frame["repeat_share_high"], strict=True)
        ],
        "Note": frame["repeat_share_quality"].map(QUALITY_WORDS),
    }
    columns: dict[str, Any] = {
        "When": st.column_config.DatetimeColumn(format=_BUCKETS[grain_of(frame)]),
        share: st.column_config.NumberColumn(format=PERCENT),
    }
    columns |= {metric_named(key).label: st.column_config.NumberColumn(format=COUNT) for key in counts}
    return Twin(pd.DataFrame(shown), columns)


def _over_week(frame: pd.DataFrame) -> Twin:
    wide = frame.pivot(index="hour", columns="weekday", values="leads_per_hour")
    wide.columns = pd.Index([formats.WEEKDAYS[int(str(day)) - 1][:3] for day in wide.columns])
    number = st.column_config.NumberColumn(format="%.1f")
    columns = dict.fromkeys(wide.columns, number)
    wide.insert(0, "Hour", [formats.hour(int(str(hour))) for hour in wide.index])
    return Twin(wide, columns)


def _beside_truth(frame: pd.DataFrame) -> Twin:
    """Rows of `calibration`, of shares or of whole numbers."""
    is_counted = frame["topic"].isin(["leads", "reached"]).all()
    scale, form = (1, COUNT) if is_counted else (100, PERCENT)
    shown = {
        "What": frame["label"],
        **({} if is_counted else {"Leads": frame["leads"]}),
        "Estimate": frame["estimate"] * scale,
        "From": frame["low"] * scale,
        "To": frame["high"] * scale,
        "Planted": frame["planted"] * scale,
        "Inside": frame["is_inside"].map({True: "yes", False: "no"}),
    }
    columns = {name: st.column_config.NumberColumn(format=form) for name in ("Estimate", "From", "To", "Planted")}
    return Twin(pd.DataFrame(shown), {"Leads": st.column_config.NumberColumn(format=COUNT), **columns})


def _by_group(frame: pd.DataFrame, metrics: Sequence[str]) -> Twin:
    shown: dict[str, Any] = {}
    columns: dict[str, Any] = {}

    def add_count(key: str) -> None:
        if key in frame and key in _NAMED:
            metric = metric_named(key)
            shown[metric.label] = frame[key]
            columns[metric.label] = st.column_config.NumberColumn(format=COUNT, help=metric.definition)

    def add_share(heading: str, shares: pd.Series, definition: str, form: str = PERCENT) -> None:
        shown[heading] = shares * 100
        columns[heading] = st.column_config.NumberColumn(format=form, help=definition)

    def add_points(metric: Metric) -> None:
        add_share(metric.label, frame[metric.key], metric.definition, POINTS)
        if f"{metric.key}_low" in frame:
            shown[f"{metric.short_label}, 95 % interval"] = [
                formats.MISSING_TEXT
                if formats.is_missing(low)
                else f"{formats.signed(low * 100, 1)} to {formats.signed(high * 100, 1)}"
                for low, high in zip(frame[f"{metric.key}_low"], frame[f"{metric.key}_high"], strict=True)
            ]

    if set(frame.get("key", [])) != {"all"}:
        shown["Name"] = with_left(frame["label"], frame["is_active"]) if "is_active" in frame else frame["label"]
    if "stage_label" in frame:
        shown["Stage"] = frame["stage_label"]
    if "age_min" in frame and frame["key"].duplicated().any():
        shown["Age"] = [formats.duration(minutes * 60) for minutes in frame["age_min"]]
    add_count("leads")
    if "share" in frame:
        add_share("Share of leads", frame["share"], "Part of the leads of this group.")
    for key in metrics:
        metric = metric_named(key)
        if metric.unit == "words":
            shown[metric.label] = frame[key].map(_WORDS)
        elif metric.unit == "minutes":
            clocks = frame["clock"] if "clock" in frame else ["wall"] * len(frame)
            shown[metric.label] = [age_words(minutes, clock) for minutes, clock in zip(frame[key], clocks, strict=True)]
            if f"{key}_low" in frame:
                shown[f"{metric.short_label}, 95 % interval"] = [
                    age_range(low, high, clock)
                    for low, high, clock in zip(frame[f"{key}_low"], frame[f"{key}_high"], clocks, strict=True)
                ]
            for column, heading in ((f"{key}_reason", f"{metric.short_label}, why not"), ("reason", "Why not")):
                if column in metric.columns and column in frame:
                    shown[heading] = frame[column]
        elif metric.unit == "points":
            add_points(metric)
        elif metric.unit == "estimated share":
            add_share(metric.label, frame[key], metric.definition)
            if f"{key}_low" in frame:
                shown["95 % interval"] = [
                    formats.percent_range(low, high)
                    for low, high in zip(frame[f"{key}_low"], frame[f"{key}_high"], strict=True)
                ]
        elif metric.unit in _DECIMALS:
            shown[metric.label] = frame[key]
            columns[metric.label] = st.column_config.NumberColumn(format=f"%.{_DECIMALS[metric.unit]}f")
            shown["95 % interval"] = [
                f"{formats.number(low, 2)}–{formats.number(high, 2)}"
                for low, high in zip(frame[f"{key}_low"], frame[f"{key}_high"], strict=True)
            ]
            for part in (metric.numerator, metric.denominator):
                add_count(str(part))
        elif metric.unit != "share":
            add_count(key)
        elif key in frame:
            add_share(metric.label, frame[key], metric.definition)
            shown[f"{metric.short_label}, 95 % interval"] = [
                formats.percent_range(low, high)
                for low, high in zip(frame[f"{key}_low"], frame[f"{key}_high"], strict=True)
            ]
            for part in (metric.numerator, metric.denominator):
                add_count(str(part))
        if f"{key.removesuffix('_change')}_in_part" in frame:
            shown["Leads in this part"] = frame[f"{key.removesuffix('_change')}_in_part"]
            columns["Leads in this part"] = st.column_config.NumberColumn(
                format=COUNT, help="Leads that make the difference; in the first and last row those of the figure."
            )
    if "leads_before" in frame:
        shown["Leads before"] = frame["leads_before"]
        columns["Leads before"] = st.column_config.NumberColumn(format=COUNT, help="Leads of the period before.")
    return Twin(pd.DataFrame(shown), columns)
