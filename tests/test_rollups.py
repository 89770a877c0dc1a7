"""What is kept beside the leads to answer sooner gives the answers that the leads themselves give, whatever was
written.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from leadlib.filters import Filters
from leadlib.metrics import breakdown, counting, funnel, heat_map, queries, status_counts, summary, volume
from leadlib.store import Person, SliceRow, Store
from leadlib.store.rollups import ROLLUPS
from tests.conftest import at, make_lead
from tests.webhook_events import make_event

START = at("2026-10-20 00:00")
FILTERS = {
    "all": Filters(),
    "days": Filters.of({"from": ["2026-10-24"], "to": ["2026-10-26"]}),
    "choices": Filters.of({"type": ["call", "whatsapp"], "status": ["sent", "replied"], "entity": ["listing"]}),
    "reached": Filters.of({"reached": ["opened"], "weekday": ["sun"]}),
    "agent": Filters.of({"agent": ["1", "none"]}),
    "hours": Filters.of({"hour": ["1", "2", "3"]}),
}
QUESTIONS: dict[str, Callable[[Store, Filters], pd.DataFrame]] = {
    "summary": summary,
    "volume by hour": lambda s, f: volume(s, f, "hour", "channel"),
    "volume by week": lambda s, f: volume(s, f, "week", "stage"),
    "funnel": lambda s, f: funnel(s, f, "channel"),
    "heat map": heat_map,
    "statuses": lambda s, f: status_counts(s, f, "channel"),
    "entity types": lambda s, f: breakdown(s, f, "entity_type"),
    "agents": lambda s, f: breakdown(s, f, "agent", limit=2),
    "days": lambda s, f: breakdown(s, f, "day"),
}


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Callable[[Store], None]:
    """Has a store answer from its leads alone, and count senders one by one."""

    def without(store: Store) -> None:
        queries.forget_answers(store)
        monkeypatch.setattr(Store, "has_rollups", False)

    return without


def some_leads(rng: random.Random, now: datetime, n: int) -> list:
    minutes = int((now - START).total_seconds() // 60)
    return [
        make_lead(
            f"l{rng.randrange(60)}",
            (START + timedelta(minutes=rng.randrange(minutes))).isoformat(),
            status=rng.choice(["sent", "read", "replied", "archived", "on_hold"]),
            channel=rng.choice(["whatsapp", "call", "email"]),
            entityType=rng.choice(["listing", "agent"]),
            publicProfile=rng.choice([None, {"id": 1}, {"id": 2}, {"id": 3}]),
            sender={"contacts": [{"type": "phone", "value": f"+97150000000{rng.randrange(9)}"}]},
        )
        for _ in range(n)
    ]


def disturb(store: Store, rng: random.Random, step: int) -> None:
    """One more write of any kind: rows, also old ones and out of order, events, leads that are gone, an erasure."""
    now = START + timedelta(days=8, hours=7 * step)
    kind = rng.choice(["rows", "rows", "late rows", "events", "gone", "erased"])
    if kind == "rows":
        store.write_leads(some_leads(rng, now, 20), observed_at=now)
    elif kind == "late rows":
        store.write_leads(some_leads(rng, now, 5), observed_at=now - timedelta(hours=9))
    elif kind == "events":
        when = START + timedelta(minutes=rng.randrange(12_000))
        lead_id, status = f"l{rng.randrange(60)}", rng.choice(["sent", "replied"])
        store.write_events(
            [make_event(lead_id, when.isoformat(), status=status, publicProfile={"id": rng.choice([1, 4])})]
        )
    elif kind == "erased":
        store.erase(Person(phones=(f"+97150000000{rng.randrange(9)}",)), "test")
    else:
        for days in (2, 4):
            began_at = now + timedelta(days=days)
            sync_id = store.begin_sync(kind="cold", dialect="flat", started_at=began_at)
            store.write_slice(SliceRow(sync_id, START, began_at, 0, 0, True, began_at))
            store.settle_absences(
                sync_id, began_at=began_at, rejected_ids=["l1", "l2", "l3"], is_too_many=lambda n, n_live: False
            )


def answers(store: Store) -> dict[tuple[str, str], pd.DataFrame]:
    return {(name, words): ask(store, FILTERS[words]) for name, ask in QUESTIONS.items() for words in FILTERS}


@pytest.mark.parametrize("seed", [1, 2])
def test_rollups_answer_as_the_leads_do_after_any_writes(
    open_store: Callable[..., Store], plain: Callable[[Store], None], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = random.Random(seed)
    store = open_store(timezone=ZoneInfo("Europe/Berlin"))  # whose clock goes back on 25 October
    for step in range(10):
        disturb(store, rng, step)
    store.write_leads(some_leads(rng, START + timedelta(days=10), 30), observed_at=START + timedelta(days=12))
    monkeypatch.setattr(counting, "_MANY_LEADS", 1)
    rolled = answers(store)
    monkeypatch.setattr(counting, "_MANY_LEADS", 10**9)
    plain(store)
    for asked, frame in answers(store).items():
        assert_frame_equal(rolled[asked], frame, obj=str(asked))
    assert len(rolled["summary", "all"]) == 1
    assert rolled["summary", "all"]["leads"].iloc[0] > 20


def test_numbers_of_senders_and_first_replies_say_what_keys_and_histories_say(store: Store) -> None:
    rng = random.Random(3)
    for step in range(12):
        disturb(store, rng, step)
    counted = store.query(
        "select count(sender_key) as keys, count(sender_no) as numbers, count(distinct sender_key) as n_keys, "
        "count(distinct sender_no) as n_numbers, count(distinct (sender_key, sender_no)) as n_pairs from leads "
        "where sender_key is not null or sender_no is not null"
    ).iloc[0]
    assert counted["keys"] == counted["numbers"] > 0
    assert counted["n_keys"] == counted["n_numbers"] == counted["n_pairs"]
    differing = store.query(
        "select lead_id from leads left join (select lead_id, min(not_before) as since, min(not_after) as until "
        "from status_observations where stage = 'responded' group by lead_id) using (lead_id) "
        "where replied_after is distinct from since or replied_by is distinct from until"
    )
    assert differing.empty
    assert store.query("select count(*) as n from leads where replied_by is not null")["n"].iloc[0] > 0


def test_senders_who_come_while_senders_are_counted_are_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The highest number was asked for before two of the three were there."""
    phones = [{"contacts": [{"type": "phone", "value": f"+97150000000{i}"}]} for i in range(3)]
    leads = [make_lead(f"l{i}", sender=phones[i % 3]) for i in range(6)]
    store.write_leads(leads, observed_at=at("2026-09-20 00:00"))
    monkeypatch.setattr(counting, "_MANY_LEADS", 1)
    monkeypatch.setattr(counting, "_last_sender", lambda store: 1)
    assert summary(store, Filters())["unique_senders"].tolist() == [3]
    assert breakdown(store, Filters(), "channel")["unique_senders"].tolist() == [3]


