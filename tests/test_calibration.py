"""Calibration: estimates beside the planted truth, how often their intervals hold it, and the page that shows both."""

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from leadlib import charts
from leadlib.access import LOCAL
from leadlib.calibration import CHANGES, ESTIMATES, OF_AGENTS, calibration
from leadlib.config import Settings
from leadlib.engine import Engine
from leadlib.filters import Filters
from leadlib.past import Past
from leadlib.sandbox import PlantedLead, SandboxServer, SandboxSettings
from leadlib.store import Store
from leadlib.ui.names import Vocabulary
from leadlib.ui.numbers import twin
from leadlib.ui.view import View
from leadlib.webhooks import Applier, Spool
from tests.conftest import DUBAI
from tests.sync_bench import NOW, PLENTY, Bench

PAGE = Path(__file__).resolve().parents[1] / "pages" / "calibration.py"
SURELY = 3.0
"""Standard errors that a share may lie below what is stated: chance alone rarely goes beyond."""


@contextmanager
def seen_brokerage(folder: Path, n_leads: int, seed: int, has_past: bool) -> Iterator[Bench]:
    """A planted brokerage that was read once; with a past, also polled in its first days and told of by webhooks."""
    settings = SandboxSettings(
        n_leads=n_leads, seed=seed, frozen_at=NOW, calls_per_minute=PLENTY, token_calls_per_minute=PLENTY
    )
    with SandboxServer(settings) as portal, Store.open(folder / "store", timezone=DUBAI, portal=portal.url) as store:
        bench = Bench(portal, store)
        with bench.own_client:
            past = Past(portal, store, bench.own_client, Applier(store, bench.own_client, Spool(folder)))
            if has_past:
                past.look_back(lambda progress: None)
            bench.sync()
            if has_past:
                past.catch_up(lambda progress: None)
            yield bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with seen_brokerage(tmp_path_factory.mktemp("seen"), 1_000, 7, has_past=True) as one:
        yield one


@pytest.fixture(scope="module")
def frame(bench: Bench) -> pd.DataFrame:
    return calibration(bench.store, bench.portal.truth)


def test_every_figure_stands_beside_what_was_planted(bench: Bench, frame: pd.DataFrame) -> None:
    """Each worked out again from the planted leads of whole days, the window's first and today left out."""
    leads = [x for x in bench.portal.truth.visible(NOW) if "2026-08-21" <= day_of(x) <= "2026-11-19"]
    planted = frame.set_index(["topic", "key"])["planted"]
    assert planted["response_rate", "all"] == pytest.approx(np.mean([lead.propensity for lead in leads]))
    for agent_id in (90001, 90013):
        own = [lead.propensity for lead in leads if lead.agent_id == agent_id]
        assert planted["shrunken_rate", str(agent_id)] == pytest.approx(np.mean(own))
    for channel in ("whatsapp", "call", "email", "chat"):
        assert planted["leads", channel] == sum(lead.channel == channel for lead in leads)
    assert planted["reached", "responded"] == sum((lead.responded_at or NOW) < NOW for lead in leads)
    messages = [lead for lead in leads if lead.channel != "call"]
    # What became of the leads lies about the chances they were planted with, three standard errors at most.
    by_an_hour = np.mean([(lead.response_minutes or math.inf) <= 60 for lead in messages])
    assert planted["replied_within", "60 min"] == pytest.approx(by_an_hour, abs=3 * 0.5 / math.sqrt(len(messages)))
    assert set(frame["topic"]) == {*ESTIMATES, "response_rate_of_all", "leads", "reached"}


def day_of(lead: PlantedLead) -> str:
    return str(lead.created_at.astimezone(DUBAI).date())


def test_times_and_changes_stand_beside_what_the_planted_habits_give(bench: Bench, frame: pd.DataFrame) -> None:
    """Medians of what became of the leads lie near those of their habits; parts of a change add up to the whole."""
    planted = frame.set_index(["topic", "key"])["planted"]
    leads = [x for x in bench.portal.truth.visible(NOW) if "2026-08-21" <= day_of(x) <= "2026-11-19"]
    delays = [math.inf if x.response_minutes is None else x.response_minutes for x in leads if x.channel != "call"]
    assert np.quantile(delays, 0.45) <= planted["median_reply_min", "median"] <= np.quantile(delays, 0.55)
    opened = [
        (stages["opened"] - stages["sent"]).total_seconds() / 60 if "opened" in stages else math.inf
        for stages in (dict(x.transitions) for x in leads if x.channel != "call")
    ]
    assert np.quantile(opened, 0.4) <= planted["median_step_min", "sent_opened"] <= np.quantile(opened, 0.6)
    for topic in CHANGES:
        assert planted[topic, "all"] == pytest.approx(planted[topic].drop("all").sum())
    for agent_id in (90001, 90013):
        # A rate like for like is that of the agent's own leads on another scale: alike where his leads are usual.
        assert planted["standardised_rate", str(agent_id)] == planted["standardised_shrunken_rate", str(agent_id)]
        assert 0.6 < planted["standardised_rate", str(agent_id)] / planted["agent_rate", str(agent_id)] < 1.6


