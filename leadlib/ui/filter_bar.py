"""The sidebar's filters: one widget per row of FIELDS."""

from datetime import date

import streamlit as st

from leadlib.errors import FilterError
from leadlib.filters import FIELDS, Field, Filters
from leadlib.ui.links import filter_key, put
from leadlib.ui.names import Vocabulary
from leadlib.ui.text import literal


def draw(vocabulary: Vocabulary) -> Filters:
    """Draws the widgets and gives what is chosen. Their state comes from `links.restore`."""
    # A grid and no columns: on a phone columns would stand below each other.
    with st.grid(2, min_column_width=120):
        for field in FIELDS:
            if field.kind in {"since", "until"}:
                st.date_input(field.label, value=None, key=filter_key(field.key), help=field.help, format="YYYY-MM-DD")
    for field in FIELDS:
        if field.kind in {"choice", "id"} and not field.is_extra:
            _choose(field, vocabulary)
    with st.expander("More filters"):
        for field in FIELDS:
            if field.is_extra:
                _choose(field, vocabulary)
    filters = _chosen()
    if filters.selected:
        st.button(
            "Clear all filters", on_click=put, args=(Filters(),), width="stretch", icon=":material/filter_alt_off:"
        )
    return filters


def _choose(field: Field, vocabulary: Vocabulary) -> None:
    # A chosen option stays on offer even if no lead has it: a link may name an agent of another day.
    chosen = st.session_state.get(filter_key(field.key), [])
    options = list(dict.fromkeys([*vocabulary.choices(field), *chosen]))
    if not options:
        return
    st.multiselect(
        field.label,
        options,
        key=filter_key(field.key),
        help=field.help,
        format_func=lambda value: vocabulary.label(field, value),
        placeholder="All",
    )


def _chosen() -> Filters:
    values: dict[str, list[str]] = {}
    for field in FIELDS:
        value = st.session_state.get(filter_key(field.key))
        if isinstance(value, date):
            values[field.key] = [value.isoformat()]
        elif value:
            values[field.key] = [str(item) for item in value]
    try:
        return Filters.of(values)
    except FilterError as error:
        st.warning(literal(str(error)), icon=":material/date_range:")
        return Filters.of({key: value for key, value in values.items() if key != "to"})
