"""What commands take: how an argument's text becomes a value, and what is said of one that makes no sense."""

import argparse
from collections.abc import Callable, Iterable
from typing import Any

from leadlib.cli.output import tell
from leadlib.errors import FilterError, LeadlibError
from leadlib.filters import FIELDS, Filters, field_named, filters_from_query


class UsageError(LeadlibError):
    """The arguments cannot be carried out together, or name something that is not there."""

    title = "That command cannot run"
    exit_code = 2


def day(text: str) -> str:
    try:
        return Filters.of({"from": [text]})["from"][0]
    except FilterError as error:
        raise argparse.ArgumentTypeError(f"“{text[:40]}” is not a day. Write it as 2026-05-31") from error


def pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"“{text[:40]}” is not NAME=VALUE, such as type=call")
    return name.strip(), value


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not lowest <= int(text) <= highest:
            raise argparse.ArgumentTypeError(f"“{text[:40]}” is not a whole number from {lowest} to {highest}")
        return int(text)

    return parse


FILTER: tuple[str, dict[str, Any]] = (
    "--filter",
    {
        "action": "append", "default": [], "type": pair, "metavar": "NAME=VALUE",
        "help": f"only leads that match; the same NAME again adds a value. Names: {', '.join(f.key for f in FIELDS)}",
    },
)  # fmt: skip


def filters_asked(pairs: Iterable[tuple[str, str]]) -> Filters:
    """The filters asked for; a value that the API does not know is allowed and remarked upon."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    for name, chosen in values.items():
        if field_named(name).kind in {"since", "until"} and len(chosen) > 1:
            raise FilterError(f"“{name}” is given more than once: it takes one day.", name)
    filters = Filters.of(values)
    for remark in filters_from_query(values)[1]:
        tell(remark)
    return filters
