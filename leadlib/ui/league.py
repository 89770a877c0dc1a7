"""A sortable table of listings, projects or developers, and from each row the way to its leads."""

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.filters import MISSING, field_named
from leadlib.metrics import QUALITY_WORDS, breakdown, dimension_named, metric_named, summary
from leadlib.ui import drill
from leadlib.ui.engine import load
from leadlib.ui.numbers import COUNT, with_left
from leadlib.ui.selection import choose_row
from leadlib.ui.text import plain
from leadlib.ui.view import View

_COUNTS = ("waiting", "pending", "matured", "responded_matured", "unique_senders")
# Which filters may tell a row's leads, the best first: a listing's references repeat, but some leads carry no id.
_FILTERS_OF = {"agent": ("agent",), "listing": ("listing_id", "listing"), "project": ("project",)}
_NAME_PX = 230


def draw(view: View, by: str) -> None:
    """One row a group: counts, both rates with interval and n, and who is too small to judge. A row drills to leads."""
    rows = view.ask(breakdown, by=by)
    rate, plain_rate = metric_named("response_rate"), metric_named("response_rate_of_all")
    name = dimension_named(by).label
    shown = pd.DataFrame(
        {
            name: with_left(rows["label"], rows["is_active"]),
            metric_named("leads").short_label: rows["leads"],
            rate.short_label: rows["response_rate"] * 100,
            "95 % interval": [
                formats.percent_range(low, high)
                for low, high in zip(rows["response_rate_low"], rows["response_rate_high"], strict=True)
            ],
            "Note": rows["response_rate_quality"].map(QUALITY_WORDS),
            plain_rate.short_label: rows["response_rate_of_all"] * 100,
            **{metric_named(key).short_label: rows[key] for key in _COUNTS},
        }
    )
    counts = [metric_named(key) for key in ("leads", *_COUNTS)]
    plain("Choose a row to go to its leads. A click on a heading sorts.")
    place = choose_row(
        shown,
        list(rows["key"]),
        key=f"league_{by}",
        columns={
            name: st.column_config.TextColumn(width=_NAME_PX),
            **{m.short_label: st.column_config.NumberColumn(format=COUNT, help=m.definition) for m in counts},
            **{
                m.short_label: st.column_config.NumberColumn(format="%.0f %%", help=m.definition)
                for m in (rate, plain_rate)
            },
            "Note": st.column_config.TextColumn(width=150),
        },
        alt=f"{name}s with their leads and response rates, most leads first",
    )
    if place is not None:
        offer_leads(view, by, rows.iloc[place])


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


def filter_of_row(view: View, by: str, key: str, n_leads: int) -> str | None:
    """The filter whose value `key` leaves exactly the leads of a row; None if none does."""
    for filter_key in _FILTERS_OF.get(by, (by,)):
        if key == MISSING and not field_named(filter_key).may_be_missing:
            continue
        left = load(summary, view.filters.with_values(filter_key, [key]))
        if int(left["leads"].iloc[0]) == n_leads:
            return filter_key
    return None
