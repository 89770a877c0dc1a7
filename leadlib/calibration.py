"""Calibration: what the app says of the sandbox's leads beside what was planted there.

Only a planted brokerage has a truth. Whoever asks here brings it along; of a real portal nobody can.
"""

import bisect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import pandas as pd

from leadlib.filters import MISSING, Filters, start_of_day
from leadlib.metrics import agents, breakdown, dimension_named, funnel, reply_shares, summary
from leadlib.metrics.queries import between, coverage, remembered
from leadlib.metrics.table import label_of
from leadlib.records import LADDER
from leadlib.sandbox import PlantedLead, Truth
from leadlib.store import Store

RECENT_DAYS: Final = 2
"""The days, the last one included, in which many leads are too young to have had their reply."""

ESTIMATES: Final = ("response_rate", "agent_rate", "shrunken_rate", "replied_within", "median_reply_min")
"""The topics whose intervals are stated to hold the truth 95 times in 100. Of the others each must be exact."""


def calibration(store: Store, truth: Truth) -> pd.DataFrame:
    """Every figure that has a planted truth beside it, one row each; none before the first sync.

    Columns: topic, key and label (what the row is about), leads (how many it is told from), estimate (NaN where none is
    told), low and high (of its interval), planted, is_inside (whether low <= planted <= high; missing without an
    interval). Topics: those of ESTIMATES (shares, and minutes), response_rate_of_all (a share that is no estimate of
    what leads come to: it stands beside the matured one), leads (counts by channel) and reached (counts by stage, low
    and high its bounds). The days are whole ones, all that the portal still shows but today; but for the rows "recent",
    of the last RECENT_DAYS. The sandbox must speak the filter dialect. Raises StoreError.
    """
    return remembered(store, "calibration", lambda: _calibration(store, truth)).copy(deep=False)


def _calibration(store: Store, truth: Truth) -> pd.DataFrame:
    as_of = coverage(store).ends_at
    rows: list[_Row] = []
    if as_of is not None:
        today = as_of.astimezone(store.timezone).date()
        first = truth.window_start(as_of).astimezone(store.timezone).date() + timedelta(days=1)
        whole = _Period.of(store, truth, as_of, first, today - timedelta(days=1))
        recent = _Period.of(store, truth, as_of, today - timedelta(days=RECENT_DAYS - 1), today)
        rows += [*_rates(whole, "all", "All days"), *_rates(recent, "recent", f"Last {RECENT_DAYS} days")]
        rows += [*_agents(whole), *_replies(whole), *_volume(whole), *_funnel(whole)]
    frame = pd.DataFrame([vars(row) for row in rows], columns=list(_Row.__annotations__))
    is_told = frame["low"].notna() & frame["high"].notna()
    inside = (frame["low"] <= frame["planted"]) & (frame["planted"] <= frame["high"])
    return frame.assign(is_inside=inside.astype("boolean").where(is_told))


_LONGEST_MEDIAN_MIN = 30 * 24 * 60


@dataclass(frozen=True)
class _Row:
    topic: str
    key: str
    label: str
    leads: int
    estimate: float
    low: float
    high: float
    planted: float


@dataclass(frozen=True)
class _Period:
    """Some days, with the leads that were planted in them and could be seen by the last observation."""

    store: Store
    truth: Truth
    filters: Filters
    leads: Sequence[PlantedLead]

    begin: datetime
    end: datetime

    @classmethod
    def of(cls, store: Store, truth: Truth, as_of: datetime, first: date, last: date) -> "_Period":
        begin = start_of_day(first.isoformat(), store.timezone)
        end = start_of_day(last.isoformat(), store.timezone, days_later=1)
        leads = [lead for lead in truth.visible(as_of) if begin <= lead.created_at < end]
        return cls(store, truth, between(Filters(), first, last), leads, begin, end)

    def share(self, leads: Sequence[PlantedLead], age: timedelta | None = None) -> float:
        planted = self.truth.expected_share_answered(leads, age)
        return math.nan if planted is None else planted


