"""From the spool into the store, and the call that follows: rows F5 to F9 of the fault matrix, against the sandbox."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette

from leadlib.api import LEAD_EVENTS, Client
from leadlib.config import Secret, Settings
from leadlib.engine import Engine
from leadlib.errors import PortalUnavailableError, StoreError, StoreUnreadableError
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.sandbox.lead import Lead as PlantedLead
from leadlib.store import LeadEvent, Store
from leadlib.sync import run_sync
from leadlib.ui.engine import get_engine
from leadlib.web import ROUTES
from leadlib.webhooks import APPLY_EVERY_S, LOOK_EVERY_S, Applier, KnownAddresses, Spool, Watch, webhook_state
from tests.conftest import DUBAI, at
from tests.webhook_events import SECRET, body_of, event_json, statuses

NOW = at("2026-11-20 09:00")
OURS = "https://leads.example.com/webhooks/leads"
THIEVES = "https://collect.example.net/hook?key=stolen"


@dataclass
class Bench:
    """A portal whose clock is held, and an installation that hears from it; time between turns passes by `now_s`."""

    folder: Path
    server: SandboxServer
    dialect: str = "flat"
    now_s: float = 0.0
    opened: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = Settings(
            api_url=self.server.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET), database=self.folder,
            api_dialect=self.dialect, calls_per_minute=600_000, webhook_secret=Secret(SECRET),
        )  # fmt: skip
        self.client = Client(self.settings, sleep=lambda _: None)
        self.store = Store.open(self.folder, timezone=DUBAI, portal="test")
        self.spool = Spool(self.folder)
        self.applier = Applier(self.store, self.client, self.spool, monotonic=lambda: self.now_s)
        self.known = KnownAddresses(self.folder)
        self.watch = Watch(self.store, self.client, self.known)

    def close(self) -> None:
        self.client.close()
        self.store.close()
        self.server.__exit__(None, None, None)

    def turn(self) -> None:
        """What happens in ten seconds, the call in this thread."""
        self.now_s += APPLY_EVERY_S
        self.applier.apply()
        self.applier.ask()

    def put(self, lead_id: str, timestamp: str = "2026-11-20T08:59:00Z", **changes: Any) -> None:
        self.spool.put(body_of(event_json(lead_id, timestamp, **changes)))

    @property
    def n_asked(self) -> int:
        return self.server.calls["/v1/leads"]

    def known_leads(self, n: int) -> list[PlantedLead]:
        return list(self.server.truth.visible(NOW))[-n:]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    opened: list[Bench] = []

    def set_up(dialect: str = "flat", **changes: Any) -> Bench:
        settings: dict[str, Any] = {"n_leads": 600, "frozen_at": NOW, "calls_per_minute": 600_000, **changes}
        server = SandboxServer(SandboxSettings(dialect=dialect, **settings)).__enter__()
        opened.append(Bench(tmp_path / f"store-{len(opened)}", server, dialect))
        return opened[-1]

    yield set_up
    for one in opened:
        one.close()


# Applying


def test_event_is_applied_and_completed_by_one_call(bench: Callable[..., Bench]) -> None:
    one = bench()
    (lead,) = one.known_leads(1)
    one.put(lead.id, status="sent")
    one.turn()
    assert one.n_asked == 1
    row = one.store.query("select * from leads").iloc[0]
    assert row["created_at"] == lead.created_at
    assert row["row_seen_at"] == NOW
    assert one.spool.waiting() == []
    one.turn()
    assert one.n_asked == 1


def test_fifty_leads_are_one_call_and_the_rest_waits_for_the_next_turns(bench: Callable[..., Bench]) -> None:
    one = bench()
    leads = one.known_leads(120)
    for lead in leads:
        one.put(lead.id)
    counts = []
    for _ in range(4):
        one.turn()
        counts.append(len(one.store.query("select 1 from leads where row_seen_at is not null")))
    assert counts == [50, 100, 120, 120]
    assert one.n_asked == 3


def test_lead_that_the_portal_does_not_show_is_asked_for_once(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.put("gone")
    for _ in range(3):
        one.turn()
    assert one.n_asked == 1
    one.put("gone", "2026-11-20T08:59:30Z", status="read")
    for _ in range(3):
        one.turn()
    assert one.n_asked == 2


def test_lead_that_a_sync_has_read_since_is_not_asked_for(bench: Callable[..., Bench]) -> None:
    one = bench()
    (lead,) = one.known_leads(1)
    one.put(lead.id)
    one.applier.apply()
    run_sync(one.client, one.store, full=True, now=lambda: NOW)
    n_before = one.n_asked
    one.turn()
    assert one.n_asked == n_before


def test_filter_dialect_has_no_ids_so_nothing_is_asked_and_the_event_stands(bench: Callable[..., Bench]) -> None:
    one = bench("filter")
    (lead,) = one.known_leads(1)
    one.put(lead.id, status="opened")
    one.turn()
    assert one.n_asked == 0
    assert one.store.query("select status from leads")["status"].tolist() == ["opened"]
    run_sync(one.client, one.store, full=True, now=lambda: NOW)
    row = one.store.query("select * from leads where lead_id = $id", {"id": lead.id}).iloc[0]
    assert row["created_at"] == lead.created_at


def test_rejected_events_are_kept_with_their_reason_and_never_shown(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.spool.put(b'{"name": "Test Sender One"}')
    one.put("a", kind="lead.exploded")
    one.put("b")
    one.turn()
    rejected = one.store.query("select reason, lead_id, sync_id from rejected_leads order by reason")
    assert rejected["sync_id"].tolist() == ["webhook"] * 2
    assert "Test Sender" not in rejected.to_string()
    state = webhook_state(one.store, one.spool)
    assert (state.n_received, state.n_applied, state.n_rejected, state.n_waiting) == (3, 1, 2, 0)
    assert state.last_at is not None


# F5


def test_F5_replay_of_a_month_old_capture_makes_no_call(bench: Callable[..., Bench]) -> None:
    one = bench()
    (lead,) = one.known_leads(1)
    for minute in range(3):
        one.put(lead.id, f"2026-10-20T08:0{minute}:00Z", status=["sent", "delivered", "read"][minute])
    one.turn()
    before = {
        table: one.store.query(f"select * from {table}").to_string()  # noqa: S608
        for table in ("leads", "status_observations", "assignment_observations", "lead_sights")
    }
    n_before = one.n_asked
    for minute in range(3):
        one.put(lead.id, f"2026-10-20T08:0{minute}:00Z", status=["sent", "delivered", "read"][minute])
    one.turn()
    one.turn()
    assert {table: one.store.query(f"select * from {table}").to_string() for table in before} == before  # noqa: S608
    assert one.n_asked == n_before
    assert one.spool.waiting() == []


# F6


def test_F6_events_wait_while_the_database_is_locked(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.put("a")
    applied = threading.Event()
    with one.store._changing():
        thread = threading.Thread(target=lambda: (one.applier.apply(), applied.set()))
        thread.start()
        one.put("b")
        assert not applied.wait(0.1)
        assert len(one.spool.waiting()) == 2
    thread.join(10)
    one.applier.apply()
    assert one.spool.waiting() == []
    assert len(one.store.query("select * from leads")) == 2


def test_F6_nothing_leaves_the_spool_before_the_commit(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = bench()
    one.put("a")

    def full(*_: object, **__: object) -> None:
        raise StoreError("The disk is full.", "path")

    for step in ("write_contacts", "write_tolds", "forget_old"):
        with monkeypatch.context() as broken:
            broken.setattr(f"leadlib.store.events.{step}", full)
            with pytest.raises(StoreError):
                one.applier.apply()
        assert len(one.spool.waiting()) == 1
        assert one.store.query("select * from leads").empty
    assert one.applier.apply() == 1
    assert len(one.store.contacts(["a"])) == 1


def test_F6_portal_that_is_down_costs_the_call_and_not_the_event(bench: Callable[..., Bench]) -> None:
    one = bench()
    nowhere = Settings(api_url="http://127.0.0.1:9", api_token=Secret("t"), api_dialect="flat")
    down = Client(nowhere, sleep=lambda _: None)
    applier = Applier(one.store, down, one.spool, monotonic=lambda: one.now_s)
    one.put("a", status="read")
    applier.apply()
    with down, pytest.raises(PortalUnavailableError):
        applier.ask()
    assert one.store.query("select status from leads")["status"].tolist() == ["read"]
    assert one.spool.waiting() == []
    assert one.store.leads_to_ask_for(50) == ["a"]


def test_F6_portal_that_hangs_keeps_no_event_waiting(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = bench()
    is_asking, let_go, leads_by_id = threading.Event(), threading.Event(), one.client.leads_by_id

    def hanging(ids: list[str]) -> object:
        is_asking.set()
        assert let_go.wait(10)
        return leads_by_id(ids)

    monkeypatch.setattr(one.client, "leads_by_id", hanging)
    one.put("a")
    one.applier.turn()
    assert is_asking.wait(10)
    one.put("b")
    one.applier.turn()
    assert set(one.store.query("select lead_id from leads")["lead_id"]) == {"a", "b"}
    let_go.set()
    one.applier.close()
    assert one.n_asked == 1


def test_failure_of_the_call_is_raised_by_the_next_turn(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = bench()

    def down(_: object) -> None:
        raise PortalUnavailableError("down", call="GET /v1/leads")

    monkeypatch.setattr(one.client, "leads_by_id", down)
    one.put("a")
    one.applier.turn()
    assert one.applier._asking is not None
    assert one.applier._asking.exception(10) is not None
    with pytest.raises(PortalUnavailableError):
        one.applier.turn()
    one.applier.close()


def test_event_that_cannot_be_written_keeps_no_other_waiting(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = bench()
    write_events = one.store.write_events

    def picky(events: list[LeadEvent]) -> int:
        if any(event.lead.lead_id == "poison" for event in events):
            raise ValueError
        return write_events(events)

    monkeypatch.setattr(one.store, "write_events", picky)
    for lead_id in ("a", "poison", "b"):
        one.put(lead_id)
    assert one.applier.apply() == 2
    rejected = one.store.query("select lead_id, reason from rejected_leads").to_dict("records")
    assert rejected == [{"lead_id": "poison", "reason": "the event could not be stored"}]
    assert one.spool.waiting() == []


def test_oddest_values_are_all_accounted_for(bench: Callable[..., Bench]) -> None:
    one = bench()
    good = body_of(event_json("good"))
    long, deep = "x" * 200_000, b'{"a":' * 50_000
    odd = [
        body_of(event_json("half a pair \ud800", sender={"name": "\udfff", "contacts": None})),
        body_of(event_json("nul \x00", status="\x00", publicProfile={"id": "\x00"})),
        body_of(event_json("huge", publicProfile={"id": 10**30}, listing={"id": 10**30, "reference": long})),
        body_of(event_json("types", channel=7, status=["x"], entityType={}, sender="x", responseLink=7)),
        body_of(event_json("nulls", publicProfile={"id": None}, listing={}, project="x", developer=[])),
        body_of(event_json("floats", publicProfile={"id": 1.5}, project={"id": 1e300})),
        body_of(event_json("first", "2005-01-01T00:00:00Z")),
        body_of(event_json("early", "0001-01-01T00:00:00+14:00")),
        body_of(event_json("late", "9999-12-31T23:59:59-14:00")),
        body_of(event_json("bidi \u202e", sender={"name": "\u202e" * 5_000, "contacts": [{}] * 5_000})),
        good.replace(b"Test Sender One", b"\xff\xfe").replace(b"good", b"bad-utf-8"),
        good.replace(b"90001", b"NaN").replace(b"good", b"nan"),
        good.replace(b"90001", b"1" * 5_000).replace(b"good", b"digits"),
        good.replace(b"90001", deep + b"1" + b"}" * 50_000).replace(b"good", b"deep"),
        b"\xef\xbb\xbf" + good.replace(b"good", b"bom"),
        good.replace(b'"id":"good"', b'"id":"good","id":"twice"'),
        b"null",
        b'"lead"',
    ]
    for body in [*odd, good]:
        one.spool.put(body)
    one.applier.apply()
    state = webhook_state(one.store, one.spool)
    assert (state.n_applied + state.n_rejected, state.n_waiting) == (len(odd) + 1, 0)
    stored = set(one.store.query("select lead_id from leads")["lead_id"])
    assert {"good", "huge", "types", "nulls", "floats", "bad-utf-8", "nan", "digits", "bom", "twice"} <= stored
    one.applier.apply()
    assert webhook_state(one.store, one.spool) == state


def test_portal_that_is_down_is_asked_less_and_less(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = bench()
    asked_at: list[float] = []

    def down(_: object) -> None:
        asked_at.append(one.now_s)
        raise PortalUnavailableError("down", call="GET /v1/leads")

    monkeypatch.setattr(one.client, "leads_by_id", down)
    one.put("a")
    while one.now_s < 3_600:
        try:
            one.turn()
        except PortalUnavailableError:
            continue
    pauses = [later - earlier for earlier, later in pairwise(asked_at)]
    assert pauses == [60, 120, 240, 480, 900, 900]


# F7


def test_F7_flood_makes_six_calls_a_minute(bench: Callable[..., Bench], request: pytest.FixtureRequest) -> None:
    n_events = 10_000 if request.config.getoption("--matrix") == "full" else 600
    one = bench()
    ids = [lead.id for lead in one.known_leads(400)]
    for turn in range(6):
        for number in range(n_events // 6):
            when = f"2026-11-20T08:{turn:02}:{number % 60:02}.{number // 60:03}Z"
            one.put(ids[number % len(ids)], when, status="read")
        one.turn()
    assert one.n_asked <= 6
    assert webhook_state(one.store, one.spool).n_applied == n_events // 6 * 6
    assert sum(one.server.calls.values()) <= 6 + 1  # and one for the token


# F8, and the whole way


@dataclass
class Receiving:
    """The app's routes on a port of their own."""

    url: str
    server: uvicorn.Server


