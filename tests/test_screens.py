"""The pages, run in this process against a real portal and a real store: filled, filtered, empty and failing."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from leadlib.api import Client, wire
from leadlib.config import DIALECTS, Dialect, Secret, Settings
from leadlib.filters import FIELDS, Filters
from leadlib.metrics import (
    METRICS,
    OTHERS,
    agents,
    backlog,
    badges,
    breakdown,
    compute,
    league,
    like_for_like,
    rate_mix,
    replies_by,
    summary,
    why_changed,
)
from leadlib.records import Contact
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.ui import kpis
from leadlib.ui.api_panel import API_CALL
from leadlib.ui.changes import group_filters, part_filters
from leadlib.ui.compared import filter_of_row
from leadlib.ui.engine import get_engine, load
from leadlib.ui.lead_table import sender_text
from leadlib.ui.names import load_vocabulary
from leadlib.ui.reply_notes import of_week
from leadlib.ui.view import View
from leadlib.worker import Wish
from tests.commands import run_command
from tests.conftest import at, make_lead

ROOT = Path(__file__).resolve().parents[1]
SHELL = ROOT / "leadlib" / "ui" / "shell.py"
PAGES = (
    "overview",
    "queue",
    "volume",
    "funnel",
    "response_times",
    "entities",
    "leagues",
    "agents",
    "agent",
    "badges",
    "changes",
    "notebook",
    "leads",
    "health",
    "privacy",
)
OF_LEADS = tuple(page for page in PAGES if page not in {"health", "privacy"})
NOW = at("2026-11-20 09:00")
SEED_FILTERS = ("status", "type", "entity", "agent", "listing", "project")


@pytest.fixture(autouse=True)
def fresh_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No setting of the machine, a store of the test's own, and an engine that does not outlive the test."""
    monkeypatch.setenv("LEADLIB_DATABASE", str(tmp_path / "data"))
    monkeypatch.setenv("LEADLIB_SYNC_MINUTES", "0")
    yield
    get_engine.clear()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Two dialects fill one and the same store: what a screen makes of it is asked in one, in both in the full form."""
    if "server" in metafunc.fixturenames:
        is_full = metafunc.config.getoption("--matrix") == "full"
        asked = DIALECTS if is_full or metafunc.definition.get_closest_marker("each_dialect") else DIALECTS[:1]
        metafunc.parametrize("server", asked, indirect=True, scope="module")


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(dialect=request.param, n_leads=1_200, frozen_at=NOW)) as running:
        yield running


@pytest.fixture
def portal(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> SandboxServer:
    """A portal held still, that the settings name."""
    monkeypatch.setenv("LEADLIB_API_URL", server.url)
    monkeypatch.setenv("LEADLIB_API_KEY", API_KEY)
    monkeypatch.setenv("LEADLIB_API_SECRET", API_SECRET)
    return server


def sync() -> None:
    """Fills the test's store with all that its portal shows; what a first sync has left there is kept for the next."""
    database = Path(os.environ["LEADLIB_DATABASE"])
    filled = database.parents[1] / f"filled from {urlsplit(os.environ['LEADLIB_API_URL']).port}"
    if not filled.exists():
        get_engine().sync(Wish(full=True), lambda progress: None)
        get_engine.clear()
        shutil.copytree(database, filled)
    get_engine.clear()
    shutil.copytree(filled, database, dirs_exist_ok=True)


