"""`webhooks`: what it lists, subscribes, accepts and ends, and what it never prints."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leadlib.api import LEAD_EVENTS
from leadlib.cli import main
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.webhooks import KnownAddresses
from tests.cli.conftest import DUBAI, NOW
from tests.webhook_events import SECRET

OURS = "https://leads.example.com/webhooks/leads"
OTHERS = "https://crm.example.net/hook"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(params=["plain", "ids with a suffix"])
def portal(request: pytest.FixtureRequest) -> Iterator[SandboxServer]:
    faults = frozenset({"webhook-ids"}) if request.param != "plain" else frozenset[str]()
    with SandboxServer(SandboxSettings(n_leads=10, frozen_at=NOW, faults=faults)) as server:
        yield server


@pytest.fixture
def run(
    portal: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs one command in this process: its exit code, what it printed, and what it said on the way."""
    for name, value in {
        "LEADLIB_API_URL": portal.url,
        "LEADLIB_API_KEY": API_KEY,
        "LEADLIB_API_SECRET": API_SECRET,
        "LEADLIB_DATABASE": str(tmp_path),
        "LEADLIB_WEBHOOK_SECRET": SECRET,
    }.items():
        monkeypatch.setenv(name, value)

    def run_one(*arguments: str) -> tuple[int, str, str]:
        code = main(["webhooks", *arguments])
        out, err = capsys.readouterr()
        assert SECRET not in out + err
        assert API_SECRET not in out + err
        return code, out, err

    return run_one


def listed(run: Run) -> list[dict[str, object]]:
    code, out, _ = run("list", "--json")
    assert code == 0
    found: list[dict[str, object]] = json.loads(out)
    return found


def test_subscribing_takes_all_three_events_and_can_be_repeated(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("subscribe", OURS)
    assert code == 0
    assert out.splitlines() == [f"{event}: subscribed" for event in LEAD_EVENTS]
    assert KnownAddresses(tmp_path).all() == {OURS}
    code, out, err = run("subscribe", OURS, "--json")
    assert code == 0
    assert json.loads(out) == {"url": OURS, "subscribed": [], "already": list(LEAD_EVENTS)}
    code, out, err = run("subscribe", OURS)
    assert "unsubscribe the address first" in err
    assert [(one["event"], one["url"], one["is_known"]) for one in listed(run)] == [
        (event, OURS, True) for event in LEAD_EVENTS
    ]
    code, out, _ = run("list")
    assert out.splitlines()[0].split() == ["id", "address", "since", "known", "here"]
    assert out.count(OURS) == 3
    assert out.count(f"{NOW.astimezone(DUBAI):%Y-%m-%d}  yes") == 3


def test_nothing_subscribed_is_said(run: Run) -> None:
    assert run("list")[:2] == (0, "Nothing is subscribed.\n")
    assert listed(run) == []


def test_unsubscribing_an_address_ends_its_events_and_it_is_known_no_more(run: Run, tmp_path: Path) -> None:
    run("subscribe", OURS)
    code, out, _ = run("unsubscribe", OURS, "--json")
    assert (code, len(json.loads(out)["unsubscribed"])) == (0, 3)
    assert listed(run) == []
    assert KnownAddresses(tmp_path).all() == frozenset()


def test_one_of_two_addresses_is_ended_only_where_the_ids_tell_them_apart(
    run: Run, portal: SandboxServer, tmp_path: Path
) -> None:
    run("subscribe", OURS)
    run("subscribe", OTHERS)
    code, _, err = run("unsubscribe", OTHERS)
    if portal.settings.faults:
        assert code == 0
        assert {one["url"] for one in listed(run)} == {OURS}
    else:
        assert code == 2
        assert "would end those too" in err
        assert len(listed(run)) == 6
        assert run("unsubscribe", "lead.created")[0] == 0
        assert len(listed(run)) == 4
        assert KnownAddresses(tmp_path).all() == {OURS, OTHERS}


def test_accepting_makes_an_address_known(run: Run, tmp_path: Path) -> None:
    run("subscribe", OTHERS)
    KnownAddresses(tmp_path).remove(OTHERS)
    assert not any(one["is_known"] for one in listed(run))
    code, out, _ = run("accept", str(listed(run)[0]["id"]))
    assert (code, "accepted" in out) == (0, True)
    assert all(one["is_known"] for one in listed(run))


@pytest.mark.parametrize("portal", ["plain"], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["list", OURS], "takes nothing more", id="list-takes-nothing"),
        pytest.param(["subscribe"], "takes an address", id="subscribe-what"),
        pytest.param(["unsubscribe"], "takes an id or an address", id="unsubscribe-what"),
        pytest.param(["subscribe", "leads.example.com"], "https://", id="no-scheme"),
        pytest.param(["subscribe", "http://leads.example.com/x"], "https://", id="readable-on-the-way"),
        pytest.param(["subscribe", "https://[x"], "https://", id="broken"),
        pytest.param(["unsubscribe", OURS], "no subscription of this id or address", id="unknown-address"),
        pytest.param(["accept", OURS], "no subscription of this id or address", id="accept-unknown"),
    ],
)
def test_what_makes_no_sense_ends_with_2(run: Run, arguments: list[str], words: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert words in err


@pytest.mark.parametrize("portal", ["plain"], indirect=True)
def test_without_a_secret_nothing_is_subscribed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEADLIB_WEBHOOK_SECRET")
    code, _, err = run("subscribe", OURS)
    assert (code, "LEADLIB_WEBHOOK_SECRET" in err) == (2, True)
    assert listed(run) == []


@pytest.mark.parametrize("portal", ["plain"], indirect=True)
def test_without_credentials_there_is_nobody_to_ask(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LEADLIB_API_URL", "LEADLIB_API_KEY", "LEADLIB_API_SECRET"):
        monkeypatch.delenv(name)
    code, _, err = run("list")
    assert (code, "No credentials are set" in err) == (2, True)


def test_key_without_the_permission_ends_with_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SandboxServer(SandboxSettings(n_leads=10, frozen_at=NOW, scopes=frozenset({"leads:read"}))) as server:
        for name, value in {
            "LEADLIB_API_URL": server.url, "LEADLIB_API_KEY": API_KEY, "LEADLIB_API_SECRET": API_SECRET,
            "LEADLIB_DATABASE": str(tmp_path),
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        assert main(["webhooks", "list"]) == 3


def test_app_that_holds_the_store_is_not_in_the_way(run: Run, tmp_path: Path, portal: SandboxServer) -> None:
    from leadlib.store import Store

    with Store.open(tmp_path, timezone=DUBAI, portal=portal.url):
        assert run("subscribe", OURS)[0] == 0
        assert run("unsubscribe", OURS)[0] == 0
