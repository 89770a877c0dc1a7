"""The one way to show text that somebody else wrote: as it is, with no Markdown, link or image made of it.

A name or a listing title may carry `![](https://…)`, which would fetch a stranger's image from the viewer's browser.
"""

import html
import re
from collections.abc import Mapping
from typing import Literal

import streamlit as st

from leadlib.notebooks import without_images


def plain(text: str, tone: Literal["quiet", "normal"] = "quiet") -> None:
    """A paragraph of plain text; quiet is smaller and greyer."""
    st.html(f'<p class="leadlight-text leadlight-{tone}" dir="auto">{html.escape(text)}</p>')


def markdown(text: str) -> None:
    """Markdown that somebody wrote for others: no HTML, and of an image the link to it, which loads nothing."""
    st.markdown(without_images(text))


def literal(text: str) -> str:
    """For a label that Streamlit reads as Markdown: every sign stands for itself."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


def facts(rows: Mapping[str, str]) -> None:
    """Names with their values, one below the other. Unlike a table's cells, long values wrap."""
    listed = "".join(
        f'<div><dt>{html.escape(name)}</dt><dd dir="auto">{html.escape(value)}</dd></div>'
        for name, value in rows.items()
    )
    st.html(f'<dl class="leadlight-facts">{listed}</dl>')
