"""The numbers: given rows, expected rows."""

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from leadlib.errors import FilterError
from leadlib.filters import Filters
from leadlib.metrics import (
    COUNTS,
    DIMENSIONS,
    GRAINS,
    METRICS,
    QUESTIONS,
    breakdown,
    compute,
    funnel,
    heat_map,
    status_counts,
    summary,
    summary_change,
    volume,
    wilson,
)
from leadlib.metrics.health import doubts
from leadlib.metrics.queries import SQL_FOLDER, ask, buckets_between, coverage, sql_named
from leadlib.records import HOURS_TO_MATURE, AgentName, ListingName, ProjectName
from leadlib.store import SliceRow, Store
from tests.conftest import DUBAI, at, make_lead

ALL = Filters()
OUR_FILES = (
    *("backlog", "badges", "case_mix", "choices", "cohort", "counts", "coverage", "decay", "first_look", "heat_map"),
    *("history", "lead_span", "oldest_waiting", "queue", "repeat_senders", "reply_intervals", "senders"),
    *(
        "senders_over_time",
        "stage_moves",
        "stage_times",
        "stages_seen",
        "statuses",
        "volume",
        "why_changed",
        "within_hours",
    ),
    *sorted({dimension.names for dimension in DIMENSIONS if dimension.names}),
)


def see(store: Store, when: str, *rows: tuple[str, str, str]) -> None:
    """The portal shows these leads at `when`: id, creation, status; any further part is JSON of the lead."""
    store.write_leads([make_lead(i, created, status=status) for i, created, status in rows], observed_at=at(when))


def read(store: Store, start: str, end: str, observed: str | None = None, is_certain: bool = True) -> None:
    """The portal was read from `start` to `end`."""
    store.write_slice(SliceRow("s", at(start), at(end), 0, 0, is_certain, at(observed or end)))


def counts(frame: pd.DataFrame, *names: str) -> list[tuple[object, ...]]:
    return list(frame[list(names)].itertuples(index=False, name=None))


# Summary


def test_an_empty_store_has_no_leads_rather_than_a_rate_of_zero(store: Store) -> None:
    row = summary(store, ALL).iloc[0]
    assert [row[name] for name in COUNTS] == [0] * len(COUNTS)
    assert math.isnan(row["response_rate"])
    assert math.isnan(row["response_rate_high"])
    assert row["response_rate_quality"] == row["response_rate_of_all_quality"] == "no_leads"
    assert row[["first_created_at", "last_created_at", "observed_at"]].isna().all()


def test_summary_counts_each_lead_once_where_it_stands(store: Store) -> None:
    see(
        store,
        "2026-09-20 00:00",
        ("answered", "2026-09-15T00:00:00Z", "responded"),
        ("answered in the other dialect", "2026-09-15T00:00:00Z", "replied"),
        ("opened", "2026-09-15T00:00:00Z", "opened"),
        ("delivered", "2026-09-15T00:00:00Z", "delivered"),
        ("sent", "2026-09-15T00:00:00Z", "sent"),
        ("archived unseen", "2026-09-15T00:00:00Z", "archived"),
        ("odd", "2026-09-15T00:00:00Z", "on_hold"),
        ("young", "2026-09-19T12:00:00Z", "sent"),
        ("young but answered", "2026-09-19T12:00:00Z", "responded"),
        ("answered", "2026-09-15T00:00:00Z", "responded"),
    )
    row = summary(store, ALL).iloc[0]
    assert row["leads"] == 9
    assert row["responded"] == 2 + 1
    assert row["waiting"] == 1 + 1 + 1 + 1  # opened, delivered, sent, young
    assert row["archived"] == row["archived_unknown"] == row["unrecognised"] == 1
    assert row["responded"] + row["waiting"] + row["archived"] + row["unrecognised"] == row["leads"]
    assert (row["matured"], row["responded_matured"], row["unknown_matured"]) == (7, 2, 1 + 1)
    assert row["pending"] == 1
    assert row["reached_sent"] == 9 - 1  # all but the odd one
    assert (row["reached_delivered"], row["reached_opened"], row["reached_responded"]) == (3 + 1 + 1, 3 + 1, 3)
    assert row["first_created_at"] == pd.Timestamp("2026-09-15", tz="UTC")
    assert row["observed_at"] == pd.Timestamp("2026-09-20", tz="UTC")


def test_archiving_keeps_the_rung_seen_before_it(store: Store) -> None:
    see(store, "2026-09-16 00:00", ("a", "2026-09-15T00:00:00Z", "responded"), ("b", "2026-09-15T00:00:00Z", "opened"))
    see(store, "2026-09-20 00:00", ("a", "2026-09-15T00:00:00Z", "archived"), ("b", "2026-09-15T00:00:00Z", "archived"))
    see(store, "2026-09-20 00:00", ("c", "2026-09-15T00:00:00Z", "archived"))
    row = summary(store, ALL).iloc[0]
    assert (row["archived"], row["archived_unknown"], row["responded"], row["waiting"]) == (3, 1, 1, 0)
    assert (row["reached_sent"], row["reached_opened"], row["reached_responded"]) == (3, 2, 1)


