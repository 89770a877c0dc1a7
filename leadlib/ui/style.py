"""The few rules of appearance that the theme settings cannot say."""

import streamlit as st

_CSS = """
<style>
/* Room for figures instead of margins, and less of it again on a phone. */
.stMainBlockContainer { padding: 3.5rem 2.5rem 4rem; max-width: 1500px; }
/* One scale of headings: the page, a card or a section, a part of it. */
.stMainBlockContainer h1 { font-size: 2rem; padding: 0; }
.stMainBlockContainer h2 { font-size: 1.25rem; padding: .25rem 0; }
.stMainBlockContainer h3 { font-size: 1rem; padding: .25rem 0; }
/* A heading of a section stands closer to what it heads than to what is before it. */
.stMainBlockContainer .stVerticalBlock > .stElementContainer:not(:first-child) > .stHeading h2 { padding-top: 1rem; }
/* Figures of equal width line up under each other, also where a label beside them takes two lines. */
[data-testid="stMetricValue"] { font-variant-numeric: tabular-nums; font-size: 1.9rem; }
/* A figure that is cut off is another figure: a long one takes two lines. */
[data-testid="stMetricValue"] * { white-space: normal; overflow: visible; text-overflow: clip; }
[data-testid="stMetricLabel"] p { white-space: normal; line-height: 1.3; }
[class*="st-key-cards_tall"] [data-testid="stMetricLabel"] { min-height: 2.8em; align-items: flex-start; }
.leadlight-text { margin: 0; overflow-wrap: anywhere; }
.leadlight-quiet { font-size: .875rem; opacity: .78; }
dl.leadlight-facts { margin: 0 !important; padding: 0; font-size: .9rem; }
.leadlight-facts div { display: grid; grid-template-columns: minmax(6.5rem, 30%) 1fr; gap: .75rem; padding: .4rem 0;
  border-bottom: 1px solid rgba(128, 140, 138, .25); }
.leadlight-facts div:last-child { border-bottom: 0; }
.leadlight-facts dt { opacity: .78; }
.leadlight-facts dd { margin: 0 !important; overflow-wrap: anywhere; }
a.leadlight-download, a.leadlight-download:visited { display: inline-block; margin: .2rem .4rem .2rem 0;
  padding: .45rem .9rem; border-radius: .6rem; border: 1px solid rgba(128, 140, 138, .6); color: inherit;
  text-decoration: none; }
a.leadlight-download:hover, a.leadlight-download:focus-visible { border-color: currentColor; }
@media (max-width: 640px) {
  .stMainBlockContainer { padding: 3.5rem 1rem 4rem; }
  .stMainBlockContainer h1 { font-size: 1.6rem; }
  /* A thumb needs more room than a mouse. */
  [data-testid="stSidebarNavLink"] { min-height: 2.6rem; }
}
</style>
"""


def apply() -> None:
    """Adds the rules to the page."""
    st.html(_CSS)
