"""The store: upserts, history, files and their failures."""

import random
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from leadlib.errors import StoreBusyError, StoreError, StoreUnreadableError, WrongPortalError
from leadlib.filters import Filters
from leadlib.metrics.health import sync_history
from leadlib.metrics.lead_rows import lead_rows
from leadlib.records import AgentName, ListingName, ProjectName, RejectedRow
from leadlib.store import Store, SyncRow, UpsertCount
from tests.conftest import DUBAI, at, make_lead


def observations(store: Store, lead_id: str) -> list[tuple[str, str, str]]:
    rows = store.query(
        "select stage, strftime(not_before, '%d %H:%M') as a, strftime(not_after, '%d %H:%M') as b "
        "from status_observations where lead_id = $lead_id order by not_after",
        {"lead_id": lead_id},
    )
    return [(row.stage, row.a, row.b) for row in rows.itertuples()]


def test_writing_the_same_leads_twice_changes_nothing(store: Store) -> None:
    leads = [make_lead("a"), make_lead("b", "2026-09-16T06:00:00Z")]
    assert store.write_leads(leads, observed_at=at("2026-09-17 10:00")) == UpsertCount(2, 0, 0)
    columns = "select * exclude (last_seen_at, observed_at, row_seen_at) from leads order by lead_id"
    before = store.query(columns)
    assert store.write_leads(leads, observed_at=at("2026-09-17 11:00")) == UpsertCount(0, 0, 2)
    assert store.query(columns).equals(before)
    assert len(store.query("select * from status_observations")) == 2


def test_first_status_was_true_between_creation_and_first_sight(store: Store) -> None:
    store.write_leads([make_lead("a", "2026-09-15T06:00:00Z", status="responded")], observed_at=at("2026-09-15 10:00"))
    assert observations(store, "a") == [("responded", "15 06:00", "15 10:00")]


def test_a_status_change_lies_between_two_sights(store: Store) -> None:
    store.write_leads([make_lead("a", "2026-09-15T06:00:00Z")], observed_at=at("2026-09-15 10:00"))
    store.write_leads([make_lead("a", "2026-09-15T06:00:00Z")], observed_at=at("2026-09-15 11:00"))
    changed = make_lead("a", "2026-09-15T06:00:00Z", status="responded")
    assert store.write_leads([changed], observed_at=at("2026-09-15 12:00")) == UpsertCount(0, 1, 0)
    assert observations(store, "a") == [("sent", "15 06:00", "15 10:00"), ("responded", "15 11:00", "15 12:00")]


def test_an_older_observation_never_overrides_a_newer_one(store: Store) -> None:
    store.write_leads([make_lead("a", status="responded")], observed_at=at("2026-09-17 12:00"))
    assert store.write_leads([make_lead("a")], observed_at=at("2026-09-17 10:00")) == UpsertCount(0, 0, 1)
    assert store.query("select status from leads")["status"].tolist() == ["responded"]
    assert len(observations(store, "a")) == 1


def test_an_older_observation_never_overrides_what_is_personal(store: Store) -> None:
    store.write_leads([make_lead("a", sender={"name": "Newer"})], observed_at=at("2026-09-17 12:00"))
    older = [make_lead("a", sender={"name": "Older"}), make_lead("b", sender={"name": "Late"})]
    store.write_leads(older, observed_at=at("2026-09-17 10:00"))
    names = {row["lead_id"]: row["sender_name"] for row in store.contacts(["a", "b"]).to_pylist()}
    assert names == {"a": "Newer", "b": "Late"}


def test_archiving_keeps_the_highest_rung_that_was_witnessed(store: Store) -> None:
    store.write_leads(
        [make_lead("a", status="opened"), make_lead("b", status="archived")], observed_at=at("2026-09-17 10:00")
    )
    store.write_leads([make_lead("a", status="archived")], observed_at=at("2026-09-17 11:00"))
    rows = store.query("select stage, reached_stage from leads order by lead_id")
    assert rows["stage"].tolist() == ["archived", "archived"]
    assert rows["reached_stage"].tolist()[0] == "opened"
    assert rows["reached_stage"].isna().tolist() == [False, True]


