"""What must hold for any leads at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from leadlib.filters import Filters
from leadlib.metrics import (
    agents,
    breakdown,
    decay,
    funnel,
    heat_map,
    league,
    like_for_like,
    reply_curve,
    reply_shares,
    settling,
    stage_times,
    status_counts,
    summary,
    transitions,
    volume,
    within_hours,
)
from leadlib.records import Lead
from leadlib.store import Store
from tests.conftest import DUBAI, make_lead

START = datetime(2026, 9, 1, tzinfo=UTC)
SEEN = START + timedelta(days=14)
STATUSES = ("sent", "delivered", "opened", "read", "responded", "replied", "archived", "on_hold")

leads_strategy = st.lists(
    st.tuples(
        st.integers(0, 12 * 24 * 60),
        st.sampled_from(STATUSES),
        st.sampled_from(STATUSES),
        st.sampled_from(("whatsapp", "call", "email", "")),
        st.sampled_from((None, 1, 2)),
    ),
    max_size=25,
)
few = settings(max_examples=15, deadline=None)


def leads_of(rows: list[tuple[int, str, str, str, int | None]], second: bool, shift_days: int = 0) -> list[Lead]:
    return [
        make_lead(
            str(i),
            (START + timedelta(days=shift_days, minutes=minute)).isoformat(),
            status=later if second else earlier,
            channel=channel,
            publicProfile={"id": agent} if agent else None,
        )
        for i, (minute, earlier, later, channel, agent) in enumerate(rows)
    ]


@contextmanager
def store_of(
    rows: list[tuple[int, str, str, str, int | None]], order: list[int], shift_days: int = 0
) -> Iterator[Store]:
    """A store that saw all leads twice, in the given order."""
    shift = timedelta(days=shift_days)
    with (
        TemporaryDirectory() as folder,
        Store.open(Path(folder), timezone=DUBAI, portal="test") as store,
    ):
        for second, seen_at in ((False, SEEN - timedelta(days=2)), (True, SEEN)):
            leads = leads_of(rows, second, shift_days)
            store.write_leads([leads[i] for i in order], observed_at=seen_at + shift)
        yield store


def everything(store: Store) -> list[pd.DataFrame]:
    filters = Filters()
    return [
        summary(store, filters),
        volume(store, filters, "day", by="channel"),
        heat_map(store, filters),
        funnel(store, filters, by="channel"),
        status_counts(store, filters, by="agent"),
        breakdown(store, filters, "agent"),
        breakdown(store, filters, "agent", limit=1),
        agents(store, filters),
        like_for_like(store, filters),
        league(store, filters),
        decay(store, filters),
        reply_shares(store, filters),
        reply_curve(store, filters),
        within_hours(store, filters, by="agent"),
        stage_times(store, filters),
        settling(store, filters),
        transitions(store, filters),
    ]


@few
@given(rows=leads_strategy)
def test_the_funnel_never_rises_and_its_shares_are_shares(rows: list[tuple[int, str, str, str, int | None]]) -> None:
    with store_of(rows, list(range(len(rows)))) as store:
        for frame in (funnel(store, Filters()), funnel(store, Filters(), by="channel")):
            for _, group in frame.groupby("key"):
                assert group["leads"].is_monotonic_decreasing
                assert group["leads_high"].is_monotonic_decreasing
                assert (group["leads"] <= group["leads_high"]).all()
                assert (group["leads_high"] <= group["start_leads"]).all()
            for share in ("share_of_start", "share_of_previous"):
                shown = frame[frame[f"{share}_quality"].isin(["few", "enough", "bounds"])]
                assert shown[f"{share}_low"].between(0, 1).all()
                assert (shown[f"{share}_low"] <= shown[f"{share}_high"]).all()
                points = shown[shown[share].notna()]
                assert points[share].between(points[f"{share}_low"], points[f"{share}_high"]).all()


@few
@given(rows=leads_strategy, data=st.data())
def test_the_order_of_rows_changes_nothing(
    rows: list[tuple[int, str, str, str, int | None]], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(rows))))
    with store_of(rows, list(range(len(rows)))) as one, store_of(rows, order) as other:
        for a, b in zip(everything(one), everything(other), strict=True):
            assert_frame_equal(a, b)


@few
@given(rows=leads_strategy)
def test_moving_all_times_by_a_week_moves_the_answers_by_a_week(
    rows: list[tuple[int, str, str, str, int | None]],
) -> None:
    order = list(range(len(rows)))
    with store_of(rows, order) as one, store_of(rows, order, shift_days=7) as later:
        for a, b in zip(everything(one), everything(later), strict=True):
            for column in ("bucket", "first_created_at", "last_created_at", "observed_at"):
                if column in a:
                    a = a.assign(**{column: a[column] + timedelta(days=7)})
            assert_frame_equal(a, b)


@few
@given(rows=leads_strategy)
def test_the_parts_add_up(rows: list[tuple[int, str, str, str, int | None]]) -> None:
    with store_of(rows, list(range(len(rows)))) as store:
        row = summary(store, Filters()).iloc[0]
        archived_unanswered_or_not = row["archived"]
        assert row["leads"] == len(rows)
        assert row["waiting"] + row["responded"] + archived_unanswered_or_not + row["unrecognised"] >= row["leads"]
        assert row["matured"] >= row["responded_matured"] + row["unknown_matured"]
        young_and_responded = row["responded"] - row["responded_matured"]
        assert row["leads"] == row["matured"] + row["pending"] + young_and_responded
        assert volume(store, Filters(), "hour")["leads"].sum() == row["leads"]
        assert heat_map(store, Filters())["leads"].sum() == row["leads"]
        moves = transitions(store, Filters())
        for edge, side in (("from_key", "first:"), ("to_key", "today:")):
            assert moves.loc[moves[edge].str.startswith(side), "moved"].sum() == len(rows)
        into, out_of = moves.groupby("to_key")["moved"].sum(), moves.groupby("from_key")["moved"].sum()
        for key in set(into.index) & set(out_of.index):
            assert into[key] == out_of[key]
        told = within_hours(store, Filters()).iloc[0]
        assert told["responded_within"] <= told["responded_matured"]
        assert told["responded_within"] + told["unknown_within"] <= told["matured"]
        assert told["unknown_within"] >= told["unknown_matured"]
