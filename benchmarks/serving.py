"""Apps in processes of their own, to be measured from outside."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import httpx

HOME = Path(__file__).resolve().parents[1]
READY_S = 120.0
PORTAL = "http://127.0.0.1:9"
"""A portal that is not there."""


@dataclass(frozen=True)
class Served:
    """A running app: its address, its process, and how long it took from start to its first answer."""

    url: str
    pid: int
    seconds_to_ready: float

    @property
    def resident_mb(self) -> float:
        """What it holds in memory at the moment, in millions of bytes."""
        return self._status("VmRSS") * 1024 / 1e6

    @property
    def peak_mb(self) -> float:
        """The most it has ever held."""
        return self._status("VmHWM") * 1024 / 1e6

    @property
    def cpu_s(self) -> float:
        """The CPU seconds it has taken so far, by all of its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name))


@contextmanager
def served(
    app: Path, folder: Path, settings: Mapping[str, str], *, cwd: Path = HOME, health: str = "/_stcore/health"
) -> Iterator[Served]:
    """`streamlit run APP` with these settings and none of the machine's; its log is `folder`/app.log."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("LEADLIB_", "STREAMLIT_"))}
    log = folder / "app.log"
    began = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(app), "--server.port", str(port), "--server.headless=true"],
            cwd=cwd,
            env={**environ, "PYTHONPATH": str(HOME), **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://localhost:{port}"
    try:
        while True:
            try:
                httpx.get(url + health, timeout=5)
                break
            except httpx.TransportError:
                if process.poll() is not None or time.monotonic() - began > READY_S:
                    raise RuntimeError(f"the app did not start: {log.read_text()[-2000:]}") from None
                time.sleep(0.05)
        yield Served(url, process.pid, time.monotonic() - began)
    finally:
        process.terminate()
        process.wait(timeout=30)


def settings_for(folder: Path) -> dict[str, str]:
    """The settings with which the app opens a made store, which is given to a portal that they can name."""
    with duckdb.connect(str(folder / "leads.duckdb")) as connection:
        connection.execute("update meta set value = ? where key = 'portal'", [PORTAL])
    return {
        "LEADLIB_DATABASE": str(folder),
        "LEADLIB_API_URL": PORTAL,
        "LEADLIB_API_TOKEN": "a-token",
        "LEADLIB_SYNC_MINUTES": "0",
    }
