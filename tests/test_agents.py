"""Agents beside each other: given rows, expected rows; and the sandbox's planted agents, found again."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from leadlib import charts
from leadlib.errors import FilterError
from leadlib.filters import Filters
from leadlib.metrics import agents, breakdown, compute
from leadlib.records import AgentName
from leadlib.statistics import ACT, LOOK, funnel_limits
from leadlib.store import Store
from leadlib.theme import PALETTES
from tests.conftest import at, make_lead
from tests.sync_bench import NOW, Bench, planted_brokerage

ALL = Filters()


def see(store: Store, groups: dict[int | None, tuple[int, int]], status: str = "sent", day: int = 15) -> None:
    """Matured leads per agent: (how many, how many of them responded); the others have `status`."""
    leads = [
        make_lead(
            f"{agent}-{status}-{day}-{i}",
            f"2026-09-{day}T00:00:00Z",
            status="responded" if i < hits else status,
            publicProfile={"id": agent} if agent else None,
        )
        for agent, (n, hits) in groups.items()
        for i in range(n)
    ]
    store.write_leads(leads, observed_at=at("2026-09-20 00:00"))


def rows(frame: pd.DataFrame, *names: str) -> list[tuple[object, ...]]:
    return list(frame[list(names)].itertuples(index=False, name=None))


def test_no_leads_give_no_agents(store: Store) -> None:
    assert agents(store, ALL).empty
    assert charts.against_chance_takeaway(agents(store, ALL)) == "No leads for these filters."


def test_the_verdict_is_in_words_and_unassigned_leads_have_none(store: Store) -> None:
    """All together 60 of 104 = 58 %: of 40 leads, 38 and 8 lie outside the limits, 12 of 20 within; 2 of 4 are few."""
    see(store, {1: (40, 38), 2: (40, 8), 3: (20, 12), 4: (4, 2), None: (30, 0)})
    frame = agents(store, ALL)
    assert rows(frame.fillna({"verdict": ""}), "key", "verdict") == [
        ("1", "better"),
        ("3", "no_call"),
        ("2", "worse"),
        ("4", "too_few"),
        ("none", ""),
    ]
    assert set(frame["team_rate"]) == {(38 + 8 + 12 + 2) / (40 + 40 + 20 + 4)}


def test_between_the_inner_and_the_outer_limits_there_is_no_call_but_a_look(store: Store) -> None:
    """Of 40 leads around 50 %, 13 lie outside 95 % (fewer than 14 have 1.9 %) but not outside 99.8 %."""
    see(store, {1: (40, 13), 2: (40, 27), 3: (400, 200)})
    assert rows(agents(store, ALL).sort_values("key"), "key", "verdict") == [
        ("1", "look_low"),
        ("2", "look_high"),
        ("3", "no_call"),
    ]
    low, high = funnel_limits(40, 0.5, LOOK)
    act_low, act_high = funnel_limits(40, 0.5, ACT)
    first = agents(store, ALL).set_index("key").loc["1"]
    assert tuple(first[["act_low", "look_low", "look_high", "act_high"]]) == (act_low, low, high, act_high)
    assert act_low < 13 / 40 < low


def test_the_peer_rate_leaves_out_the_agent_and_the_unassigned(store: Store) -> None:
    see(store, {1: (40, 30), 2: (20, 10), 3: (10, 1), None: (30, 30)})
    frame = agents(store, ALL).set_index("key")
    assert rows(frame.loc[["1", "2", "3", "none"]], "peers_responded", "peers_matured", "peer_rate") == [
        (10 + 1, 20 + 10, 11 / 30),
        (30 + 1, 40 + 10, 31 / 50),
        (30 + 10, 40 + 20, 40 / 60),
        (30 + 10 + 1, 40 + 20 + 10, 41 / 70),
    ]


def test_rank_goes_by_the_shrunken_rate_and_small_luck_does_not_lead(store: Store) -> None:
    """Five of five beats 88 of 100 in the raw rate, not in the shrunken one."""
    see(store, {1: (100, 88), 2: (5, 5), 3: (100, 50), 4: (100, 45), 5: (100, 55), 6: (4, 4)})
    frame = agents(store, ALL).set_index("key")
    assert frame.loc["2", "response_rate"] > frame.loc["1", "response_rate"]
    assert rows(frame.loc[["1", "2", "5", "3", "4"]], "rank") == [(1,), (2,), (3,), (4,), (5,)]
    assert tuple(frame.loc["1", ["rank_best", "rank_worst", "n_ranked"]]) == (1, 2, 5)
    assert frame.loc["2", "rank_worst"] >= 3
    assert frame.loc["6", ["shrunken_rate", "rank", "rank_best", "rank_worst"]].isna().all()
    assert frame.loc["6", "shrunken_rate_quality"] == "too_few"


def test_agents_that_are_alike_share_a_rank(store: Store) -> None:
    see(store, {1: (50, 30), 2: (50, 30), 3: (50, 10)})
    assert rows(agents(store, ALL), "key", "rank") == [("1", 1), ("2", 1), ("3", 3)]


def test_unknown_outcomes_speak_against_a_verdict(store: Store) -> None:
    """8 of 40 is worse than team, unless the twelve leads that were archived unseen had been answered."""
    see(store, {1: (40, 8), 2: (400, 240)})
    assert agents(store, ALL).set_index("key").loc["1", "verdict"] == "worse"
    see(store, {3: (28, 8)})
    see(store, {3: (12, 0)}, status="archived", day=16)
    row = agents(store, ALL).set_index("key").loc["3"]
    assert (row["matured"], row["unknown_matured"], row["response_rate_quality"]) == (40, 12, "bounds")
    assert row["verdict"] == "no_call"
    assert math.isnan(row["rank"])


def test_too_much_unknown_history_leaves_no_limits_and_no_call(store: Store) -> None:
    see(store, {1: (40, 8), 2: (40, 38)})
    see(store, {1: (4, 0), 2: (4, 0)}, status="archived", day=16)
    frame = agents(store, ALL)
    assert frame[["team_rate", "look_low", "act_high"]].isna().all(axis=None)
    assert set(frame["verdict"]) == {"no_call"}
    assert "unknown history" in charts.against_chance_takeaway(frame)


def test_a_departed_agent_stays_among_all_others(store: Store) -> None:
    see(store, {1: (40, 30), 2: (40, 10)})
    store.write_names([AgentName(2, "Gone Agent", False)], [], [])
    frame = agents(store, ALL).set_index("key")
    assert (frame.loc["2", "label"], frame.loc["2", "is_active"]) == ("Gone Agent", False)
    assert frame.loc["1", "peers_matured"] == 40


def test_a_filter_by_agent_narrows_the_rows_but_not_the_others_beside_them(store: Store) -> None:
    see(store, {1: (40, 38), 2: (40, 8), 3: (20, 12), None: (5, 0)})
    one = agents(store, Filters.of({"agent": ["2"]}))
    everyone = agents(store, ALL)
    pd.testing.assert_frame_equal(one, everyone[everyone["key"] == "2"].reset_index(drop=True))
    assert list(agents(store, Filters.of({"agent": ["none"]}))["key"]) == ["none"]


def test_counts_and_rates_are_those_of_the_breakdown(store: Store) -> None:
    see(store, {1: (40, 38), 2: (12, 8), None: (5, 0)})
    one, other = agents(store, ALL).sort_values("key"), breakdown(store, ALL, "agent").sort_values("key")
    shared = [name for name in one.columns if name in other.columns]
    assert "response_rate_high" in shared
    pd.testing.assert_frame_equal(one[shared].reset_index(drop=True), other[shared].reset_index(drop=True))


def test_the_oldest_waiting_lead_is_dated_from_the_last_observation(store: Store) -> None:
    see(store, {1: (2, 1)}, day=15)
    see(store, {1: (1, 0)}, day=18)
    see(store, {2: (3, 3)})
    see(store, {2: (1, 0)}, status="archived", day=10)
    frame = agents(store, ALL).set_index("key")
    assert frame.loc["1", "oldest_waiting_h"] == 5 * 24
    assert math.isnan(frame.loc["2", "oldest_waiting_h"])  # answered or archived: nobody waits


def test_what_only_agents_have_is_refused_for_other_groups(store: Store) -> None:
    with pytest.raises(FilterError, match="agents only"):
        compute("verdict", store, ALL, by="channel")
    see(store, {1: (40, 38)})
    assert list(compute("rank", store, ALL, by="agent").columns) == [
        *("key", "label", "rank", "rank_best", "rank_worst", "n_ranked"),
    ]


# Drawn


def test_points_are_marked_by_their_verdict_and_lead_to_their_agent(store: Store) -> None:
    see(store, {1: (40, 38), 2: (40, 8), 3: (20, 12), 4: (4, 2), None: (30, 0)})
    figure = charts.plot_against_chance(agents(store, ALL))
    marks = {
        trace.name: [key for key, _ in trace.customdata]
        for trace in figure.data
        if trace.mode == "markers" and trace.customdata
    }
    assert marks == {"Better than team": ["1"], "Worse than team": ["2"], "No call": ["3"]}
    colours = {trace.name: trace.marker.color for trace in figure.data if trace.mode == "markers"}
    assert colours["Better than team"] == PALETTES["light"].accent
    assert colours["Worse than team"] == PALETTES["light"].warning


def test_the_takeaway_counts_those_beyond_chance_and_names_the_lowest(store: Store) -> None:
    see(store, {1: (40, 38), 2: (40, 8), 3: (20, 12), 4: (4, 2), None: (30, 0)})
    assert charts.against_chance_takeaway(agents(store, ALL)).replace("\u00a0", " ") == (
        "All agents together stand at 58 %. Chance does not explain that 1 of 3 agents with enough leads is lower and "
        "1 higher. Lowest: #2, 20 %."
    )


# Found again


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A planted brokerage of 2,500 leads, read once."""
    with planted_brokerage(tmp_path_factory.mktemp("planted"), 2_500) as bench:
        yield bench


def test_shrunken_intervals_hold_what_was_planted(planted: Bench) -> None:
    server, store = planted.portal, planted.store
    frame = agents(store, ALL)
    frame = frame[frame["rank"].notna()]
    truth = np.array([server.truth.expected_response_rate(int(key), NOW) for key in frame["key"]])
    held = (frame["shrunken_rate_low"] <= truth) & (truth <= frame["shrunken_rate_high"])
    assert len(frame) >= 10
    assert held.mean() >= 0.85
    error = (frame["shrunken_rate"] - truth).abs()
    assert (error**2).mean() <= ((frame["response_rate"] - truth) ** 2).mean()


def test_verdicts_never_turn_what_was_planted_around(planted: Bench) -> None:
    server, store = planted.portal, planted.store
    frame = agents(store, ALL)
    for row in frame[frame["verdict"].isin(["better", "worse"])].to_dict("records"):
        truth = server.truth.expected_response_rate(int(row["key"]), NOW)
        assert truth is not None
        assert (truth > row["team_rate"]) == (row["verdict"] == "better")
    assert {"better", "worse"} <= set(frame["verdict"])
