"""`sync`: one sync, now, with a bar on a terminal."""

import argparse
import json
import shutil
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from leadlib.cli.arguments import UsageError, filters_asked
from leadlib.cli.output import tell
from leadlib.cli.settings import settings_asked
from leadlib.errors import StoreBusyError, StoreError

if TYPE_CHECKING:
    from leadlib.sync import Progress

_BAR_CELLS = 30


def run(asked: argparse.Namespace) -> int:
    if asked.full and (asked.since or asked.filter):
        raise UsageError("--full reads the whole window: leave out --since and --filter, or leave out --full.")
    if asked.believe_missing and (asked.since or asked.filter):
        raise UsageError("--believe-missing reads the whole window: leave out --since and --filter.")
    filters = filters_asked(asked.filter)
    settings = settings_asked()
    from leadlib.engine import Engine
    from leadlib.sync import believe_missing, sentence, to_json
    from leadlib.worker import Wish

    wish = Wish(
        full=asked.full or asked.believe_missing, since=asked.since, filters=filters if filters.selected else None
    )
    try:
        opened = Engine.open(settings)
    except StoreBusyError as error:
        return _leave_it(f"whoever holds the store does the syncing. {error}", asked)
    with opened as engine:
        if not engine.store.work.take():
            return _leave_it(f"another program is at work on {engine.store.place} and does the syncing.", asked)
        if engine.is_sandbox:
            tell(f"No credentials are set: reading the {settings.portal} into {engine.store.place}.")
        if asked.believe_missing:
            believe_missing(engine.store, datetime.now(UTC))
        try:
            with engine.store.sparing_memory():
                row = engine.sync(wish, _draw_progress if sys.stderr.isatty() else lambda progress: None)
        finally:
            if sys.stderr.isatty():
                _redraw("")
        try:
            engine.keep_store()
        except StoreError as error:
            tell(f"{error.title}. {error}")  # the sync itself has done its work
    print(to_json(row) if asked.json else sentence(row))
    if row.message and not asked.json:
        tell(row.message)
    return 0 if row.outcome == "complete" else 1


def _leave_it(why: str, asked: argparse.Namespace) -> int:
    """Ends well: cron should not raise an alarm every five minutes while the app is up."""
    tell(f"Nothing was read here: {why}")
    if asked.json:
        print(json.dumps({"outcome": "busy"}))
    return 0


def _draw_progress(progress: "Progress") -> None:
    text = progress.phase
    if progress.n_expected:
        n_full = _BAR_CELLS * min(progress.n_read, progress.n_expected) // progress.n_expected
        bar = "#" * n_full + "." * (_BAR_CELLS - n_full)
        text += f" [{bar}] {progress.n_read:,} of {progress.n_expected:,}"
    pace = f"; {progress.pace}" if progress.pace else ""
    _redraw(f"{text}, {progress.n_calls:,} calls, {progress.seconds:.0f} s{pace}")


def _redraw(text: str) -> None:
    width = shutil.get_terminal_size().columns - 1
    sys.stderr.write(f"\r{text[:width]:{width}}\r{text[:width]}")
    sys.stderr.flush()
