"""Calibration: what the app says of the sandbox's leads beside what was planted there.

Only a planted brokerage has a truth. Whoever asks here brings it along; of a real portal nobody can.
"""

import bisect
import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import pandas as pd

from leadlib.filters import MISSING, Filters, start_of_day
from leadlib.metrics import (
    agents,
    breakdown,
    dimension_named,
    funnel,
    like_for_like,
    rate_mix,
    replies_by,
    reply_shares,
    settling,
    stage_times,
    summary,
)
from leadlib.metrics.case_mix import expected_rates
from leadlib.metrics.queries import between, coverage, remembered
from leadlib.metrics.stages import FOLLOWED_DAYS, SETTLED_SHARE
from leadlib.metrics.table import label_of
from leadlib.records import LADDER
from leadlib.sandbox import PlantedLead, Truth
from leadlib.store import Store

RECENT_DAYS: Final = 2
"""The days, the last one included, in which many leads are too young to have had their reply."""

COMPARED_DAYS: Final = 28
"""How long each of the two periods is between which the response rate's change is split."""

OF_AGENTS: Final = (
    *("agent_rate", "shrunken_rate", "standardised_rate", "standardised_shrunken_rate"),
    *("agent_median_min", "agent_p90_min"),
)
CHANGES: Final = ("rate_effect", "mix_effect")

ESTIMATES: Final = (
    *("response_rate", "replied_within", "median_reply_min", "median_step_min", "settled_h"),
    *OF_AGENTS,
    *CHANGES,
)
"""The topics whose intervals are stated to hold the truth 95 times in 100. Of the others each must be exact."""


