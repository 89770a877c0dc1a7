"""Rows B of the fault matrix: windows, clocks and zones, tokens and keys."""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import jwt
import pytest

from leadlib.api import Client
from leadlib.config import Secret, Settings
from leadlib.engine import Engine
from leadlib.errors import CredentialsError, PortalUnavailableError, ScopeError, StoppedError
from leadlib.expiry import ALARM, expiry, watch_expiry
from leadlib.filters import Filters
from leadlib.metrics.queries import coverage
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.store import Store
from leadlib.sync import run_sync
from leadlib.worker import Wish, Worker
from tests.conftest import DUBAI, at, eventually, make_lead

NOW = at("2026-11-20 09:00")
PLENTY = 10**6
PROMPTLY_S = 3
"""A second by itself; the machine may be busy with other tests."""


@dataclass
class Bench:
    """A portal held still, and a client that never waits."""

    portal: SandboxServer
    client: Client

    def total_since(self, created_from: datetime) -> int:
        return self.client.total(created_from=created_from)


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    """A function that starts a portal with changed settings, and a client of it; all is closed at the end."""
    running: list[Bench] = []

    def start(transport: httpx.BaseTransport | None = None, **changes: Any) -> Bench:
        plain = {
            "dialect": "flat", "n_leads": 300, "frozen_at": NOW, "calls_per_minute": PLENTY,
            "token_calls_per_minute": PLENTY,
        }  # fmt: skip
        portal = SandboxServer(SandboxSettings(**{**plain, **changes})).__enter__()
        client = Client(settings_for(portal), transport=transport, sleep=lambda seconds: None)
        running.append(Bench(portal, client))
        return running[-1]

    yield start
    for one in running:
        one.client.close()
        one.portal.__exit__(None, None, None)


def settings_for(portal: SandboxServer, **changes: Any) -> Settings:
    plain: dict[str, Any] = {
        "api_url": portal.url,
        "api_key": Secret(API_KEY),
        "api_secret": Secret(API_SECRET),
        "calls_per_minute": PLENTY,
    }
    return Settings(**{**plain, **changes})


# B1: how far back the portal goes

RULES = {
    "calendar months by instant": frozenset[str](),
    "calendar months by date in UTC": frozenset({"window-utc-dates"}),
    "calendar months by date in Dubai": frozenset({"window-dubai-dates"}),
    "ninety days": frozenset({"window-ninety-days"}),
}
EDGES = ("2026-11-30", "2026-12-31", "2027-02-28", "2027-03-01", "2027-05-31", "2027-08-31", "2028-02-29", "2028-05-29")


@pytest.mark.parametrize("rule", RULES)
def test_B1_window_is_found_to_the_day_whatever_its_rule(
    rule: str, bench: Callable[..., Bench], request: pytest.FixtureRequest, record_property: Callable[..., None]
) -> None:
    days = [datetime.fromisoformat(f"{day}T09:00:00Z") for day in EDGES]
    if request.config.getoption("--matrix") == "full":
        days = [datetime(2028, 1, 1, 9, tzinfo=UTC) + timedelta(days=n) for n in range(366)]
    one = bench(n_leads=0, faults=RULES[rule], token_life_s=10**9)
    short_by: list[timedelta] = []
    for day in days:
        # Morning, and an hour at which it is tomorrow already in Dubai.
        for now in (day, day + timedelta(hours=12, minutes=30)):
            one.portal.clock.set(now)
            oldest = one.client.oldest_accepted(now)
            assert one.total_since(oldest + timedelta(minutes=1)) == 0, "the portal takes what was found"
            short_by.append(oldest - one.portal._portal._window_start(now))
    # A minute is left for the window to move on while it is asked for.
    assert timedelta(minutes=-1) <= min(short_by), "nothing is asked for that the portal no longer shows"
    assert max(short_by) <= timedelta(days=1)
    record_property("most_hours_short", max(short_by) / timedelta(hours=1))


# B2 and B3: whose clock, and whose day

