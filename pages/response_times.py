"""Time to respond: when replies come, what comes instead, and what the looks at the portal cannot tell."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import reply_curve, reply_shares
from leadlib.ui import kpis, plots, reply_notes, states
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Time to respond")
states.stop_if_empty(view)
kpis.draw(view, ["leads", "responded", "response_rate", "waiting", "archived"])
theme = plots.current_theme()

left, right = st.columns(2)
with left:
    shares = view.ask(reply_shares)
    plots.draw(
        "Replied within",
        charts.plot_reply_shares(shares, theme=theme),
        takeaway=charts.reply_shares_takeaway(shares),
        table=shares,
        metrics=["replied_within", "median_reply_min"],
        notes=reply_notes.on_shares(shares),
    )
with right:
    curve = view.ask(reply_curve)
    plots.draw(
        "Replied, archived or waiting, by age",
        charts.plot_reply_curve(curve, theme=theme),
        takeaway=charts.reply_curve_takeaway(curve),
        table=curve,
        metrics=["replied_within", "archived_within", "still_waiting"],
        notes=["Ages are on the wall clock. Calls are left out: they are answered at once or never."],
    )
