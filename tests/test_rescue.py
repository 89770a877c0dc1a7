"""Rescue queue: given leads, the ones that wait in their order; and how likely a reply still comes, by given looks."""

import math
from datetime import timedelta

import numpy as np
import pytest

from leadlib import charts
from leadlib.errors import FilterError
from leadlib.filters import Filters
from leadlib.metrics import backlog, compute, queue, reply_chances, summary
from leadlib.store import SliceRow, Store
from leadlib.ui.rescue import chance_note
from tests.conftest import at, make_lead

ALL = Filters()
NOON = "2026-09-15T12:00:00Z"


def phone(number: int) -> dict[str, object]:
    return {"sender": {"name": "Test Sender", "contacts": [{"type": "phone", "value": f"+9715000{number:05}"}]}}


def see(store: Store, when: str, **statuses: str) -> None:
    """The portal shows leads, each of a person of its own and created at noon, with these statuses."""
    leads = [make_lead(i, NOON, status=status, **phone(ord(i[0]))) for i, status in statuses.items()]
    store.write_leads(leads, observed_at=at(when))


def ids(store: Store, filters: Filters = ALL, **asked: object) -> list[str]:
    return list(queue(store, filters, **asked)["lead_id"])  # type: ignore[arg-type]


# Who waits


def test_only_who_has_no_answer_and_is_open_waits(store: Store) -> None:
    see(store, "2026-09-15 12:10", a="sent", b="opened", c="delivered", d="responded", e="archived", f="on_hold")
    assert sorted(ids(store)) == ["a", "b", "c"]
    assert summary(store, ALL)["waiting"].item() == backlog(store, ALL)["waiting"].item() == 3


def test_a_lead_that_is_gone_from_the_portal_waits_no_longer(store: Store) -> None:
    see(store, "2026-09-15 12:10", a="sent")
    for day in (16, 17):
        sync_id, when = f"sweep {day}", at(f"2026-09-{day} 12:00")
        store.write_slice(SliceRow(sync_id, at("2026-09-15 00:00"), at("2026-09-16 00:00"), 0, 0, True, when))
        store.settle_absences(sync_id, began_at=when, is_too_many=lambda n, n_live: False)
    assert ids(store) == []
    row = summary(store, ALL).iloc[0]
    assert (row["leads"], row["waiting"]) == (1, 0)
    assert math.isnan(backlog(store, ALL)["oldest_waiting_h"].item())


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"agent": ["90002"]},
        {"agent": ["none"]},
        {"type": ["call"], "status": ["sent"]},
        {"from": ["2026-09-10"], "to": ["2026-09-12"]},
        {"listing": ["X-1"]},
        {"agent": ["1"]},
    ],
    ids=["all", "agent", "unassigned", "channel-and-status", "days", "listing", "nobody"],
)
def test_the_rows_are_as_many_as_wait_under_the_same_filters(store: Store, filters: dict[str, list[str]]) -> None:
    leads = [
        make_lead(
            str(i),
            f"2026-09-{1 + i % 15:02}T{i % 24:02}:00:00Z",
            status=("sent", "opened", "responded", "archived", "delivered")[i % 5],
            channel=("whatsapp", "call", "email")[i % 3],
            publicProfile={"id": 90001 + i % 4} if i % 7 else None,
            listing={"id": "L", "reference": f"X-{i % 9}"},
            **phone(i % 60),
        )
        for i in range(210)
    ]
    store.write_leads(leads, observed_at=at("2026-09-16 12:00"))
    asked = Filters.of(filters)
    pages = [ids(store, asked, page=page) for page in range(1, 5)]
    listed = [lead_id for page in pages for lead_id in page]
    assert all(len(page) <= 50 for page in pages)
    assert len(listed) == len(set(listed)) == summary(store, asked)["waiting"].item()
    assert backlog(store, asked)["waiting"].item() == len(listed)
    for by in ("agent", "channel"):
        assert backlog(store, asked, by)["waiting"].sum() == len(listed)  # type: ignore[arg-type]


def test_nothing_waiting_is_a_row_of_noughts_and_no_group(store: Store) -> None:
    for _ in range(2):
        row = backlog(store, ALL).iloc[0]
        assert (row["waiting"], row["overdue"], row["waiting_again"]) == (0, 0, 0)
        assert backlog(store, ALL, "agent").empty
        assert queue(store, ALL).empty
        see(store, "2026-09-15 12:10", a="responded")
    assert charts.backlog_takeaway(backlog(store, ALL, "agent")) == "No leads wait under these filters."


