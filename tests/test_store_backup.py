"""Row E9 of the fault matrix, the erasure of persons, and how long they are kept."""

import json
import os
import random
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from leadlib.cli.running import main
from leadlib.config import SANDBOX_PORTAL, Settings
from leadlib.engine import Engine
from leadlib.errors import StoreDamagedError
from leadlib.records import RejectedRow
from leadlib.store import Person, Store, UpsertCount, is_free, months_before, restore_backup
from leadlib.store.generations import open_newest
from tests.conftest import DUBAI, at, make_lead
from tests.disasters import content, cut, delete, flip, write

PHONE = "+971501234567"
EMAIL = "zebulon.canary@example.com"
NAME = "Zebulon Canary"
SENDER = {"name": NAME, "contacts": [{"type": "phone", "value": PHONE}, {"type": "email", "value": EMAIL}]}
CANARIES = (b"Zebulon", b"zebulon", b"501234567", b"50 123 4567")


def tables_of(store: Store) -> dict[str, tuple[int, str]]:
    """Rows and hash of every table of both files."""
    return {
        f"{file.schema}.{table}": tuple(
            file.fetch(f"select count(*) as n, sum(hash(t)::hugeint)::varchar as h from {table} as t").to_pylist()[0].values()  # noqa: S608, E501
        )
        for file in (store._analytics, store._personal)
        for table in file.fetch("select table_name from duckdb_tables() where not temporary")["table_name"].to_pylist()
    }  # fmt: skip


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a store that the settings name, with leads, a rejected row and a published generation in it."""
    folder = tmp_path / "store"
    monkeypatch.setenv("LEADLIB_DATABASE", str(folder))
    with Store.open(folder, timezone=DUBAI, portal=SANDBOX_PORTAL) as store:
        for number in range(3):
            write(store, number)
        store.write_rejected([RejectedRow("no id", None, '{"x":1}')], sync_id="s", observed_at=at("2026-09-17 10:00"))
        store.publish()
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """A function that runs a command in this process: its exit code, and all that it printed."""

    def run_command(*arguments: str | Path) -> tuple[int, str]:
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out + err

    return run_command


def open_installed(folder: Path) -> Store:
    return Store.open(folder, timezone=DUBAI, portal=SANDBOX_PORTAL)


@pytest.mark.embedded(reason="a backup is restored into a folder, and from there into a lake: test_migrate.py")
def test_E9_restored_backup_has_the_tables_of_the_live_store(
    installation: Path, tmp_path: Path, run: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_installed(installation) as store:
        live = tables_of(store)
    code, said = run("backup", tmp_path / "backup")
    assert (code, said.split(",")[0]) == (0, "60 leads")
    monkeypatch.setenv("LEADLIB_DATABASE", str(tmp_path / "again"))
    code, said = run("restore", tmp_path / "backup")
    assert (code, said.split(",")[0]) == (0, "60 leads")
    with open_installed(tmp_path / "again") as store:
        restored = tables_of(store)
        # The backup and the first opening of a store are no commits of the leads' tables.
        assert {table for table in live if live[table] != restored[table]} <= {"analytics.commits"}
        write(store, 3)  # and it goes on from there
    assert (tmp_path / "again").stat().st_mode & 0o077 == 0


@pytest.mark.embedded(reason="a backup is restored into a folder, and from there into a lake: test_migrate.py")
@pytest.mark.parametrize("damage", [flip, cut, delete])
def test_E9_backup_that_is_not_whole_is_refused_and_leaves_the_folder_empty(
    installation: Path, tmp_path: Path, damage: Callable[[Path, random.Random], None]
) -> None:
    with open_installed(installation) as store:
        store.back_up(tmp_path / "backup")
    files = sorted(path for path in (tmp_path / "backup").rglob("*") if path.is_file())
    for seed, path in enumerate(files[:: max(1, len(files) // 6)]):
        saved = path.read_bytes()
        damage(path, random.Random(seed))
        with pytest.raises(StoreDamagedError, match="Nothing was restored"):
            restore_backup(tmp_path / "backup", tmp_path / "again")
        assert is_free(tmp_path / "again")
        path.unlink(missing_ok=True)
        path.write_bytes(saved)
    assert restore_backup(tmp_path / "backup", tmp_path / "again")["leads"] == 60


@pytest.mark.embedded(reason="a backup is restored into a folder, and from there into a lake: test_migrate.py")
def test_E9_folders_that_are_not_empty_are_refused(
    installation: Path, tmp_path: Path, run: Callable[..., tuple[int, str]]
) -> None:
    assert run("backup", tmp_path / "backup")[0] == 0
    code, said = run("backup", tmp_path / "backup")
    assert (code, "not empty" in said) == (2, True)
    code, said = run("restore", tmp_path / "backup")
    assert (code, "not empty" in said) == (2, True)
    code, said = run("restore", tmp_path / "nothing")
    assert (code, "not empty" in said) == (2, True)


@pytest.mark.embedded(reason="a backup is restored into a folder, and from there into a lake: test_migrate.py")
def test_E9_backup_of_a_newer_program_is_refused(installation: Path, tmp_path: Path) -> None:
    with open_installed(installation) as store:
        with store._analytics.transaction() as cursor:
            cursor.execute("insert into migrations values ('analytics_9999.sql', now())")
        store.back_up(tmp_path / "backup")
    with pytest.raises(Exception, match="newer Leadlight"):
        restore_backup(tmp_path / "backup", tmp_path / "again")
    assert is_free(tmp_path / "again")


@pytest.mark.embedded(reason="no program has a lake to itself")
@pytest.mark.parametrize("command", [("backup", "somewhere"), ("erase", "--lead", "a")], ids=["backup", "erase"])
def test_commands_that_need_the_store_to_themselves_say_so(
    installation: Path, tmp_path: Path, run: Callable[..., tuple[int, str]], command: Sequence[str]
) -> None:
    with open_installed(installation):
        code, said = run(command[0], *(tmp_path / x if x == "somewhere" else x for x in command[1:]))
    assert code == 5
    assert "stop the app" in said


def hits(folder: Path) -> list[str]:
    """The files below the folder in which a byte of the person is left."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(canary in path.read_bytes() for canary in CANARIES)
    ]


