"""The values of a frame as texts for people, and as plain values for programs.

What takes a heavy import takes it when called: the command line looks at its arguments before.
"""

import math
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from leadlib import formats

if TYPE_CHECKING:
    import pandas as pd


def frame_cells(
    frame: "pd.DataFrame", timezone: ZoneInfo, with_hours: bool = False
) -> tuple[list[str], list[list[str]]]:
    """The columns' names and each row's cells: a rate with its interval, or why there is none, is one cell.

    Instants are told on the clock of `timezone`; times of buckets have hours only `with_hours`.
    """
    shown = [str(name) for name in frame.columns]
    rates = [name for name in shown if f"{name}_quality" in shown]
    shown = [x for x in shown if not any(x in {f"{r}_low", f"{r}_high", f"{r}_quality"} for r in rates)]
    cells = [
        [_rate(row, name) if name in rates else _cell(row, name, timezone, with_hours) for name in shown]
        for row in frame.to_dict("records")
    ]
    return shown, cells


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

    value = plain(row[name], keeps_times=True)
    shares = {metric.key for metric in METRICS if metric.unit == "share"}
    points = {column for metric in METRICS if metric.unit == "points" for column in metric.columns[:3]}
    if isinstance(value, bool):
        return yes_or_no(value)
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            return f"{value.astimezone(timezone):%Y-%m-%d %H:%M}"
        return f"{value:%Y-%m-%d %H:%M}" if with_hours else f"{value:%Y-%m-%d}"
    if isinstance(value, float):
        # In summary_change the numbers stand one below the other, shares among counts.
        is_share = row.get("key") in shares
        if name in points:
            return formats.points(value)
        if is_share and name.startswith("change"):
            return formats.points(value)
        if is_share or name in {"share", "covered", "relative_change"}:
            return formats.percent(value, 1)
        return formats.number(value, 0 if value.is_integer() else 2)
    if isinstance(value, int):
        return formats.number(value)
    return formats.MISSING_TEXT if value is None else printable(str(value))


def plain(value: Any, keeps_times: bool = False) -> Any:
    """A frame's value as JSON has it: times in ISO 8601, None for what is missing. Instants keep their offset.

    JSON knows no infinite number, and an age that is never reached is not a missing one: it is the word "never".
    """
    if formats.is_missing(value):
        return None
    if isinstance(value, date):
        return value if keeps_times else value.isoformat()
    if isinstance(value, float) and math.isinf(value):
        return "never"
    return value.item() if hasattr(value, "item") else value


def printable(text: str) -> str:
    """`text` without what could steer a terminal: names and titles come from the portal."""
    return "".join(letter if letter.isprintable() or letter == formats.NBSP else "�" for letter in text)


def yes_or_no(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"
