"""Guest links: what they open, to whom, for how long, and that nothing a guest sends reaches a lead outside of them."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from leadlib.access import Access, Shared
from leadlib.errors import AccessError, FilterError, StoreError, StoreReadOnlyError
from leadlib.filters import FIELDS, Filters, to_where
from leadlib.metrics import OTHERS, breakdown, compute, summary, summary_change, volume, without_small_groups
from leadlib.metrics.lead_rows import lead_rows
from leadlib.store import LONGEST, GuestLinks, Offer, Person, Store, store_for
from leadlib.ui import sign_in
from leadlib.ui.engine import access_by, get_engine, load
from leadlib.ui.links import PARAMS
from leadlib.ui.names import load_vocabulary
from leadlib.ui.numbers import Twin, without_few
from leadlib.ui.screens import FOR_GUESTS, may_open
from tests.conftest import at, make_lead, set_app_settings
from tests.disasters import open_at
from tests.test_scope import LOOKS, fill, history_of, questions
from tests.test_sign_in import AUTH, PEOPLE, SHELL, ask, claims, session, set_secrets

NOW = at("2026-11-20 09:00")
CALLS = Filters.of({"type": ["call", "whatsapp"], "from": ["2026-09-12"], "to": ["2026-09-20"]})
ALL = Filters()


def guest(filters: Filters, agents: tuple[int, ...] | None = None, *, names_agents: bool = False) -> Access:
    return Access("guest", agents=agents, shared=Shared("link", "For", ("overview",), filters.selected, names_agents))


def offer(**changes: object) -> Offer:
    usual = {"title": "For", "pages": ("volume",), "settings": {"grain": ["week"]}, "filters": CALLS}
    return Offer(**{**usual, "names_agents": False, "maker": "owner@example.com", "agents": None, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    looks = history_of()
    with open_at(tmp_path_factory.mktemp("whole")) as store:
        fill(store, looks, {lead.lead_id for _, leads in looks for lead in leads}, {1, 2, 3, 4})
        yield store


# What a link opens


def test_a_guest_has_the_answers_of_a_store_that_only_ever_held_the_leads_of_the_link(
    whole: Store, tmp_path: Path
) -> None:
    looks, some = history_of(), Filters.of({"type": ["call", "whatsapp"]})
    last = {lead.lead_id: lead for _, leads in looks for lead in leads}
    inside = {lead_id for lead_id, lead in last.items() if lead.channel != "email"}
    assert 20 < len(inside) < len(last)
    seen = store_for(whole, guest(some, names_agents=True))
    with open_at(tmp_path) as alone:
        fill(alone, looks, inside, {1, 2, 3, 4})
        for name, by in questions()[::2]:  # test_scope asks all of them
            with suppress(FilterError):
                expected = compute(name, alone, ALL, by)
                pd.testing.assert_frame_equal(compute(name, seen, ALL, by), expected, obj=f"{name} by {by}")


def test_what_lies_before_the_days_of_a_link_was_never_read_for_its_guests(whole: Store) -> None:
    """The store has leads of the days before. To a guest that period is unknown, not empty."""
    days = Filters.of({"from": ["2026-09-20"], "to": ["2026-09-24"]})
    assert summary_change(whole, days).set_index("key")["is_comparable"]["leads"]
    assert not summary_change(store_for(whole, guest(days)), days).set_index("key")["is_comparable"]["leads"]


def test_agents_are_numbers_unless_the_link_names_them(whole: Store) -> None:
    told = [
        set(compute("breakdown", store_for(whole, guest(CALLS, (2, 4), names_agents=named)), ALL, "agent")["label"])
        for named in (True, False)
    ]
    assert told == [{"Agent 2", "Agent 4"}, {"Agent 1", "Agent 2"}]
    hidden = store_for(whole, guest(CALLS, (2, 4)))
    assert hidden.query("select distinct agent_id from leads order by 1")["agent_id"].tolist() == [1, 2]
    assert set(hidden.query("select agent_id from assignment_observations")["agent_id"].dropna()) <= {1, 2}


def test_values_of_a_filter_are_values_whatever_they_say(whole: Store) -> None:
    for value in ("'", "x') or (true", "{leads}{own}{names}", "$filter_tag", "\\", "';--"):
        assert len(store_for(whole, guest(Filters.of({"tag": [value]}))).query("select * from leads")) == 0
    assert len(store_for(whole, guest(Filters.of({"tag": ["hot", "'"]}))).query("select * from leads")) > 0


@pytest.mark.parametrize(
    "some",
    [
        {"move": ["first:sent>then:opened"]},
        {"reached": ["opened"], "weekday": ["mon", "tue"], "hour": ["9", "11", "17"]},
        {"agent": ["none"]},
        {"agent": ["1", "none"], "tag": ["hot"], "status": ["read"]},
        {"listing_id": ["L1"], "developer": ["none"], "entity": ["listing"], "project": ["none"]},
    ],
)
def test_a_link_may_hold_any_filter(whole: Store, some: dict[str, list[str]]) -> None:
    condition, bound = to_where(Filters.of(some), whole.timezone)
    expected = whole.query(f"select lead_id from leads where {condition}", bound)["lead_id"]  # noqa: S608  # our own
    seen = store_for(whole, guest(Filters.of(some)))
    assert 0 < len(expected) < 160
    assert set(seen.query("select lead_id from leads")["lead_id"]) == set(expected)
    assert set(seen.query("select lead_id from status_observations")["lead_id"]) == set(expected)


def test_a_guest_has_no_person_no_words_and_nothing_to_change(open_store: Callable[..., Store]) -> None:
    store = open_store("words")
    store.write_leads([make_lead(f"lead-{n}") for n in range(6)], observed_at=LOOKS[0])
    store.words.note_on_day(LOOKS[0].date(), "campaign", "omar")
    store.words.save_view("Calls", "volume", {}, "omar")
    seen = store_for(store, guest(ALL))
    assert len(seen.query("select lead_id from leads")) == 6
    assert seen.contacts(["lead-1"]).num_rows == 0
    assert seen.contacts(["lead-1"]).schema == store.contacts(["lead-1"]).schema
    assert seen.words.day_notes() == seen.words.saved_views() == ()
    assert seen.alarms() == ()
    for refused in (lambda: seen.agents, lambda: seen.words.note_on_day(LOOKS[0].date(), "x", "y"), seen.publish):
        with pytest.raises(StoreReadOnlyError):
            refused()
    with pytest.raises(StoreError):
        seen.words.notebooks()


def test_small_groups_are_left_out_and_the_rest_stays() -> None:
    """Of five listings: two of 4 and 1 leads go, those of none and of 5 stay, and so does what is added up."""
    frame = pd.DataFrame({"key": ["a", "b", "c", "d", OTHERS], "leads": [5, 4, 1, 0, 3]})
    assert without_small_groups(frame)["key"].tolist() == ["a", "d", OTHERS]
    by_day = pd.DataFrame({"bucket": [1, 1, 2, 2], "key": ["a", "b", "a", "b"], "leads": [2, 2, 3, 2]})
    assert without_small_groups(by_day)["key"].tolist() == ["a", "a"]  # 2 + 3, and 2 + 2
    whole = pd.DataFrame({"key": ["all"], "leads": [3]})
    assert without_small_groups(whole) is whole


def test_counts_of_few_are_words_in_a_table_and_all_others_stay() -> None:
    frame = pd.DataFrame(
        {"Name": ["a", "b", "c", "d"], "Leads": [5, 4, 0, 1_200], "Waiting": [1, None, 9, 2], "%": [1.0] * 4}
    )
    shown = without_few(Twin(frame.astype({"Waiting": "Int64"}))).frame
    assert shown["Leads"].tolist() == ["5", "<5", "0", "1,200"]
    assert shown["Waiting"].tolist() == ["<5", "–", "9", "<5"]
    assert shown["%"].tolist() == [1.0] * 4
    whole = pd.DataFrame({"Leads": [5, 0]})
    assert without_few(Twin(whole)).frame["Leads"].tolist() == [5, 0]


# Whom it opens to, and for how long


def test_a_link_opens_until_it_expires_or_is_ended_or_its_maker_may_not_share(store: Store) -> None:
    key = store.guest_links.make(offer(), timedelta(days=7))
    link = store.guest_links.opened_by(key)
    assert link is not None
    start = link.made_at
    opened = sign_in.guest_access_of(link, PEOPLE, start)
    assert opened == Access("guest", shared=Shared(link.link_id, "For", ("volume",), CALLS.selected))
    assert sign_in.guest_access_of(link, PEOPLE, start + timedelta(days=7, seconds=-1)) == opened
    assert sign_in.guest_access_of(link, PEOPLE, start + timedelta(days=7)) is None
    assert sign_in.guest_access_of(link, None, start) is None
    for maker in ("x@example.com", "gone@elsewhere.example"):  # a viewer by now, and somebody without a role
        theirs = store.guest_links.opened_by(store.guest_links.make(offer(maker=maker), timedelta(days=1)))
        assert sign_in.guest_access_of(theirs, PEOPLE, start) is None
    store.guest_links.end(link.link_id)
    assert sign_in.guest_access_of(store.guest_links.opened_by(key), PEOPLE, start) is None
    assert store.guest_links.opened_by("") is store.guest_links.opened_by(key[:-1]) is None
    for days in (0, -1, LONGEST.days + 1):
        with pytest.raises(ValueError, match="30 days at most"):
            store.guest_links.make(offer(), timedelta(days=days))


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        (None, None, None),
        ((1, 2), None, (1, 2)),
        (None, (2, 3), (2, 3)),
        ((1, 2), (2, 3), (2,)),
        ((1,), (2,), "nothing"),
    ],
)
def test_a_link_shows_no_more_than_its_maker_saw_then_and_sees_now(
    store: Store, then: tuple[int, ...] | None, now: tuple[int, ...] | None, expected: object
) -> None:
    people = type(PEOPLE)({"m@example.com": Access("manager", agents=now)}, {})
    link = store.guest_links.opened_by(
        store.guest_links.make(offer(maker="m@example.com", agents=then), timedelta(days=1))
    )
    assert link is not None
    opened = sign_in.guest_access_of(link, people, link.made_at)
    assert (opened.agents if opened else "nothing") == expected


def test_links_are_kept_with_their_uses_and_without_what_opens_them(open_store: Callable[..., Store]) -> None:
    first = open_store()
    key = first.guest_links.make(offer(agents=(1, 2)), timedelta(days=7))
    other = first.guest_links.make(offer(title="Ring 050 000 0001"), timedelta(days=1))
    assert len({key, other}) == 2
    assert len(key) == 22  # 128 bits in letters that carry six each
    link = first.guest_links.opened_by(key)
    assert link is not None
    first.guest_links.note_use(link.link_id)
    first.guest_links.note_use(link.link_id)
    first.guest_links.end(link.link_id)
    assert first.erase(Person(phones=("0500000001",)), "test").n_keepsakes == 1
    assert first.guest_links.opened_by(other) is None
    kept = first.guest_links.all()
    first.close()
    for path in first.folder.rglob("*"):
        assert not path.is_file() or key.encode() not in path.read_bytes()
    again = open_store()
    assert again.guest_links.all() == kept
    assert (kept[0].n_uses, kept[0].offer) == (2, offer(agents=(1, 2)))
    assert kept[0].last_used_at is not None
    assert kept[0].ended_at is not None
    stranger = GuestLinks(again._personal, b"another installation's key")
    assert stranger.opened_by(key) is None


# The app


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An app that people sign in to, over two weeks of leads of three agents."""
    (tmp_path / "people.toml").write_text(
        '[[person]]\nemail = "owner@example.com"\nrole = "owner"\n'
        '[[person]]\nemail = "manager@example.com"\nrole = "manager"\nagents = [1]\n'
        '[[person]]\ndomain = "example.com"\nrole = "viewer"\n'
    )
    set_app_settings(monkeypatch, tmp_path, LEADLIB_PEOPLE=str(tmp_path / "people.toml"))
    set_secrets(monkeypatch, {"auth": AUTH})
    fill(get_engine().store, history_of(), {f"lead-{n}" for n in range(160)}, {1, 2, 3, 4})
    monkeypatch.setattr(sign_in, "claims_now", dict)
    yield
    get_engine.clear()


