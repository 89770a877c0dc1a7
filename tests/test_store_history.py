"""Who a lead was assigned to and since when, and what an older store becomes."""

from importlib.resources import files
from pathlib import Path

import duckdb
import pytest

from leadlib.formats import is_missing
from leadlib.store import Store
from tests.conftest import DUBAI, at, make_lead

FIRST, SECOND = {"id": 90001}, {"id": 90002}


def assignments(store: Store) -> list[tuple[int | None, str, str, str]]:
    rows = store.query(
        "select agent_id, strftime(not_before, '%d %H:%M') as a, strftime(not_after, '%d %H:%M') as b, source "
        "from assignment_observations order by not_after"
    )
    agents = [None if is_missing(agent) else int(agent) for agent in rows["agent_id"]]
    return list(zip(agents, rows["a"], rows["b"], rows["source"], strict=True))


def test_first_agent_came_between_creation_and_first_sight_and_the_next_between_two_sights(store: Store) -> None:
    for hour, profile in ((10, FIRST), (11, FIRST), (12, SECOND), (13, SECOND)):
        lead = make_lead("a", "2026-09-15T06:00:00Z", publicProfile=profile)
        store.write_leads([lead], observed_at=at(f"2026-09-15 {hour}:00"))
    assert assignments(store) == [
        (90001, "15 06:00", "15 10:00", "rest"),
        (90002, "15 11:00", "15 12:00", "rest"),
    ]


def test_lead_of_nobody_has_that_on_record_until_somebody_gets_it(store: Store) -> None:
    store.write_leads([make_lead("a", publicProfile=None)], observed_at=at("2026-09-15 10:00"))
    store.write_leads([make_lead("a", publicProfile=FIRST)], observed_at=at("2026-09-15 11:00"))
    assert [agent for agent, *_ in assignments(store)] == [None, 90001]


def test_older_answer_adds_nothing_to_the_history_of_agents(store: Store) -> None:
    store.write_leads([make_lead("a", publicProfile=SECOND)], observed_at=at("2026-09-15 12:00"))
    store.write_leads([make_lead("a", publicProfile=FIRST)], observed_at=at("2026-09-15 10:00"))
    assert [agent for agent, *_ in assignments(store)] == [90002]


@pytest.mark.embedded(reason="begins with a file of the first release, which had no lakes")
@pytest.mark.parametrize(
    ("before", "after"), [("full", "cold"), ("recent", "hot"), ("since", "since"), ("view", "view")]
)
def test_store_of_the_first_release_is_taken_over(tmp_path: Path, before: str, after: str) -> None:
    schema = files("leadlib") / "sql" / "schema"
    with duckdb.connect(str(tmp_path / "leads.duckdb")) as old:
        old.execute("set TimeZone = 'UTC'")
        old.execute("create table migrations (name varchar, applied_at timestamptz)")
        old.execute("create table meta (key varchar, value varchar)")
        for name in ("analytics_0001.sql", "analytics_0002.sql", "analytics_0003.sql"):
            old.execute((schema / name).read_text(encoding="utf-8"))
            old.execute("insert into migrations values (?, now())", [name])
        old.execute(
            "insert into syncs (sync_id, started_at, kind, outcome, dialect, n_read, n_new, n_changed, n_unchanged, "
            "n_rejected, n_uncertain, n_calls, n_retries, seconds) "
            "values ('s', '2026-09-15 10:00:00+00', ?, 'complete', 'flat', 0, 0, 0, 0, 0, 0, 0, 0, 0)",
            [before],
        )
        old.execute("insert into slices values ('s', '2026-09-01', '2026-09-02', 5, 5, true, '2026-09-15')")
        old.execute(
            "insert into leads (lead_id, created_at, channel, status, stage, entity_type, agent_id, tags, "
            "first_seen_at, last_seen_at, observed_at, source, created_local) "
            "values ('a', '2026-09-01 06:00:00+00', 'call', 'sent', 'sent', 'listing', 90001, [], "
            "'2026-09-02', '2026-09-15 10:00:00+00', '2026-09-15 10:00:00+00', 'rest', '2026-09-01 10:00:00')"
        )
    with Store.open(tmp_path, timezone=DUBAI, portal="test") as store:
        assert store.query("select kind, n_counted from syncs").iloc[0].tolist() == [after, 0]
        assert store.query("select how from slices")["how"].tolist() == ["read"]
        assert assignments(store) == [(90001, "01 06:00", "15 10:00", "rest")]
