"""Time to respond: given looks, expected shares; and the sandbox's planted delays, found again."""

import math
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from leadlib import charts
from leadlib.errors import FilterError
from leadlib.filters import Filters
from leadlib.metrics import Clock, compute, replies, replies_by, reply_curve, reply_shares
from leadlib.metrics.statistics import quantile_ends
from leadlib.metrics.table import NO_GROUP
from leadlib.store import Store
from leadlib.ui.reply_notes import on_shares
from leadlib.working_hours import working_hours
from tests.conftest import at, make_lead
from tests.sync_bench import NOW, Bench, planted_brokerage

ALL = Filters()
CREATED = "2026-09-15T06:00:00Z"


def look(store: Store, when: str, statuses: dict[str, str], **changes: object) -> None:
    """The portal shows these leads, all created at six, at a time of the same day."""
    leads = [make_lead(i, CREATED, status=status, **changes) for i, status in statuses.items()]
    store.write_leads(leads, observed_at=at(f"2026-09-15 {when}"))


def intervals(store: Store, clock: Clock = "wall") -> list[tuple[object, ...]]:
    rows = replies._rows(store, ALL, NO_GROUP, clock).drop(columns="key").sort_values(["kind", "begins_min"])
    return [tuple(None if pd.isna(x) else x for x in row) for row in rows.itertuples(index=False, name=None)]


def test_a_reply_lies_between_the_look_without_it_and_the_look_with_it(store: Store) -> None:
    look(store, "06:03:30", {"a": "sent", "b": "sent", "c": "responded", "d": "sent"})
    look(store, "06:09", {"a": "responded", "b": "opened", "d": "archived"})
    assert intervals(store) == [
        ("archived", 3.5, 9, 1),  # d
        ("replied", 0, 3.5, 1),  # c: there at the first look
        ("replied", 3.5, 9, 1),  # a
        ("waiting", 9, None, 1),  # b: opened is no reply
    ]


def test_a_reply_stays_one_when_the_lead_is_archived_later(store: Store) -> None:
    look(store, "06:03", {"a": "responded"})
    look(store, "06:09", {"a": "archived"})
    assert intervals(store) == [("replied", 0, 3, 1)]


def test_unknown_history_is_counted_and_calls_are_left_out(store: Store) -> None:
    look(store, "07:00", {"a": "archived", "b": "on_hold"})
    look(store, "07:00", {"c": "responded"}, channel="call")
    assert intervals(store) == [("unknown", None, None, 2)]
    shares = reply_shares(store, ALL)
    assert shares["replied_within"].isna().all()
    assert (shares["n_unknown"] == 2).all()
    assert reply_curve(store, ALL).empty


def test_looks_are_rounded_to_the_nearest_step_whatever_they_found(store: Store) -> None:
    """From an hour on a step has five minutes: 62 stands at 60 and 63 at 65, whether a reply was seen or not."""
    look(store, "07:02", {"a": "responded", "b": "sent", "c": "sent"})
    look(store, "07:33", {"b": "responded", "c": "sent"})
    assert intervals(store) == [("replied", 0, 60, 1), ("replied", 60, 95, 1), ("waiting", 95, None, 1)]


def test_a_moment_stands_in_the_step_that_holds_it(store: Store) -> None:
    """Within an hour is what came by 60 minutes and not at 60 and a half, so moments are rounded up."""
    look(store, "06:59:30", {"a": "sent", "b": "sent"})
    look(store, "07:00:00", {"a": "responded", "b": "sent"})
    look(store, "07:00:30", {"b": "responded"})
    assert intervals(store) == [("replied", 59, 60, 1), ("replied", 60, 65, 1)]


def test_shares_within_limits_of_leads_that_were_followed_minute_by_minute(store: Store) -> None:
    """Of forty, 10 replied in minute 3, 10 in minute 10, 4 were archived in minute 12; 16 wait at two hours."""
    everyone = [str(i) for i in range(40)]
    look(store, "06:02", dict.fromkeys(everyone, "sent"))
    look(store, "06:03", dict.fromkeys(everyone[:10], "responded"))
    look(store, "06:09", dict.fromkeys(everyone[10:], "opened"))
    look(store, "06:10", dict.fromkeys(everyone[10:20], "responded"))
    look(store, "06:11", dict.fromkeys(everyone[20:], "opened"))
    look(store, "06:12", dict.fromkeys(everyone[20:24], "archived"))
    look(store, "08:00", dict.fromkeys(everyone[24:], "opened"))
    shares = reply_shares(store, ALL).set_index("key")
    assert list(shares.loc[["5 min", "15 min", "60 min", "2 h"], "replied_within"]) == pytest.approx(
        [10 / 40, 20 / 40, 20 / 40, 20 / 40], abs=1e-3
    )
    assert (shares["reason"][:4] == "").all()
    assert list(shares.iloc[0][["n_replied", "n_archived", "n_waiting", "n_unknown"]]) == [20, 4, 16, 0]
    assert shares["median_reply_min"].iloc[0] == pytest.approx(9.5)
    assert shares["median_reply_min_low"].iloc[0] < 9.5 < shares["median_reply_min_high"].iloc[0]
    last = reply_curve(store, ALL).iloc[-1]
    assert tuple(last[["replied_within", "archived_within", "still_waiting"]]) == pytest.approx(
        (20 / 40, 4 / 40, 16 / 40), abs=1e-3
    )


