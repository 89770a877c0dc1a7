"""Notebooks: ordered cells of words, metrics and SQL, their way to JSON and back, and what they answer."""

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
from leadlib.notebooks.exporting import definitions_of, to_ipynb, to_marimo
from leadlib.notebooks.finding import Found, found_by
from leadlib.notebooks.model import (
    SHOWS,
    Cell,
    MetricCell,
    Notebook,
    Show,
    SqlCell,
    TextCell,
    cells_from_json,
    cells_to_json,
    is_name,
    name_of,
    options_told,
)
from leadlib.notebooks.pdf import chromium, to_pdf
from leadlib.notebooks.proving import CellVerdict, NotebookFile, NotebookVerdict, read_notebook, verify_notebook
from leadlib.notebooks.shown import Shown, shown_metric, shown_sql
from leadlib.notebooks.sql_answers import sql_marks_of, sql_number_of, sql_shown_as, sql_title_of
from leadlib.notebooks.web_page import to_html
from leadlib.notebooks.words import without_images

__all__ = [
    "BUILTIN",
    "SHOWS",
    "Cell",
    "CellVerdict",
    "Found",
    "MetricCell",
    "Notebook",
    "NotebookFile",
    "NotebookVerdict",
    "Show",
    "Shown",
    "SqlCell",
    "Table",
    "TextCell",
    "answer",
    "cells_from_json",
    "cells_to_json",
    "chromium",
    "definitions_of",
    "found_by",
    "group_words",
    "interval_words",
    "is_name",
    "marks_of",
    "name_of",
    "options_told",
    "parts_words",
    "read_notebook",
    "shown_as",
    "shown_metric",
    "shown_sql",
    "shows_of",
    "sql_marks_of",
    "sql_number_of",
    "sql_shown_as",
    "sql_title_of",
    "table_of",
    "title_of",
    "to_html",
    "to_ipynb",
    "to_marimo",
    "to_pdf",
    "value_words",
    "verify_notebook",
    "without_images",
]
