"""Agents like for like: given rows, expected rows; and agents that are alike but for the leads that they get."""

import math

import numpy as np
import pandas as pd
import pytest

from leadlib import charts
from leadlib.filters import Filters
from leadlib.metrics import agents, like_for_like, wilson
from leadlib.metrics.case_mix import STRATA, expected_rates
from leadlib.statistics import ACT, LOOK, funnel_limits
from leadlib.store import Store
from tests.conftest import at, make_lead

ALL = Filters()
Counts = dict[tuple[int | None, str], tuple[int, int]]


def see(store: Store, groups: Counts, status: str = "sent", hour: int = 8) -> None:
    """Matured leads per agent and channel: (how many, how many of them responded); the others have `status`."""
    leads = [
        make_lead(
            f"{agent}-{channel}-{status}-{hour}-{i}",
            f"2026-09-15T{hour:02d}:00:00Z",
            status="responded" if i < hits else status,
            channel=channel,
            publicProfile={"id": agent} if agent else None,
        )
        for (agent, channel), (n, hits) in groups.items()
        for i in range(n)
    ]
    store.write_leads(leads, observed_at=at("2026-09-20 00:00"))


def row(frame: pd.DataFrame, key: str) -> pd.Series:
    return frame.set_index("key").loc[key]


def test_expected_is_what_all_agents_would_have_answered_of_the_same_kinds_of_leads(store: Store) -> None:
    """Calls are answered 90 of 100 by all, e-mails 30 of 100. Agent 1 has mostly e-mails, agent 2 mostly calls.

    Agent 1: 20 calls at 90 % and 80 e-mails at 30 % let expect 18 + 24 = 42, and 42 of them responded.
    Agent 2: 80 calls at 90 % and 20 e-mails at 30 % let expect 72 + 6 = 78, and 78 of them responded.
    """
    see(store, {(1, "call"): (20, 18), (1, "email"): (80, 24), (2, "call"): (80, 72), (2, "email"): (20, 6)})
    frame = like_for_like(store, ALL)
    first, second = row(frame, "1"), row(frame, "2")
    assert (first["responded_matured"], first["expected_responded"]) == (18 + 24, pytest.approx(20 * 0.9 + 80 * 0.3))
    assert (second["responded_matured"], second["expected_responded"]) == (72 + 6, pytest.approx(80 * 0.9 + 20 * 0.3))
    assert first["team_rate"] == (42 + 78) / 200
    assert list(frame["observed_to_expected"]) == pytest.approx([1, 1])
    assert list(frame["standardised_rate"]) == pytest.approx([0.6, 0.6])
    assert list(frame["compared_finely"]) == [1, 1]
    # The raw view takes one for worse and the other for better.
    assert set(agents(store, ALL)["verdict"]) == {"worse", "better"}
    assert set(frame["standardised_verdict"]) == {"no_call"}


def test_the_interval_and_the_limits_are_those_of_the_agents_own_leads_on_the_scale_of_the_team(store: Store) -> None:
    """Agent 1 answers 30 of 80 e-mails where 24 + 3 of 90 are usual, so 80 * 36 / 100 = 28.8 are expected."""
    see(store, {(1, "email"): (80, 30), (2, "email"): (20, 6), (2, "call"): (100, 90)})
    found = row(like_for_like(store, ALL), "1")
    team = (30 + 6 + 90) / 200
    assert found["expected_responded"] == pytest.approx(80 * 36 / 100)
    assert found["observed_to_expected"] == pytest.approx(30 / 28.8)
    assert found["standardised_rate"] == pytest.approx(30 / 28.8 * team)
    low, high = wilson(30, 80)
    assert found["observed_to_expected_low"] == pytest.approx(low * 80 / 28.8)
    assert found["standardised_rate_high"] == pytest.approx(high * 80 / 28.8 * team)
    for within, name in ((LOOK, "look"), (ACT, "act")):
        assert tuple(found[[f"{name}_low", f"{name}_high"]]) == pytest.approx(
            [float(limit) * team / 0.36 for limit in funnel_limits(80, 0.36, within)]
        )


def test_leads_of_one_kind_leave_the_raw_view_as_it_is(store: Store) -> None:
    see(store, {(1, "email"): (40, 38), (2, "email"): (40, 8), (3, "email"): (20, 12), (4, "email"): (4, 2)})
    raw, alike = agents(store, ALL), like_for_like(store, ALL)
    assert list(raw["key"]) == list(alike["key"])
    for name in ("rate", "rate_low", "rate_high"):
        assert alike[f"standardised_{name}"].to_numpy() == pytest.approx(
            raw[f"response_{name}"].to_numpy(), nan_ok=True
        )
    for name in ("look_low", "act_high", "shrunken_rate", "rank", "rank_worst"):
        prefix = "" if name.startswith(("look", "act")) else "standardised_"
        assert alike[f"{prefix}{name}"].to_numpy() == pytest.approx(raw[name].to_numpy(), nan_ok=True)
    assert list(alike["standardised_verdict"]) == list(raw["verdict"]) == ["better", "no_call", "worse", "too_few"]


