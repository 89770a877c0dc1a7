"""Leads as files: CSV, XLSX, Parquet and JSON, and the tickets under which the app hands them out."""

from leadlib.export.columns import COLUMNS, FORMATS, RULES, Column, FileFormat, Format, format_named
from leadlib.export.leads import ExportResult, export_leads, file_name
from leadlib.export.tickets import Ticket, Tickets

__all__ = [
    "COLUMNS",
    "FORMATS",
    "RULES",
    "Column",
    "ExportResult",
    "FileFormat",
    "Format",
    "Ticket",
    "Tickets",
    "export_leads",
    "file_name",
    "format_named",
]
