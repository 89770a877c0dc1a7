"""The command line: `python -m leadlib check | sync | export | metrics | sandbox`.

What a command found goes to standard output, what happened on the way to standard error. Exit codes: 0 done, 1 a sync
that ended uncertain or met rows that are no leads, else what leadlib.errors says (2 settings, filters and usage, 3
refused by the portal, 4 portal unreachable, 5 store), 130 after Ctrl-C.

Commands look at what they were asked before they import what they need: pandas, DuckDB and a web server take a second,
and have no part in `--help` or in the refusal of a mistyped filter.
"""

import argparse
import csv
import errno
import inspect
import io
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from zoneinfo import ZoneInfo

from leadlib import formats
from leadlib.config import DIALECTS, SANDBOX_PORTAL, Settings, load_settings
from leadlib.errors import FilterError, LeadlibError
from leadlib.filters import FIELDS, Filters, describe, field_named, filters_from_query

if TYPE_CHECKING:
    import pandas as pd

    from leadlib.store import Store
    from leadlib.sync import Progress

SANDBOX_PORT = 8600
STOPPED = 130
"""What a shell calls ended by Ctrl-C."""

READER_GONE = 141
"""What a shell calls ended because nobody reads the output any more, as in `… | head`."""

_SAME_TIME = timedelta(seconds=2)  # the portal tells its time in whole seconds
_BAR_CELLS = 30


class UsageError(LeadlibError):
    """The arguments cannot be carried out together, or name something that is not there."""

    title = "That command cannot run"
    exit_code = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code. Errors that a user can act on are printed, bugs are raised."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A pipe or a file gets UTF-8 whatever the machine's habit; a terminal without a letter shows “?”.
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
    # Each command says itself what the user should know; without a handler Python would print warnings in between.
    logging.getLogger("leadlib").addHandler(logging.NullHandler())
    try:
        asked = _parser().parse_args(arguments)
        code: int = asked.run(asked)
        sys.stdout.flush()
    except LeadlibError as error:
        _tell(f"{error.title}. {error}")
        return error.exit_code
    except KeyboardInterrupt:
        _tell("Stopped.")
        return STOPPED
    except BrokenPipeError:
        # Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    return code


# The commands


def _check(asked: argparse.Namespace) -> int:
    settings = load_settings()
    from leadlib.engine import Engine

    # A store of its own, thrown away: the running app may hold the real one, and nothing remembered should answer.
    with tempfile.TemporaryDirectory() as folder, Engine.open(replace(settings, database=Path(folder))) as engine:
        page = engine.client.page(per_page=1)
        difference = None if page.portal_at is None else page.portal_at - datetime.now(UTC)
        found = engine.client.probe()
    is_fixed = settings.api_dialect != "auto"
    oldest = found.oldest_accepted.astimezone(settings.timezone)
    facts = [
        ("Portal", f"{SANDBOX_PORTAL} (no credentials are set)" if engine.is_sandbox else settings.api_url),
        ("Token", "accepted, and may read leads (leads:read)"),
        ("Dialect", f"{found.dialect}{' (set by LEADLIB_API_DIALECT)' if is_fixed else ''}"),
        ("Oldest accepted day", f"{formats.day(oldest)} ({settings.timezone.key})"),
        ("Leads since then", formats.number(found.total)),
        ("createdAtTo bounds", _yes_or_no(found.bounds_created_to)),
        ("orderBy sorts", _yes_or_no(found.sorts_by_created_at)),
        ("Portal's clock", _clock_text(difference)),
    ]
    if found.dialect_note:
        facts.insert(3, ("", found.dialect_note))
    print("\n".join(_aligned([list(fact) for fact in facts])))
    return 0


def _sync(asked: argparse.Namespace) -> int:
    if asked.full and (asked.since or asked.filter):
        raise UsageError("--full reads the whole window: leave out --since and --filter, or leave out --full.")
    # A view is asked for by its filters alone, so its first day is one of them.
    days = [("from", asked.since)] if asked.since and asked.filter else []
    filters = _filters([*asked.filter, *days])
    settings = load_settings()
    from leadlib.engine import Engine
    from leadlib.sync import sentence, to_json
    from leadlib.worker import Wish

    wish = Wish(full=asked.full, filters=filters if filters.selected else None)
    with Engine.open(settings) as engine:
        if engine.is_sandbox:
            _tell(f"No credentials are set: reading the {SANDBOX_PORTAL} into {engine.store.folder}.")
        try:
            row = engine.sync(wish, _draw_progress if sys.stderr.isatty() else lambda progress: None, asked.since)
        finally:
            if sys.stderr.isatty():
                _redraw("")
    print(to_json(row) if asked.json else sentence(row))
    if row.message and not asked.json:
        _tell(row.message)
    return 0 if row.outcome == "complete" else 1