def _rates(period: _Period, key: str, label: str) -> Iterator[_Row]:
    """The rate so far and the plain one, each beside the share that all leads of these days come to in the end."""
    row = summary(period.store, period.filters).iloc[0]
    planted = period.share(period.leads)
    for topic, n, which in (("response_rate", "matured", "matured"), ("response_rate_of_all", "leads", "all leads")):
        ends = (row[f"{topic}_low"], row[f"{topic}_high"])
        yield _Row(topic, key, f"{label}, {which}", int(row[n]), row[topic], *ends, planted)


def _agents(period: _Period) -> Iterator[_Row]:
    frame = agents(period.store, period.filters)
    frame = frame[frame["key"] != MISSING]
    for topic, column in (("agent_rate", "response_rate"), ("shrunken_rate", "shrunken_rate")):
        for row in frame.to_dict("records"):
            own = [lead for lead in period.leads if str(lead.agent_id) == row["key"]]
            ends = (row[f"{column}_low"], row[f"{column}_high"])
            yield _Row(topic, row["key"], row["label"], row["matured"], row[column], *ends, period.share(own))


def _replies(period: _Period) -> Iterator[_Row]:
    rows = reply_shares(period.store, period.filters).to_dict("records")
    if not rows:
        return
    messages = [lead for lead in period.leads if lead.channel != "call"]
    for row in rows:
        planted = period.share(messages, timedelta(minutes=row["age_min"]))
        estimate, low, high = (row[f"replied_within{end}"] for end in ("", "_low", "_high"))
        if math.isnan(estimate):
            low = high = math.nan  # without a figure the screen shows no interval either
        label = f"Within {row['label']}"
        yield _Row("replied_within", row["key"], label, row["n_looks"], estimate, low, high, planted)
    ages = range(_LONGEST_MEDIAN_MIN)
    half = bisect.bisect_left(ages, 0.5, key=lambda age: period.share(messages, timedelta(minutes=age)))
    planted = float(half) if half < len(ages) else math.inf
    estimate, low, high = (rows[0][f"median_reply_min{end}"] for end in ("", "_low", "_high"))
    n = sum(rows[0][f"n_{kind}"] for kind in ("replied", "archived", "waiting"))
    yield _Row("median_reply_min", "median", "Median time to a reply", n, estimate, low, high, planted)


def _volume(period: _Period) -> Iterator[_Row]:
    counted = breakdown(period.store, period.filters, "channel").set_index("key")["leads"]
    for channel in sorted({*counted.index, *(lead.channel for lead in period.leads)}):
        n = int(counted.get(channel, 0))
        planted = sum(lead.channel == channel for lead in period.leads)
        yield _Row("leads", channel, label_of(dimension_named("channel"), channel), n, n, n, n, planted)


def _funnel(period: _Period) -> Iterator[_Row]:
    """The rungs beside those that the same leads had reached when they were last seen."""
    seen = period.store.query(
        "select lead_id, last_seen_at from leads where created_at >= $begin and created_at < $end",
        {"begin": period.begin, "end": period.end},
    )
    last_seen = dict(zip(seen["lead_id"], seen["last_seen_at"], strict=True))
    places = [_place_reached(lead, last_seen[lead.id]) for lead in period.leads if lead.id in last_seen]
    for row in funnel(period.store, period.filters).to_dict("records"):
        n = sum(place >= LADDER.index(row["stage"]) for place in places)
        yield _Row(
            "reached", row["stage"], row["stage_label"], row["leads"], row["leads"], row["leads"], row["leads_high"], n
        )


def _place_reached(lead: PlantedLead, at: pd.Timestamp) -> int:
    return max(LADDER.index(stage) for stage, reached_at in lead.transitions if stage in LADDER and reached_at <= at)
