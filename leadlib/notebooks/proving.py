"""What a notebook's file says of itself for programs, and such a file held against itself and the store."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from leadlib.errors import FilterError, NotebookError, UnprovenError
from leadlib.notebooks.answers import title_of
from leadlib.notebooks.finding import Found, found_by
from leadlib.notebooks.model import Cell, MetricCell, Notebook, SqlCell, cells_from_json, cells_to_json
from leadlib.notebooks.pdf_facts import text_in, with_text
from leadlib.notebooks.sql_answers import sql_title_of
from leadlib.proof import (
    RULES_VERSION,
    Facts,
    Sum,
    check_origin,
    filters_told,
    one_sum,
    other_settings,
    sum_of,
    told_as_of,
)
from leadlib.sql_cells import SqlAnswer
from leadlib.store import Store

NOTEBOOK_KEY = "leadlight"
"""Under this name the proof stands in a file: an element's id, a key of the metadata, the beginning of a comment."""

_OWN = "file_sha256"
_IN_HTML = re.compile(rf'<script type="application/json" id="{NOTEBOOK_KEY}">(.*?)</script>', re.DOTALL)
_IN_PYTHON = re.compile(rf"^# {NOTEBOOK_KEY}: (\{{.*\}})$", re.MULTILINE)


@dataclass(frozen=True)
class NotebookFile:
    """Such a file that was read. `is_altered`: what it holds does not give the hash that it carries."""

    path: str
    told: Mapping[str, Any]
    is_altered: bool


@dataclass(frozen=True)
class CellVerdict:
    """One result: how many rows it had and has today, None where there was or is none, `why` there is none today."""

    title: str
    n_rows: int | None
    n_now: int | None
    is_same: bool
    why: str = ""


@dataclass(frozen=True)
class NotebookVerdict:
    """What became of a file: of the file itself, and of each of its results."""

    facts: Mapping[str, Any]
    is_altered: bool
    cells: tuple[CellVerdict, ...]
    has_other_rules: bool
    settings: tuple[str, ...]
    as_of: datetime | None

    @property
    def is_match(self) -> bool:
        """True if the file is as it was written, and the store gives the same results today."""
        return not self.is_altered and all(cell.is_same for cell in self.cells)


def proof_of(notebook: Notebook, facts: Facts, found: Sequence[Found]) -> dict[str, Any]:
    """The origin of a notebook's results, what was asked, and for each result its rows and their hash."""
    sums = [_sum(one) for one in found]
    whole = one_sum(sums)
    return {
        **facts.plain(),
        "title": notebook.title,
        "notebook": json.loads(cells_to_json(notebook.cells)),
        "results": [None if one is None else {"n_rows": one.n_rows, "rows_sha256": one.sha256} for one in sums],
        "n_rows": whole.n_rows,
        "rows_sha256": whole.sha256,
    }


def sum_words(found: Sequence[Found]) -> str:
    """How many rows the results have, and the hash of them all, for people."""
    whole = one_sum([_sum(one) for one in found])
    return f"{whole.n_rows:,} in all results, SHA-256 {whole.sha256}"


def sealed(proof: Mapping[str, Any], content: str) -> dict[str, Any]:
    """The proof with the hash of itself and of the `content` that it stands in."""
    return {**proof, _OWN: _seal(proof, content)}


def sealed_pdf(printed: bytes, page: str) -> bytes:
    """The PDF that was printed of the web page `page`, with the page's proof in it, sealed anew over the PDF.

    One whose end nobody knows, of some other browser, stays as it is: its facts are on its first sheet alone.
    """
    told = _IN_HTML.search(page)
    if told is None:
        return printed
    text = json.dumps(sealed(json.loads(told[1]), printed.decode("latin-1")))
    return with_text(printed, text) or printed


