"""The one way to show text that somebody else wrote: as it is, with no Markdown, link or image made of it.

A name or a listing title may carry `![](https://…)`, which would fetch a stranger's image from the viewer's browser.
"""

import html
from typing import Literal

import streamlit as st


def plain(text: str, tone: Literal["quiet", "normal"] = "quiet") -> None:
    """A paragraph of plain text; quiet is smaller and greyer."""
    style = "font-size:0.875rem;opacity:0.75;" if tone == "quiet" else ""
    st.html(f'<p style="margin:0;overflow-wrap:anywhere;unicode-bidi:plaintext;{style}">{html.escape(text)}</p>')
