"""A notebook as a file that goes on elsewhere: .ipynb for Jupyter, .py for marimo. Both ask `leadlib` when they run.

What people wrote gets in as Markdown without HTML and images, and as Python literals, of which no text breaks out.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from leadlib.filters import Filters, to_query
from leadlib.metrics import metric_named
from leadlib.notebooks.answers import title_of
from leadlib.notebooks.finding import Found
from leadlib.notebooks.model import Cell, MetricCell, Notebook, SqlCell, TextCell
from leadlib.notebooks.proving import NOTEBOOK_KEY, ipynb_content, proof_of, sealed, sum_words
from leadlib.notebooks.words import harmless, harmless_in_marimo, literal_markdown
from leadlib.proof import Facts

_OPEN = ("import leadlib", "", "store = leadlib.open()")
_INDENT = "    "
_ADDRESS = re.compile(r"https?://[^\s<>\\]+")


def definitions_of(cells: Iterable[Cell]) -> dict[str, str]:
    """What the metrics of these cells mean, by label, each once."""
    metrics = [metric_named(cell.metric) for cell in cells if isinstance(cell, MetricCell)]
    return {metric.label: metric.definition for metric in metrics}


def to_ipynb(notebook: Notebook, facts: Facts, found: Sequence[Found]) -> str:
    """The notebook for Jupyter, as JSON in the format 4.5, not run yet.

    The answer of the cell at place n, counted from 1, is called cell_n in it. The filters of `facts` are those of cells
    that have none of their own; `found`, as `found_by` gives it, is what the file can be checked by.
    """
    cells = [
        _markdown_cell("about", _about(notebook, facts, found)),
        _code_cell("open", [*_OPEN, *_page(facts.filters), "store"]),
    ]
    for place, cell in enumerate(notebook.cells, 1):
        if isinstance(cell, TextCell):
            cells.append(_markdown_cell(f"cell-{place}", harmless(cell.markdown)))
        else:
            cells.append(_code_cell(f"cell-{place}", [*_question(cell, f"cell_{place}"), f"cell_{place}"]))
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    proof = sealed(proof_of(notebook, facts, found), ipynb_content(cells))
    told = {
        "cells": cells,
        "metadata": {"kernelspec": python, "language_info": {"name": "python"}, NOTEBOOK_KEY: proof},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def to_marimo(notebook: Notebook, facts: Facts, found: Sequence[Found]) -> str:
    """The notebook for marimo: a Python file, also to be run as `python FILE`. Names are those of `to_ipynb`."""
    lines = ["", "import marimo", "", "app = marimo.App()"]
    lines += _marimo_cell([], ["import marimo as mo", *_OPEN, *_page(facts.filters)], ["mo", "page_filters", "store"])
    lines += _marimo_cell(["mo"], _called("mo.md", _about(notebook, facts, found)), [])
    for place, cell in enumerate(notebook.cells, 1):
        if isinstance(cell, TextCell):
            lines += _marimo_cell(["mo"], _called("mo.md", harmless_in_marimo(cell.markdown)), [])
        else:
            name = f"cell_{place}"
            needs = (
                ["store"] if isinstance(cell, MetricCell) and cell.filters is not None else ["page_filters", "store"]
            )
            lines += _marimo_cell(needs, [*_question(cell, name), name], [name])
    lines += ["", "", 'if __name__ == "__main__":', f"{_INDENT}app.run()"]
    before, after = f"# {NOTEBOOK_KEY}: ", "\n".join(lines) + "\n"
    proof = sealed(proof_of(notebook, facts, found), before + after)
    return f"{before}{json.dumps(proof)}{after}"


def _about(notebook: Notebook, facts: Facts, found: Sequence[Found]) -> str:
    rows = {**facts.rows(), "Rows": sum_words(found)}
    told = [f"# {literal_markdown(notebook.title) or 'Notebook'}"]
    told += [f"**{name}:** {_linked(value)}" for name, value in rows.items()]
    told.append("So it was when the file was made. The numbers below are asked anew whenever it is run.")
    if definitions := definitions_of(notebook.cells):
        told.append("## What the numbers mean")
        told.append(
            "\n".join(
                f"- **{literal_markdown(label)}**: {literal_markdown(words)}" for label, words in definitions.items()
            )
        )
    return "\n\n".join(told)


def _linked(text: str) -> str:
    return f"<{text}>" if _ADDRESS.fullmatch(text) else literal_markdown(text)


def _page(filters: Filters) -> list[str]:
    return [f"page_filters = {to_query(filters)!r}"]


def _question(cell: MetricCell | SqlCell, name: str) -> list[str]:
    if isinstance(cell, SqlCell):
        return [f"{name} = store.sql(", *_text(cell.sql, ","), f"{_INDENT}page_filters,", ")"]
    asked = [repr(cell.metric)]
    if cell.by is not None:
        asked.append(f"by={cell.by!r}")
    told = [f"# {title_of(cell)}"]
    if cell.filters is not None:
        told.append("# It has filters of its own, whatever those of the page are.")
    asked.append("filters=page_filters" if cell.filters is None else f"filters={to_query(cell.filters)!r}")
    asked += [f"{name}={value!r}" for name, value in cell.options]
    return [*told, f"{name} = store.metric({', '.join(asked)})"]


def _called(function: str, text: str) -> list[str]:
    return [f"{function}(", *_text(text), ")"]


def _text(text: str, end: str = "") -> list[str]:
    """The text as Python literals that together stand for it, a line for each of its lines."""
    lines = [f"{_INDENT}{line!r}" for line in text.splitlines(keepends=True)] or [f"{_INDENT}''"]
    return [*lines[:-1], lines[-1] + end]


def _markdown_cell(name: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text}


def _code_cell(name: str, lines: list[str]) -> dict[str, Any]:
    source = "\n".join(lines)
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {},
        "outputs": [],
        "source": source,
    }


def _marimo_cell(needs: list[str], lines: list[str], gives: list[str]) -> list[str]:
    body = [f"{_INDENT}{line}" if line else "" for line in lines]
    end = f"{_INDENT}return ({', '.join(gives)},)" if gives else f"{_INDENT}return"
    hidden = "" if gives else "(hide_code=True)"
    return ["", "", f"@app.cell{hidden}", f"def _({', '.join(needs)}):", *body, end]