def test_what_one_look_after_an_hour_cannot_tell_is_refused_and_said_why(store: Store) -> None:
    look(store, "07:00", {str(i): "responded" if i < 30 else "sent" for i in range(50)})
    shares = reply_shares(store, ALL).set_index("key")
    assert shares.loc["60 min", "replied_within"] == pytest.approx(30 / 50, abs=1e-3)
    for early in ("5 min", "15 min"):
        assert math.isnan(shares.loc[early, "replied_within"])
        assert shares.loc[early, "reason"].startswith(f"Too few looks to tell {early}")
    assert "Within 5 min" in on_shares(shares.reset_index(names="key"))[1]


def test_one_look_at_each_lead_tells_no_median_whatever_it_found(store: Store) -> None:
    """Their ages differ only because they came at different hours, at which agents answer differently."""
    for minute in range(0, 60):
        store.write_leads(
            [make_lead(str(minute), f"2026-09-15T06:{minute:02}:00Z", status="responded" if minute < 40 else "sent")],
            observed_at=at("2026-09-15 07:00"),
        )
    shares = reply_shares(store, ALL)
    assert shares["median_reply_min"].isna().all()
    assert "seen waiting before" in charts.reply_shares_takeaway(shares)


def test_looks_that_are_too_far_apart_give_no_figure(store: Store) -> None:
    """All were seen at 40 minutes without and at 80 with a reply: within the hour may be none or all."""
    everyone = [str(i) for i in range(30)]
    look(store, "06:40", dict.fromkeys(everyone, "sent"))
    look(store, "07:20", dict.fromkeys(everyone, "responded"))
    row = reply_shares(store, ALL).set_index("key").loc["60 min"]
    assert math.isnan(row["replied_within"])
    assert row["reason"].startswith("Looks are too far apart")


def test_no_leads_give_no_shares(store: Store) -> None:
    assert reply_shares(store, ALL).empty
    assert charts.reply_shares_takeaway(reply_shares(store, ALL)) == "No leads for these filters."
    assert on_shares(reply_shares(store, ALL)) == []


# The working clock. 15 September 2026 is a Tuesday; work in Dubai is from 09:00 to 19:00, 05:00 to 15:00 UTC.


def test_on_the_working_clock_a_night_does_not_count(store: Store) -> None:
    """Created ten minutes before closing: at the end of the next morning's first five minutes it is 15 minutes old."""
    store.write_leads([make_lead("a", "2026-09-14T14:50:00Z", status="sent")], observed_at=at("2026-09-14 14:55"))
    store.write_leads([make_lead("a", "2026-09-14T14:50:00Z", status="responded")], observed_at=at("2026-09-15 05:05"))
    assert intervals(store, "working") == [("replied", 5, 10 + 5, 1)]
    assert intervals(store, "wall") == [("replied", 5, 10 + 10 * 60 + 4 * 60 + 5, 1)]


def test_what_came_and_was_answered_outside_of_hours_was_answered_at_once(store: Store) -> None:
    """Created at 20:00 on Saturday, seen waiting at 22:00, answered on Sunday: all before Monday's first minute."""
    store.write_leads([make_lead("a", "2026-09-19T16:00:00Z", status="sent")], observed_at=at("2026-09-19 18:00"))
    store.write_leads([make_lead("a", "2026-09-19T16:00:00Z", status="responded")], observed_at=at("2026-09-20 12:00"))
    assert intervals(store, "working") == [("replied", 0, 0.5, 1)]


def test_waiting_grows_with_hours_of_work_alone(store: Store) -> None:
    """From Friday 18:00 to Monday 09:30: an hour on Friday, six on Saturday, half of one on Monday."""
    store.write_leads([make_lead("a", "2026-09-18T14:00:00Z", status="sent")], observed_at=at("2026-09-21 05:30"))
    assert intervals(store, "working") == [("waiting", 60 + 6 * 60 + 30, None, 1)]


