"""Stores in which one question never ends, made of what DuckDB really does."""

from pathlib import Path

import duckdb

from leadlib.store import Store
from tests.conftest import DUBAI, at, make_lead

NEVER_ENDING = "select count(*) as n from range(3000000) as a, range(3000000) as b where (a.range * b.range) % 7 = 3"
"""A statement that would take the machine days."""

PORTAL = "http://127.0.0.1:9"
"""The portal that `set_app_settings` names."""


def make_slow_store(folder: Path, n_leads: int = 30) -> None:
    """A store in which only the page Data health is slow: whoever reads its table of unknown fields waits for ever."""
    with Store.open(folder, timezone=DUBAI, portal=PORTAL) as store:
        leads = [make_lead(f"lead-{n}", f"2026-09-{n % 28 + 1:02d}T06:00:00Z") for n in range(n_leads)]
        store.write_leads(leads, observed_at=at("2026-10-01 09:00"))
    with duckdb.connect(str(folder / "leads.duckdb")) as connection:
        connection.execute("drop table odd_fields")
        connection.execute("create view never_ending as " + NEVER_ENDING)
        connection.execute(
            "create view odd_fields as select 'a' as path, n as n_rows, null::timestamptz as first_seen_at, "
            "null::timestamptz as last_seen_at from never_ending"
        )
