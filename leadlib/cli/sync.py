"""`sync`: one sync, now, with a bar on a terminal."""

import argparse
import shutil
import sys
from typing import TYPE_CHECKING

from leadlib.cli.arguments import UsageError, filters_asked
from leadlib.cli.output import tell
from leadlib.config import load_settings

if TYPE_CHECKING:
    from leadlib.sync import Progress

_BAR_CELLS = 30


def run(asked: argparse.Namespace) -> int:
    if asked.full and (asked.since or asked.filter):
        raise UsageError("--full reads the whole window: leave out --since and --filter, or leave out --full.")
    filters = filters_asked(asked.filter)
    settings = load_settings()
    from leadlib.engine import Engine
    from leadlib.sync import sentence, to_json
    from leadlib.worker import Wish

    wish = Wish(full=asked.full, since=asked.since, filters=filters if filters.selected else None)
    with Engine.open(settings) as engine:
        if engine.is_sandbox:
            tell(f"No credentials are set: reading the {settings.portal} into {engine.store.folder}.")
        try:
            row = engine.sync(wish, _draw_progress if sys.stderr.isatty() else lambda progress: None)
        finally:
            if sys.stderr.isatty():
                _redraw("")
    print(to_json(row) if asked.json else sentence(row))
    if row.message and not asked.json:
        tell(row.message)
    return 0 if row.outcome == "complete" else 1


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
