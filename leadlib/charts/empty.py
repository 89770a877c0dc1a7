"""The figure that stands where there is nothing to draw."""

import plotly.graph_objects as go

from leadlib.theme import PALETTES, Theme, figure

NOTHING = "No leads to show."


def plot_nothing(theme: Theme, height: int = 160) -> go.Figure:
    """A figure without axes that says so."""
    return figure(
        [],
        theme,
        height,
        xaxis={"visible": False},
        yaxis={"visible": False},
        annotations=[{"text": NOTHING, "showarrow": False, "font": {"color": PALETTES[theme].quiet, "size": 14}}],
    )
