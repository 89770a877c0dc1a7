"""What an installation consists of, opened and closed as one."""

import subprocess
import sys
from pathlib import Path

import pytest

from leadlib.config import SANDBOX_PORTAL, Secret, Settings
from leadlib.engine import Engine
from leadlib.errors import SettingsError


@pytest.mark.embedded(reason="looks whether a file is held")
def test_engine_that_cannot_open_holds_no_file(tmp_path: Path) -> None:
    settings = Settings(api_token=Secret("not a token"), database=tmp_path)
    with pytest.raises(SettingsError) as caught:  # which keeps the traceback, and with it all that was opened
        Engine.open(settings)
    script = f"import duckdb; duckdb.connect({str(tmp_path / 'leads.duckdb')!r})"
    subprocess.run([sys.executable, "-c", script], check=True)
    assert caught.value.name == "LEADLIB_API_TOKEN"


def test_without_credentials_the_engine_brings_its_own_portal(tmp_path: Path) -> None:
    with Engine.open(Settings(database=tmp_path)) as engine:
        assert engine.is_sandbox
        assert engine.store.portal == SANDBOX_PORTAL
        assert engine.dialect == "filter"
        assert engine.client.page(per_page=1).total > 10_000
    with Engine.open(Settings(database=tmp_path)) as again:  # its port is another one, its name is the same
        assert again.is_sandbox
