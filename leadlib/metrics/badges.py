"""Where each agent stands by the portal's badge rules, what is missing, and how likely the next evaluation is met."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from leadlib import formats
from leadlib.badge_rules import FIGURES, BadgeRule, Figure
from leadlib.filters import Filters, start_of_day
from leadlib.metrics.counting import rate
from leadlib.metrics.queries import ask, coverage, group_label, local_time, names_of
from leadlib.metrics.table import MINIMUM_FOR_RATE, MINIMUM_FOR_VERDICT, BadgeVerdict, dimension_named
from leadlib.statistics import Window, future_mean, future_window, shrink
from leadlib.store import Store

WIDEST_CHANCE = 0.1
"""A chance whose bounds lie farther apart than this is told as its bounds."""

LEAST_READ = 0.9
"""The share of a rule's window that must have been read for a chance to be told."""

# How strongly one believes, before any lead of the last day is seen, that its replies come within the day: in replies.
_REPLIES_BEFOREHAND = 5

_COLUMNS = (
    *("key", "label", "is_active", "badge_verdict", "badge_action"),
    *("badge_leads", "badge_answered", "badge_unknown", "badge_waiting"),
    *("badge_share", "badge_share_low", "badge_share_high", "badge_share_quality", "badge_share_needed"),
    *("badge_to_answer", "badge_counted", "badge_leads_needed"),
    *("badge_whatsapp_min", "badge_whatsapp_min_low", "badge_whatsapp_min_high", "badge_whatsapp_needed", "n_whatsapp"),
    *("badge_chance", "badge_chance_low", "badge_chance_high", "badge_chance_reason"),
    *("badge_expected_low", "badge_expected_high", "evaluated_on", "counted_from", "counted_to", "covered"),
)


def badges(store: Store, filters: Filters, as_of: datetime | None = None) -> pd.DataFrame:
    """Where each agent stands by the rules of the next evaluation: one row per agent with leads, highest share first.

    Who has left is not graded and has no row. Filters but that by agent have no say, for the portal counts all leads.

    Columns: key, label, is_active (True, or None if the portal does not say);
    badge_verdict (a BadgeVerdict), badge_action (the next thing to do, a sentence); of the leads of the share's window
    badge_leads, badge_answered, badge_unknown and badge_waiting; badge_share with _low, _high, _quality and
    badge_share_needed; badge_to_answer (how many waiting leads more would have to be answered, 0 if it passes);
    badge_counted and badge_leads_needed (of the rule on the number of leads); badge_whatsapp_min (mean minutes to a
    WhatsApp reply of those answered; NaN where _low and _high, which the looks allow, lie on both sides of
    badge_whatsapp_needed), n_whatsapp (replies); badge_chance with _low and _high (of passing all rules that can be
    told; NaN with bounds more than 10 points apart), badge_chance_reason (which rule is left out, or why there is no
    chance); badge_expected_low and _high (between which the share lies then, four times in five); evaluated_on,
    counted_from and counted_to (days, the last included, of the share's window now), covered (how much of it was read).
    Needed figures are NaN where there is no such rule. `as_of` is the last observation unless another is given.
    """
    as_of = as_of or coverage(store).ends_at
    if as_of is None:
        return _empty()
    today = local_time(as_of, store).date()
    evaluated_on = store.badge_rules.next_evaluation(today)
    rules = {figure: store.badge_rules.in_force(figure, evaluated_on) for figure in FIGURES}
    longest = max((rule.window_days for rule in rules.values() if rule), default=_NO_RULE_DAYS)
    created_from = start_of_day((today - timedelta(days=longest - 1)).isoformat(), store.timezone)
    by_agent = Filters.of({"agent": filters["agent"]})
    rows = ask(store, "badges", by_agent, created_from=created_from, as_of=as_of)
    if rows.empty:
        return _empty()
    moment = _Moment(store, as_of, today, evaluated_on)
    counted = _Counted(rows, today)
    columns = _standing(counted, rules)
    columns |= _chances(counted, rules, moment, columns)
    share = rules["share_answered"]
    first = today - timedelta(days=(share.window_days if share else _NO_RULE_DAYS) - 1)
    names = names_of(store, dimension_named("agent"))
    keys = [str(agent_id) for agent_id in counted.agents]
    frame = pd.DataFrame(
        {
            "key": pd.Series(keys, dtype="str"),
            "label": pd.Series([group_label(store, dimension_named("agent"), key) for key in keys], dtype="str"),
            "is_active": np.array([names[k].is_active if k in names else None for k in keys], dtype=object),
            **columns,
            "evaluated_on": evaluated_on,
            "counted_from": first,
            "counted_to": today,
            "covered": moment.covered(share),
        }
    )
    frame["badge_action"] = [_action(row) for row in frame.to_dict("records")]
    frame = frame[[is_active is not False for is_active in frame["is_active"]]]
    frame = frame.sort_values(["badge_share_low", "key"], ascending=[False, True], ignore_index=True)
    return frame[list(_COLUMNS)]


