"""Guest links: which addresses open a part of the leads to who cannot sign in, and the end of each."""

import streamlit as st

from leadlib.ui import sharing
from leadlib.ui.text import plain
from leadlib.ui.view import current_view

view = current_view()
st.title("Guest links", anchor=False)
plain(
    "Each opens some leads to whoever has its address, without a sign-in, until it expires or somebody ends it. An "
    "ended link is dead within seconds, in pages that are open too.",
    tone="normal",
)
sharing.draw_links(view)
