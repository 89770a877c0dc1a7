"""The table of commands, and the parser that follows from it."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from leadlib import formats
from leadlib.cli import backup, check, digest, erase, export, metrics, migrate, person, sandbox, sync, verify, webhooks
from leadlib.cli.arguments import FILTER, day, whole
from leadlib.cli.tables import aligned
from leadlib.config import DIALECTS

SANDBOX_PORT = 8600
_WHO: dict[str, Any] = {"action": "append", "default": []}


@dataclass(frozen=True)
class Command:
    """One row of the table of commands: its name, what it does in a line, its arguments, and its function."""

    name: str
    summary: str
    arguments: tuple[tuple[str, dict[str, Any]], ...]
    run: Callable[[argparse.Namespace], int]


COMMANDS: tuple[Command, ...] = (
    Command("check", "Ask the portal what it accepts, and show that it can be used.", (), check.run),
    Command(
        "sync",
        "Read the portal into the store, once, now.",
        (
            ("--full", {"action": "store_true", "help": "the whole window, whatever is due"}),
            ("--since", {"type": day, "metavar": "DATE", "help": "from this day on, such as 2026-05-31"}),
            FILTER,
            (
                "--believe-missing",
                {"action": "store_true", "help": "leads that the portal lacks were deleted, however many they are"},
            ),
            ("--json", {"action": "store_true", "help": "print the summary as one JSON object"}),
        ),
        sync.run,
    ),
    Command(
        "export",
        "Write the stored leads into a file.",
        (
            ("--format", {"required": True, "metavar": "{csv,xlsx,parquet,json}", "help": "the kind of file"}),
            ("--output", {"required": True, "type": Path, "metavar": "FILE", "help": "an existing one is replaced"}),
            FILTER,
            ("--personal", {"action": "store_true", "help": "with names, phones and e-mail addresses"}),
            ("--reason", {"default": "", "metavar": "TEXT", "help": "what for; put on record with the export"}),
        ),
        export.run,
    ),
    Command(
        "verify",
        "Hold an exported file against itself and against the store.",
        (("file", {"type": Path, "metavar": "FILE", "help": "a file that “export” or a download has written"}),),
        verify.run,
    ),
    Command(
        "digest",
        "Tell what came in, what was answered and what waits: by e-mail, to Slack, or in a file.",
        (
            ("--to", {"choices": ("email", "slack", "file"), "required": True, "help": "as the settings say"}),
            ("--output", {"type": Path, "metavar": "FILE", "help": "for “file”: HTML if its name ends so, else text"}),
            ("--days", {"type": whole(1, 92), "default": 7, "metavar": "N", "help": "so many complete days (7)"}),
        ),
        digest.run,
    ),
    Command(
        "metrics",
        "Print the numbers that the screens show.",
        (
            ("name", {"nargs": "?", "metavar": "NAME", "help": "a metric or a question; without it, all are listed"}),
            FILTER,
            ("--by", {"metavar": "GROUP", "help": "what to group by, such as channel or agent"}),
            ("--grain", {"choices": get_args(formats.Grain), "default": "day", "help": "buckets of time, for volume"}),
            ("--clock", {"choices": ("wall", "working"), "default": "wall", "help": "what replies are timed by"}),
            (
                "--within",
                {"type": whole(1, 1_440), "metavar": "MINUTES", "default": 60, "help": "the age of a timely reply"},
            ),
            ("--then", {"type": day, "metavar": "DAY", "help": "for a change: the first moment, the day's beginning"}),
            ("--now", {"type": day, "metavar": "DAY", "help": "for a change: the second; the newest look if left out"}),
            (
                "--period",
                {
                    "metavar": "DAYS",
                    "default": "all",
                    "help": "for a change: only leads of the 7, 30 or 90 days before",
                },
            ),
            ("--format", {"choices": ("table", "csv", "json"), "default": "table", "help": "table is the default"}),
        ),
        metrics.run,
    ),
    Command(
        "webhooks",
        "Which of the account's events the portal sends where.",
        (
            ("action", {"choices": webhooks.ACTIONS, "help": "what to do; accept: the address is one of yours"}),
            ("target", {"nargs": "?", "metavar": "ID_OR_URL", "help": "a subscription's id, or its address"}),
            ("--json", {"action": "store_true", "help": "print the result as JSON"}),
        ),
        webhooks.run,
    ),
    Command(
        "backup",
        "Copy the whole store into a new folder, persons included.",
        (("folder", {"type": Path, "metavar": "DIR", "help": "a folder that does not exist yet, or an empty one"}),),
        backup.back_up,
    ),
    Command(
        "restore",
        "Make a store from a backup, in the empty folder that LEADLIB_DATABASE names.",
        (("folder", {"type": Path, "metavar": "DIR", "help": "the folder that “backup” has written"}),),
        backup.restore,
    ),
    Command(
        "migrate",
        "Copy the whole store out of a folder into a shared one, or back, and compare every table.",
        (
            ("source", {"type": migrate.place, "metavar": "FROM", "help": "a folder, a backup, or a shared store"}),
            ("target", {"type": migrate.place, "metavar": "TO", "help": "the other kind of place, and empty"}),
            (
                "--personal",
                {
                    "type": migrate.place,
                    "metavar": "ADDRESS",
                    "help": "of the shared store, where its persons lie apart",
                },
            ),
        ),
        migrate.run,
    ),
    Command(
        "erase",
        "Remove a person everywhere, and keep them out.",
        (
            ("--phone", {**_WHO, "metavar": "PHONE", "help": "with its country code, such as +971 50 000 0001"}),
            ("--email", {**_WHO, "metavar": "ADDRESS", "help": "an e-mail address"}),
            ("--lead", {**_WHO, "metavar": "ID", "help": "the id of one lead"}),
        ),
        erase.run,
    ),
    Command(
        "person",
        "Write all that is held about a person into a file for them.",
        (
            ("--phone", {**_WHO, "metavar": "PHONE", "help": "with its country code, such as +971 50 000 0001"}),
            ("--email", {**_WHO, "metavar": "ADDRESS", "help": "an e-mail address"}),
            ("--lead", {**_WHO, "metavar": "ID", "help": "the id of one lead"}),
            ("--output", {"required": True, "type": Path, "metavar": "FILE", "help": "an existing one is replaced"}),
            ("--reason", {"default": "", "metavar": "TEXT", "help": "what for; put on record, so name nobody"}),
        ),
        person.run,
    ),
    Command(
        "sandbox",
        "Serve a portal with an invented brokerage on this machine.",
        (
            ("--port", {"type": whole(0, 65_535), "default": SANDBOX_PORT, "help": f"{SANDBOX_PORT}; 0: any free"}),
            ("--dialect", {"choices": DIALECTS, "default": DIALECTS[0], "help": f"{DIALECTS[0]} is the default"}),
            ("--leads", {"type": whole(0, 5_000_000), "default": 12_000, "help": "in three months; 12,000"}),
            ("--seed", {"type": int, "default": 7, "help": "another number, another brokerage"}),
            ("--fault", {"action": "append", "default": [], "metavar": "NAME", "help": "something to go wrong"}),
            ("--freeze", {"action": "store_true", "help": "hold the portal's clock still"}),
        ),
        sandbox.run,
    ),
)


class _Parser(argparse.ArgumentParser):
    """Adds what takes a heavy import to the help of the commands that need it, and to no other."""

    def format_help(self) -> str:
        if self.prog.endswith(" sandbox"):
            from leadlib.sandbox import FAULTS

            self.epilog = "\n".join(["faults:", *(f"  {line}" for line in aligned([[*x] for x in FAULTS.items()]))])
        return super().format_help()


def parser_of_commands() -> argparse.ArgumentParser:
    plain = argparse.RawDescriptionHelpFormatter
    parser = _Parser(prog="python -m leadlib", description="Leadlight on the command line.", formatter_class=plain)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        its_parser = commands.add_parser(
            command.name, help=command.summary, description=command.summary, formatter_class=plain
        )
        its_parser.set_defaults(run=command.run)
        for name, options in command.arguments:
            its_parser.add_argument(name, **options)
    return parser
