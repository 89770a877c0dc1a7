"""What the server does beside the pages: health and downloads, over HTTP and without Streamlit's server."""

import asyncio
import csv
import io
import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

from leadlib.access import LOCAL
from leadlib.engine import Engine
from leadlib.errors import ExportError, StoreError
from leadlib.filters import Filters
from leadlib.ui.engine import get_engine
from leadlib.ui.view import View
from leadlib.web import MIDDLEWARE, ROUTES, lifespan
from leadlib.worker import WorkerStatus
from tests.conftest import at, make_lead, set_app_settings

SHELL = Path(__file__).resolve().parents[1] / "leadlib" / "ui" / "shell.py"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A store of the test's own, no portal, no sync, and a place for temporary files that can be looked into."""
    set_app_settings(monkeypatch, tmp_path)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    yield
    get_engine.clear()


@pytest.fixture
def engine() -> Engine:
    opened = get_engine()
    opened.store.write_leads(
        [make_lead("a"), make_lead("b", channel="call", responseLink=None)], observed_at=at("2026-11-20 21:30")
    )
    return opened


def get(path: str, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=ROUTES, middleware=MIDDLEWARE))
        async with httpx.AsyncClient(transport=transport, base_url="http://app.test") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


def left_over(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "tmp").iterdir()]


# Health


def test_health_tells_the_age_of_the_data(engine: Engine) -> None:
    answer = get("/healthz")
    body = answer.json()
    assert (answer.status_code, body["status"], body["as_of"]) == (200, "ok", "2026-11-20T21:30:00+00:00")
    assert isinstance(body["age_seconds"], int)
    assert body["is_syncing"] is False


def test_health_of_an_empty_store_has_no_age() -> None:
    assert get("/healthz").json() == {
        "status": "ok",
        "as_of": None,
        "age_seconds": None,
        "background_sync": "off",
        "stale": [],
        "seconds_since": {"hot": None, "cold": None},
        "seconds_allowed": {"hot": 900, "cold": 43_200},
        "is_syncing": False,
        "alarms": [],
    }


def test_health_names_the_alarms(engine: Engine) -> None:
    engine.store.raise_alarm("mass_deletion", "6 leads are missing.")
    assert get("/healthz").json()["alarms"] == ["mass_deletion"]


def test_health_is_failing_after_a_sync_that_failed(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.worker, "_status", WorkerStatus(error=ExportError("x", "y")))
    assert get("/healthz").json()["status"] == "failing"


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        pytest.param("LEADLIB_API_DIALECT", "klingon", "SettingsError", id="settings"),
        pytest.param("LEADLIB_DATABASE", __file__, "StoreUnreadableError", id="store"),
    ],
)
def test_without_a_usable_store_health_and_downloads_say_so_and_nothing_more(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, kind: str
) -> None:
    monkeypatch.setenv(name, value)
    answer = get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable", "error": kind})
    download = get("/export/anything")
    assert download.status_code == 500
    assert "a-token" not in download.text
    assert "Traceback" not in download.text


# Downloads


def test_ticket_gives_exactly_its_leads_and_leaves_nothing_behind(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ticket = engine.tickets.issue(Filters.of({"type": ["call"]}), "csv", personal=False, access=LOCAL)
    answer = get(f"/export/{ticket}")
    assert answer.status_code == 200
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["lead_id"] for row in rows] == ["b"]
    assert "Test Sender" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("text/csv")
    # Half past nine in the evening in London is the next day in Dubai, whose days the screens show.
    assert "leadlight-leads-filtered-2026-11-21T0130-" in answer.headers["content-disposition"]
    assert left_over(tmp_path) == []
    assert ticket not in caplog.text


def test_personal_columns_come_with_a_ticket_that_says_so(engine: Engine) -> None:
    ticket = engine.tickets.issue(Filters(), "csv", personal=True, access=LOCAL)
    answer = get(f"/export/{ticket}?personal=false")
    assert "Test Sender One" in answer.text
    assert "example.com/r/" not in answer.text


def test_ticket_can_be_used_again_and_shows_the_data_of_then(engine: Engine) -> None:
    ticket = engine.tickets.issue(Filters(), "json", personal=False, access=LOCAL)
    assert len(get(f"/export/{ticket}").json()["leads"]) == 2
    engine.store.write_leads([make_lead("c")], observed_at=at("2026-11-20 22:00"))
    assert len(get(f"/export/{ticket}").json()["leads"]) == 3


