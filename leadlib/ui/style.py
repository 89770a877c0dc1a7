"""The few rules of appearance that the theme settings cannot say."""

import streamlit as st

_CSS = """
<style>
/* Room for figures instead of margins, and less of it again on a phone. */
.stMainBlockContainer { padding: 4rem 2.5rem 4rem; max-width: 1500px; }
@media (max-width: 640px) { .stMainBlockContainer { padding: 4rem 1rem 4rem; } }
/* Figures of equal width line up under each other. */
[data-testid="stMetricValue"] { font-variant-numeric: tabular-nums; font-size: 1.9rem; }
/* A card's label may take two lines; cut off, it would not say which rate it is. */
[data-testid="stMetricLabel"] p { white-space: normal; }
.leadlight-download { display: inline-block; margin: .2rem .4rem .2rem 0; padding: .3rem .8rem; border-radius: .5rem;
  border: 1px solid currentColor; text-decoration: none; }
</style>
"""


def apply() -> None:
    """Adds the rules to the page."""
    st.html(_CSS)
