"""A real server, a real portal and a real browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from tests.conftest import at, settings_of_store

ROOT = Path(__file__).resolve().parents[2]
READY_S = 60
PATHS = [*sorted(page.stem for page in (ROOT / "pages").glob("*.py") if page.stem != "overview"), ""]
"""The address of every page, without its host; the Overview has the bare one."""


@dataclass(frozen=True)
class AppServer:
    """A running app: its address, its log, and how long it took from start to its first answer."""

    url: str
    log: Path
    seconds_to_ready: float

    def wait_for_leads(self, within_s: float = READY_S) -> None:
        """Waits until the first sync is over."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            health = httpx.get(f"{self.url}/healthz", timeout=within_s).json()
            if health.get("as_of") and not health["is_syncing"]:
                return
            time.sleep(0.1)
        raise TimeoutError(f"no lead after {within_s} s; the log says: {self.log.read_text()[-2000:]}")


@contextmanager
def serve_app(folder: Path, *, within_s: float = READY_S, **settings: str) -> Iterator[AppServer]:
    """`streamlit run app.py` in a process of its own, with a store in `folder` and nothing else set but `settings`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("LEADLIB_", "STREAMLIT_"))}
    log = folder / "app.log"
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port)],
            cwd=ROOT,
            env={**environ, **settings_of_store(folder / "data"), **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://localhost:{port}"
    try:
        while True:
            try:
                httpx.get(f"{url}/healthz", timeout=5)
                break
            except httpx.TransportError:
                if process.poll() is not None or time.monotonic() - started > within_s:
                    raise TimeoutError(f"the app did not start: {log.read_text()[-2000:]}") from None
                time.sleep(0.05)
        yield AppServer(url, log, time.monotonic() - started)
    finally:
        process.terminate()
        process.wait(timeout=15)


@contextmanager
def serve_over(portal: SandboxServer, folder: Path, **more: str) -> Iterator[AppServer]:
    """The app with a store in `folder` over this portal, all of its leads read; `more` are settings too."""
    settings = {"LEADLIB_API_URL": portal.url, "LEADLIB_API_KEY": API_KEY, "LEADLIB_API_SECRET": API_SECRET}
    with serve_app(folder, **settings, **more, LEADLIB_SYNC_MINUTES="60") as server:
        server.wait_for_leads()
        yield server


@pytest.fixture(scope="package")
def portal() -> Iterator[SandboxServer]:
    """A planted brokerage that stands still, for all files that leave it as it is."""
    with SandboxServer(SandboxSettings(n_leads=3_000, frozen_at=at("2026-11-20 09:00"))) as server:
        yield server


@pytest.fixture(scope="package")
def app(portal: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The app over that brokerage, all of its leads read."""
    with serve_over(portal, tmp_path_factory.mktemp("app")) as server:
        yield server
        assert "Traceback" not in server.log.read_text()


def chromium_path() -> str:
    """The machine's Chromium; without one the test is skipped, unless LEADLIB_REQUIRE_BROWSER=1."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        if os.environ.get("LEADLIB_REQUIRE_BROWSER") == "1":
            pytest.fail("LEADLIB_REQUIRE_BROWSER=1, but no Chromium is on the PATH")
        pytest.skip("no Chromium on the PATH: install one to run the browser tests")
    return path


# For this package only: while it lives, Playwright's event loop runs in the thread of the tests.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A headless Chromium from the machine; without one the test is skipped, unless LEADLIB_REQUIRE_BROWSER=1."""
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=[
                # Chromium's own sandbox refuses to run as root, which is what build machines are.
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """A function that opens an address in a browser context of its own, as a colleague's browser would."""
    contexts = []

    def open_one(url: str) -> Page:
        context = chromium.new_context(viewport={"width": 1360, "height": 900}, accept_downloads=True)
        contexts.append(context)
        page = context.new_page()
        page.goto(url)
        settle(page)
        return page

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture(scope="package")
def visit(chromium: Browser) -> Iterator[Callable[[str], Page]]:
    """A function that opens an address in a browser that has been in use: it need not load the app's scripts again."""
    page = chromium.new_context(viewport={"width": 1360, "height": 900}).new_page()

    def open_there(url: str) -> Page:
        page.goto(url)
        settle(page)
        return page

    yield open_there
    page.context.close()


def settle(page: Page) -> None:
    """Waits until the script has run and the page has drawn what it was sent."""
    page.wait_for_selector("[data-testid=stMainBlockContainer] h1, [data-testid=stAlert]", timeout=30_000)
    page.wait_for_function(
        "document.querySelector('.stApp')?.dataset.testScriptState === 'notRunning'"
        " && !document.querySelector('[data-testid=stSkeleton]')",
        timeout=30_000,
    )


def go_to(page: Page, url: str, path: str, query: str = "?agent=90001") -> None:
    """Goes there by the menu, which a phone folds away; by the address with `query` where the menu does not list it."""
    links = page.get_by_test_id("stSidebarNavLink")
    names = [urlsplit(link.get_attribute("href") or "").path.strip("/") for link in links.all()]
    if path not in names:
        page.goto(f"{url}/{path}{query}")
    else:
        before = page.title()
        links.nth(names.index(path)).evaluate("link => link.click()")
        page.wait_for_function("before => document.title !== before", arg=before)
    settle(page)


def choose_row(page: Page, place: int, table: int = -1) -> None:
    """Ticks the box of a row of a table, both counted from 0. Tables are painted: there is no element to click."""
    page.locator("[data-testid=stDataFrame] canvas").last.wait_for()
    frame = page.locator("[data-testid=stDataFrame]").nth(table)
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 17, box["y"] + 35 * (place + 1) + 17)


def kpis(page: Page) -> dict[str, str]:
    """The headline cards: label to value."""
    cards = page.locator("[data-testid=stMetric]").all()
    return {
        card.locator("[data-testid=stMetricLabel]").inner_text().strip(): card.locator(
            "[data-testid=stMetricValue]"
        ).inner_text()
        for card in cards
    }
