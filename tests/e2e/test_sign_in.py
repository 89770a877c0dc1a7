"""People sign in at a provider, and each sees what their role and scope allow, whatever they try."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from leadlib.access import ROLES
from leadlib.api import Client
from leadlib.config import Secret, Settings
from leadlib.records import Lead
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.ui.lead_table import sender_text
from tests.conftest import at
from tests.e2e.conftest import AppServer, kpis, serve_over, settle
from tests.e2e.provider import CLIENT_ID, CLIENT_SECRET, Provider, serve_provider

EVERYBODYS = (
    *("Overview", "Rescue queue", "Volume", "Why did it change", "Funnel", "Time to respond", "Entities"),
    *("Listings & projects", "Agents", "Badges", "Notebook", "Leads"),
)
PAGES = {
    **{role: {*EVERYBODYS, "Data health"} for role in ROLES},
    **{role: {*EVERYBODYS, "Data health", "Guest links"} for role in ("owner", "manager")},
    "scoped": set(EVERYBODYS),
}
PAGES["owner"].add("Privacy")
"""The page x role matrix: what the menu has. Calibration is of the built-in sandbox alone, and there the owner's."""

PEOPLE = """
[[person]]
email = "owner@example.com"
role = "owner"
[[person]]
email = "manager@example.com"
role = "manager"
[[person]]
domain = "example.com"
role = "viewer"
[[person]]
email = "scoped@example.com"
role = "viewer"
agents = [{agent}]
"""
SECRETS = """
[auth]
redirect_uri = "http://localhost:{{port}}/oauth2callback"
cookie_secret = "9f2c61d07a3be845c1f09d7e2b6a48530d1e9cb7f46a25830b7de1c2f39a6450"
client_id = "{client_id}"
client_secret = "{client_secret}"
server_metadata_url = "{url}/.well-known/openid-configuration"
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with serve_provider() as running:
        yield running


@pytest.fixture(scope="module")
def portal() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(n_leads=600, frozen_at=at("2026-11-20 09:00"))) as server:
        yield server


@pytest.fixture(scope="module")
def leads(portal: SandboxServer) -> list[Lead]:
    with Client(Settings(api_url=portal.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET))) as client:
        return list(client.iter_leads())


@pytest.fixture(scope="module")
def agent(leads: list[Lead]) -> int:
    """The agent with most leads: the scope of one viewer."""
    return Counter(lead.agent_id for lead in leads if lead.agent_id is not None).most_common(1)[0][0]


@pytest.fixture(scope="module")
def app(
    portal: SandboxServer, provider: Provider, agent: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AppServer]:
    folder = tmp_path_factory.mktemp("app")
    (folder / "people.toml").write_text(PEOPLE.format(agent=agent))
    (folder / "secrets.toml").touch(mode=0o600)  # else the app would refuse to start
    (folder / "secrets.toml").write_text(
        SECRETS.format(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, url=provider.url)
    )
    settings = {"LEADLIB_PEOPLE": str(folder / "people.toml"), "STREAMLIT_SECRETS_FILES": str(folder / "secrets.toml")}
    with serve_over(portal, folder, **settings) as server:
        yield server


@pytest.fixture(scope="module")
def enter(chromium: Browser, app: AppServer, provider: Provider) -> Iterator[Callable[..., Page]]:
    """A function that opens an address, signs in as somebody and gives the page; the same one for the same somebody.

    The browser that somebody was `shown_out` of can be entered by others.
    """
    pages: dict[str, Page] = {}

    def enter_as(who: str, path: str = "/", shown_out: str = "", **claims: object) -> Page:
        if who not in pages:
            if shown_out in pages:
                page = pages.pop(shown_out)
                page.context.clear_cookies()
            else:
                page = chromium.new_context(viewport={"width": 1360, "height": 900}).new_page()
            pages[who] = page
            received: list[bytes] = []
            page.on("websocket", lambda socket: socket.on("framereceived", lambda data: received.append(bytes(data))))
            page.received = received
            page.goto(f"{app.url}{path}")
            settle(page)
            provider.claims = {"sub": who, "email": f"{who}@example.com", "email_verified": True, **claims}
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_role("heading", name="Sign in", exact=True)).to_have_count(0, timeout=30_000)
            settle(page)
        return pages[who]

    yield enter_as
    for page in pages.values():
        page.context.close()


def menu(page: Page) -> set[str]:
    """The pages of the menu, without the names of their icons."""
    return {text.split("\n")[-1] for text in page.locator("[data-testid=stSidebarNavLink]").all_inner_texts()}


def go(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("heading", name=name, exact=True).wait_for()
    settle(page)


def test_without_a_sign_in_nothing_is_given(app: AppServer, chromium: Browser) -> None:
    for path, status in (
        ("/export/anything", 404),
        ("/media/anything.csv", 401),
        ("/_stcore/metrics", 404),
        ("/_stcore/agent/openapi.json", 404),
        ("/healthz", 200),
    ):
        for cookie in ("", "_streamlit_user=forged", '_streamlit_user={"is_logged_in":true}'):
            answer = httpx.get(f"{app.url}{path}", headers={"cookie": cookie} if cookie else {})
            assert answer.status_code == status, (path, cookie)
    page = chromium.new_page()
    page.goto(f"{app.url}/leads")
    settle(page)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert menu(page) == set()
    assert page.locator("[data-testid=stMetric], [data-testid=stDataFrame], .st-key-filter_type").count() == 0
    page.close()


def test_a_shared_link_is_there_after_the_sign_in(enter: Callable[..., Page], leads: list[Lead]) -> None:
    page = enter("manager", "/funnel?v=1&type=call")
    page.wait_for_url("**/funnel**")
    assert parse_qs(urlsplit(page.url).query) == {"v": ["1"], "type": ["call"]}
    assert kpis(page)["Leads"] == f"{sum(lead.channel == 'call' for lead in leads):,}"


@pytest.mark.parametrize("who", [*ROLES, "scoped"])
def test_each_role_has_the_pages_of_the_matrix_and_no_other(enter: Callable[..., Page], who: str) -> None:
    page = enter(who, "/funnel?v=1&type=call" if who == "manager" else "/")
    assert menu(page) == PAGES[who]
    if "Data health" in PAGES[who]:
        go(page, "Data health")
        assert page.get_by_role("button", name="Sync now").count() == (who in {"owner", "manager"})
        go(page, "Overview")
    else:
        page.goto(page.url.split("?")[0].rstrip("/") + "/health")
        page.wait_for_selector("[role=dialog], [data-testid=stMetric]", timeout=30_000)
        assert page.get_by_text("Everything in the store").count() == 0


def test_somebody_with_a_scope_sees_the_leads_of_their_agents_alone(
    enter: Callable[..., Page], app: AppServer, leads: list[Lead], agent: int
) -> None:
    page = enter("scoped")
    page.goto(app.url)
    settle(page)
    n_own = sum(lead.agent_id == agent for lead in leads)
    assert 0 < n_own < len(leads)
    assert kpis(page)["Leads"] == f"{n_own:,}"
    page.goto(f"{app.url}/?v=1&agent={next(lead.agent_id for lead in leads if lead.agent_id not in (agent, None))}")
    settle(page)
    assert page.get_by_role("heading", name="No lead matches these filters").count() == 1
    owner = enter("owner")
    assert kpis(owner)["Leads"] == f"{len(leads):,}"


def test_a_viewer_receives_masks_and_no_person(enter: Callable[..., Page], leads: list[Lead]) -> None:
    page = enter("viewer")
    go(page, "Leads")
    received = b"".join(page.received)
    newest = sorted(leads, key=lambda lead: lead.created_at)[-5:]
    assert all(sender_text(lead.contact.masked()).encode() in received for lead in newest)
    for lead in leads:
        for secret in (lead.contact.phone, lead.contact.email, lead.response_link):
            assert not secret or secret.encode() not in received
    page.get_by_role("button", name="Download these leads").click()
    page.get_by_role("link", name="CSV", exact=True).wait_for()
    assert page.get_by_text("With personal columns").count() == 0


def test_a_download_is_for_who_asked_for_it(enter: Callable[..., Page], app: AppServer, leads: list[Lead]) -> None:
    viewer = enter("viewer")
    if viewer.get_by_role("link", name="CSV", exact=True).count() == 0:
        viewer.get_by_role("button", name="Download these leads").click()
    address = app.url + str(viewer.get_by_role("link", name="CSV", exact=True).get_attribute("href"))
    assert httpx.get(address).status_code == 404
    assert enter("owner").request.get(address).status == 404
    mine = viewer.request.get(address)
    assert mine.status == 200
    assert mine.text().count("\n") >= len(leads)
    assert "sender_phone" not in mine.text()


@pytest.mark.parametrize(
    ("who", "before", "claims", "says"),
    [
        ("stranger", "", {"email": "stranger@elsewhere.example"}, "You have no access"),
        ("unverified", "stranger", {"email_verified": False}, "Your address is not verified"),
        ("yesterday", "unverified", {"iat": int(time.time()) - 9 * 3600}, "Sign in again"),
    ],
)
def test_who_has_no_role_gets_a_plain_page(
    enter: Callable[..., Page], who: str, before: str, claims: dict[str, object], says: str
) -> None:
    page = enter(who, shown_out=before, **claims)
    expect(page.get_by_role("heading", name=says)).to_be_visible()
    assert menu(page) == set()
    assert page.locator("[data-testid=stMetric]").count() == 0


def test_signing_out_ends_it_and_the_log_names_nobody(enter: Callable[..., Page], app: AppServer) -> None:
    page = enter("owner")
    page.locator(".st-key-who button").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in", exact=True).wait_for()
    assert "_streamlit_user" not in {cookie["name"] for cookie in page.context.cookies()}
    log = Path(app.log).read_text()
    assert "example.com" not in log
