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
from leadlib.export.on_record import (
    COMMAND_LINE,
    EXPORT_LIMIT,
    EXPORTS_KEPT_MONTHS,
    REASON_LENGTH,
    checked_reason,
    explain,
    export_on_record,
    limits_for,
    list_as_csv,
    refuse_above_limits,
    rows_on_record,
    who_is,
)
from leadlib.export.person import write_person
from leadlib.export.tickets import Ticket, Tickets
from leadlib.export.verify import KIND_WORDS, WITH_HISTORY, Difference, Verdict, verify_file

__all__ = [
    "COLUMNS",
    "COMMAND_LINE",
    "EXPORTS_KEPT_MONTHS",
    "EXPORT_LIMIT",
    "FORMATS",
    "KIND_WORDS",
    "NUMBERS",
    "REASON_LENGTH",
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
    "checked_reason",
    "chosen_columns",
    "explain",
    "export_leads",
    "export_on_record",
    "file_name",
    "format_named",
    "iter_batches",
    "limits_for",
    "list_as_csv",
    "refuse_above_limits",
    "rows_on_record",
    "verify_file",
    "who_is",
    "write_person",
]
