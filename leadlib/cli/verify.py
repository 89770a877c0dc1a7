"""`verify`: an exported file held against itself and against the store."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from leadlib import formats
from leadlib.cli.arguments import UsageError
from leadlib.cli.output import tell
from leadlib.cli.stored import as_of, open_store
from leadlib.config import Settings, load_settings
from leadlib.errors import StoreBusyError

if TYPE_CHECKING:
    from leadlib.export import Difference, Verdict
    from leadlib.store import Store

DIFFERS = 1
"""Ended because the file and the store are not the same."""


def run(asked: argparse.Namespace) -> int:
    path: Path = asked.file
    if not path.is_file():
        raise UsageError(f"There is no file {path.absolute()}.")
    settings = load_settings()
    from leadlib.export import verify_file

    with _store(settings) as store:
        verdict = verify_file(store, path)
        claim = verdict.claim
        since = formats.instant(claim.as_of, store.timezone) if claim.as_of else "an empty store"
        tell(f"{path}: {formats.count_of(claim.n_leads, 'lead')}, {claim.filter_words}, as of {since}.")
        tell(f"Compared with the store {as_of(store)}.")
    print("\n".join(_lines(verdict)))
    return 0 if verdict.is_match else DIFFERS


def _store(settings: Settings) -> "Store":
    """The store, or what is published of it while the app holds it."""
    from leadlib.store import Store

    try:
        return open_store(settings)
    except StoreBusyError:
        tell("The running app holds the store, so the file is compared with the state after its last sync.")
        return Store.open_beside(settings.database, timezone=settings.timezone, portal=settings.portal)


def _lines(verdict: "Verdict") -> list[str]:
    lines = []
    if verdict.is_altered:
        lines.append("The file was altered: its rows do not give the hash that it carries.")
        if verdict.n_rows != verdict.claim.n_leads:
            was = formats.number(verdict.claim.n_leads)
            lines.append(f"  It holds {formats.count_of(verdict.n_rows, 'row')} and says {was}.")
        if verdict.lost_columns:
            lines.append(f"  Columns that are gone: {', '.join(verdict.lost_columns)}.")
        if verdict.other_columns:
            lines.append(f"  Columns that were added: {', '.join(verdict.other_columns)}.")
    elif verdict.is_match:
        lines.append("Match: the file is as it was written, and the store has the same leads with the same values.")
    else:
        lines.append("The file is as it was written, and the store has moved on since.")
    lines += [_line(difference) for difference in verdict.differences]
    if verdict.is_altered and not verdict.differences:
        lines.append("  No lead of it differs from the store's.")
    without = _without_history(verdict)
    if without:
        lines.append(f"When it changed is not kept for {', '.join(without)}: only today's value could be compared.")
    if verdict.has_other_rules:
        lines.append("Another version of Leadlight wrote it, whose definitions differ in some word from today's.")
    return lines


def _line(difference: "Difference") -> str:
    from leadlib.export import KIND_WORDS

    columns = [f"{name} ({formats.number(n)})" for name, n in difference.columns.items()]
    examples = ", ".join(difference.lead_ids) + (", …" if difference.n_leads > len(difference.lead_ids) else "")
    where = f", in {', '.join(columns)}" if columns else ""
    return f"  {formats.count_of(difference.n_leads, 'lead')}: {KIND_WORDS[difference.kind]}{where}. {examples}"


def _without_history(verdict: "Verdict") -> list[str]:
    from leadlib.export import WITH_HISTORY

    changed = {name for difference in verdict.differences for name in difference.columns}
    return sorted(changed - WITH_HISTORY)
