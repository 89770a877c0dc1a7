"""What events do to leads and their history: rows F2 to F5 of the fault matrix, and what a delivery must be."""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from leadlib.records import Lead, RejectedRow
from leadlib.store import LeadEvent, Store
from tests.conftest import at, make_lead
from tests.webhook_events import CAME_AT, agents, body_of, event_json, make_event, read_event, statuses


def lead_row(store: Store, lead_id: str) -> dict[str, Any]:
    """The row of a lead; what is missing is None, and tags are a tuple, so that rows can be compared."""
    (row,) = store.query("select * from leads where lead_id = $id", {"id": lead_id}).to_dict("records")
    tags = tuple(row.pop("tags"))
    return {**{name: None if pd.isna(value) else value for name, value in row.items()}, "tags": tags}


def contact(store: Store, lead_id: str) -> dict[str, Any]:
    (row,) = store.contacts([lead_id]).to_pylist()
    return row


# What one event does


def test_event_of_an_unknown_lead_makes_a_lead_with_a_provisional_date(store: Store) -> None:
    assert store.write_events([make_event("a", "2026-09-15T06:12:45Z", "lead.assigned")]) == 1
    row = lead_row(store, "a")
    assert row["created_at"] == row["first_seen_at"] == row["observed_at"] == at("2026-09-15 06:12:45")
    assert f"{row['created_local']:%H:%M:%S}" == "10:12:45"
    assert (row["source"], row["status"], row["stage"], row["agent_id"]) == ("webhook", "sent", "sent", 90001)
    assert row["row_seen_at"] is None
    assert contact(store, "a")["sender_phone"] == "+971500000001"


def test_full_row_corrects_the_provisional_date_and_the_day(store: Store) -> None:
    store.write_events([make_event("a", "2026-09-15T20:30:00Z")])
    created = make_lead("a", "2026-09-15T19:30:00Z", tags=["hot"], responseLink="https://example.com/r/a")
    store.write_leads([created], observed_at=at("2026-09-15 20:31:00"))
    row = lead_row(store, "a")
    assert row["created_at"] == at("2026-09-15 19:30")
    assert f"{row['created_local']:%d %H:%M}" == "15 23:30"
    assert (row["source"], row["tags"]) == ("rest", ("hot",))
    assert row["row_seen_at"] == at("2026-09-15 20:31")


def test_date_of_a_lead_that_was_read_once_never_moves(store: Store) -> None:
    store.write_leads([make_lead("a", "2026-09-15T06:00:00Z")], observed_at=at("2026-09-15 07:00"))
    store.write_events([make_event("a", "2026-09-15T05:00:00Z"), make_event("a", "2026-09-15T08:00:00Z")])
    store.write_leads([make_lead("a", "2026-09-15T05:30:00Z")], observed_at=at("2026-09-15 09:00"))
    assert lead_row(store, "a")["created_at"] == at("2026-09-15 06:00")


def test_field_that_the_event_lacks_keeps_what_the_row_said(store: Store) -> None:
    full = make_lead("a", tags=["hot"], call={"talkTime": 5, "waitTime": 2, "recordFile": "https://example.com/x"})
    store.write_leads([full], observed_at=at("2026-09-15 07:00"))
    store.write_events(
        [make_event("a", "2026-09-15T08:00:00Z", status="read", publicProfile=None, sender={"name": "Renamed"})]
    )
    row = lead_row(store, "a")
    assert (row["status"], row["agent_id"], row["listing_reference"]) == ("read", 90001, "EX-RENT-001")
    assert (row["call_talk_time_s"], row["tags"]) == (5, ("hot",))
    person = contact(store, "a")
    assert (person["sender_name"], person["sender_phone"]) == ("Renamed", "+971500000001")
    assert (person["response_link"], person["call_record_url"]) == (full.response_link, "https://example.com/x")


def test_event_does_not_make_the_data_look_fresh(store: Store) -> None:
    store.write_leads([make_lead("a")], observed_at=at("2026-09-15 07:00"))
    store.write_events([make_event("a", "2026-09-15T08:00:00Z"), make_event("b", "2026-09-15T08:00:00Z")])
    assert store.as_of() == at("2026-09-15 07:00")


