"""The answer of a metric or of SQL as a file, CSV or JSON, and such a file held against itself and the store."""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import pandas as pd

from leadlib.cells import plain
from leadlib.errors import FilterError, SqlCellError, UnprovenError
from leadlib.export.files import CSV_FACTS
from leadlib.export.texts import armed, defused
from leadlib.metrics import CHOICES, QUESTIONS, compute, metric_named
from leadlib.proof.facts import (
    RULES_VERSION,
    Facts,
    Sum,
    check_origin,
    digests_of,
    filters_told,
    other_settings,
    sum_of,
    sum_of_rows,
    text_of,
    texts_of,
    told_as_of,
)
from leadlib.sql_cells import OFF, run_sql
from leadlib.store import Store

_SQL = "sql"
_HEAD_BYTES = 512 * 1024
_LONGEST_CELL = 16 << 20
_LISTS = {"filters", "settings", "options"}


def answer_about(
    facts: Facts, name: str, by: str | None, options: Mapping[str, Any], frame: pd.DataFrame
) -> dict[str, Any]:
    """Everything that a reader must know of the frame that `metrics.compute` gave, as plain values."""
    told = sum_of(frame)
    usual = {key: choice.default for key, choice in CHOICES.items()}
    return {
        **facts.plain(),
        "asked": name,
        "by": by,
        "options": [f"{key}={value}" for key, value in options.items() if value not in {None, usual.get(key)}],
        "definition": _definition(name),
        "n_rows": told.n_rows,
        "rows_sha256": told.sha256,
    }


def sql_about(facts: Facts, statement: str, frame: pd.DataFrame) -> dict[str, Any]:
    """The same of the rows that a statement in SQL gave."""
    told = sum_of(frame)
    return {**facts.plain(), "asked": _SQL, "sql": statement, "n_rows": told.n_rows, "rows_sha256": told.sha256}


def answer_to_json(frame: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """One object: `about`, and `rows` with an object for each row."""
    rows = [{str(name): plain(value) for name, value in row.items()} for row in frame.to_dict("records")]
    columns = [str(name) for name in frame.columns]
    return json.dumps({"about": {**about, "columns": columns}, "rows": rows}, indent=1, allow_nan=False)


def answer_to_csv(frame: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """CSV; the facts are the name of one more column, the last, which is empty below."""

    def cell(value: Any) -> Any:
        # Labels are the portal's texts, and a spreadsheet may open this.
        return defused(value) if isinstance(value, str) else text_of(value) if isinstance(value, bool) else value

    facts = {name: fact for name, fact in about.items() if fact is not None and fact != []}
    out = io.StringIO()
    # Texts are quoted for each character that ends a line, so that one that holds any of them comes back whole.
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*map(defused, map(str, frame.columns)), CSV_FACTS + urlencode(facts, doseq=True)])
    writer.writerows([*map(cell, map(plain, row)), None] for row in frame.itertuples(index=False, name=None))
    return out.getvalue()


@dataclass(frozen=True)
class AnswerFile:
    """Such a file that was read: its facts, the names of its columns, and its cells as texts that compare."""

    path: str
    facts: Mapping[str, Any]
    names: tuple[str, ...]
    rows: list[list[str]]

    @property
    def sum(self) -> Sum:
        """That of the rows as they stand there now."""
        return sum_of_rows(self.names, self.rows)


@dataclass(frozen=True)
class AnswerVerdict:
    """What became of it.

    `is_altered`: the rows do not give the hash that the file carries. Of its rows `n_lost` are not in today's answer,
    and of today's `n_new` not in the file; `columns` says in how many rows each column differs, where the file has as
    many rows as today's answer, and else nothing. `settings` are those that were others then.
    """

    facts: Mapping[str, Any]
    n_rows: int
    is_altered: bool
    n_lost: int
    n_new: int
    columns: Mapping[str, int]
    has_other_columns: bool
    has_other_rules: bool
    settings: tuple[str, ...]
    as_of: datetime | None

    @property
    def is_match(self) -> bool:
        """True if the file is as it was written, and the store gives the same answer today."""
        return not (self.is_altered or self.n_lost or self.n_new or self.has_other_columns)


def read_answer(path: Path) -> AnswerFile | None:
    """The file at `path`; None if it is no answer. Raises UnprovenError if it cannot be read."""
    try:
        with path.open("rb") as file:
            start = file.read(_HEAD_BYTES)
        if start.lstrip()[:1] == b"{":
            return _read_json(path)
        return _read_csv(path) if CSV_FACTS.encode() in start and b"asked=" in start else None
    except OSError as error:
        raise UnprovenError(f"{path} cannot be read ({type(error).__name__}).", str(path)) from error
    except (UnicodeDecodeError, ValueError, csv.Error) as error:
        raise UnprovenError(f"{path} is damaged ({type(error).__name__}).", str(path)) from error


