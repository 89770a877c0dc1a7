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
from leadlib.export.leads import ExportResult, export_leads, file_name
from leadlib.export.tickets import Ticket, Tickets

__all__ = [
    "COLUMNS",
    "FORMATS",
    "NUMBERS",
    "RULES",
    "Column",
    "ExportResult",
    "FileFormat",
    "Format",
    "Ticket",
    "Tickets",
    "chosen_columns",
    "export_leads",
    "file_name",
    "format_named",
]
