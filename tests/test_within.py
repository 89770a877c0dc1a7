"""Responded within a day: given looks, expected counts."""

import math

import pandas as pd
import pytest

from leadlib import charts
from leadlib.filters import Filters
from leadlib.metrics import breakdown, compute, summary, wilson, within_hours
from leadlib.store import LeadEvent, Store
from leadlib.ui.funnel_drill import filters_of_week
from leadlib.ui.within_notes import notes
from tests.conftest import at, make_lead

ALL = Filters()
CREATED = "2026-09-15T06:00:00Z"
NO_CHANNELS = pd.DataFrame({"label": [], "settled_h": [], "settled_h_low": []})


def look(store: Store, when: str, statuses: dict[str, str], created: str = CREATED, **changes: object) -> None:
    """The portal shows these leads, all created at one moment, with these statuses."""
    leads = [make_lead(i, created, status=status, **changes) for i, status in statuses.items()]
    store.write_leads(leads, observed_at=at(when))


def told(store: Store) -> tuple[int, int, int]:
    """How many matured leads there are, had responded by 24 hours, and may have."""
    row = within_hours(store, ALL).iloc[0]
    return int(row["matured"]), int(row["responded_within"]), int(row["unknown_within"])


def test_a_response_counts_by_the_side_of_the_mark_on_which_it_was_seen(store: Store) -> None:
    """The mark is at 06:00 of the 16th."""
    look(store, "2026-09-15 12:00", dict.fromkeys("abcde", "sent"))
    look(store, "2026-09-15 20:00", {"a": "responded"})  # by then
    look(store, "2026-09-16 07:00", {"b": "responded", "c": "sent", "d": "opened"})  # b: 12:00 to 07:00, unknown
    look(store, "2026-09-18 00:00", {"a": "responded", "b": "responded", "c": "responded", "d": "opened"})  # c: later
    look(store, "2026-09-18 00:00", {"e": "archived"})  # from sent: no response, as everywhere
    assert told(store) == (5, 1, 1)
    row = within_hours(store, ALL).iloc[0]
    assert (row["responded_matured"], row["unknown_matured"]) == (1 + 1 + 1, 0)  # a, b, c
    assert math.isnan(row["response_rate_within"])  # one of five is more than 5 %
    assert row["response_rate_within_quality"] == "bounds"
    assert row["response_rate_within_low"] == wilson(1, 5)[0]
    assert row["response_rate_within_high"] == wilson(1 + 1, 5)[1]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [("2026-09-16 06:00:00", (1, 1, 0)), ("2026-09-16 06:00:01", (1, 0, 1))],
    ids=["seen at the mark", "seen a second later"],
)
def test_the_mark_itself_is_within(store: Store, seen: str, expected: tuple[int, int, int]) -> None:
    look(store, "2026-09-15 12:00", {"a": "sent"})
    look(store, seen, {"a": "responded"})
    look(store, "2026-09-18 00:00", {"a": "responded"})
    assert told(store) == expected


def test_a_look_at_the_mark_without_a_response_makes_what_follows_later(store: Store) -> None:
    look(store, "2026-09-16 06:00", {"a": "opened"})
    look(store, "2026-09-16 06:05", {"a": "responded"})
    assert told(store) == (1, 0, 0)


def test_a_lead_first_seen_responded_after_the_mark_is_unknown(store: Store) -> None:
    look(store, "2026-09-18 00:00", {"a": "responded", "b": "sent"})
    look(store, "2026-09-15 20:00", {"c": "responded"})
    look(store, "2026-09-18 00:00", {"c": "responded"})
    assert told(store) == (3, 1, 1)


def test_leads_of_which_no_rung_was_seen_are_unknown(store: Store) -> None:
    look(store, "2026-09-18 00:00", {"a": "archived", "b": "on_hold", "c": "sent"})
    assert told(store) == (3, 0, 2)


def test_a_response_stays_one_whatever_comes_later(store: Store) -> None:
    look(store, "2026-09-15 12:00", {"a": "responded", "b": "responded"})
    look(store, "2026-09-18 00:00", {"a": "archived", "b": "on_hold"})
    assert told(store) == (2, 2, 0)


