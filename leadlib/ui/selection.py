"""A table of which one row can be chosen, and that remembers what was chosen, not where it stood.

Streamlit keeps a selection by its row number. After a filter or a sync the same row holds something else.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from zlib import crc32

import pandas as pd
import streamlit as st

from leadlib import formats


def choose_row(
    shown: pd.DataFrame,
    ids: Sequence[str],
    *,
    key: str,
    columns: Mapping[str, Any],
    alt: str,
    height: int | Literal["auto"] = "auto",
) -> int | None:
    """Draws the table and gives the place of the chosen row; None while none is. `ids` name the rows, in order."""
    memory = f"chosen_{key}"
    before = st.session_state.get(memory)
    # Other rows make another table, which begins with the chosen one if it is still among them.
    event = st.dataframe(
        shown,
        hide_index=True,
        height=height,
        placeholder=formats.MISSING_TEXT,
        key=f"{key}_{crc32(chr(0).join(ids).encode()):x}",
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [ids.index(before)] if before in ids else []}},
        column_config=dict(columns),
        alt=alt,
    )
    chosen = event["selection"]["rows"]
    place = chosen[0] if chosen and chosen[0] < len(ids) else None
    st.session_state[memory] = None if place is None else ids[place]
    return place
