"""Who gets in, what the gate lets through, and that no page goes past what its viewer may see."""

import ast
import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from streamlit.runtime.secrets import Secrets
from streamlit.testing.v1 import AppTest
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from leadlib.access import LOCAL, Access, People
from leadlib.errors import AccessError, SettingsError
from leadlib.filters import Filters
from leadlib.metrics import summary
from leadlib.ui import sign_in
from leadlib.ui.engine import current_access, get_engine, load, may
from leadlib.ui.gate import RETURN_TO
from leadlib.ui.names import load_vocabulary
from leadlib.ui.screens import may_open
from leadlib.ui.view import View
from leadlib.web import MIDDLEWARE, ROUTES
from tests.conftest import at, make_lead, set_app_settings

ROOT = Path(__file__).resolve().parents[1]
SHELL = ROOT / "leadlib" / "ui" / "shell.py"
NOW = at("2026-11-20 09:00")
PEOPLE = People(
    {"owner@example.com": Access("owner"), "scoped@example.com": Access("viewer", agents=(1,))},
    {"example.com": Access("viewer")},
)
AUTH = {
    "redirect_uri": "https://leads.example.com/oauth2callback",
    "cookie_secret": "x" * 32,
    "client_id": "id",
    "client_secret": "secret",
    "server_metadata_url": "https://provider.example/.well-known/openid-configuration",
}


def claims(email: str = "owner@example.com", **changes: object) -> dict[str, object]:
    issued = {"iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 3600}
    return {"is_logged_in": True, "email": email, "email_verified": True, **issued, **changes}


def test_the_role_is_looked_up_by_the_address_that_the_provider_vouches_for() -> None:
    assert sign_in.access_of(claims("Owner@Example.com"), PEOPLE, NOW) == Access("owner", "owner@example.com")
    unsaid = {name: value for name, value in claims("x@example.com").items() if name != "email_verified"}
    assert sign_in.access_of(unsaid, PEOPLE, NOW) == Access("viewer", "x@example.com")


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({}, "signed_out"),
        ({"is_logged_in": False}, "signed_out"),
        (claims(is_logged_in="yes"), "signed_out"),
        (claims(email_verified=False), "unverified"),
        (claims(email_verified="false"), "unverified"),
        (claims(email_verified=None), "unverified"),
        (claims(email=None), "unverified"),
        (claims(email=["owner@example.com"]), "unverified"),
        (claims("owner@elsewhere.example"), "no_role"),
        (claims(iat=int((NOW - sign_in.SESSION).timestamp())), "expired"),
        (claims(iat=None, exp=int(NOW.timestamp())), "expired"),
        (claims(iat=None, exp=None), "expired"),
        (claims(iat=True, exp="never"), "expired"),
        (claims(iat=1e300, exp=None), "expired"),
    ],
)
def test_whoever_has_no_access_is_told_why(told: dict[str, object], reason: str) -> None:
    with pytest.raises(AccessError) as refused:
        sign_in.access_of(told, PEOPLE, NOW)
    assert refused.value.reason == reason


def test_a_session_holds_for_eight_hours_however_short_the_providers_token_does() -> None:
    last = NOW + sign_in.SESSION - timedelta(seconds=1)
    assert sign_in.access_of(claims(), PEOPLE, last).role == "owner"


def test_nobody_has_access_while_the_host_has_named_nobody() -> None:
    with pytest.raises(AccessError, match="LEADLIB_PEOPLE is not set") as refused:
        sign_in.access_of(claims(), None, NOW)
    assert refused.value.reason == "no_people"


# How it is set up


def set_secrets(monkeypatch: pytest.MonkeyPatch, content: dict[str, Any]) -> None:
    secrets = Secrets()
    secrets._secrets = content
    monkeypatch.setattr(st, "secrets", secrets)
    monkeypatch.setattr(sign_in, "is_authlib_installed", lambda: True)


@pytest.mark.parametrize(
    ("auth", "providers"),
    [
        ({}, ()),
        (AUTH, ("default",)),
        (
            {
                **{name: AUTH[name] for name in ("redirect_uri", "cookie_secret")},
                "google": {name: AUTH[name] for name in ("client_id", "client_secret", "server_metadata_url")},
            },
            ("google",),
        ),
    ],
)
def test_the_providers_are_those_of_the_secrets(
    monkeypatch: pytest.MonkeyPatch, auth: dict[str, Any], providers: tuple[str, ...]
) -> None:
    set_secrets(monkeypatch, {"auth": auth} if auth else {"leadlib": {}})
    assert sign_in.load_providers() == providers


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"cookie_secret": ""}, "lacks cookie_secret"),
        ({"cookie_secret": "short"}, "must be 32 characters or more"),
        ({"client_id": " "}, "lacks client_id"),
        ({"redirect_uri": "https://leads.example.com/"}, "with /oauth2callback"),
        (
            {"server_metadata_url": "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"},
            "must name your own tenant",
        ),
    ],
)
def test_a_sign_in_that_would_not_hold_is_refused(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], says: str
) -> None:
    set_secrets(monkeypatch, {"auth": {**AUTH, **changes}})
    with pytest.raises(SettingsError, match=says):
        sign_in.load_providers()


