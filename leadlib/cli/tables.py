"""Frames on paper: aligned columns."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from leadlib.cells import frame_cells

if TYPE_CHECKING:
    import pandas as pd


def frame_lines(frame: "pd.DataFrame", timezone: ZoneInfo, with_hours: bool) -> list[str]:
    """A frame as lines of text: a rate and its interval in one cell, a single row as a list of its numbers."""
    shown, cells = frame_cells(frame, timezone, with_hours)
    if not cells:
        return ["No leads."]
    if len(cells) == 1 and "key" not in shown:
        return aligned([[name, text] for name, text in zip(shown, cells[0], strict=True)], numbers={1})
    numbers = {i for i, name in enumerate(shown) if frame[name].dtype.kind in "iufb" or f"{name}_quality" in frame}
    return aligned([shown, *cells], numbers)


def aligned(rows: Sequence[Sequence[str]], numbers: Iterable[int] = ()) -> list[str]:
    """Rows as lines with their columns one below the other, those in `numbers` to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    right = set(numbers)
    return [
        "  ".join(f"{x:>{widths[i]}}" if i in right else f"{x:{widths[i]}}" for i, x in enumerate(row)).rstrip()
        for row in rows
    ]
