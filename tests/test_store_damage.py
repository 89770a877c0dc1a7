"""Rows E4, E8 and E10 of the fault matrix: damage is found when the store is opened, and mended.

The normal run spoils a few stores, the full form 200: `pytest tests/test_store_damage.py --matrix full`.
"""

import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from leadlib.config import Secret, Settings
from leadlib.engine import Engine
from leadlib.errors import StoreError, StoreUnreadableError
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.store import Store, files
from leadlib.store.generations import newest_copy, open_newest
from leadlib.worker import Wish
from tests.disasters import batches_in, content, cut, delete, flip, on_unix, open_at, run_in_process, write

pytestmark = pytest.mark.embedded(
    reason="a lake's files are mended by PostgreSQL and by whoever keeps the files, not by us"
)

FILES = ("leads.duckdb", "leads.duckdb.wal", "personal.duckdb", "personal.duckdb.wal")
DAMAGES = (flip, cut, delete)
N_BATCHES = 6


def write_and_die(pipe: Connection, folder: Path) -> None:
    with open_at(folder) as store:
        for number in range(3):
            write(store, number)
        store.publish()
        store.copy_personal()
    with open_at(folder) as store:
        for number in range(3, N_BATCHES):
            write(store, number)
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with half of its batches in the files, half in the logs, and copies of the first half."""
    folder = tmp_path_factory.mktemp("crashed") / "store"
    run_in_process(write_and_die, folder)
    assert all((folder / name).exists() for name in FILES)
    return folder


@pytest.fixture
def spoilt(crashed: Path, tmp_path: Path) -> Path:
    """A copy of that store, to be spoilt."""
    return Path(shutil.copytree(crashed, tmp_path / "spoilt"))


@pytest.fixture
def n_damages(request: pytest.FixtureRequest) -> int:
    return 200 if request.config.getoption("--matrix") == "full" else 12


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """An installation of its own on a small portal."""
    with SandboxServer(SandboxSettings(dialect="flat", n_leads=500, calls_per_minute=600_000)) as server:
        yield Settings(
            api_url=server.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET), calls_per_minute=600_000,
            database=tmp_path / "store", sync_minutes=0,
        )  # fmt: skip


def lead_ids(store: Store) -> list[str]:
    ids: list[str] = store.query("select lead_id from leads")["lead_id"].tolist()
    return ids


def read_again(store: Store) -> None:
    """What a sync of the whole window does."""
    for number in range(N_BATCHES):
        write(store, number)


@on_unix
def test_E4_every_damage_is_found_and_what_the_portal_shows_comes_back(
    crashed: Path, tmp_path: Path, n_damages: int, record_property: Callable[[str, object], None]
) -> None:
    folder = Path(shutil.copytree(crashed, tmp_path / "undamaged"))
    with open_at(folder) as store:
        undamaged = content(store)
        assert batches_in(store) == list(range(N_BATCHES))
        assert not store.alarms()
    outcomes: Counter[str] = Counter()
    for seed in range(n_damages):
        folder = Path(shutil.copytree(crashed, tmp_path / f"{seed}"))
        name, damage = FILES[seed % 4], DAMAGES[seed // 4 % 3]
        damage(folder / name, random.Random(seed))
        with open_at(folder) as store:
            if store.must_read_all:
                assert [alarm.kind for alarm in store.alarms()] == ["restored"]
                # What the copies had is there before anybody has called the portal.
                ids = [lead_id for lead_id in lead_ids(store) if lead_id < "b00003"]
                assert store.contacts(ids).num_rows == len(ids) == 60
                read_again(store)
                assert batches_in(store) == list(range(N_BATCHES))
                outcomes["found"] += 1
            else:
                # A bit in a block that holds nothing: no row has changed.
                assert damage is flip
                assert content(store) == undamaged
                outcomes["harmless"] += 1
        with open_at(folder) as store:
            assert batches_in(store) == list(range(N_BATCHES))
        shutil.rmtree(folder)
    for outcome, n in outcomes.items():
        record_property(outcome, n)
    assert outcomes["found"] >= 0.6 * n_damages


@on_unix
def test_E4_damaged_file_is_put_aside_and_never_deleted(spoilt: Path) -> None:
    os.truncate(spoilt / "leads.duckdb", 50_000)
    damaged = (spoilt / "leads.duckdb").read_bytes()
    log = (spoilt / "leads.duckdb.wal").read_bytes()
    open_at(spoilt).close()
    (aside,) = spoilt.glob("damaged-*")
    assert (aside / "leads.duckdb").read_bytes() == damaged
    assert (aside / "leads.duckdb.wal").read_bytes() == log
    assert (aside.stat().st_mode & 0o077) == 0


@on_unix
def test_E4_lost_tail_that_is_newer_than_the_copy_keeps_the_file(spoilt: Path) -> None:
    os.truncate(spoilt / "leads.duckdb.wal", (spoilt / "leads.duckdb.wal").stat().st_size - 7)
    with open_at(spoilt) as store:
        assert batches_in(store) == list(range(N_BATCHES - 1))
        assert "last changes" in store.alarms()[0].message
        assert store.must_read_all
    assert not list(spoilt.glob("damaged-*"))


@on_unix
@pytest.mark.parametrize("name", ["personal.duckdb", "leads.duckdb"])
def test_E4_damage_before_the_first_copy_begins_anew_and_says_so(spoilt: Path, name: str) -> None:
    shutil.rmtree(spoilt / "generations")
    shutil.rmtree(spoilt / "personal-copy")
    (spoilt / name).write_bytes(b"no database" * 999)
    with open_at(spoilt) as store:
        assert "begins anew" in store.alarms()[0].message
        read_again(store)
        assert batches_in(store) == list(range(N_BATCHES))


@on_unix
def test_E4_senders_older_than_the_portals_window_come_from_the_copy_and_from_what_is_readable(spoilt: Path) -> None:
    with open_at(spoilt) as store:  # the logs go into the files
        key = store.query("select sender_key from leads order by lead_id")
    size = (spoilt / "personal.duckdb").stat().st_size
    for name, damage in (("front", lambda p: flip_at(p, 300_000)), ("gone", lambda p: p.unlink())):
        folder = Path(shutil.copytree(spoilt, spoilt.with_name(name)))
        assert size > 300_000
        damage(folder / "personal.duckdb")
        with open_at(folder) as store:
            assert store.must_read_all
            ids = store.query("select lead_id from leads where lead_id < 'b00003'")["lead_id"].tolist()
            names = {row["lead_id"]: row["sender_name"] for row in store.contacts(ids).to_pylist()}
            assert len(names) == len(ids) == 60
            assert names["b00001-7"] == "Canary Number00001x7"
            # The installation's key has survived, or every sender would count as a new one.
            read_again(store)
            assert store.query("select sender_key from leads order by lead_id").equals(key)


def flip_at(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(bytes([file.read(1)[0] ^ 1]))


@on_unix
def test_E4_restored_store_is_read_again_from_the_portal_before_the_alarm_changes(settings: Settings) -> None:
    with Engine.open(settings) as engine:
        engine.sync(Wish(), lambda progress: None)
        n_leads = n_rows(engine.store)
    for name in ("leads.duckdb", "personal.duckdb"):
        (settings.database / name).unlink()
    shutil.rmtree(settings.database / "personal-copy")
    with Engine.open(settings) as engine:
        assert n_rows(engine.store) == n_leads
        assert engine.store.must_read_all
        ids = engine.store.query("select lead_id from leads limit 100")["lead_id"].tolist()
        assert engine.store.contacts(ids).num_rows == 0
        row = engine.sync(Wish(), lambda progress: None)
        assert (row.n_uncertain, row.outcome) == (0, "complete")
        assert engine.store.contacts(ids).num_rows == 100
        assert not engine.store.must_read_all
        assert "has been read again" in engine.store.alarms()[0].message


def n_rows(store: Store) -> int:
    return int(store.query("select count(*) as n from leads")["n"].iloc[0])


def test_E4_two_programs_that_find_the_damage_at_once_do_not_mend_it_twice(tmp_path: Path) -> None:
    with open_at(tmp_path) as store:
        write(store, 0)
        store.publish()
    (tmp_path / "leads.duckdb").unlink()
    with open_at(tmp_path):
        said = run_in_process(open_and_tell, tmp_path)
    assert said == (0, ["StoreBusyError"])
    assert len(list(tmp_path.glob("damaged-*"))) == 1


def open_and_tell(pipe: Connection, folder: Path) -> None:
    try:
        open_at(folder).close()
    except StoreError as error:
        pipe.send(type(error).__name__)


def publish_with_an_older_schema(pipe: Connection, folder: Path) -> None:
    known = files.names_of_migrations
    # Up to the one that numbers commits; the other file is read at once for what people have written.
    files.names_of_migrations = lambda schema: known(schema)[:6] if schema == "analytics" else known(schema)
    with open_at(folder) as store:
        store.publish()
        pipe.send(store._analytics.migrations())


@on_unix
def test_E4_copy_with_an_older_schema_is_brought_to_the_newest(tmp_path: Path) -> None:
    code, heard = run_in_process(publish_with_an_older_schema, tmp_path)
    assert code == 0
    (tmp_path / "leads.duckdb").unlink()
    with open_at(tmp_path) as store:
        assert set(heard[0]) < set(store._analytics.migrations())
        write(store, 0)
        assert batches_in(store) == [0]


def test_E4_folder_without_a_store_in_it_is_not_mended(tmp_path: Path) -> None:
    (tmp_path / "leads.duckdb").write_bytes(b"somebody's own file" * 500)
    with pytest.raises(StoreUnreadableError, match="LEADLIB_DATABASE"):
        open_at(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".duckdb"] == ["leads.duckdb"]


@pytest.mark.parametrize("damage", [flip, cut, delete])
def test_E8_generation_that_is_not_whole_is_passed_over(
    tmp_path: Path, damage: Callable[[Path, random.Random], None]
) -> None:
    with open_at(tmp_path) as store:
        for number in range(2):
            write(store, number)
            store.publish()
    older, newest = sorted(path for path in (tmp_path / "generations").iterdir() if path.is_dir())
    spared = {path.stat().st_ino for path in older.iterdir()}
    own = sorted(path for path in newest.iterdir() if path.stat().st_ino not in spared)  # the others are the same file
    for seed, path in enumerate(own):
        saved = path.read_bytes()
        damage(path, random.Random(seed))
        copy = newest_copy(tmp_path / "generations", is_checked=True)
        assert copy is not None
        assert copy.folder == older
        path.unlink(missing_ok=True)
        path.write_bytes(saved)
    copy = newest_copy(tmp_path / "generations", is_checked=True)
    assert copy is not None
    assert copy.folder == newest


def test_E8_half_written_generation_is_swept_away_and_its_path_not_used_again(tmp_path: Path) -> None:
    with open_at(tmp_path) as store:
        write(store, 0)
        store.publish()
    (newest,) = (path for path in (tmp_path / "generations").iterdir() if path.is_dir())
    shutil.copytree(newest, newest.with_name("draft-of-a-crash"))
    (newest / "manifest.json").write_text("{}")
    with open_at(tmp_path) as store:
        store.publish()
        store.remember("a", "change")
        store.publish()
    names = {path.name for path in (tmp_path / "generations").iterdir()}
    assert "draft-of-a-crash" not in names
    assert newest.name in names
    with open_newest(tmp_path) as generation:
        assert generation.query("select count(*) as n from leads")["n"].iloc[0] == 20


def test_E10_rows_from_the_future_do_not_count_and_the_whole_window_is_read(settings: Settings) -> None:
    with Engine.open(settings) as engine:
        first = engine.sync(Wish(), lambda progress: None)
        assert engine.sync(Wish(), lambda progress: None).n_calls < first.n_calls
        with engine.store._analytics.transaction() as cursor:
            cursor.execute("update leads set observed_at = '2099-01-01', last_seen_at = '2099-01-01', status = 'bogus'")
            cursor.execute("update syncs set started_at = '2099-01-01', finished_at = '2099-01-01'")
            cursor.execute("update slices set observed_at = '2099-01-01', created_to = '2099-01-01'")
            cursor.execute(
                "insert into slices select * replace (created_from - interval 1 day as created_to) from slices"
            )
    with Engine.open(settings) as engine:
        assert engine.store.must_read_all
        assert engine.store.query("select count(*) as n from slices")["n"].iloc[0] == 0
        again = engine.sync(Wish(), lambda progress: None)
        assert again.n_read >= first.n_read
        assert engine.store.query("select count(*) as n from leads where status = 'bogus'")["n"].iloc[0] == 0
        assert not engine.store.must_read_all


def test_E10_garbage_among_the_remembered_facts_is_asked_for_anew(settings: Settings) -> None:
    with Engine.open(settings) as engine:
        for key, value in (("dialect", "klingon"), ("bounds_created_to", "2099"), ("timezone", "Mars/Olympus")):
            engine.store.remember(key, value)
    with Engine.open(settings) as engine:
        assert engine.sync(Wish(), lambda progress: None).outcome == "complete"


@pytest.mark.parametrize("garbage", [b"", b"x", b"\xff" * 64, b"LEADMARK" * 8], ids=["empty", "short", "ones", "signs"])
def test_E10_garbage_in_the_mark_is_no_damage(tmp_path: Path, garbage: bytes) -> None:
    with open_at(tmp_path) as store:
        write(store, 0)
    (tmp_path / "leads.sequence").write_bytes(garbage)
    with open_at(tmp_path) as store:
        assert not store.alarms()
        assert batches_in(store) == [0]