def test_expected_responses_of_all_agents_add_up_to_those_that_came(store: Store) -> None:
    see(store, {(1, "email"): (40, 12), (2, "email"): (60, 8), (3, "call"): (50, 25), (4, "call"): (30, 25)})
    frame = like_for_like(store, ALL)
    assert frame["expected_responded"].sum() == pytest.approx(12 + 8 + 25 + 25)


def test_a_kind_that_the_others_hardly_have_gives_way_to_a_wider_one() -> None:
    """Agent 1 has listings' calls at 9 and 10 o'clock; of the others 20 are at 10, 19 at 9, and 19 + 20 in that part.

    At 10 the narrowest kind has 20 leads of others: 8 + 10 of 30. At 9 it is the part of the day, 08 to 12: 27 of 59.
    Agent 2's only e-mail has no other e-mail beside it, so it is compared with all leads: 27 + 1 of 60.
    """
    mix = pd.DataFrame(
        [
            ("1", "call", "listing", "9", 10, 9),
            ("1", "call", "listing", "10", 10, 8),
            ("2", "call", "listing", "10", 20, 10),
            ("2", "call", "listing", "9", 19, 0),
            ("2", "email", "listing", "9", 1, 1),
            (None, "email", "listing", "9", 500, 500),
        ],
        columns=["agent", "channel", "entity_type", "hour", "matured", "responded_matured"],
    )
    rates, levels = expected_rates(mix)
    assert list(levels[:2]) == [1, 0]
    assert list(rates[:2]) == pytest.approx([(9 + 8 + 10 + 0) / (10 + 10 + 20 + 19), (8 + 10) / (10 + 20)])
    # Of agent 2's calls the other agent has 10 an hour and 20 in the part of the day.
    assert list(levels[2:4]) == [1, 1]
    assert (levels[4], rates[4]) == (len(STRATA) - 1, pytest.approx((9 + 8 + 10 + 0 + 1) / 60))
    # Nobody's leads are no part of what agents do, however many they are.
    assert rates[5] == pytest.approx(28 / 60)


def test_an_hour_belongs_to_the_accounts_clock(store: Store) -> None:
    """20:00 UTC is midnight in Dubai, 19:59 the hour before: agent 1 is compared with those of its own hour alone."""
    see(store, {(1, "email"): (20, 10), (2, "email"): (20, 10)}, hour=20)
    see(store, {(1, "email"): (20, 2), (3, "email"): (20, 2)}, hour=19)
    frame = like_for_like(store, ALL)
    assert list(frame.sort_values("key")["expected_responded"]) == pytest.approx([10 + 2, 10, 2])


def test_unassigned_leads_and_agents_with_few_are_not_compared(store: Store) -> None:
    see(store, {(1, "email"): (40, 20), (2, "email"): (4, 4), (None, "email"): (30, 0)})
    frame = like_for_like(store, ALL)
    assert list(frame["key"]) == ["1", "2", "none"]
    few, nobody = row(frame, "2"), row(frame, "none")
    assert few[["observed_to_expected", "standardised_rate", "standardised_rank"]].isna().all()
    assert (few["standardised_rate_quality"], few["standardised_verdict"]) == ("too_few", "too_few")
    assert nobody["expected_responded"] == pytest.approx(30 * 24 / 44)
    assert pd.isna(nobody["standardised_verdict"])


def test_unknown_outcomes_widen_the_interval_and_speak_against_a_verdict(store: Store) -> None:
    see(store, {(1, "email"): (28, 8), (2, "email"): (400, 240)})
    see(store, {(1, "email"): (12, 0)}, status="archived")
    found = row(like_for_like(store, ALL), "1")
    assert found["standardised_rate_quality"] == "bounds"
    assert math.isnan(found["standardised_rate"])
    scale = found["team_rate"] * 40 / found["expected_responded"]
    assert found["standardised_rate_high"] == pytest.approx(wilson(8 + 12, 40)[1] * scale)
    assert found["standardised_verdict"] == "no_call"


