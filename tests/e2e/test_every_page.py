"""Every page, opened once on a phone, over a store in which half of the names are traps.

It reads well there and without a mouse, and asks nobody but the app. Names and links that strangers wrote do nothing:
no request, no script, no link of their own (G1, G2).
"""

import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from leadlib.api import Client
from leadlib.config import Secret, Settings
from leadlib.records import AgentName, Lead, ListingName, ProjectName
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.store import Store
from leadlib.sync import run_sync
from tests.conftest import DUBAI, at, make_lead
from tests.e2e.conftest import PATHS, choose_row, go_to, serve_app, settle

NOW = at("2026-11-20 09:00")
WIDTH_PX = 390
BEFORE = ("", "Mona ", "**", "> ", "# ", "| a | b\n|-|-|\n| ", "- ", "\u202e", "`", "Mona\n\n")
TRAPS = (
    "<img src={url}>",
    "<script src={url}></script>",
    "<script>alert(1)</script>",
    "<svg onload=alert(1)>",
    "<a href={url}>tap</a>",
    "<iframe src={url}></iframe>",
    "<style>@import '{url}'</style>",
    "<link rel=prefetch href={url}>",
    "![x]({url})",
    "[x]({url})",
    "[x](javascript:alert(1))",
    "<{url}>",
    "{url}",
    "[x][1]\n\n[1]: {url}",
    "$\\href{{{url}}}{{x}}$",
    "$$\\includegraphics{{{url}}}$$",
    ":material/home: :red[x] :blue-badge[x]",
    "%{{y}}<br><b>x</b><a href='{url}'>tap</a>",
    "</script></style></title></textarea><img src={url} onerror=alert(1)>",
    '\u2066\u2067=HYPERLINK("{url}")\u2069',
)
LONG = "<img src={url}>" * 700
LINKS = (
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,<script>alert(1)</script>", "//{host}/r",
    "http://{host}/r", "https://portal@{host}/r", "https://{host}/r", "https://p\u0440opertyfinder.com@{host}/r",
    "vbscript:x", "file:///etc/passwd", "\\\\{host}\\r", " https://{host}/r", "https:{host}/r", "/leads", "blob:{host}",
    "https://{host}/" + "r" * 10_000,
)  # fmt: skip
ANCHORS = "[...document.querySelectorAll('a[href], area[href]')].map(anchor => anchor.href)"


@dataclass
class Walk:
    """What was seen on the way through all pages. `host` is the one that the traps name."""

    host: str
    titles: dict[str, str] = field(default_factory=dict)
    headings: dict[str, list[int]] = field(default_factory=dict)
    chart_words: dict[str, list[str]] = field(default_factory=dict)
    widths_px: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    canary: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)
    n_traps: dict[str, int] = field(default_factory=dict)
    cards: list[str] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    log: str = ""


def serve_canary(asked: list[str]) -> ThreadingHTTPServer:
    """A server on another port that must never be asked for anything."""

    class Canary(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            asked.append(str(self.rfile.readline(2_000)))
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Canary)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def hostile_texts(host: str) -> list[str]:
    """200 different names."""
    texts = [before + trap.format(url=f"http://{host}/{n}") for n, trap in enumerate(TRAPS) for before in BEFORE]
    texts[-1] = LONG.format(url=f"http://{host}/long")
    assert len(set(texts)) == 200
    return texts


def hostile_leads(texts: list[str], host: str) -> list[Lead]:
    """The newest leads. Each name is a sender, a reference and a tag; some are channels and statuses of their own."""
    return [
        make_lead(
            f"hostile-{n:03d}",
            f"2026-11-20T08:{59 - n // 60:02d}:{59 - n % 60:02d}Z",
            channel=("whatsapp", "call", text[:60])[n % 3],
            status=("sent", "replied", text[:60], "read")[n % 4],
            entityType=("listing", "project")[n % 2],
            publicProfile={"id": 1 + n % 40},
            listing={"id": f"L{n}", "reference": text},
            project={"id": f"P{n}"},
            sender={"name": text, "contacts": [{"type": "email", "value": text}, {"type": "phone", "value": text}]},
            responseLink=LINKS[n % len(LINKS)].format(host=host),
            tags=[text],
        )
        for n, text in enumerate(texts)
    ]


