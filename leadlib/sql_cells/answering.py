"""One question in SQL, asked in a process of its own: started for it, limited from outside, and gone afterwards."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from leadlib.errors import SqlCellError, StoreDamagedError
from leadlib.filters import Filters, to_where
from leadlib.places import Places
from leadlib.sql_cells.relations import FILTERED, RELATIONS, SCHEMA
from leadlib.store import sql_process, unwanted
from leadlib.store.copies import Copy, parquet_rows
from leadlib.store.frames import frame_of
from leadlib.store.generations import FOLDER, KEPT, newest_copy, zone_of
from leadlib.store.scope import conditions, shown

OFF = "SQL cells are switched off in this installation (LEADLIB_SQL_CELLS)."
"""What is said in the place of an answer where the owner wants none. Who calls `run_sql` asks the settings before."""

_SCRIPT = Path(sql_process.__file__)
_MOST_CHARACTERS = 100_000
_HEAD_BYTES = 64 * 1024
_LONGEST_WAIT_S = 60.0
_LOOK_EVERY_S = 0.1

PLACES = Places(2)
"""Cells are guests on the machine that draws the pages: two at a time, and their memory twice, is what they get."""

# Nothing is inherited, so there is no secret in the process. The allocators keep within the limit on memory this way.
_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Limits:
    """What one cell may use. `memory_bytes` is address space, of which the program itself takes some 400 MB."""

    memory_bytes: int = 1 << 30
    cpu_seconds: int = 10
    wall_seconds: float = 5.0
    rows: int = 10_000
    columns: int = 200
    result_bytes: int = 8 << 20


@dataclass(frozen=True)
class SqlAnswer:
    """The rows of a cell, in types that a table can show; times with a zone are in UTC.

    `is_cut` says that there were more rows than the limit. `seconds` is how long it took, the start of the process
    included. `sequence` is the number of the generation that was asked.
    """

    frame: pd.DataFrame
    is_cut: bool
    seconds: float
    sequence: int


_USUAL = Limits()


def run_sql(
    folder: Path,
    sql: str,
    filters: Filters,
    *,
    agents: Sequence[int] | None = None,
    limits: Limits = _USUAL,
    is_gone: Callable[[], bool] = lambda: False,
) -> SqlAnswer:
    """The answer to one SELECT over the newest generation of the store in `folder`.

    The statement sees the relations of `schema()`; `filtered_leads` are the leads under `filters`. With `agents` it
    sees what belongs to their leads and no more (see store.scope). Any thread may ask; two cells run at a time and
    others wait for them, a minute at most. Raises SqlCellError with plain words, and QueryStoppedError once `is_gone`
    says that nobody waits any more; it is called from other threads.
    """
    if sys.platform == "win32":
        raise SqlCellError(
            "SQL cells do not run on Windows, which cannot limit what they use. Run Leadlight on Linux or macOS."
        )
    if "\x00" in sql or len(sql) > _MOST_CHARACTERS or sql.encode(errors="replace").decode() != sql:
        raise SqlCellError(f"A cell takes at most {_MOST_CHARACTERS:,} characters of plain text. Shorten it.")
    with PLACES.line_up() as turn:
        has_begun = turn.wait(_LONGEST_WAIT_S, is_gone)
        if is_gone():
            raise unwanted("")
        if not has_begun:
            raise SqlCellError("Other SQL cells are still running. Run this one again in a moment.")
        # A generation may be deleted before it is loaded; then there is a newer one.
        for _ in range(KEPT):
            copy = _newest(folder)
            started = time.perf_counter()
            head, rows = _asked(_request(copy, sql, filters, agents, limits), limits, is_gone)
            if head.get("error") != "stale":
                break
        if "error" in head:
            raise _error(str(head["error"]), str(head["detail"]), head["line"], limits)
        return SqlAnswer(_frame(rows), bool(head["is_cut"]), time.perf_counter() - started, copy.manifest.sequence)


def _newest(folder: Path) -> Copy:
    copy = newest_copy(folder / FOLDER)
    if copy is None:
        raise SqlCellError("There is no published copy of the leads yet. Wait for the first sync to end.")
    return copy


def _request(copy: Copy, sql: str, filters: Filters, agents: Sequence[int] | None, limits: Limits) -> bytes:
    """What the process is told. Raises SqlCellError where the generation lacks what cells need."""
    try:
        condition, bound = to_where(filters, zone_of(copy))
        paths = {name: copy.paths(name) for name in RELATIONS if name != FILTERED}
    except (KeyError, StoreDamagedError) as error:
        raise _error("stale", "", None, limits) from error
    leads = f"({parquet_rows([path.resolve() for path in paths['leads']])})"
    within = dict.fromkeys(paths, "true") if agents is None else conditions(agents, leads)
    tables = {
        name: {
            "columns": [
                one.column if agents is None else shown(name, one.column) for one in SCHEMA if one.relation == name
            ],
            "paths": [str(path.resolve()) for path in paths[name]],
            "condition": within[name],
        }
        for name in paths
    }
    filtered = {
        "name": FILTERED,
        "condition": condition,
        "reads": re.findall(r"\bfrom (\w+)", condition),
        "bound": {name: value for name, value in bound.items() if not isinstance(value, datetime)},
        "instants": {name: value.isoformat() for name, value in bound.items() if isinstance(value, datetime)},
    }
    sizes = {"rows": limits.rows, "columns": limits.columns, "result_bytes": limits.result_bytes}
    return json.dumps({"sql": sql, "tables": tables, "filtered": filtered, "limits": sizes}).encode()


def _asked(request: bytes, limits: Limits, is_gone: Callable[[], bool]) -> tuple[Mapping[str, Any], bytes]:
    """What the process said of its answer, and the rows. Whatever happens, no process is left. Raises SqlCellError."""
    try:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and script; the user's text goes to its input
            [sys.executable, "-I", "-B", str(_SCRIPT), str(limits.memory_bytes), str(limits.cpu_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
            # A group, to be killed as one, but no session: Linux shares the processor out by session first, so that
            # in one of its own the cell would stand beside the app as its equal, however low its priority is.
            process_group=0,
        )
    except OSError as error:
        raise _error("broken", type(error).__name__, None, limits) from error
    is_late, is_over = threading.Event(), threading.Event()
    last_s = time.monotonic() + limits.wall_seconds

    def stop() -> None:
        while not is_over.wait(max(0.0, min(_LOOK_EVERY_S, last_s - time.monotonic()))):
            if time.monotonic() >= last_s:
                is_late.set()
            if is_late.is_set() or is_gone():
                _kill(process)
                return

    guard = threading.Thread(target=stop, daemon=True)
    guard.start()
    most = limits.result_bytes + _HEAD_BYTES
    assert process.stdin is not None  # noqa: S101  # both are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        with process.stdout:
            with suppress(BrokenPipeError), process.stdin:  # how it ended says why it did not read
                process.stdin.write(request)
            said = process.stdout.read(most + 1)
    finally:
        is_over.set()
        guard.join()
        _kill(process)  # it has ended, or what it goes on to do is not wanted
        process.wait()
    if is_gone():
        raise unwanted("")
    if len(said) > most:
        raise _error("result", "", None, limits)
    line, _, rows = said.partition(b"\n")
    try:
        head = json.loads(line)
    except ValueError:
        head = {}
    if head.get("bytes") == len(rows):
        return head, rows
    if is_late.is_set():
        raise _error("late", "", None, limits)
    if process.returncode == -signal.SIGXCPU:
        raise _error("cpu", "", None, limits)
    raise _error("memory" if process.returncode < 0 else "broken", f"exit code {process.returncode}", None, limits)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS answers the second for a group that has ended
        os.killpg(process.pid, signal.SIGKILL)


def _frame(rows: bytes) -> pd.DataFrame:
    try:
        table = pa.ipc.open_stream(rows).read_all()
        table.validate(full=True)
        return frame_of(table)
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise SqlCellError("The answer holds a value that no table can show. Cast it to varchar.") from error


def _error(kind: str, detail: str, line: int | None, limits: Limits) -> SqlCellError:
    first, _, near = detail.partition("\n")
    if kind == "sql":
        return SqlCellError(detail, line)
    if kind == "relation":
        hint = f"Did you mean {near}?" if near else f"There are {', '.join(RELATIONS)}."
        return SqlCellError(f"A cell sees no relation “{first[:80]}”. {hint}", line)
    words = {
        "empty": "The cell is empty. Write a SELECT, such as: select channel, count(*) from filtered_leads group by 1",
        "statement": "A cell takes exactly one SELECT. Take out what else it does, and a second statement.",
        "reference": "A cell cannot describe or show relations. The list of columns beside it has them with their "
        "meanings.",
        "function": f"The function {first[:80]} is not for cells: it reaches beyond the leads. Leave it out.",
        "outside": f"The statement was refused: it reaches beyond the leads, or cannot be done here ({first}).",
        "stale": "The published copy of the leads is older than this program. Run a sync, then run the cell again.",
        "depth": "The statement is nested too deeply. Write it flatter.",
        "columns": f"The answer has more than {limits.columns} columns. Name those that you need.",
        "result": f"The answer is larger than {_mebibytes(limits.result_bytes)}. Ask for fewer rows or columns, or for "
        "totals.",
        "memory": f"The statement needed more memory than the {_mebibytes(limits.memory_bytes)} that a cell may use, "
        "and was stopped. Filter before you join, or ask for totals.",
        "late": f"The statement took longer than {limits.wall_seconds:g} s and was stopped. Ask for fewer days, or for "
        "totals, and check that each join has its condition.",
        "cpu": f"The statement computed for longer than {limits.cpu_seconds} s and was stopped. Ask for fewer days, or "
        "for totals.",
        "broken": f"The cell's process could not be set up on this machine ({first}). Tell the person who "
        "looks after it.",
    }
    return SqlCellError(words[kind], line)


def _mebibytes(n_bytes: int) -> str:
    return f"{n_bytes / (1 << 20):g} MiB"