def verify_answer(store: Store, file: AnswerFile, *, with_sql: bool = True) -> AnswerVerdict:
    """Asks the store again what the file answers. Raises UnprovenError if it does not say what that is, StoreError."""
    facts = file.facts
    check_origin(store, facts, file.path)
    try:
        frame = _answer(store, file, with_sql=with_sql)
    except SqlCellError as error:
        raise UnprovenError(f"The SQL of {file.path} has no answer here. {error}", file.path) from error
    except (FilterError, KeyError, TypeError, ValueError) as error:
        raise UnprovenError(f"{file.path} asks what this Leadlight does not know. {error}", file.path) from error
    names, rows = texts_of(frame)
    has_other_columns = list(file.names) != names
    ours, theirs = Counter(digests_of(file.names, file.rows)), Counter(digests_of(names, rows))
    columns: dict[str, int] = {}
    if ours != theirs and len(rows) == len(file.rows) and not has_other_columns:
        pairs = [(mine, other) for mine, other in zip(file.rows, rows, strict=True) if mine != other]
        columns = {name: sum(mine[at] != other[at] for mine, other in pairs) for at, name in enumerate(names)}
    return AnswerVerdict(
        facts=facts,
        n_rows=len(file.rows),
        is_altered=(file.sum.n_rows, file.sum.sha256) != (_whole(facts.get("n_rows")), facts.get("rows_sha256")),
        n_lost=(ours - theirs).total(),
        n_new=(theirs - ours).total(),
        columns={name: n for name, n in columns.items() if n},
        has_other_columns=has_other_columns,
        has_other_rules=facts.get("rules_version") != RULES_VERSION,
        settings=tuple(other_settings(store, facts)),
        as_of=told_as_of(facts),
    )


def _answer(store: Store, file: AnswerFile, *, with_sql: bool) -> pd.DataFrame:
    facts, filters = file.facts, filters_told(file.facts, file.path)
    if facts["asked"] != _SQL:
        return compute(str(facts["asked"]), store, filters, facts.get("by"), **_options(facts))
    if not with_sql:
        raise SqlCellError(OFF)
    return run_sql(store.folder, str(facts["sql"]), filters, agents=store.agents).frame


def _definition(name: str) -> str:
    if name in QUESTIONS:
        return (QUESTIONS[name].ask.__doc__ or "").partition("\n")[0]
    return metric_named(name).definition


def _read_json(path: Path) -> AnswerFile | None:
    whole = json.loads(path.read_text(encoding="utf-8"))
    about, rows = whole.get("about"), whole.get("rows")
    if not isinstance(about, dict) or "asked" not in about:
        return None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnprovenError(f"{path} holds no list of rows any more.", str(path))
    names = tuple(dict.fromkeys(name for row in rows for name in row)) or tuple(about.get("columns") or ())
    return AnswerFile(str(path), about, names, [[text_of(row.get(name)) for name in names] for row in rows])


def _read_csv(path: Path) -> AnswerFile | None:
    csv.field_size_limit(_LONGEST_CELL)  # of its own accord Python reads no cell of more than 131,072 characters
    with path.open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    place = max((at for at, name in enumerate(head) if name.startswith(CSV_FACTS)), default=-1)
    if place < 0:
        return None
    told = parse_qs(head[place].removeprefix(CSV_FACTS))
    facts: dict[str, Any] = {key: values if key in _LISTS else values[0] for key, values in told.items()}
    if "asked" not in facts:
        return None
    names = tuple(armed(name) for at, name in enumerate(head) if at != place)
    # A row that a person has added may be shorter; it is compared as it stands.
    cells = [[text_of(armed(text)) for at, text in enumerate(row) if at != place] for row in rows if row]
    return AnswerFile(str(path), facts, names, [(row + [""] * len(names))[: len(names)] for row in cells])


def _options(facts: Mapping[str, Any]) -> dict[str, Any]:
    told: Sequence[str] = facts.get("options") or []
    options: dict[str, Any] = dict(str(text).partition("=")[::2] for text in told)
    return {name: int(value) if name == "within" else value for name, value in options.items()}


def _whole(value: Any) -> int | None:
    return int(value) if str(value).isdecimal() else None
