"""Time between stages, when rates settle, and what follows what: given looks, expected rows."""

import math
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from leadlib import charts
from leadlib.filters import Filters
from leadlib.metrics import compute, settling, stage_times, transitions
from leadlib.metrics.queries import ask
from leadlib.store import Store
from leadlib.ui import funnel_notes
from tests.conftest import at, make_lead

ALL = Filters()
CREATED = "2026-09-15T06:00:00Z"


def look(store: Store, when: str, statuses: dict[str, str], **changes: object) -> None:
    """The portal shows these leads, all created at six, at a time of the same day or of one that is named."""
    leads = [make_lead(i, CREATED, status=status, **changes) for i, status in statuses.items()]
    store.write_leads(leads, observed_at=at(when if " " in when else f"2026-09-15 {when}"))


def intervals(store: Store, step: str) -> list[tuple[object, ...]]:
    rows = ask(store, "stage_times", ALL)
    rows = rows[rows["step"] == step].sort_values(["kind", "begins_min", "ends_min"])
    named = rows[["kind", "begins_min", "ends_min", "leads"]].itertuples(index=False, name=None)
    return [tuple(None if pd.isna(x) else x for x in row) for row in named]


def test_an_opening_lies_between_the_looks_around_it(store: Store) -> None:
    look(store, "06:03", {"a": "sent", "b": "sent", "c": "opened", "d": "delivered"})
    look(store, "06:09", {"a": "opened", "b": "sent", "d": "archived"})
    assert intervals(store, "sent_opened") == [
        ("archived", 3, 9, 1),  # d
        ("reached", 0, 3, 1),  # c: there at the first look
        ("reached", 3, 9, 1),  # a
        ("waiting", 9, None, 1),  # b
    ]


def test_the_time_from_opening_to_response_has_room_for_both_ends(store: Store) -> None:
    """Opened in (3, 6], responded in (11, 14]: between 11 - 6 and 14 - 3 minutes."""
    for when, status in (("06:03", "sent"), ("06:06", "opened"), ("06:11", "opened"), ("06:14", "responded")):
        look(store, when, {"a": status})
    assert intervals(store, "opened_responded") == [("reached", 11 - 6, 14 - 3, 1)]
    assert intervals(store, "sent_responded") == [("reached", 11, 14, 1)]


def test_who_has_not_responded_has_stood_there_since_the_look_that_saw_it_opened(store: Store) -> None:
    """Opened in (3, 6]: waiting for 14 - 6 minutes for certain; archived in (6, 14]: after 0 to 14 - 3."""
    look(store, "06:03", {"a": "sent", "b": "sent", "c": "sent"})
    look(store, "06:06", {"a": "opened", "b": "opened", "c": "sent"})
    look(store, "06:14", {"a": "opened", "b": "archived", "c": "sent"})
    assert intervals(store, "opened_responded") == [
        ("archived", 0, 14 - 3, 1),
        ("waiting", 14 - 6, None, 1),
    ]  # c was never opened: it has not begun


def test_a_response_whose_opening_was_never_seen_was_opened_on_the_way(store: Store) -> None:
    look(store, "06:03", {"a": "sent"})
    look(store, "06:09", {"a": "responded"})
    assert intervals(store, "sent_opened") == [("reached", 3, 9, 1)]
    assert intervals(store, "opened_responded") == [("reached", 0, 9 - 3, 1)]


def test_unknown_late_and_calls_stay_out_and_are_told_apart(store: Store) -> None:
    look(store, "07:00", {"a": "archived", "b": "on_hold"})
    look(store, "2026-09-16 06:00:01", {"c": "opened"})
    look(store, "07:00", {"d": "responded"}, channel="call")
    assert intervals(store, "sent_opened") == [("late", None, None, 1), ("unknown", None, None, 2)]
    row = stage_times(store, ALL).iloc[0]
    assert tuple(row[["n_unknown", "n_late", "n_reached"]]) == (2, 1, 0)


def test_a_day_after_creation_is_not_late(store: Store) -> None:
    look(store, "2026-09-16 06:00:00", {"a": "sent"})
    assert intervals(store, "sent_opened") == [("waiting", 24 * 60, None, 1)]


def minute_by_minute(store: Store) -> None:
    """Of forty, thirty are opened in minute 4 of which twelve respond in minute 10; four are archived in minute 12."""
    everyone = [str(i) for i in range(40)]
    look(store, "06:03", dict.fromkeys(everyone, "sent"))
    look(store, "06:04", dict.fromkeys(everyone[:30], "opened") | dict.fromkeys(everyone[30:], "sent"))
    look(store, "06:09", dict.fromkeys(everyone[:30], "opened"))
    look(store, "06:10", dict.fromkeys(everyone[:12], "responded") | dict.fromkeys(everyone[12:30], "opened"))
    look(store, "06:11", dict.fromkeys(everyone[26:30], "opened"))
    look(store, "06:12", dict.fromkeys(everyone[26:30], "archived"))
    look(store, "08:00", dict.fromkeys(everyone[12:26], "opened") | dict.fromkeys(everyone[30:], "sent"))


