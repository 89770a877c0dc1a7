"""Calibration: what the app says of the sandbox's leads beside what was planted. A real portal has no such page."""

import streamlit as st

from leadlib import charts
from leadlib.ui import calibration, drill, plots
from leadlib.ui.text import plain
from leadlib.ui.view import current_view

view = current_view()
st.title("Calibration", anchor=False)
plain("All planted leads of whole days, whatever the filters.", tone="normal")
frame = calibration.load_or_stop(view)
plain(charts.calibration_takeaway(calibration.of_estimates(frame)), tone="normal")
theme = plots.current_theme()

left, right = st.columns(2)
with left:
    rows = calibration.of(frame, "shrunken_rate")
    plots.draw(
        "Agents' shrunken rates",
        charts.plot_agents_beside_truth(rows, theme=theme),
        takeaway=charts.calibration_takeaway(rows),
        table=rows,
        metrics=["shrunken_rate"],
        on_choose=drill.to_agent,
    )
with right:
    rows = calibration.of(frame, "agent_rate")
    plots.draw(
        "Agents' own rates",
        charts.plot_agents_beside_truth(rows, theme=theme),
        takeaway=charts.calibration_takeaway(rows),
        table=rows,
        metrics=["response_rate"],
        on_choose=drill.to_agent,
    )
with left:
    rows = calibration.of(frame, "replied_within")
    plots.draw(
        "Replied within",
        charts.plot_beside_truth(rows, theme=theme),
        takeaway=charts.calibration_takeaway(calibration.of(frame, "replied_within", "median_reply_min")),
        table=rows,
        metrics=["replied_within", "median_reply_min"],
        notes=calibration.on_median(frame),
    )
with right:
    rows = calibration.of(frame, "response_rate", "response_rate_of_all")
    plots.draw(
        "Matured and plain rate",
        charts.plot_beside_truth(rows, theme=theme),
        takeaway=charts.maturing_takeaway(rows),
        table=rows,
        metrics=["response_rate", "response_rate_of_all"],
    )
rows = calibration.of(frame, "standardised_shrunken_rate")
plots.draw(
    "Agents' rates, like for like",
    charts.plot_agents_beside_truth(rows, theme=theme),
    takeaway=charts.calibration_takeaway(calibration.of(frame, "standardised_rate", "standardised_shrunken_rate")),
    table=rows,
    metrics=["standardised_rate", "standardised_shrunken_rate"],
    on_choose=drill.to_agent,
)
st.header("Times, and why the rate changed", anchor=False)
calibration.draw_times_and_changes(frame)
st.header("Counts", anchor=False)
calibration.draw_counts(frame)
