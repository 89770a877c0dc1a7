"""QUESTIONS: what can be asked by name, and the frame behind a metric's key or a question's name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

import pandas as pd

from leadlib.errors import FilterError
from leadlib.filters import Filters
from leadlib.formats import Grain
from leadlib.metrics.agents import agents
from leadlib.metrics.badges import badges
from leadlib.metrics.case_mix import like_for_like
from leadlib.metrics.change import summary_change
from leadlib.metrics.comparison import Compared, volume_change
from leadlib.metrics.league import LeagueOf, decay, league
from leadlib.metrics.limits import volume_limits
from leadlib.metrics.own_figure import own_figure
from leadlib.metrics.questions import VolumeBy, breakdown, funnel, heat_map, status_counts, summary, volume
from leadlib.metrics.rate_mix import MIX_BY, rate_mix
from leadlib.metrics.replies import CLOCKS, REPLY_GROUPS, SLA_MINUTES, Clock, replies_by, reply_curve, reply_shares
from leadlib.metrics.rescue import backlog, reply_chances
from leadlib.metrics.senders import senders_over_time
from leadlib.metrics.silence import channel_silence
from leadlib.metrics.stages import settling, stage_times, transitions
from leadlib.metrics.table import DIMENSIONS, GRAINS, METRICS, OWN, dimension_named, metric_named, unknown
from leadlib.metrics.why_changed import PERIODS, why_changed
from leadlib.metrics.within import within_hours
from leadlib.store import Store


@dataclass(frozen=True)
class Question:
    """One function of a store and filters, and what else it can be asked with.

    `groups` are the dimensions that its `by` takes: none of them means that it is over all leads, ANY that the function
    itself refuses what it does not know. `default_by` is asked where no group is named. `group` is what its rows are
    anyhow: naming it changes nothing. `options` are those of `compute` that it takes.
    """

    ask: Callable[..., pd.DataFrame]
    groups: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    default_by: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Choice:
    """The values of an option that is chosen from a list, and what stands where none is chosen."""

    values: tuple[str | int, ...]
    default: str | int


CHOICES: Mapping[str, Choice] = {
    "grain": Choice(GRAINS, "day"),
    "within": Choice(tuple(SLA_MINUTES.values()), 60),
    "clock": Choice(CLOCKS, "wall"),
    "period": Choice(PERIODS, "all"),
}
"""The options of `compute` that are chosen from a list; the other ones are days."""

ANY = ("any",)
LEAGUES: tuple[str, ...] = get_args(LeagueOf)

QUESTIONS: Mapping[str, Question] = {
    "summary": Question(summary),
    "summary_change": Question(summary_change),
    "why_changed": Question(why_changed, options=("then", "now", "period")),
    "rate_mix": Question(rate_mix, MIX_BY, default_by="channel"),
    "volume": Question(volume, ANY, options=("grain",)),
    "volume_limits": Question(volume_limits, ANY, options=("grain",)),
    "volume_change": Question(volume_change, get_args(Compared), default_by="previous"),
    "senders_over_time": Question(senders_over_time, options=("grain",)),
    "channel_silence": Question(channel_silence, group="channel"),
    "heat_map": Question(heat_map),
    "funnel": Question(funnel, ("channel",)),
    "stage_times": Question(stage_times),
    "transitions": Question(transitions),
    "status_counts": Question(status_counts, ANY),
    "breakdown": Question(breakdown, ANY, default_by="channel"),
    "within_hours": Question(within_hours, ANY),
    "settling": Question(settling, group="channel"),
    "agents": Question(agents, group="agent"),
    "reply_shares": Question(reply_shares, options=("clock",)),
    "reply_curve": Question(reply_curve, options=("clock",)),
    "replies_by": Question(replies_by, REPLY_GROUPS, options=("clock", "within"), default_by="channel"),
    "badges": Question(badges, group="agent"),
    "backlog": Question(backlog, ("agent", "channel")),
    "reply_chances": Question(reply_chances, group="channel"),
    "like_for_like": Question(like_for_like, group="agent"),
    "league": Question(league, LEAGUES, default_by="listing"),
    "decay": Question(decay, LEAGUES, default_by="listing"),
}

_BY_GROUP: Mapping[str, str] = {"summary": "breakdown", "reply_shares": "replies_by"}
"""The question that has a metric's column where leads are grouped, if it is another one."""

