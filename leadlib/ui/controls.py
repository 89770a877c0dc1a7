"""The pages' own settings: one look, one state, kept in the link."""

from collections.abc import Mapping

import streamlit as st

from leadlib.metrics import SLA_MINUTES
from leadlib.ui.links import param, param_key

GRAIN_WORDS = {"hour": "Hour", "day": "Day", "week": "Week", "month": "Month"}
BY_WORDS = {"channel": "Channel", "entity_type": "Entity type", "stage": "Stage", "agent": "Agent"}
CLOCK_WORDS = {"wall": "Wall clock", "working": "Working hours"}
WITHIN_WORDS = {str(minutes): words for words, minutes in SLA_MINUTES.items()}
COMPARE_WORDS = {
    "previous": "The days before",
    "weekdays": "The same weekdays before",
    "week": "This week with the last",
    "month": "This month with the last",
}
LEAGUE_WORDS = {"listing": "Listings", "project": "Projects", "developer": "Developers"}


def pick(key: str, label: str, words: Mapping[str, str]) -> str:
    """Draws the choice of a page setting (a key of links.PARAMS) and gives what is chosen."""
    st.segmented_control(label, list(words), key=param_key(key), format_func=words.__getitem__, required=True)
    return param(key)