def test_an_unrecognised_status_keeps_the_rung_seen_before_it(store: Store) -> None:
    see(store, "2026-09-16 00:00", ("a", "2026-09-15T00:00:00Z", "responded"))
    see(store, "2026-09-20 00:00", ("a", "2026-09-15T00:00:00Z", "on_hold"))
    row = summary(store, ALL).iloc[0]
    assert (row["unrecognised"], row["responded"], row["reached_sent"], row["unknown_matured"]) == (1, 1, 1, 0)


@pytest.mark.parametrize(
    ("created", "matured", "pending"),
    [("2026-09-15T10:00:00Z", 1, 0), ("2026-09-15T10:00:00.001Z", 0, 1)],
    ids=["exactly 24 hours old", "a millisecond younger"],
)
def test_a_lead_matures_at_24_hours_of_being_followed(store: Store, created: str, matured: int, pending: int) -> None:
    see(store, "2026-09-16 10:00", ("a", created, "sent"))
    row = summary(store, ALL).iloc[0]
    assert (row["matured"], row["pending"]) == (matured, pending)


def test_a_lead_that_was_not_seen_again_does_not_mature_by_the_clock(store: Store) -> None:
    see(store, "2026-09-15 11:00", ("a", "2026-09-15T10:00:00Z", "sent"))
    see(store, "2026-09-20 10:00", ("b", "2026-09-15T10:00:00Z", "sent"))
    row = summary(store, ALL).iloc[0]
    assert (row["matured"], row["pending"]) == (1, 1)


def test_unique_senders_leaves_out_leads_without_a_contact(store: Store) -> None:
    def sender(*phones: str) -> dict[str, object]:
        return {"contacts": [{"type": "phone", "value": phone} for phone in phones]}

    store.write_leads(
        [
            make_lead("a", sender=sender("+971500000001")),
            make_lead("b", sender=sender("00971500000001")),
            make_lead("c", sender=sender("+971500000002")),
            make_lead("d", sender={}),
        ],
        observed_at=at("2026-09-20 00:00"),
    )
    row = summary(store, ALL).iloc[0]
    assert (row["leads"], row["unique_senders"]) == (4, 2)


@pytest.mark.parametrize(
    ("n", "n_responded", "quality", "rate"),
    [(4, 4, "too_few", None), (5, 2, "few", 2 / 5), (19, 19, "few", 1.0), (20, 0, "enough", 0.0)],
    ids=["four leads", "five", "nineteen", "twenty"],
)
def test_a_rate_is_shown_from_five_leads_and_judged_from_twenty(
    store: Store, n: int, n_responded: int, quality: str, rate: float | None
) -> None:
    rows = [(str(i), "2026-09-15T00:00:00Z", "responded" if i < n_responded else "sent") for i in range(n)]
    see(store, "2026-09-20 00:00", *rows)
    row = summary(store, ALL).iloc[0]
    assert row["response_rate_quality"] == row["response_rate_of_all_quality"] == quality
    assert (row["responded_matured"], row["matured"]) == (n_responded, n)
    if rate is None:
        assert row[["response_rate", "response_rate_low", "response_rate_high", "response_rate_of_all"]].isna().all()
    else:
        low, high = wilson(n_responded, n)
        assert (row["response_rate"], row["response_rate_low"], row["response_rate_high"]) == (rate, low, high)


def test_bounds_replace_the_rate_when_more_than_5_percent_are_unknown(store: Store) -> None:
    known = [(str(i), "2026-09-15T00:00:00Z", "responded" if i < 10 else "sent") for i in range(19)]
    see(store, "2026-09-20 00:00", *known, ("x", "2026-09-15T00:00:00Z", "archived"))
    row = summary(store, ALL).iloc[0]
    assert (row["response_rate"], row["response_rate_quality"]) == (10 / 20, "enough")  # 1 of 20 is 5 %, not more
    assert row["response_rate_low"] == wilson(10, 20)[0]
    assert row["response_rate_high"] == wilson(10 + 1, 20)[1]
    see(store, "2026-09-20 00:00", ("y", "2026-09-15T00:00:00Z", "on_hold"))
    row = summary(store, ALL).iloc[0]
    assert math.isnan(row["response_rate"])
    assert row["response_rate_quality"] == "bounds"
    assert (row["response_rate_low"], row["response_rate_high"]) == (wilson(10, 21)[0], wilson(10 + 2, 21)[1])
    assert row["response_rate_of_all"] == 10 / 21  # the portal's plain figure has no unknowns


def test_filters_narrow_every_number(store: Store) -> None:
    store.write_leads(
        [make_lead("a", channel="call", status="replied"), make_lead("b", channel="email")],
        observed_at=at("2026-09-20 00:00"),
    )
    row = summary(store, Filters.of({"type": ["call"], "status": ["responded"]})).iloc[0]
    assert (row["leads"], row["responded"]) == (1, 1)


# Breakdown