def test_sender_of_an_event_is_the_same_person_as_in_a_row(store: Store) -> None:
    store.write_events([make_event("by-event")])
    store.write_leads([make_lead("by-row")], observed_at=at("2026-09-15 07:00"))
    assert lead_row(store, "by-event")["sender_key"] == lead_row(store, "by-row")["sender_key"]


# History


def test_update_makes_a_point_and_what_polling_saw_later_adds_nothing(store: Store) -> None:
    store.write_leads([make_lead("a", "2026-09-15T06:00:00Z")], observed_at=at("2026-09-15 06:01:00"))
    store.write_events([make_event("a", "2026-09-15T06:02:03Z", status="read")])
    store.write_leads([make_lead("a", "2026-09-15T06:00:00Z", status="read")], observed_at=at("2026-09-15 06:05:00"))
    assert statuses(store, "a") == [("sent", "00:00", "01:00"), ("read", "02:03", "02:03")]


def test_event_that_comes_late_sharpens_what_polling_saw(store: Store) -> None:
    store.write_leads([make_lead("a", "2026-09-15T06:00:00Z")], observed_at=at("2026-09-15 06:01:00"))
    store.write_leads([make_lead("a", "2026-09-15T06:00:00Z", status="read")], observed_at=at("2026-09-15 06:05:00"))
    assert statuses(store, "a")[1] == ("read", "01:00", "05:00")
    before = lead_row(store, "a")
    store.write_events([make_event("a", "2026-09-15T06:02:03Z", status="read")])
    assert statuses(store, "a") == [("sent", "00:00", "01:00"), ("read", "02:03", "02:03")]
    assert lead_row(store, "a")["observed_at"] == before["observed_at"]


def test_row_of_the_same_second_is_no_earlier_than_the_event(store: Store) -> None:
    store.write_leads([make_lead("a", "2026-09-15T06:00:00Z")], observed_at=at("2026-09-15 06:01:00"))
    read = make_lead("a", "2026-09-15T06:00:00Z", status="read")
    store.write_leads([read], observed_at=at("2026-09-15 06:05:00"))
    store.write_events([make_event("a", "2026-09-15T06:05:00.700Z", status="read")])
    assert statuses(store, "a") == [("sent", "00:00", "01:00"), ("read", "05:00", "05:00")]


def test_assignment_is_the_moment_of_the_agent_and_only_a_look_at_the_status(store: Store) -> None:
    store.write_leads([make_lead("a", "2026-09-15T06:00:00Z")], observed_at=at("2026-09-15 06:01:00"))
    moved = make_event("a", "2026-09-15T06:03:00Z", "lead.assigned", status="read", publicProfile={"id": 90002})
    store.write_events([moved])
    assert statuses(store, "a") == [("sent", "00:00", "01:00"), ("read", "01:00", "03:00")]
    assert agents(store, "a") == [(90001, "00:00", "01:00"), (90002, "03:00", "03:00")]
    store.write_events([make_event("a", "2026-09-15T06:02:00Z", status="read", publicProfile={"id": 90001})])
    assert statuses(store, "a") == [("sent", "00:00", "01:00"), ("read", "02:00", "02:00")]


def test_lead_without_an_agent_becomes_assigned(store: Store) -> None:
    store.write_leads([make_lead("a", "2026-09-15T06:00:00Z", publicProfile=None)], observed_at=at("2026-09-15 06:01"))
    store.write_events([make_event("a", "2026-09-15T06:02:00Z", "lead.assigned")])
    assert agents(store, "a") == [(None, "00:00", "01:00"), (90001, "02:00", "02:00")]


def test_highest_stage_survives_an_older_event_and_is_found_by_one(store: Store) -> None:
    store.write_events([make_event("a", "2026-09-15T06:05:00Z", status="archived")])
    assert lead_row(store, "a")["reached_stage"] is None
    store.write_events([make_event("a", "2026-09-15T06:02:00Z", status="replied")])
    row = lead_row(store, "a")
    assert (row["status"], row["reached_stage"]) == ("archived", "responded")


# F2, F3