def test_other_hours_and_another_zone_give_other_ages(open_store: Callable[..., Store]) -> None:
    """In Berlin, in summer, work from 09:00 is work from 07:00 UTC; the weekend is worked, the Monday is not."""
    store = open_store("elsewhere", timezone=ZoneInfo("Europe/Berlin"))
    store.working_hours = working_hours("Sat-Sun 09:00-10:00")
    store.write_leads([make_lead("a", "2026-09-18T06:00:00Z", status="sent")], observed_at=at("2026-09-21 12:00"))
    assert intervals(store, "working") == [("waiting", 60 + 60, None, 1)]


def test_hours_around_the_clock_tell_the_same_as_the_wall_clock(store: Store) -> None:
    store.working_hours = working_hours("Mon-Sun 00:00-24:00")
    leads = [
        make_lead(f"{day}-{hour}", f"2026-09-{day}T{hour:02}:17:00Z", status="responded" if hour % 3 else "sent")
        for day in (14, 15)
        for hour in range(24)
    ]
    store.write_leads(leads, observed_at=at("2026-09-16 11:13"))
    assert intervals(store, "working") == intervals(store, "wall")
    wall, working = (reply_shares(store, ALL, clock).drop(columns=["clock", "reason"]) for clock in ("wall", "working"))
    assert wall.set_index("key").loc["24 h", "replied_within"] > 0
    pd.testing.assert_frame_equal(wall, working)


def test_working_hours_refuse_what_looks_by_night_cannot_tell(store: Store) -> None:
    """Twenty-five leads of 06:00 UTC, looked at at 07:30 and again at night: 90 minutes to nine hours of work."""
    everyone = [str(i) for i in range(25)]
    look(store, "07:30", dict.fromkeys(everyone, "sent"))
    look(store, "20:00", dict.fromkeys(everyone, "responded"))
    row = reply_shares(store, ALL, "working").set_index("key").loc["2 h"]
    assert math.isnan(row["replied_within"])
    assert row["reason"].startswith("Looks are too far apart")
    assert (row["replied_within_low"], row["replied_within_high"]) == (0, 1)
    assert reply_shares(store, ALL, "working").set_index("key").loc["5 min", "reason"].startswith("Too few looks")


@pytest.mark.parametrize("clock", ["wall", "working"])
def test_each_clock_says_which_it_is_and_its_bands_sum_to_one(store: Store, clock: Clock) -> None:
    test_shares_within_limits_of_leads_that_were_followed_minute_by_minute(store)
    shares, curve = reply_shares(store, ALL, clock), reply_curve(store, ALL, clock)
    assert set(shares["clock"]) == set(curve["clock"]) == {clock}
    words = {"wall": "on the wall clock", "working": "in working hours"}[clock]
    assert words in charts.reply_shares_takeaway(shares)
    assert words in charts.plot_reply_curve(curve).to_json()
    bands = curve["replied_within"] + curve["archived_within"] + curve["still_waiting"]
    assert bands.to_numpy() == pytest.approx(1)


def test_shifting_every_stamp_by_a_week_changes_no_age(open_store: Callable[..., Store]) -> None:
    """Both weeks lie in the same hours of work; a day would not: Sundays differ from Mondays."""
    told = []
    for week in (0, 1):
        store = open_store(f"week {week}")
        for day in range(14, 20):
            lead = make_lead(str(day), f"2026-09-{day + 7 * week}T13:00:00Z", status="sent")
            store.write_leads([lead], observed_at=at(f"2026-09-{day + 7 * week} 13:10"))
            done = make_lead(str(day), f"2026-09-{day + 7 * week}T13:00:00Z", status="responded")
            store.write_leads([done], observed_at=at(f"2026-09-{day + 1 + 7 * week} 07:00"))
        told.append(intervals(store, "working"))
    assert told[0] == told[1]


# Groups


def test_a_reply_stands_by_groups_and_a_group_too_small_to_tell_is_shown_as_that(store: Store) -> None:
    """Forty for agent 1, half of them replied to between 9 and 10 minutes; three for agent 2; one nobody's."""
    mine = [str(i) for i in range(40)]
    look(store, "06:09", dict.fromkeys(mine, "sent"), publicProfile={"id": 1})
    look(store, "06:10", {i: "responded" if int(i) < 20 else "sent" for i in mine}, publicProfile={"id": 1})
    look(store, "06:10", dict.fromkeys(("x", "y", "z"), "responded"), publicProfile={"id": 2})
    look(store, "06:10", {"nobody's": "sent"}, publicProfile=None)
    rows = replies_by(store, ALL, by="agent", within=15).set_index("key")
    assert list(rows.index) == ["1", "2", "none"]
    assert rows.loc["1", "replied_within"] == pytest.approx(20 / 40, abs=1e-3)
    assert rows.loc["1", "median_reply_min"] == rows.loc["1", "p90_reply_min"] == 9.5
    assert list(rows["n_replied"]) == [20, 3, 0]
    small = rows.loc[["2", "none"], ["replied_within", "replied_within_low", "median_reply_min", "p90_reply_min"]]
    assert small.isna().all().all()
    assert rows.loc["2", "reason"].startswith("Too few looks to tell 15 min")
    # Half have a reply by ten minutes, and nothing says that more ever do. Of twenty replies all may have come in the
    # first nine tenths of time: 0.9 + 1.96 sqrt(0.9 0.1 / 20) is more than 1.
    assert tuple(rows.loc["1", ["median_reply_min_low", "median_reply_min_high"]]) == (9, math.inf)
    assert tuple(rows.loc["1", ["p90_reply_min_low", "p90_reply_min_high"]]) == (9, math.inf)
    assert rows.loc["2", "median_reply_min_reason"] == "Too few of the replied leads were seen waiting first."
    assert rows.loc["none", "p90_reply_min_reason"] == "Fewer than 20 leads tell of that age."


