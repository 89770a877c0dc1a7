"""Volume: periods, limits, senders and silences, given rows, expected rows; and the planted outage, found again."""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from leadlib import charts
from leadlib.charts.volume import mark_of
from leadlib.errors import FilterError
from leadlib.filters import Filters
from leadlib.metrics import (
    GRAINS,
    channel_silence,
    compute,
    rate_ratio,
    senders_over_time,
    summary,
    volume,
    volume_change,
    volume_limits,
    watch_silence,
    wilson,
)
from leadlib.sandbox import SandboxServer, SandboxSettings
from leadlib.store import SliceRow, Store, SyncRow
from leadlib.ui import numbers
from leadlib.ui.drill import filters_of_bar
from leadlib.ui.volume import notes_on_change, notes_on_volume
from tests.conftest import DUBAI, at, make_lead
from tests.sync_bench import PLENTY, Bench

ALL = Filters()


def read(store: Store, start: str, end: str, is_certain: bool = True) -> None:
    """The portal was read from `start` to `end`, UTC."""
    store.write_slice(SliceRow(f"s {start}", at(start), at(end), 0, 0, is_certain, at(end)))


def arrive(store: Store, *times: str, seen: str = "2026-09-30 00:00", **changes: object) -> None:
    """A lead is created at each of these times, UTC."""
    mark = str(sorted(changes.items()))
    leads = [
        make_lead(f"{i} {time} {mark}", f"{time.replace(' ', 'T')}:00Z", **changes) for i, time in enumerate(times)
    ]
    store.write_leads(leads, observed_at=at(seen))


def of_days(store: Store, *counts: int, first: str = "2026-09-01") -> None:
    """So many leads on each Dubai day from `first` on, at noon of it."""
    begin = date.fromisoformat(first)
    days = [begin + timedelta(days=place) for place, n in enumerate(counts) for _ in range(n)]
    arrive(store, *(f"{day} 08:00" for day in days))


def rows(frame: pd.DataFrame, *names: str) -> list[tuple[object, ...]]:
    return list(frame[list(names)].itertuples(index=False, name=None))


# Incomplete periods, at every grain, where the clock changes


BERLIN = ZoneInfo("Europe/Berlin")


def test_a_day_on_which_the_clock_goes_back_is_whole_with_its_25_hours(open_store: Callable[..., Store]) -> None:
    """25 October 2026 in Berlin, from 22:00 UTC to 23:00 UTC of the next day."""
    store = open_store(timezone=BERLIN)
    read(store, "2026-10-24 22:00", "2026-10-25 23:00")
    arrive(store, "2026-10-25 00:30", "2026-10-25 01:30", seen="2026-10-25 23:00")
    hours = volume(store, ALL, "hour")
    assert (len(hours), hours["is_partial"].any()) == (24, False)
    assert rows(hours[hours["leads"] > 0], "bucket", "leads") == [(pd.Timestamp("2026-10-25 02:00"), 2)]
    assert rows(volume(store, ALL, "day"), "leads", "is_partial", "covered") == [(2, False, 1)]
    assert rows(volume(store, ALL, "week"), "bucket", "is_partial") == [(pd.Timestamp("2026-10-19"), True)]
    assert rows(volume(store, ALL, "month"), "bucket", "is_partial") == [(pd.Timestamp("2026-10-01"), True)]


def test_a_day_on_which_the_clock_goes_forward_is_whole_with_its_23_hours(open_store: Callable[..., Store]) -> None:
    store = open_store(timezone=BERLIN)
    read(store, "2026-03-28 23:00", "2026-03-29 22:00")
    arrive(store, "2026-03-29 12:00", seen="2026-03-29 22:00")
    hours = volume(store, ALL, "hour")
    assert (len(hours), hours["is_partial"].any()) == (23, False)
    assert rows(volume(store, ALL, "day"), "leads", "is_partial", "covered") == [(1, False, 1)]