def spread(store: Store) -> None:
    """Puts the person into every place that keeps persons."""
    other_kind = {
        "name": NAME,
        "contacts": [{"type": "email", "value": "x@y.z"}, {"type": "phone", "value": "00971 50 123 4567"}],
    }
    second_phone = {
        "name": NAME,
        "contacts": [{"type": "phone", "value": "+9715000"}, {"type": "phone", "value": PHONE}],
    }
    leads = [make_lead("p1", sender=SENDER), make_lead("p2", sender=other_kind), make_lead("p3", sender=second_phone)]
    store.write_leads([*leads, make_lead("q")], observed_at=at("2026-09-17 10:00"))
    rejected = RejectedRow("createdAt is missing", "p9", json.dumps({"id": "p9", "sender": SENDER}))
    store.write_rejected([rejected], sync_id="s", observed_at=at("2026-09-17 10:00"))
    store.publish()
    store.copy_personal()
    store.write_leads([make_lead("p1", sender=SENDER, status="opened")], observed_at=at("2026-09-17 11:00"))
    spool = store.folder / "spool"
    spool.mkdir(exist_ok=True)
    (spool / "1.json").write_text(json.dumps({"payload": {"id": "p1", "sender": SENDER}}))
    (spool / "2.json").write_text(json.dumps({"payload": {"id": "q", "sender": {"name": "Somebody Else"}}}))


