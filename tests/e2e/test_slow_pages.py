"""A page that never comes can be left."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import AppServer, serve_app, settle
from tests.slow_stores import PORTAL, make_slow_store


@pytest.fixture
def app(tmp_path: Path) -> Iterator[AppServer]:
    """An app without a limit, of which Data health never comes: whoever gets away from it was let go."""
    make_slow_store(tmp_path / "data")
    settings = {"LEADLIB_API_URL": PORTAL, "LEADLIB_API_TOKEN": "a-token", "LEADLIB_SYNC_MINUTES": "0"}
    with serve_app(tmp_path, **settings, LEADLIB_QUERY_SECONDS="0") as server:
        yield server
        assert "Traceback" not in server.log.read_text()


def test_a_click_elsewhere_ends_the_question_of_a_page_that_never_comes(
    app: AppServer, open_page: Callable[..., Page]
) -> None:
    page = open_page(app.url)
    page.get_by_test_id("stSidebarNavLink").get_by_text("Data health").click()
    page.get_by_role("heading", name="Oddities").wait_for()  # what is asked next is never answered
    page.get_by_test_id("stSidebarNavLink").get_by_text("Volume").click()
    page.get_by_role("heading", name="Volume", exact=True).wait_for()
    settle(page)
    assert page.get_by_test_id("stAlert").count() == 0
