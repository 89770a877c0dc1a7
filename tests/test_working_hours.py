"""The working clock: hours as text, and minutes of work counted by hand."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadlib.metrics import WorkingClock
from leadlib.working_hours import USUAL_HOURS, working_hours

DUBAI = ZoneInfo("Asia/Dubai")
USUAL = WorkingClock(USUAL_HOURS, DUBAI)
AROUND_THE_CLOCK = "Mon-Sun 00:00-24:00"

# 14 September 2026 is a Monday. Dubai is four hours ahead of UTC all year.


def at(*instants: str) -> np.ndarray:
    return np.array(instants, dtype="datetime64[us]")


def local(*instants: str) -> np.ndarray:
    return at(*instants) - np.timedelta64(4, "h")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Mon-Fri 09:00-19:00, Sat 10:00-16:00", "Mon-Fri 09:00-19:00, Sat 10:00-16:00"),
        ("  Sat  10:00-16:00,Mon-Fri 09:00-19:00 ", "Mon-Fri 09:00-19:00, Sat 10:00-16:00"),
        ("Mon-Sun 00:00-24:00", "Mon-Sun 00:00-24:00"),
        ("Sat-Mon 09:00-17:30", "Mon 09:00-17:30, Sat-Sun 09:00-17:30"),
        ("Mon 16:00-20:00, Mon 09:00-13:00", "Mon 09:00-13:00, Mon 16:00-20:00"),
        ("Fri 20:00-24:00, Sat 00:00-02:00", "Fri 20:00-24:00, Sat 00:00-02:00"),
    ],
    ids=["usual", "untidy", "always", "over Sunday", "two parts a day", "a night"],
)
def test_hours_are_read_and_written_the_same_way(text: str, written: str) -> None:
    hours = working_hours(text)
    assert str(hours) == written
    assert working_hours(written) == hours


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("always", "hours such as Mon-Fri"),
        ("Mon-Fri 9:00-19:00", "hours such as Mon-Fri"),
        ("Mon-Fri 09:00-19:00;", "hours such as Mon-Fri"),
        ("Montag 09:00-19:00", "hours such as Mon-Fri"),
        ("Mon 09:60-19:00", "no time of day"),
        ("Mon 09:00-24:01", "no time of day"),
        ("Fri 20:00-02:00", "ends before it begins"),
        ("Fri 09:00-09:00", "ends before it begins"),
        ("Mon-Fri 09:00-19:00, Wed 18:00-20:00", "hours of Wed overlap"),
    ],
)
def test_hours_that_make_no_sense_are_refused_and_said_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        working_hours(text)


@pytest.mark.parametrize(
    ("begin", "end", "minutes"),
    [
        ("2026-09-14T09:00", "2026-09-14T09:07", 7),
        ("2026-09-14T07:30", "2026-09-14T09:05", 5),  # before opening nobody works
        ("2026-09-14T18:50", "2026-09-15T09:10", 10 + 10),  # over a night
        ("2026-09-14T20:00", "2026-09-14T23:00", 0),
        ("2026-09-18T18:00", "2026-09-19T11:00", 60 + 60),  # Friday evening to Saturday, which begins at ten
        ("2026-09-19T15:30", "2026-09-21T09:15", 30 + 15),  # over Sunday
        ("2026-09-14T00:00", "2026-09-21T00:00", 5 * 600 + 360),  # a week
        ("2026-09-14T19:00", "2026-09-15T09:00", 0),  # from closing to opening
        ("2026-09-15T09:10", "2026-09-14T18:50", -20),  # backwards
    ],
)
def test_minutes_between_two_instants_counted_by_hand(begin: str, end: str, minutes: int) -> None:
    assert USUAL.minutes_between(local(begin), local(end)).tolist() == [minutes]


def test_minutes_keep_their_fractions_and_what_is_missing_stays_missing() -> None:
    begin = local("2026-09-14T09:00:00", "NaT", "2026-09-14T09:00")
    end = local("2026-09-14T09:00:30", "2026-09-14T10:00", "NaT")
    assert USUAL.minutes_between(begin, end).tolist() == pytest.approx([0.5, np.nan, np.nan], nan_ok=True)
    assert USUAL.minutes_between(at(), at()).tolist() == []


@pytest.mark.parametrize(
    ("begin", "minutes", "due"),
    [
        ("2026-09-14T09:00", 15, "2026-09-14T09:15"),
        ("2026-09-14T03:00", 15, "2026-09-14T09:15"),
        ("2026-09-14T18:50", 15, "2026-09-15T09:05"),
        ("2026-09-14T18:50", 10, "2026-09-14T19:00"),  # by closing time, not next morning
        ("2026-09-19T15:50", 15, "2026-09-21T09:05"),  # Saturday to Monday
        ("2026-09-14T09:00", 5 * 600 + 360, "2026-09-19T16:00"),  # a week of work
        ("2026-09-14T09:00", 10 * (5 * 600 + 360) + 1, "2026-11-23T09:01"),  # ten weeks and a minute
        ("2026-12-31T18:59", 2, "2027-01-01T09:01"),  # over the year
        ("2026-09-14T20:00", 0, "2026-09-14T20:00"),
    ],
)
def test_the_instant_when_minutes_of_work_will_have_passed(begin: str, minutes: int, due: str) -> None:
    assert USUAL.after(local(begin), minutes).tolist() == local(due).tolist()


def test_no_instant_is_due_for_a_missing_one() -> None:
    due = USUAL.after(local("NaT", "2026-09-14T09:00"), 5)
    assert np.isnat(due).tolist() == [True, False]
    assert np.isnat(USUAL.after(at("NaT"), 5)).all()


def test_a_day_without_a_break_runs_like_the_wall_clock_through_every_change_of_the_clocks() -> None:
    """Cairo's clocks change at midnight, where two stretches meet."""
    for zone in ("Asia/Dubai", "Europe/Berlin", "Africa/Cairo", "America/New_York"):
        clock = WorkingClock(working_hours(AROUND_THE_CLOCK), ZoneInfo(zone))
        assert clock.minutes_between(at("2026-01-01"), at("2027-01-01")).tolist() == [365 * 24 * 60]