def open_app(page: str = "overview", **query: str | list[str]) -> AppTest:
    """The app on a page, with these parameters in its address, after one run."""
    app = AppTest.from_file(str(SHELL), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    if page != "overview":
        app.switch_page(f"../../pages/{page}.py")
        app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    """All plain text on the screen."""
    return " ".join(element.proto.body for element in app.get("html"))


def listed_ids(app: AppTest) -> set[str]:
    """The ids in the table of leads, all pages turned."""
    ids: set[str] = set()
    place = 1
    while True:
        app.session_state["param_p"] = str(place)
        app.run()
        assert not app.exception
        tables = [table.value for table in app.dataframe if "lead_id" in table.value.columns]
        if not tables or set(tables[0]["lead_id"]) <= ids:
            return ids
        ids |= set(tables[0]["lead_id"])
        place += 1


def stop_worker() -> None:
    """It calls the portal on its own account."""
    get_engine().worker.stop(timeout_s=60)
    assert not get_engine().worker.is_alive


@pytest.mark.each_dialect
def test_every_page_is_filled_and_shows_no_error_and_calls_nobody(portal: SandboxServer) -> None:
    sync()
    stop_worker()
    before = portal.calls.copy()
    for page in PAGES:
        app = open_app(page)
        assert not app.error, page
        assert "No lead" not in texts(app), page
    assert portal.calls == before
    assert get_engine().dialect == portal.settings.dialect


def test_a_view_of_a_filtered_page_never_calls_the_portal(portal: SandboxServer) -> None:
    sync()
    stop_worker()
    before = portal.calls.copy()
    for page in PAGES:
        open_app(page, type="call")
    assert portal.calls == before


@pytest.mark.each_dialect
@pytest.mark.parametrize("key", SEED_FILTERS)
def test_screen_export_and_api_give_the_same_leads(portal: SandboxServer, key: str, tmp_path: Path) -> None:
    """For each of the API's own filters: what the table lists, the command exports, the API returns."""
    sync()
    engine = get_engine()
    field = next(field for field in FIELDS if field.key == key)
    column = "channel" if key == "type" else field.column
    rare = engine.store.query(
        f"select cast({column} as varchar) as value from leads where {column} is not null "  # noqa: S608
        "group by 1 having count(*) >= 3 and value <> '-' and not contains(value, ',') order by count(*), 1 limit 1"
    )["value"].iloc[0]
    app = open_app("leads", **{key: rare})
    on_screen = listed_ids(app)

    app.session_state[API_CALL] = True
    app.run()
    shown = next(block.value for block in app.code if block.value.startswith("GET "))
    settings = Settings(api_url=portal.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET))
    with Client(settings, dialect=_dialect(portal)) as client:
        returned = {lead.lead_id for lead in client.iter_leads(Filters.of({key: [rare]}))}
        first_page = client.page(filters=Filters.of({key: [rare]}))
    assert f"GET {client.request_url(_params(shown))}" == shown
    assert first_page.mismatched == first_page.filtered_here == 0  # the API alone did the filtering

    get_engine.clear()  # the command needs the files for itself
    target = tmp_path / "export.json"
    asked = ["export", "--format", "json", "--output", str(target), "--filter", f"{key}={rare}"]
    run_command(asked, os.environ).check_returncode()
    exported = {row["lead_id"] for row in json.loads(target.read_text())["leads"]}
    assert on_screen == exported == returned
    assert len(on_screen) >= 3


def _dialect(portal: SandboxServer) -> Dialect:
    return portal.settings.dialect


def _params(shown: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(shown.removeprefix("GET ")).query, keep_blank_values=True)


def test_an_address_fills_the_widgets_and_the_numbers(portal: SandboxServer) -> None:
    sync()
    n_calls = int(get_engine().store.query("select count(*) as n from leads where channel = 'call'")["n"].iloc[0])
    app = open_app(type="call")
    assert app.multiselect(key="filter_type").value == ["call"]
    assert app.metric[0].value == f"{n_calls:,}"


def test_a_changed_filter_is_in_the_address_that_a_colleague_opens(portal: SandboxServer) -> None:
    sync()
    app = open_app()
    app.multiselect(key="filter_status").set_value(["sent"]).run()
    shared = dict(app.query_params)
    assert shared["status"] in ("sent", ["sent"])
    colleague = open_app(status="sent")
    assert [card.value for card in colleague.metric] == [card.value for card in app.metric]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"status": "foo"}, "“foo” is not a status the API knows"),
        ({"agent": "abc"}, "“abc” is no id for “agent”"),
        ({"from": "soon"}, "“soon” is not a day"),
        ({"from": "2026-11-10", "to": "2026-11-01"}, "is after the last"),
        ({"grain": "decade"}, "“decade” is not a value of “grain”"),
        ({"clock": "sundial"}, "“sundial” is not a value of “clock” (wall, working)"),
        ({"within": "61"}, "“61” is not a value of “within”"),
        ({"compare": "year"}, "“year” is not a value of “compare”"),
        ({"v": "99"}, "another version of this app"),
        ({"tpye": "call"}, "“tpye” is no filter and no setting of a page; it was left out. Did you mean “type”?"),
        ({"p": "00"}, "“00” is not a value of “p”"),
        ({"p": "9" * 5_000}, "is not a value of “p”"),
    ],
    ids=[
        *("unknown-word", "id-that-is-none", "no-day", "days-crossed", "unknown-grain", "unknown-clock", "unknown-age"),
        "unknown-comparison",
        "other-version",
        *("unknown-parameter", "page-nought", "endless-page"),
    ],
)
def test_a_link_that_makes_no_sense_says_which_part(portal: SandboxServer, query: dict[str, str], says: str) -> None:
    sync()
    assert says in texts(open_app(**query)).replace("&quot;", '"')


