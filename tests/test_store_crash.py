"""Rows E1, E2 and E6 of the fault matrix: killed at any moment, the store has all that was acknowledged, and no half.

The normal run has a few kills, the full form 200: `pytest tests/test_store_crash.py --matrix full`.
"""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from leadlib.store import Store, files
from tests.conftest import at, make_lead
from tests.disasters import batches_in, content, die_at, on_unix, open_at, run_in_process, start, told, write

pytestmark = [
    on_unix,
    pytest.mark.embedded(reason="kills within the writing of our own files; a lake is written by PostgreSQL"),
]


def write_until_killed(pipe: Connection, folder: Path, first: int) -> None:
    """Writes batch after batch, publishes and copies now and then, and tells each batch once it is acknowledged."""
    with open_at(folder) as store:
        for number in count(first):
            write(store, number)
            pipe.send(number)
            if number % 4 == 3:
                store.publish()
            if number % 8 == 7:
                store.copy_personal()


@pytest.fixture
def n_kills(request: pytest.FixtureRequest) -> int:
    return 200 if request.config.getoption("--matrix") == "full" else 5


def test_E1_kill_at_any_moment_loses_nothing_acknowledged(
    tmp_path: Path, n_kills: int, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(1)
    acknowledged: set[int] = set()
    for _ in range(n_kills):
        process, pipe = start(write_until_killed, tmp_path, max(acknowledged, default=-1) + 1)
        assert pipe.poll(60), "the writer never got to its first batch"
        time.sleep(chance.uniform(0, 0.4))  # the kill has to fall somewhere
        process.kill()
        acknowledged.update(told(pipe))
        process.join(60)
        pipe.close()
        with open_at(tmp_path) as store:
            stored = batches_in(store)
            assert not store.alarms(), "a crash is no damage"
        assert acknowledged <= set(stored)
        # One more may have been committed than could be told.
        assert set(stored) - acknowledged <= {max(acknowledged) + 1}
        acknowledged.update(stored)
    record_property("acknowledged batches", len(acknowledged))


def sync_and_publish(store: Store) -> None:
    write(store, 2)
    store.publish()
    store.copy_personal()


def sync_until_failpoint(pipe: Connection, folder: Path, place: int) -> None:
    with open_at(folder) as store:
        calls = die_at(place)
        sync_and_publish(store)
    pipe.send(calls)


def test_E2_kill_before_each_write_between_commit_and_publish_ends_in_the_same_tables(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before, whole = tmp_path / "before", tmp_path / "whole"
    with open_at(before) as store:
        for number in range(2):
            write(store, number)
        store.publish()
    shutil.copytree(before, whole)
    with open_at(whole) as store:
        sync_and_publish(store)
        wanted = content(store)
    stride = 1 if request.config.getoption("--matrix") == "full" else 8
    n_died = 0
    for place in range(1, 1_000, stride):
        folder = tmp_path / f"at-{place}"
        shutil.copytree(before, folder)
        code, heard = run_in_process(sync_until_failpoint, folder, place)
        with open_at(folder) as store:
            assert not store.alarms()
            sync_and_publish(store)
            assert content(store) == wanted
        shutil.rmtree(folder)
        if code == 0:
            assert len(heard[0]) < place
            break
        assert code == -signal.SIGKILL
        n_died += 1
    assert n_died >= 4


def migrate_until_failpoint(pipe: Connection, folder: Path, statement: int) -> None:
    """Opens the store with one schema change more, and dies before its n-th statement; 3 is its record."""
    name = "analytics_9000.sql"
    known = files.names_of_migrations

    def with_one_more(schema: str) -> tuple[str, ...]:
        return (*known(schema), name) if schema == "analytics" else known(schema)

    def migrate(cursor: object, asked: str) -> None:
        assert asked == name
        steps = [
            "alter table leads add column added varchar",
            "update leads set added = lead_id",
            f"insert into migrations values ('{name}', now())",  # noqa: S608
        ]
        for number, step in enumerate(steps, 1):
            if number == statement:
                os.kill(os.getpid(), signal.SIGKILL)
            cursor.execute(step)  # type: ignore[attr-defined]

    files.names_of_migrations, files.migrate = with_one_more, migrate  # type: ignore[assignment]
    with open_at(folder):
        pipe.send("migrated")


def test_E6_crash_in_a_migration_leaves_the_old_schema_and_all_rows(tmp_path: Path) -> None:
    with open_at(tmp_path / "store") as store:
        store.write_leads([make_lead("a")], observed_at=at("2026-09-17 10:00"))
        wanted = content(store)
    for statement in (1, 2, 3):
        code, _ = run_in_process(migrate_until_failpoint, tmp_path / "store", statement)
        assert code == -signal.SIGKILL
        with open_at(tmp_path / "store") as store:
            assert content(store) == wanted
            assert not store.alarms()
    assert run_in_process(migrate_until_failpoint, tmp_path / "store", 99) == (0, ["migrated"])
