"""What a mark leads to: as many leads as it counts, also archived ones, unknown ones, and those at midnight."""

from collections.abc import Callable

import pytest

from leadlib import charts
from leadlib.filters import Filters
from leadlib.metrics import breakdown, funnel, heat_map, senders_over_time, summary, transitions, volume
from leadlib.metrics.lead_rows import lead_rows
from leadlib.store import SliceRow, Store
from leadlib.ui.drill import filters_of_bar, filters_of_hour
from leadlib.ui.funnel_drill import filters_of_move, filters_of_reached, filters_of_week, words_of_moves
from tests.conftest import at, make_lead

ALL = Filters()
CALLS = Filters.of({"type": ["call"]})
PART = Filters.of({"from": ["2026-09-15"], "to": ["2026-09-21"], "agent": ["90001", "none"]})


@pytest.fixture
def awkward(store: Store) -> Store:
    """Leads on both sides of midnight in Dubai, in words of both dialects, some of them without what others have."""
    first = [
        make_lead("a", "2026-09-14T19:59:59.999Z", status="sent"),  # Monday 23 h there
        make_lead("b", "2026-09-14T20:00:00Z", status="opened"),  # Tuesday 0 h
        make_lead("c", "2026-09-14T20:59:59.999Z", status="read", channel="call"),  # Tuesday 0 h
        make_lead("d", "2026-09-15T05:30:00Z", status="archived"),  # first seen archived
        make_lead("e", "2026-09-15T05:31:00Z", status="on_hold"),  # never seen on the ladder
        make_lead("f", "2026-09-15T05:32:00Z", status="responded", publicProfile=None),
        make_lead("g", "2026-09-20T19:59:59.999Z", status="delivered", channel="call"),  # the last of its week
        make_lead("h", "2026-09-20T20:00:00Z", status="sent", channel="telegram"),  # the first of the next
        make_lead("i", "2026-09-21T05:30:00Z", status="sent", channel=None),
        make_lead("j", "2026-09-21T05:40:00Z", status="opened", publicProfile={"id": 7}),
    ]
    store.write_leads(first, observed_at=at("2026-09-21 06:00"))
    later = [
        make_lead("a", "2026-09-14T19:59:59.999Z", status="archived"),  # was sent
        make_lead("f", "2026-09-15T05:32:00Z", status="archived", publicProfile=None),  # had responded
        make_lead("b", "2026-09-14T20:00:00Z", status="on_hold"),  # had been opened
    ]
    store.write_leads(later, observed_at=at("2026-09-22 06:00"))
    return store


def n_rows(store: Store, filters: Filters) -> int:
    """How many rows the table of leads shows, which is what the sentence over it says."""
    found = len(lead_rows(store, filters))
    assert found == summary(store, filters)["leads"].item()
    return found


@pytest.mark.parametrize("filters", [ALL, CALLS, PART], ids=["all", "calls", "part"])
def test_a_bar_of_the_funnel_leads_to_the_leads_that_came_so_far(awkward: Store, filters: Filters) -> None:
    for by in (None, "channel"):
        frame = funnel(awkward, filters, by=by)
        plot: Callable[..., object] = charts.plot_funnel if by is None else charts.plot_funnel_by_channel
        marks = [key for key, _ in plot(frame).data[-1].customdata]  # type: ignore[attr-defined]
        of_mark = {row.stage if by is None else f"{row.stage}/{row.key}": row.leads for row in frame.itertuples()}
        assert set(marks) <= set(of_mark)
        for mark in marks:
            if not mark.endswith("/"):
                assert n_rows(awkward, filters_of_reached(filters, mark)) == of_mark[mark], mark


def test_the_funnels_bars_by_hand(awkward: Store) -> None:
    """Sent: all but e. Delivered: g as well as who opened. Opened: b, c, j and f. Responded: f. Of d: sent, no more."""
    expected = {"sent": 9, "delivered": 1 + 3 + 1, "opened": 4, "responded": 1}
    assert {stage: n_rows(awkward, filters_of_reached(ALL, stage)) for stage in expected} == expected


def test_a_lower_bar_under_a_filter_by_a_higher_stage_has_no_more_leads_than_that(awkward: Store) -> None:
    opened = Filters.of({"reached": ["opened"]})
    assert filters_of_reached(opened, "sent") == opened
    assert filters_of_reached(opened, "responded") == Filters.of({"reached": ["responded"]})
    assert funnel(awkward, opened)["leads"].tolist() == [4, 4, 4, 1]
    assert filters_of_reached(CALLS, "opened/whatsapp") == Filters.of({"type": ["whatsapp"], "reached": ["opened"]})


@pytest.mark.parametrize("filters", [ALL, CALLS, PART], ids=["all", "calls", "part"])
def test_a_move_leads_to_the_leads_that_made_it(awkward: Store, filters: Filters) -> None:
    """Under a move that was chosen before, those that made both."""
    moves = transitions(awkward, filters)
    of_mark = dict(zip(moves["key"], moves["moved"], strict=True))
    assert set(words_of_moves(moves)) == set(of_mark)
    for mark, leads in of_mark.items():
        chosen = filters_of_move(filters, mark)
        assert n_rows(awkward, chosen) == leads, mark
        for row in transitions(awkward, chosen).itertuples():
            assert n_rows(awkward, filters_of_move(chosen, row.key)) == row.moved, (mark, row.key)


