"""SQL cells: what they answer, what they cannot reach, and that each ends within its limits."""

import errno
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from leadlib.errors import QueryStoppedError, SqlCellError
from leadlib.filters import Filters, to_where
from leadlib.records import Lead
from leadlib.sql_cells import Limits, run_sql, schema
from leadlib.sql_cells.answering import _request
from leadlib.sql_cells.relations import FILTERED, HIDDEN, RELATIONS
from leadlib.store import Store, sql_process
from leadlib.store.generations import FOLDER, newest_copy, open_newest
from tests.conftest import at, make_lead
from tests.disasters import open_at
from tests.sql_bombs import BOMBS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SQL cells refuse to run on Windows")

ALL = Filters()
SECRET = "canary-5f1d"
LISTING = {"id": "01JEXAMP1E0000000000000009", "reference": "EX-SALE-009"}


def seven_leads() -> list[Lead]:
    """Seven leads, of which each filter below takes some and leaves some."""
    return [
        make_lead("q1", "2026-09-14T19:59:59Z", status="read"),
        make_lead("q2", "2026-09-14T20:00:00Z", status="opened", channel="call"),
        make_lead("q3", "2026-09-15T19:59:59Z", status="responded", publicProfile=None),
        make_lead("q4", "2026-09-15T20:00:00Z", tags=["hot", "it's"], listing=LISTING),
        make_lead("q5", "2026-09-16T08:00:00Z", entityType="project", listing=None, project={"id": "prj-1"}),
        make_lead("q6", "2026-09-17T08:00:00Z", publicProfile={"id": 90002}, channel="email", tags=["hot"]),
        make_lead("q7", "2026-09-18T08:00:00Z", entityType="developer", listing=None, developer={"id": "dev-1"}),
    ]