def test_without_a_rate_of_the_team_nothing_is_expected(store: Store) -> None:
    see(store, {(1, "email"): (40, 8), (2, "email"): (40, 38)})
    see(store, {(1, "email"): (4, 0), (2, "email"): (4, 0)}, status="archived")
    frame = like_for_like(store, ALL)
    assert frame[["expected_responded", "standardised_rate", "standardised_rate_low"]].isna().all(axis=None)
    assert set(frame["standardised_verdict"]) == {"no_call"}


def test_a_team_that_answers_nothing_or_all_is_no_special_case(store: Store) -> None:
    see(store, {(1, "email"): (40, 0), (2, "email"): (40, 0)})
    assert like_for_like(store, ALL)["standardised_rate"].isna().all()
    see(store, {(1, "email"): (40, 40), (2, "email"): (40, 40)})
    assert list(like_for_like(store, ALL)["standardised_rate"]) == [1, 1]


def test_no_leads_and_no_matured_leads_give_nothing_to_compare(store: Store) -> None:
    assert like_for_like(store, ALL).empty
    store.write_leads([make_lead("young", "2026-09-19T23:00:00Z")], observed_at=at("2026-09-20 00:00"))
    found = like_for_like(store, ALL).iloc[0]
    assert math.isnan(found["expected_responded"])
    assert found["standardised_rate_quality"] == "no_leads"


def test_a_filter_by_agent_narrows_the_rows_but_not_what_is_expected(store: Store) -> None:
    see(store, {(1, "email"): (40, 38), (2, "email"): (40, 8), (3, "email"): (20, 12), (None, "email"): (5, 0)})
    everyone = like_for_like(store, ALL)
    one = like_for_like(store, Filters.of({"agent": ["2"]}))
    pd.testing.assert_frame_equal(one, everyone[everyone["key"] == "2"].reset_index(drop=True))


def test_agents_that_are_alike_are_called_worse_by_their_mix_of_leads_in_the_raw_view_alone() -> None:
    """All answer a lead of one kind alike, but get unlike kinds: at most 5 % of accounts call one of 24 agents worse.

    The raw view calls one so in most of them.
    """
    rng = np.random.default_rng(5)
    n_agents, n_leads = 24, 150
    chance = np.array([0.75, 0.6, 0.35])[:, None] * np.where((np.arange(24) >= 8) & (np.arange(24) < 20), 1, 0.6)
    worse, raw_worse = [], []
    for _ in range(40):
        kinds = [np.outer(rng.dirichlet(np.full(3, 1.5)), rng.dirichlet(np.ones(24))).ravel() for _ in range(n_agents)]
        matured = np.stack([rng.multinomial(n_leads, shares) for shares in kinds])
        responded = rng.binomial(matured, chance.ravel())
        agent, kind = np.nonzero(matured)
        mix = pd.DataFrame(
            {
                "agent": agent.astype(str),
                "channel": (kind // 24).astype(str),
                "entity_type": "listing",
                "hour": (kind % 24).astype(str),
                "matured": matured[agent, kind],
                "responded_matured": responded[agent, kind],
            }
        )
        expected = np.bincount(agent, expected_rates(mix)[0] * mix["matured"])
        shares = responded.sum(axis=1) / n_leads
        limits = [funnel_limits(n_leads, rate, ACT)[0] for rate in expected / n_leads]
        worse.append((shares < np.array(limits)).any())
        raw_worse.append((shares < funnel_limits(n_leads, responded.sum() / n_agents / n_leads, ACT)[0]).any())
    assert np.mean(worse) <= 0.05
    assert np.mean(raw_worse) >= 0.5


def test_each_agent_is_drawn_with_limits_of_its_own(store: Store) -> None:
    see(store, {(1, "email"): (80, 30), (2, "email"): (20, 6), (2, "call"): (100, 90), (3, "call"): (30, 26)})
    see(store, {(4, "call"): (4, 1)})
    frame = like_for_like(store, ALL)
    figure = charts.plot_against_chance(frame)
    judged = frame[frame["matured"] >= 20].reset_index(drop=True)
    wide = next(trace for trace in figure.data if str(trace.name).startswith("99.8"))
    assert list(wide.x[::3]) == list(judged["matured"])
    assert list(wide.y[::3]) == pytest.approx(list(judged["act_low"]))
    marks = {key: y for t in figure.data if t.mode == "markers" for (key, _), y in zip(t.customdata, t.y, strict=True)}
    assert marks == pytest.approx(dict(zip(judged["key"], judged["standardised_rate"], strict=True)))
    assert "like" not in charts.against_chance_takeaway(agents(store, ALL))
    assert charts.against_chance_takeaway(frame).replace("\u00a0", " ") == (
        "All agents together stand at 65 %. Chance explains how far the 3 agents with enough leads lie from it."
    )