def _export(asked: argparse.Namespace) -> int:
    path: Path = asked.output
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent.absolute()} to write into. Make it first.")
    if path.is_dir():
        raise UsageError(f"{path.absolute()} is a folder. Name a file in it.")
    filters = _filters(asked.filter)
    settings = load_settings()
    from leadlib.export import export_leads, format_named

    fmt = format_named(asked.format)
    with _open_store(settings) as store:
        done = export_leads(store, filters, fmt.key, path, personal=asked.personal)
        columns = "with personal columns" if asked.personal else "without personal columns"
        _tell(f"{formats.count_of(done.rows, 'lead').capitalize()} in {path} ({fmt.label}, {columns}).")
        _tell(f"{describe(filters)}, {_as_of(store)}.")
    return 0


def _metrics(asked: argparse.Namespace) -> int:
    if asked.name is None:
        print(_names_of_metrics())
        return 0
    filters = _filters(asked.filter)
    settings = load_settings()
    from leadlib import metrics

    with _open_store(settings) as store:
        try:
            frame = metrics.compute(asked.name, store, filters, asked.by, asked.grain)
        except FilterError as error:
            if error.name == asked.name:
                _tell(_names_of_metrics())
            raise
        heading = f"{describe(filters)}, {_as_of(store)}."
    if asked.format == "table":
        print(f"{_definition(asked.name)}\n{heading}\n")
        print("\n".join(_table(frame, settings.timezone, with_hours=asked.grain == "hour")))
        return 0
    _tell(heading)
    rows = [{str(name): _plain(value) for name, value in row.items()} for row in frame.to_dict("records")]
    if asked.format == "json":
        print(json.dumps(rows, indent=1, allow_nan=False))
    else:
        _print_csv([str(name) for name in frame.columns], rows)
    return 0


def _sandbox(asked: argparse.Namespace) -> int:
    from leadlib.sandbox import API_KEY, API_SECRET, SandboxSettings, serve

    def tell(url: str) -> None:
        set_ = "set" if os.name == "nt" else "export"
        held = f", its clock held at {settings.frozen_at:%Y-%m-%dT%H:%M:%SZ}" if settings.frozen_at else ""
        print(f"The sandbox answers at {url} ({settings.dialect} dialect{held}). Ctrl-C ends it.")
        print(f"All of it is invented, the key {API_KEY} and the secret {API_SECRET} included.")
        print("To use it from another terminal:\n")
        # With credentials the store is data/, which belongs to the real portal.
        database = f"data/sandbox-{url.rpartition(':')[2]}"
        for name, value in (
            ("LEADLIB_API_URL", url), ("LEADLIB_API_KEY", API_KEY), ("LEADLIB_API_SECRET", API_SECRET),
            ("LEADLIB_DATABASE", database),
        ):  # fmt: skip
            print(f"{set_} {name}={value}")
        sys.stdout.flush()

    try:
        settings = SandboxSettings(
            dialect=asked.dialect,
            n_leads=asked.leads,
            seed=asked.seed,
            faults=frozenset(asked.fault),
            frozen_at=datetime.now(UTC).replace(microsecond=0) if asked.freeze else None,
        )
    except ValueError as error:
        raise UsageError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    try:
        serve(settings, asked.port, tell)
    except OSError as error:
        what = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({type(error).__name__})"
        raise UsageError(f"Port {asked.port} {what}. Name another with --port; 0 takes any free one.") from error
    _tell("The sandbox has stopped.")  # by Ctrl-C, which is the only way
    return STOPPED


# Arguments


@dataclass(frozen=True)
class Command:
    """One row of the table of commands: its name, what it does in a line, its arguments, and its function."""

    name: str
    summary: str
    arguments: tuple[tuple[str, dict[str, Any]], ...]
    run: Callable[[argparse.Namespace], int]


def _day(text: str) -> str:
    try:
        return Filters.of({"from": [text]})["from"][0]
    except FilterError as error:
        raise argparse.ArgumentTypeError(f"“{text[:40]}” is not a day. Write it as 2026-05-31") from error


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"“{text[:40]}” is not NAME=VALUE, such as type=call")
    return name.strip(), value


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not lowest <= int(text) <= highest:
            raise argparse.ArgumentTypeError(f"“{text[:40]}” is not a whole number from {lowest} to {highest}")
        return int(text)

    return parse


_FILTER: tuple[str, dict[str, Any]] = (
    "--filter",
    {
        "action": "append", "default": [], "type": _pair, "metavar": "NAME=VALUE",
        "help": f"only leads that match; the same NAME again adds a value. Names: {', '.join(f.key for f in FIELDS)}",
    },
)  # fmt: skip

