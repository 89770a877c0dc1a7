"""Why a figure changed: given histories, expected parts, which always add up to the change."""

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from leadlib import charts
from leadlib.charts.waterfall import why_changed_sentences
from leadlib.errors import FilterError
from leadlib.filters import Filters
from leadlib.metrics import FIGURES, PARTS, compute, moments_of, rate_mix, summary, summary_change, why_changed
from leadlib.metrics.queries import sql_named
from leadlib.store import SliceRow, Store
from leadlib.theme import PALETTES
from tests.conftest import DUBAI, at, make_lead

ALL = Filters()
OLD = "2026-09-01T06:00:00Z"


def see(store: Store, when: str, *rows: tuple[str, str, str, int | None]) -> None:
    """The portal shows these leads at `when`: id, creation, status, agent."""
    store.write_leads(
        [make_lead(i, made, status=status, publicProfile=agent and {"id": agent}) for i, made, status, agent in rows],
        observed_at=at(when),
    )


def parts(frame: pd.DataFrame, figure: str) -> dict[str, tuple[float, int]]:
    """Per part that has leads: its change and its leads."""
    told = frame[~frame["key"].isin(["then", "now"]) & (frame[f"{figure}_in_part"] > 0)]
    values = zip(told["key"], told[f"{figure}_change"], told[f"{figure}_in_part"], strict=True)
    return {key: (change, int(n)) for key, change, n in values}


def ends(frame: pd.DataFrame, figure: str) -> tuple[float, float]:
    """The figure then and now."""
    level = frame.set_index("key")[f"{figure}_level"]
    return level["then"], level["now"]


def adds_up(frame: pd.DataFrame) -> bool:
    if frame.empty:
        return True
    is_part = ~frame["key"].isin(["then", "now"])
    for figure in FIGURES:
        before, after = ends(frame, figure)
        if frame[f"{figure}_reason"].iloc[0]:
            assert frame[f"{figure}_change"].isna().all()
        elif not math.isclose(frame.loc[is_part, f"{figure}_change"].sum(), after - before, abs_tol=1e-12):
            return False
    return True


def test_leads_that_came_and_leads_that_were_seen_late_add_up_to_the_change(store: Store) -> None:
    see(store, "2026-09-10 00:00", ("a", OLD, "sent", 1), ("b", OLD, "sent", 1))
    see(store, "2026-09-20 00:00", ("c", OLD, "sent", 1), ("d", "2026-09-14T20:00:00Z", "sent", 1))
    frame = why_changed(store, ALL, then="2026-09-15")  # which begins at 20:00 UTC of the day before
    assert ends(frame, "leads") == (2, 2 + 1 + 1)
    assert parts(frame, "leads") == {"new": (1, 1), "found_later": (1, 1)}
    assert list(frame["leads_level"])[:3] == [2, 3, 4]


def test_a_lead_of_the_last_moment_before_midnight_is_no_new_one(open_store: Callable[..., Store]) -> None:
    """Midnight is that of the account's zone, in New York four hours after that of UTC."""
    for zone, then, way in ((ZoneInfo("America/New_York"), "2026-09-15", "new"), (DUBAI, "2026-09-16", "found_later")):
        store = open_store(zone.key.replace("/", "-"), timezone=zone)
        see(store, "2026-09-10 00:00", ("a", OLD, "sent", 1))
        see(store, "2026-09-20 00:00", ("b", "2026-09-15T04:00:00Z", "sent", 1))
        assert parts(why_changed(store, ALL, then=then), "leads") == {way: (1, 1)}


def test_an_agents_leads_move_in_and_out_and_it_is_told_with_the_filter_alone(store: Store) -> None:
    see(store, "2026-09-10 00:00", ("a", OLD, "sent", 1), ("b", OLD, "sent", 2), ("c", OLD, "sent", None))
    see(store, "2026-09-20 00:00", ("a", OLD, "sent", 2), ("b", OLD, "sent", 1), ("c", OLD, "sent", 1))
    of_one = why_changed(store, Filters.of({"agent": ["1"]}), then="2026-09-15")
    assert ends(of_one, "leads") == (1, 2)
    assert parts(of_one, "leads") == {"moved_in": (2, 2), "moved_out": (-1, 1)}
    of_nobody = why_changed(store, Filters.of({"agent": ["none"]}), then="2026-09-15")
    assert parts(of_nobody, "leads") == {"moved_out": (-1, 1)}
    assert parts(why_changed(store, ALL, then="2026-09-15"), "leads") == {}