def test_F2_same_event_five_times_has_one_effect(store: Store) -> None:
    event = make_event("a", "2026-09-15T06:02:00Z", status="read")
    assert store.write_events([event] * 5) == 1
    version = store.data_version
    assert [store.write_events([event]) for _ in range(4)] == [0, 0, 0, 0]
    assert store.data_version == version
    assert statuses(store, "a") == [("read", "02:00", "02:00")]
    assert len(store.query("select * from leads")) == 1


def test_F3_two_updates_with_the_same_event_id_both_count(store: Store) -> None:
    first = event_json("a", "2026-09-15T06:02:00Z", status="delivered")
    second = event_json("a", "2026-09-15T06:03:00Z", status="read")
    assert first["id"] == second["id"]
    events = [read_event(body_of(event)) for event in (first, second)]
    assert store.write_events([event for event in events if isinstance(event, LeadEvent)]) == 2
    assert statuses(store, "a") == [("delivered", "02:00", "02:00"), ("read", "03:00", "03:00")]


# F4

SIX: tuple[Callable[[str], LeadEvent | Lead], ...] = (
    lambda i: make_event(i, "2026-09-15T06:00:01Z", "lead.created", sender={"name": "First Name"}),
    lambda i: make_event(i, "2026-09-15T06:01:00Z", "lead.assigned", publicProfile={"id": 90002}, status="delivered"),
    lambda i: make_event(i, "2026-09-15T06:02:00Z", status="read", publicProfile={"id": 90002}),
    lambda i: make_lead(
        i, "2026-09-15T06:00:00Z", status="read", publicProfile={"id": 90002}, tags=["hot"], responseLink=None,
        listing={"id": "01JEXAMP1E0000000000000009", "reference": "ROW"}, enrichment={"message": "x"},
    ),
    lambda i: make_event(i, "2026-09-15T06:04:00Z", "lead.assigned", status="read", publicProfile={"id": 90003}),
    lambda i: make_event(
        i, "2026-09-15T06:05:00Z", status="replied", publicProfile=None, sender={"contacts": []},
        responseLink="https://example.com/r/x",
    ),
)  # fmt: skip
ROW_SEEN_AT = at("2026-09-15 06:03")


def tell(store: Store, told: Sequence[LeadEvent | Lead]) -> None:
    """Tells the store of events and rows; of a batch, the rows go first or last by its first element."""
    events = [one for one in told if isinstance(one, LeadEvent)]
    rows = [one for one in told if isinstance(one, Lead)]
    if told and isinstance(told[0], LeadEvent):
        store.write_events(events)
        events = []
    store.write_leads(rows, observed_at=ROW_SEEN_AT)
    store.write_events(events)


def everything_of(store: Store, suffixes: Sequence[str]) -> Counter[str]:
    """What the store holds of each lead, in all its tables, with the lead's own id left out."""
    told: dict[str, list[str]] = {suffix: [] for suffix in suffixes}
    for table in ("leads", "status_observations", "assignment_observations", "lead_sights"):
        columns = {"lead_sights": "* exclude (sha256, received_at, asked_at)"}.get(table, "*")
        frame = store.query(f"select {columns} from {table}")  # noqa: S608
        for row in sorted(frame.to_dict("records"), key=str):
            told[row.pop("lead_id")].append(f"{table}: {row}")
    for person in store.contacts(suffixes).to_pylist():
        told[person.pop("lead_id")].append(str(person))
    return Counter("\n".join(lines) for lines in told.values())


@pytest.mark.parametrize("batch", [1, 2, 6], ids=["one-by-one", "in-pairs", "all-at-once"])
def test_F4_all_720_orders_of_six_end_in_the_same_rows(store: Store, batch: int) -> None:
    orders = list(itertools.permutations(range(6)))
    assert len(orders) == 720
    ids = [f"L{place:03}" for place in range(len(orders))]
    for start in range(0, 6, batch):
        # The orders are told side by side, one lead each; what comes first of a batch decides, so those are kept apart.
        for row_first in (True, False):
            told: list[LeadEvent | Lead] = []
            for lead_id, order in zip(ids, orders, strict=True):
                part = [SIX[which](lead_id) for which in order[start : start + batch]]
                if isinstance(part[0], Lead) is row_first:
                    told.extend(part)
            if told:
                tell(store, told)
    ends = everything_of(store, ids)
    assert len(ends) == 1, "\n\n".join(list(ends)[:2])
    assert statuses(store, "L000") == [
        ("sent", "00:01", "00:01"), ("delivered", "00:01", "01:00"), ("read", "02:00", "02:00"),
        ("replied", "05:00", "05:00"),
    ]  # fmt: skip
    assert agents(store, "L000") == [(90001, "00:01", "00:01"), (90002, "01:00", "01:00"), (90003, "04:00", "04:00")]
    row = lead_row(store, "L000")
    assert (row["status"], row["agent_id"], row["listing_reference"]) == ("replied", 90003, "ROW")
    assert (row["created_at"], row["source"]) == (at("2026-09-15 06:00"), "webhook")
    assert contact(store, "L000")["sender_phone"] == "+971500000001"
    assert contact(store, "L000")["response_link"] == "https://example.com/r/x"


