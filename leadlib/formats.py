"""Numbers, shares, durations and dates as text, the same on every screen and in every locale.

A missing value (None, NaN, NaT) is an en dash, never 0. Between a number and its unit stands NBSP, a space that
does not break.
"""

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

NBSP = "\u00a0"
MISSING_TEXT = "–"
MINUS = "\u2212"

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LONG_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Grain = Literal["hour", "day", "week", "month"]


def is_missing(value: object) -> bool:
    """True for None, NaN, NaT and NA. Zero and the empty text are not missing."""
    # pandas' NA refuses to be compared; of all other values only missing numbers and times differ from themselves.
    return value is None or type(value).__name__ == "NAType" or bool(value != value)


def number(value: float | None, decimals: int = 0) -> str:
    """`value` with thousands separated: 11904 gives "11,904", -3 gives "−3"."""
    if value is None or is_missing(value):
        return MISSING_TEXT
    text = f"{abs(value):,.{decimals}f}"
    return MINUS + text if value < 0 and text.strip("0.,") else text


def compact(value: float | None) -> str:
    """`value` in few characters, for axes and narrow cards: 11904 gives "11.9k", 2500000 gives "2.5M"."""
    if value is None or is_missing(value):
        return MISSING_TEXT
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        # 999,950 would read "1000k", so the larger unit begins where rounding reaches it.
        if abs(value) >= size * (0.99995 if size > 1_000 else 1):
            scaled = value / size
            return number(scaled, 0 if abs(scaled) >= 99.95 else 1).removesuffix(".0") + letter
    return number(value, 0 if float(value).is_integer() else 1)


def signed(value: float | None, decimals: int = 0) -> str:
    """A difference with its sign: 12 gives "+12", 0 gives "±0"."""
    if value is None or is_missing(value):
        return MISSING_TEXT
    text = number(value, decimals)
    if not text.strip("0.,"):
        return "±0"
    return text if text.startswith(MINUS) else f"+{text}"


def percent(share: float | None, decimals: int = 0) -> str:
    """A share from 0 to 1 as percent: 0.523 gives "52 %". Only none at all is "0 %", and only all is "100 %"."""
    if share is None or is_missing(share):
        return MISSING_TEXT
    smallest = 10.0**-decimals
    shown = round(share * 100, decimals)
    if share > 0 and shown == 0:
        return f"<{smallest:.{decimals}f}{NBSP}%"
    if share < 1 and shown == 100:
        return f">{100 - smallest:.{decimals}f}{NBSP}%"
    return f"{number(share * 100, decimals)}{NBSP}%"


def percent_range(low: float | None, high: float | None, decimals: int = 0) -> str:
    """Two shares as one range: "41–49 %"; one figure if they read the same."""
    if low is None or high is None or is_missing(low) or is_missing(high):
        return MISSING_TEXT
    if percent(low, decimals) == percent(high, decimals):
        return percent(low, decimals)
    return f"{percent(low, decimals).removesuffix(f'{NBSP}%')}–{percent(high, decimals)}"


def points(difference: float | None, decimals: int = 1) -> str:
    """A difference of two shares: 0.023 gives "+2.3 points"."""
    if difference is None or is_missing(difference):
        return MISSING_TEXT
    text = signed(difference * 100, decimals)
    return f"{text}{NBSP}point{'' if text in {'+1', f'{MINUS}1', '+1.0', f'{MINUS}1.0'} else 's'}"


def count_of(n: float | None, thing: str, things: str | None = None) -> str:
    """A count with its noun: "1 lead", "1,204 leads", "no leads"."""
    if n is None or is_missing(n):
        return MISSING_TEXT
    plural = things or f"{thing}s"
    return f"no {plural}" if n == 0 else f"{number(n)}{NBSP}{thing if n == 1 else plural}"