def test_a_gap_makes_every_period_that_it_touches_a_part(open_store: Callable[..., Store]) -> None:
    """Whole months from May to July, but for three hours of 10 June, a Wednesday."""
    store = open_store(timezone=BERLIN)
    read(store, "2026-04-30 22:00", "2026-06-10 10:00")
    read(store, "2026-06-10 13:00", "2026-07-31 22:00")
    arrive(store, "2026-05-02 12:00", "2026-06-10 08:00", "2026-07-30 12:00", seen="2026-07-31 22:00")
    cut = {grain: volume(store, ALL, grain).query("is_partial") for grain in GRAINS}
    assert rows(cut["hour"], "bucket", "covered") == [(pd.Timestamp(f"2026-06-10 {h}:00"), 0) for h in (12, 13, 14)]
    assert rows(cut["day"], "bucket", "covered") == [(pd.Timestamp("2026-06-10"), 21 / 24)]
    # The first and the last week begin before and end after what was read.
    assert list(cut["week"]["bucket"].dt.date) == [date(2026, 4, 27), date(2026, 6, 8), date(2026, 7, 27)]
    assert list(cut["month"]["bucket"].dt.date) == [date(2026, 6, 1)]
    unread = charts.plot_volume(volume(store, Filters.of({"from": ["2026-06-10"], "to": ["2026-06-10"]}), "hour"))
    assert [shape.label.text for shape in unread.layout.shapes] == ["not read"]


# Beside the period before


TWO_DAYS = Filters.of({"from": ["2026-09-03"], "to": ["2026-09-04"]})


def test_a_period_is_set_beside_as_many_days_before_it(store: Store) -> None:
    """4 + 3 against 2 + 4; a lead of 20:30 UTC is of the next day in Dubai."""
    read(store, "2026-08-31 20:00", "2026-09-10 00:00")
    of_days(store, 2, 4, 3, 3)
    arrive(store, "2026-09-02 20:30", channel="call")
    frame = volume_change(store, TWO_DAYS)
    assert rows(frame, "day_number", "day", "previous_day", "leads", "previous_leads", "is_compared") == [
        (1, date(2026, 9, 3), date(2026, 9, 1), 3 + 1, 2, True),
        (2, date(2026, 9, 4), date(2026, 9, 2), 3, 4, True),
    ]
    first = frame.iloc[0]
    assert (first["current_leads"], first["earlier_leads"], first["n_compared"]) == (4 + 3, 2 + 4, 2)
    low, high = wilson(7, 13)
    assert first["leads_ratio"] == pytest.approx(7 / 6)
    assert first["leads_ratio_low"] == pytest.approx(float(low / (1 - low)))
    assert first["leads_ratio_high"] == pytest.approx(float(high / (1 - high)))
    assert charts.volume_change_takeaway(frame).replace("\u00a0", " ") == (
        "7 leads in 3–4 Sep 2026 against 6 in 1–2 Sep 2026: +17 % (95 % interval −59 to +231 %), which chance alone "
        "may explain."
    )


def test_the_ratio_of_two_counts_is_that_of_their_share() -> None:
    """30 of 50 is 60 %, and 0.6 / 0.4 = 1.5; twice as uneven, they tell as much as 15 of 25."""
    low, high = wilson(30, 50)
    assert [float(x) for x in rate_ratio(30, 20)] == pytest.approx([1.5, low / (1 - low), high / (1 - high)])
    assert [float(x) for x in rate_ratio(30, 20, 2)] == pytest.approx([float(x) for x in rate_ratio(15, 10)])
    assert float(rate_ratio(5, 0)[0]) == math.inf
    assert math.isnan(float(rate_ratio(0, 0)[0]))


def test_same_weekdays_means_whole_weeks_back(store: Store) -> None:
    read(store, "2026-08-01 00:00", "2026-09-10 00:00")
    of_days(store, *[1] * 40, first="2026-08-01")
    assert rows(volume_change(store, TWO_DAYS, by="weekdays"), "day", "previous_day") == [
        (date(2026, 9, 3), date(2026, 8, 27)),
        (date(2026, 9, 4), date(2026, 8, 28)),
    ]