@pytest.mark.parametrize("seed", range(3))
def test_F4_random_events_in_random_orders_end_in_the_same_rows(store: Store, seed: int) -> None:
    """Events that contradict each other too, of which no order makes sense."""
    rng = random.Random(seed)
    ids = [f"L{place:03}" for place in range(40)]

    def some(lead_id: str) -> list[LeadEvent | Lead]:
        made = random.Random(f"{seed}")
        told: list[LeadEvent | Lead] = []
        for place in range(8):
            when = f"2026-09-15T06:{made.randrange(6):02}:{made.choice(['00', '30', '00.400'])}Z"
            payload = {
                "status": made.choice(["sent", "delivered", "read", "replied", "archived", None]),
                "publicProfile": made.choice([{"id": 90001}, {"id": 90002}, None]),
                "listing": made.choice([{"id": "x", "reference": "y"}, None]),
                "sender": made.choice([{"name": "X" * place}, {"contacts": [{"type": "phone", "value": f"{place}"}]}]),
            }
            kind = made.choice(["lead.created", "lead.assigned", "lead.updated"])
            told.append(make_event(lead_id, when, kind, **payload))
        told.append(make_lead(lead_id, "2026-09-15T05:59:00Z", status="read", responseLink=None))
        return told

    orders = {lead_id: rng.sample(some(lead_id), 9) for lead_id in ids}
    for step in range(9):
        for kind in (LeadEvent, Lead):
            tell(store, [order[step] for order in orders.values() if isinstance(order[step], kind)])
    ends = everything_of(store, ids)
    assert len(ends) == 1, "\n\n".join(list(ends)[:2])


def test_F4_event_older_than_a_newer_row_leaves_its_columns(store: Store) -> None:
    store.write_leads([make_lead("a", "2026-09-15T06:00:00Z", status="replied")], observed_at=at("2026-09-15 06:05"))
    before = lead_row(store, "a")
    store.write_events([make_event("a", "2026-09-15T06:01:00Z", status="read", publicProfile={"id": 1})])
    # Of its columns two follow the history, which is known better now.
    seen_at = at("2026-09-15 06:01")
    assert lead_row(store, "a") == {**before, "first_seen_at": seen_at, "replied_after": seen_at}
    assert statuses(store, "a") == [("read", "01:00", "01:00"), ("replied", "01:00", "05:00")]


# F5


def test_F5_month_old_capture_sent_again_changes_nothing(store: Store) -> None:
    events = [
        make_event("a", "2026-08-15T06:00:01Z", "lead.created"),
        make_event("a", "2026-08-15T06:02:00Z", status="read"),
    ]
    store.write_events(events)
    store.write_leads([make_lead("a", "2026-08-15T06:00:00Z", status="replied")], observed_at=at("2026-09-15 06:00"))
    before = everything_of(store, ["a"])
    assert store.write_events(events) == 0
    assert everything_of(store, ["a"]) == before
    assert store.leads_to_ask_for(50) == []


def test_F5_capture_that_was_forgotten_long_ago_changes_nothing_either(store: Store) -> None:
    event = make_event("a", "2026-05-15T06:02:00Z", status="read")
    store.write_events([event])
    store.write_leads([make_lead("a", "2026-05-15T06:00:00Z", status="read")], observed_at=at("2026-09-15 06:00"))
    with store._changing() as cursor:
        cursor.execute("delete from lead_sights")
    before = everything_of(store, ["a"])
    assert store.write_events([event]) == 1  # it is remembered again
    with store._changing() as cursor:
        cursor.execute("delete from lead_sights")
    assert everything_of(store, ["a"]) == before


