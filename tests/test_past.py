"""The sandbox's past: seen by syncs and events as it would have been, once, and by nobody else."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from leadlib.config import Secret, Settings
from leadlib.engine import Engine
from leadlib.past import CONNECTED_FOR, POLLED_FOR, Past
from leadlib.sandbox import API_KEY, API_SECRET
from leadlib.sandbox.wire import lead_status
from leadlib.sync import Progress
from leadlib.webhooks import Applier, Spool
from tests.sync_bench import NOW, Bench, benches


@pytest.fixture
def bench(open_store: Any) -> Iterator[Bench]:
    with benches(open_store) as start:
        yield start(n_leads=2_000)


@pytest.fixture
def past(bench: Bench, tmp_path: Path) -> Past:
    applier = Applier(bench.store, bench.client, Spool(tmp_path))
    return Past(bench.portal, bench.store, bench.client, applier)


def silent(progress: Progress) -> None:
    pass


def observations(bench: Bench) -> pd.DataFrame:
    return bench.store.query(
        "select lead_id, created_at, s.status, not_before, not_after, s.source from status_observations as s "
        "join leads using (lead_id) order by lead_id, not_after, not_before, s.status"
    )


def test_past_holds_moments_and_stretches_and_each_holds_what_was_planted(bench: Bench, past: Past) -> None:
    past.look_back(silent)
    bench.sync()
    past.catch_up(silent)
    seen = observations(bench)
    moments = seen[seen["not_before"] == seen["not_after"]]
    stretches = seen[(seen["created_at"] < seen["not_before"]) & (seen["not_before"] < seen["not_after"])]
    assert len(moments) > 1_000
    assert len(stretches) > 10
    for row in seen.itertuples(index=False):
        lead = bench.portal.truth.lead(row.lead_id)
        assert lead is not None
        at_ms = int(row.not_after.timestamp() * 1000 + 0.5)
        assert lead_status(lead, at_ms, "filter") == row.status
        if row.created_at < row.not_before < row.not_after:
            before_ms = int(row.not_before.timestamp() * 1000 + 0.5)
            assert lead_status(lead, before_ms, "filter") != row.status


def test_past_is_on_record_when_it_was_and_the_clock_is_back(bench: Bench, past: Past) -> None:
    past.look_back(silent)
    assert bench.portal.clock.now() == NOW
    bench.sync()
    past.catch_up(silent)
    rows = bench.store.query("select kind, outcome, started_at, created_to from syncs order by started_at")
    assert list(rows["kind"]) == ["since"] * 16 + ["cold"]
    assert set(rows["outcome"]) == {"complete"}
    assert rows["started_at"].iloc[0] == NOW - CONNECTED_FOR
    assert rows["started_at"].iloc[15] < NOW - CONNECTED_FOR + POLLED_FOR
    assert (rows["created_to"] == rows["started_at"]).all()
    assert bench.stored_ids == bench.shown_ids
    assert bench.store.alarms() == ()


def test_past_happens_once_and_ends_where_it_was_cut_short(bench: Bench, past: Past) -> None:
    assert (past.is_due, past.is_unfinished) == (True, False)
    past.look_back(silent)
    bench.sync()
    assert (past.is_due, past.is_unfinished) == (False, True)

    def cut_short(progress: Progress) -> None:
        if " 0 of " not in progress.phase:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        past.catch_up(cut_short)
    assert past.is_unfinished
    assert len(observations(bench)) > 0
    past.catch_up(silent)
    assert (past.is_due, past.is_unfinished) == (False, False)
    before = observations(bench)
    past.catch_up(silent)
    pd.testing.assert_frame_equal(observations(bench), before)


def test_clock_is_back_when_a_look_fails(bench: Bench, past: Past) -> None:
    def fail(progress: Progress) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        past.look_back(fail)
    assert bench.portal.clock.now() == NOW
    assert (past.is_due, past.is_unfinished) == (False, True)


def test_store_that_holds_leads_gets_no_past(bench: Bench, past: Past) -> None:
    bench.sync()
    assert (past.is_due, past.is_unfinished) == (False, False)


def test_account_with_a_key_has_no_past(bench: Bench, tmp_path: Path) -> None:
    settings = Settings(database=tmp_path / "other", api_key=Secret(API_KEY), api_secret=Secret(API_SECRET))
    with Engine.open(replace(settings, api_url=bench.portal.url)) as engine:
        assert engine.past is None