def test_a_week_so_far_is_set_beside_the_last_one_up_to_the_same_weekday(store: Store) -> None:
    """The last complete day is Wednesday, 9 September."""
    read(store, "2026-08-01 00:00", "2026-09-10 05:00")
    of_days(store, *[1] * 40, first="2026-08-01")
    frame = volume_change(store, ALL, by="week")
    assert rows(frame, "day", "previous_day") == [
        (date(2026, 9, 7), date(2026, 8, 31)),
        (date(2026, 9, 8), date(2026, 9, 1)),
        (date(2026, 9, 9), date(2026, 9, 2)),
    ]


def test_a_month_that_is_longer_than_the_one_before_ends_where_that_ends(store: Store) -> None:
    """31 March has nothing in February to be compared with, and neither have the 29th and the 30th."""
    read(store, "2026-01-01 00:00", "2026-04-01 00:00")
    of_days(store, *[1] * 90, first="2026-01-01")
    frame = volume_change(store, Filters.of({"to": ["2026-03-31"]}), by="month")
    assert (len(frame), frame["day"].iloc[-1], frame["previous_day"].iloc[-1]) == (
        28,
        date(2026, 3, 28),
        date(2026, 2, 28),
    )
    late = Filters.of({"from": ["2026-03-30"], "to": ["2026-03-31"]})
    assert volume_change(store, late, by="month").empty


def test_a_day_that_is_not_over_is_in_neither_period(store: Store) -> None:
    read(store, "2026-08-01 00:00", "2026-09-10 05:00")
    of_days(store, *[1] * 41, first="2026-08-01")
    assert volume_change(store, ALL)["day"].iloc[-1] == date(2026, 9, 9)
    assert len(volume_change(store, Filters.of({"from": ["2026-09-01"], "to": ["2026-09-30"]}))) == 9


def test_a_day_that_was_not_read_takes_its_counterpart_out_too_and_that_is_said(store: Store) -> None:
    """Of 3 and 4 September against 1 and 2, noon of the 2nd was not read: 10 against 8 are left."""
    read(store, "2026-08-31 20:00", "2026-09-02 08:00")
    read(store, "2026-09-02 09:00", "2026-09-10 00:00")
    of_days(store, 8, 9, 10, 11)
    frame = volume_change(store, TWO_DAYS)
    assert list(frame["is_compared"]) == [True, False]
    assert tuple(frame.iloc[0][["current_leads", "earlier_leads", "n_compared"]]) == (10, 8, 1)
    assert math.isnan(frame["previous_leads"].iloc[1])
    assert notes_on_change(frame)[0].startswith("1\u00a0day left out of both sums")
    bar = charts.plot_volume_change(frame).data[0]
    assert list(bar.marker.pattern.shape) == ["", "/"]


def test_what_cannot_be_compared_says_why(store: Store) -> None:
    read(store, "2026-09-02 20:00", "2026-09-10 00:00")
    of_days(store, 8, 9, 10, 11)
    frame = volume_change(store, TWO_DAYS)
    assert math.isnan(frame["leads_ratio"].iloc[0])
    assert charts.volume_change_takeaway(frame).endswith("are not in the store.")
    few = volume_change(store, Filters.of({**dict(TWO_DAYS.selected), "type": ["call"]}))
    assert "are not in the store" in few["reason"].iloc[0]
    read(store, "2026-08-31 20:00", "2026-09-02 20:00")
    assert volume_change(store, Filters.of({**dict(TWO_DAYS.selected), "type": ["call"]}))["reason"].iloc[0] == (
        "Too few leads for a ratio in both periods."
    )


def test_uneven_days_widen_the_interval(store: Store) -> None:
    """Weeks of 10 a day and of 30 a day in turn are five times as uneven as chance: (30 - 10)² / 40 = 10."""
    read(store, "2026-07-01 00:00", "2026-09-01 00:00")
    of_days(store, *([10] * 7 + [30] * 7) * 4, first="2026-07-06")
    frame = volume_change(store, Filters.of({"from": ["2026-08-17"], "to": ["2026-08-23"]}))
    expected = [float(x) for x in rate_ratio(70, 210, 10)]
    assert [frame[f"leads_ratio{end}"].iloc[0] for end in ("", "_low", "_high")] == pytest.approx(expected)