def test_a_lead_that_is_twice_in_a_batch_counts_once_and_the_last_wins(store: Store) -> None:
    count = store.write_leads([make_lead("a"), make_lead("a", status="opened")], observed_at=at("2026-09-17 10:00"))
    assert count == UpsertCount(1, 0, 0)
    assert store.query("select status from leads")["status"].tolist() == ["opened"]


def test_any_order_and_batching_of_the_same_leads_gives_the_same_table(open_store: Callable[..., Store]) -> None:
    leads = [
        make_lead(f"lead-{n}", f"2026-09-{1 + n % 28:02}T06:00:00Z", status=["sent", "opened"][n % 2])
        for n in range(60)
    ]
    tables = []
    for seed in range(3):
        store = open_store(f"store-{seed}")
        shuffled = random.Random(seed).sample(leads, len(leads))
        step = 60 // (seed + 1)
        for start in range(0, len(shuffled), step):
            store.write_leads(shuffled[start : start + step], observed_at=at("2026-09-30 10:00"))
        tables.append(store.query("select * exclude (sender_key) from leads order by lead_id"))
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])


def test_equal_senders_share_a_key_that_does_not_show_the_phone(store: Store) -> None:
    spelled_otherwise = {"contacts": [{"type": "phone", "value": "00971 50 000 0001"}]}
    store.write_leads(
        [make_lead("a"), make_lead("b", sender=spelled_otherwise), make_lead("c", sender={})],
        observed_at=at("2026-09-17 10:00"),
    )
    keys = store.query("select sender_key from leads order by lead_id")["sender_key"]
    assert keys[0] == keys[1]
    assert "0000001" not in keys[0]
    assert keys.isna().tolist() == [False, False, True]


@pytest.mark.embedded(reason="looks into the two files, or finds others in their place")
def test_nothing_personal_is_in_the_analytics_file(store: Store, tmp_path: Path) -> None:
    store.write_leads(
        [
            make_lead(
                "a", sender={"name": "Zebulon Canary", "contacts": [{"type": "email", "value": "canary@example.com"}]}
            )
        ],
        observed_at=at("2026-09-17 10:00"),
    )
    store.close()
    analytics = b"".join(path.read_bytes() for path in (tmp_path / "store").glob("leads.duckdb*"))
    personal = b"".join(path.read_bytes() for path in (tmp_path / "store").glob("personal.duckdb*"))
    for canary in (b"Zebulon", b"canary@", b"example.com/r/"):
        assert canary not in analytics
        assert canary in personal


def test_contacts_come_by_lead_id_and_follow_changes(store: Store) -> None:
    store.write_leads([make_lead("a"), make_lead("b")], observed_at=at("2026-09-17 10:00"))
    store.write_leads([make_lead("a", sender={"name": "Renamed Sender"})], observed_at=at("2026-09-17 11:00"))
    rows = store.contacts(["a", "unknown"]).to_pylist()
    assert [(row["lead_id"], row["sender_name"], row["sender_phone"]) for row in rows] == [
        ("a", "Renamed Sender", None)
    ]
    assert rows[0]["response_link"] == "https://example.com/r/a"


@pytest.mark.parametrize(
    ("instant", "local_day"),
    [("2026-09-14T19:59:59Z", "2026-09-14"), ("2026-09-14T20:00:00Z", "2026-09-15")],
    ids=["second-before-midnight-in-dubai", "midnight-in-dubai"],
)
def test_local_day_is_the_accounts_day(store: Store, instant: str, local_day: str) -> None:
    store.write_leads([make_lead("a", instant)], observed_at=at("2026-09-17 10:00"))
    assert store.query("select strftime(created_local, '%Y-%m-%d') as day from leads")["day"].tolist() == [local_day]


