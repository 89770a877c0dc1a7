"""Listings, projects and developers: given rows, expected rows; and the planted listing that nobody answers."""

import math
from datetime import timedelta

import pandas as pd
import pytest

from leadlib import charts
from leadlib.errors import FilterError
from leadlib.filters import Filters
from leadlib.metrics import agents, breakdown, compute, decay, league
from leadlib.records import ListingName
from leadlib.store import SliceRow, Store
from leadlib.theme import PALETTES
from tests.conftest import at, make_lead

ALL = Filters()
SEEN_AT = "2026-11-20 00:00"
WEEK = timedelta(weeks=1)


def see(store: Store, groups: dict[str, tuple[int, int]], status: str = "sent") -> None:
    """Matured leads per listing: (how many, how many of them responded); "" is no listing."""
    leads = [
        make_lead(
            f"{listing}-{i}",
            "2026-09-15T00:00:00Z",
            status="responded" if i < hits else status,
            listing={"id": listing} if listing else None,
            publicProfile={"id": 1},
        )
        for listing, (n, hits) in groups.items()
        for i in range(n)
    ]
    store.write_leads(leads, observed_at=at(SEEN_AT))


def read(store: Store, first: str, last: str) -> None:
    store.write_slice(SliceRow("s", at(first), at(last), 0, 0, True, at(SEEN_AT)))


def come(store: Store, listing: str, *instants: str, agent: int = 1) -> None:
    """Leads of a listing at these UTC instants."""
    store.write_leads(
        [
            make_lead(
                f"{listing}-{agent}-{i}",
                f"{instant.replace(' ', 'T')}:00Z",
                listing={"id": listing},
                publicProfile={"id": agent},
            )
            for i, instant in enumerate(instants)
        ],
        observed_at=at(SEEN_AT),
    )


def weeks(store: Store, filters: Filters = ALL) -> list[tuple[int, int, int]]:
    """(week, leads, groups followed) of the decay."""
    columns = ["week", "leads", "groups_followed"]
    return list(decay(store, filters)[columns].itertuples(index=False, name=None))


def test_listings_are_judged_with_the_caution_of_agents(store: Store) -> None:
    """The same counts as listings and as agents give the same rates, ranks, limits and verdicts."""
    groups = {"1": (40, 38), "2": (40, 8), "3": (20, 12), "4": (4, 2), "": (30, 0)}
    leads = [
        make_lead(
            f"{who}-{i}",
            "2026-09-15T00:00:00Z",
            status="responded" if i < hits else "sent",
            listing={"id": who} if who else None,
            publicProfile={"id": int(who)} if who else None,
        )
        for who, (n, hits) in groups.items()
        for i in range(n)
    ]
    store.write_leads(leads, observed_at=at(SEEN_AT))
    one, other = league(store, ALL, "listing"), agents(store, ALL)
    assert list(one["verdict"].fillna("")) == ["better", "no_call", "worse", "too_few", ""]
    shared = [name for name in other.columns if name not in {"label", "is_active"}]
    pd.testing.assert_frame_equal(one[shared], other[shared])


def test_popular_but_unanswered_is_what_many_ask_for_and_chance_does_not_explain(store: Store) -> None:
    """All together 60 + 8 + 2 + 20 + 0 of 100 + 40 + 10 + 40 + 2 = 90 of 192, or 47 %.

    Of five listings the most asked-for two have 40 leads or more, with a tie at 40: b with 8 of 40 lies far below, and
    18.75 - 8 replies are missing; d with 20 of 40 does not. Few ask for c and e, whatever their rates.
    """
    see(store, {"a": (100, 60), "b": (40, 8), "c": (10, 2), "d": (40, 20), "e": (2, 0)})
    frame = league(store, ALL, "listing").set_index("key")
    assert set(frame.index[frame["is_popular"]]) == {"a", "b", "d"}
    assert list(frame.index[frame["is_missed"]]) == ["b"]
    assert frame.loc["b", "replies_short"] == pytest.approx(40 * 90 / 192 - 8)
    assert frame.loc["a", "replies_short"] == 0
    assert math.isnan(frame.loc["e", "replies_short"])
    assert frame.loc["b", "waiting"] == 40 - 8


def test_leads_without_a_listing_are_no_rival_and_never_popular(store: Store) -> None:
    see(store, {"a": (20, 10), "b": (20, 10), "": (500, 0)})
    frame = league(store, ALL, "listing")
    assert list(frame["key"]) == ["a", "b", "none"]
    assert set(frame["team_rate"]) == {20 / 40}
    assert list(frame["is_popular"]) == [True, True, False]