def test_a_link_opens_time_to_respond_on_the_working_clock(portal: SandboxServer) -> None:
    sync()
    app = open_app("response_times", clock="working", within="1440")
    assert "Replied within 24 h, by channel" in [block.value for block in app.header]
    assert "Minutes count during Mon-Fri 09:00-19:00, Sat 10:00-16:00 (Asia/Dubai) alone" in texts(app)
    assert app.query_params["clock"] in ("working", ["working"])


def test_a_mark_of_time_to_respond_leads_to_the_leads_it_counts(portal: SandboxServer) -> None:
    sync()
    view = View(get_engine(), Filters(), load_vocabulary())
    kinds = ["n_replied", "n_archived", "n_waiting", "n_unknown"]
    channels, weeks = (view.ask(replies_by, by=by) for by in ("channel", "week"))
    for row in channels[channels["key"] != "call"].to_dict("records"):
        assert load(summary, Filters.of({"type": [row["key"]]}))["leads"].iloc[0] == sum(row[kind] for kind in kinds)
    for row in weeks.iloc[-3:].to_dict("records"):
        asked = of_week(Filters(), list(channels["key"]), row["key"])
        assert load(summary, asked)["leads"].iloc[0] == sum(row[kind] for kind in kinds)
    part = Filters.of({"from": ["2026-11-11"], "to": ["2026-11-19"], "agent": ["none"]})
    asked = of_week(part, ["call", "chat"], "2026-11-16")
    assert dict(asked.selected) == {
        **{"from": ("2026-11-16",), "to": ("2026-11-19",), "agent": ("none",), "type": ("chat",)}
    }


def test_a_filter_without_a_match_shows_an_empty_state_with_a_way_out(portal: SandboxServer) -> None:
    sync()
    app = open_app(agent="1")
    assert "No lead matches these filters" in [block.value for block in app.header]
    app.button(key="clear_when_empty").click().run()
    assert app.metric[0].value != "0"


@pytest.mark.each_dialect
def test_before_the_first_sync_every_page_says_what_it_waits_for(portal: SandboxServer) -> None:
    for page in OF_LEADS:
        app = open_app(page)
        assert "No leads yet" in [block.value for block in app.header], page


def test_people_are_masked_until_asked_for(portal: SandboxServer) -> None:
    sync()
    app = open_app("leads")
    table = next(table.value for table in app.dataframe if "sender" in table.value.columns)
    contacts = get_engine().store.contacts(table["lead_id"].tolist()).to_pylist()
    shown = " ".join(table["sender"])
    for row in contacts:
        for secret in (row["sender_phone"], row["sender_email"], row["sender_name"]):
            assert not secret or secret not in shown


def test_a_masked_number_beside_an_arabic_name_keeps_its_order() -> None:
    text = sender_text(Contact("خالد المثالي", "+971500000001").masked())
    assert "\u2066+971…01\u2069" in text


@pytest.mark.parametrize("by", ["agent", "listing", "project", "developer"])
def test_a_row_of_a_league_leads_to_exactly_the_leads_it_counts(portal: SandboxServer, by: str) -> None:
    sync()
    view = View(get_engine(), Filters.of({"type": ["call", "whatsapp"]}), load_vocabulary())
    rows = view.ask(breakdown, by=by)
    assert {"none"} <= set(rows["key"])
    for key, n_leads in pd.concat([rows.head(12), rows.tail(8), rows[rows["key"] == "none"]])[["key", "leads"]].values:
        filter_key = filter_of_row(view, by, str(key), int(n_leads))
        assert filter_key is not None, key
        assert int(load(summary, view.filters.with_values(filter_key, [str(key)]))["leads"].iloc[0]) == n_leads


def test_another_filter_turns_back_to_the_first_page(portal: SandboxServer) -> None:
    sync()
    app = open_app("leads", p="3")
    assert "101–150 of" in texts(app)
    app.multiselect(key="filter_type").set_value(["whatsapp"]).run()
    assert "1–50 of" in texts(app)
    assert "p" not in app.query_params


