"""Upkeep of a shared store: few files again, the same answers, and nothing that a reader still needs is taken away."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from leadlib.errors import StoreError
from leadlib.store import Store, upkeep
from leadlib.store.lake import LakeFile
from leadlib.store.upkeep import is_due, keep_up, last_turn, size_of
from tests.conftest import at, make_lead

pytestmark = pytest.mark.shared
AT_ONCE = timedelta(0)


@pytest.fixture
def lake(store: Store) -> LakeFile:
    analytics = store._analytics
    assert isinstance(analytics, LakeFile)
    return analytics


def content(store: Store) -> list[object]:
    leads = store.query("select lead_id, status, created_at, last_seen_at from leads order by lead_id")
    history = store.query("select lead_id, status, not_before, not_after from status_observations order by all")
    return [leads.to_dict("records"), history.to_dict("records")]


def files_of_leads(lake: LakeFile) -> set[Path]:
    return set(Path(lake.data).rglob("main/leads/**/*.parquet"))


def write_in_bits(store: Store, hour: int = 1) -> None:
    """Leads of two months in five commits, each of which changes the status of all that came before."""
    for number in range(5):
        leads = [
            make_lead(f"{month}-{n}", f"2026-{month}-{20 - n}T06:00:00Z", status="sent" if n == number else "read")
            for month in ("08", "09")
            for n in range(number + 1)
        ]
        store.write_leads(leads, observed_at=at(f"2026-09-{20 + hour} 1{number}:00"))


def test_rows_in_the_catalog_become_one_file_a_month_and_answers_stay_the_same(store: Store, lake: LakeFile) -> None:
    write_in_bits(store)
    wanted = content(store)
    before = size_of(lake)
    assert before.n_inlined >= 10 + 10  # ten leads, and an observation of each at least
    assert before.n_files == 0
    done = keep_up(lake, kept=AT_ONCE)
    assert content(store) == wanted
    assert (done.before, done.after) == (before, size_of(lake))
    assert (done.after.n_inlined, done.after.n_marks, done.after.n_spare_files) == (0, 0, 0)
    assert sorted(path.parent.name for path in files_of_leads(lake)) == ["month=8", "month=9"]
    assert 0 < done.longest_hold_s <= done.seconds


def test_changes_to_rows_in_files_are_folded_in_and_the_files_are_as_few_as_before(
    store: Store, lake: LakeFile
) -> None:
    write_in_bits(store)
    n_files = keep_up(lake, kept=AT_ONCE).after.n_files
    write_in_bits(store, hour=2)
    wanted = content(store)
    done = keep_up(lake, kept=AT_ONCE)
    assert done.before.n_marks > 0
    assert (done.after.n_marks, done.after.n_inlined, done.after.n_files) == (0, 0, n_files)
    assert len(list(Path(lake.data).rglob("*.parquet"))) == n_files
    assert content(store) == wanted
    for path in files_of_leads(lake):
        with duckdb.connect() as reader:
            days = reader.execute("select created_at::varchar from read_parquet($1)", [str(path)]).fetchall()
        assert days == sorted(days)
        assert len(days) == 5


def test_files_that_were_replaced_stay_for_those_who_read_them_still(store: Store, lake: LakeFile) -> None:
    write_in_bits(store)
    keep_up(lake)
    old = files_of_leads(lake)
    write_in_bits(store, hour=2)
    now = datetime.now(UTC)
    keep_up(lake, now)
    assert old < files_of_leads(lake)
    keep_up(lake, now + timedelta(minutes=61))
    keep_up(lake, now + timedelta(minutes=122))
    assert not old & files_of_leads(lake)
    assert len(files_of_leads(lake)) == 2


def test_reader_in_the_middle_of_a_download_goes_on_and_no_other_waits_for_it(store: Store, lake: LakeFile) -> None:
    write_in_bits(store)
    wanted = content(store)
    reading = lake.cursor()
    reading.execute("begin")
    assert reading.execute("select count(*) from leads").fetchall() == [(10,)]
    with suppress(StoreError):  # what waits for the reader is left for the next turn
        keep_up(lake)
    assert reading.execute("select count(*), count(distinct status) from leads").fetchall() == [(10, 2)]
    assert content(store) == wanted
    reading.execute("rollback")
    assert keep_up(lake).after.n_inlined == 0
    assert content(store) == wanted


def test_due_at_first_then_after_an_hour_or_many_rows(
    store: Store, lake: LakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 11, 25, 10, tzinfo=UTC)
    assert (is_due(lake, now), last_turn(lake)) == (True, None)
    keep_up(lake, now)
    assert last_turn(lake) == now
    assert not is_due(lake, now + timedelta(minutes=59))
    assert is_due(lake, now + timedelta(minutes=60))
    monkeypatch.setattr(upkeep, "MOST_INLINED", 19)
    write_in_bits(store)
    assert is_due(lake, now)


def test_the_program_at_work_tidies_up_when_it_is_due_and_says_how_the_store_lies(store: Store) -> None:
    write_in_bits(store)
    outside = store.files()
    assert outside is not None
    assert (outside.n_rows_outside > 20, outside.tidied_at) == (True, None)
    now = datetime.now(UTC)
    store.keep_up(now)
    tidied = store.files()
    assert tidied is not None
    assert (tidied.n_rows_outside, tidied.tidied_at, tidied.n_bytes > 1_000) == (0, now, True)
    write_in_bits(store, hour=2)
    store.keep_up(now + timedelta(minutes=59))
    later = store.files()
    assert later is not None
    assert (later.n_rows_outside > 20, later.tidied_at) == (True, now)
