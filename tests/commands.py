"""Commands of the command line, run by the dozen without the second that each would need to import all it uses.

A command runs in a process of its own, forked from one that has imported everything and done nothing. The first of each
kind starts as at a user's, so that what a command forgets to import is missed somewhere.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from tests.disasters import PRELOADED

ROOT = Path(__file__).resolve().parents[1]
_LONGEST_S = 60
_FORKS = multiprocessing.get_context("forkserver") if sys.platform != "win32" else None
_started: set[str] = set()


def run_command(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """How `python -m leadlib` with these arguments ended, and what it wrote, in this environment and no other."""
    name = arguments[0] if arguments else ""
    if _FORKS is None or name not in _started:
        _started.add(name)
        return subprocess.run(
            [sys.executable, "-m", "leadlib", *arguments],
            cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", timeout=_LONGEST_S, check=False,
        )  # fmt: skip
    _FORKS.set_forkserver_preload(PRELOADED)
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = _FORKS.Process(target=_run, args=([*arguments], dict(environment), out, err))
        with _no_main_module():
            process.start()
        process.join(_LONGEST_S)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired([*arguments], _LONGEST_S)
        said = [path.read_text(encoding="utf-8") for path in (out, err)]
    return subprocess.CompletedProcess([*arguments], process.exitcode, *said)


@contextmanager
def _no_main_module() -> Iterator[None]:
    """For a moment `__main__` is nobody's: a forked process runs it, and a test may have put a page in its place."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _run(arguments: list[str], environment: dict[str, str], out: Path, err: Path) -> None:
    from leadlib.cli import main

    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    for path, number in ((out, 1), (err, 2)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), number)
    raise SystemExit(main(arguments))
