"""Time to respond: given looks, expected shares; and the sandbox's planted delays, found again."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from leadlib import charts
from leadlib.errors import FilterError
from leadlib.filters import Filters
from leadlib.metrics import compute, replies_by, reply_curve, reply_shares
from leadlib.metrics.queries import ask
from leadlib.store import Store
from leadlib.ui.reply_notes import on_shares
from tests.conftest import at, make_lead
from tests.sync_bench import NOW, Bench, planted_brokerage

ALL = Filters()
CREATED = "2026-09-15T06:00:00Z"


def look(store: Store, when: str, statuses: dict[str, str], **changes: object) -> None:
    """The portal shows these leads, all created at six, at a time of the same day."""
    leads = [make_lead(i, CREATED, status=status, **changes) for i, status in statuses.items()]
    store.write_leads(leads, observed_at=at(f"2026-09-15 {when}"))


def intervals(store: Store) -> list[tuple[object, ...]]:
    rows = ask(store, "reply_intervals", ALL).drop(columns="key").sort_values(["kind", "begins_min"])
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