def test_the_moves_by_hand(awkward: Store) -> None:
    """a: sent, archived. f: responded, archived. b: opened, a word that nobody knows. h and i were sent and are so."""
    expected = {
        "first:sent>then:archived": 1,
        "first:responded>then:archived": 1,
        "first:opened>then:unrecognised": 1,
        "first:sent>today:sent": 2,
        "then:archived>today:archived": 1 + 1,
        "again:opened>today:opened": 0,
    }
    assert {move: n_rows(awkward, filters_of_move(ALL, move)) for move in expected} == expected
    words = words_of_moves(transitions(awkward, ALL))
    assert words["first:sent>then:archived"] == "First seen sent → archived · 1\u00a0lead"


@pytest.mark.parametrize("filters", [ALL, CALLS, PART], ids=["all", "calls", "part"])
def test_a_cell_of_the_week_leads_to_the_leads_of_its_hour(awkward: Store, filters: Filters) -> None:
    frame = heat_map(awkward, filters)
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    of_mark = {f"{days[row.weekday - 1]}/{row.hour}": row.leads for row in frame.itertuples() if row.leads}
    marks = [key for key, _ in charts.plot_heat_map(frame).data[-1].customdata]
    assert marks == list(of_mark)
    assert {mark: n_rows(awkward, filters_of_hour(filters, mark)) for mark in marks} == of_mark


def test_the_cells_of_the_week_by_hand(awkward: Store) -> None:
    """Dubai is four hours ahead: a is still of Monday, b the first of Tuesday, g the last of Sunday, h of Monday."""
    expected = {"mon/23": 1, "tue/0": 2, "tue/9": 3, "sun/23": 1, "mon/0": 1, "mon/9": 2}
    marks = [key for key, _ in charts.plot_heat_map(heat_map(awkward, ALL)).data[-1].customdata]
    assert {mark: n_rows(awkward, filters_of_hour(ALL, mark)) for mark in marks} == expected


def test_hours_that_a_filter_leaves_out_are_blank_and_not_quiet(store: Store) -> None:
    """Two weeks were read, from Monday to Sunday: two Tuesday hours from nine on, with three leads."""
    created = ("2026-09-08T05:10:00Z", "2026-09-15T05:20:00Z", "2026-09-15T05:30:00Z", "2026-09-15T06:30:00Z")
    store.write_leads([make_lead(when, when) for when in created], observed_at=at("2026-09-20 20:00"))
    store.write_slice(SliceRow("s", at("2026-09-06 20:00"), at("2026-09-20 20:00"), 0, 0, True, at("2026-09-20 20:00")))
    frame = heat_map(store, Filters.of({"weekday": ["tue"], "hour": ["8", "9"]}))
    rows = frame[frame["leads_per_hour"].notna()]
    assert rows[["weekday", "hour", "leads", "occurrences", "leads_per_hour"]].values.tolist() == [
        [2, 8, 0, 2, 0],
        [2, 9, 3, 2, 3 / 2],
    ]
    assert "quietest" not in charts.heat_map_takeaway(frame)


@pytest.mark.parametrize("filters", [ALL, CALLS, PART], ids=["all", "calls", "part"])
def test_a_bar_of_the_hours_leads_to_its_responded_and_its_other_leads(awkward: Store, filters: Filters) -> None:
    responded, others = charts.plot_hours(breakdown(awkward, filters, by="hour")).data
    for mark, *parts in zip((key for key, _ in responded.customdata), responded.y, others.y, strict=True):
        assert n_rows(awkward, filters_of_hour(filters, mark)) == sum(parts), mark
    if filters == ALL:
        assert n_rows(awkward, filters_of_hour(Filters.of({"weekday": ["mon"]}), "9")) == 2


@pytest.mark.parametrize("filters", [ALL, CALLS, PART], ids=["all", "calls", "part"])
def test_a_day_of_the_overview_leads_to_its_leads(awkward: Store, filters: Filters) -> None:
    figure = charts.plot_volume(volume(awkward, filters, grain="day", by="channel"))
    counted = 0
    for trace in (trace for trace in figure.data if trace.customdata):
        for mark, height in zip(trace.customdata, trace.y, strict=True):
            if height:
                assert n_rows(awkward, filters_of_bar(filters, "channel", mark[0])) == height, mark
                counted += height
    assert counted == n_rows(awkward, filters) - (filters != CALLS)  # nothing tells the one lead without a channel


def test_a_week_of_the_trend_leads_to_all_its_leads(awkward: Store) -> None:
    frame = breakdown(awkward, ALL, by="week")
    figure = charts.plot_response_trend(frame)
    of_week = dict(zip(frame["key"], frame["leads"], strict=True))
    assert of_week == {"2026-09-14": 7, "2026-09-21": 3}
    marks = [key for key, _ in figure.data[-1].customdata]
    assert marks == ["2026-09-14"]  # three leads are too few for a point
    assert n_rows(awkward, filters_of_week(ALL, marks[0])) == of_week[marks[0]]
    assert n_rows(awkward, filters_of_week(PART, marks[0])) == 6  # all but a, of the day before


def test_bars_that_lead_somewhere_answer_to_the_pointer_one_by_one(awkward: Store) -> None:
    """Over a whole stack Plotly tells a click of one mark, whichever that is."""
    for grain, mode in (("day", "closest"), ("week", "closest"), ("hour", "x unified")):
        figure = charts.plot_volume(volume(awkward, ALL, grain=grain, by="channel"), grain=grain)
        assert figure.layout.hovermode == mode
        assert any(trace.customdata for trace in figure.data) == (mode == "closest")
    assert (
        charts.plot_senders(senders_over_time(awkward, ALL, grain="week"), grain="week").layout.hovermode == "closest"
    )