def fill(folder: Path, portal: SandboxServer, host: str) -> None:
    """The portal's leads, and 200 newer ones that are traps."""
    texts = hostile_texts(host)
    settings = Settings(api_url=portal.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET))
    with Client(settings) as client, Store.open(folder, timezone=DUBAI, portal=portal.url) as store:
        run_sync(client, store, full=True)
        store.write_leads(hostile_leads(texts, host), observed_at=NOW)
        store.write_names(
            [AgentName(1 + n, texts[n * 5], True) for n in range(40)],
            [ListingName(f"L{n}", text, text, text, text, "sale") for n, text in enumerate(texts)],
            [ProjectName(f"P{n}", text, text[:80], text) for n, text in enumerate(texts)],
        )


def look(page: Page, path: str, walk: Walk) -> None:
    """Notes what a page shows."""
    walk.titles[path] = page.title()
    walk.headings[path] = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
    walk.chart_words[path] = [
        chart.evaluate("c => c.ariaLabel || c.querySelector('[aria-label]')?.ariaLabel || ''")
        for chart in page.locator("[data-testid=stPlotlyChart]").all()
    ]
    walk.widths_px[path] = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    walk.anchors += page.evaluate(ANCHORS)
    walk.n_traps[path] = page.content().count(walk.host)


def look_at_leads(page: Page, url: str, walk: Walk) -> None:
    """Opens the cards of the newest leads, with all that is personal."""
    page.goto(f"{url}/leads")
    settle(page)
    for place in range(4):
        choose_row(page, place, table=0)
        page.locator(".leadlight-facts").get_by_text(f"hostile-{place:03d}").wait_for()
        settle(page)  # until then the card before may still be there, below
        for words in ("Show personal details", "Show the link as text"):
            page.get_by_text(words, exact=True).click()
            settle(page)
        link = page.get_by_test_id("stMain").get_by_test_id("stCode").last
        expect(link).not_to_have_text("")
        walk.cards.append(link.text_content() or "")
        walk.anchors += page.evaluate(ANCHORS)


@pytest.fixture(scope="module")
def walk(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    asked_of_canary: list[str] = []
    canary = serve_canary(asked_of_canary)
    host = f"127.0.0.1:{canary.server_address[1]}"
    seen = Walk(host, canary=asked_of_canary)
    folder = tmp_path_factory.mktemp("app")
    with SandboxServer(SandboxSettings(n_leads=1_200, frozen_at=NOW)) as portal:
        fill(folder / "data", portal, host)
        settings = {"LEADLIB_API_URL": portal.url, "LEADLIB_API_KEY": API_KEY, "LEADLIB_API_SECRET": API_SECRET}
        with serve_app(folder, **settings, LEADLIB_SYNC_MINUTES="0") as server:
            before = portal.calls.copy()
            context = chromium.new_context(viewport={"width": WIDTH_PX, "height": 844})
            page = context.new_page()
            page.on("request", lambda request: seen.asked.append(request.url))
            page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
            page.goto(server.url)
            settle(page)
            for path in PATHS:
                go_to(page, server.url, path, "?agent=1")
                look(page, path, seen)
            look_at_leads(page, server.url, seen)
            context.close()
            seen.calls = portal.calls - before
        seen.log = Path(server.log).read_text()
    canary.shutdown()
    canary.server_close()
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


def test_G1_the_names_stand_on_the_pages_and_do_nothing(walk: Walk) -> None:
    assert sum(map(bool, walk.n_traps.values())) >= 5
    assert (walk.canary, walk.dialogs) == ([], [])


def test_G1_G2_every_link_of_every_page_is_our_own(walk: Walk) -> None:
    assert len(walk.anchors) > len(PATHS)
    assert {urlsplit(href).hostname for href in walk.anchors} == {"localhost"}


def test_G2_response_links_are_text(walk: Walk) -> None:
    assert walk.cards == [link.format(host=walk.host) for link in LINKS[: len(walk.cards)]]
    assert len(walk.cards) == 4
