"""What the sandbox sends by itself: which events, how signed, how often, and what its faults do to that."""

import hashlib
import hmac
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from leadlib.sandbox.deliveries import Deliveries
from tests.sandbox.conftest import NOW, Caller, caller

SECRET = "a-secret-for-the-deliveries-----"
EVENTS = ("lead.created", "lead.updated", "lead.assigned")
SCHEMA = json.loads((Path(__file__).parents[1] / "schemas" / "lead-event.schema.json").read_text(encoding="utf-8"))


@dataclass
class Receiver:
    """An address that keeps what comes and answers with `status`."""

    url: str = ""
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)
    signatures: list[str | None] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            kept.signatures.append(self.headers["X-Signature"])
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        kept.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        yield kept
        server.shutdown()


Subscribed = Callable[..., tuple[Caller, Deliveries]]


@pytest.fixture
def subscribed(receiver: Receiver) -> Subscribed:
    """A sandbox, with the receiver subscribed to all lead events, and its sender."""

    def make(*, secret: str | None = SECRET, **changes: Any) -> tuple[Caller, Deliveries]:
        reader = caller(**{"n_leads": 1_200, "dialect": "flat", **changes})
        for event in EVENTS:
            body = {"eventId": event, "callbackUrl": receiver.url, **({"secret": secret} if secret else {})}
            assert reader.get("/v1/webhooks", "POST", json=body).status_code == 201
        return reader, reader.app.state.deliveries

    return make


def pass_hours(reader: Caller, hours: float) -> None:
    reader.portal.clock.advance(timedelta(hours=hours))


def test_what_happened_before_the_subscription_is_not_told(receiver: Receiver, subscribed: Subscribed) -> None:
    _, deliveries = subscribed()
    assert deliveries.turn() == 0
    assert receiver.bodies == []


def test_new_leads_and_changes_are_told_once_and_signed(receiver: Receiver, subscribed: Subscribed) -> None:
    reader, deliveries = subscribed()
    pass_hours(reader, 12)
    n_sent = deliveries.turn()
    assert n_sent == len(receiver.bodies) > 10
    assert deliveries.turn() == 0
    expected = [hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest() for body in receiver.bodies]
    assert receiver.signatures == expected
    truth = {lead.id: lead for lead in reader.portal.truth.visible(reader.portal.clock.now())}
    new = {lead.id for lead in truth.values() if lead.created_at > NOW}
    created = [event["entity"]["id"] for event in receiver.events if event["type"] == "lead.created"]
    assert set(created) == {lead_id for lead_id in new if truth[lead_id].project is None}
    assert len(created) == len(set(created))
    assigned = {event["entity"]["id"] for event in receiver.events if event["type"] == "lead.assigned"}
    assert assigned == {lead_id for lead_id in new if truth[lead_id].agent_id is not None}
    times = [event["timestamp"][:19] for event in receiver.events]
    assert times == sorted(times)


@pytest.mark.parametrize("dialect", ["flat", "filter"])
def test_last_event_of_a_lead_agrees_with_its_row(receiver: Receiver, subscribed: Subscribed, dialect: str) -> None:
    reader, deliveries = subscribed(dialect=dialect)
    pass_hours(reader, 12)
    deliveries.turn()
    told = {event["entity"]["id"]: event["payload"] for event in receiver.events}
    reader.mint()  # the first token has died meanwhile
    rows = {row["id"]: row for row in reader.leads()}
    for lead_id, payload in told.items():
        assert payload == {name: rows[lead_id][name] for name in payload}


def test_events_are_as_documented(receiver: Receiver, subscribed: Subscribed) -> None:
    reader, deliveries = subscribed()
    pass_hours(reader, 12)
    deliveries.turn()
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for event in receiver.events:
        if "publicProfile" in event["payload"]:  # the documents ask for one; a lead that nobody was assigned has none
            validator.validate(event)
        assert not {"createdAt", "tags", "call", "enrichment", "distributionType"} & event["payload"].keys()


def test_two_updates_of_a_lead_share_their_id(receiver: Receiver, subscribed: Subscribed) -> None:
    reader, deliveries = subscribed()
    (lead, *_) = [x for x in reader.portal.truth.visible(NOW)[-50:] if x.stage_at(NOW) == "sent"]
    for _ in range(2):
        reader.portal.clock.advance(timedelta(seconds=30))
        reader.portal.truth.advance(lead.id, reader.portal.clock.now())
        deliveries.turn()
    updates = [event for event in receiver.events if event["entity"]["id"] == lead.id]
    assert [event["payload"]["status"] for event in updates] == ["read", "replied"]
    assert len({event["id"] for event in updates}) == 1