def test_the_median_of_a_step_counts_those_who_never_take_it(store: Store) -> None:
    """Three quarters are opened in (3, 4], so half are; twelve of thirty responded, so half have not."""
    minute_by_minute(store)
    frame = stage_times(store, ALL).set_index("key")
    assert frame.loc["sent_opened", "median_step_min"] == pytest.approx(3.5)
    assert frame.loc["sent_opened", "median_step_min_low"] <= 3
    assert frame.loc["sent_opened", "median_step_min_high"] >= 4
    assert tuple(frame.loc["sent_opened", ["n_reached", "n_archived", "n_waiting"]]) == (30, 0, 10)
    assert math.isinf(frame.loc["opened_responded", "median_step_min"])
    assert tuple(frame.loc["opened_responded", ["n_reached", "n_archived", "n_waiting"]]) == (12, 4, 14)
    assert list(frame["reason"]) == ["", ""]
    assert "fewer than half so far" in charts.stage_times_takeaway(frame.reset_index())


def test_half_that_were_there_somewhere_in_a_wide_gap_have_no_median(store: Store) -> None:
    everyone = [str(i) for i in range(30)]
    look(store, "06:10", dict.fromkeys(everyone, "sent"))
    look(store, "10:00", dict.fromkeys(everyone, "opened"))
    row = stage_times(store, ALL).iloc[0]
    assert math.isnan(row["median_step_min"])
    assert row["reason"].startswith(
        "Looks are too far apart: half were there after somewhere between 10\u00a0min and 4"
    )


def test_leads_that_were_never_seen_on_the_lower_rung_tell_no_median(store: Store) -> None:
    look(store, "06:10", {str(i): "opened" if i < 30 else "sent" for i in range(40)})
    row = stage_times(store, ALL).iloc[0]
    assert math.isnan(row["median_step_min_high"])
    assert "not seen on the lower rung" in row["reason"]
    assert funnel_notes.on_steps(stage_times(store, ALL))[0] == f"Sent to opened: {row['reason']}"


def test_few_leads_tell_no_median(store: Store) -> None:
    look(store, "06:03", {"a": "sent"})
    look(store, "06:04", {"a": "opened"})
    assert stage_times(store, ALL)["reason"].iloc[0].startswith("Fewer than 20 leads")


def test_no_leads_take_no_steps(store: Store) -> None:
    assert stage_times(store, ALL).empty
    assert settling(store, ALL).empty
    assert transitions(store, ALL).empty
    assert charts.stage_times_takeaway(stage_times(store, ALL)) == "No leads for these filters."
    assert funnel_notes.on_steps(stage_times(store, ALL)) == []


def test_the_median_by_name_is_that_of_the_screen(store: Store) -> None:
    minute_by_minute(store)
    named = compute("median_step_min", store, ALL)
    assert list(named.columns) == [
        *("key", "label", "median_step_min", "median_step_min_low", "median_step_min_high", "reason")
    ]
    assert named["median_step_min"].iloc[0] == stage_times(store, ALL)["median_step_min"].iloc[0]


# Planted times, found again


@pytest.fixture
def planted(store: Store) -> Callable[[float], dict[str, float]]:
    """A function that fills the store with 250 leads, looked at so many minutes apart, and gives their true times."""

    def fill(minutes_apart: float) -> dict[str, float]:
        rng = np.random.default_rng(7)
        n = 250
        created = rng.uniform(0, 1_440, n)
        opened = rng.exponential(200, n)
        responded = opened + np.where(rng.random(n) < 0.8, rng.exponential(300, n), math.inf)
        start = at("2026-09-01 00:00")
        seen = np.array([""] * n, dtype=object)
        for minute in np.arange(0, 9 * 1_440, minutes_apart):
            age = minute - created
            status = np.where(age >= responded, "responded", np.where(age >= opened, "opened", "sent"))
            # A look that finds nothing new matters only as the last one before a change, or of all.
            changes = (age >= 0) & ((status != seen) | ((age + minutes_apart >= responded) & (age < responded)))
            changes |= (age >= 0) & (age + minutes_apart >= opened) & (age < opened)
            changes |= minute + minutes_apart >= 9 * 1_440
            leads = [
                make_lead(str(i), (start + timedelta(minutes=created[i])).isoformat(), status=str(status[i]))
                for i in np.flatnonzero(changes)
            ]
            if leads:
                store.write_leads(leads, observed_at=start + timedelta(minutes=float(minute)))
            seen[changes] = status[changes]
        replied_in_time = responded[responded <= 7 * 1_440]
        return {
            "sent_opened": float(np.median(opened)),
            "opened_responded": float(np.median(responded - opened)),
            "settled_h": float(np.quantile(replied_in_time, 0.95)) / 60,
        }

    return fill


