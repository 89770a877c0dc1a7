"""Notebooks: ordered cells of words and metrics, their way to JSON and back, and what they answer."""

from leadlib.notebooks.answers import (
    Table,
    answer,
    group_words,
    interval_words,
    marks_of,
    parts_words,
    shown_as,
    shows_of,
    table_of,
    title_of,
    value_words,
)
from leadlib.notebooks.builtin import BUILTIN
from leadlib.notebooks.model import (
    SHOWS,
    Cell,
    MetricCell,
    Notebook,
    Show,
    TextCell,
    cells_from_json,
    cells_to_json,
    is_name,
    name_of,
)

__all__ = [
    "BUILTIN",
    "SHOWS",
    "Cell",
    "MetricCell",
    "Notebook",
    "Show",
    "Table",
    "TextCell",
    "answer",
    "cells_from_json",
    "cells_to_json",
    "group_words",
    "interval_words",
    "is_name",
    "marks_of",
    "name_of",
    "parts_words",
    "shown_as",
    "shows_of",
    "table_of",
    "title_of",
    "value_words",
]
