"""`leadlib migrate`: a store moves into a shared one and back, whole; a move that fails leaves both as they were."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leadlib.cli.running import main
from leadlib.records import AgentName, RejectedRow
from leadlib.shared import SharedAddress
from leadlib.store import Person, Store, migrating
from leadlib.store.files import tables_in
from tests.conftest import DUBAI, at, make_lead
from tests.disasters import write
from tests.postgres import Postgres
from tests.shared_stores import SharedStores, open_at, open_embedded

pytestmark = pytest.mark.shared
PHONE = "+971501234567"
OF_THEIR_OWN = {"migrations", "commits"}
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def lakes(postgres: Postgres) -> Iterator[SharedStores]:
    shared = SharedStores(postgres)
    with shared.of_one_test():
        yield shared


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs a command in this process: its exit code, and all that it printed."""

    def run_command(*arguments: str | Path) -> tuple[int, str]:
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out + err

    return run_command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An embedded store with some of everything: history, names, a notebook, a note, somebody who was erased."""
    with open_embedded(tmp_path / "store", timezone=DUBAI, portal="test") as store:
        for number in range(3):
            write(store, number)
        of_them = {"name": "Zebulon Canary", "contacts": [{"type": "phone", "value": PHONE}]}
        store.write_leads([make_lead("erased", sender=of_them)], observed_at=at("2026-09-30 11:00"))
        store.erase(Person(phones=(PHONE,)), "somebody")
        store.write_rejected([RejectedRow("no id", None, '{"x":1}')], sync_id="s", observed_at=at("2026-09-30 11:00"))
        store.write_names([AgentName(90001, "Amal Example", True)], [], [], at=at("2026-09-30 11:00"))
        store.words.save_notebook("monday", after=0, title="Monday", author="Mona", cells=[])
        store.remember("dialect", "filter")
    return tmp_path / "store"


def tables_of(store: Store) -> dict[str, list[str]]:
    """All rows of all tables, but for what a place counts for itself."""
    return {
        f"{file.schema}.{table}": sorted(map(repr, file.fetch(f'from "{table}"').to_pylist()))
        for file in (store._analytics, store._personal)
        for table in tables_in(file.cursor())
        if table not in OF_THEIR_OWN
    }


def text_of(address: SharedAddress) -> str:
    return f"ducklake:postgres:{address.analytics.dsn}?data={address.analytics.data}"


def test_a_store_moves_into_lakes_and_back_with_every_row_of_every_table(
    folder: Path, lakes: SharedStores, tmp_path: Path, run: Run
) -> None:
    with open_embedded(folder, timezone=DUBAI, portal="test") as store:
        wanted = tables_of(store)
        key = store.pseudonym("x")
    address = lakes.address(tmp_path / "shared")
    code, said = run("migrate", folder, text_of(address))
    assert (code, said.split(",")[0]) == (0, "61 leads")
    with open_at(address, tmp_path / "own", timezone=DUBAI, portal="test") as store:
        assert store.pseudonym("x") == key
        moved = tables_of(store)
        assert {name for name in wanted if moved[name] != wanted[name]} <= {
            "personal.meta"
        }  # what the lake notes itself
        store.write_leads([make_lead("again", sender={"contacts": [{"type": "phone", "value": PHONE}]})],
                          observed_at=at("2026-09-30 12:00"))  # fmt: skip
        assert store.contacts(["again"]).num_rows == 0  # still kept out
        wanted = tables_of(store)
    code, said = run("migrate", text_of(address), tmp_path / "back")
    assert (code, said.split(",")[0]) == (0, "62 leads")
    with open_embedded(tmp_path / "back", timezone=DUBAI, portal="test") as store:
        assert tables_of(store) == wanted
        assert not store.alarms()


def test_a_backup_moves_as_the_store_it_was_made_of_would(
    folder: Path, lakes: SharedStores, tmp_path: Path, run: Run
) -> None:
    with open_embedded(folder, timezone=DUBAI, portal="test") as store:
        store.back_up(tmp_path / "backup")
    shutil.rmtree(folder)
    code, said = run("migrate", tmp_path / "backup", text_of(lakes.address(tmp_path / "shared")))
    assert (code, said.split(",")[0]) == (0, "61 leads")
    damaged = next((tmp_path / "backup" / "personal").glob("lead_contacts*"))
    damaged.write_bytes(damaged.read_bytes()[:-9] + b"otherwise")
    code, said = run("migrate", tmp_path / "backup", text_of(lakes.address(tmp_path / "other")))
    assert code == 5
    assert "Nothing was" in said


def test_a_place_that_is_not_empty_is_refused_and_left_as_it_is(
    folder: Path, lakes: SharedStores, tmp_path: Path, run: Run
) -> None:
    address = lakes.address(tmp_path / "shared")
    with open_at(address, tmp_path / "own", timezone=DUBAI, portal="test") as store:
        store.write_leads([make_lead("theirs")], observed_at=at("2026-09-30 10:00"))
        wanted = tables_of(store)
        assert store.work.take()
        code, said = run("migrate", folder, text_of(address))
        assert (code, "at work" in said) == (5, True)
    code, said = run("migrate", folder, text_of(address))
    assert (code, "is not empty" in said, "drop schema" in said) == (5, True, True)
    with open_at(address, tmp_path / "own", timezone=DUBAI, portal="test") as store:
        assert tables_of(store) == wanted
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a file").touch()
    code, said = run("migrate", text_of(address), tmp_path / "full")
    assert (code, "is not empty" in said) == (2, True)


def test_a_move_that_fails_half_way_leaves_both_places_as_they_were(
    folder: Path, lakes: SharedStores, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_embedded(folder, timezone=DUBAI, portal="test") as store:
        wanted = tables_of(store)
    address = lakes.address(tmp_path / "shared")
    rows = migrating.parquet_rows

    def lose_some(paths: list[Path]) -> str:
        return f"{rows(paths)} limit 7" if paths[0].name.startswith("leads-") else rows(paths)

    with monkeypatch.context() as patch:
        patch.setattr(migrating, "parquet_rows", lose_some)
        code, said = run("migrate", folder, text_of(address))
    assert (code, "'leads'" in said, "Nothing was kept" in said) == (5, True, True)
    with open_embedded(folder, timezone=DUBAI, portal="test") as store:
        assert tables_of(store) == wanted
    assert run("migrate", folder, text_of(address))[0] == 0  # it is empty again
    assert not list(tmp_path.glob(".migrate-*"))


def test_events_that_wait_are_not_left_behind(folder: Path, lakes: SharedStores, tmp_path: Path, run: Run) -> None:
    (folder / "spool").mkdir()
    (folder / "spool" / "aa.json").write_text("{}")
    code, said = run("migrate", folder, text_of(lakes.address(tmp_path / "shared")))
    assert (code, "taken in (1)" in said) == (2, True)


def test_one_place_is_a_folder_and_the_other_is_not(folder: Path, tmp_path: Path, run: Run) -> None:
    code, said = run("migrate", folder, tmp_path / "other")
    assert (code, "“backup” and “restore”" in said) == (2, True)
    with pytest.raises(SystemExit):
        run("migrate", folder, "ducklake:postgres:nowhere")
    assert run("migrate", tmp_path / "nothing", "ducklake:postgres:host=/nowhere dbname=x?data=/tmp/x")[0] == 5