def test_applied_events_are_forgotten_when_no_row_can_come_any_more(store: Store) -> None:
    body = body_of(event_json("a", "2026-05-15T06:02:00Z"))
    old = read_event(body, CAME_AT - timedelta(days=200))
    assert isinstance(old, LeadEvent)
    store.write_events([old, make_event("b")])
    assert store.query("select lead_id from lead_sights")["lead_id"].tolist() == ["b"]


# What a delivery must be


@pytest.mark.parametrize(
    ("body", "reason", "lead_id"),
    [
        pytest.param(b"", "not JSON", None, id="empty"),
        pytest.param(b"\xff\xfe", "not JSON", None, id="no-utf-8"),
        pytest.param(b"[" * 100_000, "not JSON", None, id="too-deep"),
        pytest.param(b"[1]", "not an object", None, id="list"),
        pytest.param(body_of({}), "something else", None, id="nothing"),
        pytest.param(body_of({**event_json("a"), "entity": {"type": "user"}}), "something else", None, id="user"),
        pytest.param(body_of({**event_json("a"), "type": "lead.exploded"}), "a kind", "a", id="kind"),
        pytest.param(body_of({**event_json("a"), "type": ["x"]}), "a kind", "a", id="kind-is-a-list"),
        pytest.param(body_of({**event_json("a"), "payload": "x"}), "says nothing", "a", id="payload"),
        pytest.param(body_of(event_json("a", "yesterday")), "timestamp", "a", id="timestamp"),
        pytest.param(body_of(event_json("a", "2026-09-15T06:12:45")), "timestamp", "a", id="no-zone"),
        pytest.param(body_of(event_json("")), "id is missing", None, id="no-id"),
    ],
)  # fmt: skip
def test_delivery_that_is_no_lead_event_is_rejected_with_a_reason(
    store: Store, body: bytes, reason: str, lead_id: str | None
) -> None:
    found = read_event(body)
    assert isinstance(found, RejectedRow)
    assert reason in found.reason
    assert found.lead_id == lead_id
    store.write_rejected([found], sync_id="webhook", observed_at=CAME_AT)
    assert len(store.query("select * from rejected_leads")) == 1


def test_unknown_values_and_fields_of_an_event_are_kept(store: Store) -> None:
    store.write_events([make_event("a", channel="telepathy", status="pondered", sellerProperty={"rooms": 3})])
    row = lead_row(store, "a")
    assert (row["channel"], row["status"], row["stage"]) == ("telepathy", "pondered", "unrecognised")


def test_event_with_nothing_in_it_still_tells_that_there_is_a_lead(store: Store) -> None:
    body = body_of({"type": "lead.updated", "timestamp": "2026-09-15T06:00:00Z", "entity": {"id": 7}, "payload": {}})
    event = read_event(body)
    assert isinstance(event, LeadEvent)
    store.write_events([event])
    assert lead_row(store, "7")["status"] == ""
    assert statuses(store, "7") == []


def test_clock_of_ours_that_is_a_day_behind_moves_no_event(store: Store) -> None:
    event = read_event(body_of(event_json("a", "2026-09-21T02:00:00Z")))  # 26 hours after it came, by our clock
    assert isinstance(event, LeadEvent)
    assert event.at == at("2026-09-21 02:00")


def test_event_from_the_future_is_dated_when_it_came(store: Store) -> None:
    event = read_event(body_of(event_json("a", "2099-01-01T00:00:00Z", status="read")))
    assert isinstance(event, LeadEvent)
    assert event.at == CAME_AT
    store.write_events([event])
    store.write_leads([make_lead("a", status="replied")], observed_at=CAME_AT + timedelta(minutes=1))
    assert lead_row(store, "a")["status"] == "replied"


def test_text_of_an_event_shows_in_no_message(store: Store) -> None:
    event = make_event("a")
    rejected = read_event(body_of({**event_json("a"), "type": "Test Sender One"}))
    store.write_events([event])
    for shown in (repr(event), repr(rejected), str(store.query("select * from lead_sights").to_dict())):
        assert "Test Sender" not in shown
        assert "+97150" not in shown
