"""Erasure and retention on a shared store: where a person's bytes may lie, and that they do not."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from leadlib.store import Person, Store
from tests.conftest import at, make_lead
from tests.postgres import Postgres

pytestmark = pytest.mark.shared

N_IN_FILES = 1_200  # more than a commit may have without making files


def sender(number: int) -> dict[str, object]:
    return {"name": f"Person N{number}", "contacts": [{"type": "phone", "value": f"+9995{number:08d}"}]}


def lead(number: int) -> object:
    return make_lead(f"L{number}", "2026-09-15T06:12:45Z", sender=sender(number))


def traces(data: Path, database: str, postgres: Postgres, *texts: str) -> set[str]:
    """Where any of the texts is: in the lake's files, in rows of the catalog, in PostgreSQL's own files."""
    found = set()
    for path in data.rglob("*.parquet"):
        held = path.read_bytes() + str(pq.read_table(path).to_pylist()).encode()
        found |= {f"file {path.parent.name}" for text in texts if text.encode() in held}
    tables = postgres.run(
        "select table_schema || '.' || table_name from information_schema.tables where table_schema like 'leadlight%'",
        database,
    )
    for table in tables.split():
        for text in texts:
            # Texts that are inlined are kept as bytes.
            sought = f"row::text like '%{text}%' or row::text like '%{text.encode().hex()}%'"
            if postgres.run(f"select 1 from {table} as row where {sought} limit 1", database):  # noqa: S608
                found.add(f"catalog {table}")
    postgres.run("checkpoint", database)
    oid = postgres.run(f"select oid from pg_database where datname = '{database}'")  # noqa: S608
    for path in (postgres.folder / "data" / "base" / oid).iterdir():
        found |= {"PostgreSQL's files" for text in texts if text.encode() in path.read_bytes()}
    return found


@pytest.fixture
def where(store: Store, tmp_path: Path, postgres: Postgres) -> Callable[..., set[str]]:
    database = store.place.partition("dbname=")[2].split()[0]
    return lambda *texts: traces(tmp_path / "store-lake", database, postgres, *texts)


@pytest.mark.parametrize("number", [0, 700, N_IN_FILES + 2, N_IN_FILES + 4])
def test_no_byte_of_an_erased_person_is_left(store: Store, where: Callable[..., set[str]], number: int) -> None:
    """Whether their rows were in files or inlined in the catalog, and also if they were its least or greatest value."""
    store.write_leads([lead(n) for n in range(N_IN_FILES)], observed_at=at("2026-09-15 10:00"))
    store.write_leads([lead(n) for n in range(N_IN_FILES, N_IN_FILES + 5)], observed_at=at("2026-09-15 10:00"))
    phone, name = f"9995{number:08d}", f"Person N{number}"
    assert where(phone, name)
    erased = store.erase(Person(phones=(f"+{phone}",)), "tester")
    assert erased.n_leads == 1
    assert where(phone, f"{name} ") == set()
    assert store.contacts([f"L{number}"]).num_rows == 0
    assert store.contacts([f"L{number + 1}"]).num_rows == (1 if number < N_IN_FILES + 4 else 0)
    assert store.query("select count(*) as n from leads")["n"].tolist() == [N_IN_FILES + 5]


def test_nothing_is_left_of_persons_that_were_only_ever_inlined(store: Store, where: Callable[..., set[str]]) -> None:
    store.write_leads([lead(1), lead(5), lead(9)], observed_at=at("2026-09-15 10:00"))
    store.erase(Person(phones=("+999500000009",)), "tester")
    store.erase(Person(phones=("+999500000001",)), "tester")
    assert where("999500000009", "Person N9", "999500000001", "Person N1") == set()
    assert where("999500000005") != set()
    store.write_leads([lead(9), lead(3)], observed_at=at("2026-09-15 11:00"))
    assert where("999500000009", "Person N9") == set()
    assert store.query("select count(*) as n from leads where sender_key is null")["n"].tolist() == [2]
    phones = store.contacts(["L1", "L3", "L5", "L9"])["sender_phone"].to_pylist()
    assert sorted(filter(None, phones)) == ["+999500000003", "+999500000005"]


def test_retention_leaves_no_byte_of_old_persons(store: Store, where: Callable[..., set[str]]) -> None:
    old = make_lead("OLD", "2024-03-15T06:12:45Z", sender=sender(42))
    store.write_leads([old, lead(7)], observed_at=at("2026-09-15 10:00"))
    assert where("999500000042")
    assert store.forget_persons(at("2025-01-01 00:00")) == 2
    assert where("999500000042", "Person N42") == set()
    assert store.contacts(["OLD", "L7"])["lead_id"].to_pylist() == ["L7"]