def open_link(monkeypatch: pytest.MonkeyPatch, **changes: object) -> str:
    """Makes a link and has this run's browser come by it."""
    key = get_engine().store.guest_links.make(offer(**changes), timedelta(days=7))
    monkeypatch.setattr(sign_in, "guest_key_now", lambda: key)
    return key


def said(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


@pytest.mark.usefixtures("engine")
def test_the_gate_swaps_the_key_for_a_cookie_and_lets_a_guest_have_pages_but_no_download() -> None:
    links = get_engine().store.guest_links
    key = links.make(offer(), timedelta(days=7))
    came = ask(f"/g/{key}")
    assert (came.status_code, came.headers["location"]) == (303, "/?v=1&grain=week")
    assert came.cookies[sign_in.GUEST_COOKIE] == key
    set_cookie = came.headers["set-cookie"]
    assert all(word in set_cookie for word in ("HttpOnly", "SameSite=lax", "Path=/"))
    assert "Secure" not in set_cookie
    assert "Secure" in ask(f"https://app.test/g/{key}").headers["set-cookie"]
    assert (came.headers["cache-control"], came.headers["referrer-policy"]) == ("no-store", "no-referrer")
    cookies = {sign_in.GUEST_COOKIE: key}
    assert ask("/media/icon.svg", cookies).status_code == 200
    assert ask("/export/anything", cookies).status_code == 404
    assert ask("/", cookies).status_code == 200
    staff = ask(f"/g/{key}", session("x@example.com"))
    assert staff.headers["location"] == "/volume?v=1&type=call&type=whatsapp&from=2026-09-12&to=2026-09-20&grain=week"
    assert "set-cookie" not in staff.headers
    (link,) = links.all()
    links.end(link.link_id)
    assert ask("/media/icon.svg", cookies).status_code == 401
    assert ask(f"/g/{key}", session("x@example.com")).headers["location"] == "/"
    for nonsense in ("", "x" * 4_000, "%0d%0aset-cookie:a=b", "x" * 22):
        answer = ask(f"/g/{nonsense}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert ask("/media/icon.svg", dict(answer.cookies)).status_code == 401


@pytest.mark.usefixtures("engine")
def test_a_sign_in_counts_before_a_link_and_a_link_for_who_has_no_role() -> None:
    engine = get_engine()
    key = engine.store.guest_links.make(offer(), timedelta(days=7))
    told = {**claims("owner@example.com"), "iat": 32503680000}
    assert access_by(engine, told, key).role == "owner"
    assert access_by(engine, {**told, "email": "x@elsewhere.example"}, key).role == "guest"
    assert access_by(engine, {}, key).role == "guest"
    for told_now, key_now, reason in (
        ({}, "x" * 22, "link_ended"),
        ({}, "", "signed_out"),
        ({**told, "email": "x@elsewhere.example"}, "x" * 22, "no_role"),
    ):
        with pytest.raises(AccessError) as refused:
            access_by(engine, told_now, key_now)
        assert refused.value.reason == reason


def test_a_guest_may_open_the_shared_pages_and_no_other() -> None:
    shared = Shared("link", "For", ("volume", "leads", "notebook", "guest_links"), ())
    assert [name for name in (*FOR_GUESTS, "leads", "queue", "agent", "notebook", "guest_links", "health")
            if may_open(Access("guest", shared=shared), name)] == ["volume"]  # fmt: skip
    assert may_open(Access("manager"), "guest_links")
    assert not may_open(Access("viewer"), "guest_links")


@pytest.mark.usefixtures("engine")
def test_shared_pages_show_the_links_leads_read_only_until_it_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    open_link(monkeypatch, pages=FOR_GUESTS)
    store = get_engine().store
    store.words.note_on_day(at("2026-09-15 00:00").date(), "Omar left", "omar")
    n_leads = len(store_for(store, guest(CALLS)).query("select lead_id from leads"))
    app = AppTest.from_file(str(SHELL), default_timeout=60).run()
    for page in FOR_GUESTS:
        app.switch_page(f"../../pages/{page}.py").run()
        assert not app.exception
        assert f"{n_leads}\N{NO-BREAK SPACE}leads" in said(app)
        assert next(metric.value for metric in app.metric if metric.label == "Leads") == str(n_leads)
        assert not app.multiselect
        assert not app.sidebar.children
        assert not {button.label for button in app.button} - {"Sign in"}
        for kept in ("Omar left", "leads to its", "leads to the", "Choose a row"):
            assert kept not in said(app)
    (link,) = store.guest_links.all()
    assert link.n_uses == 1
    store.guest_links.end(link.link_id)
    app.run()
    assert app.title[0].value == "This link has ended"
    assert not app.metric


@pytest.mark.usefixtures("engine")
def test_a_link_with_few_leads_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    open_link(monkeypatch, filters=Filters.of({"type": ["call"], "from": ["2026-09-12"], "to": ["2026-09-12"]}))
    app = AppTest.from_file(str(SHELL), default_timeout=60).run()
    assert [header.value for header in app.header] == ["Too few leads to show"]
    assert not app.metric


@pytest.mark.usefixtures("engine")
def test_a_manager_makes_a_link_that_is_shown_once_with_days_written_out_and_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = {**claims("manager@example.com"), "iat": 32503680000}
    monkeypatch.setattr(sign_in, "claims_now", lambda: told)
    app = AppTest.from_file(str(SHELL), default_timeout=60)
    app.query_params["type"] = "call"
    app.run()
    make = next(button for button in app.button if button.label == "Make a guest link")
    make.click().run()
    assert [toast.value for toast in app.toast] == ["Say what the link is for, then make it."]
    app.text_input(key="share_title").set_value("For *the* developer")
    next(button for button in app.button if button.label == "Make a guest link").click().run()
    assert not app.exception
    (link,) = get_engine().store.guest_links.all()
    address = next(code.value for code in app.code if "/g/" in code.value)
    assert get_engine().store.guest_links.opened_by(address.rpartition("/")[2]) == link
    assert link.expires_at - link.made_at == timedelta(days=7)
    assert (link.offer.maker, link.offer.agents, link.offer.pages) == ("manager@example.com", (1,), ("overview",))
    mine = store_for(get_engine().store, Access("manager", agents=(1,)))
    days = mine.query("select strftime(created_local, '%Y-%m-%d') as day from leads where channel = 'call'")["day"]
    assert link.offer.filters == Filters.of({"type": ["call"], "from": [days.min()], "to": [days.max()]})
    get_engine().store.guest_links.make(offer(), timedelta(days=1))  # the owner's: not for a manager to see
    app.switch_page("../../pages/guest_links.py").run()
    assert not app.exception
    assert [header.value for header in app.header] == ["For \\*the\\* developer"]
    app.button(key=f"end_{link.link_id}").click().run()
    assert get_engine().store.guest_links.opened_by(address.rpartition("/")[2]).ended_at is not None
    assert "Ended" in said(app)
    app.switch_page("../../pages/overview.py").run()
    assert not [code for code in app.code if "/g/" in code.value]


def test_where_nobody_signs_in_sharing_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LEADLIB_DATABASE", str(tmp_path / "store"))
    monkeypatch.setenv("LEADLIB_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LEADLIB_API_TOKEN", "a-token")
    monkeypatch.setenv("LEADLIB_SYNC_MINUTES", "0")
    get_engine.clear()
    app = AppTest.from_file(str(SHELL), default_timeout=60).run()
    assert "nothing that a guest link could go past" in said(app)
    assert not [button for button in app.button if button.label == "Make a guest link"]
    assert ask("/g/" + "x" * 22).headers["location"] == "/"
    get_engine.clear()


# S8: nothing that a guest sends reaches a lead outside of the link


def any_filters(chance: random.Random) -> Filters:
    """Filters as somebody might send them who wants more than they were given."""
    values = {
        "status": ["sent", "replied", "read", "archived", "x"],
        "type": ["call", "email", "whatsapp", "chat", "' or true --"],
        "entity": ["listing", "project", "agent"],
        "agent": ["1", "2", "3", "4", "none", "90001"],
        "listing": ["R-1", "R-2", "none", "') or (1=1"],
        "project": ["P0", "P1", "none"],
        "from": ["2000-01-01", "2026-09-01", "2026-09-15"],
        "to": ["2026-09-20", "2100-12-31"],
    }
    chosen = {key: chance.sample(some, 1 if key in {"from", "to"} else chance.randint(1, len(some)))
              for key, some in values.items() if chance.random() < 0.3}  # fmt: skip
    return Filters.of(chosen)


def test_no_question_of_a_guest_reaches_a_lead_outside(whole: Store, matrix: list[tuple[int, int]]) -> None:
    """Every question under filters at random: those leads are counted that the link and the filters both leave."""
    n_asked = 4_000 if len(matrix) > 2 else 300
    chance, asked = random.Random(8), questions()
    accesses = [guest(CALLS, names_agents=True), guest(CALLS, (1, 3), names_agents=True), guest(CALLS)]
    inside = {access: _inside(whole, access) for access in accesses}
    for number in range(n_asked):
        access, filters = chance.choice(accesses), any_filters(chance)
        seen = store_for(whole, access)
        condition, bound = to_where(filters, whole.timezone)
        found = seen.query(f"select lead_id from leads where {condition}", bound)["lead_id"]  # noqa: S608  # of our own table
        assert set(found) <= inside[access], filters
        if number % 30 == 0:
            rows = lead_rows(seen, filters, order=chance.choice(["newest", "oldest"]), page=chance.choice([1, 2, 99]))
            assert set(rows["lead_id"]) <= inside[access], filters
            name, by = chance.choice(asked)
            with suppress(FilterError):
                frame = compute(name, seen, filters, by)
                counted = [column for column in ("leads", "waiting", "moved") if column in frame and len(frame)]
                assert all(frame[column].max() <= len(inside[access]) for column in counted), (name, by, filters)


def _inside(whole: Store, access: Access) -> set[str]:
    leads = whole.query("select lead_id, channel, agent_id, strftime(created_local, '%Y-%m-%d') as day from leads")
    is_inside = leads["channel"].isin(["call", "whatsapp"]) & leads["day"].between("2026-09-12", "2026-09-20")
    if access.agents is not None:
        is_inside &= leads["agent_id"].isin(access.agents)
    return set(leads.loc[is_inside, "lead_id"])


@pytest.mark.usefixtures("engine")
def test_no_address_and_no_widget_state_of_a_guest_shows_more(
    monkeypatch: pytest.MonkeyPatch, matrix: list[tuple[int, int]]
) -> None:
    """Parameters, and the session's state of every filter, setting and click, at random: the page stays as it is."""
    chance = random.Random(9)
    open_link(monkeypatch, pages=("overview",))
    app = AppTest.from_file(str(SHELL), default_timeout=60).run()
    usual = [(metric.label, metric.value) for metric in app.metric]
    assert usual[0][0] == "Leads"
    for _ in range(1_000 if len(matrix) > 2 else 5):
        app = AppTest.from_file(str(SHELL), default_timeout=60)
        for key, values in any_filters(chance).selected:
            if chance.random() < 0.5:
                app.query_params[key] = list(values)
            else:
                app.session_state[f"filter_{key}"] = list(values)
        app.query_params[chance.choice(["page", "notebook", "p", "by", "x"])] = chance.choice(["leads", "agent", "9"])
        app.session_state["drill_waiting"] = chance.choice(["leads", "notebook", "agent", "health"])
        app.session_state["view"] = None
        app.run()
        assert not app.exception
        assert [(metric.label, metric.value) for metric in app.metric] == usual
        assert not app.dataframe or all("Lead" not in frame.value.columns for frame in app.dataframe)


# S6: what is kept ready for one is not given to another


@pytest.mark.usefixtures("engine")
def test_cached_answers_go_to_nobody_who_sees_something_else(
    monkeypatch: pytest.MonkeyPatch, matrix: list[tuple[int, int]]
) -> None:
    """An owner, a manager with a scope, a viewer and two guests ask in turns and at once; each gets their own."""
    links, me = get_engine().store.guest_links, ContextVar("me", default=("", ""))
    keys = [links.make(offer(**changes), timedelta(days=1)) for changes in ({}, {"names_agents": True})]
    who = [("owner@example.com", ""), ("manager@example.com", ""), ("x@example.com", ""), *(("", key) for key in keys)]
    told = {email: {**claims(email), "iat": 32503680000} if email else {} for email, _ in who}
    monkeypatch.setattr(sign_in, "claims_now", lambda: told[me.get()[0]])
    monkeypatch.setattr(sign_in, "guest_key_now", lambda: me.get()[1])

    def answers(one: tuple[str, str]) -> tuple[object, ...]:
        me.set(one)
        frames = [load(summary, ALL), load(breakdown, ALL, by="agent"), load(volume, CALLS)]
        vocabulary = load_vocabulary()
        return (*(frame.to_csv() for frame in frames), vocabulary.values["agent"], str(vocabulary.names["agent"]))

    own = {one: answers(one) for one in who}
    assert len({own[one] for one in who}) == len(who) - 1  # a viewer without a scope sees the owner's counts
    chance = random.Random(6)
    turns = chance.choices(who, k=500 if len(matrix) > 2 else 40)
    with ThreadPoolExecutor(4) as pool:
        assert all(found == own[one] for one, found in zip(turns, pool.map(answers, turns), strict=True))


# S7: what an address carries


def test_no_parameter_of_an_address_takes_a_name_a_phone_or_an_e_mail() -> None:
    """Addresses hold ids, days and words from closed lists; `tag` and `listing` are the account's own labels."""
    free = {field.key for field in FIELDS if field.kind == "id" and not field.is_number}
    assert free == {"listing", "project", "listing_id", "developer", "tag", "move"}
    assert {param.key for param in PARAMS if not param.options and not param.is_day} == {"notebook", "p"}
    keys = {*(field.key for field in FIELDS), *(param.key for param in PARAMS)}
    assert not {"sender", "name", "phone", "email", "search", "q"} & keys