def test_breakdown_names_agents_and_keeps_departed_unnamed_and_missing_ones(store: Store) -> None:
    store.write_leads(
        [
            make_lead("a", publicProfile={"id": 1}),
            make_lead("b", publicProfile={"id": 1}),
            make_lead("c", publicProfile={"id": 2}),
            make_lead("d", publicProfile={"id": 3}),
            make_lead("e", publicProfile=None),
        ],
        observed_at=at("2026-09-20 00:00"),
    )
    store.write_names([AgentName(1, "Test Agent", True), AgentName(2, "Gone Agent", False)], [], [])
    assert counts(breakdown(store, ALL, "agent"), "key", "label", "is_active", "leads", "unassigned") == [
        ("1", "Test Agent", True, 2, 0),
        ("2", "Gone Agent", False, 1, 0),
        ("3", "#3", None, 1, 0),
        ("none", "Unassigned", None, 1, 1),
    ]


def test_breakdown_names_listings_by_reference_and_title_else_by_the_lead(store: Store) -> None:
    store.write_leads(
        [
            make_lead("a", listing={"id": "L1", "reference": "EX-1"}),
            make_lead("b", listing={"id": "L1", "reference": "EX-1"}),
            make_lead("c", listing={"id": "L2", "reference": "EX-2"}),
            make_lead("d", listing={"id": "L3", "reference": "-"}),
            make_lead("e", listing=None),
        ],
        observed_at=at("2026-09-20 00:00"),
    )
    store.write_names([], [ListingName("L1", "EX-1", "Example villa", None, None, None)], [])
    assert counts(breakdown(store, ALL, "listing"), "key", "label", "leads") == [
        ("L1", "EX-1 · Example villa", 2),
        ("L2", "EX-2", 1),
        ("L3", "L3", 1),
        ("none", "No listing", 1),
    ]


def test_breakdown_names_projects_and_developers(store: Store) -> None:
    lead = make_lead("a", project={"id": "P1"}, developer={"id": "D1"})
    store.write_leads([lead], observed_at=at("2026-09-20 00:00"))
    store.write_names([], [], [ProjectName("P1", "Example Towers", "D1", "Sample Developer")])
    assert counts(breakdown(store, ALL, "project"), "label") == [("Example Towers",)]
    assert counts(breakdown(store, ALL, "developer"), "label") == [("Sample Developer",)]


def test_breakdown_breaks_ties_by_key(store: Store) -> None:
    store.write_leads(
        [make_lead("a", channel="email"), make_lead("b", channel="call")], observed_at=at("2026-09-20 00:00")
    )
    assert counts(breakdown(store, ALL, "channel"), "label") == [("Call",), ("E-mail",)]


def test_a_cut_breakdown_counts_the_others_anew_so_that_senders_are_not_added_up(store: Store) -> None:
    leads = [make_lead(f"{k}{i}", publicProfile={"id": k}) for k, n in ((1, 3), (2, 2), (3, 1)) for i in range(n)]
    store.write_leads([*leads, make_lead("x", publicProfile=None)], observed_at=at("2026-09-20 00:00"))
    rows = breakdown(store, ALL, "agent", limit=1)
    assert counts(rows, "key", "label", "n_groups", "leads", "unique_senders", "unassigned") == [
        ("1", "#1", 1, 3, 1, 0),
        ("others", "Others (3)", 3, 2 + 1 + 1, 1, 1),
    ]
    assert len(breakdown(store, ALL, "agent", limit=4)) == 4


def test_both_dialects_words_for_an_agents_page_are_one_entity_type(store: Store) -> None:
    store.write_leads(
        [make_lead("a", entityType="agent"), make_lead("b", entityType="publicProfile"), make_lead("c", entityType="")],
        observed_at=at("2026-09-20 00:00"),
    )
    assert counts(breakdown(store, ALL, "entity_type"), "key", "label", "leads") == [
        ("publicProfile", "Agent profile", 2),
        ("", "No entity type given", 1),
    ]


def test_groups_of_time_are_on_the_accounts_clock_and_in_its_order(store: Store) -> None:
    see(
        store,
        "2026-09-30 00:00",
        ("last second of Monday in Dubai", "2026-09-14T19:59:59Z", "sent"),
        ("first second of Tuesday", "2026-09-14T20:00:00Z", "sent"),
        ("Tuesday too", "2026-09-15T06:00:00Z", "sent"),
        ("Sunday", "2026-09-13T06:00:00Z", "sent"),
    )
    assert counts(breakdown(store, ALL, "day"), "key", "leads") == [
        ("2026-09-13", 1),
        ("2026-09-14", 1),
        ("2026-09-15", 2),
    ]
    assert counts(breakdown(store, ALL, "week"), "key", "leads") == [("2026-09-07", 1), ("2026-09-14", 3)]
    assert counts(breakdown(store, ALL, "hour"), "key", "leads") == [("0", 1), ("10", 2), ("23", 1)]
    assert counts(breakdown(store, ALL, "weekday"), "label", "leads") == [("Monday", 1), ("Tuesday", 2), ("Sunday", 1)]