@pytest.mark.embedded(reason="looks into our own files; test_shared_erasure.py looks into a lake's")
def test_erased_person_is_in_no_file_of_the_store_any_more_and_everybody_else_is(
    installation: Path, run: Callable[..., tuple[int, str]]
) -> None:
    with open_installed(installation) as store:
        spread(store)
    (installation / "personal.duckdb").write_bytes((installation / "personal.duckdb").read_bytes()[:-100_000])
    with open_installed(installation) as store:  # which puts the damaged file aside
        spread(store)
        before = content(store)["leads"][0]
    assert {name.split("/")[0] for name in hits(installation)} >= {"personal.duckdb", "personal-copy", "spool"}
    assert any(name.startswith("damaged-") for name in hits(installation))
    code, said = run("erase", "--phone", "00971 50-123 4567", "--email", EMAIL.upper())
    assert (code, said.split(";")[0]) == (0, "The person behind 3\u00a0leads is erased, and kept out from now on")
    assert not [word for word in ("4567", "ebulon") if word in said]
    assert hits(installation) == []
    assert (installation / "spool" / "2.json").exists()
    with open_installed(installation) as store:
        assert content(store)["leads"][0] == before
        assert store.query("select sender_key from leads where lead_id like 'p%'")["sender_key"].isna().all()
        assert store.contacts(["p1", "p2", "p3", "q"])["lead_id"].to_pylist() == ["q"]
        assert store.contacts(["b00001-1"]).num_rows == 1
    with open_newest(installation) as generation:
        keys = generation.query("select sender_key from leads where lead_id like 'p%'")["sender_key"]
    assert keys.isna().all()


def test_erased_person_does_not_come_back(store: Store) -> None:
    spread(store)
    store.erase(Person(phones=(PHONE,)), "test")
    again = [
        make_lead("p1", sender=SENDER, status="responded"),
        make_lead("new", sender=SENDER),
        make_lead("x", sender={"name": NAME, "contacts": [{"type": "phone", "value": "+9715000"}, {"type": "phone", "value": PHONE}]}),  # noqa: E501
        make_lead("other"),
    ]  # fmt: skip
    count = store.write_leads(again, observed_at=at("2026-09-18 10:00"))
    assert count == UpsertCount(n_new=1, n_changed=0, n_unchanged=0, n_suppressed=3)
    row = RejectedRow("createdAt is missing", "z", json.dumps({"id": "z", "sender": SENDER}))
    store.write_rejected([row], sync_id="s", observed_at=at("2026-09-18 10:00"))
    assert store.query("select status from leads where lead_id = 'p1'")["status"].tolist() == ["responded"]
    assert store.contacts(["p1", "new", "x", "other"])["lead_id"].to_pylist() == ["other"]
    store.close()
    assert hits(store.folder) == []


@pytest.mark.embedded(reason="is about the two files and their copies")
def test_erased_person_stays_out_after_the_personal_file_was_lost(
    open_store: Callable[..., Store], tmp_path: Path
) -> None:
    store = open_store()
    spread(store)
    store.erase(Person(emails=(EMAIL,)), "test")
    store.close()
    (store.folder / "personal.duckdb").unlink()
    again = open_store()
    count = again.write_leads([make_lead("new", sender=SENDER)], observed_at=at("2026-09-18 10:00"))
    assert count.n_suppressed == 1


def test_erasing_by_lead_leaves_the_senders_other_leads(store: Store) -> None:
    store.write_leads([make_lead("a"), make_lead("b")], observed_at=at("2026-09-17 10:00"))
    assert store.erase(Person(lead_ids=("a",)), "test").n_leads == 1
    assert store.contacts(["a", "b"])["lead_id"].to_pylist() == ["b"]
    assert store.write_leads([make_lead("a"), make_lead("b")], observed_at=at("2026-09-18 10:00")) == UpsertCount(
        n_unchanged=1, n_suppressed=1
    )


def test_erasing_by_lead_removes_its_unreadable_row_and_its_waiting_event(store: Store) -> None:
    row = RejectedRow("createdAt is missing", "p9", json.dumps({"id": "p9", "sender": SENDER}))
    store.write_rejected([row], sync_id="s", observed_at=at("2026-09-17 10:00"))
    (store.folder / "spool").mkdir()
    (store.folder / "spool" / "1.json").write_text(row.raw)
    erased = store.erase(Person(lead_ids=("p9",)), "test")
    assert (erased.n_texts, erased.n_deliveries) == (1, 1)
    store.write_rejected([RejectedRow(row.reason, "p9", row.raw)], sync_id="s", observed_at=at("2026-09-18 10:00"))
    store.close()
    assert hits(store.folder) == []