COMMANDS: tuple[Command, ...] = (
    Command("check", "Ask the portal what it accepts, and show that it can be used.", (), _check),
    Command(
        "sync",
        "Read the portal into the store, once, now.",
        (
            ("--full", {"action": "store_true", "help": "the whole window, whatever is due"}),
            ("--since", {"type": _day, "metavar": "DATE", "help": "from this day on, such as 2026-05-31"}),
            _FILTER,
            ("--json", {"action": "store_true", "help": "print the summary as one JSON object"}),
        ),
        _sync,
    ),
    Command(
        "export",
        "Write the stored leads into a file.",
        (
            ("--format", {"required": True, "metavar": "{csv,xlsx,parquet,json}", "help": "the kind of file"}),
            ("--output", {"required": True, "type": Path, "metavar": "FILE", "help": "an existing one is replaced"}),
            _FILTER,
            ("--personal", {"action": "store_true", "help": "with names, phones and e-mail addresses"}),
        ),
        _export,
    ),
    Command(
        "metrics",
        "Print the numbers that the screens show.",
        (
            ("name", {"nargs": "?", "metavar": "NAME", "help": "a metric or a question; without it, all are listed"}),
            _FILTER,
            ("--by", {"metavar": "GROUP", "help": "what to group by, such as channel or agent"}),
            ("--grain", {"choices": get_args(formats.Grain), "default": "day", "help": "buckets of time, for volume"}),
            ("--format", {"choices": ("table", "csv", "json"), "default": "table", "help": "table is the default"}),
        ),
        _metrics,
    ),
    Command(
        "sandbox",
        "Serve a portal with an invented brokerage on this machine.",
        (
            ("--port", {"type": _whole(0, 65_535), "default": SANDBOX_PORT, "help": f"{SANDBOX_PORT}; 0: any free"}),
            ("--dialect", {"choices": DIALECTS, "default": DIALECTS[0], "help": f"{DIALECTS[0]} is the default"}),
            ("--leads", {"type": _whole(0, 5_000_000), "default": 12_000, "help": "in three months; 12,000"}),
            ("--seed", {"type": int, "default": 7, "help": "another number, another brokerage"}),
            ("--fault", {"action": "append", "default": [], "metavar": "NAME", "help": "something to go wrong"}),
            ("--freeze", {"action": "store_true", "help": "hold the portal's clock still"}),
        ),
        _sandbox,
    ),
)


class _Parser(argparse.ArgumentParser):
    """Adds what takes a heavy import to the help of the commands that need it, and to no other."""

    def format_help(self) -> str:
        if self.prog.endswith(" sandbox"):
            from leadlib.sandbox import FAULTS

            self.epilog = "\n".join(["faults:", *(f"  {line}" for line in _aligned([[*x] for x in FAULTS.items()]))])
        return super().format_help()


def _parser() -> argparse.ArgumentParser:
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