@pytest.mark.parametrize("dimension", [d.key for d in DIMENSIONS])
def test_every_breakdown_adds_up_to_the_summary(store: Store, dimension: str) -> None:
    store.write_leads(
        [
            make_lead(
                str(i),
                f"2026-09-{10 + i % 9:02d}T{i % 24:02d}:00:00Z",
                status=("sent", "opened", "responded", "archived", "on_hold")[i % 5],
                channel=("call", "whatsapp", "")[i % 3],
                publicProfile={"id": i % 4} if i % 4 else None,
                listing={"id": f"L{i % 2}"} if i % 3 else None,
            )
            for i in range(60)
        ],
        observed_at=at("2026-09-19 00:00"),
    )
    total = summary(store, ALL).iloc[0]
    rows = breakdown(store, ALL, dimension)
    for name in COUNTS:
        if name != "unique_senders":
            assert rows[name].sum() == total[name], name
    assert rows["unique_senders"].max() <= total["unique_senders"]
    assert breakdown(store, Filters.of({"type": ["chat"]}), dimension).empty


# volume


def test_volume_writes_zeros_out_and_flags_what_is_not_over(store: Store) -> None:
    read(store, "2026-09-10 20:00", "2026-09-14 08:00")
    see(store, "2026-09-14 08:00", ("a", "2026-09-11T06:00:00Z", "sent"), ("b", "2026-09-13T06:00:00Z", "sent"))
    assert counts(volume(store, ALL), "bucket", "leads", "is_partial", "covered") == [
        (pd.Timestamp("2026-09-11"), 1, False, 1.0),  # midnight in Dubai is 20:00 UTC
        (pd.Timestamp("2026-09-12"), 0, False, 1.0),
        (pd.Timestamp("2026-09-13"), 1, False, 1.0),
        (pd.Timestamp("2026-09-14"), 0, True, 0.5),
    ]


def test_volume_without_slices_is_cut_by_the_first_lead_and_the_last_sight(store: Store) -> None:
    see(store, "2026-09-13 20:00", ("a", "2026-09-11T06:00:00Z", "sent"), ("b", "2026-09-12T06:00:00Z", "sent"))
    assert counts(volume(store, ALL), "leads", "is_partial") == [(1, True), (1, False), (0, False)]


def test_volume_says_which_days_were_never_read(store: Store) -> None:
    read(store, "2026-09-10 20:00", "2026-09-11 20:00")
    read(store, "2026-09-12 20:00", "2026-09-13 20:00")
    see(store, "2026-09-13 20:00", ("a", "2026-09-11T06:00:00Z", "sent"))
    assert counts(volume(store, ALL), "leads", "is_partial", "covered") == [
        (1, False, 1.0),
        (0, True, 0.0),
        (0, False, 1.0),
    ]


def test_volume_flags_periods_that_the_filters_cut(store: Store) -> None:
    read(store, "2026-06-01 00:00", "2026-10-01 00:00")
    see(store, "2026-10-01 00:00", ("a", "2026-08-15T06:00:00Z", "sent"), ("b", "2026-08-20T06:00:00Z", "sent"))
    chosen = Filters.of({"from": ["2026-07-10"], "to": ["2026-08-31"]})
    assert counts(volume(store, chosen, "month"), "bucket", "leads", "is_partial") == [
        (pd.Timestamp("2026-07-01"), 0, True),
        (pd.Timestamp("2026-08-01"), 2, False),
    ]


def test_volume_by_group_is_a_complete_grid_largest_group_first(store: Store) -> None:
    store.write_leads(
        [
            make_lead("a", "2026-09-14T06:00:00Z", channel="call"),
            make_lead("b", "2026-09-14T06:00:00Z", channel="whatsapp"),
            make_lead("c", "2026-09-15T06:00:00Z", channel="whatsapp"),
            make_lead("d", "2026-09-15T06:00:00Z", channel="email"),
        ],
        observed_at=at("2026-09-15 20:00"),
    )
    assert counts(volume(store, ALL, by="channel"), "bucket", "label", "leads") == [
        (pd.Timestamp("2026-09-14"), "WhatsApp", 1),
        (pd.Timestamp("2026-09-14"), "Call", 1),
        (pd.Timestamp("2026-09-14"), "E-mail", 0),
        (pd.Timestamp("2026-09-15"), "WhatsApp", 1),
        (pd.Timestamp("2026-09-15"), "Call", 0),
        (pd.Timestamp("2026-09-15"), "E-mail", 1),
    ]
    assert counts(volume(store, ALL, "week", by="channel", limit=1), "label", "leads") == [
        ("WhatsApp", 2),
        ("Others", 2),
    ]


@pytest.mark.parametrize("grain", GRAINS)
def test_volume_of_nothing_has_no_rows_at_any_grain(store: Store, grain: str) -> None:
    rows = compute("volume", store, ALL, grain=grain)  # type: ignore[arg-type]
    assert rows.empty
    assert list(rows.columns) == ["bucket", "key", "label", "leads", "is_partial", "covered"]


def test_volume_of_any_grain_adds_up(store: Store) -> None:
    see(store, "2026-10-01 00:00", *((str(i), f"2026-09-{i + 1:02d}T{i % 24:02d}:30:00Z", "sent") for i in range(28)))
    assert [int(volume(store, ALL, grain)["leads"].sum()) for grain in GRAINS] == [28] * len(GRAINS)