def test_a_filter_by_status_means_the_status_of_the_moment(store: Store) -> None:
    see(store, "2026-09-10 00:00", ("a", OLD, "sent", 1), ("b", OLD, "opened", 1), ("c", OLD, "sent", 1))
    see(store, "2026-09-20 00:00", ("a", OLD, "opened", 1), ("b", OLD, "responded", 1), ("c", OLD, "opened", 2))
    opened = why_changed(store, Filters.of({"status": ["opened"]}), then="2026-09-15")
    assert ends(opened, "leads") == (1, 1 + 2 - 1)
    assert parts(opened, "leads") == {"status_in": (2, 2), "status_out": (-1, 1)}
    # c, opened and taken over by 2: as sent it was not in the view, whoever had it
    both = why_changed(store, Filters.of({"status": ["opened"], "agent": ["2"]}), then="2026-09-15")
    assert parts(both, "leads") == {"status_in": (1, 1)}


def test_leads_leave_a_period_that_rolls_on(store: Store) -> None:
    """A week before 15 September begins on the 8th, a week before the 20th on the 13th, both in Dubai."""
    see(
        store,
        "2026-09-14 00:00",
        ("before both", "2026-09-07T19:59:59Z", "sent", 1),
        ("first of the first", "2026-09-07T20:00:00Z", "sent", 1),
        ("last to leave", "2026-09-12T19:59:59Z", "sent", 1),
        ("stays", "2026-09-12T20:00:00Z", "sent", 1),
    )
    see(store, "2026-09-21 00:00", ("new", "2026-09-16T00:00:00Z", "sent", 1))
    frame = why_changed(store, ALL, then="2026-09-15", now="2026-09-20", period="7")
    assert ends(frame, "leads") == (3, 1)  # the new one was seen only after the second moment
    assert parts(frame, "leads") == {"left_period": (-2, 2)}
    assert parts(why_changed(store, ALL, then="2026-09-15", now="2026-09-20"), "leads") == {}


def test_the_rate_so_far_changes_by_late_replies_and_by_leads_that_mature(store: Store) -> None:
    """Then 2 of 8, now 5 of 12: r̄ = (1/4 + 5/12) / 2 = 1/3 and d̄ = (8 + 12) / 2 = 10.

    Two late replies: 2 / 10. Four that matured, one of them answered: (1 - 4/3) / 10 = -1/30. Sum 1/6 = 5/12 - 1/4.
    """
    old = [(f"o{i}", OLD, "responded" if i < 2 else "sent", 1) for i in range(8)]
    young = [(f"y{i}", "2026-09-14T12:00:00Z", "responded" if i < 1 else "sent", 1) for i in range(4)]
    see(store, "2026-09-14 18:00", *old, *young)
    later = [(f"o{i}", OLD, "responded" if i < 4 else "opened", 1) for i in range(8)]
    see(store, "2026-09-20 00:00", *later, *young)
    frame = why_changed(store, ALL, then="2026-09-15")
    assert ends(frame, "response_rate") == pytest.approx((2 / 8, 5 / 12))
    told = parts(frame, "response_rate")
    assert told["late_reply"] == pytest.approx((2 / 10, 2))
    assert told["matured"] == pytest.approx((-1 / 30, 4))
    assert set(told) == {"late_reply", "matured"}
    # Of all leads: 3 of 12, then 5 of 12.
    assert ends(frame, "response_rate_of_all") == pytest.approx((3 / 12, 5 / 12))
    assert parts(frame, "response_rate_of_all") == {"late_reply": (pytest.approx(2 / 12), 2)}
    assert adds_up(frame)


