"""What each number means (METRICS), what leads are grouped by (DIMENSIONS), and one function per question."""

from leadlib.metrics.change import summary_change
from leadlib.metrics.choices import choices
from leadlib.metrics.questions import (
    COUNTS,
    QUESTIONS,
    breakdown,
    compute,
    funnel,
    heat_map,
    status_counts,
    summary,
    volume,
)
from leadlib.metrics.statistics import newcombe, wilson
from leadlib.metrics.table import (
    DIMENSIONS,
    GRAINS,
    HOURS_TO_MATURE,
    MAXIMUM_UNKNOWN_SHARE,
    METRICS,
    MINIMUM_FOR_RATE,
    MINIMUM_FOR_VERDICT,
    QUALITY_WORDS,
    Dimension,
    Metric,
    Quality,
    dimension_named,
    grain_named,
    metric_named,
)

__all__ = [
    "COUNTS",
    "DIMENSIONS",
    "GRAINS",
    "HOURS_TO_MATURE",
    "MAXIMUM_UNKNOWN_SHARE",
    "METRICS",
    "MINIMUM_FOR_RATE",
    "MINIMUM_FOR_VERDICT",
    "QUALITY_WORDS",
    "QUESTIONS",
    "Dimension",
    "Metric",
    "Quality",
    "breakdown",
    "choices",
    "compute",
    "dimension_named",
    "funnel",
    "grain_named",
    "heat_map",
    "metric_named",
    "newcombe",
    "status_counts",
    "summary",
    "summary_change",
    "volume",
    "wilson",
]