def test_an_unknown_comparison_names_the_known_ones(store: Store) -> None:
    with pytest.raises(FilterError, match="weekdays"):
        compute("leads_ratio", store, ALL, by="weekday")
    assert compute("leads_ratio", store, ALL, by="month").empty


# What is usual


def test_limits_are_learnt_until_fifteen_days_are_complete(store: Store) -> None:
    """Read from midnight of 1 September to noon of the 15th in Dubai: 14 complete days."""
    read(store, "2026-08-31 20:00", "2026-09-15 08:00")
    of_days(store, *[30] * 14)
    frame = volume_limits(store, ALL)
    assert frame["usual_leads"].isna().all()
    assert set(frame["signal"]) == {""}
    assert notes_on_volume(frame, "day")[0].replace("\u00a0", " ") == (
        "What is usual is still being learnt: 14 complete days of the 15 that it takes."
    )
    read(store, "2026-09-15 08:00", "2026-09-16 08:00")
    frame = volume_limits(store, ALL)
    assert frame["usual_leads"].notna().sum() == 15
    assert frame["n_complete"].iloc[0] == 15


def test_a_day_outside_the_limits_is_marked_and_told(store: Store) -> None:
    read(store, "2026-08-31 20:00", "2026-09-30 02:00")
    of_days(store, *[30] * 20, 90, *[30] * 8)
    frame = volume_limits(store, ALL, by="channel")
    assert rows(frame[frame["signal"] != ""], "bucket", "leads", "signal") == [
        (pd.Timestamp("2026-09-21"), 90, "above")
    ]
    assert "1 day above the limits of chance (last: Mon 21 Sep 2026)." in charts.volume_takeaway(frame).replace(
        "\u00a0", " "
    )
    marks = next(trace for trace in charts.plot_volume(frame).data if trace.name == "Outside the limits")
    assert (marks.x, marks.y) == (("2026-09-21T00:00:00",), (90,))
    table = numbers.twin(frame, ["leads", "usual_leads", "signal"]).frame
    assert table["Signal"].iloc[20] == "Above its limit"


def test_a_part_of_a_day_signals_nothing(store: Store) -> None:
    read(store, "2026-08-31 20:00", "2026-09-20 21:00")
    of_days(store, *[30] * 20)
    last = volume_limits(store, ALL).iloc[-1]
    assert (last["leads"], last["is_partial"], last["signal"]) == (0, True, "")
    assert math.isnan(last["usual_leads"])


def test_what_is_usual_does_not_hang_on_the_first_day_that_is_shown(store: Store) -> None:
    read(store, "2026-08-31 20:00", "2026-09-30 02:00")
    of_days(store, *range(20, 48))
    everything = volume_limits(store, ALL).set_index("bucket")
    shown = volume_limits(store, Filters.of({"from": ["2026-09-25"]})).set_index("bucket")
    names = ["usual_leads", "usual_leads_low", "usual_leads_high", "signal"]
    pd.testing.assert_frame_equal(shown[names], everything.loc[shown.index, names])


def test_a_week_that_the_filters_cut_has_no_limits(store: Store) -> None:
    read(store, "2026-01-01 00:00", "2026-09-30 00:00")
    of_days(store, *[5] * 260, first="2026-01-05")
    shown = volume_limits(store, Filters.of({"from": ["2026-09-02"]}), "week")
    assert list(shown["usual_leads"].isna()) == [True, False, False, False, True]
    assert shown["n_complete"].iloc[0] == 26


def test_hours_and_months_have_no_limits(store: Store) -> None:
    of_days(store, 3, 3)
    for grain in ("hour", "month"):
        frame = volume_limits(store, ALL, grain)  # type: ignore[arg-type]
        assert frame["reason"].iloc[0] == "What is usual is told of days and weeks only."
    assert volume_limits(store, Filters.of({"type": ["call"]})).empty


# People


def person(number: int) -> dict[str, object]:
    return {"sender": {"name": "Test Sender", "contacts": [{"type": "phone", "value": f"+97150000{number:04d}"}]}}