def test_a_skipped_hour_is_no_bucket_and_a_repeated_one_lasts_two_hours() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring = buckets_between(datetime(2026, 3, 29), datetime(2026, 3, 29, 23), "hour", berlin)  # noqa: DTZ001
    assert len(spring.starts) == 23
    autumn = buckets_between(datetime(2026, 10, 25), datetime(2026, 10, 25, 23), "hour", berlin)  # noqa: DTZ001
    assert len(autumn.starts) == 24
    assert (autumn.to - autumn.from_).max() == pd.Timedelta(hours=2)
    assert autumn.to[-1] - autumn.from_[0] == pd.Timedelta(hours=25)


# coverage


def test_stretches_that_touch_are_one_and_a_slice_covers_no_future(store: Store) -> None:
    read(store, "2026-09-01 00:00", "2026-09-05 00:00")
    read(store, "2026-09-02 00:00", "2026-09-03 00:00")
    read(store, "2026-09-05 00:00", "2026-09-30 00:00", observed="2026-09-06 00:00")
    read(store, "2026-09-08 00:00", "2026-09-09 00:00")
    assert coverage(store).stretches == (
        (at("2026-09-01 00:00"), at("2026-09-06 00:00")),
        (at("2026-09-08 00:00"), at("2026-09-09 00:00")),
    )


def test_stretch_read_without_certainty_is_covered_and_in_doubt_until_it_is_read_again(store: Store) -> None:
    read(store, "2026-09-01 00:00", "2026-09-05 00:00", is_certain=False)
    assert coverage(store).stretches == doubts(store) == ((at("2026-09-01 00:00"), at("2026-09-05 00:00")),)
    read(store, "2026-09-02 00:00", "2026-09-03 00:00")
    read(store, "2026-09-04 00:00", "2026-09-06 00:00")
    assert coverage(store).stretches == ((at("2026-09-01 00:00"), at("2026-09-06 00:00")),)
    assert doubts(store) == (
        (at("2026-09-01 00:00"), at("2026-09-02 00:00")),
        (at("2026-09-03 00:00"), at("2026-09-04 00:00")),
    )
    read(store, "2026-08-31 00:00", "2026-09-06 00:00")
    assert doubts(store) == ()


# heat map


def test_heat_map_divides_by_the_hours_that_occurred(store: Store) -> None:
    # Three Mondays and two Sundays: Monday 7 September to Monday 21 September, Dubai.
    read(store, "2026-09-06 20:00", "2026-09-21 20:00")
    see(
        store,
        "2026-09-21 20:00",
        ("a", "2026-09-07T06:00:00Z", "sent"),
        ("b", "2026-09-14T06:30:00Z", "sent"),
        ("c", "2026-09-13T19:59:59Z", "sent"),
    )
    rows = heat_map(store, ALL).set_index(["weekday", "hour"])
    assert len(rows) == 7 * 24
    assert rows.loc[(1, 10)].tolist() == [2, 3, 2 / 3]
    assert rows.loc[(7, 23)].tolist() == [1, 2, 1 / 2]
    assert rows.loc[(2, 0)].tolist() == [0, 2, 0.0]
    assert rows["leads"].sum() == 3


def test_heat_map_knows_no_rate_for_hours_that_were_not_read(store: Store) -> None:
    read(store, "2026-09-06 20:00", "2026-09-07 20:00")
    see(store, "2026-09-07 20:00", ("a", "2026-09-07T06:00:00Z", "sent"))
    rows = heat_map(store, ALL).set_index(["weekday", "hour"])
    assert rows.loc[(1, 10), "leads_per_hour"] == 1
    assert math.isnan(rows.loc[(2, 10), "leads_per_hour"])  # type: ignore[arg-type]
    assert heat_map(store, Filters.of({"type": ["chat"]})).empty


# funnel


def test_funnel_counts_at_least_with_both_shares(store: Store) -> None:
    statuses = ["sent"] * 4 + ["delivered"] * 2 + ["opened"] * 2 + ["responded"] * 2
    see(store, "2026-09-20 00:00", *((str(i), "2026-09-15T00:00:00Z", s) for i, s in enumerate(statuses)))
    columns = ("stage", "leads", "start_leads", "previous_leads", "share_of_start", "share_of_previous")
    assert counts(funnel(store, ALL), *columns) == [
        ("sent", 10, 10, 10, 1.0, 1.0),
        ("delivered", 6, 10, 10, 0.6, 0.6),
        ("opened", 4, 10, 6, 0.4, 4 / 6),
        ("responded", 2, 10, 4, 0.2, pytest.approx(math.nan, nan_ok=True)),  # 4 before it: too few
    ]


def test_funnel_leaves_out_a_stage_that_a_channel_never_reports(store: Store) -> None:
    store.write_leads(
        [
            make_lead("a", channel="email", status="responded"),
            make_lead("b", channel="call", status="delivered"),
            make_lead("c", channel="call", status="replied"),
        ],
        observed_at=at("2026-09-20 00:00"),
    )
    rows = funnel(store, ALL, by="channel")
    assert counts(rows, "label", "stage", "leads") == [
        ("Call", "sent", 2),
        ("Call", "delivered", 2),
        ("Call", "responded", 1),
        ("E-mail", "sent", 1),
        ("E-mail", "responded", 1),
    ]
    assert set(rows["note"]) == {"Opened is never reported here.", "Delivered and Opened are never reported here."}
    whole = funnel(store, ALL)
    assert counts(whole, "stage", "leads") == [("sent", 3), ("delivered", 3), ("responded", 2)]
    assert whole["note"][0] == "Opened is never reported here. Delivered is never reported for E-mail."


