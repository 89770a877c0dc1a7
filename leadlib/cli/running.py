"""One command from its arguments to its exit code."""

import io
import logging
import os
import sys
from collections.abc import Sequence

from leadlib.cli.commands import parser_of_commands
from leadlib.cli.output import READER_GONE, STOPPED, tell
from leadlib.errors import LeadlibError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code. Errors that a user can act on are printed, bugs are raised."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A pipe or a file gets UTF-8 whatever the machine's habit; a terminal without a letter shows “?”.
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
    # Each command says itself what the user should know; without a handler Python would print warnings in between.
    logging.getLogger("leadlib").addHandler(logging.NullHandler())
    try:
        asked = parser_of_commands().parse_args(arguments)
        code: int = asked.run(asked)
        sys.stdout.flush()
    except LeadlibError as error:
        tell(f"{error.title}. {error}")
        return error.exit_code
    except KeyboardInterrupt:
        tell("Stopped.")
        return STOPPED
    except BrokenPipeError:
        # Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    return code
