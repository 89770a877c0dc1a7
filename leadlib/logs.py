"""The log: one place that sets it up, for the app and the command line. Nothing personal is ever written to it.

Our own messages name kinds, counts and ids of requests. An error's own text may quote a row, so of an error only its
kind and the places in the code are written, in either form.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Literal, TextIO, get_args

LogForm = Literal["text", "json"]
LOG_FORMS: tuple[LogForm, ...] = get_args(LogForm)


class _Text(logging.Formatter):
    """The message alone, as Python writes it where nobody has set anything up."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join([record.getMessage(), *(_places(record.exc_info) if record.exc_info else [])])


class _Json(logging.Formatter):
    """One object a line: time (UTC), level, logger, message; with an error its kind and where it came from."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"], *line["at"] = _places(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _places(info: object) -> list[str]:
    """The kind of an error, then the calls that led to it, outermost first, without its text and without the source."""
    kind, _, trace = info if isinstance(info, tuple) else (None, None, None)
    frames = traceback.extract_tb(trace) if trace else []
    name = kind.__name__ if isinstance(kind, type) else "Error"
    return [name, *(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)]


def set_up(form: LogForm, stream: TextIO | None = None) -> None:
    """Writes Leadlight's log to `stream` (standard error): as text warnings and errors, as JSON all from info on.

    Another call replaces what the one before has set up. Loggers of others, Streamlit's too, stay as they are.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logger = logging.getLogger("leadlib")
    for old in [one for one in logger.handlers if getattr(one, "is_of_leadlight", False)]:
        logger.removeHandler(old)
    handler.is_of_leadlight = True  # type: ignore[attr-defined]
    handler.setLevel(logging.INFO if form == "json" else logging.WARNING)
    logger.setLevel(logging.INFO if form == "json" else logging.NOTSET)
    logger.addHandler(handler)