def test_people_count_once_a_day_and_repeat_if_they_had_written_in_28_days(store: Store) -> None:
    """Three leads of two people, one of whom wrote 28 days before to the minute; the next day one of 29 days."""
    read(store, "2026-08-01 00:00", "2026-09-20 00:00")
    arrive(store, "2026-08-18 06:00", **person(1))
    arrive(store, "2026-08-17 06:00", channel="call", **person(3))
    arrive(store, "2026-09-15 06:00", "2026-09-15 07:00", **person(1))
    arrive(store, "2026-09-15 08:00", **person(2))
    arrive(store, "2026-09-16 08:00", **person(3))
    frame = senders_over_time(store, Filters.of({"from": ["2026-09-15"], "to": ["2026-09-16"]}))
    counted = rows(frame, "leads", "unique_senders", "repeat_leads", "leads_of_senders")
    assert counted == [(3, 2, 1 + 1, 3), (1, 1, 0, 1)]
    assert frame["repeat_share_quality"].iloc[0] == "too_few"


def test_a_lead_before_counts_whatever_the_filters(store: Store) -> None:
    read(store, "2026-08-01 00:00", "2026-09-20 00:00")
    arrive(store, "2026-09-10 06:00", channel="call", **person(1))
    arrive(store, "2026-09-15 06:00", **person(1))
    frame = senders_over_time(store, Filters.of({"type": ["whatsapp"], "from": ["2026-09-15"], "to": ["2026-09-15"]}))
    assert rows(frame, "leads", "repeat_leads") == [(1, 1)]


def test_nobody_is_called_new_where_the_time_before_was_not_read(store: Store) -> None:
    """Read from 1 September on: the first day with 28 read days before it is the 29th."""
    read(store, "2026-08-31 20:00", "2026-10-10 00:00")
    of_days(store, *[6] * 30)
    frame = senders_over_time(store, ALL).set_index("bucket")
    assert frame.loc["2026-09-28", "repeat_share_quality"] == "not_followed"
    assert math.isnan(frame.loc["2026-09-28", "repeat_share"])
    assert (frame.loc["2026-09-29", "repeat_share"], frame.loc["2026-09-29", "unique_senders"]) == (1, 1)


def test_leads_without_a_sender_are_in_neither_part_of_the_repeat_share(store: Store) -> None:
    arrive(store, "2026-09-15 06:00", sender={"name": "Nobody", "contacts": []})
    frame = senders_over_time(store, ALL)
    assert (frame["unique_senders"].sum(), frame["leads_of_senders"].sum(), frame["leads"].sum()) == (0, 0, 1)
    assert senders_over_time(store, Filters.of({"type": ["call"]})).empty


# Silence


def hourly(store: Store, until: str, **changes: object) -> None:
    """A lead in the middle of every hour from 1 September, midnight UTC, up to `until`."""
    begin, end = at("2026-09-01 00:30"), at(until)
    n = int((end - begin) / timedelta(hours=1)) + 1
    arrive(store, *(f"{begin + timedelta(hours=h):%Y-%m-%d %H:%M}" for h in range(n)), seen=until, **changes)


@pytest.mark.parametrize(
    ("looked_at", "silent_h", "verdict"),
    [("2026-09-22 00:45", 0.25, "fine"), ("2026-09-22 04:00", 3.5, "quiet"), ("2026-09-22 12:30", 12, "silent")],
    ids=["a quarter of an hour", "such pauses come every month", "twelve hours"],
)
def test_a_pause_is_judged_by_what_would_be_usual_meanwhile(
    store: Store, looked_at: str, silent_h: float, verdict: str
) -> None:
    """One lead an hour: after h hours h would be usual, and of 720 pauses a month 720 exp(-h) last so long."""
    hourly(store, "2026-09-22 00:30")
    read(store, "2026-09-01 00:00", looked_at)
    row = channel_silence(store, ALL).iloc[1]
    assert (row["key"], row["silence"], row["silent_h"]) == ("whatsapp", verdict, silent_h)
    assert row["expected_leads"] == pytest.approx(silent_h, rel=0.01)
    assert row["silence_chance"] == pytest.approx(1 - math.exp(-720 * math.exp(-silent_h)), rel=0.15)
    assert row["n_history"] == 21 * 24
    assert row["last_lead_at"] == pd.Timestamp("2026-09-22 00:30", tz="UTC")


