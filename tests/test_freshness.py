"""Row G9: data that is too old says so, on every page and in /healthz, by one rule."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.requests import Request
from streamlit.testing.v1 import AppTest

from leadlib.engine import Engine
from leadlib.freshness import freshness
from leadlib.store import Store, SyncRow
from leadlib.ui import status
from leadlib.ui.engine import get_engine
from leadlib.web import health
from tests.conftest import DUBAI, at, make_lead, set_app_settings

NOW = at("2026-11-20 12:00")
SHELL = Path(__file__).resolve().parents[1] / "leadlib" / "ui" / "shell.py"


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def record(store: Store, kind: str, ended_at: datetime, outcome: str = "complete") -> None:
    """A sync of this kind that took a minute."""
    began_at = ended_at - timedelta(minutes=1)
    sync_id = store.begin_sync(kind=kind, dialect="filter", started_at=began_at)
    row = SyncRow(
        sync_id=sync_id, kind=kind, outcome=outcome, dialect="filter", started_at=began_at, finished_at=ended_at,
        created_from=None, created_to=ended_at, n_read=1, n_new=0, n_changed=0, n_unchanged=1, n_rejected=0,
        n_uncertain=int(outcome == "uncertain"), n_calls=1, n_retries=0, seconds=60.0, message=None,
    )  # fmt: skip
    store.finish_sync(row)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store for many cases, each of which empties its list of syncs first: opening one takes longer than all do."""
    with Store.open(tmp_path_factory.mktemp("many"), timezone=DUBAI, portal="test") as opened:
        yield opened


@pytest.mark.parametrize(
    ("syncs", "minutes", "stale"),
    [
        pytest.param({"cold": ago(hours=1), "hot": ago(minutes=14)}, 5, (), id="both young"),
        pytest.param({"cold": ago(hours=1), "hot": ago(minutes=15)}, 5, (), id="at the limit"),
        pytest.param({"cold": ago(hours=1), "hot": ago(minutes=15, seconds=1)}, 5, ("hot",), id="last look too old"),
        pytest.param({"cold": ago(hours=12, seconds=1), "hot": ago(minutes=1)}, 5, ("cold",), id="window too old"),
        pytest.param({"cold": ago(hours=12, seconds=1)}, 5, ("hot", "cold"), id="both too old"),
        pytest.param({"cold": ago(minutes=2)}, 5, (), id="a wide sweep is a look too"),
        pytest.param({"cold": ago(hours=1), "warm": ago(minutes=3)}, 5, (), id="so is one of two weeks"),
        pytest.param({"cold": ago(hours=1), "hot": ago(minutes=59)}, 20, (), id="three long intervals"),
        pytest.param({"cold": ago(hours=2), "hot": ago(minutes=61)}, 20, ("hot",), id="more than three"),
        pytest.param({"cold": ago(hours=70)}, 1440, (), id="once a day"),
        pytest.param({"cold": ago(days=9)}, 0, (), id="no background sync"),
        pytest.param({"view": ago(minutes=1), "since": ago(minutes=1)}, 5, (), id="no sweep at all"),
        pytest.param({"cold": ago(hours=1), "view": ago(minutes=1)}, 5, ("hot",), id="a fetched view is no look"),
        pytest.param({"cold": ago(minutes=-90)}, 5, (), id="in the future: a clock was set back"),
    ],
)
def test_which_bands_are_stale(many: Store, syncs: dict[str, datetime], minutes: int, stale: tuple[str, ...]) -> None:
    with many._analytics.transaction() as cursor:
        cursor.execute("delete from syncs")
    for kind, ended_at in syncs.items():
        record(many, kind, ended_at)
    assert freshness(many, minutes, NOW).stale == stale


def test_a_failed_sync_is_no_look_and_an_uncertain_one_is(store: Store) -> None:
    record(store, "cold", ago(hours=1))
    record(store, "hot", ago(minutes=2), "failed")
    assert freshness(store, 5, NOW).stale == ("hot",)
    record(store, "hot", ago(minutes=1), "uncertain")
    assert freshness(store, 5, NOW).stale == ()


def test_an_empty_store_waits_for_its_first_sync_unless_that_has_failed(store: Store) -> None:
    assert (freshness(store, 5, NOW).stale, freshness(store, 5, NOW).age("hot")) == ((), None)
    store.begin_sync(kind="cold", dialect="", started_at=ago(minutes=40))
    assert freshness(store, 5, NOW).stale == ()  # a first reading may take that long
    record(store, "cold", ago(minutes=30), "failed")
    assert freshness(store, 5, NOW).stale == ("hot",)
    assert (
        freshness(store, 5, NOW).sentence == "No look at the portal has succeeded for 40\u00a0min (limit 15\u00a0min)."
    )


