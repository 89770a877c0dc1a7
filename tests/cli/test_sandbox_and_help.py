"""The sandbox on a port, the help, and what a command loads."""

import re
import signal
from urllib.parse import urlsplit

import httpx
import pytest

from leadlib.cli import COMMANDS
from leadlib.export import FORMATS
from leadlib.filters import FIELDS
from leadlib.sandbox import API_KEY, API_SECRET, FAULTS
from tests.cli.conftest import Install, Installation, obeys_ctrl_c, on_unix


@on_unix
def test_sandbox_tells_how_to_use_it_and_ends_by_ctrl_c(install: Install) -> None:
    process = install().start(
        "sandbox", "--port", "0", "--dialect", "flat", "--leads", "300", "--fault", "wrong-total", "--freeze",
        preexec_fn=obeys_ctrl_c,
    )  # fmt: skip
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(8)]
    given = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines if line.startswith("export "))
    assert given.pop("LEADLIB_DATABASE").startswith("data/sandbox-")
    assert given == {
        "LEADLIB_API_URL": given["LEADLIB_API_URL"], "LEADLIB_API_KEY": API_KEY, "LEADLIB_API_SECRET": API_SECRET,
    }  # fmt: skip
    assert f"answers at {given['LEADLIB_API_URL']} (flat dialect, its clock held at " in lines[0]
    pair = {"apiKey": API_KEY, "apiSecret": API_SECRET}
    token = httpx.post(f"{given['LEADLIB_API_URL']}/v1/auth/token", json=pair).json()["accessToken"]
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{given['LEADLIB_API_URL']}/v1/leads", headers=headers).json()["pagination"]["total"] > 200
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "The sandbox has stopped.\n")


def test_taken_port_is_named(plain: Installation) -> None:
    assert plain.server is not None
    port = urlsplit(plain.server.url).port
    done = plain.run("sandbox", "--port", str(port))
    assert (done.code, done.out) == (2, "")
    assert f"Port {port} is taken." in done.err


def test_help_names_every_command_filter_format_and_fault(plain: Installation) -> None:
    top = plain.run("--help").out
    assert all(f"\n    {command.name} " in top for command in COMMANDS)
    export = plain.run("export", "--help").out
    assert f"{{{','.join(row.key for row in FORMATS)}}}" in export
    assert all(field.key in export for field in FIELDS)
    sandbox = plain.run("sandbox", "--help").out
    assert all(sentence in sandbox for sentence in FAULTS.values())


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        pytest.param(["--help"], ["streamlit", "pandas", "pyarrow", "duckdb", "uvicorn", "httpx"], id="help"),
        pytest.param(["sandbox", "--help"], ["streamlit", "pandas", "duckdb", "httpx"], id="sandbox-help"),
        pytest.param(["metrics", "leads"], ["streamlit", "uvicorn", "httpx"], id="metrics"),
        pytest.param(["check"], ["streamlit"], id="check"),
    ],
)
def test_commands_load_only_what_they_need(plain: Installation, arguments: list[str], unwanted: list[str]) -> None:
    done = Installation(plain.folder / "loading", plain.server).run(*arguments, flags=("-X", "importtime"))
    assert done.code == 0
    loaded = set(re.findall(r"^import time:.*\| +(\w+)", done.err, re.MULTILINE))
    assert "argparse" in loaded
    assert not loaded & set(unwanted)