def test_a_lead_that_was_not_followed_to_the_mark_is_not_counted_even_if_it_responded(store: Store) -> None:
    look(store, "2026-09-15 12:00", {"a": "responded", "b": "sent"})
    assert told(store) == (0, 0, 0)
    row = within_hours(store, ALL).iloc[0]
    assert (row["response_rate_within_quality"], row["pending"]) == ("no_leads", 1)


def test_a_webhook_tells_the_moment_and_leaves_nothing_unknown(store: Store) -> None:
    look(store, "2026-09-15 07:00", {"a": "sent"})
    event_at = at("2026-09-15 09:30")
    told_then = make_lead("a", "2026-09-15T09:30:00Z", status="responded")  # an event's created_at is its own time
    store.write_events([LeadEvent("0" * 64, "lead.updated", event_at, told_then)])
    look(store, "2026-09-18 00:00", {"a": "responded"})
    assert told(store) == (1, 1, 0)


def test_an_empty_store_has_one_row_without_a_rate_and_no_groups(store: Store) -> None:
    row = within_hours(store, ALL).iloc[0]
    assert (row["key"], row["leads"], row["response_rate_within_quality"]) == ("all", 0, "no_leads")
    assert math.isnan(row["response_rate_within_high"])
    weeks = within_hours(store, ALL, by="week")
    assert weeks.empty
    assert notes(weeks, NO_CHANNELS) == []


def test_weeks_begin_on_monday_of_the_accounts_clock_and_stand_in_order(store: Store) -> None:
    """20:00 UTC of Sunday is midnight of Monday in Dubai."""
    for created, name in (("2026-09-20T19:59:59Z", "a"), ("2026-09-20T20:00:00Z", "b")):
        look(store, "2026-09-21 06:00", {name: "responded"}, created)
        look(store, "2026-09-25 00:00", {name: "responded"}, created)
    weeks = within_hours(store, ALL, by="week")
    assert list(zip(weeks["key"], weeks["responded_within"], strict=True)) == [("2026-09-14", 1), ("2026-09-21", 1)]


def test_groups_are_those_of_the_breakdown_and_leads_without_one_are_a_group(store: Store) -> None:
    look(store, "2026-09-15 12:00", {"a": "responded", "b": "sent"})
    look(store, "2026-09-15 12:00", {"c": "responded"}, publicProfile=None)
    look(store, "2026-09-18 00:00", {"a": "responded", "b": "sent"})
    look(store, "2026-09-18 00:00", {"c": "responded"}, publicProfile=None)
    frame, other = within_hours(store, ALL, by="agent"), breakdown(store, ALL, "agent")
    assert list(zip(frame["key"], frame["responded_within"], strict=True)) == [("90001", 1), ("none", 1)]
    shared = [name for name in frame if name in other]
    pd.testing.assert_frame_equal(frame[shared], other[shared])


def test_the_parts_of_a_group_add_up_to_all_leads(store: Store) -> None:
    look(store, "2026-09-15 12:00", {str(i): "responded" if i % 3 else "sent" for i in range(40)})
    look(store, "2026-09-18 00:00", {str(i): "responded" if i % 4 else "sent" for i in range(40)}, channel="email")
    by_channel, whole = within_hours(store, ALL, by="channel"), within_hours(store, ALL).iloc[0]
    for name in ("matured", "responded_within", "unknown_within"):
        assert by_channel[name].sum() == whole[name]
    assert whole["matured"] == summary(store, ALL)["matured"].iloc[0]