def test_a_silence_over_a_gap_of_ours_is_not_told(store: Store) -> None:
    hourly(store, "2026-09-22 00:30")
    read(store, "2026-09-01 00:00", "2026-09-22 02:00")
    read(store, "2026-09-22 02:30", "2026-09-22 12:30")
    frame = channel_silence(store, ALL)
    assert set(frame["silence"]) == {"cannot_tell"}
    assert set(frame["reason"]) == {"Not all of the time since the last lead was read."}
    assert frame[["expected_leads", "silence_chance"]].isna().all(axis=None)


def test_a_silence_over_an_uncertain_stretch_is_not_told(store: Store) -> None:
    hourly(store, "2026-09-22 00:30")
    read(store, "2026-09-01 00:00", "2026-09-22 02:00")
    read(store, "2026-09-22 02:00", "2026-09-22 12:30", is_certain=False)
    assert set(channel_silence(store, ALL)["reason"]) == {"Of the time since the last lead a lead may be missing."}


def end_sync(store: Store, started: datetime, outcome: str) -> None:
    sync_id = store.begin_sync(kind="hot", dialect="flat", started_at=started)
    store.finish_sync(
        SyncRow(sync_id, "hot", outcome, "flat", started, started, None, None, 0, 0, 0, 0, 0, 0, 1, 0, 1.0, None)
    )


def test_a_silence_is_not_told_while_our_sync_fails_and_an_alarm_stays_as_it_is(store: Store) -> None:
    hourly(store, "2026-09-22 00:30")
    read(store, "2026-09-01 00:00", "2026-09-22 12:30")
    end_sync(store, at("2026-09-22 12:30"), "complete")
    watch_silence(store)
    assert [alarm.kind for alarm in store.alarms()] == ["silent_channel"]
    end_sync(store, at("2026-09-22 12:45"), "failed")
    assert set(channel_silence(store, ALL)["reason"]) == {"Our last sync failed."}
    watch_silence(store)
    assert [alarm.kind for alarm in store.alarms()] == ["silent_channel"]


def test_the_alarm_names_the_channel_and_the_first_lead_takes_it_down(store: Store) -> None:
    """Calls go on: WhatsApp alone is named, and in the same words at the next look."""
    hourly(store, "2026-09-22 00:30")
    hourly(store, "2026-09-22 12:30", channel="call")
    read(store, "2026-09-01 00:00", "2026-09-22 12:30")
    watch_silence(store)
    (alarm,) = store.alarms()
    assert alarm.message.startswith("WhatsApp: no lead since 22\u00a0Sep\u00a02026, 04:30. Chance hardly")
    read(store, "2026-09-22 12:30", "2026-09-22 12:45")
    version = store.data_version
    watch_silence(store)
    assert store.data_version == version
    arrive(store, "2026-09-22 12:40", seen="2026-09-22 12:45")
    watch_silence(store)
    assert store.alarms() == ()


def test_too_little_history_is_said(store: Store) -> None:
    hourly(store, "2026-09-10 00:30")
    read(store, "2026-09-01 00:00", "2026-09-20 00:00")
    row = channel_silence(store, ALL).iloc[0]
    assert row["silence"] == "too_little"
    assert row["reason"].replace("\u00a0", " ") == "216 leads in 9 days are too few to know what is usual."
    assert channel_silence(store, Filters.of({"type": ["email"]})).empty


def test_the_filters_days_have_no_say_in_a_silence(store: Store) -> None:
    hourly(store, "2026-09-22 00:30")
    read(store, "2026-09-01 00:00", "2026-09-22 12:30")
    days = Filters.of({"from": ["2026-09-02"], "to": ["2026-09-03"]})
    pd.testing.assert_frame_equal(channel_silence(store, days), channel_silence(store, ALL))