def test_unknown_outcomes_are_no_missing_replies(store: Store) -> None:
    see(store, {"a": (400, 240), "b": (28, 8)})
    store.write_leads(
        [make_lead(f"x{i}", "2026-09-15T00:00:00Z", status="archived", listing={"id": "b"}) for i in range(12)],
        observed_at=at(SEEN_AT),
    )
    row = league(store, ALL, "listing").set_index("key").loc["b"]
    assert row["replies_short"] == pytest.approx(40 * 248 / 440 - 8 - 12)
    assert not row["is_missed"]


def test_a_filter_by_listing_narrows_the_rows_but_not_the_others_beside_them(store: Store) -> None:
    see(store, {"a": (40, 38), "b": (40, 8), "c": (20, 12), "": (5, 0)})
    everyone = league(store, ALL, "listing")
    one = league(store, Filters.of({"listing_id": ["b"]}), "listing")
    shared = [name for name in one if name not in {"is_popular", "is_missed"}]
    pd.testing.assert_frame_equal(one[shared], everyone.loc[everyone["key"] == "b", shared].reset_index(drop=True))


def test_projects_and_developers_have_a_league_and_nothing_else_has(store: Store) -> None:
    projects = [make_lead(f"p{i}", listing=None, project={"id": "P1"}) for i in range(6)]
    store.write_leads(projects, observed_at=at(SEEN_AT))
    assert list(league(store, ALL, "project")["key"]) == ["P1"]
    assert list(league(store, ALL, "developer")["key"]) == ["none"]
    with pytest.raises(FilterError, match="developer"):
        compute("league", store, ALL, by="channel")


def test_a_league_of_nothing_has_no_rows(store: Store) -> None:
    assert league(store, ALL).empty
    assert decay(store, ALL).empty


# Decay


def test_decay_counts_what_follows_the_first_lead_week_by_week(store: Store) -> None:
    """Read from 1 September to 20 November. The first leads come on 5, 6 and 7 October, after a quiet September.

    a: two more on the first day, one just in week 2.  b: one at the very end of week 3.  c: none but the first.
    """
    read(store, "2026-09-01 00:00", SEEN_AT)
    come(store, "a", "2026-10-05 08:00", "2026-10-05 09:00", "2026-10-05 20:00", "2026-10-12 08:01")
    come(store, "b", "2026-10-06 08:00", "2026-10-27 08:00")
    come(store, "c", "2026-10-07 08:00")
    assert weeks(store) == [(1, 2, 3), (2, 1, 3), (3, 1, 3), (4, 0, 3), (5, 0, 3), (6, 0, 3)]
    assert decay(store, ALL)["leads_a_week"].isna().all()  # three listings are too few for a figure


def test_a_listing_that_had_leads_before_or_was_not_followed_is_left_out(store: Store) -> None:
    read(store, "2026-09-01 00:00", SEEN_AT)
    come(store, "old", "2026-09-28 23:59", "2026-10-06 00:00")  # September was not quiet for four weeks
    come(store, "new", "2026-09-29 00:00", "2026-10-06 00:01")  # it was, to the minute
    come(store, "young", "2026-10-23 00:01", "2026-10-24 00:00")  # not yet four weeks old
    come(store, "just", "2026-10-23 00:00", "2026-10-24 00:00")  # four weeks old, to the minute
    assert weeks(store)[:5] == [(1, 1, 2), (2, 1, 2), (3, 0, 2), (4, 0, 2), (5, 0, 1)]


def test_weeks_that_were_not_read_whole_count_neither_leads_nor_listings(store: Store) -> None:
    read(store, "2026-09-01 00:00", "2026-10-20 00:00")
    read(store, "2026-10-21 00:00", SEEN_AT)  # a day is missing, in the third week of a and the second of b
    come(store, "a", "2026-10-01 00:00", "2026-10-16 00:00")
    come(store, "b", "2026-10-08 00:00", "2026-10-16 00:00", "2026-10-23 00:00")
    assert weeks(store)[:4] == [(1, 0, 2), (2, 0, 1), (3, 1, 1), (4, 0, 2)]