def test_hours_that_the_clocks_skip_or_repeat() -> None:
    """In Berlin 02:00 becomes 03:00 on 29 March 2026 (01:00 UTC); 03:00 becomes 02:00 on 25 October (01:00 UTC)."""
    nights = WorkingClock(working_hours("Sun 01:00-04:00"), ZoneInfo("Europe/Berlin"))
    assert nights.minutes_between(at("2026-03-28T22:00"), at("2026-03-29T22:00")).tolist() == [2 * 60]
    assert nights.minutes_between(at("2026-10-24T22:00"), at("2026-10-25T22:00")).tolist() == [4 * 60]
    skipped = WorkingClock(working_hours("Sun 02:00-02:45"), ZoneInfo("Europe/Berlin"))
    assert skipped.minutes_between(at("2026-03-28T12:00"), at("2026-03-29T22:00")).tolist() == [45]


def test_opening_follows_the_zone_through_summer() -> None:
    """Nine o'clock in Berlin is 08:00 UTC in winter and 07:00 UTC in summer."""
    clock = WorkingClock(working_hours("Mon-Fri 09:00-17:00"), ZoneInfo("Europe/Berlin"))
    due = clock.after(at("2026-03-27T20:00", "2026-03-20T20:00"), 30)  # Fridays after and before the change
    assert due.tolist() == at("2026-03-30T07:30", "2026-03-23T08:30").tolist()


@settings(deadline=None)
@given(
    begin_min=st.integers(0, 400 * 24 * 60),
    minutes=st.integers(1, 200),
    text=st.sampled_from(["Mon-Fri 09:00-19:00, Sat 10:00-16:00", AROUND_THE_CLOCK, "Sun 23:59-24:00"]),
    zone=st.sampled_from(["Asia/Dubai", "Europe/Berlin"]),
)
def test_what_is_due_after_some_minutes_is_that_many_minutes_away(
    begin_min: int, minutes: int, text: str, zone: str
) -> None:
    clock = WorkingClock(working_hours(text), ZoneInfo(zone))
    begin = at("2026-01-01") + np.timedelta64(begin_min, "m")
    due = clock.after(begin, minutes)
    assert clock.minutes_between(begin, due).tolist() == [minutes]
    assert clock.minutes_between(begin, due - np.timedelta64(1, "us"))[0] < minutes
