"""Charts: a frame of `leadlib.metrics` in, a Plotly figure out, and for each a sentence that says what it shows.

Nothing here asks the store, knows Streamlit or looks at a clock. Sentences are plain text with names as they are: show
them where no markup is read.
"""

from leadlib.charts.against_chance import against_chance_takeaway, plot_against_chance
from leadlib.charts.backlog import backlog_takeaway, plot_backlog
from leadlib.charts.badges import badges_takeaway, plot_badges
from leadlib.charts.calibration import (
    calibration_takeaway,
    maturing_takeaway,
    plot_agents_beside_truth,
    plot_beside_truth,
)
from leadlib.charts.comparison import plot_volume_change, volume_change_takeaway
from leadlib.charts.decay import decay_takeaway, plot_decay
from leadlib.charts.funnel import (
    funnel_by_channel_takeaway,
    funnel_takeaway,
    plot_funnel,
    plot_funnel_by_channel,
)
from leadlib.charts.heat_map import heat_map_takeaway, plot_heat_map
from leadlib.charts.hours import hours_takeaway, plot_hours
from leadlib.charts.league import (
    entity_types_takeaway,
    league_takeaway,
    missed_takeaway,
    plot_entity_types,
    plot_league,
    plot_missed,
)
from leadlib.charts.replies import (
    plot_replies_by,
    plot_reply_curve,
    plot_reply_shares,
    plot_reply_trend,
    replies_by_takeaway,
    reply_curve_takeaway,
    reply_shares_takeaway,
    reply_trend_takeaway,
)
from leadlib.charts.reply_chances import plot_reply_chances, reply_chances_takeaway
from leadlib.charts.response_rates import plot_response_rates, response_rates_takeaway
from leadlib.charts.response_trend import plot_response_trend, response_trend_takeaway
from leadlib.charts.senders import plot_senders, senders_takeaway
from leadlib.charts.stage_times import plot_stage_times, stage_times_takeaway
from leadlib.charts.status import plot_status, status_takeaway
from leadlib.charts.table import plot_table, table_takeaway
from leadlib.charts.transitions import plot_transitions, transitions_takeaway
from leadlib.charts.volume import plot_volume, volume_takeaway
from leadlib.charts.waterfall import (
    plot_rate_mix,
    plot_volume_mix,
    plot_why_changed,
    rate_mix_takeaway,
    volume_mix_takeaway,
    why_changed_takeaway,
)
from leadlib.charts.within_trend import plot_within_trend, within_trend_takeaway

__all__ = [
    "against_chance_takeaway",
    "backlog_takeaway",
    "badges_takeaway",
    "calibration_takeaway",
    "decay_takeaway",
    "entity_types_takeaway",
    "funnel_by_channel_takeaway",
    "funnel_takeaway",
    "heat_map_takeaway",
    "hours_takeaway",
    "league_takeaway",
    "maturing_takeaway",
    "missed_takeaway",
    "plot_against_chance",
    "plot_agents_beside_truth",
    "plot_backlog",
    "plot_badges",
    "plot_beside_truth",
    "plot_decay",
    "plot_entity_types",
    "plot_funnel",
    "plot_funnel_by_channel",
    "plot_heat_map",
    "plot_hours",
    "plot_league",
    "plot_missed",
    "plot_rate_mix",
    "plot_replies_by",
    "plot_reply_chances",
    "plot_reply_curve",
    "plot_reply_shares",
    "plot_reply_trend",
    "plot_response_rates",
    "plot_response_trend",
    "plot_senders",
    "plot_stage_times",
    "plot_status",
    "plot_table",
    "plot_transitions",
    "plot_volume",
    "plot_volume_change",
    "plot_volume_mix",
    "plot_why_changed",
    "plot_within_trend",
    "rate_mix_takeaway",
    "replies_by_takeaway",
    "reply_chances_takeaway",
    "reply_curve_takeaway",
    "reply_shares_takeaway",
    "reply_trend_takeaway",
    "response_rates_takeaway",
    "response_trend_takeaway",
    "senders_takeaway",
    "stage_times_takeaway",
    "status_takeaway",
    "table_takeaway",
    "transitions_takeaway",
    "volume_change_takeaway",
    "volume_mix_takeaway",
    "volume_takeaway",
    "why_changed_takeaway",
    "within_trend_takeaway",
]
