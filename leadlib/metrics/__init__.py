"""What each number means (METRICS), what leads are grouped by (DIMENSIONS), and one function per question."""

from leadlib.metrics.agents import agents
from leadlib.metrics.badges import badges
from leadlib.metrics.by_name import CHOICES, QUESTIONS, Choice, compute, groups_of, options_of
from leadlib.metrics.case_mix import like_for_like
from leadlib.metrics.change import summary_change
from leadlib.metrics.choices import choices
from leadlib.metrics.compared import FILTERS_OF
from leadlib.metrics.comparison import volume_change
from leadlib.metrics.counting import COUNTS
from leadlib.metrics.league import decay, league
from leadlib.metrics.limits import volume_limits
from leadlib.metrics.own_figure import own_figure
from leadlib.metrics.queries import between, days_of_bucket
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
    age_range,
    age_words,
    replies_by,
    reply_curve,
    reply_shares,
    sla_words,
)
from leadlib.metrics.rescue import backlog, queue, reply_chances
from leadlib.metrics.senders import senders_over_time
from leadlib.metrics.silence import channel_silence, watch_silence
from leadlib.metrics.small_groups import SMALLEST_GROUP, is_small, without_small_groups
from leadlib.metrics.stages import STEPS, settling, stage_times, transitions, words_by_move
from leadlib.metrics.statistics import byar, newcombe, rate_ratio, wilson
from leadlib.metrics.table import (
    ALL,
    BADGE_WORDS,
    DAYS_AHEAD,
    DIMENSIONS,
    GRAINS,
    MAXIMUM_UNKNOWN_SHARE,
    METRICS,
    MINIMUM_FOR_RATE,
    MINIMUM_FOR_VERDICT,
    OTHERS,
    QUALITY_WORDS,
    SIGNAL_WORDS,
    SILENCE_WORDS,
    VERDICT_WORDS,
    BadgeVerdict,
    Dimension,
    Metric,
    Quality,
    Silence,
    Verdict,
    dimension_named,
    grain_named,
    metric_named,
)
from leadlib.metrics.why_changed import FIGURES, PARTS, PERIODS, Moments, moments_of, why_changed
from leadlib.metrics.within import within_hours
from leadlib.metrics.working_clock import WorkingClock, clock_of

__all__ = [
    "ALL",
    "BADGE_WORDS",
    "CHOICES",
    "CLOCKS",
    "COUNTS",
    "DAYS_AHEAD",
    "DIMENSIONS",
    "FIGURES",
    "FILTERS_OF",
    "GRAINS",
    "MAXIMUM_UNKNOWN_SHARE",
    "METRICS",
    "MINIMUM_FOR_RATE",
    "MINIMUM_FOR_VERDICT",
    "MIX_BY",
    "OTHERS",
    "PARTS",
    "PERIODS",
    "QUALITY_WORDS",
    "QUESTIONS",
    "REPLY_GROUPS",
    "SIGNAL_WORDS",
    "SILENCE_WORDS",
    "SLA_MINUTES",
    "SMALLEST_GROUP",
    "STEPS",
    "VERDICT_WORDS",
    "BadgeVerdict",
    "Choice",
    "Clock",
    "Dimension",
    "Metric",
    "Moments",
    "Quality",
    "Silence",
    "Verdict",
    "WorkingClock",
    "age_range",
    "age_words",
    "agents",
    "backlog",
    "badges",
    "between",
    "breakdown",
    "byar",
    "channel_silence",
    "choices",
    "clock_of",
    "compute",
    "days_of_bucket",
    "decay",
    "dimension_named",
    "funnel",
    "grain_named",
    "groups_of",
    "heat_map",
    "is_small",
    "league",
    "like_for_like",
    "metric_named",
    "moments_of",
    "newcombe",
    "options_of",
    "own_figure",
    "queue",
    "rate_mix",
    "rate_ratio",
    "replies_by",
    "reply_chances",
    "reply_curve",
    "reply_shares",
    "senders_over_time",
    "settling",
    "sla_words",
    "stage_times",
    "status_counts",
    "summary",
    "summary_change",
    "transitions",
    "volume",
    "volume_change",
    "volume_limits",
    "watch_silence",
    "why_changed",
    "wilson",
    "within_hours",
    "without_small_groups",
    "words_by_move",
]
