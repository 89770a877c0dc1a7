"""Leads as files: CSV, XLSX, Parquet and JSON, and the tickets under which the app hands them out."""

from leadlib.export.columns import (
    COLUMNS,
    FORMATS,
    NUMBERS,
    RULES,
    Column,
    FileFormat,
    Format,
    chosen_columns,
    format_named,
)
from leadlib.export.leads import ExportResult, export_leads, file_name, iter_batches
from leadlib.export.tickets import Ticket, Tickets
from leadlib.export.verify import KIND_WORDS, WITH_HISTORY, Difference, Verdict, verify_file

__all__ = [
    "COLUMNS",
    "FORMATS",
    "KIND_WORDS",
    "NUMBERS",
    "RULES",
    "WITH_HISTORY",
    "Column",
    "Difference",
    "ExportResult",
    "FileFormat",
    "Format",
    "Ticket",
    "Tickets",
    "Verdict",
    "chosen_columns",
    "export_leads",
    "file_name",
    "format_named",
    "iter_batches",
    "verify_file",
]