def test_another_time_zone_moves_the_local_days_of_stored_leads(open_store: Callable[..., Store]) -> None:
    store = open_store()
    store.write_leads([make_lead("a", "2026-09-14T20:30:00Z")], observed_at=at("2026-09-17 10:00"))
    store.close()
    again = open_store(timezone=ZoneInfo("Europe/London"))
    assert again.query("select strftime(created_local, '%d %H:%M') as t from leads")["t"].tolist() == ["14 21:30"]


def test_data_version_grows_with_a_write_and_not_with_a_read(store: Store) -> None:
    before = store.data_version
    store.query("select count(*) as n from leads")
    assert store.data_version == before
    store.write_leads([make_lead("a")], observed_at=at("2026-09-17 10:00"))
    assert store.data_version > before


def test_as_of_is_the_newest_observation(store: Store) -> None:
    assert store.as_of() is None
    store.write_leads([make_lead("a")], observed_at=at("2026-09-17 10:00"))
    assert store.as_of() == at("2026-09-17 10:00")


def test_names_replace_what_was_known_and_then_are_no_longer_missing(store: Store) -> None:
    project = "00000000-0000-4000-8000-000000000001"
    store.write_leads([make_lead("a", project={"id": project})], observed_at=at("2026-09-17 10:00"))
    assert store.ids_without_names() == ([90001], ["01JEXAMP1E0000000000000001"], [project])
    for name in ("Old Name", "Test Agent"):
        store.write_names(
            [AgentName(90001, name, True)],
            [ListingName("01JEXAMP1E0000000000000001", "EX-RENT-001", "A flat", "apartment", "residential", "rent")],
            [ProjectName(project, "A tower", None, None)],
        )
    assert store.ids_without_names() == ([], [], [])
    assert store.query("select name from agents")["name"].tolist() == ["Test Agent"]


def test_a_rejected_row_is_kept_once_with_its_reason(store: Store) -> None:
    row = RejectedRow("the id is missing or empty", None, '{"channel":"call"}')
    for _ in range(2):
        store.write_rejected([row], sync_id="s", observed_at=at("2026-09-17 10:00"))
    assert store.query("select reason from rejected_leads")["reason"].tolist() == ["the id is missing or empty"]


def test_a_write_that_fails_half_way_leaves_no_lead_of_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write_leads([make_lead("a")], observed_at=at("2026-09-17 10:00"))
    broken = msgspec.structs.replace(make_lead("b"), agent_id="not a number")
    with pytest.raises((StoreError, ValueError, TypeError)):
        store.write_leads([make_lead("c"), broken], observed_at=at("2026-09-17 11:00"))
    assert store.query("select lead_id from leads")["lead_id"].tolist() == ["a"]
    assert store.write_leads([make_lead("c")], observed_at=at("2026-09-17 12:00")) == UpsertCount(1, 0, 0)


def test_a_store_survives_closing(open_store: Callable[..., Store]) -> None:
    first = open_store()
    first.write_leads([make_lead("a")], observed_at=at("2026-09-17 10:00"))
    first.remember("dialect", "flat")
    key = first.query("select sender_key from leads")["sender_key"].tolist()
    first.close()
    second = open_store()
    assert second.recall("dialect") == "flat"
    second.write_leads([make_lead("b")], observed_at=at("2026-09-17 11:00"))
    assert second.query("select sender_key from leads where lead_id = 'b'")["sender_key"].tolist() == key


def test_a_folder_of_another_portal_is_refused(open_store: Callable[..., Store]) -> None:
    open_store(portal="https://one.example").close()
    with pytest.raises(WrongPortalError, match="LEADLIB_DATABASE"):
        open_store(portal="https://two.example")


