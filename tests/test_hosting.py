"""S3: an app that others can reach starts only with a configuration that is safe for that."""

import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from streamlit import __version__ as installed

from leadlib.hosting import RULES, STREAMLIT_PIN, Server, is_this_machine, refusals

ROOT = Path(__file__).resolve().parents[1]
STRONG = "9f2c61d07a3be845c1f09d7e2b6a48530d1e9cb7f46a25830b7de1c2f39a6450"
SAFE = Server(
    address="0.0.0.0",  # noqa: S104  # what is judged here, not what is opened
    has_sign_in=True,
    has_portal_key=True,
    cookie_secret=STRONG,
    redirect_uris=("https://leads.example.com/oauth2callback",),
    secret_files=(("/srv/secrets.toml", 0o640),),
)
BAD = {
    "no sign-in": [{"has_sign_in": False}],
    "weak cookie secret": [
        {"cookie_secret": text}
        for text in ("", "short", "x" * 64, "changeme" * 8, "ab" * 32, "REPLACE-WITH-A-LONG-RANDOM-STRING-0123456789")
    ],
    "plain redirect_uri": [
        {"redirect_uris": (uri,)}
        for uri in (
            "http://leads.example.com/oauth2callback",
            "leads.example.com",
            "http://10.0.0.1/",
            "http://[broken",
        )
    ],
    "secrets readable by others": [{"secret_files": (("/srv/secrets.toml", mode),)} for mode in (0o644, 0o604, 0o602)],
    "old Streamlit": [{"streamlit": version} for version in ("1.66.9", "1.9.0", "0.99")],
    "error details shown": [{"show_error_details": how} for how in ("full", "stacktrace", "type", "true")],
    "agent API on": [{"has_agent_api": True}],
    "CORS protection off": [{"has_cors": False}],
    "XSRF protection off": [{"has_xsrf": False}],
    "user headers trusted": [{"trusts_user_headers": True}],
    "development mode": [{"is_development": True}],
}


def names(server: Server) -> list[str]:
    return [rule.name for rule in refusals(server)]


def test_a_safe_configuration_is_not_refused() -> None:
    assert names(SAFE) == []
    assert names(replace(SAFE, streamlit="1.70.0", redirect_uris=("http://localhost:8501/oauth2callback",))) == []


@pytest.mark.parametrize(
    ("name", "change"), [(name, change) for name, changes in BAD.items() for change in changes], ids=str
)
def test_each_bad_configuration_is_refused_by_its_name_alone(name: str, change: dict[str, object]) -> None:
    assert names(replace(SAFE, **change)) == [name]


def test_every_rule_has_a_bad_configuration_and_says_what_to_do() -> None:
    assert [rule.name for rule in RULES] == list(BAD)
    assert len(RULES) >= 8
    assert all(len(rule.advice) > 60 and rule.advice.endswith(".") for rule in RULES)


@pytest.mark.parametrize("change", [change for changes in BAD.values() for change in changes], ids=str)
def test_an_app_on_this_machine_alone_without_sign_in_is_asked_nothing(change: dict[str, object]) -> None:
    server = replace(SAFE, **change, address="localhost")
    assert names(replace(server, has_sign_in=False)) == []


def test_sign_in_on_this_machine_is_what_an_app_behind_a_proxy_looks_like() -> None:
    assert names(replace(SAFE, address="127.0.0.1", cookie_secret="short")) == ["weak cookie secret"]


def test_the_sandbox_may_be_shown_around_without_sign_in() -> None:
    assert names(Server(address="", has_portal_key=False)) == []


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("", False),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("192.168.1.5", False),
        ("localhost.example.com", False),
    ],
)
def test_what_is_this_machine(host: str, is_ours: bool) -> None:
    assert is_this_machine(host) is is_ours


def test_the_pin_is_that_of_the_requirements_and_the_secret_stays_out_of_the_repr() -> None:
    assert f"streamlit=={STREAMLIT_PIN}" in (ROOT / "requirements.txt").read_text()
    assert installed == STREAMLIT_PIN
    assert STRONG not in repr(SAFE)


# The same through a real start


def start(folder: Path, *options: str, secrets: str | None = None) -> tuple[int | None, str, list[int]]:
    """The exit code of `streamlit run app.py` (None: it serves), its log, and the status of its first answer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("LEADLIB_", "STREAMLIT_"))}
    if secrets is not None:
        path = folder / "secrets.toml"
        path.write_text(secrets)
        path.chmod(0o600)
        options = (*options, "--secrets.files", str(path))
    log = folder / "app.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port), *options],
            cwd=ROOT,
            env={**environ, "LEADLIB_DATABASE": str(folder / "data"), "LEADLIB_SYNC_MINUTES": "0"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    answers: list[int] = []
    deadline = time.monotonic() + 60
    try:
        while process.poll() is None and not answers and time.monotonic() < deadline:
            try:
                answers.append(httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code)
            except httpx.TransportError:
                time.sleep(0.1)
        return process.poll(), log.read_text(), answers
    finally:
        process.terminate()
        process.wait(15)


def test_a_refused_app_ends_before_it_answers_anything_and_its_log_names_each_reason(tmp_path: Path) -> None:
    secrets = (
        '[auth]\nredirect_uri = "http://leads.example.com/oauth2callback"\ncookie_secret = "canary-canary-canary"\n'
    )
    code, log, answers = start(
        tmp_path, "--client.showErrorDetails", "full", "--server.enableCORS", "false", secrets=secrets
    )
    assert (code, answers) == (3, []), log
    for name in ("weak cookie secret", "plain redirect_uri", "error details shown", "CORS protection off"):
        assert f"Refused to start: {name}. " in log, log
    assert "canary" not in log
    assert not (tmp_path / "data").exists()