def test_a_link_beyond_the_last_page_shows_the_last_and_the_address_says_so(portal: SandboxServer) -> None:
    sync()
    n_leads = int(get_engine().store.query("select count(*) as n from leads")["n"].iloc[0])
    app = open_app("leads", p="999")
    assert f"–{n_leads:,} of {n_leads:,}" in texts(app)
    last = str(-(-n_leads // 50))
    assert app.query_params["p"] in (last, [last])


def test_every_card_says_how_it_changed_or_what_it_is_a_part_of(portal: SandboxServer) -> None:
    sync()
    for page in set(OF_LEADS) - {"notebook"}:  # whose author chooses what stands beside a number
        for card in open_app(page, **{"from": "2026-11-01", "to": "2026-11-10"}).metric:
            assert card.delta or card.label in {"Leads", "Unique senders", "Repeat senders"}, (page, card.label)


def test_only_the_sandbox_says_that_it_is_one(portal: SandboxServer) -> None:
    sync()
    app = open_app()
    assert not [block for block in app.caption if "planted" in block.value]
    assert portal.url in texts(app)


def test_a_bug_on_a_page_is_owned_without_showing_what_it_says(
    portal: SandboxServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sync()
    monkeypatch.setattr(kpis, "draw", lambda *_: 1 / 0)
    app = open_app()
    assert "failed on an error of its own" in app.error[0].value
    assert "division" not in texts(app)
    assert "a page failed" in caplog.text


def test_text_of_others_is_never_made_into_elements(portal: SandboxServer) -> None:
    app = AppTest.from_function(_hostile_facts).run()
    assert "<img" not in texts(app)
    assert "&lt;img src=x&gt;" in texts(app)


def _hostile_facts() -> None:
    from leadlib.ui.text import facts, plain

    facts({"Name": "<img src=x>"})
    plain("<img src=x>")


def failing(monkeypatch: pytest.MonkeyPatch, **settings: str) -> Callable[[], AppTest]:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return lambda: AppTest.from_file(str(SHELL), default_timeout=60).run()


def test_an_unknown_dialect_is_named_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    app = failing(monkeypatch, LEADLIB_API_DIALECT="klingon")()
    assert "A setting needs attention" in app.error[0].value
    assert "LEADLIB_API_DIALECT must be one of auto, filter, flat" in texts(app)
    assert "start the app again" in texts(app)


@pytest.mark.embedded(reason="finds something else in the place of the files")
def test_an_unreadable_database_is_explained_and_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "leads.duckdb").write_bytes(b"no database" * 400)
    app = failing(monkeypatch)()
    assert "The store cannot be opened" in app.error[0].value
    assert "LEADLIB_DATABASE" in texts(app)
    assert (tmp_path / "data" / "leads.duckdb").read_bytes() == b"no database" * 400


@pytest.mark.parametrize(
    ("faults", "title"),
    [
        (frozenset({"wrong-key"}), "does not accept these credentials"),
        (frozenset({"no-leads-scope"}), "lacks a permission"),
    ],
    ids=["wrong-key", "missing-scope"],
)
def test_a_refusal_of_the_portal_stands_on_every_page(
    monkeypatch: pytest.MonkeyPatch, faults: frozenset[str], title: str
) -> None:
    with SandboxServer(SandboxSettings(n_leads=300, frozen_at=NOW, faults=faults)) as server:
        run = failing(monkeypatch, LEADLIB_API_URL=server.url, LEADLIB_API_KEY=API_KEY, LEADLIB_API_SECRET=API_SECRET)
        _sync_in_background()
        assert any(title in error.value for error in run().error)


def test_a_portal_that_is_down_is_said_and_the_store_still_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with SandboxServer(SandboxSettings(n_leads=300, frozen_at=NOW)) as server:
        failing(monkeypatch, LEADLIB_API_URL=server.url, LEADLIB_API_KEY=API_KEY, LEADLIB_API_SECRET=API_SECRET)
        sync()
        n_leads = open_app().metric[0].value
    for patience in ("MAX_ATTEMPTS", "MAX_ATTEMPTS_WHILE_OTHERS_WORK"):
        monkeypatch.setattr(wire, patience, 1)  # a minute and more of tries would show nothing else
    _sync_in_background()
    app = open_app()
    assert any("cannot be reached" in error.value for error in app.error)
    assert app.metric[0].value == n_leads


def _sync_in_background(timeout_s: float = 30) -> None:
    """Asks the worker for a sync, as the button does, and waits for its end."""
    worker = get_engine().worker
    before = worker.status.n_finished
    worker.request(Wish(full=True))
    deadline = time.monotonic() + timeout_s
    while worker.status.n_finished == before:
        assert time.monotonic() < deadline, "the worker did not finish"
        time.sleep(0.02)


def test_how_agents_are_compared_is_kept_in_the_link(portal: SandboxServer) -> None:
    sync()
    app = open_app("agents", mix="like_for_like")
    assert "leads of the same channel, entity type and hour of arrival" in texts(app)
    table = next(table.value for table in app.dataframe if "To expected" in table.value.columns)
    assert len(table) == len(load(like_for_like, Filters()))
    app.session_state["param_mix"] = "raw"
    app.run()
    assert "mix" not in app.query_params
    tables = [set(table.value.columns) for table in app.dataframe]
    columns = {"Verdict", "Median reply", "P90 reply", "Within 1\u00a0h", "Waiting", "Oldest waiting"}
    assert any(columns <= shown for shown in tables)


@pytest.mark.parametrize("by", ["listing", "project", "developer"])
def test_a_mark_of_a_league_leads_to_as_many_leads_as_it_has(portal: SandboxServer, by: str) -> None:
    sync()
    app = open_app("leagues", league=by)
    rows = load(league, Filters(), by=by)
    key, n_leads = rows.sort_values("leads")[["key", "leads"]].iloc[-2]
    filter_key = filter_of_row(View(get_engine(), Filters(), load_vocabulary()), by, key, n_leads)
    app.session_state[f"filter_{filter_key}"] = [key]
    app.session_state["drill_waiting"] = "leads"
    app.run()
    assert f"{n_leads:,}" in texts(app)


@pytest.mark.parametrize("by", ["entity_type", "agent"])
def test_each_bar_of_a_group_leads_to_as_many_leads_as_it_counts(portal: SandboxServer, by: str) -> None:
    """Every bar of the charts on Overview, Entities and Agents; what stands for several groups leads nowhere."""
    sync()
    filters = Filters.of({"type": ["whatsapp"]})
    view = View(get_engine(), filters, load_vocabulary())
    rows = load(breakdown, filters, by=by, limit=6)
    n_led = 0
    for key, n_leads in zip(rows["key"], rows["leads"], strict=True):
        filter_key = None if key == OTHERS else filter_of_row(view, by, key, int(n_leads))
        if filter_key is not None:
            left = load(summary, filters.with_values(filter_key, [key]))["leads"].iloc[0]
            assert left == n_leads, key
            n_led += 1
    assert n_led == len(rows) - (OTHERS in set(rows["key"]))


def test_an_agents_own_page_asks_for_one_agent_and_shows_that_one(portal: SandboxServer) -> None:
    sync()
    app = open_app("agent")
    assert "one agent at a time" in texts(app)
    everyone = load(agents, Filters())
    key, n_leads = everyone["key"].iloc[0], int(everyone["leads"].iloc[0])
    app.selectbox(key="agent_choice").set_value(key).run()
    assert app.query_params["agent"] in (key, [key])
    assert app.metric[0].value == f"{n_leads:,}"
    assert "Beside all others" in [block.value for block in app.header]
    ways = {button.label: button for button in app.button}
    assert f"Show the {n_leads:,}\u00a0leads, longest waiting first" in ways
    ways["All agents"].click().run()
    assert "agent" not in app.query_params


def test_the_queue_lists_as_many_leads_as_wait_and_nobody_by_name(portal: SandboxServer) -> None:
    sync()
    n_waiting = int(load(summary, Filters.of({"type": ["email"]}))["waiting"].iloc[0])
    app = open_app("queue", type="email")
    assert app.metric[0].value == f"{n_waiting:,}"
    listed: set[str] = set()
    for page in range(1, -(-n_waiting // 50) + 1):
        app.session_state["param_p"] = str(page)
        app.run()
        table = next(table.value for table in app.dataframe if "SLA" in table.value.columns)
        listed |= set(table["Lead"])
        assert f"of {n_waiting:,}\u00a0waiting leads" in texts(app)
    assert len(listed) == n_waiting
    shown = " ".join(table.astype(str).to_numpy().ravel())
    for row in get_engine().store.contacts(table["Lead"].tolist()).to_pylist():
        for secret in (row["sender_phone"], row["sender_email"], row["sender_name"], row["response_link"]):
            assert not secret or secret not in shown


def test_the_queue_of_one_agent_has_a_way_back_to_all(portal: SandboxServer) -> None:
    sync()
    everyone = load(backlog, Filters(), by="agent")
    key, waiting = everyone["key"].iloc[0], int(everyone["waiting"].iloc[0])
    app = open_app("queue", agent=key, queue="oldest")
    assert app.metric[0].value == f"{waiting:,}"
    next(button for button in app.button if button.label == "All agents").click().run()
    assert "agent" not in app.query_params
    assert app.query_params["queue"] in ("oldest", ["oldest"])


def test_badges_lead_to_exactly_the_leads_that_count(portal: SandboxServer) -> None:
    sync()
    row = load(badges, Filters()).iloc[0]
    days = {"from": row["counted_from"].isoformat(), "to": row["counted_to"].isoformat()}
    app = open_app("leads", agent=row["key"], **days)
    assert f"of {int(row['badge_leads']):,}\u00a0leads" in texts(app)
    example = [block.value for block in open_app("badges").warning]
    assert any("These rules are an example" in words for words in example)


def test_each_part_of_a_change_that_filters_can_tell_leads_to_exactly_its_leads(portal: SandboxServer) -> None:
    """Known on the 10th: one lead of each day from the 1st on. On the 20th: all that came since, in Dubai's days."""
    days = [f"2026-11-{day:02}T20:30:00Z" for day in range(1, 20)]  # half past midnight of the next day
    store = get_engine().store
    store.write_leads([make_lead(made, made) for made in days[:9]], observed_at=at("2026-11-10 10:00"))
    store.write_leads([make_lead(made, made) for made in days], observed_at=at("2026-11-20 10:00"))
    view = View(get_engine(), Filters.of({"type": ["whatsapp"]}), load_vocabulary())
    for moments, expected in (
        ({"then": "2026-11-11", "now": "2026-11-16", "period": "all"}, {}),  # nothing was seen before the 20th
        ({"then": "2026-11-11", "now": "", "period": "all"}, {"new": 10, "now": 19}),
        ({"then": "2026-11-11", "now": "", "period": "7"}, {}),
    ):
        frame = view.ask(why_changed, **moments)
        targets = part_filters(view, frame, "leads", moments["period"])
        assert {key: int(load(summary, filters)["leads"].iloc[0]) for key, filters in targets.items()} == expected
    assert all(filters["type"] == ("whatsapp",) for filters in targets.values())


def test_a_link_to_a_change_shows_its_moments_and_a_wrong_day_is_named(portal: SandboxServer) -> None:
    store = get_engine().store
    store.write_leads([make_lead("a", "2026-11-01T00:00:00Z")], observed_at=at("2026-11-02 10:00"))
    store.write_leads([make_lead(i, "2026-11-01T00:00:00Z") for i in "ab"], observed_at=at("2026-11-20 10:00"))
    app = open_app("changes", then="2026-11-05", figure="leads")
    assert "Leads went from 1 to 2 (+1): seen late +1." in texts(app)
    assert "5 Nov 2026, 00:00" in texts(app).replace("\u00a0", " ")
    app.date_input(key="param_now").set_value(date(2026, 11, 10)).run()
    assert app.query_params["now"] in ("2026-11-10", ["2026-11-10"])
    assert "no lead made a difference" in texts(app)
    assert "“soon” is not a value of “then”" in texts(open_app("changes", then="soon"))


def test_a_group_of_a_period_leads_to_the_leads_that_it_counts(portal: SandboxServer) -> None:
    sync()
    view = View(get_engine(), Filters.of({"from": ["2026-11-01"], "to": ["2026-11-10"]}), load_vocabulary())
    for by in ("channel", "entity_type", "agent"):
        frame = view.ask(rate_mix, by=by)
        assert len(frame) > 3
        for key, n_leads in zip(frame["key"][1:], frame["leads"][1:], strict=True):
            filters = group_filters(view, frame, by, key)
            assert filters is not None, key
            assert load(summary, filters)["leads"].iloc[0] == n_leads


def test_every_card_has_its_definition_and_the_value_that_its_name_gives(portal: SandboxServer) -> None:
    sync()
    store = get_engine().store
    filters = Filters.of({"from": ["2026-11-01"], "type": ["call", "whatsapp"]})
    metric_of = {metric.label: metric for metric in METRICS}
    for page in ("overview", "entities", "funnel", "agents", "changes"):
        app = open_app(page, type=["call", "whatsapp"], **{"from": "2026-11-01"})
        assert len(app.metric) >= 4
        for card in app.metric:
            metric = metric_of[card.label]
            assert card.help.startswith(metric.definition), (page, card.label)
            row = compute(metric.key, store, filters).iloc[0]
            shown = kpis.share_text(row, metric.key) if metric.unit == "share" else f"{row[metric.key]:,}"
            assert card.value == shown, (page, card.label)
