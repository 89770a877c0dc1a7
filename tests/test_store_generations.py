"""Row E7 of the fault matrix, and what generations promise to those who read them."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from leadlib.errors import StoreError
from leadlib.store.generations import KEPT, open_newest
from tests.disasters import ROWS, open_at, write

N_SESSIONS = 20
QUESTION = (
    "select (select count(*) from leads) as n_leads, "
    "(select count(distinct lead_id) from status_observations) as n_seen, "
    "(select max(sequence) from commits) as sequence"
)


def test_E7_twenty_sessions_each_see_one_generation_while_they_are_swapped(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    n_swaps = 100 if request.config.getoption("--matrix") == "full" else 2
    is_over = threading.Event()
    problems: list[str] = []
    seen: list[set[int]] = [set() for _ in range(N_SESSIONS)]

    def ask(own: set[int]) -> None:
        while not is_over.wait(0.2):  # a person thinks between two questions
            generation = open_newest(tmp_path)
            assert generation is not None
            with generation:
                for _ in range(2):
                    row = generation.query(QUESTION).iloc[0]
                    own.add(int(row["n_leads"]))
                    if row["n_leads"] != row["n_seen"] or row["sequence"] != generation.sequence:
                        problems.append(f"a mixture: {dict(row)}")

    def guarded(own: set[int]) -> None:
        try:
            ask(own)
        except Exception as error:  # noqa: BLE001  # a thread's failure has to become the test's
            problems.append(repr(error))

    with open_at(tmp_path) as store:
        write(store, 0)
        store.publish()
        sessions = [threading.Thread(target=guarded, args=(own,)) for own in seen]
        for session in sessions:
            session.start()
        for number in range(1, n_swaps + 1):
            write(store, number)
            store.publish()
            generation = open_newest(tmp_path)
            assert generation is not None
            with generation:  # what was committed is there as soon as it is published
                assert generation.query(QUESTION)["n_leads"].iloc[0] == ROWS * (number + 1)
        is_over.set()
        for session in sessions:
            session.join(60)
    assert not problems
    assert set().union(*seen) <= {ROWS * n for n in range(1, n_swaps + 2)}
    assert all(own for own in seen)


def test_generation_that_is_open_stays_as_it_is_while_newer_ones_come(tmp_path: Path) -> None:
    with open_at(tmp_path) as store:
        write(store, 0)
        store.publish()
        generation = open_newest(tmp_path)
        assert generation is not None
        for number in range(1, KEPT):
            write(store, number)
            store.publish()
        assert generation.query(QUESTION)["n_leads"].iloc[0] == ROWS
        write(store, KEPT)
        store.publish()
        with pytest.raises(StoreError, match="failed"):  # older than the few that are kept
            generation.query(QUESTION)
        generation.close()
    assert len([path for path in (tmp_path / "generations").iterdir() if path.is_dir()]) == KEPT


def test_month_in_which_nothing_changed_is_linked_and_not_written_again(tmp_path: Path) -> None:
    with open_at(tmp_path) as store:
        for number in range(3):  # a month each
            write(store, number)
        store.publish()
        write(store, 5)  # of the last month, with changes to leads of that month
        store.publish()
    older, newest = sorted(path for path in (tmp_path / "generations").iterdir() if path.is_dir())

    def is_shared(name: str) -> bool:
        return os.path.samefile(older / name, newest / name)

    assert is_shared("leads-2026-07.parquet")
    assert not is_shared("leads-2026-09.parquet")


def test_leads_of_a_generation_lie_in_the_order_of_their_arrival(tmp_path: Path) -> None:
    with open_at(tmp_path) as store:
        for number in (5, 0, 3, 1):
            write(store, number)
        store.publish()
    with open_newest(tmp_path) as generation:
        arrivals = generation.query("select created_at from leads")["created_at"]
    assert arrivals.is_monotonic_increasing


def test_nothing_personal_is_in_a_generation(tmp_path: Path) -> None:
    with open_at(tmp_path) as store:
        write(store, 0)
        store.publish()
    files = [path for path in (tmp_path / "generations").rglob("*") if path.is_file()]
    content = b"".join(path.read_bytes() for path in files)
    assert not [word for word in (b"Canary", b"canary", b"+97150", b"example.com") if word in content]
    with open_newest(tmp_path) as generation:
        tables = set(generation.query("select view_name from duckdb_views() where not internal")["view_name"])
        assert tables & {"lead_contacts", "lead_payloads", "suppressed", "install"} == set()
        assert "leads" in tables


@pytest.mark.parametrize(
    "sql",
    [
        "from read_csv('/etc/hostname')",
        "from read_parquet('{folder}/personal-copy/*/*.parquet')",
        "attach '{folder}/personal.duckdb' as p",
        "copy leads to '{folder}/generations/{own}/leads.parquet'",
        "select 1; copy leads to '{folder}/generations/{own}/leads.parquet'",
        "set enable_external_access = true",
    ],
)
def test_query_over_a_generation_reaches_no_other_file(tmp_path: Path, sql: str) -> None:
    with open_at(tmp_path) as store:
        write(store, 0)
        store.publish()
    with open_newest(tmp_path) as generation:
        before = {path.name: path.read_bytes() for path in generation.folder.iterdir()}
        with pytest.raises(StoreError):
            generation.query(sql.format(folder=tmp_path, own=generation.folder.name))
        assert {path.name: path.read_bytes() for path in generation.folder.iterdir()} == before


def test_generation_is_read_by_other_processes_while_the_store_is_held(tmp_path: Path) -> None:
    with open_at(tmp_path) as store:
        write(store, 0)
        store.publish()
        script = (
            "import sys; from pathlib import Path; from leadlib.store.generations import open_newest\n"
            "print(open_newest(Path(sys.argv[1])).query('select count(*) as n from leads')['n'].iloc[0])"
        )
        said = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
        ).stdout
    assert said.strip() == str(ROWS)


def test_nothing_is_published_twice_and_no_folder_without_generations_is_a_mistake(tmp_path: Path) -> None:
    assert open_newest(tmp_path) is None
    with open_at(tmp_path) as store:
        write(store, 0)
        store.publish()
        store.publish()
    assert len([path for path in (tmp_path / "generations").iterdir() if path.is_dir()]) == 1


def test_generation_refuses_a_select_that_writes_within_a_with(tmp_path: Path) -> None:
    with open_at(tmp_path) as store:
        write(store, 0)
        store.publish()
    generation = open_newest(tmp_path)
    assert generation is not None
    with generation:
        target = generation.folder / "written.parquet"
        with pytest.raises(StoreError, match="one SELECT at a time"):
            generation.query(f"with w as (copy (select 1) to '{target}') select * from w")  # noqa: S608  # our own path
        assert not target.exists()
        assert generation.query("with w as (select 2 as n) select n from w where n = $n", {"n": 2})["n"].tolist() == [2]