def _filters(pairs: Iterable[tuple[str, str]]) -> Filters:
    """The filters asked for; a value that the API does not know is allowed and remarked upon."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    for name, chosen in values.items():
        if field_named(name).kind in {"since", "until"} and len(chosen) > 1:
            raise FilterError(f"“{name}” is given more than once: it takes one day.", name)
    filters = Filters.of(values)
    for remark in filters_from_query(values)[1]:
        _tell(remark)
    return filters


# Output


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def _open_store(settings: Settings) -> "Store":
    from leadlib.store import Store

    portal = settings.api_url if settings.has_credentials else SANDBOX_PORTAL
    return Store.open(settings.database, timezone=settings.timezone, portal=portal)


def _as_of(store: "Store") -> str:
    as_of = store.as_of()
    if as_of is None:
        return "and the store is empty: run “python -m leadlib sync” first"
    return f"as of {formats.instant(as_of, store.timezone)} ({store.timezone.key})"


def _yes_or_no(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


def _clock_text(difference: timedelta | None) -> str:
    if difference is None:
        return "unknown: the portal does not tell its time"
    if abs(difference) <= _SAME_TIME:
        return "agrees with ours"
    return f"{formats.duration(abs(difference))} {'ahead of' if difference > timedelta(0) else 'behind'} ours"


def _draw_progress(progress: "Progress") -> None:
    text = progress.phase
    if progress.n_expected:
        n_full = _BAR_CELLS * min(progress.n_read, progress.n_expected) // progress.n_expected
        bar = "#" * n_full + "." * (_BAR_CELLS - n_full)
        text += f" [{bar}] {progress.n_read:,} of {progress.n_expected:,}"
    _redraw(f"{text}, {progress.n_calls:,} calls, {progress.seconds:.0f} s")


def _redraw(text: str) -> None:
    width = shutil.get_terminal_size().columns - 1
    sys.stderr.write(f"\r{text[:width]:{width}}\r{text[:width]}")
    sys.stderr.flush()


def _names_of_metrics() -> str:
    from leadlib.metrics import DIMENSIONS, METRICS, QUESTIONS

    lines = ["Metrics"]
    lines += _aligned([[f"  {metric.key}", metric.definition] for metric in METRICS])
    lines += ["", "Questions"]
    lines += _aligned([[f"  {name}", _definition(name)] for name in QUESTIONS])
    lines += ["", f"Groups for --by: {', '.join(dimension.key for dimension in DIMENSIONS)}"]
    return "\n".join(lines)


def _definition(name: str) -> str:
    from leadlib.metrics import QUESTIONS, metric_named

    if name in QUESTIONS:
        return (inspect.getdoc(QUESTIONS[name]) or "").partition("\n")[0]
    metric = metric_named(name)
    return f"{metric.label}: {metric.definition}"


def _table(frame: "pd.DataFrame", timezone: ZoneInfo, with_hours: bool) -> list[str]:
    """A frame as lines of text: a rate and its interval in one cell, a single row as a list of its numbers."""
    shown = [str(name) for name in frame.columns]
    rates = [name for name in shown if f"{name}_quality" in shown]
    shown = [x for x in shown if not any(x in {f"{r}_low", f"{r}_high", f"{r}_quality"} for r in rates)]
    rows = frame.to_dict("records")
    if not rows:
        return ["No leads."]
    cells = [
        [_rate(row, name) if name in rates else _cell(row, name, timezone, with_hours) for name in shown]
        for row in rows
    ]
    if len(rows) == 1 and "key" not in shown:
        return _aligned([[name, text] for name, text in zip(shown, cells[0], strict=True)], numbers={1})
    numbers = {i for i, name in enumerate(shown) if frame[name].dtype.kind in "iufb" or name in rates}
    return _aligned([shown, *cells], numbers)


def _rate(row: dict[Any, Any], name: str) -> str:
    """“52.1 % (49.0–55.2 %)”, the bounds alone where too much history is unknown, or why there is neither."""
    from leadlib.metrics import QUALITY_WORDS

    quality, interval = row[f"{name}_quality"], formats.percent_range(row[f"{name}_low"], row[f"{name}_high"], 1)
    if quality == "bounds":
        return interval
    if quality in {"no_leads", "too_few"}:
        return QUALITY_WORDS[quality]
    point = formats.percent(row[name], 1)
    return point if interval == point else f"{point} ({interval})"


def _cell(row: dict[Any, Any], name: str, timezone: ZoneInfo, with_hours: bool) -> str:
    from leadlib.metrics import METRICS

    value = _plain(row[name], keeps_times=True)
    shares = {metric.key for metric in METRICS if metric.unit == "share"}
    if isinstance(value, bool):
        return _yes_or_no(value)
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            return f"{value.astimezone(timezone):%Y-%m-%d %H:%M}"
        return f"{value:%Y-%m-%d %H:%M}" if with_hours else f"{value:%Y-%m-%d}"
    if isinstance(value, float):
        # In summary_change the numbers stand one below the other, shares among counts.
        is_share = row.get("key") in shares
        if is_share and name.startswith("change"):
            return formats.points(value)
        if is_share or name in {"share", "covered", "relative_change"}:
            return formats.percent(value, 1)
        return formats.number(value, 0 if value.is_integer() else 2)
    if isinstance(value, int):
        return formats.number(value)
    return formats.MISSING_TEXT if value is None else _printable(str(value))


def _plain(value: Any, keeps_times: bool = False) -> Any:
    """A frame's value as JSON has it: times in ISO 8601, None for what is missing. Instants keep their offset."""
    if formats.is_missing(value):
        return None
    if isinstance(value, date):
        return value if keeps_times else value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _printable(text: str) -> str:
    """`text` without what could steer a terminal: names and titles come from the portal."""
    return "".join(letter if letter.isprintable() or letter == formats.NBSP else "�" for letter in text)


def _aligned(rows: Sequence[Sequence[str]], numbers: Iterable[int] = ()) -> list[str]:
    """Rows as lines with their columns one below the other, those in `numbers` to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    right = set(numbers)
    return [
        "  ".join(f"{x:>{widths[i]}}" if i in right else f"{x:{widths[i]}}" for i, x in enumerate(row)).rstrip()
        for row in rows
    ]


def _print_csv(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    from leadlib.export.texts import defused

    def text(value: Any) -> Any:
        # Labels are the portal's texts, and a spreadsheet may open this.
        return defused(value) if isinstance(value, str) else json.dumps(value) if isinstance(value, bool) else value

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([text(row[name]) for name in columns])
