"""A view is shared by its address, and downloaded as it stands."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from leadlib.api import Client
from leadlib.config import Secret, Settings
from leadlib.filters import Filters
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer
from tests.e2e.conftest import AppServer, kpis, settle


def choose(page: Page, key: str, option: str) -> None:
    """Picks an option of a sidebar filter, with real clicks: the widgets ignore synthetic ones."""
    page.locator(f".st-key-filter_{key} input").click()
    page.get_by_role("option", name=option, exact=True).click()
    page.keyboard.press("Escape")
    settle(page)


def test_an_address_restores_the_view_in_a_new_browser_and_the_csv_holds_exactly_its_rows(
    app: AppServer,
    portal: SandboxServer,
    visit: Callable[[str], Page],
    open_page: Callable[[str], Page],
    tmp_path: Path,
) -> None:
    sender = visit(app.url)
    unfiltered = kpis(sender)
    choose(sender, "type", "WhatsApp")
    choose(sender, "status", "Responded")
    sender.wait_for_function("location.search.includes('status=responded')")
    assert parse_qs(urlsplit(sender.url).query) == {"v": ["1"], "type": ["whatsapp"], "status": ["responded"]}
    assert kpis(sender) != unfiltered

    reader = open_page(sender.url)
    assert kpis(reader) == kpis(sender)

    reader.get_by_role("link", name="Leads", exact=True).click()
    reader.get_by_role("heading", name="Leads", exact=True).wait_for()
    settle(reader)
    assert "status=responded" in reader.url
    reader.get_by_role("button", name="Download these leads").click()
    with reader.expect_download() as waiting:
        reader.get_by_role("link", name="CSV", exact=True).click()
    saved = tmp_path / "leads.csv"
    waiting.value.save_as(saved)
    rows = list(csv.DictReader(io.StringIO(saved.read_text(encoding="utf-8-sig"))))

    settings = Settings(api_url=portal.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET))
    with Client(settings) as client:
        asked = client.iter_leads(Filters.of({"type": ["whatsapp"], "status": ["responded"]}))
        assert sorted(row["lead_id"] for row in rows) == sorted(lead.lead_id for lead in asked)
    assert f"{len(rows):,}" == kpis(sender)["Leads"]


def test_page_and_grain_are_part_of_the_link(
    app: AppServer, visit: Callable[[str], Page], open_page: Callable[[str], Page]
) -> None:
    sender = visit(f"{app.url}/volume")
    sender.locator(".st-key-param_grain").get_by_text("Week", exact=True).click()
    sender.wait_for_function("location.search.includes('grain=week')")
    reader = open_page(sender.url)
    assert reader.get_by_role("heading", name="Volume", exact=True).is_visible()
    chosen = reader.locator(".st-key-param_grain [aria-checked=true], .st-key-param_grain [aria-pressed=true]")
    assert chosen.inner_text() == "Week"


def test_the_back_button_restores_the_filters_before(app: AppServer, visit: Callable[[str], Page]) -> None:
    page = visit(app.url)
    unfiltered = kpis(page)
    choose(page, "type", "Call")
    page.wait_for_function("location.search.includes('type=call')")
    filtered = kpis(page)
    assert filtered != unfiltered
    page.go_back()
    # The address changes at once, the numbers when the server has answered.
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(unfiltered["Leads"], timeout=20_000)
    settle(page)
    assert "type=call" not in page.url
    assert kpis(page) == unfiltered
