"""A shared store: what programs see of each other, which does the work, and what is said where it cannot be had."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import pytest

from leadlib.errors import LostRaceError, StoreBusyError, StoreReadOnlyError, StoreUnreadableError
from leadlib.filters import Filters
from leadlib.shared import LakeAddress, SharedAddress, lake_address
from leadlib.store import Store, SyncRow
from leadlib.sync import Progress
from leadlib.worker import Wish, Worker, wish_of
from tests.conftest import DUBAI, at, eventually, make_lead
from tests.postgres import Postgres
from tests.shared_stores import NEW_ENGINE

pytestmark = pytest.mark.shared

PATIENCE_S = 60
SECRET = "p4ssw0rd-of-nobody"


patiently = partial(eventually, within_s=PATIENCE_S, every_s=0.05)
"""For what another program has to notice first."""


@pytest.fixture
def other(store: Store, open_store: Callable[..., Store]) -> Store:
    """The same store, as another program has it."""
    assert store.query("select 1 as one")["one"].tolist() == [1]
    return open_store()


def address_of(store: Store) -> SharedAddress:
    lake = lake_address(store.place)
    return SharedAddress(lake, lake)


def ids(store: Store) -> list[str]:
    return store.query("select lead_id from leads order by lead_id")["lead_id"].tolist()


# What is seen of each other


def test_what_one_program_commits_is_seen_by_the_other(store: Store, other: Store) -> None:
    version = other.data_version
    store.write_leads([make_lead("A"), make_lead("B")], observed_at=at("2026-09-15 10:00"))
    store.raise_alarm("audit", "Look here.")
    store.words.note_on_day(date(2026, 9, 1), "campaign", "me")
    assert ids(other) == ["A", "B"]
    patiently(lambda: other.data_version > version)
    assert [alarm.message for alarm in other.alarms()] == ["Look here."]
    patiently(lambda: [note.words for note in other.words.day_notes()] == ["campaign"])
    assert other.as_of() == at("2026-09-15 10:00")


def test_what_a_program_commits_itself_makes_its_answers_old_once(store: Store) -> None:
    store.write_leads([make_lead("A")], observed_at=at("2026-09-15 10:00"))
    version = store.data_version
    store._look(at_once=True)
    assert store.data_version == version


def test_the_same_new_leads_written_by_two_at_once_are_there_once(store: Store, other: Store) -> None:
    """There is no PRIMARY KEY in a lake: that a lead is new is found out and written under one lock."""
    leads = [make_lead(f"L{number}") for number in range(20)]
    failed: list[Exception] = []

    def write(into: Store) -> None:
        try:
            for turn in range(3):
                into.write_leads(leads, observed_at=at(f"2026-09-15 1{turn}:00"))
        except Exception as error:  # noqa: BLE001  # told below
            failed.append(error)

    threads = [threading.Thread(target=write, args=(into,)) for into in (store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert ids(store) == sorted(lead.lead_id for lead in leads)
    contacts = store.contacts([lead.lead_id for lead in leads])
    assert contacts.num_rows == len(leads)


def test_who_comes_second_without_the_lock_is_told_and_nothing_is_doubled(store: Store, other: Store) -> None:
    """As after the server has ended the session that held the lock: the row that counts commits tells."""
    first, second = store._analytics.cursor(), other._analytics.cursor()
    for cursor in (first, second):
        cursor.execute("begin")
        cursor.execute("insert into meta values ('who', 'me')")
        cursor.execute("update commits set sequence = sequence + 1")
    first.execute("commit")
    with pytest.raises(Exception, match="conflict") as raised:
        second.execute("commit")
    assert isinstance(other._analytics._unwritten(raised.value), LostRaceError)
    assert store.recall("who") == "me"
    assert store.query("select count(*) as n from meta where key = 'who'")["n"].tolist() == [1]


def test_a_lost_race_is_run_again(store: Store, other: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, races = store._analytics, []
    counted = lake.transaction

    def losing_once() -> object:
        if not races:
            races.append("lost")
            raise LostRaceError("Another program was first.", "")
        return counted()

    monkeypatch.setattr(lake, "transaction", losing_once)
    assert store.write_leads([make_lead("A")], observed_at=at("2026-09-15 10:00")).n_new == 1
    assert races == ["lost"]
    assert ids(other) == ["A"]


def test_who_was_erased_elsewhere_is_kept_out_at_once(store: Store, other: Store) -> None:
    from leadlib.store import Person

    store.erase(Person(phones=("+971500000001",)), "tester")
    counted = other.write_leads([make_lead("A")], observed_at=at("2026-09-15 10:00"))
    assert counted.n_suppressed == 1
    assert other.contacts(["A"]).num_rows == 0


# Who does the work


class Program:
    """The worker of one of several programs on a store."""

    def __init__(self, store: Store) -> None:
        self.wishes: list[Wish] = []
        self.begun = 0
        self.go = threading.Event()
        self.go.set()
        self.worker = Worker(self.sync, 0, work=store.work, begin=self.begin)

    def begin(self) -> None:
        self.begun += 1

    def sync(self, wish: Wish, on_progress: Callable[[Progress], None]) -> SyncRow:
        self.wishes.append(wish)
        while not self.go.wait(0.05):
            on_progress(Progress("reading leads", n_read=7, n_expected=20))
        now = datetime.now(UTC)
        return SyncRow("id", "hot", "complete", "filter", now, now, None, None, 0, 0, 0, 0, 0, 0, 0, 0, 0.0, None)


@pytest.fixture
def programs(store: Store, other: Store) -> Iterator[tuple[Program, Program]]:
    """Two, of which the first does the work."""
    first, second = Program(store), Program(other)
    first.worker.start()
    patiently(lambda: first.worker.is_ours)
    second.worker.start()
    yield first, second
    for program in (first, second):
        program.go.set()
        program.worker.stop()


def test_one_of_two_does_the_work_and_what_the_other_is_asked_for_too(programs: tuple[Program, Program]) -> None:
    first, second = programs
    wish = Wish(filters=Filters.of({"type": ["call"]}))
    first.go.clear()
    second.worker.request(wish)
    patiently(lambda: first.wishes == [wish])
    patiently(lambda: second.worker.status.progress == Progress("reading leads", n_read=7, n_expected=20))
    first.go.set()
    patiently(lambda: second.worker.status.n_finished == 1)
    assert second.worker.status.progress is None
    assert second.wishes == []
    assert (first.begun, second.begun) == (1, 0)


def test_another_takes_over_when_the_worker_is_gone(
    programs: tuple[Program, Program], store: Store, other: Store
) -> None:
    first, second = programs
    first.worker.stop()
    assert not other.work.take()
    store.close()
    patiently(lambda: second.worker.is_ours)
    second.worker.request(Wish(full=True))
    patiently(lambda: second.wishes == [Wish(full=True)])
    assert second.begun == 1


def test_a_sync_cut_short_is_ended_by_who_takes_over_and_by_nobody_before(store: Store, other: Store) -> None:
    assert store.work.take()
    store.begin_sync(kind="hot", dialect="filter", started_at=at("2026-09-15 10:00"))
    address, folder = address_of(store), other.folder
    with Store.open(folder, timezone=DUBAI, portal="test", shared=address) as third:
        assert third.query("select outcome from syncs")["outcome"].tolist() == ["running"]
        store.work.release()
        assert third.work.take()
        third.settle()
        assert third.query("select outcome from syncs")["outcome"].tolist() == ["failed"]


def test_wishes_of_another_version_mean_what_is_due() -> None:
    assert wish_of("{}") == wish_of("not json") == Wish()
    wish = Wish(since="2026-11-20", filters=Filters.of({"type": ["call", "email"]}))
    assert wish_of(wish.text) == wish


def test_the_server_may_end_all_sessions_and_nobody_sees_an_error(store: Store, postgres: Postgres) -> None:
    """As when PostgreSQL is started anew, or another of its machines takes over."""
    store.write_leads([make_lead("A")], observed_at=at("2026-09-15 10:00"))
    database = store.place.partition("dbname=")[2].split()[0]
    others = f"datname = '{database}' and pid <> pg_backend_pid()"
    end_all = f"select count(pg_terminate_backend(pid)) from pg_stat_activity where {others}"  # noqa: S608
    assert int(postgres.run(end_all)) > 0
    assert ids(store) == ["A"]
    assert int(postgres.run(end_all)) > 0
    store.write_leads([make_lead("B")], observed_at=at("2026-09-15 11:00"))
    assert ids(store) == ["A", "B"]
    assert store.contacts(["A", "B"]).num_rows == 2


def test_who_loses_its_session_loses_the_work(store: Store, other: Store, postgres: Postgres) -> None:
    assert store.work.take()
    assert not other.work.take()
    postgres.run(
        "select pg_terminate_backend(pid) from pg_locks join pg_stat_activity using (pid) where locktype = 'advisory'"
    )
    assert other.work.take()
    assert not store.work.take()


# Without the persons


def test_a_program_without_the_persons_reads_the_rest_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    store.write_leads([make_lead("A")], observed_at=at("2026-09-15 10:00"))
    address = replace(address_of(store), personal=None)
    with Store.open(tmp_path / "viewer", timezone=DUBAI, portal="test", shared=address) as viewer:
        assert ids(viewer) == ["A"]
        assert not viewer.has_persons
        assert viewer.contacts(["A"]).num_rows == 0
        assert viewer.alarms() == ()
        with pytest.raises(StoreReadOnlyError):
            viewer.write_leads([make_lead("B")], observed_at=at("2026-09-15 11:00"))
        store.write_leads([make_lead("C")], observed_at=at("2026-09-15 11:00"))
        assert ids(viewer) == ["A", "C"]
        worker = Worker(lambda wish, report: pytest.fail("nothing is synced here"), 5, work=viewer.work)
        worker.start()
        worker.request(Wish())
        patiently(lambda: isinstance(worker.status.error, StoreReadOnlyError))
        worker.stop()


def test_what_is_opened_beside_stays_as_it_was(store: Store, tmp_path: Path) -> None:
    store.write_leads([make_lead("A")], observed_at=at("2026-09-15 10:00"))
    with Store.open_beside(tmp_path / "beside", timezone=DUBAI, shared=address_of(store)) as beside:
        store.write_leads([make_lead("B")], observed_at=at("2026-09-15 11:00"))
        assert ids(beside) == ["A"]
        assert beside.portal == "test"


# Where it cannot be had


def refused(address: LakeAddress, folder: Path) -> str:
    """What is said, which never holds the password, in no log, cause or repr either."""
    with pytest.raises(StoreUnreadableError) as raised:
        Store.open(folder, timezone=DUBAI, portal="test", shared=SharedAddress(address, address))
    error: BaseException | None = raised.value
    while error is not None:
        assert SECRET not in str(error)
        assert SECRET not in repr(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return str(raised.value)


def test_a_server_that_is_not_there_is_named_without_the_password(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = LakeAddress(f"host=127.0.0.1 port=9 dbname=leads user=me password={SECRET}", "/srv/leads")
    said = refused(address, tmp_path)
    assert "host=127.0.0.1 port=9 dbname=leads user=me" in said
    assert "cannot be reached" in said
    assert SECRET not in caplog.text
    assert SECRET not in repr(address)


def test_a_wrong_password_is_said_to_be_wrong(postgres: Postgres, tmp_path: Path) -> None:
    rules = postgres.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    postgres.run("create role locked login password 'another'")
    try:
        rules.write_text(f"local all locked scram-sha-256\n{before}")
        postgres.run("select pg_reload_conf()")
        dsn = f"host={postgres.folder} dbname=postgres user=locked password={SECRET}"
        locked = LakeAddress(dsn, str(tmp_path / "data"))
        patiently(lambda: "password" in refused(locked, tmp_path / "own"))
        assert "refuses the user or the password" in refused(locked, tmp_path / "own")
    finally:
        rules.write_text(before)
        postgres.run("select pg_reload_conf()")
        postgres.run("drop role locked")


def test_a_database_that_is_not_there_is_said_to_be_missing(postgres: Postgres, tmp_path: Path) -> None:
    said = refused(LakeAddress(postgres.dsn("nobody-made-it"), str(tmp_path / "data")), tmp_path)
    assert "no such database" in said


def test_a_place_for_the_files_that_cannot_be_written_is_named(
    store: Store, tmp_path: Path, postgres: Postgres
) -> None:
    (tmp_path / "taken").write_text("")
    address = LakeAddress(address_of(store).analytics.dsn, str(tmp_path / "taken"))
    assert str(tmp_path / "taken") in refused(address, tmp_path / "own")


def test_another_place_for_the_files_than_the_lake_was_made_with_is_refused(store: Store, tmp_path: Path) -> None:
    store.write_leads([make_lead(f"L{n}") for n in range(3)], observed_at=at("2026-09-15 10:00"))
    address = LakeAddress(address_of(store).analytics.dsn, str(tmp_path / "elsewhere"))
    assert "another place" in refused(address, tmp_path / "own")


def test_a_lake_of_a_newer_leadlight_is_left_alone(store: Store, tmp_path: Path) -> None:
    with store._analytics.transaction() as cursor:
        cursor.execute("insert into migrations values ('analytics_9999.sql', now())")
    assert "newer Leadlight" in refused(address_of(store).analytics, tmp_path / "own")


def test_a_lake_of_another_ducklake_is_left_alone(store: Store, tmp_path: Path) -> None:
    store._analytics.catalog.fetch("update leadlight.ducklake_metadata set value = '99.0' where key = 'version'")
    assert "another version of DuckLake" in refused(address_of(store).analytics, tmp_path / "own")


def test_an_engine_without_its_extensions_says_what_to_install(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadlib.store.lake.new_engine", NEW_ENGINE)
    monkeypatch.setattr("leadlib.store.lake.find_spec", lambda name: None)
    assert "requirements-shared.txt" in refused(address_of(store).analytics, tmp_path / "own")
    objects = LakeAddress(address_of(store).analytics.dsn, "s3://bucket/leads")
    assert "requirements-shared.txt" in refused(objects, tmp_path / "own")


def test_a_writer_that_does_not_end_is_not_waited_for_without_end(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other._analytics._write_lock, "_wait_s", 1)
    other._analytics._write_lock.close()
    with store._analytics.transaction() as cursor:
        cursor.execute("insert into meta values ('a', 'b')")
        with pytest.raises(StoreBusyError, match="more than 1 s"):
            other.remember("c", "d")
    other.remember("c", "d")
    assert store.recall("c") == "d"