def duration(seconds: float | timedelta | None) -> str:
    """A span in its two largest units: "45 s", "4 min", "2 h 5 min", "3 d 4 h"."""
    if seconds is None or is_missing(seconds):
        return MISSING_TEXT
    total = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
    if math.isinf(total):
        return MISSING_TEXT
    if total < 0:
        return MINUS + duration(-total)
    if total < 59.5:
        return f"{total:.0f}{NBSP}s"
    minutes = round(total / 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min"
    if minutes < 24 * 60:
        return _two(minutes // 60, "h", minutes % 60, "min")
    hours = round(total / 3600)
    return _two(hours // 24, "d", hours % 24, "h")


def working_time(minutes: float | None) -> str:
    """A span on the working clock, whose days have no 24 hours: "45 min", "2 h 5 min", "37 h"."""
    if minutes is None or is_missing(minutes):
        return MISSING_TEXT
    whole = round(minutes)
    if whole >= 10 * 60:
        return f"{number(minutes / 60)}{NBSP}h"
    return f"{whole}{NBSP}min" if whole < 60 else _two(whole // 60, "h", whole % 60, "min")


def ordinal(n: int) -> str:
    """A place in words: "1st", "2nd", "11th", "23rd"."""
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{number(n)}{ending}"


def duration_range(low_s: float | None, high_s: float | None, words: Callable[[float], str] = duration) -> str:
    """Two spans as one: "12 min to 3 h", "at most 3 h", "at least 12 min"; one figure if they read the same.

    `words` makes text of seconds.
    """
    if low_s is None or high_s is None or is_missing(low_s) or is_missing(high_s):
        return MISSING_TEXT
    low = words(low_s)
    if math.isinf(high_s):
        return f"at least {low}"
    if low_s == 0:
        return f"at most {words(high_s)}"
    return low if low == words(high_s) else f"{low} to {words(high_s)}"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    text = f"{number(large)}{NBSP}{large_unit}"
    return f"{text} {small}{NBSP}{small_unit}" if small else text


def day(value: date | datetime | None) -> str:
    """A day: "31 May 2026"."""
    if value is None or is_missing(value):
        return MISSING_TEXT
    return f"{value.day}{NBSP}{MONTHS[value.month - 1]}{NBSP}{value.year}"


def short_day(value: date | datetime | None) -> str:
    """A day where the year is plain from its surroundings: "31 May"."""
    return MISSING_TEXT if value is None or is_missing(value) else f"{value.day}{NBSP}{MONTHS[value.month - 1]}"


def day_range(first: date | None, last: date | None) -> str:
    """Two days, both inclusive, without repeating month and year: "1–31 May 2026", "28 Apr – 3 May 2026"."""
    if first is None or last is None or is_missing(first) or is_missing(last):
        return MISSING_TEXT
    if (first.year, first.month, first.day) == (last.year, last.month, last.day):
        return day(last)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day(last)}"
    return f"{short_day(first) if first.year == last.year else day(first)} – {day(last)}"


def instant(value: datetime | None, timezone: ZoneInfo) -> str:
    """An instant on the clock of `timezone`: "31 May 2026, 14:05"."""
    if value is None or is_missing(value):
        return MISSING_TEXT
    local = value.astimezone(timezone)
    return f"{day(local)}, {local:%H:%M}"


def ago(value: datetime | None, now: datetime) -> str:
    """How long before `now` an instant lies: "5 min ago", "just now"."""
    if value is None or is_missing(value):
        return MISSING_TEXT
    seconds = (now - value).total_seconds()
    return "just now" if seconds < 59.5 else f"{duration(seconds)} ago"


def bucket(start: date | datetime, grain: Grain) -> str:
    """A bucket of time in words: "Mon 4 May 2026, 14:00", "Mon 4 May 2026", "Week of 4 May 2026", "May 2026"."""
    if is_missing(start):
        return MISSING_TEXT
    if grain == "month":
        return f"{LONG_MONTHS[start.month - 1]}{NBSP}{start.year}"
    if grain == "week":
        return f"Week of {day(start)}"
    named = f"{WEEKDAYS[start.weekday()][:3]} {day(start)}"
    return f"{named}, {start:%H:%M}" if grain == "hour" and isinstance(start, datetime) else named


def hour(value: int) -> str:
    """An hour of the day with its end: 9 gives "09:00–10:00"."""
    return f"{value:02d}:00–{(value + 1) % 24:02d}:00"


def listed(words: Sequence[str], joint: str = "and") -> str:
    """Words as a sentence lists them: "calls, chats and e-mails"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"
