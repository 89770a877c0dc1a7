"""A notebook: an ordered list of cells, and the way to JSON and back."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from leadlib.errors import FilterError, NotebookError
from leadlib.filters import Filters, to_query
from leadlib.formats import Grain
from leadlib.metrics import grain_named, groups_of, metric_named, options_of

Show = Literal["table", "bar", "line", "number"]
SHOWS: tuple[Show, ...] = get_args(Show)

FORMAT = 1
MOST_CELLS = 100
LONGEST_TEXT = 20_000
LONGEST_TITLE = 80
_NAME = re.compile(rf"[\w-]{{1,{LONGEST_TITLE}}}")


@dataclass(frozen=True)
class TextCell:
    """Words in Markdown."""

    markdown: str = ""


@dataclass(frozen=True)
class MetricCell:
    """One of METRICS, grouped by `by` where it can be, under `filters`; None stands for those of the page.

    `options` are what else its question is asked with, by name (see `metrics.options_of`): grain, clock and the like,
    each only where it differs from what is asked without it.
    """

    metric: str
    by: str | None = None
    filters: Filters | None = None
    show: Show = "table"
    options: tuple[tuple[str, str | int], ...] = ()

    @property
    def asked(self) -> dict[str, Any]:
        """The options by name, as `metrics.compute` takes them."""
        return dict(self.options)

    @property
    def grain(self) -> Grain:
        """The stretch of time of which each row tells, where rows are over time."""
        return grain_named(str(self.asked.get("grain", "day")))


@dataclass(frozen=True)
class SqlCell:
    """One SELECT over what `sql_cells.schema` lists. A comment in its first line is its title."""

    sql: str = ""
    show: Show = "table"


Cell = TextCell | MetricCell | SqlCell


@dataclass(frozen=True)
class Notebook:
    """`name` is what links call it: letters, digits and hyphens; `title` is what people call it."""

    name: str
    title: str
    cells: tuple[Cell, ...] = ()


def options_told(metric: str, by: str | None, values: Mapping[str, str | int]) -> tuple[tuple[str, str | int], ...]:
    """Of `values` what makes a difference to a metric told by `by`, as a cell has it."""
    return tuple(
        (name, values[name])
        for name, choice in options_of(metric, by).items()
        if values.get(name, choice.default) != choice.default
    )


def name_of(title: str) -> str:
    """A title as a name for links: "Monday review" gives "monday-review". Raises NotebookError if nothing is left."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", title).casefold())
    name = "-".join(words)[:LONGEST_TITLE].strip("-_")
    if not is_name(name):
        raise NotebookError("A notebook needs a title with at least one letter or digit in it.")
    return name


def is_name(text: str) -> bool:
    """True if a notebook can be called so in a link."""
    return _NAME.fullmatch(text) is not None


def cells_to_json(cells: Iterable[Cell]) -> str:
    """The cells as JSON, with the number of the format. Raises NotebookError for cells that could not be read again."""
    text = json.dumps({"format": FORMAT, "cells": [_to_plain(cell) for cell in cells]}, ensure_ascii=False)
    cells_from_json(text)
    return text


def cells_from_json(text: str) -> tuple[Cell, ...]:
    """The cells of such JSON.

    Raises NotebookError, which names the cell and what is wrong with it: an unknown format, kind, key, metric, group,
    filter or form, and whatever is too long. Nothing is left out in silence.
    """
    try:
        told = json.loads(text)
    except ValueError as error:
        raise NotebookError("This is no notebook: it is not JSON.") from error
    except RecursionError as error:
        raise NotebookError("This is no notebook: it is nested too deeply.") from error
    if not isinstance(told, dict) or set(told) != {"format", "cells"} or not isinstance(told["cells"], list):
        raise NotebookError("This is no notebook: it needs “format” and a list of “cells”, and nothing else.")
    if told["format"] != FORMAT or isinstance(told["format"], bool):
        raise NotebookError(f"The notebook's format is {str(told['format'])[:20]}, and this Leadlight reads {FORMAT}.")
    if len(told["cells"]) > MOST_CELLS:
        raise NotebookError(f"A notebook has at most {MOST_CELLS} cells, not {len(told['cells']):,}.")
    cells = []
    for place, cell in enumerate(told["cells"], 1):
        try:
            cells.append(_from_plain(cell))
        except (NotebookError, FilterError) as error:
            raise NotebookError(f"Cell {place}: {error}") from error
    return tuple(cells)