def test_above_a_hundred_thousand_leads_the_window_is_swept_nightly_and_may_be_older(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write_leads([make_lead(name, "2026-11-19T10:00:00Z") for name in "abc"], observed_at=NOW)
    record(store, "hot", ago(minutes=1))
    record(store, "cold", ago(hours=29))
    assert freshness(store, 5, NOW).stale == ("cold",)
    monkeypatch.setattr("leadlib.sync.bands.NIGHTLY_ABOVE", 2)
    store.remember("dialect", "filter")  # anything that is committed
    assert freshness(store, 5, NOW).stale == ()
    assert freshness(store, 5, NOW + timedelta(hours=2)).stale == ("hot", "cold")


def test_the_answer_follows_the_clock_and_the_store(store: Store) -> None:
    record(store, "cold", ago(minutes=10))
    assert freshness(store, 5, NOW).stale == ()
    later = freshness(store, 5, NOW + timedelta(minutes=6))
    assert later.stale == ("hot",)
    assert later.sentence == "No look at the portal has succeeded for 16\u00a0min (limit 15\u00a0min)."
    record(store, "hot", NOW + timedelta(minutes=6))
    assert freshness(store, 5, NOW + timedelta(minutes=7)).stale == ()


# /healthz and the banner


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The app's own engine, whose settings say that a sync runs every five minutes, and whose worker stands still."""
    set_app_settings(monkeypatch, tmp_path)
    opened = get_engine()
    opened.settings = replace(opened.settings, sync_minutes=5)
    opened.store.write_leads([make_lead("a", responseLink=None)], observed_at=datetime.now(UTC))
    yield opened
    get_engine.clear()


def health_of_now() -> tuple[int, dict[str, object]]:
    answer = asyncio.run(health(Request({"type": "http"})))
    return answer.status_code, json.loads(bytes(answer.body))


def test_health_fails_while_the_data_is_stale_and_says_which(engine: Engine) -> None:
    record(engine.store, "cold", datetime.now(UTC) - timedelta(minutes=16))
    code, body = health_of_now()
    assert (code, body["status"], body["stale"]) == (503, "stale", ["hot"])
    assert body["seconds_since"]["hot"] == pytest.approx(16 * 60, abs=30)  # type: ignore[index]
    assert body["seconds_allowed"] == {"hot": 900, "cold": 43_200}
    record(engine.store, "hot", datetime.now(UTC))
    code, body = health_of_now()
    assert (code, body["status"], body["stale"], body["background_sync"]) == (200, "ok", [], "on")
    record(engine.store, "cold", datetime.now(UTC) - timedelta(hours=13))
    assert health_of_now()[0] == 200  # the newest sweep of the window counts, not the last one written


def test_health_without_a_background_sync_says_so_and_does_not_fail(engine: Engine) -> None:
    record(engine.store, "cold", datetime.now(UTC) - timedelta(days=3))
    engine.settings = replace(engine.settings, sync_minutes=0)
    code, body = health_of_now()
    assert (code, body["status"], body["background_sync"], body["stale"]) == (200, "ok", "off", [])


def test_health_holds_nothing_personal(engine: Engine) -> None:
    record(engine.store, "cold", datetime.now(UTC) - timedelta(minutes=16))
    text = json.dumps(health_of_now())
    for personal in ("Test Sender", "+9715", "EX-RENT", "90001", "a-token"):
        assert personal not in text


def test_every_page_shows_the_banner_of_the_same_rule_and_looks_again_within_a_minute(engine: Engine) -> None:
    record(engine.store, "cold", datetime.now(UTC) - timedelta(minutes=16))
    app = AppTest.from_file(str(SHELL), default_timeout=60).run()
    for page in ("leads", "health"):
        app.switch_page(f"../../pages/{page}.py").run()
        assert "**What is shown is old**" in [warning.value for warning in app.warning], page
        assert any("No look at the portal has succeeded for 16\u00a0min" in html.body for html in app.get("html")), page
    record(engine.store, "hot", datetime.now(UTC))
    app.run()
    assert "**What is shown is old**" not in [warning.value for warning in app.warning]
    assert status._POLL_IDLE_S <= 60
