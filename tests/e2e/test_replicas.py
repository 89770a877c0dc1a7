"""Two replicas of the app on one shared store: the nginx of deploy/ in front of both, a real browser before it."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page

from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from tests.conftest import settings_of_store
from tests.e2e.conftest import ROOT, AppServer, chromium_path, kpis, serve_app
from tests.e2e.proxy import HOST, Proxy, serve_proxy, tool

pytestmark = [pytest.mark.shared, pytest.mark.browser]
TEMPLATE = ROOT / "deploy" / "replicas.conf.template"
PATIENCE_S = 240
"""Two apps, a browser, nginx and PostgreSQL at once are much for a build machine."""


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[AppServer]]:
    """Two running apps, each with a folder of its own. The first was there first, so it does the work."""
    tool("nginx")
    folder = tmp_path_factory.mktemp("replicas")
    with ExitStack() as running:
        portal = running.enter_context(SandboxServer(SandboxSettings(n_leads=600)))
        settings = {
            **settings_of_store(folder / "data"),
            "LEADLIB_API_URL": portal.url,
            "LEADLIB_API_KEY": API_KEY,
            "LEADLIB_API_SECRET": API_SECRET,
            "LEADLIB_SYNC_MINUTES": "60",
        }
        apps = []
        for name in ("first", "second"):
            own = {"LEADLIB_FOLDER": str(folder / name / "own")}
            apps.append(running.enter_context(serve_app(folder / name, within_s=PATIENCE_S, **{**settings, **own})))
            apps[-1].wait_for_leads(PATIENCE_S)
        yield apps


@pytest.fixture(scope="module")
def proxy(replicas: list[AppServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    beside = TEMPLATE.read_text()
    for number, app in enumerate(replicas, 1):
        beside = beside.replace(f"${{LEADLIGHT_REPLICA_{number}}}", f"127.0.0.1:{port_of(app)}")
    told = {"$body_bytes_sent $request_time": "$body_bytes_sent $request_time $upstream_addr"}
    with serve_proxy(tmp_path_factory.mktemp("nginx"), "leadlight_replicas", beside, told) as running:
        yield running


@pytest.fixture(scope="module")
def visitors(proxy: Proxy, replicas: list[AppServer]) -> list[str]:
    """For each replica the name of a browser whose visits come to it."""
    found: dict[str, str] = {}
    for number in range(100):
        name = f"browser {number}"
        proxy.ask("/healthz", headers={"User-Agent": name})
        found.setdefault(proxy.log.read_text().split()[-1].rpartition(":")[2], name)
    return [found[port_of(app)] for app in replicas]


@pytest.fixture
def visit(chromium: Browser, proxy: Proxy) -> Iterator[Callable[[str, str], Page]]:
    """A function that opens a path of the public name in the browser with this name."""
    browser = chromium.browser_type.launch(
        executable_path=chromium_path(),
        args=["--no-sandbox", "--disable-gpu", f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{proxy.port}"],
    )

    def visit_one(name: str, path: str) -> Page:
        page = browser.new_context(ignore_https_errors=True, user_agent=name).new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        page.goto(f"https://{HOST}{path}")
        settle_by_selectors(page)
        return page

    yield visit_one
    browser.close()


def settle_by_selectors(page: Page) -> None:
    # What waits for a function puts one together from text, which the policy of the proxy forbids.
    page.locator("[data-testid=stMainBlockContainer] h1").first.wait_for()
    page.locator(".stApp[data-test-script-state=notRunning]").wait_for()


def port_of(app: AppServer) -> str:
    return app.url.rpartition(":")[2]


def health(app: AppServer) -> dict[str, object]:
    answer: dict[str, object] = httpx.get(f"{app.url}/healthz", timeout=PATIENCE_S).json()
    return answer


def test_a_filter_link_from_one_replica_opens_the_same_view_on_the_other(
    visit: Callable[[str, str], Page], visitors: list[str]
) -> None:
    unfiltered = kpis(visit(visitors[0], "/"))
    sender = visit(visitors[0], "/?v=1&type=whatsapp&status=responded")
    link = urlsplit(sender.url)  # as the page has written it
    assert set(parse_qs(link.query)) == {"v", "type", "status"}
    reader = visit(visitors[1], f"{link.path}?{link.query}")
    assert kpis(reader) == kpis(sender) != unfiltered


def test_a_sync_by_one_replica_is_asked_for_on_the_other_and_seen_there(
    visit: Callable[[str, str], Page], visitors: list[str], replicas: list[AppServer]
) -> None:
    worker, other = replicas
    before = health(other)["as_of"]
    assert before == health(worker)["as_of"]
    page = visit(visitors[1], "/health")
    page.get_by_role("button", name="Sync now").click()
    deadline = time.monotonic() + PATIENCE_S
    while (seen := health(other)["as_of"]) == before or seen != health(worker)["as_of"]:
        assert time.monotonic() < deadline, f"still {seen}; the log of the other says: {other.log.read_text()[-1500:]}"
        time.sleep(0.2)
    assert str(seen) > str(before)