def test_what_came_before_the_days_of_the_filters_still_was_the_first_lead(store: Store) -> None:
    read(store, "2026-09-01 00:00", SEEN_AT)
    come(store, "a", "2026-10-04 20:00", "2026-10-11 20:00", "2026-10-12 00:00", "2026-10-13 00:00")
    # Days begin at 20:00 UTC in Dubai, so the filter takes exactly the second week of the listing.
    second = Filters.of({"from": ["2026-10-12"], "to": ["2026-10-18"]})
    assert weeks(store, second)[:3] == [(1, 0, 0), (2, 2, 1), (3, 0, 0)]


def test_other_filters_have_a_first_lead_of_their_own(store: Store) -> None:
    read(store, "2026-09-01 00:00", SEEN_AT)
    come(store, "a", "2026-09-02 00:00", agent=1)
    come(store, "a", "2026-10-05 00:00", "2026-10-06 00:00", agent=2)
    assert weeks(store)[0] == (1, 0, 0)
    assert weeks(store, Filters.of({"agent": ["2"]}))[0] == (1, 1, 1)


def test_a_steady_flow_of_leads_does_not_fade(store: Store) -> None:
    """Twice a week for five weeks: with its first lead counted, week 1 would have one more than the others."""
    read(store, "2026-09-01 00:00", SEEN_AT)
    for i in range(6):
        start = at("2026-10-02 00:00") + timedelta(hours=i)
        come(store, f"L{i}", *(f"{start + half * WEEK / 2:%Y-%m-%d %H:%M}" for half in range(11)))
    frame = decay(store, ALL).head(5)
    assert list(frame["leads"]) == [6 * 2] * 5
    assert list(frame["leads_a_week"]) == [2.0] * 5
    assert (frame["leads_a_week_low"] < frame["leads_a_week"]).all()
    assert (frame["leads_a_week"] < frame["leads_a_week_high"]).all()


def test_the_parts_of_a_league_are_those_of_the_breakdown(store: Store) -> None:
    see(store, {"a": (40, 38), "b": (40, 8), "": (5, 0)})
    one = league(store, ALL).sort_values("key").reset_index(drop=True)
    other = breakdown(store, ALL, "listing").sort_values("key").reset_index(drop=True)
    shared = [name for name in one.columns if name in other.columns]
    pd.testing.assert_frame_equal(one[shared], other[shared])


# Drawn


def test_bars_of_what_is_missed_are_as_long_as_the_leads_they_lead_to(store: Store) -> None:
    see(store, {"a": (100, 60), "b": (40, 8), "c": (10, 2), "d": (40, 20), "e": (2, 0)})
    frame = league(store, ALL)
    figure = charts.plot_missed(frame)
    touched = figure.data[-1]
    assert [key for key, _ in touched.customdata] == ["b"]
    assert list(figure.data[1].x)[-1] == frame.set_index("key").loc["b", "leads"]
    assert charts.missed_takeaway(frame).replace("\u00a0", " ") == (
        "Of the 3 listings with the most leads, 1 is answered less than chance explains. b comes first: "
        "11 replies short of the rate of all, 32 waiting now."
    )


def test_a_long_name_is_drawn_whole_and_the_numbers_lie_over_its_end(store: Store) -> None:
    see(store, {"a": (20, 10)})
    store.write_names([], [ListingName("a", "REF-1", "Two bedrooms, sea view, near the metro", None, None, None)], [])
    figure = charts.plot_league(breakdown(store, ALL, "listing"))
    assert "<b>REF-1 · Two bedrooms, sea view, near the metro</b>" in [
        text for t in figure.data for text in t.text or ()
    ]
    covering = [note for note in figure.layout.annotations if "20" in note.text]
    assert [note.bgcolor for note in covering] == [PALETTES["light"].page]


def test_many_listings_are_drawn_from_where_verdicts_begin(store: Store) -> None:
    see(store, {f"L{i}": (20, i % 20) for i in range(101)} | {"few": (19, 3)})
    frame = league(store, ALL)
    figure = charts.plot_against_chance(frame, of="listing")
    keys = {key for t in figure.data for key, _ in t.customdata or ()}
    assert keys == set(frame["key"]) - {"few"}
    assert figure.layout.xaxis.type == "log"


def test_a_decay_of_few_new_listings_says_how_few(store: Store) -> None:
    read(store, "2026-09-01 00:00", SEEN_AT)
    come(store, "a", "2026-10-05 08:00")
    frame = decay(store, ALL)
    assert charts.decay_takeaway(frame) == (
        "Too few new listings: 1 with a first lead after four quiet weeks and four weeks followed."
    )
    assert not charts.plot_decay(frame).data
