"""S20: the portal's key is changed without a gap, as docs/hosting.md says: two keys overlap, the settings switch."""

from datetime import timedelta
from pathlib import Path

import pytest

from leadlib.config import Secret, Settings
from leadlib.engine import Engine
from leadlib.errors import CredentialsError
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.worker import Wish
from tests.conftest import at

NOW = at("2026-11-20 09:00")
SECOND, ITS_SECRET = "SECND." + "k" * 34, "s" * 32


def look(settings: Settings, portal: SandboxServer, full: bool = False) -> tuple[str, int]:
    """Opens the store with these settings, as a start does, looks once, and tells how that ended and what is stored."""
    portal.clock.set(portal.clock.now() + timedelta(minutes=5))
    with Engine.open(settings) as engine:
        row = engine.sync(Wish(full=full), lambda progress: None)
        n_leads = engine.store.query("select count(*) as n from leads")["n"].iloc[0]
    return row.outcome, int(n_leads)


def test_two_keys_overlap_the_settings_switch_and_no_sweep_fails(tmp_path: Path) -> None:
    with SandboxServer(SandboxSettings(n_leads=100, frozen_at=NOW, calls_per_minute=10**6)) as portal:

        def settings(key: str, secret: str) -> Settings:
            return Settings(api_url=portal.url, api_key=Secret(key), api_secret=Secret(secret), database=tmp_path)

        old, new = settings(API_KEY, API_SECRET), settings(SECOND, ITS_SECRET)
        sweeps = [look(old, portal, full=True), look(old, portal)]
        portal.issue_key(SECOND, ITS_SECRET)
        sweeps += [look(old, portal), look(new, portal)]  # either works while both are there
        portal.revoke_key(API_KEY)
        sweeps += [look(new, portal), look(new, portal, full=True)]
        assert [outcome for outcome, _ in sweeps] == ["complete"] * 6
        counts = [n_leads for _, n_leads in sweeps]
        assert counts == sorted(counts)
        assert counts[0] > 50
        with pytest.raises(CredentialsError):  # so the switch was one
            look(old, portal)
        assert look(new, portal)[0] == "complete"


def test_a_revoked_key_takes_its_tokens_along(tmp_path: Path) -> None:
    with SandboxServer(SandboxSettings(n_leads=50, frozen_at=NOW, calls_per_minute=10**6)) as portal:
        portal.issue_key(SECOND, ITS_SECRET)
        settings = Settings(
            api_url=portal.url, api_key=Secret(SECOND), api_secret=Secret(ITS_SECRET), database=tmp_path
        )
        with Engine.open(settings) as engine:
            assert engine.client.page(per_page=1).total > 0
            portal.revoke_key(SECOND)
            with pytest.raises(CredentialsError):
                engine.client.page(per_page=1)
