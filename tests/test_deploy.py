"""The files in deploy/: what they promise, and what the tools that judge them say. For the proxy: e2e/test_proxy.py."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from leadlib.hosting import Server, refusals

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
UNIT = DEPLOY / "leadlight.service"


def test_the_dockerfile_has_nothing_that_its_linter_would_change() -> None:
    linter = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if linter is None:
        pytest.skip("no hadolint beside this Python: requirements-dev.txt has it for Linux")
    linted = subprocess.run([linter, str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_the_image_is_pinned_runs_as_nobody_special_and_asks_for_the_datas_age() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base) for base in bases)
    users = re.findall(r"^USER (\S+)", DOCKERFILE, re.M)
    assert users == ["10001:10001"]
    assert re.search(r"^HEALTHCHECK .*\n.*/healthz", DOCKERFILE, re.M)
    assert "secrets.toml" not in DOCKERFILE
    assert not re.search(r"(KEY|SECRET|TOKEN|PASSWORD)=", DOCKERFILE)


def test_the_build_sees_no_secret_no_store_and_no_history() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]

    def is_sent(path: str) -> bool:
        sent = True
        for line in lines:
            if fnmatch(path, line.removeprefix("!").replace("**/", "*")) or fnmatch(path, line.removeprefix("!")):
                sent = line.startswith("!")
        return sent

    assert lines[0] == "*"
    for path in (
        ".streamlit/secrets.toml",
        "data/leads.duckdb",
        ".git/config",
        "tests/conftest.py",
        ".venv/bin/python",
    ):
        assert not is_sent(path), path
    copied = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.M)
    assert set(copied) == {"requirements.txt", "app.py", ".streamlit/config.toml", "pages", "leadlib"}
    for path in ("app.py", "leadlib/web.py", "leadlib/sql/volume.sql", "pages/overview.py", ".streamlit/config.toml"):
        assert is_sent(path), path


def test_the_app_may_write_its_volume_and_a_temporary_folder_and_nothing_else() -> None:
    app, proxy = COMPOSE["services"]["app"], COMPOSE["services"]["proxy"]
    for service in (app, proxy):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in app
    assert app["user"] == "10001:10001"
    assert [folder.partition(":")[0] for folder in app["tmpfs"]] == ["/tmp"]
    assert app["volumes"] == ["data:/data"]
    assert "LEADLIB_DATABASE=/data" in DOCKERFILE


def test_only_the_proxy_can_be_reached_and_nothing_goes_around_it() -> None:
    app, proxy = COMPOSE["services"]["app"], COMPOSE["services"]["proxy"]
    assert "ports" not in app
    assert proxy["ports"] == ["80:80", "443:443"]
    assert set(app["networks"]) & set(proxy["networks"]) == {"inside"}
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert proxy["environment"]["LEADLIGHT_APP"] == "app:8501"


def test_a_container_without_sign_in_and_with_a_key_refuses_to_start() -> None:
    assert '"--server.address", "0.0.0.0"' in DOCKERFILE
    assert [rule.name for rule in refusals(Server(address="0.0.0.0", has_portal_key=True))] == ["no sign-in"]  # noqa: S104


def test_the_shipped_configuration_breaks_no_rule() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["client"]["showErrorDetails"] == "none"
    assert config["server"]["address"] == "localhost"
    assert not {"enableCORS", "enableXsrfProtection", "enableAgentApi", "trustedUserHeaders"} & set(config["server"])


def test_the_unit_takes_every_right_away_that_the_app_does_not_need() -> None:
    options = dict(re.findall(r"^([A-Za-z]+)=(.*)$", UNIT.read_text(), re.M))
    for name in (
        "NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectClock", "ProtectHostname",
        "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups",
        "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality",
    ):  # fmt: skip
        assert options[name] == "yes", name
    assert (options["ProtectSystem"], options["CapabilityBoundingSet"], options["User"]) == ("strict", "", "leadlight")
    assert (options["StateDirectory"], options["StateDirectoryMode"]) == ("leadlight", "0700")
    assert options["RestartPreventExitStatus"] == "3"


def test_systemd_takes_the_unit_as_it_is_written_and_finds_little_exposed(tmp_path: Path) -> None:
    judge = shutil.which("systemd-analyze")
    if judge is None:
        pytest.skip("no systemd-analyze on this machine")
    # It looks for the program, which is not where an installation has it.
    unit = tmp_path / "leadlight.service"
    unit.write_text(UNIT.read_text().replace("/opt/leadlight/.venv/bin/streamlit", sys.executable))
    verified = subprocess.run([judge, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (verified.returncode, "leadlight.service" in verified.stderr) == (0, False), verified.stderr
    scored = subprocess.run(
        [judge, "security", "--offline=true", "--threshold=25", str(unit)], capture_output=True, text=True, check=False
    )
    assert scored.returncode == 0, scored.stdout[-500:]