def test_a_reply_after_an_unknown_status_is_no_late_reply(store: Store) -> None:
    everyone = [str(i) for i in range(20)]
    see(store, "2026-09-10 00:00", *((i, OLD, "on_hold" if i == "0" else "sent", 1) for i in everyone))
    see(store, "2026-09-20 00:00", *((i, OLD, "responded" if i == "0" else "sent", 1) for i in everyone))
    frame = why_changed(store, ALL, then="2026-09-15")
    assert parts(frame, "response_rate") == {"became_known": (pytest.approx(1 / 20), 1)}


def test_too_many_of_unknown_history_give_no_rate_so_far(store: Store) -> None:
    see(store, "2026-09-10 00:00", *((str(i), OLD, "archived" if i < 2 else "sent", 1) for i in range(20)))
    see(store, "2026-09-20 00:00", ("new", "2026-09-16T00:00:00Z", "sent", 1))
    frame = why_changed(store, ALL, then="2026-09-15")
    assert "history is unknown" in frame["response_rate_reason"].iloc[0]
    assert frame["response_rate_level"].isna().all()
    assert ends(frame, "response_rate_of_all") == (0, 0)


def test_too_few_leads_give_a_count_and_no_rate(store: Store) -> None:
    see(store, "2026-09-10 00:00", ("a", OLD, "sent", 1))
    see(store, "2026-09-20 00:00", ("a", OLD, "responded", 1))
    frame = why_changed(store, ALL, then="2026-09-15")
    assert ends(frame, "leads") == (1, 1)
    assert "only 1\u00a0lead for a rate" in frame["response_rate_reason"].iloc[0]


def test_leads_that_are_gone_stay_in_the_numbers_and_are_told(store: Store) -> None:
    see(store, "2026-09-10 00:00", ("a", OLD, "sent", 1), ("b", OLD, "sent", 1))
    see(store, "2026-09-20 00:00", ("b", OLD, "sent", 1))
    for day in ("16", "18"):  # two sweeps that do not find it
        seen_at = at(f"2026-09-{day} 00:00")
        store.write_slice(SliceRow(day, at("2026-08-01 00:00"), seen_at, 1, 1, True, seen_at))
        store.settle_absences(day, began_at=seen_at, is_too_many=lambda n, n_live: False)
    frame = why_changed(store, ALL, then="2026-09-15")
    assert parts(frame, "leads") == {"gone": (0, 1)}
    assert ends(frame, "leads") == (2, 2)


# The moments


def test_without_days_a_week_before_the_newest_look_is_compared_with_it(store: Store) -> None:
    see(store, "2026-09-01 00:00", ("a", "2026-08-01T00:00:00Z", "sent", 1))
    see(store, "2026-09-20 09:00", ("a", "2026-08-01T00:00:00Z", "sent", 1))
    moments = moments_of(store)
    assert (moments.then, moments.now) == (at("2026-09-12 20:00"), at("2026-09-20 09:00"))
    assert moments_of(store, now="2030-01-01").now == at("2026-09-20 09:00")


def test_a_young_history_is_compared_from_its_first_whole_day(store: Store) -> None:
    see(store, "2026-09-17 08:00", ("a", OLD, "sent", 1))
    see(store, "2026-09-20 09:00", ("a", OLD, "sent", 1))
    assert moments_of(store).then == at("2026-09-17 20:00")


@pytest.mark.parametrize(
    ("days", "says"),
    [
        ({}, "no day has passed since"),
        ({"then": "2026-09-01"}, "The store has looked at the portal since 20 Sep 2026, 13:00"),
        ({"then": "2026-09-21", "now": "2026-09-20"}, "must lie before the second"),
    ],
    ids=["no history", "before the history", "crossed"],
)
def test_moments_that_cannot_be_compared_are_refused_and_said_why(
    store: Store, days: dict[str, str], says: str
) -> None:
    see(store, "2026-09-20 09:00", ("a", OLD, "sent", 1))
    frame = why_changed(store, ALL, **days)
    assert says in frame["leads_reason"].iloc[0].replace("\u00a0", " ")
    assert frame[["leads_change", "response_rate_level"]].isna().all(axis=None)