def test_counts_are_what_was_planted(frame: pd.DataFrame) -> None:
    counts = frame[frame["topic"].isin(["leads", "reached"])]
    assert len(counts) == 4 + 3
    assert counts["is_inside"].all()
    by_channel = counts[counts["topic"] == "leads"]
    assert (by_channel["estimate"] == by_channel["planted"]).all()


def test_inside_means_between_both_ends_and_nothing_is_said_without_an_interval(frame: pd.DataFrame) -> None:
    told = frame[frame["is_inside"].notna()]
    assert (told["is_inside"] == told["planted"].between(told["low"], told["high"])).all()
    untold = frame[frame["is_inside"].isna()]
    assert (untold["low"].isna() | untold["high"].isna()).all()


def test_before_the_first_sync_there_is_nothing_to_compare(store: Store, bench: Bench) -> None:
    empty = calibration(store, bench.portal.truth)
    assert empty.empty
    assert "nothing to compare" in charts.calibration_takeaway(empty)
    assert "Too few" in charts.maturing_takeaway(empty)
    assert charts.plot_agents_beside_truth(empty).layout.annotations
    assert charts.plot_beside_truth(empty).layout.annotations


def test_chart_tells_hits_from_misses_and_leads_to_the_agent() -> None:
    rows = pd.DataFrame(
        {
            "topic": ["shrunken_rate"] * 3,
            "key": ["1", "2", "3"],
            "label": ["One", "Two", "Three"],
            "leads": [50, 60, 2],
            "estimate": [0.5, 0.7, math.nan],
            "low": [0.4, 0.65, math.nan],
            "high": [0.6, 0.75, math.nan],
            "planted": [0.55, 0.6, 0.5],
            "is_inside": pd.array([True, False, None], dtype="boolean"),
        }
    )
    figure = charts.plot_agents_beside_truth(rows)
    marks = {trace.name: [key for key, _ in trace.customdata] for trace in figure.data if trace.customdata}
    assert marks == {"Interval holds the truth": ["1"], "Interval misses it": ["2"]}
    assert charts.calibration_takeaway(rows).replace("\u00a0", " ") == (
        "1 of 2 intervals that should hold the truth 95 times in 100 holds what was planted (50 %)."
    )
    table = twin(rows, []).frame
    assert table["Inside"].tolist()[:2] == ["yes", "no"]
    assert table["Planted"].tolist() == pytest.approx([55, 60, 50])


# Drawn


def run_page(engine: Engine) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.session_state["view"] = View(engine, Filters(), Vocabulary("filter", {}, {}), LOCAL)
    app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


def test_page_of_the_sandbox_says_how_many_intervals_hold(bench: Bench, tmp_path: Path) -> None:
    engine = Engine(Settings(database=tmp_path), bench.store, bench.own_client, bench.portal)
    app = run_page(engine)
    frame = calibration(bench.store, bench.portal.truth)
    told = frame.loc[frame["topic"].isin(ESTIMATES), "is_inside"].dropna()
    assert f"{told.sum()} of {len(told)}\u00a0intervals that should hold the truth" in texts(app)
    assert "each is what was planted" in texts(app)


def test_page_refuses_where_nothing_was_planted(bench: Bench, tmp_path: Path) -> None:
    """The same leads behind credentials: for all that Leadlight knows, that is a real account."""
    engine = Engine(Settings(database=tmp_path), bench.store, bench.own_client, None)
    app = run_page(engine)
    assert [block.value for block in app.header] == ["Nothing was planted here"]
    assert "Of a real account nobody knows the truth" in texts(app)
    assert not app.get("plotly_chart")


# How often intervals hold


@pytest.fixture(scope="module")
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The rows of `calibration` of several brokerages, each seen once and each with a past."""
    is_full = request.config.getoption("--matrix") == "full"
    seeds, n_leads = (range(40), 1_500) if is_full else (range(1), 500)
    found = []
    for seed in seeds:
        for has_past in (False, True):
            with seen_brokerage(tmp_path_factory.mktemp("many"), n_leads, seed, has_past) as one:
                rows = calibration(one.store, one.portal.truth)
            found.append(rows.assign(seed=seed, seen="with a past" if has_past else "once"))
    return pd.concat(found, ignore_index=True)


def test_stated_intervals_hold_the_planted_truth_as_often_as_they_say(many: pd.DataFrame) -> None:
    told = many[many["topic"].isin(ESTIMATES) & many["is_inside"].notna()]
    held = told.groupby(["seen", "topic"])["is_inside"].agg(["sum", "count"])
    logging.getLogger(__name__).info("intervals that hold the truth:\n%s", held.to_string())
    untold = set(ESTIMATES) - {topic for _, topic in held.index}
    # Of few leads some are refused: one takes a hundred replies on a channel.
    assert untold <= ({"settled_h", "agent_p90_min"} if many["seed"].nunique() < 40 else set())
    for (seen, topic), (n_held, n_told) in held.iterrows():
        # The figures of one brokerage come from the same leads and move together; its agents' leads are their own.
        n_free = n_told if topic in OF_AGENTS else min(n_told, told["seed"].nunique())
        assert n_held / n_told >= 0.95 - SURELY * math.sqrt(0.95 * 0.05 / n_free), (seen, topic)


def test_counts_are_what_was_planted_in_every_brokerage(many: pd.DataFrame) -> None:
    assert many.loc[many["topic"].isin(["leads", "reached"]), "is_inside"].all()