def read_notebook(path: Path) -> NotebookFile | None:
    """The file at `path`; None if it is no notebook. Raises UnprovenError if it cannot be read or checked."""
    try:
        content = path.read_bytes()
        if content.startswith(b"%PDF"):
            return _of_pdf(path, content)
        start = content[:400].lstrip()
        if start.startswith(b"<!doctype html>"):
            return _of_text(path, content.decode(), _IN_HTML)
        if start[:1] == b"{" and b'"nbformat"' in content:
            return _of_ipynb(path, json.loads(content))
        text = content.decode() if b"import marimo" in content else ""
        return _of_text(path, text, _IN_PYTHON) if text else None
    except OSError as error:
        raise UnprovenError(f"{path} cannot be read ({type(error).__name__}).", str(path)) from error
    except (UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnprovenError(f"{path} is damaged ({type(error).__name__}).", str(path)) from error


def verify_notebook(store: Store, file: NotebookFile, *, with_sql: bool = True) -> NotebookVerdict:
    """Asks the store again all that the file answers.

    Raises UnprovenError if the file belongs to another portal or zone, or does not say what was asked; StoreError.
    """
    check_origin(store, file.told, file.path)
    try:
        cells = cells_from_json(json.dumps(file.told["notebook"]))
        results = [one and Sum(int(one["n_rows"]), str(one["rows_sha256"])) for one in file.told["results"]]
        filters = filters_told(file.told, file.path)
        pairs = list(zip(cells, results, strict=True))
    except (KeyError, TypeError, ValueError, FilterError, NotebookError) as error:
        raise UnprovenError(f"{file.path} does not say what was asked in it. {error}", file.path) from error
    found = found_by(store, Notebook("file", str(file.told.get("title")), cells), filters, with_sql=with_sql)
    told = [
        _compared(place, cell, then, now)
        for place, ((cell, then), now) in enumerate(zip(pairs, found, strict=True), 1)
        if isinstance(cell, MetricCell | SqlCell)
    ]
    return NotebookVerdict(
        facts=file.told,
        is_altered=file.is_altered,
        cells=tuple(told),
        has_other_rules=file.told.get("rules_version") != RULES_VERSION,
        settings=tuple(other_settings(store, file.told)),
        as_of=told_as_of(file.told),
    )


def _compared(place: int, cell: Cell, then: Sum | None, now: Found) -> CellVerdict:
    title = title_of(cell) if isinstance(cell, MetricCell) else sql_title_of(cell) if isinstance(cell, SqlCell) else ""
    today = _sum(now)
    return CellVerdict(
        f"Cell {place}, {title}",
        then.n_rows if then else None,
        today.n_rows if today else None,
        then == today,
        now if isinstance(now, str) else "",
    )


def _sum(found: Found) -> Sum | None:
    if isinstance(found, SqlAnswer):
        return sum_of(found.frame)
    return sum_of(found) if isinstance(found, pd.DataFrame) else None


def _seal(proof: Mapping[str, Any], content: str) -> str:
    told = json.dumps({name: fact for name, fact in proof.items() if name != _OWN}, sort_keys=True)
    return hashlib.sha256(f"{told}\n{content}".encode()).hexdigest()


def _of_text(path: Path, text: str, where: re.Pattern[str]) -> NotebookFile:
    """A file that has its proof in its text; the seal is over all the rest."""
    told = where.search(text)
    if told is None:
        raise _unsaid(path)
    proof = json.loads(told[1])
    return NotebookFile(str(path), proof, _seal(proof, text[: told.start(1)] + text[told.end(1) :]) != proof.get(_OWN))


def _of_pdf(path: Path, content: bytes) -> NotebookFile:
    """A PDF; the seal is over what was printed, and what follows that has to be as it was written."""
    found = text_in(content)
    if found is None:
        raise UnprovenError(
            f"{path} is a PDF without facts for programs: printed from the web page, or saved anew by a program that "
            "left them out. Take the web page of the same notebook to have it checked.",
            str(path),
        )
    printed, text = found
    proof = json.loads(text)
    is_altered = _seal(proof, printed.decode("latin-1")) != proof.get(_OWN) or with_text(printed, text) != content
    return NotebookFile(str(path), proof, is_altered)


def _of_ipynb(path: Path, whole: dict[str, Any]) -> NotebookFile:
    proof = whole["metadata"].get(NOTEBOOK_KEY)
    if not isinstance(proof, dict):
        raise _unsaid(path)
    return NotebookFile(str(path), proof, _seal(proof, ipynb_content(whole["cells"])) != proof.get(_OWN))


def ipynb_content(cells: Sequence[Mapping[str, Any]]) -> str:
    """What is asked in the cells of a Jupyter file, whatever their results are and however they were run."""
    return json.dumps([[cell["cell_type"], "".join(cell["source"])] for cell in cells])


def _unsaid(path: Path) -> UnprovenError:
    return UnprovenError(
        f"{path} does not say what it answers. Notebooks that Leadlight has made do, unless they are older than this, "
        "or were saved anew by a program that left it out.",
        str(path),
    )
