"""What a command says on the way, and the exit codes that shells have words for."""

import sys

STOPPED = 130
"""Ended by Ctrl-C."""

READER_GONE = 141
"""Ended because nobody reads the output any more, as in `… | head`."""


def tell(text: str) -> None:
    """Says what happened on the way, on standard error."""
    print(text, file=sys.stderr)
