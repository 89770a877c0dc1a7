"""Exports of a million leads, ours beside pandas: `python -m benchmarks.export [--leads N] [--formats csv ...]`.

Measured: seconds from the call to the file under its name, CPU seconds of all threads, the file's size, and the largest
resident size of the process, imports and (for pandas) the frame in memory included. Ours sorts newest first, adds the
names behind ids, defuses formulas, and hashes each row for the file's own proof; pandas writes the same columns out of
the Parquet file that ours has made, as they stand. An Excel sheet holds 1,048,575 leads; ours then begins another.

May claim: ratios in one run. May not claim: seconds on another machine, or where others are at work.
`--keep` and `--peers-python` are those of benchmarks/dashboard.py.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.dashboard import HOME, PEERS, made


def run(command: Sequence[str]) -> dict[str, Any]:
    """What a program says at its end, and `peak_mb`. Raises RuntimeError if it fails."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=HOME, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} failed:\n{text[-2000:]}")
    return {**json.loads(text.strip().rpartition("\n")[2]), "peak_mb": usage.ru_maxrss * 1024 / 1e6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--formats", nargs="+", default=["csv", "parquet"], choices=["csv", "parquet", "xlsx", "json"])
    parser.add_argument("--peers-python")
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f}), {asked.leads:,} leads")
    print(f"{'':<22}{'rows':>10}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}{'file MB':>9}{'seconds ÷ ours':>16}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = (asked.keep or Path(scratch)) / str(asked.leads)
        folder.mkdir(parents=True, exist_ok=True)
        store, out = made(folder, asked.leads), Path(scratch)
        source = out / "source.parquet"
        if asked.peers_python:
            run([sys.executable, "-m", "benchmarks.export_ours", str(store), "parquet", str(source)])
        for fmt in asked.formats:
            path = out / f"leads.{fmt}"
            ours = run([sys.executable, "-m", "benchmarks.export_ours", str(store), fmt, str(path)])
            show(f"Leadlight, {fmt}", ours, path, ours)
            if asked.peers_python and fmt in {"csv", "parquet"}:
                command = [asked.peers_python, str(PEERS / "export_pandas.py"), str(source), fmt, str(path)]
                show(f"pandas, {fmt}", run(command), path, ours)


def show(name: str, done: dict[str, Any], path: Path, ours: dict[str, Any]) -> None:
    print(
        f"{name:<22}{done['rows']:>10,}{done['seconds']:>9.1f}{done['cpu_s']:>8.1f}{done['peak_mb']:>9,.0f}"
        f"{path.stat().st_size / 1e6:>9,.0f}{done['seconds'] / ours['seconds']:>15.1f}x",
        flush=True,
    )


if __name__ == "__main__":
    main()