def test_a_file_of_secrets_that_cannot_be_read_is_not_taken_for_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secrets.toml").write_text('[auth]\ncookie_secret = "half')
    secrets = Secrets()
    monkeypatch.setattr(st, "secrets", secrets)
    monkeypatch.setattr(st.config, "get_option", lambda name: [str(tmp_path / "secrets.toml")])
    with pytest.raises(SettingsError, match="cannot be read as TOML") as refused:
        sign_in.load_providers()
    assert "half" not in str(refused.value)


# The app with a sign-in


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An app that people sign in to, with three leads of two agents."""
    (tmp_path / "people.toml").write_text(
        '[[person]]\nemail = "owner@example.com"\nrole = "owner"\n'
        '[[person]]\ndomain = "example.com"\nrole = "viewer"\n'
        '[[person]]\nemail = "scoped@example.com"\nrole = "viewer"\nagents = [1]\n'
    )
    set_app_settings(monkeypatch, tmp_path, LEADLIB_PEOPLE=str(tmp_path / "people.toml"))
    set_secrets(monkeypatch, {"auth": AUTH})
    leads = [make_lead(name, publicProfile={"id": agent}) for name, agent in (("a", 1), ("b", 2), ("c", 2))]
    get_engine().store.write_leads(leads, observed_at=NOW)
    yield
    get_engine.clear()


def signed_in(monkeypatch: pytest.MonkeyPatch, email: str | None) -> None:
    told = {} if email is None else {**claims(email), "iat": 32503680000}
    monkeypatch.setattr(sign_in, "claims_now", lambda: told)


@pytest.mark.usefixtures("engine")
def test_answers_are_not_shared_between_people_who_see_different_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        for email, n_leads in (("owner@example.com", 3), ("scoped@example.com", 1), ("x@example.com", 3)):
            signed_in(monkeypatch, email)
            assert load(summary, Filters())["leads"].iloc[0] == n_leads
            view = View(get_engine(), Filters(), load_vocabulary())
            assert view.n_leads == n_leads
            assert len(view.store.query("select * from leads")) == n_leads
            assert len(view.vocabulary.values["agent"]) == (1 if n_leads == 1 else 2)
    signed_in(monkeypatch, None)
    with pytest.raises(AccessError):
        load(summary, Filters())


@pytest.mark.usefixtures("engine")
def test_rights_are_asked_for_again_when_something_is_clicked(monkeypatch: pytest.MonkeyPatch) -> None:
    for email, expected in (("owner@example.com", True), ("x@example.com", False), (None, False)):
        signed_in(monkeypatch, email)
        assert may("may_sync") is may("may_edit_notebooks") is expected


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("email", "says"),
    [(None, "Sign in"), ("x@elsewhere.example", "You have no access"), ("x@example.com", "Leads")],
)
def test_the_shell_draws_no_page_for_who_may_not_enter(
    monkeypatch: pytest.MonkeyPatch, email: str | None, says: str
) -> None:
    signed_in(monkeypatch, email)
    app = AppTest.from_file(str(SHELL), default_timeout=60)
    app.run()
    app.switch_page("../../pages/leads.py").run()
    assert not app.exception
    assert app.title[0].value == says
    is_in = says == "Leads"
    assert bool(app.dataframe) is bool(app.multiselect) is is_in
    assert not [button for button in app.button if button.label in {"Sync now", "Fetch this view now", "Pin it"}]


def test_people_without_a_sign_in_would_be_a_false_safety(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "people.toml").write_text('[[person]]\nemail = "owner@example.com"\nrole = "owner"\n')
    monkeypatch.setenv("LEADLIB_DATABASE", str(tmp_path / "store"))
    monkeypatch.setenv("LEADLIB_PEOPLE", str(tmp_path / "people.toml"))
    set_secrets(monkeypatch, {"leadlib": {}})
    with pytest.raises(SettingsError, match="but nobody signs in"):
        get_engine()
    assert not (tmp_path / "store").exists()


def test_screens_of_the_whole_account_are_not_for_somebody_with_a_scope() -> None:
    scoped = Access("manager", agents=(1,))
    names = ("leads", "health", "privacy", "calibration")
    assert [name for name in names if may_open(scoped, name)] == ["leads"]
    assert [name for name in names if may_open(Access("owner", agents=(1,)), name)] == ["leads"]
    assert [name for name in names if may_open(Access("manager"), name)] == ["leads", "health"]
    assert [name for name in names if may_open(Access("viewer"), name)] == [
        "leads",
        "health",
    ]
    assert may_open(LOCAL, "calibration")


# The gate


def ask(path: str, cookies: dict[str, str] | None = None, **headers: str) -> httpx.Response:
    async def page(_: object) -> PlainTextResponse:
        return PlainTextResponse("a page")

    async def answer() -> httpx.Response:
        app = Starlette(routes=[*ROUTES, Route("/{path:path}", page)], middleware=MIDDLEWARE)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app.test", cookies=cookies) as client:
            return await client.get(path, headers={"accept": "text/html", **headers})

    return asyncio.run(answer())


def session(email: str) -> dict[str, str]:
    told = {**claims(email), "iat": 32503680000}
    signed = create_signed_value(get_cookie_secret(), "_streamlit_user", json.dumps(told))
    return {"_streamlit_user": signed.decode()}


@pytest.mark.usefixtures("engine")
def test_a_link_comes_back_after_the_sign_in_and_once_only() -> None:
    anonymous = ask("/funnel?v=1&type=call&tag=a%20b")
    assert anonymous.status_code == 200
    kept = {RETURN_TO: anonymous.cookies[RETURN_TO]}
    assert "HttpOnly" in anonymous.headers["set-cookie"]
    back = ask("/", {**session("owner@example.com"), **kept})
    assert (back.status_code, back.headers["location"]) == (302, "/funnel?v=1&type=call&tag=a%20b")
    assert "Max-Age=0" in back.headers["set-cookie"]
    assert ask("/", kept).status_code == ask("/", session("owner@example.com")).status_code == 200
    assert "set-cookie" not in ask("/").headers
    assert "set-cookie" not in ask("/funnel", session("owner@example.com")).headers


@pytest.mark.usefixtures("engine")
def test_nobody_is_led_to_another_host() -> None:
    for address in (
        *("//evil.example/x", "/\\evil.example", "https://evil.example", "evil.example", ""),
        *("/x\r\nset-cookie: a=b", "/" + "x" * 3_000),
    ):
        answer = ask("/", {**session("owner@example.com"), RETURN_TO: quote(address, safe="")})
        assert answer.status_code == 200, address
    assert "set-cookie" not in ask("http://app.test//evil.example/x").headers


@pytest.mark.usefixtures("engine")
def test_downloads_and_media_are_for_who_has_signed_in_and_asked() -> None:
    engine = get_engine()
    scoped = sign_in.access_of(claims("scoped@example.com"), engine.settings.people, NOW)
    ticket = engine.tickets.issue(Filters(), "csv", personal=False, access=scoped)
    for path, status in ((f"/export/{ticket}", 404), ("/media/file.csv", 401)):
        assert ask(path).status_code == status
        assert ask(path, {"_streamlit_user": "forged"}).status_code == status
        assert ask(path, session("x@elsewhere.example")).status_code == status
    assert ask("/media/file.csv", session("x@example.com")).status_code == 200
    assert ask(f"/export/{ticket}", session("owner@example.com")).status_code == 404
    assert ask(f"/export/{ticket}", session("x@example.com")).status_code == 404
    file = ask(f"/export/{ticket}", session("scoped@example.com"))
    assert file.status_code == 200
    assert [line.split(",")[0] for line in file.text.splitlines()[1:]] == ['"a"']


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/agent/openapi.json", "/_stcore/agent/mcp"])
def test_what_nobody_should_ask_for_is_not_there(path: str) -> None:
    assert ask(path).status_code == 404


# No way past it

_PAST_THE_VIEW = {
    "downloads.py": {"store"},  # where all exports are on record
    "engine.py": {"store", "store_for"},  # the whole one for what a guest link opens
    "gate.py": {"store"},  # likewise
    "guard.py": {"store", "store_for"},  # the whole one for a keyed hash in the log
    "guests.py": {"store"},  # to count that a link is used
    "health.py": {"store"},  # what an owner says of all leads: that they are gone
    "names.py": {"store_for"},
    "notebook_sql.py": {"store"},  # where rows that are handed out are on record
    "sharing.py": {"store"},  # to make, list and end guest links
    "shell.py": {"store_for"},
    "status.py": {"store"},  # when the portal was last read, whoever asks
    "view.py": {"store_for"},
    "warming.py": {"store"},  # before anybody has come, and nobody sees the answers
}


def test_pages_take_leads_from_the_store_of_their_viewer() -> None:
    """Whoever needs the whole store on a screen has to say here why."""
    found: dict[str, set[str]] = {}
    for path in [*(ROOT / "leadlib" / "ui").glob("*.py"), *(ROOT / "pages").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_store = isinstance(node, ast.Attribute) and node.attr in {"store", "store_for"}
            if is_store and ast.unparse(node.value).endswith(("engine", "get_engine()")):
                found.setdefault(path.name, set()).add(node.attr)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "run_sql":
                assert "agents" in {keyword.arg for keyword in node.keywords}, path.name
    assert found == _PAST_THE_VIEW


def test_the_worker_is_asked_for_a_sync_only_by_who_may() -> None:
    """Buttons name `request_sync`, which looks the right up; a button that names the worker itself would not."""
    for path in (ROOT / "leadlib" / "ui").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert text.count("worker.request") == {"engine.py": 1, "health.py": 1}.get(path.name, 0), path.name


def test_without_a_sign_in_everybody_is_the_owner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LEADLIB_DATABASE", str(tmp_path / "store"))
    monkeypatch.setenv("LEADLIB_SYNC_MINUTES", "0")
    monkeypatch.setenv("LEADLIB_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LEADLIB_API_TOKEN", "a-token")
    try:
        assert current_access() == LOCAL
        assert get_engine().store_for(current_access()) is get_engine().store
    finally:
        get_engine.clear()
