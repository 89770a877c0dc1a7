"""S19: figures for Prometheus, scraped over HTTP; and the log of a sync in which much goes wrong: nobody is in them."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from leadlib import logs
from leadlib.access import LOCAL
from leadlib.config import Secret, Settings
from leadlib.engine import Engine
from leadlib.errors import SettingsError, StoppedError
from leadlib.filters import Filters
from leadlib.monitoring import MetricsPort
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.worker import Wish
from tests.conftest import at

NOW = at("2026-11-20 09:00")


@pytest.fixture(scope="module")
def portal() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(n_leads=300, frozen_at=NOW, calls_per_minute=10**6)) as running:
        yield running


def settings_of(portal: SandboxServer, folder: Path) -> Settings:
    return Settings(
        api_url=portal.url,
        api_key=Secret(API_KEY),
        api_secret=Secret(API_SECRET),
        database=folder,
        calls_per_minute=650,
        metrics_port=0,
    )


def scrape(port: MetricsPort) -> tuple[str, dict[str, float]]:
    """The text, and each figure by its name with its labels."""
    text = httpx.get(f"http://127.0.0.1:{port.port}/metrics").text
    return text, {
        sample.name + "".join(f"[{value}]" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def personal_words(portal: SandboxServer, engine: Engine) -> set[str]:
    """All that the store has of people: names, phones, addresses, links, ids; and what the portal is called with."""
    rows = engine.store.query("select lead_id, agent_id, listing_reference, sender_key from leads")
    values = [value for column in rows for value in rows[column]]
    values += [value for row in engine.store.contacts(rows["lead_id"].tolist()).to_pylist() for value in row.values()]
    values += engine.store.query("select name from agents")["name"].tolist()
    words = {value for value in values if isinstance(value, str)}
    words |= {str(value) for value in rows["agent_id"].dropna()}
    return {word for word in words | {API_KEY, API_SECRET} if len(word) > 4}


def test_a_scrape_has_the_figures_and_nothing_personal(portal: SandboxServer, tmp_path: Path) -> None:
    with Engine.open(settings_of(portal, tmp_path)) as engine:
        port = MetricsPort.open(engine)
        assert port is not None
        try:
            _, before = scrape(port)
            assert "leadlight_data_age_seconds" not in before
            assert before["leadlight_store_usable"] == 1
            engine.sync(Wish(full=True), lambda progress: None)
            engine.tickets.redeem(engine.tickets.issue(Filters(), "csv", personal=False, access=LOCAL))
            engine.tickets.redeem("no such ticket")
            engine.store.raise_alarm("audit", "The portal hides leads.")
            assert engine.watch is not None
            engine.watch.look()
            text, figures = scrape(port)
        finally:
            port.close()
        words = personal_words(portal, engine)
    assert len(words) > 500
    assert [word for word in words if word in text] == []
    bands = ["cold", "hot", "warm"]
    assert sorted(name for name in figures if "last_success" in name) == [
        f"leadlight_last_success_timestamp_seconds[{band}]" for band in bands
    ]
    expected = {
        "leadlight_stale[hot]": 0,
        "leadlight_stale[cold]": 0,
        "leadlight_reconcile_delta": 0,
        "leadlight_uncertain_slices": 0,
        "leadlight_rejected_rows": 0,
        "leadlight_rate_limited_total": 0,
        "leadlight_exports_total": 1,
        "leadlight_unknown_subscriptions": 0,
        "leadlight_alarm[audit]": 1,
        "leadlight_key_days_left": 365,
        "leadlight_syncing": 0,
        "leadlight_store_usable": 1,
        "leadlight_webhook_events_waiting": 0,
    }
    assert {name: figures.get(name) for name in expected} == expected
    assert figures["leadlight_calls_total"] > 10
    assert figures["leadlight_ledger_sequence"] > figures["leadlight_generation_sequence"] > 0
    assert figures["leadlight_data_age_seconds"] > 0
    document = (Path(__file__).resolve().parents[1] / "docs" / "monitoring.md").read_text()
    assert {name.partition("[")[0] for name in figures} == {
        name for name in {name.partition("[")[0] for name in figures} if name in document
    }


def test_a_store_that_does_not_answer_is_told_and_the_scrape_goes_on(portal: SandboxServer, tmp_path: Path) -> None:
    with Engine.open(settings_of(portal, tmp_path)) as engine:
        port = MetricsPort.open(engine)
        assert port is not None
        try:
            engine.store.close()
            _, figures = scrape(port)
        finally:
            port.close()
    assert figures["leadlight_store_usable"] == 0
    assert figures["leadlight_calls_total"] == 0


def test_no_port_is_opened_unless_one_is_set_and_a_taken_one_is_named(portal: SandboxServer, tmp_path: Path) -> None:
    with Engine.open(settings_of(portal, tmp_path)) as engine:
        first = MetricsPort.open(engine)
        assert first is not None
        engine.settings = replace(engine.settings, metrics_port=None)
        assert MetricsPort.open(engine) is None
        engine.settings = replace(engine.settings, metrics_port=first.port)
        with pytest.raises(SettingsError, match=f"port {first.port}"):
            MetricsPort.open(engine)
        first.close()


# The log


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What Leadlight logs as JSON; the logger is as before afterwards."""
    logger = logging.getLogger("leadlib")
    handlers, level = list(logger.handlers), logger.level
    written = io.StringIO()
    logs.set_up("json", written)
    yield written
    logger.handlers[:], logger.level = handlers, level


def test_a_sync_in_which_much_goes_wrong_leaves_a_log_without_anybody_in_it(
    log: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadlib.api.wire.FIRST_BACKOFF_S", 0.01)
    faults = frozenset({"odd-corpus", "unauthorized-once", "truncated"})
    with (
        SandboxServer(SandboxSettings(n_leads=200, frozen_at=NOW, calls_per_minute=10**6, faults=faults)) as portal,
        Engine.open(settings_of(portal, tmp_path)) as engine,
    ):
        engine.sync(Wish(full=True), lambda progress: None)
        words = personal_words(portal, engine)
        engine.client.stop()
        with pytest.raises(StoppedError):
            engine.sync(Wish(full=True), lambda progress: None)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert len(lines) >= 3
    assert {"time", "level", "logger", "message"} == set().union(*lines)
    assert any(line["message"].startswith("sync cold") for line in lines)
    assert len(words) > 400
    assert [word for word in words if word in log.getvalue()] == []


@pytest.mark.parametrize("form", logs.LOG_FORMS)
def test_an_error_is_logged_by_its_kind_and_place_and_without_its_words(log: io.StringIO, form: logs.LogForm) -> None:
    logs.set_up(form, log)
    try:
        raise ValueError("Test Sender One, +971500000001")
    except ValueError:
        logging.getLogger("leadlib.somewhere").exception("a page failed")
    text = log.getvalue()
    assert "a page failed" in text
    assert "ValueError" in text
    assert "test_monitoring.py" in text
    assert "Test Sender" not in text
    assert "+9715" not in text


def test_as_text_only_warnings_are_written_and_setting_up_again_replaces(log: io.StringIO) -> None:
    logs.set_up("text", log)
    logs.set_up("text", log)
    logging.getLogger("leadlib.somewhere").info("a detail")
    logging.getLogger("leadlib.somewhere").warning("a warning")
    assert log.getvalue() == "a warning\n"
