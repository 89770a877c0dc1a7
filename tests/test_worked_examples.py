"""Each metric by a hand-worked example: one brokerage of eleven leads, and what is to be told of it.

`EXAMPLES` has what follows from these leads by counting. What takes more leads, or a formula, has its sums written out
beside its own rows: `ELSEWHERE` says where.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from leadlib.filters import Filters
from leadlib.metrics import METRICS, compute, wilson
from leadlib.store import SliceRow, Store
from tests.conftest import DUBAI, at, make_lead

# The second look is 4 days and 14 hours or more after a to i were created, 18 and 17 hours after j and k.
BROKERAGE = """
lead  created (UTC)     channel   agent  sender  seen 15 Sep, 12:00  seen 20 Sep, 00:00
a     2026-09-14T20:00  whatsapp  1      ann     sent                responded
b     2026-09-14T19:59  whatsapp  1      ann     responded           responded
c     2026-09-15T06:00  whatsapp  1      bob     delivered           opened
d     2026-09-15T06:00  whatsapp  2      cas     opened              archived
e     2026-09-15T06:00  email     2      -       sent                responded
f     2026-09-15T07:00  email     2      dan     responded           archived
g     2026-09-15T08:00  call      2      dan     responded           responded
h     2026-09-15T09:00  call      -      eve     -                   archived
i     2026-09-15T10:00  call      -      fay     -                   on_hold
j     2026-09-19T06:00  email     1      ann     -                   sent
k     2026-09-19T07:00  email     2      gus     -                   responded
"""
LOOKS = ("2026-09-15 12:00", "2026-09-20 00:00")

Cell = object
EXAMPLES: dict[tuple[str, str], dict[str, Cell]] = {
    # (metric, group): what it is of each group; of all leads where there is no group
    ("leads", ""): {"all": 11},
    ("leads", "channel"): {"call": 3, "email": 4, "whatsapp": 4},
    ("unique_senders", ""): {"all": 7},  # ann bob cas dan eve fay gus
    ("unique_senders", "channel"): {"call": 3, "email": 3, "whatsapp": 3},  # dan and ann are in two channels each
    ("repeat_senders", ""): {"all": 2},  # ann, dan
    ("repeat_senders", "channel"): {"call": 0, "email": 0, "whatsapp": 1},  # ann; dan wrote once a channel
    ("responded", ""): {"all": 6},  # a b e f g k
    ("responded", "agent"): {"1": 2, "2": 4, "none": 0},
    ("matured", ""): {"all": 9},  # a to i
    ("pending", ""): {"all": 1},  # j; k is as young, but has its answer
    ("responded_matured", ""): {"all": 5},  # a b e f g
    ("unknown_matured", ""): {"all": 2},  # h i: no rung was ever seen
    ("response_rate", ""): {"all": math.nan},  # two of nine unknown are more than one in twenty: bounds alone
    ("response_rate_of_all", ""): {"all": 6 / 11},
    ("response_rate_of_all", "channel"): {"call": math.nan, "email": math.nan, "whatsapp": math.nan},  # below five
    ("responded_within", ""): {"all": 3},  # b f g: seen by noon of the 15th
    ("unknown_within", ""): {"all": 4},  # a e: somewhere in five days; h i: no rung was ever seen
    ("waiting", ""): {"all": 2},  # c j
    ("waiting", "agent"): {"1": 2, "2": 0, "none": 0},
    ("archived", ""): {"all": 3},  # d f h
    ("archived_unknown", ""): {"all": 1},  # h; of d and f a rung was seen before
    ("unrecognised", ""): {"all": 1},  # i
    ("unrecognised", "channel"): {"call": 1, "email": 0, "whatsapp": 0},
    ("reached_sent", ""): {"all": 10},  # all but i
    ("reached_delivered", ""): {"all": 8},  # all but h i j
    ("reached_opened", ""): {"all": 8},  # the same: c was opened later
    ("reached_responded", ""): {"all": 6},
    ("unassigned", ""): {"all": 2},  # h i
    ("oldest_waiting_h", ""): {"1": 4 * 24 + 18, "2": math.nan, "none": math.nan},  # c, until the last look
    ("overdue", ""): {"all": 2},
    ("overdue", "agent"): {"1": 2},
    ("waiting_again", ""): {"all": 1},  # j is of ann, who had written before
    ("peer_rate", ""): {"1": math.nan, "2": math.nan, "none": 5 / 7},  # all assigned and matured: a to g
    ("verdict", ""): {"1": "too_few", "2": "too_few", "none": math.nan},
    ("rank", ""): {"1": math.nan, "2": math.nan, "none": math.nan},
    ("expected_responded", ""): {"1": 3 * 5 / 7, "2": 4 * 5 / 7, "none": 2 * 5 / 7},
    ("moved", ""): {
        "first:sent>then:responded": 2,  # a e
        "first:sent>today:sent": 1,  # j
        "first:delivered>then:opened": 1,  # c
        "first:opened>then:archived": 1,  # d
        "first:responded>then:archived": 1,  # f
        "first:responded>today:responded": 3,  # b g k
        "first:archived>today:archived": 1,  # h
        "first:unrecognised>today:unrecognised": 1,  # i
        "then:responded>today:responded": 2,
        "then:opened>today:opened": 1,
        "then:archived>today:archived": 2,
    },
}

ELSEWHERE: dict[str, str] = {
    "leads_change": "test_why_changed.py: test_leads_that_came_and_leads_that_were_seen_late_add_up_to_the_change",
    "response_rate_change": (
        "test_why_changed.py: test_the_rate_so_far_changes_by_late_replies_and_by_leads_that_mature"
    ),
    "response_rate_of_all_change": (
        "test_why_changed.py: test_the_rate_so_far_changes_by_late_replies_and_by_leads_that_mature"
    ),
    "rate_effect": "test_why_changed.py: test_another_mix_and_other_rates_add_up_to_the_change_of_the_rate",
    "mix_effect": "test_why_changed.py: test_another_mix_and_other_rates_add_up_to_the_change_of_the_rate",
    "repeat_share": "test_volume.py: test_leads_without_a_sender_are_in_neither_part_of_the_repeat_share",
    "repeat_leads": "test_volume.py: test_people_count_once_a_day_and_repeat_if_they_had_written_in_28_days",
    "leads_of_senders": "test_volume.py: test_leads_without_a_sender_are_in_neither_part_of_the_repeat_share",
    "usual_leads": "test_volume.py: test_a_day_outside_the_limits_is_marked_and_told",
    "signal": "test_volume.py: test_a_day_outside_the_limits_is_marked_and_told",
    "leads_ratio": "test_volume.py: test_a_period_is_set_beside_as_many_days_before_it",
    "silence": "test_volume.py: test_a_pause_is_judged_by_what_would_be_usual_meanwhile",
    "expected_leads": "test_volume.py: test_a_pause_is_judged_by_what_would_be_usual_meanwhile",
    "response_rate_within": "test_within.py: test_a_response_counts_by_the_side_of_the_mark_on_which_it_was_seen",
    "settled_h": "test_stages.py: test_a_channel_with_few_replies_or_a_short_history_has_no_age_to_settle",
    "share_of_start": "test_metrics.py: test_funnel_counts_at_least_with_both_shares",
    "share_of_previous": "test_metrics.py: test_funnel_counts_at_least_with_both_shares",
    "median_step_min": "test_stages.py: test_the_median_of_a_step_counts_those_who_never_take_it",
    "leads_per_hour": "test_metrics.py: test_heat_map_divides_by_the_hours_that_occurred",
    "shrunken_rate": "test_agents.py: test_rank_goes_by_the_shrunken_rate_and_small_luck_does_not_lead",
    "observed_to_expected": (
        "test_case_mix.py: test_the_interval_and_the_limits_are_those_of_the_agents_own_leads_on_the_scale_of_the_team"
    ),
    "standardised_rate": (
        "test_case_mix.py: test_expected_is_what_all_agents_would_have_answered_of_the_same_kinds_of_leads"
    ),
    "standardised_shrunken_rate": "test_case_mix.py: test_leads_of_one_kind_leave_the_raw_view_as_it_is",
    "standardised_rank": "test_case_mix.py: test_leads_of_one_kind_leave_the_raw_view_as_it_is",
    "standardised_verdict": "test_case_mix.py: test_leads_of_one_kind_leave_the_raw_view_as_it_is",
    "replies_short": "test_league.py: test_popular_but_unanswered_is_what_many_ask_for_and_chance_does_not_explain",
    "leads_a_week": "test_league.py: test_decay_counts_what_follows_the_first_lead_week_by_week",
    "reply_chance": "test_rescue.py: test_the_chance_is_that_of_the_leads_that_had_waited_as_long",
    "badge_share": "test_badges.py: test_the_share_counts_all_leads_of_the_window_and_the_missing_answers_are_told",
    "badge_to_answer": "test_badges.py: test_the_share_counts_all_leads_of_the_window_and_the_missing_answers_are_told",
    "badge_verdict": "test_badges.py: test_the_share_counts_all_leads_of_the_window_and_the_missing_answers_are_told",
    "badge_whatsapp_min": "test_badges.py: test_a_mean_reply_lies_between_what_the_looks_allow",
    "badge_chance": "test_badges.py: test_cases_that_are_open_have_only_the_rest_of_their_chance_before_them",
    "replied_within": "test_replies.py: test_shares_within_limits_of_leads_that_were_followed_minute_by_minute",
    "archived_within": "test_replies.py: test_shares_within_limits_of_leads_that_were_followed_minute_by_minute",
    "still_waiting": "test_replies.py: test_shares_within_limits_of_leads_that_were_followed_minute_by_minute",
    "median_reply_min": "test_replies.py: test_shares_within_limits_of_leads_that_were_followed_minute_by_minute",
    "p90_reply_min": ("test_replies.py: test_a_reply_stands_by_groups_and_a_group_too_small_to_tell_is_shown_as_that"),
}


@pytest.fixture(scope="module")
def brokerage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    rows = [re.split(r" {2,}", line) for line in BROKERAGE.strip().splitlines()[1:]]
    folder = tmp_path_factory.mktemp("brokerage")
    with Store.open(folder, timezone=DUBAI, portal="test") as store:
        for look, when in enumerate(LOOKS, start=5):
            leads = [
                make_lead(
                    row[0],
                    f"{row[1]}:00Z",
                    channel=row[2],
                    publicProfile=None if row[3] == "-" else {"id": int(row[3])},
                    sender={"contacts": [] if row[4] == "-" else [{"type": "email", "value": f"{row[4]}@example.com"}]},
                    status=row[look],
                )
                for row in rows
                if row[look] != "-"
            ]
            store.write_leads(leads, observed_at=at(when))
        store.write_slice(SliceRow("s", at("2026-09-14 00:00"), at(LOOKS[1]), 0, 0, True, at(LOOKS[1])))
        yield store


@pytest.mark.parametrize(("metric", "by"), EXAMPLES, ids=lambda word: word or "all")
def test_the_brokerage_tells(brokerage: Store, metric: str, by: str) -> None:
    told = compute(metric, brokerage, Filters(), by or None)
    keys = told["key"] if "key" in told else ["all"] * len(told)
    found = dict(zip(keys, told[metric], strict=True))
    expected = EXAMPLES[metric, by]
    assert set(found) == set(expected)
    for key, value in expected.items():
        if isinstance(value, float) and math.isnan(value):
            assert pd.isna(found[key])
        else:
            assert found[key] == (pytest.approx(value) if isinstance(value, float) else value)


def test_no_column_is_told_twice(brokerage: Store) -> None:
    for metric in METRICS:
        columns = list(compute(metric.key, brokerage, Filters()).columns)
        assert len(columns) == len(set(columns)), metric.key


def test_bounds_stand_for_a_rate_whose_unknowns_could_turn_it(brokerage: Store) -> None:
    """h and i, both without an answer, and both with one: 5 to 7 of 9."""
    row = compute("response_rate", brokerage, Filters()).iloc[0]
    assert (row["response_rate_low"], row["response_rate_high"]) == (wilson(5, 9)[0], wilson(5 + 2, 9)[1])


def test_every_metric_has_an_example() -> None:
    here = {metric for metric, _ in EXAMPLES}
    assert {metric.key for metric in METRICS} == here | set(ELSEWHERE)
    assert here.isdisjoint(ELSEWHERE)


@pytest.mark.parametrize("place", sorted(set(ELSEWHERE.values())))
def test_the_example_is_where_it_is_said_to_be(place: str) -> None:
    file, _, test = place.partition(": ")
    text = (Path(__file__).parent / file).read_text(encoding="utf-8")
    assert f"\ndef {test}(" in text
