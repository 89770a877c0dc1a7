"""Agents, listings, projects and developers beside each other: one sortable table, the same columns for all."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.filters import MISSING, field_named
from leadlib.metrics import FILTERS_OF, OTHERS, VERDICT_WORDS, age_range, metric_named, summary
from leadlib.ui import drill, numbers
from leadlib.ui.engine import load
from leadlib.ui.guests import is_guest
from leadlib.ui.numbers import COUNT, with_left
from leadlib.ui.selection import choose_row
from leadlib.ui.text import plain
from leadlib.ui.view import View

_FILTERS_OF = {**FILTERS_OF, "entity_type": ("entity",)}
_WITH_INTERVAL = ("response_rate", "standardised_rate")


def draw(
    rows: pd.DataFrame, name: str, keys: Sequence[str], *, key: str, alt: str, name_px: int | None = None
) -> pd.Series | None:
    """The table of these metrics, a row per group, under the heading `name`; gives the chosen row, if any."""
    shown: dict[str, Any] = {name: with_left(rows["label"], rows["is_active"])}
    columns: dict[str, Any] = {name: st.column_config.TextColumn(width=name_px)}
    for metric in map(metric_named, keys):
        heading, values, config = metric.short_label, rows[metric.key], st.column_config.NumberColumn
        if metric.unit == "words":
            shown[heading] = values.map(VERDICT_WORDS)
            columns[heading] = st.column_config.TextColumn(help=metric.definition)
        elif metric.unit == "share":
            shown[heading] = values * 100
            columns[heading] = config(format="%.0f %%", help=metric.definition)
        elif metric.unit == "estimated share":
            heading = f"Within {formats.duration(rows['age_min'].max() * 60)}"
            shown[heading] = values * 100
            columns[heading] = config(format="%.0f %%", help=metric.definition)
        elif metric.unit == "minutes":
            # Infinite is what fewer than the share ever reach: there is no number of minutes to sort by.
            shown[heading] = values.replace(float("inf"), float("nan"))
            columns[heading] = config(format="%,.0f min", help=metric.definition)
            shown[f"{heading}, 95 %"] = _age_ranges(rows, metric.key)
            columns[f"{heading}, 95 %"] = st.column_config.TextColumn(help=metric.definition)
        elif metric.unit == "hours":
            shown[heading] = values / 24
            columns[heading] = config(format="%,.0f d", help=metric.definition)
        else:
            shown[heading] = values
            columns[heading] = config(format="%.2f" if metric.unit == "ratio" else COUNT, help=metric.definition)
        if metric.key in _WITH_INTERVAL:
            shown["95 % interval"] = ranges(rows, metric.key)
        if metric.unit == "place":
            shown[f"{heading}, 95 %"] = [rank_range(row, metric.key) for row in rows.to_dict("records")]
            columns[f"{heading}, 95 %"] = st.column_config.TextColumn(help=metric.definition)
    if is_guest():  # from a chosen row lead ways to leads and agents, which guests have not
        numbers.draw(numbers.Twin(pd.DataFrame(shown), columns), alt=alt)
        return None
    place = choose_row(pd.DataFrame(shown), list(rows["key"]), key=key, columns=columns, alt=alt)
    return None if place is None else rows.iloc[place]


def offer_leads(view: View, by: str, row: pd.Series) -> None:
    """The button that turns to the leads of a row of `breakdown`, or a sentence where no filter tells them apart."""
    filter_key = filter_of_row(view, by, str(row["key"]), int(row["leads"]))
    if filter_key is None:
        plain("No single filter tells exactly these leads from all others.")
        return
    st.button(
        f"Show the {formats.count_of(int(row['leads']), 'lead')} of this row",
        icon=":material/list_alt:",
        type="primary",
        on_click=drill.to_leads,
        args=(filter_key, str(row["key"])),
    )


def to_leads_of(view: View, by: str, rows: pd.DataFrame) -> Callable[[str], None]:
    """For a chart's on_choose: turns to all leads of the chosen row of `rows`, those that wait longest on top.

    A row that no single filter tells from all others leads nowhere.
    """

    def turn(key: str) -> None:
        n_leads = int(rows.loc[rows["key"] == key, "leads"].iloc[0])
        filter_key = None if key == OTHERS else filter_of_row(view, by, key, n_leads)
        if filter_key is not None:
            drill.to_leads(filter_key, key, "longest_waiting")

    return turn


def filter_of_row(view: View, by: str, key: str, n_leads: int) -> str | None:
    """The filter whose value `key` leaves exactly the leads of a row; None if none does."""
    for filter_key in _FILTERS_OF[by]:
        if key == MISSING and not field_named(filter_key).may_be_missing:
            continue
        left = load(summary, view.filters.with_values(filter_key, [key]))
        if int(left["leads"].iloc[0]) == n_leads:
            return filter_key
    return None


def ranges(rows: pd.DataFrame, key: str) -> list[str]:
    """The interval of a rate in each row, in words."""
    ends = zip(rows[f"{key}_low"], rows[f"{key}_high"], strict=True)
    return [formats.percent_range(low, high) for low, high in ends]


def _age_ranges(rows: pd.DataFrame, key: str) -> list[str]:
    ends = zip(rows[f"{key}_low"], rows[f"{key}_high"], rows["clock"], strict=True)
    return [age_range(low, high, clock) for low, high, clock in ends]


def rank_range(row: Mapping[Any, Any], key: str = "rank") -> str:
    """The ranks that a row may have: "3–6", "1" if that is sure, a dash without a rank."""
    best, worst = row[f"{key}_best"], row[f"{key}_worst"]
    if formats.is_missing(best):
        return formats.MISSING_TEXT
    return formats.number(best) if best == worst else f"{formats.number(best)}–{formats.number(worst)}"