# Found again


@pytest.fixture(scope="module")
def in_outage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A planted brokerage of 5,000 leads, read once, an hour before the end of its seven hours' outage."""
    now = at("2026-10-27 13:00")
    plain = SandboxSettings(dialect="flat", n_leads=5_000, frozen_at=now, calls_per_minute=PLENTY)
    folder = tmp_path_factory.mktemp("in outage")
    with SandboxServer(plain) as portal, Store.open(folder, timezone=DUBAI, portal=portal.url) as store:
        one = Bench(portal, store)
        with one.own_client:
            one.sync(full=True)
            yield one


def test_a_bar_leads_to_exactly_the_leads_it_counts(in_outage: Bench, request: pytest.FixtureRequest) -> None:
    """Clickable bars of each grain and split, also where the filters' days cut them: some, or all in the full form."""
    store = in_outage.store
    stride = 1 if request.config.getoption("--matrix") == "full" else 7
    n_bars = 0
    for filters in (ALL, Filters.of({"from": ["2026-10-14"], "to": ["2026-10-22"], "type": ["whatsapp", "call"]})):
        for by in ("channel", "entity_type", "stage", "agent"):
            for grain in ("week", "month") if filters == ALL else ("day", "week", "month"):
                frame = volume_limits(store, filters, grain, by, limit=8)  # type: ignore[arg-type]
                for trace in (trace for trace in charts.plot_volume(frame, grain=grain).data if trace.customdata):
                    for mark, height in zip(trace.customdata, trace.y, strict=True):
                        if n_bars % stride == 0:
                            left = summary(store, filters_of_bar(filters, by, mark[0]))["leads"].iloc[0]
                            assert left == height, (by, mark)
                        n_bars += 1
    assert n_bars > 200


def test_a_bar_that_no_filter_can_tell_is_not_to_be_clicked(in_outage: Bench) -> None:
    frame = volume_limits(in_outage.store, ALL, "week", "agent", limit=2)
    clickable = {trace.legendgroup for trace in charts.plot_volume(frame).data if trace.customdata}
    assert clickable == set(frame["key"]) - {"others"}
    hours = volume_limits(in_outage.store, Filters.of({"from": ["2026-10-26"]}), "hour")
    assert not [trace for trace in charts.plot_volume(hours).data if trace.customdata]
    assert mark_of(datetime(2026, 10, 19, tzinfo=UTC), "week", "call") == "2026-10-19/week/call"


def test_numbers_by_name_are_those_of_the_screen(in_outage: Bench) -> None:
    store = in_outage.store
    shown = volume_limits(store, ALL, "day")
    named = compute("usual_leads", store, ALL, grain="day")
    assert list(named.columns[:5]) == ["bucket", "key", "label", "usual_leads", "usual_leads_low"]
    pd.testing.assert_frame_equal(named, shown[list(named.columns)])
    assert set(compute("silence", store, ALL)["silence"]) == set(channel_silence(store, ALL)["silence"])
    with pytest.raises(FilterError, match="channels only"):
        compute("silence", store, ALL, by="agent")


def test_the_planted_outage_is_found_alarmed_and_over_with_the_first_lead(in_outage: Bench) -> None:
    store = in_outage.store
    frame = channel_silence(store, ALL).set_index("key")
    assert frame.loc["all", "silence"] == "silent"
    assert 6 <= frame.loc["all", "silent_h"] < 7
    watch_silence(store)
    assert [alarm.kind for alarm in store.alarms()] == ["silent_channel"]
    in_outage.advance(hours=3)
    in_outage.sync()
    watch_silence(store)
    assert store.alarms() == ()


def test_signals_stand_on_the_planted_campaigns(in_outage: Bench) -> None:
    frame = volume_limits(in_outage.store, ALL)
    above = set(frame["bucket"][frame["signal"].isin(["above", "run_above"])].dt.date)
    campaign = {first + timedelta(days=day) for first in (date(2026, 8, 3), date(2026, 10, 19)) for day in range(14)}
    assert len(above & campaign) >= 3
    assert len(above - campaign) <= 2
