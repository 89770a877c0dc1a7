"""A thousand names, phones and e-mails: none reaches the browser of a viewer or guest, on whatever page (S5 to S7)."""

import random
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.util import calc_hash
from websockets.sync.client import connect

from leadlib.filters import Filters
from leadlib.records import AgentName
from leadlib.store import Offer, Store
from leadlib.ui.screens import FOR_GUESTS
from tests.conftest import DUBAI, make_lead
from tests.e2e.conftest import PATHS, AppServer, choose_row, go_to, kpis, serve_app, settle
from tests.e2e.leaks import N_PERSONS, PERSONS, Capture, Search
from tests.e2e.provider import CLIENT_ID, CLIENT_SECRET, Provider, serve_provider
from tests.e2e.test_sign_in import SECRETS

PORTAL = "http://127.0.0.1:9"
PEOPLE = (
    '[[person]]\nemail = "owner@example.com"\nrole = "owner"\n'
    '[[person]]\nemail = "viewer@example.com"\nrole = "viewer"\n'
)
DEAD_WITHIN_S = 10


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with serve_provider() as running:
        yield running


@pytest.fixture(scope="module")
def app(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    folder = tmp_path_factory.mktemp("leaks")
    (folder / "people.toml").write_text(PEOPLE)
    (folder / "secrets.toml").touch(mode=0o600)
    (folder / "secrets.toml").write_text(
        SECRETS.format(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, url=provider.url)
    )
    fill(folder / "data")
    settings = {"LEADLIB_API_URL": PORTAL, "LEADLIB_API_TOKEN": "a-token", "LEADLIB_SYNC_MINUTES": "0"}
    settings |= {"LEADLIB_PEOPLE": str(folder / "people.toml"), "STREAMLIT_SECRETS_FILES": str(folder / "secrets.toml")}
    with serve_app(folder, **settings) as server:
        yield server


def fill(folder: Path) -> None:
    """A store with a lead of each person, over two months, and a guest link for all pages that may be shared."""
    now = datetime.now(UTC).replace(microsecond=0)
    leads = [
        make_lead(
            f"lead-{number}",
            (now - timedelta(hours=number)).isoformat().replace("+00:00", "Z"),
            sender={
                "name": person.name,
                "contacts": [{"type": "phone", "value": person.phone}, {"type": "email", "value": person.email}],
            },
            channel=("whatsapp", "call", "email")[number % 3],
            status=("sent", "delivered", "read", "replied")[number % 4],
            publicProfile={"id": 90001 + number % 4},
        )
        for number, person in enumerate(PERSONS)
    ]
    with Store.open(folder, timezone=DUBAI, portal=PORTAL) as store:
        store.write_leads(leads, observed_at=now)
        store.write_names([AgentName(90001 + n, f"Agent {n}", True) for n in range(4)], [], [], at=now)
        store.publish()
        offer = Offer("For a test", FOR_GUESTS, {}, Filters.of({"type": ["call"]}), False, "owner@example.com", None)
        (folder / "key").write_text(store.guest_links.make(offer, timedelta(days=1)))


@pytest.fixture(scope="module")
def come(chromium: Browser, app: AppServer, provider: Provider) -> Iterator[Callable[[str], tuple[Page, Capture]]]:
    """A function that gives the page of somebody and what their browser receives; the same for the same somebody."""
    there: dict[str, tuple[Page, Capture]] = {}

    def come_as(who: str) -> tuple[Page, Capture]:
        if who not in there:
            page = chromium.new_context(viewport={"width": 1360, "height": 900}).new_page()
            there[who] = page, Capture(page)
            if who == "guest":
                page.goto(f"{app.url}/g/{(app.log.parent / 'data' / 'key').read_text()}")
            else:
                page.goto(app.url)
                settle(page)
                provider.claims = {"sub": who, "email": f"{who}@example.com", "email_verified": True}
                page.get_by_role("button", name="Sign in").click()
                expect(page.get_by_role("heading", name="Sign in", exact=True)).to_have_count(0, timeout=30_000)
            settle(page)
        return there[who]

    yield come_as
    for page, _ in there.values():
        page.context.close()


@pytest.fixture(scope="module")
def search() -> Search:
    return Search()


def test_the_search_finds_each_form_and_nothing_where_there_is_none(search: Search) -> None:
    person = PERSONS[417]
    for hidden, text in (
        (f"x{person.name}".encode(), person.name),
        (b'{"n": "Na\\u00efma Zwq0417an O\'Qarn"}', person.name),
        (b"?q=Na%C3%AFma%20Zwq0417an%20O%27Qarn", person.name),
        (b"tel:00971507310417", "971507310417"),
        (b"%2B971507310417", person.phone),
        (b"xx0507310417", "0507310417"),
        (b"yyyeG5haW1hLnp3cTA0MTdAbWFpbC5leGFtcGxlLg==", person.email),
    ):
        assert text in search.found([b"\x00" * 5 + hidden + b"\x00" * 40]), text
    masks = "N. Z. O. +971…17 n*** 971 50 731 mail.example"
    assert search.found([masks.encode() * 50, b"", b"short"]) == set()


def test_no_viewer_and_no_guest_receives_any_of_a_thousand_persons(
    come: Callable[[str], tuple[Page, Capture]], app: AppServer, search: Search, matrix: list[tuple[int, int]]
) -> None:
    """The owner's browser goes ahead of the viewer's on each page, so that what is kept ready is kept for the owner."""
    owner, owners = come("owner")
    viewer, viewers = come("viewer")
    received, addresses, seen = 0, set(), set()
    paths = [path for path in PATHS if path not in {"calibration", "guest_links"}]
    is_full = len(matrix) > 2
    for path in paths * (500 // len(paths) + 1 if is_full else 1):
        for page, capture in ((owner, owners), (viewer, viewers)):
            if page is owner and not is_full and path not in {"leads", "queue"}:
                continue
            go_to(page, app.url, path)
            if path == "leads":
                choose_row(page, 2)
                page.get_by_text("The chosen lead").wait_for()
                settle(page)
                if page is owner:
                    page.get_by_text("Show personal details").click()
                    expect(page.get_by_text(re.compile(r"Zwq\d{4}an O'Qarn")).first).to_be_visible()
                else:
                    page.get_by_role("button", name="Download these leads").click()
                    link = page.get_by_role("link", name="CSV", exact=True)
                    link.wait_for()
                    capture.chunks.append(page.request.get(app.url + str(link.get_attribute("href"))).body())
                    page.keyboard.press("Escape")
            addresses.add(page.url)
            chunks = capture.take()
            found = search.found(chunks)
            if page is owner:
                seen |= found
            else:
                received += sum(map(len, chunks))
                assert found == set(), path
    assert len(seen) >= 6  # the search bites: the owner's has one person in full, as each word that is looked for
    assert received > 1_000_000

    guest, guests = come("guest")
    for path in FOR_GUESTS:
        if path != FOR_GUESTS[0]:
            guest.get_by_test_id("stTopNavLink").nth(FOR_GUESTS.index(path)).evaluate("link => link.click()")
            guest.wait_for_url(f"**/{path}**")
            settle(guest)
        assert kpis(guest)["Leads"] == f"{(N_PERSONS + 1) // 3:,}"
        addresses.add(guest.url)
        assert search.found(guests.take()) == set(), path
    for address in addresses:  # S7
        text = unquote(address.removeprefix(app.url))
        assert re.fullmatch(r"/[a-z_]*(\?(v=1)?(&?[a-z_]+=[A-Za-z0-9_:>.-]+)*)?", text), text
        assert not re.search(r"@|\+|\d{6}|[A-Z]", text), text


def test_no_message_of_a_guest_brings_more(app: AppServer, search: Search, matrix: list[tuple[int, int]]) -> None:
    """Messages as no page of ours sends them: other pages, filters in the address and in widgets (S8)."""
    chance = random.Random(8)
    key = (app.log.parent / "data" / "key").read_text()
    address = f"{app.url.replace('http', 'ws')}/_stcore/stream"
    seen: set[bytes] = set()
    other_pages = [path for path in PATHS if path not in FOR_GUESTS]
    with connect(address, additional_headers={"Cookie": f"leadlight_guest={key}"}, max_size=None) as socket:
        for _ in range(500 if len(matrix) > 2 else 12):
            sent = BackMsg()
            page = chance.choice(other_pages)
            sent.rerun_script.page_script_hash = chance.choice([calc_hash(page), ""])
            sent.rerun_script.page_name = page
            sent.rerun_script.query_string = chance.choice(["type=email", "agent=90001&p=2", "from=2000-01-01", ""])
            for name in ("filter_type", "filter_agent", "reveal_lead-1", "chosen_leads"):
                state = sent.rerun_script.widget_states.widgets.add(id=f"$$ID-{chance.randrange(99)}-{name}")
                state.string_array_value.data.extend(["email", "90001"])
            socket.send(sent.SerializeToString())
            received = [socket.recv(timeout=30)]
            while ForwardMsg.FromString(received[-1]).WhichOneof("type") != "script_finished":
                received.append(socket.recv(timeout=30))
            assert search.found(received) == set()
            everything = b"".join(received)
            assert b"lead-" not in everything.replace(b"leadlight-", b"")
            counted = re.findall(rb"([\d,]+)\xc2\xa0leads", everything)
            seen |= set(counted)
    assert seen == {str((N_PERSONS + 1) // 3).encode()}


def test_a_link_that_is_ended_is_dead_in_a_page_that_is_open(
    come: Callable[[str], tuple[Page, Capture]], app: AppServer
) -> None:
    guest, owner = come("guest")[0], come("owner")[0]
    key = (app.log.parent / "data" / "key").read_text()
    cookies = {cookie["name"]: cookie for cookie in guest.context.cookies()}
    assert cookies["leadlight_guest"]["httpOnly"]
    assert key not in guest.evaluate("document.cookie")
    go_to(owner, app.url, "guest_links")
    assert key not in owner.content()
    owner.get_by_role("button", name="End this link").click()
    began = time.monotonic()
    guest.get_by_role("heading", name="This link has ended").wait_for(timeout=DEAD_WITHIN_S * 1_000)
    assert time.monotonic() - began < DEAD_WITHIN_S
    settle(guest)
    assert guest.get_by_test_id("stMetric").count() == 0
    guest.goto(f"{app.url}/g/{key}")
    settle(guest)
    expect(guest.get_by_role("heading", name="This link has ended")).to_be_visible()
    log = app.log.read_text()
    assert key not in log
    assert "@" not in re.sub(r"[\w.]*@(?:app|st)\b", "", log)