def test_no_leads_give_no_parts(store: Store) -> None:
    assert why_changed(store, ALL).empty
    assert rate_mix(store, ALL).empty


def test_words_that_are_no_days_and_no_periods_are_refused(store: Store) -> None:
    see(store, "2026-09-20 09:00", ("a", OLD, "sent", 1))
    for wrong in ({"then": "soon"}, {"period": "31"}):
        with pytest.raises(FilterError):
            why_changed(store, ALL, **wrong)


def test_by_name_the_same_moments_give_the_same_parts(store: Store) -> None:
    see(store, "2026-09-10 00:00", ("a", OLD, "sent", 1))
    see(store, "2026-09-20 00:00", ("a", OLD, "sent", 1), ("b", OLD, "sent", 1))
    by_name = compute("leads_change", store, ALL, then="2026-09-12", period="90")
    frame = why_changed(store, ALL, then="2026-09-12", period="90")
    assert_frame_equal(by_name, frame[list(by_name.columns)])
    assert {"key", "label", "leads_change", "leads_in_part", "leads_level"} <= set(by_name.columns)


# What must hold for any history

STATUSES = ("sent", "opened", "responded", "archived", "on_hold")
START = at("2026-09-01 00:00")
one_look = st.tuples(st.sampled_from(STATUSES), st.sampled_from((None, 1, 2)))
histories = st.lists(st.tuples(st.integers(0, 20 * 24), st.lists(one_look, min_size=3, max_size=3)), max_size=30)
few = settings(max_examples=5, deadline=None)


def fill(store: Store, rows: list[tuple[int, list[tuple[str, int | None]]]], order: list[int]) -> None:
    """Looks on the 8th, the 15th and the 22nd, each at what had been created by then, in the given order."""
    for place, day in enumerate((7, 14, 21)):
        seen_at = START + timedelta(days=day)
        leads = [
            make_lead(str(i), (START + timedelta(hours=rows[i][0])).isoformat(), status=rows[i][1][place][0],
                      publicProfile=rows[i][1][place][1] and {"id": rows[i][1][place][1]})
            for i in order if START + timedelta(hours=rows[i][0]) <= seen_at
        ]  # fmt: skip
        store.write_leads(leads, observed_at=seen_at)


@few
@given(rows=histories, agent=st.sampled_from(((), ("1",), ("none",))), period=st.sampled_from(("all", "7")),
       status=st.sampled_from(((), ("sent",))), data=st.data())  # fmt: skip
def test_the_parts_add_up_in_any_order_of_rows(
    rows: list[tuple[int, list[tuple[str, int | None]]]],
    agent: tuple[str, ...],
    period: str,
    status: tuple[str, ...],
    data: st.DataObject,
) -> None:
    filters = Filters.of({"agent": agent, "status": status})
    frames = []
    for order in (list(range(len(rows))), data.draw(st.permutations(range(len(rows))))):
        with TemporaryDirectory() as folder, Store.open(Path(folder), timezone=DUBAI, portal="test") as store:
            fill(store, rows, order)
            frames.append(why_changed(store, filters, then="2026-09-10", now="2026-09-20", period=period))
            live = why_changed(store, filters, then="2026-09-10")
            assert adds_up(frames[-1])
            assert adds_up(live)
            if not live.empty and not live["leads_reason"].iloc[0]:
                # The second moment is what every other screen shows.
                row = summary(store, filters).iloc[0]
                assert ends(live, "leads")[1] == row["leads"]
                if not live["response_rate_reason"].iloc[0]:
                    assert ends(live, "response_rate")[1] == pytest.approx(row["response_rate"])
                    assert ends(live, "response_rate_of_all")[1] == pytest.approx(row["response_rate_of_all"])
    assert_frame_equal(*frames)


