"""`verify`: an exported file held against itself and against the store."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from leadlib import formats
from leadlib.cells import printable
from leadlib.cli.arguments import UsageError
from leadlib.cli.output import tell
from leadlib.cli.settings import settings_asked
from leadlib.cli.stored import as_of, open_published, open_to_read
from leadlib.config import Settings

if TYPE_CHECKING:
    from leadlib.export import Difference, Verdict
    from leadlib.notebooks import NotebookFile, NotebookVerdict
    from leadlib.proof import AnswerFile, AnswerVerdict
    from leadlib.store import Store

DIFFERS = 1
"""Ended because the file and the store are not the same."""


def run(asked: argparse.Namespace) -> int:
    path: Path = asked.file
    if not path.is_file():
        raise UsageError(f"There is no file {path.absolute()}.")
    settings = settings_asked()
    from leadlib.notebooks import read_notebook
    from leadlib.proof import read_answer

    if notebook := read_notebook(path):
        return _verify_notebook(settings, notebook)
    if answer := read_answer(path):
        return _verify_answer(settings, answer)
    return _verify_leads(settings, path)


def _verify_leads(settings: Settings, path: Path) -> int:
    from leadlib.export import verify_file

    with open_to_read(settings, "the file is compared with the state after its last sync") as store:
        verdict = verify_file(store, path)
        claim = verdict.claim
        since = formats.instant(claim.as_of, store.timezone) if claim.as_of else "an empty store"
        tell(f"{path}: {formats.count_of(claim.n_leads, 'lead')}, {claim.filter_words}, as of {since}.")
        tell(f"Compared with the store {as_of(store)}.")
    print("\n".join(_lines(verdict)))
    return 0 if verdict.is_match else DIFFERS


def _verify_answer(settings: Settings, file: "AnswerFile") -> int:
    from leadlib.proof import verify_answer

    with open_published(settings) as store:
        verdict = verify_answer(store, file, with_sql=settings.sql_cells)
        rows = formats.count_of(verdict.n_rows, "row")
        _tell_origin(store, f"{file.path}: {printable(str(verdict.facts.get('asked')))}, {rows}", verdict)
    lines = [_verdict_on_figures(verdict.is_altered, verdict.is_match)]
    if verdict.has_other_columns:
        lines.append("  Its columns are not those of today's answer.")
    elif verdict.n_lost or verdict.n_new:
        lost, new = formats.count_of(verdict.n_lost, "row"), formats.count_of(verdict.n_new, "row")
        where = ", ".join(f"{name} ({formats.number(n)})" for name, n in verdict.columns.items())
        lines.append(f"  {lost} of the file not in today's answer, {new} of today's not in the file.")
        lines += [f"  By column: {where}."] if where else []
    print("\n".join([*lines, *_other_terms(verdict)]))
    return 0 if verdict.is_match else DIFFERS


def _verify_notebook(settings: Settings, file: "NotebookFile") -> int:
    from leadlib.notebooks import verify_notebook

    with open_published(settings) as store:
        verdict = verify_notebook(store, file, with_sql=settings.sql_cells)
        results = formats.count_of(len(verdict.cells), "result")
        _tell_origin(store, f"{file.path}: {results}", verdict)
    lines = [_verdict_on_figures(verdict.is_altered, verdict.is_match)]
    for cell in verdict.cells:
        rows, now = _count(cell.n_rows), _count(cell.n_now)
        other = f"{rows} then and today, and other figures" if rows == now else f"{rows} then, {now} today"
        said = f"match, {rows}" if cell.is_same else f"differs: {other}. {cell.why}".rstrip()
        lines.append(f"  {printable(cell.title)}: {said}")
    print("\n".join([*lines, *_other_terms(verdict)]))
    return 0 if verdict.is_match else DIFFERS


def _count(n_rows: int | None) -> str:
    return "no answer" if n_rows is None else formats.count_of(n_rows, "row")


def _tell_origin(store: "Store", what: str, verdict: "AnswerVerdict | NotebookVerdict") -> None:
    told = verdict.facts.get("filter_words")
    since = formats.instant(verdict.as_of, store.timezone) if verdict.as_of else "an empty store"
    tell(f"{what}, {printable(str(told))}, as of {since}.")
    tell(f"Compared with the store {as_of(store)}.")


def _verdict_on_figures(is_altered: bool, is_match: bool) -> str:
    if is_altered:
        return "The file was altered: it does not give the hash that it carries."
    if is_match:
        return "Match: the file is as it was written, and the store gives the same figures today."
    return "The file is as it was written, and the store gives other figures today."


def _other_terms(verdict: "AnswerVerdict | NotebookVerdict") -> list[str]:
    """What else may be why figures differ."""
    lines = [f"A setting is another one: {printable(words)}." for words in verdict.settings]
    if verdict.has_other_rules:
        lines.append("Another version of Leadlight wrote it, whose definitions differ in some word from today's.")
    return lines


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