SYNC_ELSEWHERE = """
import json, sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo
from leadlib.api import Client
from leadlib.config import Secret, Settings
from leadlib.metrics.queries import coverage
from leadlib.sandbox import API_KEY, API_SECRET
from leadlib.store import Store
from leadlib.sync import run_sync

url, folder, portal_now, hours = sys.argv[1:]
our_now = datetime.fromisoformat(portal_now) + timedelta(hours=int(hours))
settings = Settings(api_url=url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET), calls_per_minute=10**6)
with Store.open(Path(folder), timezone=ZoneInfo("Asia/Dubai"), portal=url) as store, Client(settings) as client:
    row = run_sync(client, store, full=True, now=lambda: our_now)
    days = store.query("select lead_id, cast(cast(created_local as date) as varchar) as day from leads")
    print(json.dumps({
        "outcome": row.outcome,
        "days": dict(zip(days["lead_id"], days["day"])),
        "as_of": store.as_of().isoformat(),
        "covered_to": coverage(store).stretches[-1][1].isoformat(),
    }))
"""


@pytest.mark.parametrize(
    ("hours", "zone", "portal_now"),
    [
        pytest.param(26, "America/New_York", "2026-11-01T06:30:00+00:00", id="ahead in the hour that comes twice"),
        pytest.param(-26, "Europe/Berlin", "2027-03-28T01:30:00+00:00", id="behind in the hour that never was"),
    ],
)
def test_B2_our_clock_and_the_hosts_zone_cost_no_lead_and_no_day(
    hours: int, zone: str, portal_now: str, bench: Callable[..., Bench], tmp_path: Path
) -> None:
    now = datetime.fromisoformat(portal_now)
    portal = bench(frozen_at=now, n_leads=400).portal
    asked = [sys.executable, "-c", SYNC_ELSEWHERE, portal.url, str(tmp_path / "store"), portal_now, str(hours)]
    run = subprocess.run(asked, env={"TZ": zone, "PATH": ""}, capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(run.stdout)
    expected = {
        lead.id: str(datetime.fromtimestamp(lead.created_ms / 1000, DUBAI).date()) for lead in portal.truth.visible(now)
    }
    assert len(expected) > 200
    assert found["days"] == expected, "0 lost, 0 on a wrong day"
    assert found["outcome"] == "complete"
    assert found["as_of"] == portal_now
    assert datetime.fromisoformat(found["covered_to"]) <= now + timedelta(minutes=5)


def test_B2_incremental_sync_goes_by_the_portals_clock(bench: Callable[..., Bench], store: Store) -> None:
    one = bench(n_leads=600)
    ours = {"now": NOW - timedelta(hours=26)}
    run_sync(one.client, store, full=True, now=lambda: ours["now"])
    for hours in (3, 6):  # our clock jumps to and fro while the portal's goes on
        one.portal.clock.set(NOW + timedelta(hours=hours))
        ours["now"] = NOW + timedelta(hours=hours) + timedelta(hours=26 if hours == 3 else -26)
        run_sync(one.client, store, now=lambda: ours["now"])
        shown = one.portal.truth.lead_ids(one.portal.clock.now())
        assert shown - set(store.query("select lead_id from leads")["lead_id"]) == set()
        assert store.as_of() == NOW + timedelta(hours=hours)
    assert coverage(store).stretches[-1][1] <= NOW + timedelta(hours=6, minutes=5)


@pytest.mark.parametrize(
    ("created_at", "zone", "local"),
    [
        ("2026-09-14T19:59:59Z", "Asia/Dubai", "2026-09-14 23:59:59"),
        ("2026-09-14T19:59:59.999Z", "Asia/Dubai", "2026-09-14 23:59:59.999"),
        ("2026-09-14T20:00:00Z", "Asia/Dubai", "2026-09-15 00:00:00"),
        ("2026-09-14T23:59:59+04:00", "Asia/Dubai", "2026-09-14 23:59:59"),
        ("2026-09-15T00:00:00+04:00", "Asia/Dubai", "2026-09-15 00:00:00"),
        ("2026-12-31T20:00:00Z", "Asia/Dubai", "2027-01-01 00:00:00"),
        ("2028-02-28T20:00:00Z", "Asia/Dubai", "2028-02-29 00:00:00"),
        ("2026-10-24T22:00:00Z", "Europe/Berlin", "2026-10-25 00:00:00"),
        ("2026-10-25T22:59:59Z", "Europe/Berlin", "2026-10-25 23:59:59"),
        ("2026-10-25T23:00:00Z", "Europe/Berlin", "2026-10-26 00:00:00"),
    ],
)
def test_B3_lead_at_midnight_falls_on_the_accounts_day(
    created_at: str, zone: str, local: str, open_store: Callable[..., Store]
) -> None:
    store = open_store(zone.replace("/", "-"), timezone=ZoneInfo(zone))
    store.write_leads([make_lead("a", created_at)], observed_at=at("2028-03-01 00:00"))
    (written,) = store.query("select created_local from leads")["created_local"]
    assert written.to_pydatetime() == datetime.fromisoformat(local)


def test_B3_filter_of_a_day_holds_its_first_and_last_second(bench: Callable[..., Bench], store: Store) -> None:
    one = bench(n_leads=600)
    run_sync(one.client, store, full=True, now=lambda: NOW)
    day = "2026-11-10"
    inside = store.query(
        "select lead_id from leads where created_at >= $a and created_at < $b",
        {"a": at("2026-11-09 20:00"), "b": at("2026-11-10 20:00")},
    )
    by_local = store.query(
        "select lead_id from leads where cast(created_local as date) = $day", {"day": date(2026, 11, 10)}
    )
    of_portal = {lead.lead_id for lead in one.client.iter_leads(Filters.of({"from": [day], "to": [day]}))}
    assert set(inside["lead_id"]) == set(by_local["lead_id"]) == of_portal != set()


# B4: tokens that end


class TokenCalls(httpx.HTTPTransport):
    """Counts token calls, and how many of them were ever under way at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.n_calls = self.n_now = self.n_at_once = 0
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/v1/auth/token":
            return super().handle_request(request)
        with self._lock:
            self.n_calls += 1
            self.n_now += 1
            self.n_at_once = max(self.n_at_once, self.n_now)
        try:
            time.sleep(0.01)  # long enough for the other threads to ask as well
            return super().handle_request(request)
        finally:
            with self._lock:
                self.n_now -= 1


@pytest.mark.parametrize("dialect", ["flat", "filter"])
def test_B4_token_that_lives_five_seconds_costs_no_sweep(
    dialect: str, bench: Callable[..., Bench], store: Store
) -> None:
    """Tokens end by the portal's clock in the middle of the sweep, while up to sixteen calls are in flight."""
    transport = TokenCalls()
    one = bench(transport, dialect=dialect, n_leads=6_000, token_life_s=5, call_takes_s=0.1)
    row = run_sync(one.client, store, full=True, now=lambda: NOW)
    assert row.outcome == "complete"
    seconds = (one.portal.clock.now() - NOW).total_seconds()
    assert transport.n_at_once == 1
    assert seconds / 5 - 1 <= transport.n_calls <= 2 * seconds / 5 + 2
    assert transport.n_calls > 2, "tokens did end in the middle"
    assert (
        one.portal.truth.visible_throughout(NOW, one.portal.clock.now(), NOW - timedelta(days=80), NOW)
        - set(store.query("select lead_id from leads")["lead_id"])
        == set()
    )


# B5: credentials that are refused


@pytest.mark.parametrize(
    ("fault", "error", "words", "n_data", "n_token"),
    [
        ("unauthorized", CredentialsError, "with a fresh token too", 2, 2),
        ("no-leads-scope", ScopeError, "leads:read", 1, 1),
        ("wrong-key", CredentialsError, "wrong, revoked or expired", 0, 1),
    ],
)
def test_B5_refused_credentials_are_named_after_few_calls(
    fault: str,
    error: type[Exception],
    words: str,
    n_data: int,
    n_token: int,
    bench: Callable[..., Bench],
    store: Store,
) -> None:
    one = bench(faults=frozenset({fault}))
    with pytest.raises(error, match=words):
        run_sync(one.client, store, now=lambda: NOW)
    assert one.portal.calls == +Counter({"/v1/leads": n_data, "/v1/auth/token": n_token})
    assert (store.query("select outcome, message from syncs")["message"].str.contains(words)).all()


def test_B5_refused_key_is_not_offered_again_with_each_sync(bench: Callable[..., Bench], store: Store) -> None:
    one = bench(faults=frozenset({"wrong-key"}))
    for _ in range(5):
        with pytest.raises(CredentialsError):
            run_sync(one.client, store, now=lambda: NOW)
    assert one.portal.calls == {"/v1/auth/token": 1}


@pytest.mark.parametrize(
    ("refusal", "minutes"),
    [
        (CredentialsError("Refused.", call="GET /v1/leads", status=401), [10, 20, 40, 60, 60]),
        (ScopeError("Refused.", scope="leads:read", call="GET /v1/leads", status=403), [10, 20, 40, 60, 60]),
        (PortalUnavailableError("Down.", call="GET /v1/leads"), [5, 5, 5, 5, 5]),
    ],
    ids=["credentials", "scope", "a portal that is down"],
)
def test_B5_worker_looks_less_and_less_often_while_the_key_is_refused(refusal: Exception, minutes: list[int]) -> None:
    now = {"s": 0.0}
    failures: list[Exception] = [refusal] * len(minutes)

    def sync(wish: Wish, on_progress: object) -> Any:
        if failures:
            raise failures.pop()
        return None

    worker = Worker(sync, 5, monotonic=lambda: now["s"])
    worker.start()
    try:
        for n_ended, pause in enumerate([*minutes, 5], start=1):  # the last one works, and all is as before
            eventually(lambda n=n_ended: worker.status.n_finished == n)  # type: ignore[misc]
            assert worker.status.seconds_to_next == pause * 60
            now["s"] += pause * 60
            worker.request(Wish())
    finally:
        worker.stop()


# B6: the key's last day


@pytest.mark.parametrize(
    ("days_left", "words"),
    [
        (31, None),
        (30, "ends in 30\u00a0days, on 20\u00a0Dec\u00a02026"),
        (14, "ends in 14\u00a0days"),
        (7, "ends in 7\u00a0days"),
        (1, "ends in 1\u00a0day, on 21\u00a0Nov\u00a02026"),
        (0, "ends today"),
        (-3, "ended on 17\u00a0Nov\u00a02026"),
    ],
)
def test_B6_key_that_ends_soon_puts_up_an_alarm(days_left: int, words: str | None, store: Store) -> None:
    ends_on = NOW.date() + timedelta(days=days_left)
    settings = Settings(api_key=Secret(API_KEY), api_secret=Secret(API_SECRET), api_key_expires=ends_on)
    watch_expiry(settings, store, NOW)
    messages = [alarm.message for alarm in store.alarms() if alarm.kind == ALARM]
    assert len(messages) == (words is not None)
    assert all(words in message and "LEADLIB_API_KEY_EXPIRES" in message for message in messages if words)
    assert not any(API_KEY in message for message in messages)


def test_B6_alarm_counts_down_and_ends_with_the_renewal(store: Store) -> None:
    settings = Settings(api_key=Secret(API_KEY), api_secret=Secret(API_SECRET), api_key_expires=date(2026, 12, 1))
    for day in (20, 21):
        watch_expiry(settings, store, NOW.replace(day=day))
    (alarm,) = store.alarms()
    assert "in 10\u00a0days" in alarm.message
    renewed = Settings(
        api_key=Secret("OTHER." + "x" * 34), api_secret=Secret("y" * 32), api_key_expires=date(2027, 11, 1)
    )
    watch_expiry(renewed, store, NOW)
    assert store.alarms() == ()


def test_B6_key_whose_last_day_nobody_told_ends_a_year_after_its_first_use_at_the_latest(store: Store) -> None:
    settings = Settings(api_key=Secret(API_KEY), api_secret=Secret(API_SECRET))
    assert expiry(settings, store) is None
    watch_expiry(settings, store, NOW)
    watch_expiry(settings, store, NOW + timedelta(days=300))
    assert store.alarms() == ()
    watch_expiry(settings, store, NOW + timedelta(days=358))
    (alarm,) = store.alarms()
    assert "ends in 7\u00a0days" in alarm.message
    assert "at the latest" in alarm.message
    watch_expiry(Settings(api_key=Secret("OTHER." + "x" * 34), api_secret=Secret("y" * 32)), store, NOW)
    assert store.alarms() == (), "another key begins a year of its own"


def test_B6_ready_token_tells_its_own_end(store: Store) -> None:
    token = jwt.encode({"exp": int(NOW.timestamp()) + 1800}, "k" * 32, algorithm="HS256")
    watch_expiry(Settings(api_token=Secret(token)), store, NOW)
    (alarm,) = store.alarms()
    assert "The token in LEADLIB_API_TOKEN ends today" in alarm.message
    watch_expiry(Settings(api_token=Secret("opaque")), store, NOW)
    assert store.alarms() == ()


def test_B6_every_sync_looks_at_the_keys_last_day(bench: Callable[..., Bench], tmp_path: Path) -> None:
    portal = bench(n_leads=5).portal
    soon = datetime.now(UTC).date() + timedelta(days=7)
    settings = settings_for(portal, database=tmp_path / "store", api_key_expires=soon, sync_minutes=0)
    with Engine.open(settings) as engine:
        engine.sync(Wish(), lambda progress: None)
        assert [alarm.kind for alarm in engine.store.alarms()] == [ALARM]


# Stopping


def test_client_that_is_stopped_ends_what_waits_and_what_runs(bench: Callable[..., Bench]) -> None:
    """A wait for Retry-After, a wait for our own pace, and an answer that trickles in: all end within a second."""
    held_back = bench(
        faults=frozenset({"rate-limit"}), fault_options={"rate-limit.every": 1, "rate-limit.seconds": 100}
    )
    trickling = bench(faults=frozenset({"drip"}), fault_options={"drip.every": 1})
    quick = bench()
    waiting = [
        Client(settings_for(held_back.portal)),
        Client(settings_for(trickling.portal)),
        Client(settings_for(quick.portal, calls_per_minute=1)),
    ]
    ended: list[type[BaseException]] = []

    def ask(client: Client) -> None:
        try:
            for _ in range(3):
                client.page(per_page=1)
        except StoppedError as error:
            ended.append(type(error))

    threads = [threading.Thread(target=ask, args=(client,), daemon=True) for client in waiting]
    for thread in threads:
        thread.start()
    eventually(lambda: held_back.portal.calls["/v1/leads"] > 0 and trickling.portal.calls["/v1/leads"] > 0)
    time.sleep(0.1)  # for the answers to come
    assert all(thread.is_alive() for thread in threads)
    began_s = time.monotonic()
    for client in waiting:
        client.stop()
    for thread in threads:
        thread.join(5)
    assert ended == [StoppedError] * 3
    assert time.monotonic() - began_s < PROMPTLY_S
    for client in waiting:
        client.close()


def test_engine_closes_within_a_second_while_the_portal_keeps_it_waiting(
    bench: Callable[..., Bench], tmp_path: Path
) -> None:
    slow = bench(latency_s=20)
    engine = Engine.open(settings_for(slow.portal, database=tmp_path / "store"))
    engine.worker.start()
    eventually(lambda: sum(slow.portal.calls.values()) > 0)
    began_s = time.monotonic()
    engine.close()
    assert time.monotonic() - began_s < PROMPTLY_S
