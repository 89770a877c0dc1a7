"""What the statistical standard asks of all numbers together; each number's own tests stand in its own file.

Elsewhere: Wilson's and Newcombe's coverage (test_metrics_statistics), Kaplan-Meier, isotonic regression and verdicts on
identical agents (test_statistics); a funnel that never rises, rows in any order, pieces and repeats, bands that sum to
one and times that move by a day (test_metrics_properties); intervals against the sandbox's truth (test_calibration).
"""

import math
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from leadlib.export import export_leads
from leadlib.filters import Filters
from leadlib.metrics import breakdown, funnel, heat_map, reply_curve, reply_shares, summary, volume
from leadlib.records import HOURS_TO_MATURE, LADDER
from leadlib.sandbox import SandboxServer, SandboxSettings
from leadlib.statistics import incidence
from leadlib.store import Store
from tests.conftest import DUBAI, at, make_lead
from tests.sync_bench import NOW, PLENTY, Bench

ALL = Filters()


def test_matured_rate_finds_what_was_planted_where_the_plain_one_misses_it(store: Store) -> None:
    """Leads of 36 hours of which 60 % are planted to be answered, half of these in three hours.

    Two thirds are younger than a day. Of those, 82 % of the answers have come: 60 % (1/3 + 82 % * 2/3) = 53 %.
    """
    n_leads, seen_at = 4_000, at("2026-09-20 12:00")
    places = np.arange(n_leads)
    ages_h = (places + 0.5) * 36 / n_leads
    # The golden ratio spreads shares evenly over any stretch of ages, so that no luck is left.
    luck = (places * 0.6180339887498949) % 1
    is_answered = luck < 0.6 * (1 - 0.5 ** (ages_h / 3))
    store.write_leads(
        [
            make_lead(str(i), (seen_at - timedelta(hours=age)).isoformat(), status="responded" if answered else "sent")
            for i, age, answered in zip(places, ages_h, is_answered, strict=True)
        ],
        observed_at=seen_at,
    )
    row = summary(store, ALL).iloc[0]
    assert row["matured"] == pytest.approx(n_leads / 3, abs=1)
    assert abs(row["response_rate"] - 0.6) < 0.01
    assert row["response_rate_of_all"] == pytest.approx(0.6 * (1 / 3 + 0.82 * 2 / 3), abs=0.005)
    assert 0.6 - row["response_rate_of_all"] > 0.05


def test_a_lead_that_was_seen_many_times_counts_once(store: Store) -> None:
    for minute in range(3):
        store.write_leads([make_lead("a"), make_lead("a"), make_lead("b")], observed_at=at(f"2026-09-15 10:0{minute}"))
    assert summary(store, ALL)["leads"].tolist() == [2]
    assert reply_shares(store, ALL)["n_waiting"].iloc[0] == 2


# Derived again


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, pd.DataFrame]]:
    """A planted brokerage that was looked at four times in a day and a half, and its file."""
    folder = tmp_path_factory.mktemp("exported")
    settings = SandboxSettings(n_leads=900, frozen_at=NOW, calls_per_minute=PLENTY)
    with SandboxServer(settings) as portal, Store.open(folder / "store", timezone=DUBAI, portal=portal.url) as store:
        bench = Bench(portal, store)
        with bench.own_client:
            for _ in range(4):
                bench.sync(full=True)
                bench.advance(hours=9)
        export_leads(store, ALL, "parquet", folder / "leads.parquet")
        yield store, pq.read_table(folder / "leads.parquet").to_pandas()


def rung(leads: pd.DataFrame) -> pd.Series:
    """The rung of the ladder that a lead reached, 1 at the bottom; 0 where it is unknown."""
    return leads["reached_stage"].map({stage: place for place, stage in enumerate(LADDER, 1)}).fillna(0)


