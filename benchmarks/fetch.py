"""Fetching all leads, ours beside what people use instead: `python -m benchmarks.fetch [--leads N] [--latency-ms L]`.

Measured: whole processes, imports included, against one sandbox on this machine: seconds, CPU seconds, peak memory and
calls, of a first fetch and of a second one after 0.5 % of the leads have moved on. The portal's own work is in
everybody's seconds, so ratios here are lower than against a portal with cores of its own. The script and dlt read the
pages in order and notice no lead that shifts meanwhile; ours certifies what it read. `--peers-python` names an
interpreter that has benchmarks/peers/requirements.txt; without it only ours is measured. `--memory` compares our peak
memory at 50,000 and 500,000 leads.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from leadlib.sandbox import API_KEY, API_SECRET

HOME = Path(__file__).resolve().parents[1]
CHANGED_SHARE = 0.005


@dataclass(frozen=True)
class Run:
    """What one process took. `peak_mb` is its largest resident size, in millions of bytes."""

    seconds: float
    cpu_s: float
    peak_mb: float
    n_calls: int
    answer: Mapping[str, object]


class Portal:
    """The portal's process, seen from here."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._process, self._answers = process, process.stdout
        self.url = self._answers.readline().strip()

    def tell(self, line: str) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return int(self._answers.readline())

    def token(self) -> str:
        keys = {"apiKey": API_KEY, "apiSecret": API_SECRET}
        return str(httpx.post(f"{self.url}/v1/auth/token", json=keys).raise_for_status().json()["accessToken"])


@contextmanager
def portal(n_leads: int, latency_ms: float) -> Iterator[Portal]:
    command = [sys.executable, "-m", "benchmarks.portal", str(n_leads), str(latency_ms)]
    with subprocess.Popen(command, cwd=HOME, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Portal(process)
        finally:
            process.kill()


def run(at: Portal, command: Sequence[str]) -> Run:
    """Runs a program to its end. Raises RuntimeError if it fails: its time would mean nothing."""
    at.tell("calls")
    environ = {name: text for name, text in os.environ.items() if not name.startswith("LEADLIB_")}
    environ |= {
        "LEADLIB_API_URL": at.url,
        "LEADLIB_API_KEY": API_KEY,
        "LEADLIB_API_SECRET": API_SECRET,
    }
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=HOME, env=environ, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} failed:\n{text[-2000:]}")
    answer = json.loads(text.strip().rpartition("\n")[2])
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, at.tell("calls"), answer)


def compare(n_leads: int, latency_ms: float, peers_python: str | None) -> None:
    print(f"\n{n_leads:,} leads, {latency_ms:g} ms latency")
    header = ("", "seconds", "CPU s", "peak MB", "calls", "leads", "seconds ÷ ours")
    print(f"{header[0]:<34}{header[1]:>9}{header[2]:>8}{header[3]:>9}{header[4]:>8}{header[5]:>9}{header[6]:>16}")
    with portal(n_leads, latency_ms) as at, tempfile.TemporaryDirectory() as folder:
        programs: dict[str, list[str]] = {
            "Leadlight": [sys.executable, "-m", "benchmarks.ours", f"{folder}/ours", "full"]
        }
        if peers_python:
            scripts = HOME / "benchmarks" / "peers"
            programs["requests + pandas, in order"] = [peers_python, str(scripts / "sequential.py")]
            programs["dlt, tuned"] = [peers_python, str(scripts / "dlt_rest.py"), "tuned"]
            programs["dlt, as documented"] = [peers_python, str(scripts / "dlt_rest.py"), "documented"]
        for round_ in ("first", "again, 0.5 % changed"):
            if round_ != "first":
                at.tell(f"change {CHANGED_SHARE}")
            ours: Run | None = None
            for name, command in programs.items():
                arguments = [] if ours is None else [at.url, at.token(), folder]
                done = run(at, [*command, *arguments])
                ours = ours or done
                show(f"{name}, {round_}", done, ours)
        quiet = run(at, [sys.executable, "-m", "benchmarks.ours", f"{folder}/ours", "quiet"])
        read = run(at, [sys.executable, "-m", "benchmarks.ours", f"{folder}/ours", "full"])
        show("Leadlight, quiet, with probes", quiet, quiet)
        show("Leadlight, quiet, all read", read, quiet)
        print(
            f"calls of a quiet look at the whole window: {read.n_calls / max(1, quiet.n_calls):.1f} x fewer with probes"
        )


def show(name: str, done: Run, ours: Run) -> None:
    print(
        f"{name:<34}{done.seconds:>9.1f}{done.cpu_s:>8.1f}{done.peak_mb:>9,.0f}{done.n_calls:>8,}"
        f"{done.answer['leads']:>9,}{done.seconds / ours.seconds:>15.1f}x",
        flush=True,
    )


def compare_memory(sizes: Sequence[int]) -> None:
    peaks = []
    for n_leads in sizes:
        with portal(n_leads, 0) as at, tempfile.TemporaryDirectory() as folder:
            done = run(at, [sys.executable, "-m", "benchmarks.ours", f"{folder}/ours", "full"])
        peaks.append(done.peak_mb)
        print(
            f"{n_leads:>9,} leads: peak {done.peak_mb:,.0f} MB, {done.seconds:.1f} s, {done.n_calls:,} calls",
            flush=True,
        )
    print(f"peak memory, largest ÷ smallest: {max(peaks) / min(peaks):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--leads", type=int, default=200_000)
    parser.add_argument("--latency-ms", type=float, nargs="+", default=[0.0, 50.0])
    parser.add_argument("--peers-python")
    parser.add_argument("--memory", action="store_true")
    asked = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    if asked.memory:
        compare_memory([50_000, 500_000])
        return
    for latency_ms in asked.latency_ms:
        compare(asked.leads, latency_ms, asked.peers_python)


if __name__ == "__main__":
    main()