def test_funnel_keeps_a_stage_that_the_channel_reports_though_no_chosen_lead_stands_on_it(store: Store) -> None:
    store.write_leads(
        [make_lead("a", status="opened", publicProfile={"id": 1}), make_lead("b", status="responded")],
        observed_at=at("2026-09-20 00:00"),
    )
    chosen = funnel(store, Filters.of({"agent": ["90001"]}))
    assert counts(chosen, "stage", "leads") == [("sent", 1), ("opened", 1), ("responded", 1)]


def test_funnel_carries_bounds_for_archived_leads_without_a_history(store: Store) -> None:
    statuses = ["sent"] * 5 + ["responded"] * 4 + ["archived"] + ["on_hold"] * 2
    see(store, "2026-09-20 00:00", *((str(i), "2026-09-15T00:00:00Z", s) for i, s in enumerate(statuses)))
    rows = funnel(store, ALL)
    assert counts(rows, "stage", "leads", "leads_high", "archived_unknown", "off_ladder") == [
        ("sent", 10, 10, 1, 2),
        ("responded", 4, 5, 1, 2),
    ]
    assert math.isnan(rows["share_of_start"][1])
    assert rows["share_of_start_quality"][1] == "bounds"
    assert rows["share_of_start_low"][1] == wilson(4, 10)[0]
    assert rows["share_of_start_high"][1] == wilson(5, 10)[1]


def test_funnel_of_nothing_has_no_rows(store: Store) -> None:
    assert funnel(store, ALL).empty
    assert list(funnel(store, ALL).columns) == list(funnel(store, ALL, by="channel").columns)


# statuses


def test_statuses_stay_as_received_and_stand_in_the_order_of_the_ladder(store: Store) -> None:
    see(
        store,
        "2026-09-20 00:00",
        *(
            (str(i), "2026-09-15T00:00:00Z", s)
            for i, s in enumerate(["on_hold", "archived", "replied", "responded", "sent"])
        ),
    )
    assert counts(status_counts(store, ALL), "status", "stage", "leads", "share") == [
        ("sent", "sent", 1, 0.2),
        ("replied", "responded", 1, 0.2),
        ("responded", "responded", 1, 0.2),
        ("archived", "archived", 1, 0.2),
        ("on_hold", "unrecognised", 1, 0.2),
    ]
    assert status_counts(store, Filters.of({"type": ["chat"]})).empty
    assert set(status_counts(store, ALL, by="agent")["label"]) == {"#90001"}


# change


def three_weeks(store: Store) -> None:
    """One lead at 10:00 Dubai on each of 1-14 September, a second one from the 8th on; watched hourly enough."""
    created = [(f"{day}", f"2026-09-{day:02d}T06:00:00Z") for day in range(1, 15)]
    created += [(f"{day}b", f"2026-09-{day:02d}T06:00:00Z") for day in range(8, 15)]
    read(store, "2026-08-31 20:00", "2026-09-14 20:00")
    for day in range(1, 15):
        # Every lead is answered two days after its creation; those of 1 September six days late, after their period.
        seen = [
            (
                i,
                c,
                "responded"
                if at(c[:10] + " 06:00") + timedelta(days=9 if i == "1" else 2) <= at(f"2026-09-{day:02d} 20:00")
                else "sent",
            )
            for i, c in created
            if at(c[:10] + " 06:00") <= at(f"2026-09-{day:02d} 20:00")
        ]
        see(store, f"2026-09-{day:02d} 20:00", *seen)


def test_change_compares_equal_lengths_at_equal_age(store: Store) -> None:
    three_weeks(store)
    rows = summary_change(store, Filters.of({"from": ["2026-09-08"], "to": ["2026-09-14"]})).set_index("key")
    assert rows["is_comparable"].all()
    assert rows.loc["leads", ["current", "previous", "change"]].tolist() == [14, 7, 7]
    assert rows.loc["leads", "relative_change"] == 1.0
    # By midnight of the 14th, leads of the 8th to the 12th were answered. By midnight of the 7th, those of the 2nd to
    # the 5th: the one of the 1st was answered only later, which a look from today would wrongly count.
    assert rows.loc["responded", ["current", "previous"]].tolist() == [2 * 5, 4]
    assert rows.loc["response_rate", ["current", "previous"]].tolist() == [10 / 12, 4 / 6]
    assert rows.loc["response_rate_of_all", "change"] == pytest.approx(10 / 14 - 4 / 7)
    assert rows.loc["response_rate", "change_low"] < 10 / 12 - 4 / 6 < rows.loc["response_rate", "change_high"]
    assert rows.loc["leads", ["previous_from", "previous_to"]].tolist() == [date(2026, 9, 1), date(2026, 9, 7)]


