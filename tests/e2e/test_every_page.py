"""Every page, opened once on a phone: it reads well there and without a mouse, and asks nobody but the app."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from tests.conftest import at
from tests.e2e.conftest import ROOT, serve_app, settle

PATHS = [*sorted(page.stem for page in (ROOT / "pages").glob("*.py") if page.stem != "overview"), ""]
WIDTH_PX = 390


@dataclass
class Walk:
    """What was seen on the way through all pages."""

    titles: dict[str, str] = field(default_factory=dict)
    headings: dict[str, list[int]] = field(default_factory=dict)
    chart_words: dict[str, list[str]] = field(default_factory=dict)
    widths_px: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    log: str = ""


def go_to(page: Page, url: str, path: str) -> None:
    """Goes there by the menu, which a phone folds away; by the address where the menu does not list it."""
    links = page.get_by_test_id("stSidebarNavLink")
    names = [urlsplit(link.get_attribute("href") or "").path.strip("/") for link in links.all()]
    if path not in names:
        page.goto(f"{url}/{path}?agent=90001")
    else:
        before = page.title()
        links.nth(names.index(path)).evaluate("link => link.click()")
        page.wait_for_function("before => document.title !== before", arg=before)
    settle(page)


@pytest.fixture(scope="module")
def walk(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """A phone's walk through all pages of an app on a portal that is held still."""
    seen = Walk()
    with SandboxServer(SandboxSettings(n_leads=3_000, frozen_at=at("2026-11-20 09:00"))) as portal:
        settings = {"LEADLIB_API_URL": portal.url, "LEADLIB_API_KEY": API_KEY, "LEADLIB_API_SECRET": API_SECRET}
        with serve_app(tmp_path_factory.mktemp("app"), **settings, LEADLIB_SYNC_MINUTES="60") as server:
            server.wait_for_leads()
            before = portal.calls.copy()
            context = chromium.new_context(viewport={"width": WIDTH_PX, "height": 844})
            page = context.new_page()
            page.on("request", lambda request: seen.asked.append(request.url))
            page.goto(server.url)
            settle(page)
            for path in PATHS:
                go_to(page, server.url, path)
                seen.titles[path] = page.title()
                seen.headings[path] = page.evaluate(
                    "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])"
                )
                seen.chart_words[path] = [
                    chart.evaluate("c => c.ariaLabel || c.querySelector('[aria-label]')?.ariaLabel || ''")
                    for chart in page.locator("[data-testid=stPlotlyChart]").all()
                ]
                seen.widths_px[path] = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
            context.close()
            seen.calls = portal.calls - before
        seen.log = Path(server.log).read_text()
    return seen


@pytest.mark.parametrize("path", PATHS)
def test_page_has_headings_in_order_words_for_its_charts_and_the_width_of_a_phone(walk: Walk, path: str) -> None:
    headings = walk.headings[path]
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    assert all(len(words) > 20 for words in walk.chart_words[path])
    assert walk.widths_px[path] <= WIDTH_PX


def test_each_page_has_a_title_of_its_own_and_most_have_charts(walk: Walk) -> None:
    assert len(set(walk.titles.values())) == len(PATHS)
    assert sum(map(bool, walk.chart_words.values())) > len(PATHS) / 2


def test_a_look_at_every_page_asks_neither_the_portal_nor_any_other_host(walk: Walk) -> None:
    assert not walk.calls
    assert len(walk.asked) > len(PATHS)
    addresses = [urlsplit(url) for url in walk.asked]
    assert {one.hostname for one in addresses if one.scheme not in {"data", "blob"}} == {"localhost"}


def test_no_page_left_a_trace_of_a_failure_in_the_log(walk: Walk) -> None:
    assert "Traceback" not in walk.log
