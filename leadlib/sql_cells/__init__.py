"""SQL cells: one SELECT of a user over the newest generation, asked in a process of its own with nothing to reach."""

from leadlib.errors import SqlCellError
from leadlib.sql_cells.answering import OFF, PLACES, Limits, SqlAnswer, run_sql
from leadlib.sql_cells.relations import FILTERED, RELATIONS, SchemaColumn, schema

__all__ = [
    "FILTERED",
    "OFF",
    "PLACES",
    "RELATIONS",
    "Limits",
    "SchemaColumn",
    "SqlAnswer",
    "SqlCellError",
    "run_sql",
    "schema",
]