# Senders


def test_the_leads_of_a_sender_are_numbered_over_all_leads_whatever_is_filtered(store: Store) -> None:
    """One person wrote three times, to two agents; the first was answered. Another one has no address at all."""
    store.write_leads(
        [
            make_lead("first", "2026-09-01T08:00:00Z", status="responded", **phone(1)),
            make_lead("second", "2026-09-02T08:00:00Z", publicProfile={"id": 90002}, **phone(1)),
            make_lead("third", "2026-09-03T08:00:00Z", **phone(1)),
            make_lead("other", "2026-09-04T08:00:00Z", **phone(2)),
            make_lead("unknown", "2026-09-05T08:00:00Z", sender={"contacts": []}),
            make_lead("unknown too", "2026-09-05T08:00:00Z", sender={"contacts": []}),
        ],
        observed_at=at("2026-09-06 08:00"),
    )
    rows = queue(store, ALL).set_index("lead_id")
    assert dict(rows["nth_lead"]) == {"second": 2, "third": 3, "other": 1, "unknown": 1, "unknown too": 1}
    assert list(rows.index[:2]) == ["third", "second"]  # repeat senders first, of them the latest
    assert backlog(store, ALL)["waiting_again"].item() == 2
    assert queue(store, Filters.of({"agent": ["90002"]}))["nth_lead"].tolist() == [2]
    assert "sender_key" not in rows.columns


def test_two_leads_of_one_moment_are_numbered_by_their_ids(store: Store) -> None:
    store.write_leads([make_lead(i, NOON, **phone(1)) for i in ("b", "a")], observed_at=at("2026-09-15 13:00"))
    assert dict(queue(store, ALL)[["lead_id", "nth_lead"]].to_numpy()) == {"a": 1, "b": 2}


# SLA


def test_an_hour_of_work_is_not_spent_at_night(store: Store) -> None:
    """Work is 09:00 to 19:00 in Dubai (UTC+4): on Tuesday at 10:00 an hour of today counts, and the rest of Monday."""
    store.write_leads(
        [
            make_lead("half an hour of Monday", "2026-09-14T14:30:00Z", **phone(1)),  # 18:30
            make_lead("last second of Monday", "2026-09-14T14:59:59Z", **phone(2)),
            make_lead("end of Monday", "2026-09-14T15:00:00Z", **phone(3)),
            make_lead("night", "2026-09-14T22:00:00Z", **phone(4)),
            make_lead("half of today", "2026-09-15T05:30:00Z", **phone(5)),
        ],
        observed_at=at("2026-09-15 06:00"),
    )
    rows = queue(store, ALL, "due").set_index("lead_id")
    assert dict(rows["waited_min"]) == pytest.approx(
        {
            "half an hour of Monday": 30 + 60,
            "last second of Monday": 1 / 60 + 60,
            "end of Monday": 0 + 60,
            "night": 60,
            "half of today": 30,
        }
    )
    assert set(rows.index[rows["is_overdue"]]) == {"half an hour of Monday", "last second of Monday"}
    assert rows.loc["half an hour of Monday", "sla_left_min"] == 60 - 90
    row = backlog(store, ALL).iloc[0]
    assert (row["waiting"], row["overdue"], row["sla_minutes"]) == (5, 2, 60)
    assert row["oldest_waiting_h"] == 15.5  # on the wall clock
    # In time first, the nearest to the end of it on top; then what is overdue least.
    assert list(rows.index) == [
        *("end of Monday", "night", "half of today"),
        *("last second of Monday", "half an hour of Monday"),
    ]


@pytest.mark.parametrize("now", ["2026-09-15 06:00", "2026-09-20 10:00", "2026-09-19 23:00"])
def test_overdue_is_what_waited_longer_whatever_the_hour_and_the_sla(store: Store, now: str) -> None:
    """The queue tells by one instant what the clock tells lead by lead: on a Tuesday, a Sunday, and at night."""
    leads = [make_lead(str(i), (at(now) - timedelta(hours=7 * i)).isoformat(), **phone(i)) for i in range(50)]
    store.write_leads(leads, observed_at=at(now))
    for sla_minutes in (1, 60, 599, 600, 601, 3_360, 10_080):
        store.sla_minutes = sla_minutes
        rows = queue(store, ALL, "oldest")
        assert list(rows["is_overdue"]) == [waited > sla_minutes for waited in rows["waited_min"]]
        assert backlog(store, ALL)["overdue"].item() == rows["is_overdue"].sum()
        assert (rows["waited_min"].diff().dropna() <= 0).all()