def test_G7_two_downloads_of_one_length_and_more_than_a_mebibyte_each_have_their_own_rows(engine: Engine) -> None:
    """They differ in the middle, where whoever tells files apart by their length and some samples does not look."""
    leads = [
        make_lead(
            f"{group}-{number:03}",
            listing={"id": "L", "reference": group},
            tags=[group * 1_000 if number == 150 else "x" * 4_000],
        )
        for group in ("EX-A", "EX-B")
        for number in range(300)
    ]
    engine.store.write_leads(leads, observed_at=at("2026-11-20 22:00"))
    tickets = [engine.tickets.issue(Filters.of({"listing": [g]}), "csv", False, LOCAL) for g in ("EX-A", "EX-B") * 3]
    answers = [get(f"/export/{ticket}") for ticket in tickets]
    assert len({len(answer.content) for answer in answers}) == 1
    assert len(answers[0].content) > 1 << 20
    for answer, group in zip(answers, ("EX-A", "EX-B") * 3, strict=True):
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert {row["lead_id"][:4] for row in rows} == {group}
        assert rows[150]["tags"] == group * 1_000
    assert len({answer.headers["content-disposition"] for answer in answers}) == 6
    assert len({found.sha256 for found in engine.store.exports.rows()}) == 6


def test_G8_a_download_has_the_rows_and_the_commit_that_the_screen_shows(engine: Engine) -> None:
    app = AppTest.from_file(str(SHELL), default_timeout=60)
    app.query_params["type"] = "call"
    app.run()
    app.switch_page("../../pages/leads.py").run()
    shown = app.dataframe[0].value["lead_id"].tolist()
    about = get(f"/export/{engine.tickets.issue(current_filters(app), 'json', False, LOCAL)}").json()
    assert [lead["lead_id"] for lead in about["leads"]] == shown == ["b"]
    app.switch_page("../../pages/health.py").run()
    words = " ".join(element.proto.body for element in app.get("html"))
    assert about["about"]["commit_before"] == about["about"]["commit_after"] == engine.store.sequence()
    assert f'<dt>Commit</dt><dd dir="auto">{engine.store.sequence()}</dd>' in words


def current_filters(app: AppTest) -> Filters:
    """The filters that the page last drawn had."""
    view = app.session_state["view"]
    assert isinstance(view, View)
    return view.filters


@pytest.mark.parametrize("wanted", ["bytes=0-9", "bytes=999999-", "nonsense"])
def test_part_of_a_download_is_never_sent(engine: Engine, tmp_path: Path, wanted: str) -> None:
    ticket = engine.tickets.issue(Filters(), "csv", personal=True, access=LOCAL)
    answer = get(f"/export/{ticket}", Range=wanted)
    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["content-length"])
    assert answer.headers["accept-ranges"] == "none"
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("ticket", ["never-issued", "%2e%2e%2fhealthz", "a" * 5_000])
def test_unknown_ticket_is_expired(engine: Engine, ticket: str) -> None:
    answer = get(f"/export/{ticket}")
    assert answer.status_code == 404


def test_expired_ticket_says_what_to_do(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = engine.tickets.issue(Filters(), "csv", personal=False, access=LOCAL)
    later_s = engine.tickets._monotonic_s() + 601
    monkeypatch.setattr(engine.tickets, "_monotonic_s", lambda: later_s)
    answer = get(f"/export/{ticket}")
    assert (answer.status_code, "start it again" in answer.text) == (404, True)


def _full_disk(*_: object, **__: object) -> None:
    raise ExportError("The disk is full.", "export")


def _bug(*_: object, **__: object) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("failing", "raised"), [pytest.param(_full_disk, None, id="error"), pytest.param(_bug, ZeroDivisionError, id="bug")]
)
def test_export_that_fails_leaves_nothing_behind(
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failing: Callable[..., None],
    raised: type[Exception] | None,
) -> None:
    monkeypatch.setattr("leadlib.web.export_on_record", failing)
    ticket = engine.tickets.issue(Filters(), "csv", personal=True, access=LOCAL)
    if raised is None:
        answer = get(f"/export/{ticket}")
        assert (answer.status_code, answer.text) == (500, "The export could not be written. The disk is full.")
    else:
        with pytest.raises(raised):
            get(f"/export/{ticket}")
    assert left_over(tmp_path) == []


# Start and stop


def test_lifespan_opens_the_engine_and_closes_it_whatever_happens() -> None:
    opened: list[Engine] = []

    async def live() -> None:
        async with lifespan(None):
            opened.append(get_engine())
            assert opened[0].worker.is_alive
            raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(live())
    assert not opened[0].worker.is_alive
    with pytest.raises(StoreError, match="has been closed"):
        opened[0].store.remember("key", "value")


def test_server_starts_without_a_usable_setting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LEADLIB_API_DIALECT", "klingon")

    async def live() -> int:
        async with lifespan(None):
            return 1

    assert asyncio.run(live()) == 1
    assert "must be one of auto, filter, flat" in caplog.text
    assert "a-token" not in caplog.text
