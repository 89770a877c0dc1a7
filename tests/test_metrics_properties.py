"""What must hold for any leads at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
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

Rows = list[tuple[int, str, str, str, int | None]]
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
few = settings(max_examples=5, deadline=None)


def leads_of(rows: Rows, second: bool, shift_days: int = 0) -> list[Lead]:
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
def new_store() -> Iterator[Store]:
    with TemporaryDirectory() as folder, Store.open(Path(folder), timezone=DUBAI, portal="test") as store:
        yield store


@contextmanager
def store_of(rows: Rows, order: list[int], shift_days: int = 0) -> Iterator[Store]:
    """A store that saw all leads twice, in the given order."""
    shift = timedelta(days=shift_days)
    with new_store() as store:
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
def test_the_funnel_never_rises_and_its_shares_are_shares(rows: Rows) -> None:
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
@given(rows=leads_strategy)
def test_moving_all_times_by_a_day_moves_the_answers_by_a_day(rows: Rows) -> None:
    order = list(range(len(rows)))
    with store_of(rows, order) as one, store_of(rows, order, shift_days=1) as later:
        for a, b in zip(everything(one), everything(later), strict=True):
            for column in ("bucket", "first_created_at", "last_created_at", "observed_at"):
                if column in a:
                    a = a.assign(**{column: a[column] + timedelta(days=1)})
            if "weekday" in a:
                a = a.assign(weekday=a["weekday"] % 7 + 1).sort_values(["weekday", "hour"], ignore_index=True)
            assert_frame_equal(a, b)


@few
@given(rows=leads_strategy, data=st.data())
def test_the_order_of_rows_and_the_pieces_they_come_in_change_nothing(rows: Rows, data: st.DataObject) -> None:
    """The same two looks, each written at once, and each in pieces of any size and order with some pieces twice."""
    with store_of(rows, list(range(len(rows)))) as whole, new_store() as pieces:
        for second, seen_at in ((False, SEEN - timedelta(days=2)), (True, SEEN)):
            leads = data.draw(st.permutations(leads_of(rows, second)))
            size = data.draw(st.integers(1, 7))
            chunks = [leads[start : start + size] for start in range(0, len(leads), size)]
            again = data.draw(st.lists(st.sampled_from(chunks), max_size=3)) if chunks else []
            for chunk in [*chunks, *again]:
                pieces.write_leads(chunk, observed_at=seen_at)
        for a, b in zip(everything(whole), everything(pieces), strict=True):
            assert_frame_equal(a, b)


@few
@given(rows=leads_strategy)
def test_the_parts_add_up(rows: Rows) -> None:
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
        curve = reply_curve(store, Filters())
        bands = curve[["replied_within", "archived_within", "still_waiting"]].to_numpy()
        assert bands.sum(axis=1) == pytest.approx(1)
        assert (bands >= 0).all()
        assert (np.diff(bands[:, :2], axis=0) >= -1e-12).all()
