"""The row of headline figures: value, change at equal age, definition one click away."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.metrics import SMALLEST_GROUP, is_small, metric_named, own_figure, summary, summary_change
from leadlib.ui.view import View

_COLOURS: Mapping[str, Literal["normal", "inverse", "off"]] = {"more": "normal", "less": "inverse", "neither": "off"}
FEW = f"<{SMALLEST_GROUP}"
"""What guests see in place of a count of few leads."""

_LABEL_CHARACTERS = 18
"""A longer label takes a second line on the narrowest card."""

HEADLINES = ("leads", "unique_senders", "response_rate", "response_rate_of_all", "waiting")


def draw(view: View, keys: Sequence[str] = HEADLINES) -> None:
    """One card per metric key, of `summary` or with a file of its own; counts and rates carry their change, if any."""
    row = view.ask(summary).iloc[0]
    for key in keys:
        if key not in row:
            row[key] = view.ask(own_figure, key=key).iloc[0][key]
    changes = {change["key"]: change for change in view.ask(summary_change).to_dict("records")}
    is_tall = any(len(metric_named(key).label) > _LABEL_CHARACTERS for key in keys)
    with st.grid(len(keys), min_column_width=150, key="cards_tall" if is_tall else "cards"):
        for key in keys:
            metric = metric_named(key)
            is_kept = view.access.shared is not None and _is_told_of_few(row, key)
            change = {} if is_kept else changes.get(key, {})
            delta = _delta(key, change)
            st.metric(
                metric.label,
                FEW if is_kept else share_text(row, key) if metric.unit == "share" else formats.number(row[key]),
                delta=delta or (None if is_kept else _part_text(row, key)),
                delta_color=_COLOURS[metric.better] if delta else "off",
                delta_arrow="auto" if delta else "off",
                delta_description=_compared(view, change) if delta else None,
                help=(metric.definition if is_kept else _help(row, key)) + (_periods(change) if delta else ""),
                border=True,
                height="stretch",
            )


def _is_told_of_few(row: pd.Series, key: str) -> bool:
    """True for a count of few, and for a rate whose numerator is one: guests see neither."""
    metric = metric_named(key)
    return is_small(row[key if metric.unit != "share" else str(metric.numerator)])


def share_text(row: pd.Series, key: str) -> str:
    """A rate as the screen shows it: the point, the bounds where history is unknown, a dash where there is none."""
    quality = row[f"{key}_quality"]
    if quality == "bounds":
        return formats.percent_range(row[f"{key}_low"], row[f"{key}_high"])
    if quality in {"no_leads", "too_few"}:
        return formats.MISSING_TEXT
    return formats.percent(row[key], 1)


def _help(row: pd.Series, key: str) -> str:
    metric = metric_named(key)
    if metric.numerator is None or metric.denominator is None:
        return metric.definition
    interval = formats.percent_range(row[f"{key}_low"], row[f"{key}_high"], 1)
    counted = f"{formats.number(row[metric.numerator])} of {formats.number(row[metric.denominator])}"
    return f"{metric.definition}\n\n{counted}; 95 % interval {interval}."


def _delta(key: str, change: Mapping[Any, Any]) -> str | None:
    if not change or not change["is_comparable"]:
        return None
    if metric_named(key).unit == "share":
        text = formats.points(change["change"])
    elif formats.is_missing(change["relative_change"]):
        return None
    else:
        text = f"{formats.signed(change['relative_change'] * 100)}{formats.NBSP}%"
    return text.replace(formats.MINUS, "-")  # the arrow and its colour hang on an ASCII sign


def _part_text(row: pd.Series, key: str) -> str | None:
    """What stands where no change can be told: of how many a rate is, or which part of the leads a count is."""
    metric = metric_named(key)
    if metric.numerator is not None and metric.denominator is not None:
        return f"{formats.number(row[metric.numerator])} of {formats.number(row[metric.denominator])}"
    if metric.unit == "leads" and key != "leads" and row["leads"]:
        return f"{formats.percent(row[key] / row['leads'])} of leads"
    return None


def _compared(view: View, change: Mapping[Any, Any]) -> str:
    n_days = f"{formats.number((change['current_to'] - change['current_from']).days + 1)}{formats.NBSP}d"
    # Short, to fit the narrowest card; the help says which days they are. Without days of its own the card counts
    # everything, while the change is only that of the last month.
    return f"vs {n_days}" if view.filters["from"] or view.filters["to"] else n_days


def _periods(change: Mapping[Any, Any]) -> str:
    now = formats.day_range(change["current_from"], change["current_to"])
    before = formats.day_range(change["previous_from"], change["previous_to"])
    return f"\n\nThe change compares {now} with {before}, both at the same age."
