"""S14 and S16: what goes out goes to the portal's one host, and no database fetches an extension."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from leadlib.export import FORMATS, export_leads
from leadlib.filters import Filters
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.store import Store
from leadlib.ui.engine import get_engine
from leadlib.worker import Wish
from tests.conftest import at, make_lead

NOW = at("2026-11-20 09:00")
SHELL = Path(__file__).resolve().parents[1] / "leadlib" / "ui" / "shell.py"


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, int]]:
    """Every host and port that this process looks up or connects to meanwhile, whoever asks for it."""
    seen: set[tuple[str, int]] = set()
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def spy_connect(self: socket.socket, address: object) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            seen.add(tuple(address[:2]))  # type: ignore[index, arg-type]
        connect(self, address)  # type: ignore[arg-type]

    def spy_look_up(host: object, port: object, *rest: object, **options: object) -> object:
        seen.add((str(host), int(str(port or 0))))
        return look_up(host, port, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", spy_connect)
    monkeypatch.setattr(socket, "getaddrinfo", spy_look_up)
    return seen


@pytest.fixture
def canary() -> Iterator[str]:
    """An address at which somebody listens, and nobody of us may come by."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_syncs_pages_and_downloads_reach_the_portal_and_nothing_that_a_lead_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, canary: str, reached: set[tuple[str, int]]
) -> None:
    with SandboxServer(SandboxSettings(n_leads=60, frozen_at=NOW, calls_per_minute=10**6)) as portal:
        for name, value in {
            "LEADLIB_DATABASE": str(tmp_path / "store"),
            "LEADLIB_API_URL": portal.url,
            "LEADLIB_API_KEY": API_KEY,
            "LEADLIB_API_SECRET": API_SECRET,
            "LEADLIB_SYNC_MINUTES": "0",
        }.items():
            monkeypatch.setenv(name, value)
        engine = get_engine()
        try:
            engine.sync(Wish(full=True), lambda progress: None)
            baited = make_lead(
                "baited",
                "2026-11-20T08:00:00Z",
                responseLink=f"{canary}/r/1",
                sender={"name": f"![x]({canary}/n.png) {canary}", "contacts": [{"type": "email", "value": "a@b.test"}]},
                listing={"id": "01JEXAMP1E0000000000000001", "reference": f"{canary}/x"},
                tags=[f"{canary}/t"],
            )
            engine.store.write_leads([baited], observed_at=NOW)
            engine.sync(Wish(), lambda progress: None)
            assert engine.watch is not None
            engine.watch.look()
            engine.webhooks.turn()
            engine.keep_store()
            for fmt in FORMATS:
                path = tmp_path / f"leads.{fmt.key}"
                export_leads(engine.store, Filters(), fmt.key, path, personal=True, site="http://app.test/")
                assert path.stat().st_size > 0
            app = AppTest.from_file(str(SHELL), default_timeout=60)
            app.query_params["lead"] = "baited"
            app.run()
            app.switch_page("../../pages/leads.py").run()
            assert not app.exception
        finally:
            get_engine.clear()
        ours = int(portal.url.rpartition(":")[2])
    assert reached == {("127.0.0.1", ours)}


def test_no_connection_of_the_store_fetches_or_loads_an_extension(
    open_store: Callable[..., Store], reached: set[tuple[str, int]]
) -> None:
    store = open_store()
    for file in (store._analytics, store._personal):
        settings = dict(
            file.cursor().execute("select name, value from duckdb_settings() where name like '%extension%'").fetchall()
        )
        assert settings["autoinstall_known_extensions"] == "false"
        assert settings["autoload_known_extensions"] == "false"
        assert settings["allow_community_extensions"] == "false"
        for sql in ("select * from read_parquet('https://extensions.example/x')", "select st_point(1, 2)"):
            with pytest.raises(duckdb.Error):
                file.cursor().execute(sql)
    assert reached == set()
