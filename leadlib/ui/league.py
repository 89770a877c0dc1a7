"""A sortable table of agents, listings, projects or developers, and from each row the way to its leads."""

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.metrics import QUALITY_WORDS, breakdown, dimension_named, metric_named
from leadlib.ui import drill
from leadlib.ui.view import View

_COUNTS = ("waiting", "pending", "matured", "responded_matured", "unique_senders")
# Which filter a row of the league sets; a listing is told by its id, since references repeat.
_FILTER_OF = {"agent": "agent", "listing": "listing_id", "project": "project", "developer": "developer"}


def draw(view: View, by: str) -> None:
    """One row a group: counts, both rates with interval and n, and who is too small to judge. A row drills to leads."""
    rows = view.ask(breakdown, by=by)
    rate, plain_rate = metric_named("response_rate"), metric_named("response_rate_of_all")
    shown = pd.DataFrame(
        {
            dimension_named(by).label: [
                f"{label} (left)" if is_active is False else label
                for label, is_active in zip(rows["label"], rows["is_active"], strict=True)
            ],
            metric_named("leads").short_label: rows["leads"],
            rate.short_label: rows["response_rate"] * 100,
            "95 % interval": [
                formats.percent_range(low, high)
                for low, high in zip(rows["response_rate_low"], rows["response_rate_high"], strict=True)
            ],
            plain_rate.short_label: rows["response_rate_of_all"] * 100,
            "Note": rows["response_rate_quality"].map(QUALITY_WORDS),
            **{metric_named(key).short_label: rows[key] for key in _COUNTS},
        }
    )
    percent = st.column_config.NumberColumn(format="%.0f %%")
    event = st.dataframe(
        shown,
        hide_index=True,
        placeholder=formats.MISSING_TEXT,
        key=f"league_{by}",
        on_select="rerun",
        selection_mode="single-row",
        column_config={rate.short_label: percent, plain_rate.short_label: percent},
        alt=f"{dimension_named(by).label}s with their leads and response rates, most leads first",
    )
    for place in event["selection"]["rows"]:
        if place < len(rows):
            _offer_leads(by, rows.iloc[place])


def _offer_leads(by: str, row: pd.Series) -> None:
    st.button(
        f"Show the {formats.count_of(int(row['leads']), 'lead')} of this row",
        icon=":material/list_alt:",
        type="primary",
        on_click=drill.to_leads,
        args=(_FILTER_OF[by], str(row["key"])),
    )