def test_counts_and_rates_follow_from_the_file(exported: tuple[Store, pd.DataFrame]) -> None:
    store, leads = exported
    row = summary(store, ALL).iloc[0]
    is_matured = leads["last_seen_at"] - leads["created_at"] >= timedelta(hours=HOURS_TO_MATURE)
    is_responded = rung(leads) == 4
    assert row["leads"] == len(leads)
    assert row["responded"] == is_responded.sum()
    assert row["matured"] == is_matured.sum()
    assert row["responded_matured"] == (is_matured & is_responded).sum()
    assert row["unknown_matured"] == (is_matured & (rung(leads) == 0)).sum()
    assert row["pending"] == (~is_matured & ~is_responded).sum()
    assert row["archived"] == (leads["stage"] == "archived").sum()
    assert row["unique_senders"] == leads["sender_key"].nunique()
    assert row["response_rate"] == (is_matured & is_responded).sum() / is_matured.sum()
    assert row["response_rate_of_all"] == is_responded.sum() / len(leads)
    for dimension, column in (("agent", "agent_id"), ("channel", "channel"), ("project", "project_id")):
        groups = breakdown(store, ALL, dimension).set_index("key")["leads"]
        counted = leads[column].dropna().map(lambda value: str(int(value)) if isinstance(value, float) else value)
        assert groups.drop("none", errors="ignore").to_dict() == counted.value_counts().to_dict()
        assert groups.get("none", 0) == leads[column].isna().sum()


def test_funnel_volume_and_heat_map_follow_from_the_file(exported: tuple[Store, pd.DataFrame]) -> None:
    store, leads = exported
    reached = rung(leads)
    for row in funnel(store, ALL).to_dict("records"):
        place = LADDER.index(row["stage"]) + 1
        n_unknown = ((reached == 0) & (leads["stage"] == "archived")).sum()
        counted = (reached >= place).sum() + (n_unknown if place == 1 else 0)
        assert row["leads"] == counted, row["stage"]
        assert row["leads_high"] == counted + (0 if place == 1 else n_unknown)
    days = volume(store, ALL, "day").set_index("bucket")["leads"]
    counted_days = leads["created_local"].dt.floor("D").value_counts()
    assert days[days > 0].to_dict() == counted_days.to_dict()
    map_ = heat_map(store, ALL).set_index(["weekday", "hour"])["leads"]
    local = leads["created_local"].dt
    cells = leads.groupby([local.day_of_week + 1, local.hour]).size()
    assert map_[map_ > 0].to_dict() == cells.to_dict()


def test_replies_follow_from_the_file(exported: tuple[Store, pd.DataFrame]) -> None:
    """Shares within a day, from nothing but the instants between which each lead was answered or archived."""
    store, leads = exported
    leads = leads[leads["channel"] != "call"]
    reached = rung(leads)
    kind = np.select(
        [reached == 4, (leads["stage"] == "archived") & (reached > 0), leads["stage"] != "archived"],
        ["replied", "archived", "waiting"],
        "unknown",
    )
    shares = reply_shares(store, ALL).set_index("key")
    for name in ("replied", "archived", "waiting", "unknown"):
        assert shares[f"n_{name}"].iloc[0] == (kind == name).sum()

    def age_min(instants: pd.Series) -> np.ndarray:
        return ((instants - leads["created_at"]) / timedelta(minutes=1)).to_numpy("float64")

    is_replied = kind == "replied"
    begin = np.where(is_replied, age_min(leads["replied_after"]), age_min(leads["archived_after"]))
    end = np.where(is_replied, age_min(leads["replied_by"]), age_min(leads["archived_by"]))
    begin = np.where(kind == "waiting", age_min(leads["last_seen_at"]), begin)
    end = np.where(kind == "waiting", math.inf, end)
    known = kind != "unknown"
    begin, end = np.maximum(begin[known], 0), np.maximum(end[known], 1 / 60)
    found = incidence(begin, end, np.where(kind[known] == "archived", 1, 0), np.ones(known.sum()), n_kinds=2)
    curve = reply_curve(store, ALL).set_index("age_min")["replied_within"]
    for age in (120, 1_440, 10_080):
        # Ages on the screen are rounded to steps, those in the file are not.
        assert curve[curve.index <= age].iloc[-1] == pytest.approx(found.by(0, age)[0], abs=0.02)