def test_planted_times_lie_within_what_is_told_of_them(
    store: Store, planted: Callable[[float], dict[str, float]]
) -> None:
    true = planted(120)
    steps = stage_times(store, ALL).set_index("key")
    for step in ("sent_opened", "opened_responded"):
        assert steps.loc[step, "reason"] == ""
        assert steps.loc[step, "median_step_min_low"] <= true[step] <= steps.loc[step, "median_step_min_high"]
    row = settling(store, ALL).iloc[0]
    assert (row["key"], row["reason"]) == ("whatsapp", "")
    assert row["settled_h_low"] <= true["settled_h"] <= row["settled_h_high"]


def test_looks_half_a_day_apart_refuse_what_takes_hours_and_tell_what_takes_a_day(
    store: Store, planted: Callable[[float], dict[str, float]]
) -> None:
    true = planted(720)
    assert stage_times(store, ALL)["median_step_min"].isna().all()
    row = settling(store, ALL).iloc[0]  # most of a day is not too much for such looks
    assert row["settled_h_low"] <= true["settled_h"] <= row["settled_h_high"]


def test_a_channel_with_few_replies_or_a_short_history_has_no_age_to_settle(store: Store) -> None:
    everyone = [str(i) for i in range(130)]
    look(store, "06:03", dict.fromkeys(everyone, "sent"))
    look(store, "06:05", dict.fromkeys(everyone[:99], "responded"))
    assert settling(store, ALL)["reason"].tolist() == ["Fewer than 100 replies were seen."]
    look(store, "06:06", dict.fromkeys(everyone[99:101], "responded"))
    assert settling(store, ALL)["reason"].iloc[0].startswith("Fewer than 20 leads without a reply were followed")
    look(store, "2026-09-22 06:00", dict.fromkeys(everyone[101:], "sent"))
    row = settling(store, ALL).iloc[0]
    assert (row["n_reached"], row["n_followed"], row["reason"]) == (99 + 2, 29, "")
    assert row["settled_h"] == 5 / 60
    assert compute("settled_h", store, ALL, by="channel")["settled_h"].tolist() == [5 / 60]


# What follows what


def moves(store: Store) -> dict[str, int]:
    frame = transitions(store, ALL)
    return dict(zip(frame["key"], frame["moved"], strict=True))


def test_moves_go_from_the_first_sight_over_what_was_seen_to_today(store: Store) -> None:
    look(store, "06:03", {"a": "sent", "b": "sent", "c": "opened", "d": "archived", "e": "on_hold"})
    look(store, "06:09", {"a": "opened", "b": "sent", "c": "archived"})
    look(store, "06:12", {"a": "responded"})
    assert moves(store) == {
        "first:sent>then:opened": 1,  # a
        "first:sent>today:sent": 1,  # b
        "first:opened>then:archived": 1,  # c
        "first:archived>today:archived": 1,  # d
        "first:unrecognised>today:unrecognised": 1,  # e
        "then:opened>then:responded": 1,  # a
        "then:responded>today:responded": 1,  # a
        "then:archived>today:archived": 1,  # c
    }
    frame = transitions(store, ALL).set_index("key")
    assert frame.loc["first:sent>today:sent", "label"] == "First seen sent, still there"
    assert frame.loc["then:opened>then:responded", "label"] == "Opened → responded"
    assert frame.loc["first:sent>then:opened", "share"] == 1 / 5
    assert "3 of 5\u00a0leads" not in charts.transitions_takeaway(frame.reset_index())
    assert charts.transitions_takeaway(frame.reset_index()).startswith("2 of 5\u00a0leads were seen to change")


def test_the_words_of_both_dialects_are_one_stage_and_no_move(store: Store) -> None:
    look(store, "06:03", {"a": "opened"})
    look(store, "06:09", {"a": "read"})
    assert moves(store) == {"first:opened>today:opened": 1}


def test_a_lead_that_goes_back_never_makes_a_circle(store: Store) -> None:
    """Opened, archived, opened again, responded; then back a second time, of which only the end is told."""
    for minute, status in enumerate(("opened", "archived", "opened", "responded"), 3):
        look(store, f"06:0{minute}", {"a": status})
    expected = {
        "first:opened>then:archived": 1,
        "then:archived>again:opened": 1,
        "again:opened>again:responded": 1,
        "again:responded>today:responded": 1,
    }
    assert moves(store) == expected
    for minute, status in enumerate(("sent", "opened"), 7):
        look(store, f"06:0{minute}", {"a": status})
    del expected["again:responded>today:responded"]
    assert moves(store) == {**expected, "again:responded>today:opened": 1}


def test_every_band_of_the_picture_is_a_row_of_the_table(store: Store) -> None:
    minute_by_minute(store)
    frame = transitions(store, ALL)
    sankey = charts.plot_transitions(frame).data[0]
    assert sum(sankey.link.value) == frame["moved"].sum()
    assert [row[0] for row in sankey.link.customdata] == frame["key"].tolist()
    first = [place for place, row in enumerate(sankey.node.customdata) if row[0].startswith("first:")]
    assert sum(n for n, source in zip(sankey.link.value, sankey.link.source, strict=True) if source in first) == 40