def calibration(store: Store, truth: Truth) -> pd.DataFrame:
    """Every figure that has a planted truth beside it, one row each; none before the first sync.

    Columns: topic, key and label (what the row is about), leads (how many it is told from), estimate (NaN where none is
    told), low and high (of its interval), planted, is_inside (whether low <= planted <= high; missing without an
    interval). Topics: those of ESTIMATES (shares, minutes and hours; of CHANGES differences of shares, between the last
    COMPARED_DAYS and those before), response_rate_of_all (a share that is no estimate of
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
        rows += [*_agents(whole), *_like_for_like(whole), *_replies(whole), *_agents_replies(whole), *_steps(whole)]
        rows += [*_settling(whole), *_changes(whole, today), *_volume(whole), *_funnel(whole)]
    frame = pd.DataFrame([vars(row) for row in rows], columns=list(_Row.__annotations__))
    is_told = frame["low"].notna() & frame["high"].notna()
    inside = (frame["low"] <= frame["planted"]) & (frame["planted"] <= frame["high"])
    return frame.assign(is_inside=inside.astype("boolean").where(is_told))


_LONGEST_MIN = 30 * 24 * 60


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
    planted = _age_of(lambda age: period.share(messages, age), 0.5)
    estimate, low, high = (rows[0][f"median_reply_min{end}"] for end in ("", "_low", "_high"))
    n = sum(rows[0][f"n_{kind}"] for kind in ("replied", "archived", "waiting"))
    yield _Row("median_reply_min", "median", "Median time to a reply", n, estimate, low, high, planted)


def _told(row: Mapping[Hashable, float], column: str) -> tuple[float, float, float]:
    """A figure and the ends of its interval."""
    return row[column], row[f"{column}_low"], row[f"{column}_high"]


def _age_of(share_by: Callable[[timedelta], float], share: float) -> float:
    """The first whole minute by which so large a share has come, infinite if it never does."""
    ages = range(_LONGEST_MIN)
    first = bisect.bisect_left(ages, share, key=lambda age: share_by(timedelta(minutes=age)))
    return float(first) if first < len(ages) else math.inf


def _agents_replies(period: _Period) -> Iterator[_Row]:
    for row in replies_by(period.store, period.filters, "agent").to_dict("records"):
        own = [lead for lead in period.leads if str(lead.agent_id) == row["key"] and lead.channel != "call"]
        if not own:
            continue

        def share_by(age: timedelta, own: Sequence[PlantedLead] = own) -> float:
            return period.share(own, age)

        median, p90 = _age_of(share_by, 0.5), _age_of(share_by, 0.9 * period.share(own))
        yield _Row("agent_median_min", row["key"], row["label"], len(own), *_told(row, "median_reply_min"), median)
        yield _Row("agent_p90_min", row["key"], row["label"], len(own), *_told(row, "p90_reply_min"), p90)


def _like_for_like(period: _Period) -> Iterator[_Row]:
    """Both rates like for like beside the planted ones of the agents, compared within the same kinds of leads."""
    kinds = pd.DataFrame(
        {
            "agent": [str(lead.agent_id) if lead.agent_id is not None else None for lead in period.leads],
            "channel": [lead.channel for lead in period.leads],
            "entity_type": [lead.entity_type for lead in period.leads],
            "hour": [str(lead.created_at.astimezone(period.store.timezone).hour) for lead in period.leads],
            "matured": 1,
            "responded_matured": [lead.propensity for lead in period.leads],
        }
    )
    mix = kinds.groupby(list(kinds.columns[:4]), dropna=False, as_index=False).sum()
    mix = mix.assign(expected=mix["matured"] * expected_rates(mix)[0])
    by_agent = mix.dropna(subset="agent").groupby("agent")[["matured", "responded_matured", "expected"]].sum()
    team = by_agent["responded_matured"].sum() / max(by_agent["matured"].sum(), 1)
    planted = (by_agent["responded_matured"] / by_agent["expected"] * team).clip(upper=1)
    frame = like_for_like(period.store, period.filters)
    for topic in ("standardised_rate", "standardised_shrunken_rate"):
        for row in frame[frame["key"] != MISSING].to_dict("records"):
            true = planted.get(row["key"], math.nan)
            yield _Row(topic, row["key"], row["label"], row["matured"], *_told(row, topic), true)


def _steps(period: _Period) -> Iterator[_Row]:
    looked_at = _looked_at_in_time(period)
    of_step = {
        "sent_opened": period.truth.expected_share_opened,
        "opened_responded": period.truth.expected_share_answered_after_opening,
    }
    for row in stage_times(period.store, period.filters).to_dict("records"):
        share_by = of_step[row["key"]]
        planted = _age_of(lambda age, share_by=share_by: share_by(looked_at, age) or 0.0, 0.5)  # type: ignore[misc]
        yield _Row("median_step_min", row["key"], row["label"], len(looked_at), *_told(row, "median_step_min"), planted)


def _settling(period: _Period) -> Iterator[_Row]:
    looked_at = _looked_at_in_time(period)
    for row in settling(period.store, period.filters).to_dict("records"):
        own = [lead for lead in looked_at if lead.channel == row["key"]]
        all_but_few = SETTLED_SHARE * period.share(own, timedelta(days=FOLLOWED_DAYS))

        def share_by(age: timedelta, own: Sequence[PlantedLead] = own) -> float:
            return period.share(own, age)

        planted = _age_of(share_by, all_but_few) / 60
        yield _Row("settled_h", row["key"], row["label"], len(own), *_told(row, "settled_h"), planted)


def _looked_at_in_time(period: _Period) -> list[PlantedLead]:
    """The messages that were first looked at within a day: what time between stages is told from."""
    seen = period.store.query(
        "select lead_id from leads where created_at >= $begin and created_at < $end "
        "and first_seen_at <= created_at + interval 1 day",
        {"begin": period.begin, "end": period.end},
    )
    ids = set(seen["lead_id"])
    return [lead for lead in period.leads if lead.id in ids and lead.channel != "call"]


def _changes(period: _Period, today: date) -> Iterator[_Row]:
    """Both parts of the rate's change, by channel: at the weights and levels that were seen, as their intervals are."""
    first, last = today - timedelta(days=COMPARED_DAYS), today - timedelta(days=1)
    frame = rate_mix(period.store, between(Filters(), first, last), "channel")
    if frame.empty:
        return
    then = first - timedelta(days=COMPARED_DAYS)
    sides = [
        [x for x in period.leads if begin <= x.created_at.astimezone(period.store.timezone).date() < end]
        for begin, end in ((first, today), (then, first))
    ]
    groups = frame[frame["key"] != "all"].to_dict("records")
    totals = [sum(row[name] for row in groups) for name in ("matured", "matured_before")]
    rates = [
        sum(row[name] for row in groups) / max(total, 1)
        for name, total in zip(("responded_matured", "responded_matured_before"), totals, strict=True)
    ]
    planted: dict[tuple[str, str], float] = {(topic, "all"): 0.0 for topic in CHANGES}
    for row in groups:
        n, before = row["matured"], row["matured_before"]
        own = [[lead for lead in side if lead.channel == row["key"]] for side in sides]
        weight = (n / max(totals[0], 1) + before / max(totals[1], 1)) / 2
        seen = (row["responded_matured"] / max(n, 1) + row["responded_matured_before"] / max(before, 1)) / 2
        shares = [period.truth.expected_share_on(row["key"], side) for side in sides]
        planted["rate_effect", row["key"]] = weight * (period.share(own[0]) - period.share(own[1]))
        planted["mix_effect", row["key"]] = (seen - sum(rates) / 2) * (shares[0] - shares[1])
        for topic in CHANGES:
            planted[topic, "all"] += planted[topic, row["key"]]
    for topic in CHANGES:
        for row in frame.to_dict("records"):
            n = row["matured"] + row["matured_before"]
            yield _Row(topic, row["key"], row["label"], n, *_told(row, topic), planted[topic, row["key"]])


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