def test_change_leaves_out_the_day_that_is_not_over(store: Store) -> None:
    three_weeks(store)
    read(store, "2026-09-14 20:00", "2026-09-15 08:00")
    see(store, "2026-09-15 08:00", ("today", "2026-09-15T06:00:00Z", "sent"))
    rows = summary_change(store, Filters.of({"from": ["2026-09-14"]})).set_index("key")
    assert rows.loc["leads", ["current", "previous"]].tolist() == [2, 2]
    assert rows.loc["leads", "current_to"] == date(2026, 9, 14)


def test_change_is_none_when_the_days_before_were_not_read(store: Store) -> None:
    three_weeks(store)
    rows = summary_change(store, ALL)
    assert not rows["is_comparable"].any()
    assert rows[["previous", "change", "relative_change"]].isna().all(axis=None)
    rows = summary_change(store, Filters.of({"from": ["2026-09-07"]})).set_index("key")
    assert rows.loc["leads", "current"] == 1 + 2 * 7
    assert "are not all in the store" in rows.loc["leads", "reason"]


def test_change_of_rates_is_none_when_replies_were_not_yet_followed(store: Store) -> None:
    """A first pull shows old replies, but not whether they had come by the same age."""
    read(store, "2026-08-31 20:00", "2026-09-14 20:00")
    see(store, "2026-09-14 20:00", *((f"{day}", f"2026-09-{day:02d}T06:00:00Z", "responded") for day in range(1, 15)))
    rows = summary_change(store, Filters.of({"from": ["2026-09-08"]})).set_index("key")
    assert rows.loc["leads", ["current", "previous", "change"]].tolist() == [7, 7, 0]
    assert not rows.loc["response_rate", "is_comparable"]
    assert "not yet being followed" in rows.loc["response_rate", "reason"]


def test_change_of_an_empty_store_says_that_there_is_no_day(store: Store) -> None:
    rows = summary_change(store, ALL)
    assert set(rows["reason"]) == {"There is no complete day to compare."}
    assert rows["current"].isna().all()


def test_the_earliest_day_a_filter_takes_can_be_compared(store: Store) -> None:
    """The days before it begin before any that a filter takes."""
    read(store, "2026-08-31 20:00", "2026-09-14 20:00")
    see(store, "2026-09-14 20:00", ("a", "2026-09-13T06:00:00Z", "sent"))
    rows = summary_change(store, Filters.of({"from": ["2000-01-01"]})).set_index("key")
    assert rows.loc["leads", "current"] == 1
    assert not rows["is_comparable"].any()


# What is remembered


def test_an_answer_is_asked_for_anew_once_the_data_has_changed(store: Store) -> None:
    see(store, "2026-09-20 00:00", ("a", "2026-09-15T00:00:00Z", "sent"))
    assert counts(breakdown(store, ALL, "channel"), "key", "leads", "unique_senders") == [("whatsapp", 1, 1)]
    see(store, "2026-09-21 00:00", ("b", "2026-09-15T00:00:00Z", "sent"))
    assert counts(breakdown(store, ALL, "channel"), "key", "leads", "unique_senders") == [("whatsapp", 2, 1)]
    assert funnel(store, ALL)["leads"].iloc[0] == summary(store, ALL)["leads"].item() == 2


def test_two_stores_of_one_process_do_not_share_answers(open_store: Callable[..., Store]) -> None:
    one, other = open_store("one"), open_store("other")
    see(one, "2026-09-20 00:00", ("a", "2026-09-15T00:00:00Z", "sent"))
    assert [summary(each, ALL)["leads"].item() for each in (one, other, one)] == [1, 0, 1]


def test_writing_to_an_answer_changes_nobody_elses(store: Store) -> None:
    see(store, "2026-09-20 00:00", ("a", "2026-09-15T00:00:00Z", "sent"))
    given = ask(store, "statuses", ALL)
    given["leads"] = 99
    given.loc[0, "status"] = "changed"
    assert counts(ask(store, "statuses", ALL), "status", "leads") == [("sent", 1)]


def test_what_a_screen_shows_side_by_side_is_read_from_the_leads_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    see(store, "2026-09-20 00:00", ("a", "2026-09-15T00:00:00Z", "sent"))
    asked: list[str] = []
    query = Store.query
    monkeypatch.setattr(Store, "query", lambda self, sql, bound=None: asked.append(sql) or query(self, sql, bound))
    summary(store, ALL)
    funnel(store, ALL, by="channel")
    for by in ("channel", "entity_type"):
        breakdown(store, ALL, by)
    assert sum("is_matured" in sql for sql in asked) == 1


# names


@pytest.mark.parametrize("name", [m.key for m in METRICS] + list(QUESTIONS))
def test_every_metric_and_question_can_be_computed_by_name(store: Store, name: str) -> None:
    see(store, "2026-09-20 00:00", ("a", "2026-09-15T00:00:00Z", "sent"))
    frame = compute(name, store, ALL)
    assert len(frame) >= 1
    if name not in QUESTIONS:
        assert name in frame.columns