_NO_RULE_DAYS = 60
"""The window that is counted where no rule has one."""


def _empty() -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in _COLUMNS}).astype({"key": "str", "label": "str", "badge_action": "str"})


@dataclass(frozen=True)
class _Moment:
    """The instant of which the figures speak, and the day of the evaluation that follows."""

    store: Store
    as_of: datetime
    today: date
    evaluated_on: date

    @property
    def days_until(self) -> float:
        until = start_of_day(self.evaluated_on.isoformat(), self.store.timezone)
        return (until - self.as_of) / timedelta(days=1)

    def days_counted(self, window_days: int) -> float:
        """How long the window has been until now: less than its days, for the last is not over."""
        return (self.as_of - self._first(window_days)) / timedelta(days=1)

    def covered(self, rule: BadgeRule | None) -> float:
        """The share of a rule's window until now that was read."""
        first = self._first(rule.window_days if rule else _NO_RULE_DAYS)
        read = coverage(self.store).within(first, self.as_of).stretches
        return sum((b - a) / timedelta(days=1) for a, b in read) / ((self.as_of - first) / timedelta(days=1))

    def _first(self, window_days: int) -> datetime:
        return start_of_day((self.today - timedelta(days=window_days - 1)).isoformat(), self.store.timezone)


class _Counted:
    """The rows of badges.sql, added up per agent over any window and state."""

    def __init__(self, rows: pd.DataFrame, today: date) -> None:
        self.agents, self._places = np.unique(rows["agent_id"].to_numpy("int64"), return_inverse=True)
        self._rows = rows
        self._days_old = np.array([(today - pd.Timestamp(day).date()).days for day in rows["created_on"]])
        self._states = rows["state"].to_numpy(object)
        self._is_young = rows["is_young"].to_numpy(bool)

    def leads(self, days: int, *states: str, young: bool | None = None) -> npt.NDArray[np.int64]:
        """Leads per agent of the last `days` days, of any state or of these."""
        return self._sum("leads", days, states, young).astype("int64")

    def minutes(self, name: str, days: int) -> npt.NDArray[np.float64]:
        """A sum over WhatsApp replies per agent, of the last `days` days: a column of badges.sql."""
        return self._sum(name, days, ("answered",), None)

    def _sum(self, name: str, days: int, states: tuple[str, ...], young: bool | None) -> npt.NDArray[np.float64]:
        chosen = self._days_old < days
        if states:
            chosen &= np.isin(self._states, states)
        if young is not None:
            chosen &= self._is_young == young
        values = self._rows[name].to_numpy("float64")
        return np.bincount(self._places[chosen], values[chosen], len(self.agents)).astype("float64")


def _standing(counted: _Counted, rules: Mapping[Figure, BadgeRule | None]) -> dict[str, npt.NDArray[Any]]:
    """The figures as the rules count them now, and what they say."""
    share, whatsapp, leads = (rules[figure] for figure in ("share_answered", "whatsapp_minutes", "leads"))
    days = share.window_days if share else _NO_RULE_DAYS
    n, hits, unknown_leads = counted.leads(days), counted.leads(days, "answered"), counted.leads(days, "unknown")
    needed = share.threshold if share else np.nan
    whatsapp_days = whatsapp.window_days if whatsapp else _NO_RULE_DAYS
    replies = counted.minutes("whatsapp_leads", whatsapp_days)
    least, most = (
        np.where(replies > 0, counted.minutes(name, whatsapp_days) / np.maximum(replies, 1), np.nan)
        for name in ("least_minutes", "most_minutes")
    )
    at_most = whatsapp.threshold if whatsapp else np.nan
    n_counted = counted.leads(leads.window_days if leads else days)
    columns: dict[str, npt.NDArray[Any]] = {
        "badge_leads": n,
        "badge_answered": hits,
        "badge_unknown": unknown_leads,
        "badge_waiting": counted.leads(days, "waiting"),
        **rate("badge_share", hits, n, unknown_leads),
        "badge_share_needed": np.full(len(n), needed),
        # A share of 0.7 of 10 leads is 7, whatever the computer's arithmetic makes of it.
        "badge_to_answer": np.maximum(0, np.ceil(needed * n - 1e-9) - hits),
        "badge_counted": n_counted,
        "badge_leads_needed": np.full(len(n), leads.threshold if leads else np.nan),
        "badge_whatsapp_min": np.where((most <= at_most) | (least > at_most), (least + most) / 2, np.nan),
        "badge_whatsapp_min_low": least,
        "badge_whatsapp_min_high": most,
        "badge_whatsapp_needed": np.full(len(n), at_most),
        "n_whatsapp": replies.astype("int64"),
    }
    columns["badge_verdict"] = _verdicts(columns)
    return columns


