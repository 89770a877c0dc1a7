"""A real PostgreSQL for the tests of the shared store: Debian's package, in a folder of its own, gone afterwards."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROLE = "leadlight"
READY_S = 30

# Nobody looks for the rows of a test after the machine has lost its power.
_HASTE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
_USUAL = {"max_connections": "200", "listen_addresses": "", "shared_buffers": "32MB", "log_min_messages": "error"}
# Even a test run that is killed closes this shell's input, and then nothing is left behind.
_UNTIL_CLOSED = '"$@" & read -r _; kill -QUIT $!; wait; rm -rf "$0"'


@dataclass(frozen=True)
class Postgres:
    """A running server, reached over a socket in `folder` by whoever may read that; nobody is asked for a password."""

    folder: Path
    binaries: Path

    def dsn(self, database: str = "postgres", role: str = ROLE) -> str:
        """What a client connects with."""
        return f"host={self.folder} dbname={database} user={role}"

    def run(self, sql: str, database: str = "postgres") -> str:
        """What psql prints for one statement: a row a line, columns between bars."""
        command = [self.binaries / "psql", "-d", self.dsn(database), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def create_database(self, name: str, template: str = "template1") -> str:
        """The DSN of the new database `name`, a copy of `template`."""
        self.run(f'create database "{name}" template "{template}"')
        return self.dsn(name)

    def has_database(self, name: str) -> bool:
        return self.run(f"select 1 from pg_database where datname = '{name}'") == "1"  # noqa: S608  # a test's own name


def find_binaries() -> Path | None:
    """The folder of the newest PostgreSQL on this machine; Debian keeps it off the PATH. None without one."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if found:
        return max(found, key=lambda path: float(path.parent.name))
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def serve_postgres(binaries: Path, *, is_durable: bool = False) -> Iterator[Postgres]:
    """A server of its own, stopped and removed at the end, even if this process is killed first.

    `is_durable` has it write as a server does that is to survive a loss of power: for a benchmark.
    """
    # Not below the folder of the tests: that belongs to the user who runs them, and the server refuses to be root.
    folder = Path(tempfile.mkdtemp(prefix="leadlight-pg-", dir="/tmp"))
    as_user = _as_unprivileged()
    if as_user:
        shutil.chown(folder, as_user["user"])
    settings = {**_USUAL, **({} if is_durable else _HASTE), "unix_socket_directories": str(folder)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    data = folder / "data"
    try:
        made = subprocess.run(
            [binaries / "initdb", "-D", data, "-U", ROLE, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            **as_user,
        )
        if made.returncode:
            raise RuntimeError(made.stderr)
        log = folder / "server.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                ["/bin/sh", "-c", _UNTIL_CLOSED, folder, binaries / "postgres", "-D", data, *options],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                start_new_session=True,  # Ctrl-C is for the tests, which still need it to close their stores
                **as_user,
            )
        try:
            server = Postgres(folder, binaries)
            _wait_for(server, process, log)
            yield server
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(server: Postgres, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            server.run("select 1")
            return
        except RuntimeError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-2000:]}") from None
            time.sleep(0.02)


def _as_unprivileged() -> dict[str, Any]:
    """How to start the server as another user where the tests run as root; nothing where they do not."""
    if os.geteuid() != 0:
        return {}
    import pwd  # only Unix has it, and all tests import this file

    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
