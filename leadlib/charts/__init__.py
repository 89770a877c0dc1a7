"""Charts: a frame of `leadlib.metrics` in, a Plotly figure out, and for each a sentence that says what it shows.

Nothing here asks the store, knows Streamlit or looks at a clock. Sentences are plain text with names as they are: show
them where no markup is read.
"""

from leadlib.charts.funnel import (
    funnel_by_channel_takeaway,
    funnel_takeaway,
    plot_funnel,
    plot_funnel_by_channel,
)
from leadlib.charts.heat_map import heat_map_takeaway, plot_heat_map
from leadlib.charts.league import entity_types_takeaway, league_takeaway, plot_entity_types, plot_league
from leadlib.charts.response_rates import plot_response_rates, response_rates_takeaway
from leadlib.charts.status import plot_status, status_takeaway
from leadlib.charts.volume import plot_volume, volume_takeaway

__all__ = [
    "entity_types_takeaway",
    "funnel_by_channel_takeaway",
    "funnel_takeaway",
    "heat_map_takeaway",
    "league_takeaway",
    "plot_entity_types",
    "plot_funnel",
    "plot_funnel_by_channel",
    "plot_heat_map",
    "plot_league",
    "plot_response_rates",
    "plot_status",
    "plot_volume",
    "response_rates_takeaway",
    "status_takeaway",
    "volume_takeaway",
]