def test_the_age_of_nine_in_ten_lies_where_chance_may_have_put_it(store: Store) -> None:
    """Forty replies, one a minute from the second on. 40 (0.9 ± 1.96 sqrt(0.9 0.1 / 40)): the 33rd to the 40th."""
    look(store, "06:01", {"1": "sent"})
    for minute in range(2, 41):
        look(store, f"06:{minute:02}", {str(minute - 1): "responded", str(minute): "sent"})
    look(store, "06:41", {"40": "responded"})
    row = replies_by(store, ALL, by="channel").iloc[0]
    assert row["p90_reply_min"] == pytest.approx(36.5)
    assert [40 * share for share in quantile_ends(0.9, 40)] == pytest.approx([36 - 3.719, 36 + 3.719], abs=1e-3)
    assert (row["p90_reply_min_low"], row["p90_reply_min_high"]) == (33, 40 + 1)
    assert row["median_reply_min"] == pytest.approx(20.5)
    assert row["median_reply_min_low"] < 16
    assert row["median_reply_min_high"] > 25


def test_replies_of_which_too_few_were_seen_to_come_have_no_age_of_nine_in_ten(store: Store) -> None:
    """Nineteen were seen waiting, as many as that were not; half of all replies were, so there is a median."""
    waited, late = [f"w{i}" for i in range(19)], [f"l{i}" for i in range(19)]
    look(store, "06:09", dict.fromkeys(waited, "sent"))
    look(store, "06:10", dict.fromkeys([*waited, *late], "responded"))
    row = replies_by(store, ALL, by="channel").iloc[0]
    assert row["p90_reply_min_reason"] == "Fewer than 20 replies were seen to come."
    assert math.isnan(row["p90_reply_min_high"])
    assert not math.isnan(row["median_reply_min"])


def test_a_group_of_calls_alone_has_no_reply_to_wait_for(store: Store) -> None:
    look(store, "06:10", {"a": "responded"}, channel="call")
    row = replies_by(store, ALL, by="channel").iloc[0]
    assert (row["key"], row["n_replied"], row["n_looks"]) == ("call", 0, 0)
    assert math.isnan(row["replied_within"])


def test_replies_are_refused_by_groups_of_few_leads_and_within_ages_that_nobody_asks_for(store: Store) -> None:
    with pytest.raises(FilterError, match="channel, entity_type"):
        compute("replied_within", store, ALL, by="listing")
    with pytest.raises(FilterError, match="60"):
        compute("replied_within", store, ALL, by="agent", within=61)
    with pytest.raises(FilterError, match="wall"):
        reply_shares(store, ALL, clock="wal")  # type: ignore[arg-type]


# Found again


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A planted brokerage of 6,000 leads, read once: there is one look at each lead."""
    with planted_brokerage(tmp_path_factory.mktemp("planted"), 6_000) as bench:
        yield bench


def test_one_look_tells_the_planted_share_within_a_day_and_refuses_minutes(
    planted: Bench,
) -> None:
    server, store = planted.portal, planted.store
    delays = [
        math.inf if lead.responded_ms is None else (lead.responded_ms - lead.created_ms) / 60_000
        for lead in server.truth.visible(NOW)
        if lead.channel != "call"
    ]
    shares = reply_shares(store, ALL).set_index("key")
    row = shares.loc["24 h"]
    assert row["replied_within_low"] <= np.mean(np.array(delays) <= 1_440) <= row["replied_within_high"]
    assert shares.loc[["5 min", "15 min"], "replied_within"].isna().all()
    curve = reply_curve(store, ALL)
    bands = curve["replied_within"] + curve["archived_within"] + curve["still_waiting"]
    assert bands.to_numpy() == pytest.approx(1)
    assert curve["replied_within"].is_monotonic_increasing