@few
@given(rows=histories)
def test_at_a_moment_the_view_is_as_a_store_shows_it_that_saw_nothing_since(
    rows: list[tuple[int, list[tuple[str, int | None]]]],
) -> None:
    """The first level is that of a store which was left alone from the first look on, under every filter."""
    order = list(range(len(rows)))
    with TemporaryDirectory() as folder:
        with Store.open(Path(folder, "all"), timezone=DUBAI, portal="test") as store:
            fill(store, rows, order)
            frames = {key: why_changed(store, f, then="2026-09-10", now="2026-09-20") for key, f in VIEWS.items()}
        with Store.open(Path(folder, "early"), timezone=DUBAI, portal="test") as store:
            known = [make_lead(str(i), (START + timedelta(hours=hour)).isoformat(), status=looks[0][0],
                               publicProfile=looks[0][1] and {"id": looks[0][1]})
                     for i, (hour, looks) in enumerate(rows) if hour <= 7 * 24]  # fmt: skip
            store.write_leads(known, observed_at=START + timedelta(days=7))
            for key, frame in frames.items():
                if not frame.empty and not frame["leads_reason"].iloc[0]:
                    assert ends(frame, "leads")[0] == summary(store, VIEWS[key]).iloc[0]["leads"]


VIEWS = {"all": ALL, "agent": Filters.of({"agent": ["1"]}), "status": Filters.of({"status": ["sent", "opened"]})}


# On the screen


def test_the_chart_goes_from_then_to_now_over_the_parts_that_have_leads(store: Store) -> None:
    see(store, "2026-09-10 00:00", ("a", OLD, "sent", 1), ("b", OLD, "sent", 2))
    see(store, "2026-09-20 00:00", ("a", OLD, "sent", 2), ("b", OLD, "sent", 1), ("c", OLD, "sent", 1))
    frame = why_changed(store, Filters.of({"agent": ["1"]}), then="2026-09-15")
    drawn = charts.plot_why_changed(frame)
    assert [row[0] for row in drawn.data[-1].customdata] == ["then", "found_later", "moved_in", "moved_out", "now"]
    assert list(drawn.data[1].x) == [1, 1, -1]
    assert charts.why_changed_takeaway(frame) == (
        "Leads went from 1 to 2 (+1): seen late +1, moved in +1 and moved out −1."
    )
    assert [text.replace("\u00a0", " ") for text in why_changed_sentences(frame)][1:] == [
        "Moved in: 1 lead was assigned to the chosen agents since: +1.",
        "Moved out: 1 lead was assigned to somebody else since: −1.",
    ]


def test_a_rate_that_may_not_be_told_is_no_picture_but_a_reason(store: Store) -> None:
    see(store, "2026-09-10 00:00", ("a", OLD, "sent", 1))
    see(store, "2026-09-20 00:00", ("a", OLD, "sent", 1))
    frame = why_changed(store, ALL, then="2026-09-15")
    assert not charts.plot_why_changed(frame, "response_rate").data
    assert "for a rate" in charts.why_changed_takeaway(frame, "response_rate")
    assert why_changed_sentences(frame, "response_rate") == []
    assert charts.why_changed_takeaway(frame) == "Leads: 1 at both moments, and no lead made a difference."


def test_steps_of_a_mix_that_chance_makes_are_grey_and_names_stay_text(store: Store) -> None:
    hostile = "<b>x</b> %{y}"
    cohorts(store, {("before", hostile): (60, 6), ("now", hostile): (60, 40), ("before", "call"): (30, 10),
                    ("now", "call"): (30, 11)})  # fmt: skip
    frame = rate_mix(store, TEN_DAYS)
    drawn = charts.plot_rate_mix(frame)
    keys = [row[0] for row in drawn.data[-1].customdata]
    assert keys == ["before", hostile, "call", "mix", "now"]
    assert list(drawn.data[1].marker["color"])[:2] == [PALETTES["light"].accent, PALETTES["light"].unjudged]
    assert "<b>x" not in drawn.to_json()
    assert all("%{y}" not in hover for _, hover in drawn.data[-1].customdata)
    assert "other rates within the groups +" in charts.rate_mix_takeaway(frame)
    assert "90\u00a0leads" in charts.volume_mix_takeaway(frame)
    assert "within what chance does" in charts.volume_mix_takeaway(frame)