@pytest.fixture(scope="module")
def cell_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An open store of seven leads with a generation of them."""
    with open_at(tmp_path_factory.mktemp("cells") / "store") as store:
        store.write_leads(seven_leads(), observed_at=at("2026-09-30 10:00"))
        store.publish()
        yield store


@pytest.fixture(scope="module")
def folder(cell_store: Store) -> Path:
    return cell_store.folder


# What it answers


def test_cell_answers_with_the_rows_of_the_newest_generation(folder: Path) -> None:
    answer = run_sql(folder, "select channel, count(*) as n from leads group by channel order by n desc, channel;", ALL)
    assert answer.frame.to_dict("list") == {"channel": ["whatsapp", "call", "email"], "n": [5, 1, 1]}
    generation = open_newest(folder)
    assert generation is not None
    with generation:
        assert answer.sequence == generation.sequence
    assert not answer.is_cut
    assert answer.seconds > 0


@pytest.mark.parametrize(
    ("chosen", "lead_ids"),
    [
        ({}, ["q1", "q2", "q3", "q4", "q5", "q6", "q7"]),
        ({"status": ["opened"]}, ["q1", "q2"]),  # both dialects' words
        ({"type": ["call", "email"]}, ["q2", "q6"]),
        ({"entity": ["project"]}, ["q5"]),
        ({"agent": ["90002", "none"]}, ["q3", "q6"]),
        ({"listing": ["EX-SALE-009"]}, ["q4"]),
        ({"listing": ["none"]}, ["q5", "q7"]),
        ({"project": ["prj-1"]}, ["q5"]),
        ({"from": ["2026-09-15"], "to": ["2026-09-15"]}, ["q2", "q3"]),  # midnight is 20:00 UTC in Dubai
        ({"listing_id": [LISTING["id"]]}, ["q4"]),
        ({"developer": ["dev-1"]}, ["q7"]),
        ({"tag": ["it's"]}, ["q4"]),
        ({"move": ["first:sent>today:sent"]}, ["q4", "q5", "q6", "q7"]),
    ],
)
def test_filtered_leads_are_those_that_the_store_counts(
    cell_store: Store, chosen: dict[str, list[str]], lead_ids: list[str]
) -> None:
    filters = Filters.of(chosen)
    frame = run_sql(cell_store.folder, "select lead_id from filtered_leads order by lead_id", filters).frame
    assert frame["lead_id"].tolist() == lead_ids
    condition, bound = to_where(filters, cell_store.timezone)
    counted = cell_store.query(f"select count(*) as n from leads where {condition}", bound or None)  # noqa: S608
    assert counted["n"].tolist() == [len(lead_ids)]


def test_filtered_leads_stand_beside_all_leads(folder: Path) -> None:
    sql = (
        "select count(f.lead_id) as few, count(*) as many from leads left join filtered_leads f using (lead_id) "
        "where (select count(*) from filtered_leads) = 2"
    )
    assert run_sql(folder, sql, Filters.of({"tag": ["hot"]})).frame.iloc[0].tolist() == [2, 7]


def test_missing_values_stay_missing_and_whole_numbers_whole(folder: Path) -> None:
    sql = "select lead_id, agent_id, reached_stage, sum(agent_id) over () as total from leads order by lead_id limit 3"
    frame = run_sql(folder, sql, ALL).frame
    assert frame["agent_id"].tolist() == [90001, 90001, pd.NA]
    assert str(frame["agent_id"].dtype) == "Int64"
    assert frame["total"].tolist() == [90001 * 5 + 90002] * 3


def test_answer_without_rows_has_its_columns(folder: Path) -> None:
    frame = run_sql(folder, "select lead_id, created_at from leads where false", ALL).frame
    assert frame.columns.tolist() == ["lead_id", "created_at"]
    assert frame.empty


def test_times_with_a_zone_come_in_utc_and_the_local_clock_as_it_is(folder: Path) -> None:
    sql = "select created_at, created_local from leads where lead_id = 'q2'"
    row = run_sql(folder, sql, ALL).frame.iloc[0]
    assert row["created_at"] == pd.Timestamp("2026-09-14 20:00", tz="UTC")
    assert row["created_at"].tzinfo.utcoffset(None).total_seconds() == 0
    assert row["created_local"] == datetime(2026, 9, 15)  # noqa: DTZ001  # on the account's clock


def test_values_that_no_table_shows_come_as_numbers_or_text(folder: Path) -> None:
    sql = (
        "select 1.5::decimal(9, 2) as price, [1, null] as list, {'a': 'b'} as struct, interval 1 day as span, "
        "170141183460469231731687303715884105727::hugeint as huge, 1 as again, 2 as again, uuid() as id"
    )
    row = run_sql(folder, sql, ALL).frame.iloc[0]
    assert row["price"] == 1.5
    assert row[["list", "struct", "span"]].tolist() == ["[1, NULL]", "{'a': b}", "1 day"]
    assert row["huge"] == pytest.approx(1.7014118346046923e38)
    assert row[["again", "again_2"]].tolist() == [1, 2]
    assert len(row["id"]) == 36


def test_more_rows_than_the_limit_are_cut_and_said_to_be(folder: Path) -> None:
    answer = run_sql(folder, "select range as n from range(1000000000000)", ALL)
    assert answer.is_cut
    assert answer.frame["n"].tolist() == list(range(10_000))
    assert not run_sql(folder, "select range as n from range(50)", ALL, limits=Limits(rows=50)).is_cut
    assert run_sql(folder, "select range as n from range(51) order by n desc", ALL, limits=Limits(rows=50)).is_cut


@pytest.mark.parametrize(
    ("sql", "line", "words"),
    [
        ("select lead_id,\n  chanel\nfrom leads", 2, "chanel"),
        ("select *\n\nfrom leads\nwhere (", 4, "syntax error"),
        ("-- عملاء\nselect 'é',\n  no_such(1)", 3, "no_such"),
        ("select *\nfrom leads,\n  laeds", 3, "Did you mean leads"),
        ("select count(*)\nfrom leads\nwhere\n lead_id::int > 3", 4, "Could not convert string"),
        ("select channel,\n status, count(*)\nfrom leads group by 1", 2, "GROUP BY"),
        ("select 1,\n getenv('HOME')", 2, "getenv"),
    ],
)
def test_error_points_at_its_line(folder: Path, sql: str, line: int, words: str) -> None:
    with pytest.raises(SqlCellError, match=words) as caught:
        run_sql(folder, sql, ALL)
    assert caught.value.line == line
    assert str(folder.parent) not in str(caught.value)


def test_store_without_a_generation_says_what_to_wait_for(tmp_path: Path) -> None:
    with pytest.raises(SqlCellError, match="Wait for the first sync"):
        run_sql(tmp_path, "select 1", ALL)


def test_empty_cell_says_what_to_write(folder: Path) -> None:
    with pytest.raises(SqlCellError, match="Write a SELECT"):
        run_sql(folder, "  -- nothing yet", ALL)


# What it sees


def test_schema_is_all_that_a_cell_sees_and_all_of_it_is_in_the_generation(folder: Path) -> None:
    generation = open_newest(folder)
    assert generation is not None
    with generation:
        columns = generation.query(
            "select table_name as relation, column_name as name, lower(data_type) as type from duckdb_columns() "
            "where not internal"
        )
    long_names = {"timestamp with time zone": "timestamptz"}
    stored = {(row.relation, row.name): long_names.get(row.type, row.type) for row in columns.itertuples()}
    stored |= {(FILTERED, name): kind for (relation, name), kind in stored.items() if relation == "leads"}
    seen = {key: kind for key, kind in stored.items() if key[0] in RELATIONS and key not in HIDDEN}
    assert {(one.relation, one.column): one.type for one in schema()} == seen
    assert all(one.meaning.endswith(".") for one in schema())
    assert set(stored) >= HIDDEN


def test_every_relation_of_the_schema_answers_with_its_columns(folder: Path) -> None:
    named = [f"(select count({one.column}) from {one.relation})" for one in schema()]  # noqa: S608  # our own names
    assert run_sql(folder, f"select {', '.join(named)}", ALL).frame.shape == (1, len(schema()))


# What it cannot reach

ESCAPES: dict[str, str] = {
    "read a file as CSV": "select * from read_csv('{file}', header = false)",
    "read a file as text": "select content from read_text('{file}')",
    "read a file as bytes": "select content from read_blob('{file}')",
    "read a file as JSON": "select * from read_json_auto('{file}')",
    "read a file by its name": "select * from '{file}'",
    "read a file by its name, quoted": 'select * from "{file}"',
    "read the Parquet files of the store": "select * from read_parquet('{folder}/generations/*/*.parquet')",
    "read a Parquet file by its name": "select * from '{folder}/generations/newest.parquet'",
    "read the persons' database": "select * from read_duckdb('{folder}/personal.duckdb')",
    "sniff a file": "select * from sniff_csv('{file}')",
    "list a folder": "select * from glob('{folder}/*')",
    "read what the process was started with": "select content from read_text('/proc/self/environ')",
    "read the names of files in a subquery": "select (select count(*) from glob('/etc/*')) from leads",
    "attach the persons' database": "attach '{folder}/personal.duckdb' as persons",
    "attach, then ask": "attach '{folder}/personal.duckdb' as persons; select * from persons.lead_contacts",
    "write a file": "copy (select 'x') to '{folder}/written.csv'",
    "overwrite a file": "copy leads to '{file}'",
    "read into a table": "copy leads from '{file}'",
    "write a file within a WITH": "with w as (copy leads to '{folder}/written.csv') select * from w",
    "overwrite the store within a WITH": "with w as (copy (select 1) to '{own_file}') select * from w",
    "change the leads within a WITH": "with w as (delete from leads returning *) select * from w",
    "add leads within a WITH": "with w as (insert into leads from leads returning *) select * from w",
    "export everything": "export database '{folder}/written'",
    "import a database": "import database '{folder}'",
    "install an extension": "install httpfs",
    "load an extension": "load '{file}'",
    "call a server": "select * from read_csv('http://127.0.0.1:{port}/x.csv')",
    "call a server by a name": "select * from 'http://127.0.0.1:{port}/x.parquet'",
    "call a server for text": "select * from read_text('http://127.0.0.1:{port}/')",
    "read the environment": "select getenv('LEADLIB_API_SECRET')",
    "read a setting": "select current_setting('secret_directory')",
    "read all settings": "select * from duckdb_settings()",
    "read secrets": "select * from duckdb_secrets()",
    "make a secret": "create secret s (type s3, key_id 'a', secret 'b')",
    "allow files again": "set enable_external_access = true",
    "allow files again within a select": "select 1; reset enable_external_access; select * from '{file}'",
    "lift the limit on memory": "pragma memory_limit='100GB'",
    "log into a file": "call enable_logging(storage = 'file', storage_path = '{folder}/written')",
    "profile into a file": "pragma profiling_output = '{folder}/written.json'",
    "run SQL that is text": "select * from query('select * from read_text(''{file}'')')",
    "run a statement that is JSON": "select * from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "ask for a table by its name as text": "select * from query_table('rejected_leads')",
    "ask for an internal table": "select * from rejected_leads",
    "ask for a table in another schema": "select * from information_schema.tables",
    "ask for the catalogue under the name of a WITH": "select v.sql from (with duckdb_views as (select 1) "
    "select 1) as a, duckdb_views as v",
    "ask for the catalogue through a macro": "select pg_get_viewdef(1)",
    "scan a variable of the program": "select * from request",
    "change the leads": "delete from leads",
    "make a function that reads": "create macro m() as table select * from read_text('{file}')",
    "describe the leads' place": "select * from (show databases)",
    "close the query around it": "select 1) as t, read_text('{file}') as u where (1 = 1",
    "comment out what follows": "select * from leads /* \n; drop table leads; --",
}


class Canaries:
    """A file, an environment variable and a server that no cell may touch."""

    def __init__(self, folder: Path, place: Path) -> None:
        self.folder = folder
        self.file = place / "canary.csv"
        self.file.write_text(SECRET, encoding="utf-8")
        self.calls = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.files = self._files()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.calls += 1
            connection.close()

    def _files(self) -> dict[str, tuple[int, int]]:
        paths = [*self.folder.rglob("*"), *self.file.parent.iterdir()]
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in paths}

    def named_in(self, escape: str) -> str:
        """The SQL with the places of this test; `own_file` is one of the files that the cell itself is loaded from."""
        own_file = next((self.folder / FOLDER).rglob("leads*.parquet"), None)
        return escape.format(file=self.file, folder=self.folder, port=self.port, own_file=own_file)

    def are_untouched(self) -> bool:
        return self.calls == 0 and self._files() == self.files

    def close(self) -> None:
        self._server.close()


@pytest.fixture(scope="module")
def canaries(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    canaries = Canaries(folder, tmp_path_factory.mktemp("canaries"))
    yield canaries
    canaries.close()


@pytest.mark.parametrize("name", ESCAPES)
def test_S11_escape_is_refused_and_touches_nothing(
    folder: Path, canaries: Canaries, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("LEADLIB_API_SECRET", SECRET)
    sql = canaries.named_in(ESCAPES[name])
    with pytest.raises(SqlCellError) as caught:
        run_sql(folder, sql, ALL)
    assert SECRET not in str(caught.value)
    # It was refused for what it is, and did not merely run out of something.
    assert not any(words in str(caught.value) for words in ("was stopped", "could not be set up"))
    assert canaries.are_untouched()


def test_canaries_sing_when_they_are_touched(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "place").mkdir()
    canaries = Canaries(tmp_path / "store", tmp_path / "place")
    assert canaries.are_untouched()
    socket.create_connection(("127.0.0.1", canaries.port)).close()
    (tmp_path / "store" / "written").touch()
    assert not canaries.are_untouched()
    canaries.close()


# What it may use

TIGHT = Limits(memory_bytes=700 << 20, cpu_seconds=1)
PEAK_GROWTH_BYTES = 64 << 20


@pytest.mark.parametrize("name", BOMBS)
def test_S11_bomb_ends_within_its_limits_and_leaves_nothing(folder: Path, name: str) -> None:
    peak = peak_bytes()
    with pytest.raises(SqlCellError) as caught:
        run_sql(folder, BOMBS[name], ALL, limits=TIGHT)
    told = ("was stopped", "larger than 8 MiB", "nested too deeply")
    assert any(words in str(caught.value) for words in told)
    assert cells_running() == []
    assert peak_bytes() - peak < PEAK_GROWTH_BYTES


@pytest.mark.parametrize(
    ("sql", "limits", "words"),
    [
        ("select sleep_ms(60000)", Limits(wall_seconds=1), "took longer than 1 s"),
        ("select max(hash(range)) from range(1000000000000)", Limits(cpu_seconds=1), "computed for longer than 1 s"),
        ("select list(range) from range(100000000)", TIGHT, "more memory than the 700 MiB"),
        ("select repeat('x', 9 * 1024 * 1024)", Limits(), "larger than 8 MiB"),
        ("select columns(*) from leads", Limits(columns=23), "more than 23 columns"),
        ("select '" + "x" * 100_000 + "'", Limits(), "at most 100,000 characters"),
    ],
)
def test_each_limit_has_its_own_plain_words(folder: Path, sql: str, limits: Limits, words: str) -> None:
    with pytest.raises(SqlCellError, match=words):
        run_sql(folder, sql, ALL, limits=limits)
    assert cells_running() == []


def test_cell_ends_when_nobody_waits_for_it_any_more(folder: Path) -> None:
    is_gone = threading.Event()
    threading.Timer(1.0, is_gone.set).start()
    with pytest.raises(QueryStoppedError):
        run_sql(folder, "select sleep_ms(60000)", ALL, limits=Limits(wall_seconds=60), is_gone=is_gone.is_set)
    assert cells_running() == []


def test_process_that_cannot_be_set_up_gives_no_answer(folder: Path) -> None:
    with pytest.raises(SqlCellError, match=r"set up on this machine|was stopped"):
        run_sql(folder, "select 1", ALL, limits=Limits(memory_bytes=50 << 20))


def peak_bytes() -> int:
    """The most memory that this process has ever had."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1024 if sys.platform == "linux" else 1)