@pytest.fixture
def receiving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of POST /webhooks/leads of an installation in `tmp_path/store-0`."""
    monkeypatch.setenv("LEADLIB_DATABASE", str(tmp_path / "store-0"))
    monkeypatch.setenv("LEADLIB_WEBHOOK_SECRET", SECRET)
    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=ROUTES), port=0, log_level="warning", lifespan="off", ws="none")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/webhooks/leads"
    server.should_exit = True
    thread.join(10)
    get_engine.clear()


def subscribe(one: Bench, url: str, secret: str = SECRET) -> None:
    for event in LEAD_EVENTS:
        one.client.subscribe(event, url, Secret(secret))


def test_what_the_portal_sends_arrives_and_agrees_with_what_it_answers(
    bench: Callable[..., Bench], receiving: str
) -> None:
    """The whole way: a change at the portal, its signed delivery over HTTP, the spool, the store, the call."""
    one = bench(n_leads=9_000)
    subscribe(one, receiving)
    new = one.server.truth.insert(NOW)
    one.server.clock.advance(timedelta(hours=3))
    n_accepted = one.server.deliver_webhooks()
    assert n_accepted > 20
    for _ in range(5):
        one.turn()
    stored = one.store.query("select lead_id, created_at, status from leads order by lead_id")
    truth = {lead.id: lead for lead in one.server.truth.visible(one.server.clock.now())}
    assert new.id in set(stored["lead_id"])
    assert stored["created_at"].tolist() == [truth[lead_id].created_at for lead_id in stored["lead_id"]]
    assert webhook_state(one.store, one.spool).n_rejected == 0


def test_wrong_secret_delivers_nothing_and_is_tried_again(bench: Callable[..., Bench], receiving: str) -> None:
    one = bench()
    subscribe(one, receiving, "another-secret-of-some-length")
    one.server.truth.insert(NOW)
    assert [one.server.deliver_webhooks() for _ in range(7)] == [0] * 7
    assert one.spool.waiting() == []


@pytest.mark.parametrize("fault", ["webhook-duplicates", "webhook-disorder", "webhook-replay"])
def test_F4_faults_of_the_deliveries_change_no_lead(bench: Callable[..., Bench], receiving: str, fault: str) -> None:
    one, plain = bench(n_leads=1_500, faults=frozenset({fault})), bench(n_leads=1_500)
    subscribe(one, receiving)
    for hours in (3, 6, 9):
        one.server.clock.set(NOW + timedelta(hours=hours))
        one.server.deliver_webhooks()
        for _ in range(3):
            one.turn()
    one.server.deliver_webhooks()
    one.turn()
    plain.server.clock.set(NOW + timedelta(hours=9))
    for side in (one, plain):
        run_sync(side.client, side.store, full=True, now=lambda: NOW + timedelta(hours=9))
    columns = "lead_id, created_at, created_local, status, agent_id, listing_id, project_id, call_talk_time_s, tags"
    leads = [side.store.query(f"select {columns} from leads order by lead_id") for side in (one, plain)]  # noqa: S608
    assert leads[0].equals(leads[1])
    assert webhook_state(one.store, one.spool).n_applied > 10
    twice = one.store.query("select lead_id from status_observations group by lead_id, status having count(*) > 1")
    assert twice.empty


def test_F8_project_lead_without_a_created_event_is_seen_by_the_next_sync(
    bench: Callable[..., Bench], receiving: str
) -> None:
    one = bench()
    subscribe(one, receiving)
    run_sync(one.client, one.store, full=True, now=lambda: NOW)
    new = []
    while not new or new[-1].project is None:
        new.append(one.server.truth.insert(NOW))
    one.server.deliver_webhooks()
    told = [json.loads(delivery.body) for delivery in one.spool.read(one.spool.waiting())]
    created = {event["entity"]["id"] for event in told if event["type"] == "lead.created"}
    assert created == {lead.id for lead in new[:-1]}
    # Whatever else the portal sent of it is lost, so that nothing but the sync is left to find it.
    one.spool.discard(one.spool.waiting())
    one.server.clock.advance(timedelta(minutes=6))
    row = run_sync(one.client, one.store, now=lambda: NOW + timedelta(minutes=6))
    assert row.kind == "hot"
    assert new[-1].id in set(one.store.query("select lead_id from leads")["lead_id"])


# F9


def test_F9_unknown_address_raises_the_alarm_and_accepting_it_ends_it(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.known.add(OURS)
    subscribe(one, OURS)
    one.watch.look()
    assert one.store.alarms() == ()
    subscribe(one, THIEVES)
    one.watch.look()
    (alarm,) = one.store.alarms()
    assert alarm.kind == "unknown_subscription"
    assert "1\u00a0address that" in alarm.message
    assert "collect.example.net/hook" in alarm.message
    assert "stolen" not in alarm.message
    one.known.add(THIEVES)
    one.watch.look()
    assert one.store.alarms() == ()


def test_F9_the_look_is_taken_every_hour_by_the_engine(tmp_path: Path) -> None:
    with SandboxServer(SandboxSettings(n_leads=10, frozen_at=NOW, dialect="flat")) as server:
        keys = {"api_key": Secret(API_KEY), "api_secret": Secret(API_SECRET)}
        settings = Settings(api_url=server.url, database=tmp_path, sync_minutes=0, **keys)
        with Client(settings) as thief:
            thief.subscribe("lead.created", THIEVES, Secret("t" * 20))
        with Engine.open(settings) as engine:
            chores = {chore.name: chore for chore in engine._chores()}
            assert chores["webhook subscriptions"].every_s == LOOK_EVERY_S <= 3_600
            assert chores["webhook events"].every_s == APPLY_EVERY_S
            engine.worker.start()
            deadline_s = time.monotonic() + 10
            while not engine.store.alarms() and time.monotonic() < deadline_s:
                time.sleep(0.01)
            assert [alarm.kind for alarm in engine.store.alarms()] == ["unknown_subscription"]


def test_subscriptions_of_other_events_are_no_business_of_ours(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.client.subscribe("listing.published", THIEVES, Secret("t" * 20))
    one.watch.look()
    assert one.store.alarms() == ()


def test_key_that_may_not_list_subscriptions_is_no_alarm_and_ends_none(bench: Callable[..., Bench]) -> None:
    one = bench(scopes=frozenset({"leads:read"}))
    one.store.raise_alarm("unknown_subscription", "Since before.")
    one.watch.look()
    assert len(one.store.alarms()) == 1


def test_ids_with_a_suffix_and_odd_dates_are_read_all_the_same(bench: Callable[..., Bench]) -> None:
    one = bench(faults=frozenset({"webhook-ids"}))
    subscribe(one, OURS)
    found = one.client.subscriptions()
    assert [subscription.event for subscription in found] == list(LEAD_EVENTS)
    assert all(subscription.subscription_id.startswith(f"{subscription.event}_") for subscription in found)
    assert {subscription.created_at for subscription in found} == {NOW + timedelta(microseconds=123_456)}
    one.client.unsubscribe(found[0].subscription_id)
    assert len(one.client.subscriptions()) == 2


def test_subscribing_twice_is_done(bench: Callable[..., Bench]) -> None:
    one = bench()
    assert one.client.subscribe("lead.created", OURS, Secret(SECRET)) is True
    assert one.client.subscribe("lead.created", OURS, Secret(SECRET)) is False


def test_damaged_file_of_known_addresses_is_said(tmp_path: Path) -> None:
    known = KnownAddresses(tmp_path)
    known.add(OURS)
    assert known.all() == {OURS}
    known.path.write_text("{", encoding="utf-8")
    with pytest.raises(StoreUnreadableError, match="accept"):
        known.all()


def test_statuses_told_by_events_are_points(bench: Callable[..., Bench]) -> None:
    one = bench()
    (lead,) = one.known_leads(1)
    run_sync(one.client, one.store, full=True, now=lambda: NOW)
    one.put(lead.id, "2026-11-20T09:00:30.250Z", status="replied")
    one.applier.apply()
    assert statuses(one.store, lead.id)[-1] == ("replied", "00:30", "00:30")