def test_many_groups_are_one_last_step_and_the_steps_still_lead_to_now(store: Store) -> None:
    cohorts(store, {("now", f"channel {i}"): (6 + i, 3) for i in range(15)} | {("before", "channel 0"): (30, 9)})
    frame = rate_mix(store, TEN_DAYS)
    drawn = charts.plot_volume_mix(frame)
    assert "others" in [row[0] for row in drawn.data[-1].customdata]
    assert sum(drawn.data[1].x) == frame["leads_difference"].iloc[0]


# Two periods


def cohorts(store: Store, counts: dict[tuple[str, str], tuple[int, int]]) -> None:
    """Leads per (period, channel): how many, and how many of them answered at once. Now is 11-20, before is 1-10."""
    leads = []
    for (period, channel), (n, n_answered) in counts.items():
        made = datetime(2026, 9, 15 if period == "now" else 5, 6, tzinfo=START.tzinfo)
        leads += [(f"{period} {channel} {i}", made, channel, i < n_answered) for i in range(n)]
    store.write_slice(SliceRow("s", at("2026-08-01 00:00"), at("2026-09-22 00:00"), 0, 0, True, at("2026-09-22 00:00")))
    for made in sorted({lead[1] for lead in leads}):
        batch = [make_lead(i, m.isoformat(), status="sent", channel=c) for i, m, c, _ in leads if m == made]
        store.write_leads(batch, observed_at=made)
        answered = [
            make_lead(i, m.isoformat(), status="responded", channel=c) for i, m, c, a in leads if m == made and a
        ]
        store.write_leads(answered, observed_at=made + timedelta(hours=1))
    everyone = [make_lead(i, m.isoformat(), status="responded" if a else "sent", channel=c) for i, m, c, a in leads]
    store.write_leads(everyone, observed_at=at("2026-09-22 00:00"))


TEN_DAYS = Filters.of({"from": ["2026-09-11"], "to": ["2026-09-20"]})


def test_another_mix_and_other_rates_add_up_to_the_change_of_the_rate(store: Store) -> None:
    """Before: calls 20 of 40 and chats 15 of 60 (35 %). Now: calls 36 of 60 and chats 12 of 40 (48 %).

    Rates within: calls 0.5 · (0.6 - 0.5) = 0.05, chats 0.5 · (0.3 - 0.25) = 0.025.
    Mix: calls gain 20 points at (0.55 - 0.415), chats lose them at (0.275 - 0.415): 0.027 + 0.028. Sum 0.13.
    """
    cohorts(store, {("before", "call"): (40, 20), ("before", "chat"): (60, 15), ("now", "call"): (60, 36),
                    ("now", "chat"): (40, 12)})  # fmt: skip
    frame = rate_mix(store, TEN_DAYS).set_index("key")
    assert frame["reason"].iloc[0] == ""
    assert frame.loc["all", "rate_difference"] == pytest.approx(0.48 - 0.35)
    assert list(frame.loc[["call", "chat"], "rate_effect"]) == pytest.approx([0.05, 0.025])
    assert list(frame.loc[["call", "chat"], "mix_effect"]) == pytest.approx([0.027, 0.028])
    whole = frame.loc["all"]
    assert whole["rate_effect"] + whole["mix_effect"] == pytest.approx(0.13)
    assert whole["rate_effect_low"] < 0 < whole["rate_effect_high"]  # 100 leads a side cannot tell 7.5 points
    assert whole["mix_effect_low"] > 0
    assert frame.loc["call", "rate_effect_low"] < 0.05 < frame.loc["call", "rate_effect_high"]
    assert (frame.loc["call", "current_from"], frame.loc["call", "previous_to"]) == (
        date(2026, 9, 11),
        date(2026, 9, 10),
    )
    # 60 of 100 calls came now: just outside of what chance does. 100 of 200 leads are as even as can be.
    assert list(frame["is_chance"]) == [True, False, False]
    assert list(frame["leads_difference"]) == [0, 20, -20]