@pytest.mark.embedded(reason="looks into the two files, or finds others in their place")
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "leads.duckdb").write_bytes(b"not a database" * 500)
    with pytest.raises(StoreUnreadableError, match="LEADLIB_DATABASE"):
        Store.open(tmp_path, timezone=DUBAI, portal="test")
    assert (tmp_path / "leads.duckdb").read_bytes() == b"not a database" * 500


@pytest.mark.embedded(reason="looks into the two files, or finds others in their place")
def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(StoreUnreadableError, match="LEADLIB_DATABASE"):
        Store.open(tmp_path / "taken", timezone=DUBAI, portal="test")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_a_new_folder_is_for_its_owner_alone(store: Store) -> None:
    assert store.folder.stat().st_mode & 0o077 == 0


def test_a_store_of_a_newer_program_is_refused(open_store: Callable[..., Store]) -> None:
    store = open_store()
    with store._analytics.transaction() as cursor:
        cursor.execute("insert into migrations values ('analytics_9999.sql', now())")
    store.close()
    with pytest.raises(StoreUnreadableError, match="newer Leadlight"):
        open_store()


@pytest.mark.embedded(reason="no program has a lake to itself")
def test_a_store_that_another_process_holds_says_who(open_store: Callable[..., Store], tmp_path: Path) -> None:
    open_store()
    script = (
        "from pathlib import Path; from zoneinfo import ZoneInfo; from leadlib.store import Store\n"
        f"try: Store.open(Path({str(tmp_path / 'store')!r}), timezone=ZoneInfo('UTC'), portal='test')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.startswith(StoreBusyError.__name__)
    assert "held by process" in said


def test_agent_that_two_users_share_doubles_no_lead(store: Store) -> None:
    store.write_leads([make_lead("a")], observed_at=at("2026-09-17 10:00"))
    store.write_names([AgentName(90001, "First", True), AgentName(90001, "Second", True)], [], [])
    assert lead_rows(store, Filters())["agent_name"].tolist() == ["Second"]


def test_sync_that_its_program_did_not_end_is_no_longer_running(open_store: Callable[..., Store]) -> None:
    before = open_store()
    before.begin_sync(kind="full", dialect="filter", started_at=at("2026-09-17 10:00"))
    before.close()
    row = open_store().query("select outcome, message from syncs").iloc[0]
    assert row["outcome"] == "failed"
    assert "The program ended" in row["message"]


def test_closed_store_is_an_error_of_ours(store: Store) -> None:
    store.close()
    with pytest.raises(StoreError):
        store.query("select 1")
    with pytest.raises(StoreError, match="has been closed"):
        store.remember("key", "value")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda s: s.begin_sync(kind="full", dialect="flat", started_at=at("2026-09-17 10:00")), id="sync"),
        pytest.param(lambda s: s.write_rejected([RejectedRow("why", None, "{}")], sync_id="s",
                                                observed_at=at("2026-09-17 10:00")), id="rejected"),
        pytest.param(lambda s: s.remember("key", "value"), id="remember"),
        pytest.param(lambda s: s.write_names([AgentName(1, "A", None)], [], []), id="names"),
    ],
)  # fmt: skip
def test_every_change_makes_cached_answers_old(store: Store, change: Callable[[Store], object]) -> None:
    before = store.data_version
    change(store)
    assert store.data_version > before


def test_last_complete_sync_is_told_however_many_failed_since(store: Store) -> None:
    for n in range(30):
        started_at = at("2026-09-17 10:00") + timedelta(minutes=n)
        sync_id = store.begin_sync(kind="full", dialect="filter", started_at=started_at)
        outcome = "complete" if n in {2, 3} else "failed"
        row = SyncRow(
            sync_id, "full", outcome, "filter", started_at, started_at, None, None, 0, 0, 0, 0, 0, 0, 0, 0, 0.0, None
        )
        store.finish_sync(row)
    told = sync_history(store, Filters())
    assert told["outcome"].tolist() == ["failed"] * 20 + ["complete"]
    assert told["started_at"].iloc[-1] == at("2026-09-17 10:03")
