"""Time to respond: when replies come, what comes instead, and what the looks at the portal cannot tell."""

import streamlit as st

from leadlib import charts
from leadlib.metrics import replies_by, reply_curve, reply_shares
from leadlib.ui import kpis, plots, reply_notes, states
from leadlib.ui.controls import CLOCK_WORDS, WITHIN_WORDS, pick
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Time to respond")
states.stop_if_empty(view)
kpis.draw(view, ["leads", "responded", "response_rate", "waiting", "archived"])
theme = plots.current_theme()

with st.container(horizontal=True, vertical_alignment="bottom"):
    clock = pick("clock", "Clock", CLOCK_WORDS)
    within = pick("within", "In time is within", WITHIN_WORDS)
reply_notes.on_clock(view, clock)
left, right = st.columns(2)
with left:
    shares = view.ask(reply_shares, clock=clock)
    plots.draw(
        "Replied within",
        charts.plot_reply_shares(shares, theme=theme),
        takeaway=charts.reply_shares_takeaway(shares),
        table=shares,
        metrics=["replied_within", "median_reply_min"],
        notes=reply_notes.on_shares(shares),
    )
with right:
    curve = view.ask(reply_curve, clock=clock)
    plots.draw(
        "Replied, archived or waiting, by age",
        charts.plot_reply_curve(curve, theme=theme),
        takeaway=charts.reply_curve_takeaway(curve),
        table=curve,
        metrics=["replied_within", "archived_within", "still_waiting"],
        notes=["Calls are left out: they are answered at once or never."],
    )
left, right = st.columns(2)
in_time = ["replied_within", "median_reply_min", "p90_reply_min"]
with left:
    channels = view.ask(replies_by, by="channel", clock=clock, within=int(within))
    plots.draw(
        f"Replied within {WITHIN_WORDS[within]}, by channel",
        charts.plot_replies_by(channels, theme=theme),
        takeaway=charts.replies_by_takeaway(channels),
        table=channels,
        metrics=in_time,
        notes=["A bar leads to the leads of its channel."],
        on_choose=reply_notes.show_channel,
    )
with right:
    weeks = view.ask(replies_by, by="week", clock=clock, within=int(within))
    plots.draw(
        f"Replied within {WITHIN_WORDS[within]}, by week of arrival",
        charts.plot_reply_trend(weeks, theme=theme),
        takeaway=charts.reply_trend_takeaway(weeks),
        table=weeks,
        metrics=in_time,
        notes=["Weeks that the looks do not tell of have no point. A point leads to the leads of its week."],
        on_choose=reply_notes.show_week(view, channels),
    )
