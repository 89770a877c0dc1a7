"""How much heavy work goes on at a time, and what is said to those who wait."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

from leadlib.access import LOCAL
from leadlib.engine import Engine
from leadlib.filters import Filters
from leadlib.places import Places
from leadlib.ui.downloads import line_words, others_words
from leadlib.ui.engine import get_engine
from leadlib.web import MIDDLEWARE, ROUTES
from tests.conftest import at, make_lead, set_app_settings
from tests.test_screens import SHELL, texts

LONGEST_S = 30.0


def test_those_in_front_begin_and_the_others_know_how_many_are_ahead() -> None:
    places = Places(2)
    turns = [places.line_up(str(number)) for number in range(5)]
    assert [turn.has_begun for turn in turns] == [True, True, False, False, False]
    assert [places.n_ahead(str(number)) for number in range(5)] == [0, 0, 1, 2, 3]
    assert (places.n_ahead("somebody else"), places.n_ahead_of_next) == (None, 4)


def test_a_place_that_is_free_goes_to_who_waits_longest() -> None:
    places = Places(1)
    first, second, third = (places.line_up(name) for name in ("first", "second", "third"))
    with second:
        pass  # has gone away while it waited
    assert (first.has_begun, third.has_begun) == (True, False)
    with first:
        pass
    assert third.wait(0)


def test_who_waits_begins_when_another_ends() -> None:
    places, begun = Places(1), threading.Event()
    with places.line_up():
        waiting = places.line_up()
        thread = threading.Thread(target=lambda: waiting.wait(LONGEST_S) and begun.set())
        thread.start()
        assert not begun.is_set()
    thread.join(LONGEST_S)
    assert begun.is_set()


@pytest.mark.parametrize(
    ("longest_s", "is_gone"),
    [pytest.param(0.0, False, id="too long"), pytest.param(LONGEST_S, True, id="nobody waits any more")],
)
def test_waiting_ends_without_a_place(longest_s: float, is_gone: bool) -> None:
    places = Places(1)
    with places.line_up(), places.line_up() as second:
        assert not second.wait(longest_s, lambda: is_gone)


def test_the_line_is_told_in_words() -> None:
    files = Places(1)
    assert (line_words(files, ["mine"]), others_words(files)) == ("", "")
    theirs, mine = files.line_up("theirs"), files.line_up("mine")
    assert line_words(files, ["mine"]) == "A file of yours waits for 1\xa0file before it; it comes by itself."
    assert (
        others_words(files) == "Others are downloading: a file that you ask for now begins after 2\xa0files of theirs."
    )
    with theirs:
        pass
    assert mine.has_begun
    assert line_words(files, ["mine"]) == "Your file is being made."


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Engine]:
    """An app with two leads, which makes one file at a time."""
    set_app_settings(monkeypatch, tmp_path, LEADLIB_FILES_AT_ONCE="1")
    opened = get_engine()
    opened.store.write_leads([make_lead("a"), make_lead("b")], observed_at=at("2026-11-20 21:30"))
    yield opened
    get_engine.clear()


def client() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Starlette(routes=ROUTES, middleware=MIDDLEWARE))
    return httpx.AsyncClient(transport=transport, base_url="http://app.test")


def test_downloads_wait_for_their_turn_and_health_is_told_meanwhile(engine: Engine) -> None:
    tickets = [engine.tickets.issue(Filters(), "csv", False, LOCAL) for _ in range(60)]

    async def ask() -> tuple[int, list[int]]:
        async with client() as asking:
            with engine.files.line_up():
                downloads = [asyncio.create_task(asking.get(f"/export/{ticket}")) for ticket in tickets]
                while engine.files.n_ahead_of_next < len(tickets):
                    await asyncio.sleep(0.01)
                health = await asking.get("/healthz")  # sixty that wait must not keep what answers this busy
                assert not any(download.done() for download in downloads)
            return health.status_code, [(await download).status_code for download in downloads]

    assert asyncio.run(ask()) == (200, [200] * 60)


def test_a_download_that_never_comes_to_its_turn_says_so(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadlib.web.LONGEST_WAIT_S", 0.0)
    ticket = engine.tickets.issue(Filters(), "csv", False, LOCAL)

    async def ask() -> httpx.Response:
        async with client() as asking:
            with engine.files.line_up():
                return await asking.get(f"/export/{ticket}")

    answer = asyncio.run(ask())
    assert (answer.status_code, engine.files.n_ahead(ticket)) == (503, None)
    assert "start the download again" in answer.text


def test_a_browser_that_goes_away_while_it_waits_gives_its_turn_up(engine: Engine) -> None:
    ticket = engine.tickets.issue(Filters(), "csv", False, LOCAL)
    messages = [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return messages.pop(0) if len(messages) > 1 else messages[0]

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    async def ask() -> None:
        scope = {
            "type": "http", "method": "GET", "path": f"/export/{ticket}", "raw_path": b"", "query_string": b"",
            "headers": [], "server": ("app.test", 80), "scheme": "http", "root_path": "",
        }  # fmt: skip
        await Starlette(routes=ROUTES, middleware=MIDDLEWARE)(scope, receive, send)

    with engine.files.line_up():
        asyncio.run(asyncio.wait_for(ask(), LONGEST_S))
    assert engine.files.n_ahead(ticket) is None
    assert sent[0]["status"] == 503


def test_the_page_tells_who_waits_and_for_how_many(engine: Engine) -> None:
    app = AppTest.from_file(str(SHELL), default_timeout=60).run()
    app.session_state["download"] = True
    with engine.files.line_up():
        app.run()
        assert not app.exception
        assert "a file that you ask for now begins after 1\xa0file of theirs" in texts(app)
        asked = app.session_state["download_asked"]
        with engine.files.line_up(asked[0]):
            app.run()
            assert "A file of yours waits for 1\xa0file before it" in texts(app)