def test_phone_that_is_part_of_a_longer_number_is_somebody_elses(store: Store) -> None:
    longer = {"name": "Other", "contacts": [{"type": "phone", "value": PHONE + "89"}]}
    store.write_leads([make_lead("a", sender=longer)], observed_at=at("2026-09-17 10:00"))
    assert store.erase(Person(phones=(PHONE,)), "test").n_leads == 0
    assert store.contacts(["a"]).num_rows == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((), "Say who"), (("--phone", "unknown"), "six digits"), (("--email", "nobody"), "an @")],
)
def test_erase_without_anybody_to_erase_says_what_it_takes(
    installation: Path, run: Callable[..., tuple[int, str]], arguments: Sequence[str], words: str
) -> None:
    code, said = run("erase", *arguments)
    assert code == 2
    assert words in said


@pytest.mark.embedded(reason="looks into our own copies; test_shared_erasure.py looks into a lake's files")
def test_persons_of_old_leads_are_forgotten_and_the_leads_are_kept(tmp_path: Path) -> None:
    settings = Settings(database=tmp_path / "store", sync_minutes=0, retention_months=4)
    with Engine.open(settings) as engine:
        store = engine.store
        store.write_leads(
            [make_lead("old", "2020-05-31T06:00:00Z", sender=SENDER), make_lead("young", "2099-01-01T06:00:00Z")],
            observed_at=at("2026-09-17 10:00"),
        )
        rejected = RejectedRow("no id", None, json.dumps({"sender": SENDER}))
        store.write_rejected([rejected], sync_id="s", observed_at=at("2020-06-01 10:00"))
        store.copy_personal()
        key = store.query("select sender_key from leads where lead_id = 'old'")["sender_key"]
        engine.keep_store()
        assert store.contacts(["old", "young"]).num_rows == 2, "not due: the copy is a moment old"
        store.forget_persons(months_before(at("2026-09-17 10:00"), 4))
        assert store.contacts(["old", "young"])["lead_id"].to_pylist() == ["young"]
        assert store.query("select sender_key from leads where lead_id = 'old'")["sender_key"].equals(key)
        copies = list((tmp_path / "store" / "personal-copy").rglob("*.parquet"))
        assert copies
    assert hits(tmp_path / "store" / "personal-copy") == []


def test_daily_keeping_is_done_when_the_copy_is_a_day_old(tmp_path: Path) -> None:
    with Engine.open(Settings(database=tmp_path / "store", sync_minutes=0, retention_months=4)) as engine:
        store = engine.store
        store.write_leads([make_lead("old", "2020-05-31T06:00:00Z")], observed_at=at("2026-09-17 10:00"))
        store.copy_personal()
        engine.keep_store(store.personal_copied_at() + timedelta(days=1))
        assert store.contacts(["old"]).num_rows == 0


@pytest.mark.parametrize(
    ("now", "months", "then"),
    [
        ("2026-11-30 10:00", 24, "2024-11-30 10:00"),
        ("2026-05-31 10:00", 3, "2026-02-28 10:00"),
        ("2026-01-15 10:00", 1, "2025-12-15 10:00"),
        ("2026-12-01 10:00", 12, "2025-12-01 10:00"),
    ],
)
def test_months_before(now: str, months: int, then: str) -> None:
    assert months_before(at(now), months) == at(then)


@pytest.mark.embedded(reason="is about the two files and their copies")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_every_file_of_the_store_is_for_its_owner_alone(installation: Path, tmp_path: Path) -> None:
    with open_installed(installation) as store:
        spread(store)
        store.publish()
        store.copy_personal()
        store.back_up(tmp_path / "backup")
        paths = [path for top in (installation, tmp_path / "backup") for path in top.rglob("*")]
        assert any(path.name == "personal.duckdb.wal" for path in paths)
        open_to_others = [p for p in paths if p.stat().st_mode & 0o077 and p.name not in {"1.json", "2.json", "spool"}]
    assert open_to_others == []
    assert os.stat(installation).st_mode & 0o077 == 0
