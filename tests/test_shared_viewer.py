"""A replica for viewers: with the rights that docs/scaling.md grants it reads the leads, and nobody's name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadlib.errors import StoreReadOnlyError
from leadlib.shared import LakeAddress, SharedAddress
from leadlib.store import Store
from leadlib.store.lake import LakeFile
from tests.conftest import DUBAI, at, make_lead
from tests.postgres import Postgres
from tests.shared_stores import open_at

pytestmark = pytest.mark.shared
GRANTS = re.findall(
    r"^ +((?:grant|alter default).*;)$", (Path(__file__).parents[1] / "docs" / "scaling.md").read_text(), re.M
)


@pytest.fixture
def viewers(store: Store, postgres: Postgres, tmp_path: Path) -> Iterator[Store]:
    """What a viewers' replica has open of `store`."""
    assert isinstance(store._analytics, LakeFile)
    address = store._analytics.address
    (database,) = re.findall(r"dbname=(\w+)", address.dsn)
    if not postgres.run("select 1 from pg_roles where rolname = 'leadlight_viewer'"):
        postgres.run("create role leadlight_viewer login")
    for grant in GRANTS:
        postgres.run(grant, database)
    lake = LakeAddress(postgres.dsn(database, "leadlight_viewer"), address.data)
    with open_at(SharedAddress(lake, None), tmp_path / "viewer", timezone=DUBAI, portal="test") as opened:
        yield opened
    postgres.run("drop owned by leadlight_viewer", database)


def test_a_viewers_replica_reads_the_leads_and_their_changes_and_nobodys_name(store: Store, viewers: Store) -> None:
    assert len(GRANTS) == 3
    for status in ("sent", "opened", "read"):
        store.write_leads([make_lead("A", status=status), make_lead(status)], observed_at=at("2026-09-20 10:00"))
    assert sorted(viewers.query("select lead_id from leads")["lead_id"]) == ["A", "opened", "read", "sent"]
    assert viewers.query("select status from leads where lead_id = 'A'")["status"].tolist() == ["read"]
    assert viewers.contacts(["A"]).num_rows == 0
    assert store.contacts(["A"]).num_rows == 1
    with pytest.raises(StoreReadOnlyError):
        viewers.write_leads([make_lead("B")], observed_at=at("2026-09-20 10:00"))


def test_postgresql_itself_keeps_a_viewers_replica_from_the_persons_and_from_writing(
    viewers: Store, postgres: Postgres
) -> None:
    assert isinstance(viewers._analytics, LakeFile)
    role, database = "leadlight_viewer", re.findall(r"dbname=(\w+)", viewers._analytics.address.dsn)[0]
    for forbidden in (
        "select * from leadlight_personal.ducklake_table",
        "delete from leadlight.ducklake_snapshot",
        "create table leadlight.mine (x int)",
    ):
        with pytest.raises(RuntimeError, match="permission denied"):
            postgres.run(f"set role {role}; {forbidden}", database)