def cells_running() -> list[str]:
    """The command lines of the cells that this process has started and that are still there, zombies included."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(process.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            command = process.joinpath("cmdline").read_text()
        except OSError:
            continue  # it has ended meanwhile
        if parent == os.getpid() and (not command or Path(sql_process.__file__).name in command):
            found.append(command)
    return found


# Each fence by itself


def fenced(code: str, *arguments: str) -> str:
    """What the code prints in a process that has the script of the cells as `cell`."""
    beginning = (
        "import importlib.util, os, socket, sys\n"
        f"spec = importlib.util.spec_from_file_location('cell', {sql_process.__file__!r})\n"
        "cell = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(cell)\n"
    )
    command = [sys.executable, "-I", "-B", "-c", beginning + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={}, check=False).stdout


def test_sealed_process_can_open_neither_file_nor_socket() -> None:
    code = (
        "cell._fence_in(1 << 30, 10); cell._seal()\n"
        "for reach in (lambda: open('/etc/passwd'), socket.socket, os.pipe):\n"
        "    try: reach()\n"
        "    except OSError as error: print(error.errno)\n"
        "    else: print('reached')"
    )
    assert fenced(code).split() == [str(errno.EMFILE)] * 3


def test_fenced_process_has_a_network_of_its_own_and_may_gain_nothing(canaries: Canaries) -> None:
    if sys.platform != "linux" or fenced("print(cell.leave_the_network())") != "True\n":
        pytest.skip("this kernel gives no process a network of its own")
    code = (
        "cell._fence_in(1 << 30, 10)\n"
        "print('NoNewPrivs:\\t1' in open('/proc/self/status').read())\n"
        "try: socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=5)\n"
        "except OSError: print('nobody there')"
    )
    assert fenced(code, str(canaries.port)).splitlines() == ["True", "nobody there"]
    assert canaries.are_untouched()


def test_database_alone_keeps_files_and_servers_out_where_the_statement_is_not_read(
    folder: Path, canaries: Canaries
) -> None:
    copy = newest_copy(folder / FOLDER)
    assert copy is not None
    for escape in (
        "select content from read_text('{file}')",
        "select * from read_csv('http://127.0.0.1:{port}/x.csv')",
        "select content from read_blob('{own_file}')",
        "copy (select 1) to '{folder}/written.csv'",
        "with w as (copy (select 1) to '{own_file}') select * from w",
    ):
        sql = canaries.named_in(escape)
        request = _request(copy, sql, ALL, None, Limits()).decode()
        code = (
            "cell._check = lambda connection, sql, relations: relations\n"
            "try: print(cell._answer(cell.json.loads(sys.argv[1]), 1 << 30))\n"
            "except cell.RefusedError as error: print(error.detail)"
        )
        assert fenced(code, request) == "PermissionException\n", sql
    assert canaries.are_untouched()
