"""The PostgreSQL that the tests of the shared store are run with."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.postgres import Postgres, find_binaries

RUN = """
import os, signal
from tests.postgres import find_binaries, serve_postgres
with serve_postgres(find_binaries()) as server:
    print(server.folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_each_store_gets_a_database_of_its_own_copied_from_a_template(postgres: Postgres) -> None:
    template = f"template-{time.monotonic_ns()}"
    postgres.create_database(template)
    postgres.run("create table kept as select 41 + 1 as number", template)
    postgres.create_database(f"{template}-copy", template)
    postgres.run("update kept set number = 7", f"{template}-copy")
    assert postgres.run("select number from kept", template) == "42"
    assert postgres.run("select number from kept", f"{template}-copy") == "7"
    assert postgres.has_database(f"{template}-copy")
    assert not postgres.has_database(f"{template}-other")


def test_a_killed_test_run_leaves_no_server_and_no_folder() -> None:
    if find_binaries() is None:
        pytest.skip("no PostgreSQL on this machine")
    run = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=False)
    folder = Path(run.stdout.strip())
    assert folder.name.startswith("leadlight-pg-"), run.stderr
    deadline = time.monotonic() + 20
    while folder.exists():
        assert time.monotonic() < deadline, list(folder.iterdir())
        time.sleep(0.05)