def test_a_sender_whose_lead_is_erased_keeps_the_number_of_the_other_leads(store: Store) -> None:
    store.write_leads([make_lead("a"), make_lead("b")], observed_at=at("2026-09-20 00:00"))
    store.erase(Person(lead_ids=("a",)), "test")
    store.write_leads([make_lead("c")], observed_at=at("2026-09-20 01:00"))
    assert summary(store, Filters())["unique_senders"].iloc[0] == 1
    store.erase(Person(phones=("+971500000001",)), "test")
    assert store.query("select * from senders").empty


def test_rollups_move_with_the_time_zone(open_store: Callable[..., Store]) -> None:
    with open_store() as before:
        before.write_leads([make_lead("a", "2026-09-15T21:00:00Z")], observed_at=at("2026-09-20 00:00"))
        assert (
            str(before.query("select created_local from lead_hours")["created_local"].iloc[0]) == "2026-09-16 01:00:00"
        )
    after = open_store(timezone=ZoneInfo("UTC"))
    for name in ROLLUPS:
        assert len(after.query(f"select * from {name}")) == 1  # noqa: S608  # the name of one of our tables
    assert str(after.query("select created_local from lead_hours")["created_local"].iloc[0]) == "2026-09-15 21:00:00"


def test_a_rollup_that_lacks_leads_is_made_anew_when_the_store_is_opened(open_store: Callable[..., Store]) -> None:
    with open_store() as store:
        store.write_leads([make_lead("a"), make_lead("b", channel="call")], observed_at=at("2026-09-20 00:00"))
        with store._analytics.transaction() as cursor:
            cursor.execute("delete from lead_days where channel = 'call'")
    assert summary(open_store(), Filters())["leads"].iloc[0] == 1 + 1
