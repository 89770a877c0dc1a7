"""What each number means (METRICS), what leads are grouped by (DIMENSIONS), and one function per question."""

from leadlib.metrics.agents import agents
from leadlib.metrics.badges import badges
from leadlib.metrics.by_name import QUESTIONS, compute
from leadlib.metrics.case_mix import like_for_like
from leadlib.metrics.change import summary_change
from leadlib.metrics.choices import choices
from leadlib.metrics.compared import FILTERS_OF
from leadlib.metrics.counting import COUNTS
from leadlib.metrics.league import decay, league
from leadlib.metrics.own_figure import own_figure
from leadlib.metrics.questions import (
    breakdown,
    funnel,
    heat_map,
    status_counts,
    summary,
    volume,
)
from leadlib.metrics.rate_mix import MIX_BY, rate_mix
from leadlib.metrics.replies import (
    CLOCKS,
    REPLY_GROUPS,
    SLA_MINUTES,
    Clock,
    age_words,
    replies_by,
    reply_curve,
    reply_shares,
    sla_words,
)
from leadlib.metrics.rescue import backlog, queue, reply_chances
from leadlib.metrics.stages import STEPS, settling, stage_times, transitions
from leadlib.metrics.statistics import byar, newcombe, wilson
from leadlib.metrics.table import (
    BADGE_WORDS,
    DAYS_AHEAD,
    DIMENSIONS,
    GRAINS,
    HOURS_TO_MATURE,
    MAXIMUM_UNKNOWN_SHARE,
    METRICS,
    MINIMUM_FOR_RATE,
    MINIMUM_FOR_VERDICT,
    QUALITY_WORDS,
    VERDICT_WORDS,
    BadgeVerdict,
    Dimension,
    Metric,
    Quality,
    Verdict,
    dimension_named,
    grain_named,
    metric_named,
)
from leadlib.metrics.why_changed import FIGURES, PARTS, PERIODS, Moments, moments_of, why_changed
from leadlib.metrics.within import within_hours
from leadlib.metrics.working_clock import WorkingClock, clock_of

__all__ = [
    "BADGE_WORDS",
    "CLOCKS",
    "COUNTS",
    "DAYS_AHEAD",
    "DIMENSIONS",
    "FIGURES",
    "FILTERS_OF",
    "GRAINS",
    "HOURS_TO_MATURE",
    "MAXIMUM_UNKNOWN_SHARE",
    "METRICS",
    "MINIMUM_FOR_RATE",
    "MINIMUM_FOR_VERDICT",
    "MIX_BY",
    "PARTS",
    "PERIODS",
    "QUALITY_WORDS",
    "QUESTIONS",
    "REPLY_GROUPS",
    "SLA_MINUTES",
    "STEPS",
    "VERDICT_WORDS",
    "BadgeVerdict",
    "Clock",
    "Dimension",
    "Metric",
    "Moments",
    "Quality",
    "Verdict",
    "WorkingClock",
    "age_words",
    "agents",
    "backlog",
    "badges",
    "breakdown",
    "byar",
    "choices",
    "clock_of",
    "compute",
    "decay",
    "dimension_named",
    "funnel",
    "grain_named",
    "heat_map",
    "league",
    "like_for_like",
    "metric_named",
    "moments_of",
    "newcombe",
    "own_figure",
    "queue",
    "rate_mix",
    "replies_by",
    "reply_chances",
    "reply_curve",
    "reply_shares",
    "settling",
    "sla_words",
    "stage_times",
    "status_counts",
    "summary",
    "summary_change",
    "transitions",
    "volume",
    "why_changed",
    "wilson",
    "within_hours",
]