def test_lead_inserted_in_the_second_of_the_subscription_is_told(receiver: Receiver, subscribed: Subscribed) -> None:
    reader, deliveries = subscribed()
    lead = reader.portal.truth.insert(NOW)
    deliveries.turn()
    assert lead.id in {event["entity"]["id"] for event in receiver.events} or lead.project is not None


def test_without_a_secret_there_is_no_signature(receiver: Receiver, subscribed: Subscribed) -> None:
    reader, deliveries = subscribed(secret=None)
    pass_hours(reader, 6)
    deliveries.turn()
    assert set(receiver.signatures) == {None}


def test_delivery_that_meets_no_2xx_is_tried_again_a_few_times(receiver: Receiver, subscribed: Subscribed) -> None:
    reader, deliveries = subscribed()
    receiver.status = 503
    pass_hours(reader, 6)
    assert deliveries.turn() == 0
    first = Counter(receiver.bodies)
    receiver.status = 200
    assert deliveries.turn() == sum(first.values())
    assert Counter(receiver.bodies) == first + first
    assert deliveries.turn() == 0
    receiver.status = 500
    pass_hours(reader, 1)
    n_before = len(receiver.bodies)
    assert [deliveries.turn() for _ in range(8)] == [0] * 8
    assert set(Counter(receiver.bodies[n_before:]).values()) == {5}


def test_address_of_another_machine_gets_nothing(subscribed: Subscribed, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, deliveries = subscribed()
    body = {"eventId": "lead.updated", "callbackUrl": "https://example.com/hook"}
    assert reader.get("/v1/webhooks", "POST", json=body).status_code == 201
    asked = []
    monkeypatch.setattr(deliveries, "_send", lambda parcel: asked.append(parcel.url) or True)
    pass_hours(reader, 6)
    deliveries.turn()
    assert asked
    assert not [url for url in asked if "example.com" in url]


def test_ended_subscription_gets_nothing_more(receiver: Receiver, subscribed: Subscribed) -> None:
    reader, deliveries = subscribed()
    for event in EVENTS:
        assert reader.get(f"/v1/webhooks/{event}", "DELETE").status_code == 204
    pass_hours(reader, 6)
    assert deliveries.turn() == 0
    assert receiver.bodies == []


# Faults


def test_duplicates_come_as_often_as_was_said(receiver: Receiver, subscribed: Subscribed) -> None:
    reader, deliveries = subscribed(
        faults=frozenset({"webhook-duplicates"}), fault_options={"webhook-duplicates.times": 3}
    )
    pass_hours(reader, 6)
    deliveries.turn()
    assert set(Counter(receiver.bodies).values()) == {3}


def test_disorder_loses_nothing_and_keeps_no_order(receiver: Receiver, subscribed: Subscribed) -> None:
    reader, deliveries = subscribed(faults=frozenset({"webhook-disorder"}))
    pass_hours(reader, 24)
    deliveries.turn()
    n_first = len(receiver.bodies)
    deliveries.turn()
    times = [event["timestamp"][:19] for event in receiver.events]
    assert 0 < n_first < len(times)
    assert times[:n_first] != sorted(times[:n_first])
    assert len(receiver.bodies) == len(set(receiver.bodies))
    deliveries.turn()
    assert len(times) == len(receiver.bodies)


def test_replays_are_a_month_old_and_true_of_their_time(receiver: Receiver, subscribed: Subscribed) -> None:
    reader, deliveries = subscribed(faults=frozenset({"webhook-replay"}))
    pass_hours(reader, 6)
    deliveries.turn()
    old = [event for event in receiver.events if event["timestamp"] < "2026-11-01"]
    assert len(old) == len(receiver.events) // 3
    for event in old:
        lead = reader.portal.truth.lead(event["entity"]["id"])
        assert lead is not None
        assert event["payload"]["publicProfile"] == {"id": lead.agent_id}


def test_ids_with_a_suffix_are_told_apart(subscribed: Subscribed) -> None:
    reader, _ = subscribed(faults=frozenset({"webhook-ids"}))
    found = reader.get("/v1/webhooks?eventType=lead.created").json()["data"]
    assert [one["eventId"].partition("_")[0] for one in found] == ["lead.created"]
    assert found[0]["createdAt"] == "2026-11-23 12:00:00.123456789 +0000 UTC"
    assert reader.get("/v1/webhooks/lead.created", "DELETE").status_code == 404
    assert reader.get(f"/v1/webhooks/{found[0]['eventId']}", "DELETE").status_code == 204
    assert len(reader.get("/v1/webhooks").json()["data"]) == 2
