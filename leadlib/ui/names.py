"""Words for ids and values: what a filter offers, and how a value reads on the screen."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from leadlib import formats
from leadlib.config import Dialect
from leadlib.filters import FIELDS, MISSING, Field, Filters
from leadlib.metrics import words_by_move
from leadlib.metrics.choices import choices as choices_question
from leadlib.metrics.table import CHANNEL_LABELS, ENTITY_LABELS, STAGE_LABELS, other
from leadlib.records import STAGE_OF_STATUS
from leadlib.ui.engine import current_access, get_engine, load

_WORDS = {
    **{status: status.capitalize() for status in STAGE_OF_STATUS},
    **STAGE_LABELS,
    **CHANNEL_LABELS,
    **ENTITY_LABELS,
    "agent": ENTITY_LABELS["publicProfile"],
    **{day[:3].lower(): day for day in formats.WEEKDAYS},
    **{str(hour): formats.hour(hour) for hour in range(24)},
}


@dataclass(frozen=True)
class Vocabulary:
    """What each field offers, most useful first, and the names behind ids: "Name · id"."""

    dialect: Dialect
    values: Mapping[str, tuple[str, ...]]
    names: Mapping[str, Mapping[str, str]]

    def choices(self, field: Field) -> list[str]:
        """The API's own values in its order, then whatever else leads carry, most leads first."""
        closed = field.values.get(self.dialect, ())
        # A stored word of the other dialect means one of ours: offering both would look like two choices.
        carried = (field.spelled(value, self.dialect) or value for value in self.values.get(field.key, ()))
        return list(dict.fromkeys([*closed, *carried]))

    def label(self, field: Field, value: str) -> str:
        """A value as the screen shows it."""
        if value == MISSING and field.may_be_missing:
            return f"No {field.label.lower()}"
        if field.kind == "choice":
            return word(value)
        return self.names.get(field.key, {}).get(value, value)


def load_vocabulary() -> Vocabulary:
    """The vocabulary of what the viewer's leads hold now. Shared: do not change it in place."""
    engine, access = get_engine(), current_access()
    return _load_vocabulary(engine.dialect, engine.store_for(access).data_version, access.key)


@st.cache_resource(max_entries=16, show_spinner=False)
def _load_vocabulary(dialect: Dialect, data_version: int, access_key: str) -> Vocabulary:
    frame = load(choices_question, Filters())
    values = {field.key: tuple(frame.loc[frame["field"] == field.key, "value"].astype(str)) for field in FIELDS}
    names: dict[str, dict[str, str]] = {field.key: {} for field in FIELDS}
    for field in FIELDS:
        if field.kind == "choice":
            known = {*values[field.key], *(value for words in field.values.values() for value in words)}
            names[field.key] = {value: word(value) for value in known}
    for field_key, value, label in frame.loc[frame["label"].notna(), ["field", "value", "label"]].itertuples(
        index=False
    ):
        names[field_key][value] = f"{label} · {_short(value)}"
    names["move"] = words_by_move()
    return Vocabulary(dialect, values, names)


def word(value: str) -> str:
    """One of the API's own terms in plain words; an unknown one as "Other (telegram)"."""
    return _WORDS.get(value) or (other(value) if value else "")


def _short(value: str) -> str:
    return value if len(value) <= 14 else f"{value[:6]}…"