def test_every_metric_has_its_file_its_columns_and_a_sentence() -> None:
    assert len({m.key for m in METRICS}) == len(METRICS)
    columns = {"start_leads", "previous_leads", "occurrences", "peers_responded", "peers_matured", "groups_followed"}
    columns |= {"badge_answered", "badge_leads", "current_leads", "earlier_leads"}
    keys = {m.key for m in METRICS} | columns
    ratios = {"share", "ratio", "leads per hour", "leads per week"}
    for metric in METRICS:
        assert (SQL_FOLDER / f"{metric.sql}.sql").exists(), metric.key
        assert metric.definition.endswith("."), metric.key
        assert {metric.numerator, metric.denominator} <= keys | {None}, metric.key
        assert (metric.numerator is not None) == (metric.unit in ratios), metric.key
    assert set(COUNTS) <= {m.key for m in METRICS}


def test_every_share_comes_with_its_numerator_denominator_and_interval(store: Store) -> None:
    see(store, "2026-09-20 00:00", ("a", "2026-09-15T00:00:00Z", "sent"))
    for metric in (m for m in METRICS if m.unit == "share"):
        columns = list(compute(metric.key, store, ALL).columns)
        ends = [f"{metric.key}_low", f"{metric.key}_high", f"{metric.key}_quality"]
        assert {metric.key, metric.numerator, metric.denominator, *ends} <= set(columns)


def test_a_metric_by_a_dimension_gives_a_row_per_group(store: Store) -> None:
    see(store, "2026-09-20 00:00", ("a", "2026-09-15T00:00:00Z", "sent"))
    assert counts(compute("leads", store, ALL, by="channel"), "key", "label", "leads") == [("whatsapp", "WhatsApp", 1)]


def test_repeat_senders_are_those_with_two_leads_of_the_chosen_ones(store: Store) -> None:
    """One person called twice and wrote once, another wrote once, and a lead came without a sender."""
    twice = {"name": "Test One", "contacts": [{"type": "phone", "value": "+971500000001"}]}
    once = {"name": "Test Two", "contacts": [{"type": "phone", "value": "+971500000002"}]}
    store.write_leads(
        [
            make_lead("a", channel="call", sender=twice),
            make_lead("b", channel="call", sender=twice),
            make_lead("c", channel="chat", sender=twice),
            make_lead("d", channel="chat", sender=once),
            make_lead("e", channel="email", sender={}),
        ],
        observed_at=at("2026-09-20 00:00"),
    )
    assert compute("repeat_senders", store, ALL)["repeat_senders"].item() == 1
    by_channel = compute("repeat_senders", store, ALL, by="channel")
    assert counts(by_channel, "key", "label", "repeat_senders") == [("call", "Call", 1), ("chat", "Chat", 0)]
    assert compute("repeat_senders", store, Filters.of({"type": ["email"]}))["repeat_senders"].item() == 0


@pytest.mark.parametrize(
    ("ask", "hint"),
    [
        (lambda s: compute("respose_rate", s, ALL), "response_rate"),
        (lambda s: compute("leads", s, ALL, by="agnt"), "“agent”"),
        (lambda s: compute("volume", s, ALL, grain="weeks"), "“week”"),
        (lambda s: compute("volume", s, ALL, by="listing"), "entity_type"),
        (lambda s: compute("funnel", s, ALL, by="agent"), "channel"),
        (lambda s: compute("heat_map", s, ALL, by="agent"), "over all leads"),
        (lambda s: compute("x' or 1=1 --", s, ALL), "Known: leads"),
    ],
    ids=["metric", "dimension", "grain", "volume by", "funnel by", "no groups", "nonsense"],
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(
    store: Store, ask: Callable[[Store], pd.DataFrame], hint: str
) -> None:
    with pytest.raises(FilterError) as caught:
        ask(store)
    assert hint in str(caught.value)


@pytest.mark.parametrize("name", OUR_FILES)
def test_every_file_runs_as_it_stands_and_opens_with_its_docstring(store: Store, name: str) -> None:
    text = sql_named(name)
    assert text.startswith("-- ")
    assert "one row" in text.split("\nwith")[0].lower()
    store.query(text, {})


def test_the_files_mature_leads_as_the_constant_says() -> None:
    for name in OUR_FILES:
        text = sql_named(name)
        assert text.count("hours to mature") == text.count(f"{HOURS_TO_MATURE} /* hours to mature */"), name
    assert sql_named("counts").count("hours to mature") == 1


def test_a_filter_value_is_bound_and_never_read_as_sql(store: Store) -> None:
    see(store, "2026-09-20 00:00", ("a", "2026-09-15T00:00:00Z", "sent"))
    hostile = Filters.of({"listing": ["' or true; drop table leads; --"]})
    assert summary(store, hostile)["leads"].item() == 0
    assert summary(store, ALL)["leads"].item() == 1


def test_days_follow_the_zone_of_the_account(open_store: Callable[..., Store]) -> None:
    store = open_store("far", timezone=ZoneInfo("America/New_York"))
    see(store, "2026-09-20 00:00", ("a", "2026-09-15T03:59:59Z", "sent"), ("b", "2026-09-15T04:00:00Z", "sent"))
    assert counts(breakdown(store, ALL, "day"), "key") == [("2026-09-14",), ("2026-09-15",)]
    assert store.timezone != DUBAI
