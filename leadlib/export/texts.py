"""Cells as text: times with their offset, formulas defused, unreadable characters gone.

A batch is searched by Arrow, column by column; only the few texts that need mending pass through Python.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

EXCEL_CELL_UNITS = 32_767
CUT_MARK = " … [cut]"
COMPARED_CHARACTERS = 16_000
"""What an Excel cell holds of any text: so much of a text counts where rows of different files are compared."""

# NUL and the other controls but tab, line feed and carriage return; and the two code points that XML forbids.
_UNREADABLE = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\u009f\ufffe\uffff]"
# What a reader may skip before it looks for a formula: spaces, quotes, and characters without a width.
_SKIPPED = (
    "[ \"'\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]*"
)
# ASCII, small and full-width: some spreadsheets fold the wide forms into the plain ones.
_OPERATOR = "=+\\-@\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20"
_AT_START = f"^{_SKIPPED}[{_OPERATOR}\\t\\r\\n]"
# A spreadsheet set to split at semicolons (usual where the comma is the decimal sign) or tabs ignores our quotes.
_AFTER_SEPARATOR = f"[;\\t\\r\\n]{_SKIPPED}[{_OPERATOR}]"

# The same patterns for Arrow (RE2, which has no lookahead) and for Python.
_NEEDS_DEFUSING = f"{_UNREADABLE}|{_AT_START}|{_AFTER_SEPARATOR}"
_NEEDS_ESCAPING = '[\\x00-\\x1f"\\\\\\x7f]'
_unreadable = re.compile(_UNREADABLE)
_at_start = re.compile(_AT_START)
_separator = re.compile(f"([;\\t\\r\\n])(?={_SKIPPED}[{_OPERATOR}])")
_defused_separator = re.compile(f"([;\\t\\r\\n])'(?={_SKIPPED}[{_OPERATOR}])")


def defused(text: str) -> str:
    """`text` so that no spreadsheet takes it for a formula: with an apostrophe before each place that could be one."""
    text = _separator.sub(r"\1'", _unreadable.sub("", text))
    return f"'{text}" if _at_start.match(text) else text


def armed(text: str) -> str:
    """What `defused` was given, but for characters that nobody can read."""
    if text.startswith("'") and _at_start.match(text[1:]):
        text = text[1:]
    return _defused_separator.sub(r"\1", text)


def cell_text(text: str) -> str:
    """`text` as an Excel cell can hold it: without unreadable characters, cut with a mark where it is too long."""
    text = _unreadable.sub("", text)
    # Excel counts UTF-16 units, of which a character has one or two.
    if len(text) <= EXCEL_CELL_UNITS // 2 or len(text.encode("utf-16-le")) <= 2 * EXCEL_CELL_UNITS:
        return text
    kept = text.encode("utf-16-le")[: 2 * (EXCEL_CELL_UNITS - len(CUT_MARK))]
    return kept.decode("utf-16-le", "ignore") + CUT_MARK


def csv_column(column: pa.Array) -> pa.Array:
    """A text column for CSV."""
    return _mended(column, _NEEDS_DEFUSING, defused)


def armed_column(column: pa.Array) -> pa.Array:
    """A text column of a CSV file as it was before it was defused."""
    return _mended(column, "^'|[;\\t\\r\\n]'", armed)


def readable_column(column: pa.Array) -> pa.Array:
    """A text column without unreadable characters, each text cut to COMPARED_CHARACTERS."""
    return pc.utf8_slice_codeunits(_mended(column, _UNREADABLE, _readable), 0, COMPARED_CHARACTERS)


def json_column(column: pa.Array) -> pa.Array:
    """A column as JSON texts, null included: strings in quotes, lists in brackets."""
    if pa.types.is_list(column.type):
        items = json_column(pc.list_flatten(column))
        ends = pc.cumulative_sum(pc.fill_null(pc.list_value_length(column), 0)).cast(pa.int32())
        lists = pa.ListArray.from_arrays(pa.concat_arrays([pa.array([0], pa.int32()), ends]), items)
        texts = _concatenated("[", pc.binary_join(lists, ","), "]")
    elif pa.types.is_string(column.type):
        texts = _concatenated('"', _mended(column, _NEEDS_ESCAPING, _escaped), '"')
    else:
        texts = column.cast(pa.string())
    return pc.fill_null(texts, "null")


def json_objects(names: list[str], columns: list[pa.Array]) -> bytes:
    """One JSON object a row, a comma and a line feed between them, from columns that are JSON texts already."""
    pieces: list[pa.Array | str] = []
    for i, (name, column) in enumerate(zip(names, columns, strict=True)):
        pieces += ["{" if i == 0 else ",", f"{json.dumps(name)}:", column]
    objects = _concatenated(*pieces, "}")
    joined: bytes = pc.binary_join(pa.ListArray.from_arrays([0, len(objects)], objects.cast(pa.binary())), b",\n")[
        0
    ].as_py()
    return joined


def iso_column(clock: pa.Array, instant: pa.Array) -> pa.Array:
    """Times as 2026-05-31T09:30:00.000+04:00: `clock` is what a clock showed at `instant`, both without a zone.

    Always to the millisecond, so that a reader sees one pattern in a column.
    """
    behind = pc.subtract(clock, instant).cast(pa.int64())
    distinct = pc.unique(behind)
    offsets = pa.array([None if us is None else _offset(us) for us in distinct.to_pylist()], pa.string())
    # Several times faster than strftime, which asks the locale for each value.
    texts = pc.binary_replace_slice(clock.cast(pa.timestamp("ms"), safe=False).cast(pa.string()), 10, 11, "T")
    return _concatenated(texts, offsets.take(pc.index_in(behind, distinct)))


def time_texts(batch: pa.Table, name: str, timezone: ZoneInfo | None = None) -> pa.Array:
    """A column of times as text, in UTC unless `timezone` is given; the two columns of arrival keep their own zones."""
    times = batch.column(name).combine_chunks()
    if name == "created_local":
        return iso_column(times, without_zone(batch.column("created_at").combine_chunks()))
    instant = without_zone(times)
    if timezone is None or name == "created_at":
        return iso_column(instant, instant)
    return iso_column(on_clock(instant, timezone), instant)


def without_zone(instant: pa.Array) -> pa.Array:
    """The instants as their UTC clock shows them."""
    return instant.cast(pa.int64()).cast(pa.timestamp("us"))


def on_clock(instant: pa.Array, timezone: ZoneInfo) -> pa.Array:
    """What a clock in `timezone` shows at these instants (given as `without_zone` gives them).

    Arrow's own conversion needs a zone database of the operating system, which a slim container may lack.
    """
    quarter_us = 15 * 60 * 1_000_000  # every zone since 2005 changes its offset on a quarter of an hour
    micros = instant.cast(pa.int64())
    quarters = pc.divide(micros, quarter_us)
    distinct = pc.unique(quarters)
    offsets = pa.array([None if n is None else _offset_us(n * 900, timezone) for n in distinct.to_pylist()], pa.int64())
    return pc.add(micros, offsets.take(pc.index_in(quarters, distinct))).cast(pa.timestamp("us"))


def _offset_us(epoch_s: int, timezone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(epoch_s, UTC).astimezone(timezone).utcoffset()
    return round(offset.total_seconds() * 1_000_000) if offset else 0


def _offset(behind_us: int) -> str:
    minutes = round(behind_us / 60_000_000)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _readable(text: str) -> str:
    return _unreadable.sub("", text)


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _mended(column: pa.Array, pattern: str, mend: Callable[[str], str]) -> pa.Array:
    distinct = pc.drop_null(pc.unique(column))
    needs = pc.match_substring_regex(distinct, pattern)
    if not pc.any(needs).as_py():  # null, which is false, where there is no text at all
        return column
    mended = pa.array([mend(text) for text in distinct.filter(needs).to_pylist()], pa.string())
    return pc.replace_with_mask(distinct, needs, mended).take(pc.index_in(column, distinct))


def _concatenated(*pieces: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*pieces, "")