# Chance


def follow(store: Store, when: str, n: int, n_from: int = 0, **changes: object) -> None:
    """Leads by their numbers, of the day after the first look, as the portal shows them then."""
    leads = [make_lead(str(i), "2026-09-15T06:00:00Z", **{**phone(i), **changes}) for i in range(n_from, n)]
    store.write_leads(leads, observed_at=at(when))


def looked_at(store: Store) -> None:
    """Forty leads, looked at after 10, 20 and 60 minutes, 2 hours and 4 days: 2, then 2 more reply, 4 are archived."""
    store.write_leads([make_lead("old", "2026-09-01T06:00:00Z")], observed_at=at("2026-09-14 06:00"))
    follow(store, "2026-09-15 06:10", 40)
    follow(store, "2026-09-15 06:20", 2, status="responded")
    follow(store, "2026-09-15 06:20", 40, 2)
    follow(store, "2026-09-15 07:00", 4, 2, status="responded")
    follow(store, "2026-09-15 07:00", 8, 4, status="archived")
    follow(store, "2026-09-15 08:00", 40, 8)
    follow(store, "2026-09-19 06:00", 40, 8)


def test_the_chance_is_that_of_the_leads_that_had_waited_as_long(store: Store) -> None:
    """Of 40 that waited at 10 minutes 4 replied later, of 38 at 20 minutes 2, of 32 at an hour none.

    Between the looks at 10 and 20 minutes it lies between both, and what is told is the middle.
    """
    looked_at(store)
    chances = reply_chances(store, ALL).set_index("age_min")
    assert set(chances["key"]) == {"whatsapp"}
    told = chances.loc[[0, 10, 15, 20, 60, 1_440]]
    assert list(told["reply_chance"]) == pytest.approx([4 / 40, 4 / 40, (4 / 40 + 2 / 38) / 2, 2 / 38, 0, 0], abs=1e-3)
    assert list(told["n_waited"]) == [40, 40, 38, 38, 32, 32]
    assert (told["reply_chance_low"] <= told["reply_chance"]).all()
    assert (told["reply_chance"] <= told["reply_chance_high"]).all()
    assert chance_note(reply_chances(store, ALL)).startswith("Chances are those of leads of the same channel")


def test_the_chance_is_refused_where_nobody_was_followed_for_three_days_more(store: Store) -> None:
    """The last look is at four days, so what had waited for two days was followed for two more."""
    looked_at(store)
    chances = reply_chances(store, ALL).set_index("age_min")
    assert chances.loc[1_440, "reason"] == ""
    assert chances.loc[2_880, "reason"] == "History is too short: no leads followed for 3 days more."
    assert math.isnan(chances.loc[2_880, "reply_chance"])
    assert chances.loc[7_200, "reason"] == "History is too thin: no leads seen waiting so long."


def test_the_queue_shows_each_lead_the_chance_of_its_age(store: Store) -> None:
    looked_at(store)
    store.write_leads(
        [
            make_lead("fifteen", "2026-09-19T05:45:00Z", **phone(101)),
            make_lead("ninety", "2026-09-19T04:30:00Z", **phone(102)),
            make_lead("missed call", "2026-09-19T05:45:00Z", channel="call", **phone(103)),
        ],
        observed_at=at("2026-09-19 06:00"),
    )
    rows = queue(store, ALL, "chance").set_index("lead_id")
    steps = reply_chances(store, ALL)
    for lead_id, age in (("fifteen", 15), ("ninety", 90)):
        expected = steps.loc[steps["age_min"] <= age, "reply_chance"].iloc[-1]
        assert rows.loc[lead_id, "reply_chance"] == expected
    assert math.isnan(rows.loc["missed call", "reply_chance"])
    assert rows.index[0] == "fifteen"
    assert np.isnan(rows["reply_chance"].iloc[-1])