def test_the_rate_by_name_is_that_of_the_screen(store: Store) -> None:
    look(store, "2026-09-15 12:00", {str(i): "responded" if i < 12 else "sent" for i in range(20)})
    look(store, "2026-09-18 00:00", {str(i): "responded" if i < 15 else "sent" for i in range(20)})
    named = compute("response_rate_within", store, ALL, by="week")
    assert list(named.columns) == [
        *("key", "label", "response_rate_within", "response_rate_within_low", "response_rate_within_high"),
        *("responded_within", "matured", "response_rate_within_quality", "unknown_within"),
    ]
    # 12 of 20 were seen by the mark; three came between 12:00 and two days later: more than 5 %
    assert tuple(named.iloc[0][["responded_within", "matured", "unknown_within"]]) == (12, 20, 3)
    assert compute("unknown_within", store, ALL)["unknown_within"].tolist() == [3]


def test_history_makes_weeks_comparable_that_the_rate_so_far_does_not(store: Store) -> None:
    """Half of the leads of either week respond in an hour; of the older ones ten more did after a week."""
    for monday, n_late in (("2026-09-07", 10), ("2026-09-14", 0)):
        names = [f"{monday} {i}" for i in range(40)]
        created = f"{monday}T06:00:00Z"
        first = dict.fromkeys(names[:20], "responded") | dict.fromkeys(names[20:], "sent")
        look(store, f"{monday} 07:00", first, created)
        look(store, str(at(f"{monday} 07:00") + pd.Timedelta(days=1))[:19], first, created)
        look(store, "2026-09-18 00:00", first | dict.fromkeys(names[20 : 20 + n_late], "responded"), created)
    weeks = within_hours(store, ALL, by="week")
    assert list(weeks["response_rate_within"]) == [20 / 40, 20 / 40]
    assert list(weeks["response_rate"]) == [30 / 40, 20 / 40]
    assert "50\u00a0%" in charts.within_trend_takeaway(weeks)
    assert notes(weeks, NO_CHANNELS) == ["A point leads to all leads of its week."]


@pytest.mark.parametrize("days", [{}, {"from": ["2026-09-16"], "to": ["2026-09-22"]}], ids=["all days", "cut weeks"])
def test_a_week_leads_to_exactly_the_leads_it_counts(store: Store, days: dict[str, list[str]]) -> None:
    for day in range(10, 26):
        look(store, "2026-09-25 12:00", {f"{day} {i}": "sent" for i in range(day % 4)}, f"2026-09-{day}T21:00:00Z")
    filters = Filters.of(days)
    weeks = within_hours(store, filters, by="week")
    assert len(weeks) == (2 if days else 3)
    for monday, n_leads in zip(weeks["key"], weeks["leads"], strict=True):
        assert summary(store, filters_of_week(filters, monday))["leads"].item() == n_leads


def test_channels_whose_replies_take_longer_than_the_rate_waits_are_named(store: Store) -> None:
    """Only where chance does not explain it: the whole interval of the age lies beyond the 24 hours."""
    look(store, "2026-09-15 12:00", dict.fromkeys("abcde", "responded"))
    channels = pd.DataFrame(
        [("E-mail", 52.0, 40.0, 60.0), ("Chat", 25.0, 23.0, 30.0), ("WhatsApp", 6.0, 5.0, 7.0)],
        columns=["label", "settled_h", "settled_h_low", "settled_h_high"],
    )
    slow = [sentence for sentence in notes(within_hours(store, ALL, by="week"), channels) if "still grows" in sentence]
    assert [sentence.split(" less than ")[0] for sentence in slow] == ["Of E-mail"]


def test_thin_history_is_said_and_drawn_as_bounds_alone(store: Store) -> None:
    look(store, "2026-09-18 00:00", {str(i): "responded" if i < 20 else "sent" for i in range(40)})
    weeks = within_hours(store, ALL, by="week")
    sentence = notes(weeks, pd.DataFrame({"label": ["Chat"], "settled_h": [math.nan], "settled_h_low": [math.nan]}))
    assert sentence[0].startswith("In the only week history is too thin")
    assert sentence[1] == "By what age replies have come cannot be told for Chat yet."
    assert "too little" in charts.within_trend_takeaway(weeks)
    figure = charts.plot_within_trend(weeks)
    line = next(trace for trace in figure.data if trace.name and trace.name.startswith("Responded within"))
    assert list(line.y) == [None]