def _to_plain(cell: Cell) -> dict[str, Any]:
    if isinstance(cell, TextCell):
        return {"kind": "text", "markdown": cell.markdown}
    if isinstance(cell, SqlCell):
        return {"kind": "sql", "sql": cell.sql, "show": cell.show}
    filters = None if cell.filters is None else to_query(cell.filters)
    told = {"kind": "metric", "metric": cell.metric, "by": cell.by, "filters": filters, "show": cell.show}
    return {**told, "options": cell.asked} if cell.options else told


def _from_plain(told: object) -> Cell:
    if not isinstance(told, dict):
        raise NotebookError("It has to be an object with a “kind”.")
    kind = told.get("kind")
    if kind == "text":
        _check_keys(told, {"kind", "markdown"})
        return TextCell(_text(told["markdown"], "markdown"))
    if kind == "metric":
        # Notebooks that were saved before metrics had options have none.
        told = {"options": {}, **told}
        _check_keys(told, {"kind", "metric", "by", "filters", "show", "options"})
        metric = metric_named(_text(told["metric"], "metric")).key
        by = _group(metric, told["by"])
        options = _options(metric, by, told["options"])
        return MetricCell(metric, by, _filters(told["filters"]), _show(told["show"]), options)
    if kind == "sql":
        _check_keys(told, {"kind", "sql", "show"})
        return SqlCell(_text(told["sql"], "sql"), _show(told["show"]))
    raise NotebookError(f"There is no kind of cell “{str(kind)[:40]}”. Known: text, metric, sql.")


def _check_keys(told: Mapping[str, object], known: set[str]) -> None:
    if missing := known - set(told):
        raise NotebookError(f"“{sorted(missing)[0]}” is missing.")
    if strange := set(told) - known:
        raise NotebookError(f"“{sorted(strange)[0][:40]}” is not known there.")


def _text(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise NotebookError(f"“{key}” has to be a text.")
    if len(value) > LONGEST_TEXT:
        raise NotebookError(f"“{key}” has {len(value):,} characters, and at most {LONGEST_TEXT:,} are kept.")
    if "\x00" in value or (not value.isascii() and value != value.encode("utf-8", "replace").decode()):
        raise NotebookError(f"“{key}” holds a character that cannot be kept.")
    return value


def _group(metric: str, by: object) -> str | None:
    if by is None:
        return None
    if not isinstance(by, str) or by not in groups_of(metric):
        known = ", ".join(groups_of(metric)) or "none"
        raise NotebookError(f"“{metric}” is not told by “{str(by)[:40]}”. Known: {known}.")
    return by


def _options(metric: str, by: str | None, told: object) -> tuple[tuple[str, str | int], ...]:
    if not isinstance(told, dict):
        raise NotebookError("“options” has to hold a value by the name of each.")
    known = options_of(metric, by)
    for name, value in told.items():
        if name not in known:
            words = ", ".join(known) or "none"
            raise NotebookError(f"“{metric}” does not take “{str(name)[:40]}” here. Known: {words}.")
        if isinstance(value, bool) or value not in known[name].values:
            words = ", ".join(map(str, known[name].values))
            raise NotebookError(f"“{str(value)[:40]}” is no {name}. Known: {words}.")
    return options_told(metric, by, told)


def _filters(told: object) -> Filters | None:
    if told is None:
        return None
    is_well_formed = isinstance(told, dict) and all(
        isinstance(values, list) and all(isinstance(value, str) for value in values) for values in told.values()
    )
    if not isinstance(told, dict) or not is_well_formed:
        raise NotebookError("“filters” has to be null, or lists of texts by the names of filters.")
    return Filters.of({key: _each(values, key) for key, values in told.items()})


def _each(values: list[str], key: str) -> list[str]:
    return [_text(value, key) for value in values]


def _show(told: object) -> Show:
    for show in SHOWS:
        if told == show:
            return show
    raise NotebookError(f"“{str(told)[:40]}” is no form to show a result in. Known: {', '.join(SHOWS)}.")