def test_looks_that_are_too_far_apart_tell_no_chance(store: Store) -> None:
    """Of 44, all were seen waiting at 10 minutes, half with a reply at an hour, and there was no look in between."""
    store.write_leads([make_lead("old", "2026-09-01T06:00:00Z")], observed_at=at("2026-09-14 06:00"))
    follow(store, "2026-09-15 06:10", 44)
    follow(store, "2026-09-15 07:00", 22, status="responded")
    follow(store, "2026-09-19 06:00", 44, 22)
    chances = reply_chances(store, ALL).set_index("age_min")
    assert chances.loc[10, "reply_chance"] == pytest.approx(22 / 44, abs=1e-3)
    assert chances.loc[30, "reason"] == "Looks are too far apart."
    assert chances.loc[60, "reply_chance"] == pytest.approx(0, abs=1e-3)


def test_fewer_than_twenty_that_waited_so_long_tell_no_chance(store: Store) -> None:
    store.write_leads([make_lead("old", "2026-09-01T06:00:00Z")], observed_at=at("2026-09-14 06:00"))
    follow(store, "2026-09-15 06:10", 19)
    follow(store, "2026-09-19 06:00", 19)
    assert set(reply_chances(store, ALL)["reason"][:5]) == {"History is too thin: 19\u00a0leads seen waiting so long."}


def test_leads_from_before_the_first_look_tell_no_chance(store: Store) -> None:
    """They were found answered or waiting at some age; how long they had waited nobody saw."""
    leads = [
        make_lead(str(i), f"2026-09-{12 + i // 20}T{i % 20:02}:00:00Z", status="responded", **phone(i))
        for i in range(40)
    ]
    store.write_leads(leads, observed_at=at("2026-09-14 06:00"))
    assert reply_chances(store, ALL)["reply_chance"].isna().all()
    assert chance_note(reply_chances(store, ALL)).startswith("No chance that a reply still comes is told yet")


def test_a_store_without_leads_has_no_chances(store: Store) -> None:
    assert reply_chances(store, ALL).empty


@pytest.mark.parametrize(
    "ask",
    [
        lambda s: queue(s, ALL, "newest"),
        lambda s: backlog(s, ALL, "listing"),
        lambda s: compute("overdue", s, ALL, by="listing"),
    ],
    ids=["order", "group", "group-by-name"],
)
def test_an_unknown_order_or_group_is_refused(store: Store, ask: object) -> None:
    with pytest.raises(FilterError, match=r"Known|Did you mean"):
        ask(store)  # type: ignore[operator]


# On the chart


def test_the_chart_has_a_row_per_agent_most_overdue_on_top_whose_click_names_it(store: Store) -> None:
    """Two of agent 1 and one of agent 2 came a day ago, three of agent 2 just now; one of nobody's is old too."""
    leads = [
        make_lead(f"{agent}-{when}-{i}", when, publicProfile={"id": agent} if agent else None, **phone(i))
        for agent, when, n in (
            (1, "2026-09-14T06:00:00Z", 2),
            (2, "2026-09-14T06:00:00Z", 1),
            (2, "2026-09-15T05:59:00Z", 3),
            (None, "2026-09-14T06:00:00Z", 1),
        )
        for i in range(n)
    ]
    store.write_leads(leads, observed_at=at("2026-09-15 06:00"))
    frame = backlog(store, ALL, "agent")
    assert list(frame[["key", "waiting", "overdue"]].itertuples(index=False, name=None)) == [
        ("1", 2, 2),
        ("2", 1 + 3, 1),
        ("none", 1, 1),
    ]
    touched = charts.plot_backlog(frame).data[-1].customdata
    assert [row[0] for row in touched] == ["1", "2", "none"]
    assert charts.backlog_takeaway(frame) == (
        "4 of 7\u00a0waiting leads have waited for more than 60\u00a0working minutes; #1 has most of them, 2."
    )
    assert charts.backlog_takeaway(frame[frame["key"] == "none"]) == (
        "1 of 1\u00a0waiting lead has waited for more than 60\u00a0working minutes."
    )


def test_the_chances_are_told_in_a_sentence_and_drawn_where_they_are_told(store: Store) -> None:
    looked_at(store)
    chances = reply_chances(store, ALL)
    assert charts.reply_chances_takeaway(chances) == (
        "On WhatsApp a reply comes within 3 days to 0\u00a0% of what has waited for an hour and 0\u00a0% for a day."
    )
    (line,) = charts.plot_reply_chances(chances).data
    assert line.name == "WhatsApp"
    assert [y is None for y in line.y] == list(chances["reply_chance"].isna())