def _verdicts(columns: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """A BadgeVerdict each; a rule that does not exist is passed."""
    n, needed = columns["badge_leads"], columns["badge_share_needed"]
    known, if_answered = columns["badge_answered"], columns["badge_answered"] + columns["badge_unknown"]
    fails = (if_answered < needed * n - 1e-9) | (columns["badge_whatsapp_min_low"] > columns["badge_whatsapp_needed"])
    is_told = ~(known < needed * n - 1e-9)
    is_told &= np.isnan(columns["badge_whatsapp_needed"]) | (
        columns["badge_whatsapp_min_high"] <= columns["badge_whatsapp_needed"]
    )
    is_few = (n < MINIMUM_FOR_RATE) | (columns["badge_counted"] < columns["badge_leads_needed"])
    verdicts: list[BadgeVerdict] = ["too_few", "fails", "passes"]
    return np.select([is_few, fails, is_told], verdicts, "cannot_tell").astype(object)


def _chances(
    counted: _Counted,
    rules: Mapping[Figure, BadgeRule | None],
    moment: _Moment,
    columns: Mapping[str, npt.NDArray[Any]],
) -> dict[str, npt.NDArray[Any]]:
    """The chance of passing, from that all unknown leads were unanswered and replies slow to that all were as hoped."""
    share, whatsapp, leads = (rules[figure] for figure in ("share_answered", "whatsapp_minutes", "leads"))
    days = share.window_days if share else _NO_RULE_DAYS
    n = counted.leads(days, young=False)
    hits, unknown_leads = (counted.leads(days, state, young=False) for state in ("answered", "unknown"))
    early = _early(counted, days, hits, n)
    # Whoever has no WhatsApp reply, or looks that leave open whether it is passed, is forecast without that rule.
    told = columns["badge_whatsapp_min"] if whatsapp else np.full(len(n), np.nan)
    chances, expected = [], []
    for is_best, minutes in ((False, "most"), (True, "least")):
        rates = shrink(hits + (unknown_leads if is_best else 0), n).draws
        successes, cases = future_window(_window(counted, days, moment, is_best), rates, early)
        passed = np.ones(cases.shape, dtype=bool)
        if share:
            passed &= successes >= share.threshold * cases - 1e-9
        if leads:
            if leads.window_days != days:
                _, cases_of_leads = future_window(_window(counted, leads.window_days, moment, is_best), rates, early)
            passed &= (cases if leads.window_days == days else cases_of_leads) >= leads.threshold
        if whatsapp:
            mean = _future_minutes(counted, whatsapp.window_days, moment, minutes, rates.shape)
            passed &= (mean <= whatsapp.threshold) | np.isnan(told)
        # As if one more future had met all rules and one had not: no number of draws makes sure.
        chances.append((passed.sum(axis=0) + 1) / (len(passed) + 2))
        shares = np.where(cases > 0, successes / np.maximum(cases, 1), np.nan)
        expected.append(np.quantile(shares, 0.9 if is_best else 0.1, axis=0))
    low, high = np.minimum(*chances), np.maximum(*chances)
    reasons = [
        _reason(row, whatsapp is not None, moment.covered(share))
        for row in zip(columns["badge_leads"], told, columns["n_whatsapp"], strict=True)
    ]
    is_refused = np.array([reason.startswith("No forecast") for reason in reasons], dtype=bool)
    shown = ~is_refused
    return {
        "badge_chance": np.where(shown & (high - low <= WIDEST_CHANCE), (low + high) / 2, np.nan),
        "badge_chance_low": np.where(shown, low, np.nan),
        "badge_chance_high": np.where(shown, high, np.nan),
        "badge_chance_reason": np.array(reasons, dtype=object),
        "badge_expected_low": np.where(shown, expected[0], np.nan),
        "badge_expected_high": np.where(shown, expected[1], np.nan),
    }


def _window(counted: _Counted, days: int, moment: _Moment, is_best: bool) -> Window:
    """What of the last `days` days will still count at the evaluation, and how fast new leads come."""
    new_days = min(moment.days_until, days)
    # The window of the evaluation ends the day before it.
    left = max(0, days - (moment.evaluated_on - moment.today).days + 1)
    successes = counted.leads(left, "answered")
    if is_best:
        successes = successes + counted.leads(left, "unknown")
    return Window(
        kept=counted.leads(left),
        kept_successes=successes,
        kept_open=counted.leads(left, "waiting", young=True),
        arrived=counted.leads(days),
        arrived_days=moment.days_counted(days),
        new_days=new_days,
    )


def _early(counted: _Counted, days: int, hits: npt.NDArray[np.int64], n: npt.NDArray[np.int64]) -> float:
    """How much of what is answered in the end is answered among leads younger than a day, over all agents."""
    due = counted.leads(days, young=True).sum() * hits.sum() / max(1, n.sum())
    answered = counted.leads(days, "answered", young=True).sum()
    return float(min(1.0, (answered + _REPLIES_BEFOREHAND) / (due + _REPLIES_BEFOREHAND)))


def _future_minutes(
    counted: _Counted, days: int, moment: _Moment, end: str, shape: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """Mean minutes to a WhatsApp reply at the evaluation, a row per draw: old replies leave, new ones are like them."""
    window = _window(counted, days, moment, is_best=False)
    left = max(0, days - (moment.evaluated_on - moment.today).days + 1)
    replies = counted.minutes("whatsapp_leads", days)
    mean = counted.minutes(f"{end}_minutes", days) / np.maximum(replies, 1)
    variance = np.maximum(0, counted.minutes(f"{end}_squares", days) / np.maximum(replies, 1) - mean**2)
    kept = counted.minutes("whatsapp_leads", left).astype("int64")
    none = np.zeros_like(kept)
    arriving = Window(none, none, none, replies.astype("int64"), window.arrived_days, window.new_days)
    _, new = future_window(arriving, np.ones(shape), 1.0)
    return future_mean(kept, counted.minutes(f"{end}_minutes", left), mean, variance, new)


def _reason(row: tuple[int, float, int], has_whatsapp_rule: bool, covered: float) -> str:
    n_leads, told, n_replies = row
    if covered < LEAST_READ:
        return f"No forecast: only {formats.percent(covered)} of the days that count were read."
    if n_leads < MINIMUM_FOR_VERDICT:
        return f"No forecast: {formats.count_of(n_leads, 'lead')} are too few, {MINIMUM_FOR_VERDICT} tell something."
    if has_whatsapp_rule and math.isnan(told):
        why = "looks are too far apart to tell it" if n_replies else "there is no WhatsApp reply"
        return f"Without the rule on WhatsApp replies: {why}."
    return ""


def _action(row: Mapping[Any, Any]) -> str:
    """The next thing to do, by the figures as they stand today: what each rule that is not met takes."""
    n, answered, needed = row["badge_leads"], row["badge_answered"], row["badge_share_needed"]
    minutes = row["badge_whatsapp_needed"]
    ends = [formats.duration(row[f"badge_whatsapp_min_{end}"] * 60) for end in ("low", "high")]
    steps = []
    if row["badge_counted"] < row["badge_leads_needed"]:
        missing = int(row["badge_leads_needed"] - row["badge_counted"])
        needed_leads = formats.number(row["badge_leads_needed"])
        steps.append(f"{formats.count_of(missing, 'lead')} short of the {needed_leads} it takes.")
    if row["badge_to_answer"] > 0:
        steps.append(_to_answer(int(n), int(answered), needed, int(row["badge_to_answer"]), int(row["badge_waiting"])))
    if row["badge_whatsapp_min_low"] > minutes:
        allowed = formats.duration(minutes * 60)
        steps.append(f"Answer WhatsApp faster: replies take {ends[0]} or more on average, {allowed} are allowed.")
    if steps:
        return " ".join(steps)
    if not formats.is_missing(minutes) and formats.is_missing(row["badge_whatsapp_min"]):
        if not row["n_whatsapp"]:
            return "No WhatsApp reply to measure yet."
        return f"Sync more often: looks leave the WhatsApp average anywhere from {ends[0]} to {ends[1]}."
    if formats.is_missing(needed) or not needed:
        return "Nothing is missing."
    spare = math.floor(answered / needed + 1e-9) - n
    more = formats.count_of(spare, "more lead")
    return f"Nothing is missing; {more} may stay unanswered." if spare else "Keep answering: nothing to spare."


def _to_answer(n: int, answered: int, needed: float, missing: int, waiting: int) -> str:
    if missing <= waiting:
        return f"Answer {formats.number(missing)} of the {formats.count_of(waiting, 'waiting lead')} to pass."
    if needed >= 1:
        return "Cannot pass before the unanswered leads leave the window."
    new = math.ceil((needed * n - answered - waiting) / (1 - needed) - 1e-9)
    first = f"Answer the {formats.count_of(waiting, 'waiting lead')}" if waiting else "Nothing waits to be answered"
    return f"{first}; after that it takes {formats.count_of(new, 'new lead')} with a reply each."
