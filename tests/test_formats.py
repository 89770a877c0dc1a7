"""Numbers, shares, durations and dates as text."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from leadlib import formats

MISSING = [None, float("nan"), np.float64("nan"), pd.NaT, pd.NA]
WORDS = ["none", "nan", "numpy nan", "not a time", "not available"]


def plain(text: str) -> str:
    """`text` with ordinary spaces and signs, to be read by eye in a test."""
    return text.replace(formats.NBSP, " ").replace(formats.MINUS, "-")


@pytest.mark.parametrize("value", MISSING, ids=WORDS)
@pytest.mark.parametrize(
    "show",
    [
        formats.number,
        formats.compact,
        formats.signed,
        formats.percent,
        formats.points,
        formats.duration,
        formats.working_time,
        formats.day,
        formats.short_day,
        lambda value: formats.count_of(value, "lead"),
        lambda value: formats.percent_range(value, 0.5),
        lambda value: formats.percent_range(0.5, value),
        lambda value: formats.day_range(date(2026, 5, 1), value),
        lambda value: formats.bucket(value, "day"),
        lambda value: formats.instant(value, ZoneInfo("Asia/Dubai")),
        lambda value: formats.ago(value, datetime(2026, 5, 1, tzinfo=UTC)),
    ],
)
def test_what_is_missing_is_a_dash_and_never_a_zero(show: object, value: object) -> None:
    assert show(value) == "–"  # type: ignore[operator]


def test_zero_is_not_missing() -> None:
    assert not formats.is_missing(0)
    assert not formats.is_missing(0.0)
    assert not formats.is_missing("")
    assert formats.percent(0) == f"0{formats.NBSP}%"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (11904, "11,904"), (-3, "-3"), (-0.2, "0"), (1234567.4, "1,234,567")],
    ids=["zero", "thousands", "negative", "rounds to zero without a sign", "millions"],
)
def test_number(value: float, text: str) -> None:
    assert plain(formats.number(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1k"),
        (11904, "11.9k"),
        (999_949, "1,000k"),
        (999_999, "1M"),
        (2_500_000, "2.5M"),
        (-1500, "-1.5k"),
    ],
)
def test_compact(value: float, text: str) -> None:
    assert plain(formats.compact(value)) == text


@pytest.mark.parametrize(("value", "text"), [(12, "+12"), (-12, "-12"), (0, "±0"), (0.04, "±0")])
def test_signed(value: float, text: str) -> None:
    assert plain(formats.signed(value)) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.523, "52 %"), (1.0, "100 %"), (0.004, "<1 %"), (0.998, ">99 %"), (0.005001, "1 %")],
    ids=["none", "half", "all", "nearly none", "nearly all", "rounds up"],
)
def test_only_none_is_0_percent_and_only_all_is_100(share: float, text: str) -> None:
    assert plain(formats.percent(share)) == text


def test_percent_with_decimals() -> None:
    assert plain(formats.percent(0.5234, 1)) == "52.3 %"
    assert plain(formats.percent(0.0004, 1)) == "<0.1 %"
    assert plain(formats.percent(0.9996, 1)) == ">99.9 %"


def test_percent_range_names_the_unit_once() -> None:
    assert plain(formats.percent_range(0.41, 0.49)) == "41–49 %"
    assert plain(formats.percent_range(0.412, 0.414)) == "41 %"
    assert plain(formats.percent_range(0, 0.004)) == "0–<1 %"


@pytest.mark.parametrize(
    ("difference", "text"),
    [(0.023, "+2.3 points"), (-0.01, "-1.0 point"), (0.01, "+1.0 point"), (0, "±0 points")],
)
def test_points(difference: float, text: str) -> None:
    assert plain(formats.points(difference)) == text


@pytest.mark.parametrize(("n", "text"), [(0, "no leads"), (1, "1 lead"), (1204, "1,204 leads")])
def test_count_of(n: int, text: str) -> None:
    assert plain(formats.count_of(n, "lead")) == text
    assert plain(formats.count_of(2, "person", "people")) == "2 people"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (45, "45 s"),
        (59.6, "1 min"),
        (240, "4 min"),
        (7200, "2 h"),
        (7500, "2 h 5 min"),
        (86_399, "1 d"),
        (273_600, "3 d 4 h"),
        (-240, "-4 min"),
        (timedelta(minutes=90), "1 h 30 min"),
    ],
)
def test_duration(seconds: float | timedelta, text: str) -> None:
    assert plain(formats.duration(seconds)) == text


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (0, "0 min"),
        (59.4, "59 min"),
        (59.6, "1 h"),
        (125, "2 h 5 min"),
        (600, "10 h"),
        (2_220, "37 h"),
        (60_060, "1,001 h"),
    ],
)
def test_working_time_knows_no_days(minutes: float, text: str) -> None:
    assert plain(formats.working_time(minutes)) == text


@pytest.mark.parametrize(
    ("n", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (22, "22nd")],
)
def test_a_place_in_words(n: int, text: str) -> None:
    assert formats.ordinal(n) == text


def test_days() -> None:
    assert plain(formats.day(date(2026, 5, 31))) == "31 May 2026"
    assert plain(formats.short_day(date(2026, 5, 31))) == "31 May"
    assert plain(formats.day_range(date(2026, 5, 1), date(2026, 5, 31))) == "1–31 May 2026"
    assert plain(formats.day_range(date(2026, 4, 28), date(2026, 5, 3))) == "28 Apr – 3 May 2026"
    assert plain(formats.day_range(date(2025, 12, 28), date(2026, 1, 3))) == "28 Dec 2025 – 3 Jan 2026"
    assert plain(formats.day_range(date(2026, 5, 1), date(2026, 5, 1))) == "1 May 2026"


def test_an_instant_is_told_on_the_accounts_clock() -> None:
    late = datetime(2026, 5, 31, 20, 5, tzinfo=UTC)
    assert plain(formats.instant(late, ZoneInfo("Asia/Dubai"))) == "1 Jun 2026, 00:05"
    assert plain(formats.ago(late, late + timedelta(minutes=5))) == "5 min ago"
    assert formats.ago(late, late + timedelta(seconds=20)) == "just now"


@pytest.mark.parametrize(
    ("grain", "text"),
    [
        ("hour", "Mon 4 May 2026, 14:00"),
        ("day", "Mon 4 May 2026"),
        ("week", "Week of 4 May 2026"),
        ("month", "May 2026"),
    ],
)
def test_bucket(grain: formats.Grain, text: str) -> None:
    assert plain(formats.bucket(pd.Timestamp("2026-05-04 14:00"), grain)) == text


def test_hour_and_lists() -> None:
    assert formats.hour(9) == "09:00–10:00"
    assert formats.hour(23) == "23:00–00:00"
    assert formats.listed([]) == ""
    assert formats.listed(["calls"]) == "calls"
    assert formats.listed(["calls", "chats", "e-mails"]) == "calls, chats and e-mails"