_OF_ROWS = (
    *("bucket", "day_number", "day", "previous_day", "key", "label"),
    *("stage", "stage_label", "clock", "age_min", "weekday", "hour"),
)
"""Columns that say what a row is about."""


def compute(
    name: str,
    store: Store,
    filters: Filters,
    by: str | None = None,
    grain: Grain = "day",
    clock: Clock = "wall",
    within: int = 60,
    then: str | None = None,
    now: str | None = None,
    period: str = "all",
) -> pd.DataFrame:
    """The frame behind a metric's key or a question's name: what the command line and the notebook ask for.

    A question gives its own frame. A metric gives its columns of the frame of its question. `grain` is for questions
    over time alone, `clock` and `within` (minutes of SLA_MINUTES) for those about replies, `then`, `now` and
    `period` for `why_changed`; `by` "none" is no `by`.
    Raises FilterError for an unknown name, with the nearest known one, and for a `by` that the question does not take.
    """
    by = None if by == "none" else by
    options = {"grain": grain, "clock": clock, "within": within, "then": then, "now": now, "period": period}
    if name in QUESTIONS:
        return _asked(name, QUESTIONS[name], store, filters, by, options)
    if name not in {metric.key for metric in METRICS}:
        raise unknown("metric", name, [*(metric.key for metric in METRICS), *QUESTIONS])
    metric = metric_named(name)
    if metric.question == OWN:
        return own_figure(store, filters, name, by)
    question = metric.question if by is None else _BY_GROUP.get(metric.question, metric.question)
    frame = _asked(name, QUESTIONS[question], store, filters, by, options)
    of_rows = [column for column in frame if column in _OF_ROWS and column not in metric.columns]
    return frame[[*of_rows, *(column for column in metric.columns if column in frame)]]


def groups_of(key: str) -> tuple[str, ...]:
    """What `compute` takes as `by` for a metric; empty if it is over all leads. Raises FilterError for no metric."""
    metric = metric_named(key)
    everything = tuple(dimension.key for dimension in DIMENSIONS)
    if metric.question == OWN:
        return everything
    question = QUESTIONS[_BY_GROUP.get(metric.question, metric.question)]
    if question.groups == ANY:
        return get_args(VolumeBy) if metric.question == "volume_limits" else everything
    return question.groups or ((question.group,) if question.group else ())


def options_of(key: str, by: str | None = None) -> Mapping[str, Choice]:
    """Those of CHOICES that `compute` heeds for a metric, told by `by`. Raises FilterError for no metric."""
    metric = metric_named(key)
    if metric.question == OWN:
        return {}
    question = metric.question if by is None else _BY_GROUP.get(metric.question, metric.question)
    # How long replies take does not depend on the age for which the same question tells a share.
    takes = set(QUESTIONS[question].options) - ({"within"} if metric.unit == "minutes" else set())
    return {name: choice for name, choice in CHOICES.items() if name in takes}


def _asked(
    name: str, question: Question, store: Store, filters: Filters, by: str | None, options: Mapping[str, object]
) -> pd.DataFrame:
    by = by or question.default_by
    arguments = {option: options[option] for option in question.options}
    if by is None or by == question.group:
        return question.ask(store, filters, **arguments)
    if not question.groups:
        dimension_named(by)
        over = f"told of {question.group}s only" if question.group else "over all leads"
        raise FilterError(f"“{name}” is {over}: leave out “{by[:40]}”, or ask for breakdown.", by)
    if question.groups != ANY and by not in question.groups:
        raise unknown(f"group for {name}", by, question.groups)
    return question.ask(store, filters, by=by, **arguments)
