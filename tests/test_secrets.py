"""S1: what opens the portal is in no file, no log and no text that an error or an object gives of itself."""

import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest

from leadlib.api import Client
from leadlib.config import SETTINGS, Secret, Settings, load_settings
from leadlib.delivery import mail_server
from leadlib.engine import Engine
from leadlib.errors import PortalError
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.worker import Wish
from tests.conftest import at

TOKEN = re.compile(rb"eyJ[\w-]{10,}")
WEBHOOK_SECRET = "canary-webhook-secret-0001"
WAYS_OUT = {
    "smtp": mail_server("smtp://canary-user:canary-password-0002@mail.example"),
    "slack_webhook": Secret("https://hooks.example/canary-0003"),
    "webhook_secret": Secret(WEBHOOK_SECRET),
}
CANARIES = tuple(
    text.encode() for text in (API_KEY, API_SECRET, WEBHOOK_SECRET, "canary-password-0002", "hooks.example/canary-0003")
)


def leaks(content: bytes) -> list[bytes]:
    return [canary for canary in CANARIES if canary in content] + TOKEN.findall(content)


def test_S1_no_secret_is_in_the_store_its_copies_a_backup_or_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with SandboxServer(SandboxSettings(n_leads=200, frozen_at=at("2026-11-20 09:00"), token_life_s=5)) as portal:
        settings = Settings(
            api_url=portal.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET), database=tmp_path / "data"
        )
        with Engine.open(replace(settings, **WAYS_OUT)) as engine:
            engine.sync(Wish(full=True), lambda progress: None)
            engine.keep_store()
            engine.store.back_up(tmp_path / "backup")
            shown = f"{engine.settings!r} {engine.client!r} {vars(engine.settings)}"
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert {path.name: leaks(path.read_bytes()) for path in files if leaks(path.read_bytes())} == {}
    assert leaks(shown.encode()) == []
    assert leaks(caplog.text.encode()) == []


def test_S1_an_error_of_the_portal_names_no_secret() -> None:
    with SandboxServer(SandboxSettings(n_leads=10)) as portal:
        wrong = Settings(api_url=portal.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET[::-1]))
        with Client(wrong) as client, pytest.raises(PortalError) as error:
            client.page(1)
    assert API_SECRET[::-1] not in f"{error.value!r} {error.value} {vars(error.value)}"
    assert API_KEY not in f"{error.value!r} {error.value} {vars(error.value)}"


def test_S1_a_setting_that_is_wrong_is_named_without_its_value() -> None:
    values = {
        "LEADLIB_SMTP": "smtp://canary@x",
        "LEADLIB_SLACK_WEBHOOK": "ftp://canary",
        "LEADLIB_WEBHOOK_SECRET": "canary",
    }
    assert values.keys() <= {setting.name for setting in SETTINGS}
    for name, value in values.items():
        with pytest.raises(Exception, match=name) as error:
            load_settings({name: value}, Path("/nowhere"))
        assert "canary" not in str(error.value)
