"""The command line: `python -m leadlib check | sync | export | verify | metrics | webhooks | sandbox`.

What a command found goes to standard output, what happened on the way to standard error. Exit codes: 0 done, 1 a sync
that ended uncertain or met rows that are no leads, a file that could not be written or that is not what the store has,
else what leadlib.errors says (2 settings, filters and usage, 3 refused by the portal, 4 portal unreachable, 5 store),
130 after Ctrl-C.

Commands look at what they were asked before they import what they need: pandas, DuckDB and a web server take a second,
and have no part in `--help` or in the refusal of a mistyped filter.
"""

from leadlib.cli.commands import COMMANDS, Command
from leadlib.cli.running import main

__all__ = ["COMMANDS", "Command", "main"]