def test_a_group_of_one_period_alone_is_all_mix_and_a_small_one_has_no_interval(store: Store) -> None:
    cohorts(store, {("before", "call"): (30, 15), ("now", "call"): (30, 15), ("now", "chat"): (10, 10)})
    frame = rate_mix(store, TEN_DAYS).set_index("key")
    assert frame.loc["chat", "rate_effect"] == 0
    assert frame.loc["chat", "mix_effect"] > 0
    assert math.isnan(frame.loc["chat", "mix_effect_low"])
    assert frame.loc["all", "rate_difference"] == pytest.approx(25 / 40 - 15 / 30)
    both = frame.drop("all")[["mix_effect", "rate_effect"]].sum(axis=None)
    assert both == pytest.approx(frame.loc["all", "rate_difference"])


def test_two_periods_differ_by_as_much_as_the_cards_say(store: Store) -> None:
    cohorts(store, {("before", "call"): (30, 10), ("now", "call"): (35, 15), ("now", "chat"): (10, 9)})
    cards = summary_change(store, TEN_DAYS).set_index("key")
    for by in ("channel", "entity_type", "agent"):
        whole = rate_mix(store, TEN_DAYS, by).iloc[0]
        assert whole["rate_difference"] == pytest.approx(cards.loc["response_rate", "change"])
        assert whole["leads_difference"] == cards.loc["leads", "change"]


def test_periods_that_were_not_read_have_leads_and_no_effects(store: Store) -> None:
    see(store, "2026-09-20 00:00", *((str(i), "2026-09-15T06:00:00Z", "sent", 1) for i in range(6)))
    store.write_slice(SliceRow("s", at("2026-09-14 00:00"), at("2026-09-20 00:00"), 6, 6, True, at("2026-09-20 00:00")))
    frame = rate_mix(store, Filters.of({"from": ["2026-09-15"], "to": ["2026-09-16"]}))
    assert list(frame["leads"]) == [6, 6]
    assert "are not all in the store" in frame["reason"].iloc[0]
    assert frame[["leads_difference", "mix_effect", "rate_effect"]].isna().all(axis=None)
    with pytest.raises(FilterError, match="channel"):
        rate_mix(store, ALL, "chanel")


cells = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: (max(pair), min(pair)))


@few
@given(table=st.fixed_dictionaries({(p, c): cells for p in ("before", "now") for c in ("call", "chat", "email")}))
def test_mix_and_rates_always_add_up(table: dict[tuple[str, str], tuple[int, int]]) -> None:
    with TemporaryDirectory() as folder, Store.open(Path(folder), timezone=DUBAI, portal="test") as store:
        if any(n for n, _ in table.values()):
            cohorts(store, table)
        frame = rate_mix(store, TEN_DAYS)
        if frame.empty or frame["reason"].iloc[0]:
            assert frame["rate_effect"].isna().all()
            return
        whole, groups = frame.iloc[0], frame.iloc[1:]
        told = groups[["mix_effect", "rate_effect"]].sum(axis=None)
        assert told == pytest.approx(whole["rate_difference"], abs=1e-12)
        for effect in ("mix_effect", "rate_effect"):
            assert whole[effect] == pytest.approx(groups[effect].sum(), abs=1e-12)
            shown = frame[frame[f"{effect}_low"].notna()]
            assert (shown[f"{effect}_low"] <= shown[effect] + 1e-12).all()
            assert (shown[effect] <= shown[f"{effect}_high"] + 1e-12).all()


@pytest.mark.parametrize("name", ["history", "why_changed"])
def test_our_files_run_as_they_stand(store: Store, name: str) -> None:
    assert "one row" in sql_named(name).split("\nwith")[0].lower()
    store.query(sql_named(name), {})


def test_every_part_has_a_name_and_words() -> None:
    assert len({part.key for part in PARTS}) == len(PARTS)
    assert all(part.label and part.did and not part.did.endswith(".") for part in PARTS)
