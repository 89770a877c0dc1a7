"""The rescue queue on the screen: its headline cards, the table of who waits, and the filter by whose they are."""

import pandas as pd
import streamlit as st

from leadlib import charts, formats
from leadlib.metrics import backlog, metric_named, queue, reply_chances
from leadlib.ui import paging, plots
from leadlib.ui.lead_table import agent_text, subject_text, time_format
from leadlib.ui.links import filter_key, param, param_key
from leadlib.ui.names import word
from leadlib.ui.selection import choose_row
from leadlib.ui.text import plain
from leadlib.ui.view import View

ORDER_WORDS = {
    "repeat": "Repeat senders first",
    "due": "Next to be overdue first",
    "chance": "Best chance first",
    "oldest": "Longest waiting first",
}
# On a phone the first three are all that shows at once.
_WIDTHS_PX = {"SLA": 118, "Agent": 110, "Sender": 72, "Channel": 80, "About": 280}


def draw_cards(view: View) -> int:
    """The headline cards; gives how many leads wait."""
    row = view.ask(backlog).iloc[0]
    waiting = int(row["waiting"])
    of_waiting = {
        key: f"{formats.percent(row[key] / waiting)} of waiting" if waiting else None
        for key in ("overdue", "waiting_again")
    }
    oldest = formats.duration(row["oldest_waiting_h"] * 3600)
    cards = {
        "waiting": (formats.number(waiting), f"{formats.percent(waiting / view.n_leads)} of leads"),
        "overdue": (formats.number(row["overdue"]), of_waiting["overdue"]),
        "oldest_waiting_h": (oldest, "on the wall clock"),
        "waiting_again": (formats.number(row["waiting_again"]), of_waiting["waiting_again"]),
    }
    with st.grid(len(cards), min_column_width=150, key="cards"):
        for key, (value, part) in cards.items():
            metric = metric_named(key)
            st.metric(
                metric.label,
                value,
                delta=part,
                delta_color="off",
                delta_arrow="off",
                help=metric.definition,
                border=True,
                height="stretch",
            )
    return waiting


def filter_by_agent(key: str) -> None:
    """For a chart's on_choose: leaves the leads of one agent, or of nobody."""
    st.session_state[filter_key("agent")] = [key]


def offer_all_agents(view: View) -> None:
    """The way back from one agent's leads to everybody's, where there is one."""
    if view.filters["agent"]:
        st.button("All agents", icon=":material/support_agent:", on_click=_all_agents)


def draw_table(view: View, n_waiting: int) -> pd.Series | None:
    """Draws one page of the leads that wait and gives the chosen one; None while none is. Nobody is named."""
    page = paging.current_page(view, n_waiting)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Order",
            list(ORDER_WORDS),
            key=param_key("queue"),
            format_func=ORDER_WORDS.__getitem__,
            width=220,
            on_change=paging.turn_back,
        )
        first, last = paging.draw("queue", n_waiting, page)
        plain(f"{formats.number(first)}–{formats.number(last)} of {formats.count_of(n_waiting, 'waiting lead')}")
    rows = view.ask(queue, order=param("queue"), page=page)
    records = [dict(zip(rows.columns, values, strict=True)) for values in rows.itertuples(index=False)]
    shown = pd.DataFrame(
        {
            "SLA": [_sla_text(minutes) for minutes in rows["sla_left_min"]],
            "Agent": [agent_text(row) for row in records],
            "Sender": [_turn_text(nth) for nth in rows["nth_lead"]],
            "Channel": rows["channel"].map(word),
            metric_named("reply_chance").short_label: [formats.percent(chance) for chance in rows["reply_chance"]],
            "About": [subject_text(row) for row in records],
            "Status": rows["status"].map(word),
            "Waited": [formats.working_time(minutes) for minutes in rows["waited_min"]],
            "Created": rows["created_local"],
            "Lead": rows["lead_id"],
        }
    )
    helps = {
        "SLA": metric_named("overdue").definition,
        "Sender": metric_named("waiting_again").definition,
        "Waited": "Time since the lead came, on the working clock, up to the last observation.",
        metric_named("reply_chance").short_label: metric_named("reply_chance").definition,
    }
    place = choose_row(
        shown,
        rows["lead_id"].tolist(),
        key="queue",
        height=560,
        columns={
            name: st.column_config.DatetimeColumn(name, format=time_format(rows["created_local"], view))
            if name == "Created"
            else st.column_config.TextColumn(name, width=_WIDTHS_PX.get(name), help=helps.get(name))
            for name in map(str, shown.columns)
        },
        alt=f"Waiting leads {first} to {last}, {ORDER_WORDS[param('queue')].lower()}",
    )
    store = view.store
    plain(
        f"The SLA is {formats.number(store.sla_minutes)} minutes on the working clock: {store.working_hours} in "
        f"{store.timezone.key}. {chance_note(view.ask(reply_chances))}"
    )
    return None if place is None else rows.iloc[place]


def draw_chances(view: View) -> None:
    """The card with the chances over the time waited; nothing while none is told, which `chance_note` has said."""
    chances = view.ask(reply_chances)
    if chances["reply_chance"].isna().all():
        return
    plots.draw(
        "Does a reply still come?",
        charts.plot_reply_chances(chances, theme=plots.current_theme()),
        takeaway=charts.reply_chances_takeaway(chances),
        table=chances,
        metrics=["reply_chance"],
        notes=["Over all leads, whatever is filtered by. Calls are left out: they are answered at once or never."],
    )


def chance_note(chances: pd.DataFrame) -> str:
    """What the chances rest on, or why there are none yet."""
    told = chances[chances["reason"] == ""]
    if told.empty:
        return (
            "No chance that a reply still comes is told yet: it takes leads that were looked at again and again since "
            "they came. Calls never have one."
        )
    untold = sorted(set(chances["label"]) - set(told["label"]))
    missing = f" Too little is known of {formats.listed(untold)}." if untold else ""
    return f"Chances are those of leads of the same channel that had waited as long. Calls have none.{missing}"


def _all_agents() -> None:
    st.session_state[filter_key("agent")] = []


def _sla_text(minutes_left: float) -> str:
    if minutes_left < 0:
        return f"⚠ {formats.working_time(-minutes_left)} over"
    return f"{formats.working_time(minutes_left)} left"


def _turn_text(nth: int) -> str:
    """Which lead of the same sender it is, from the second on; never who they are."""
    return "" if nth < 2 else f"{formats.ordinal(nth)} lead"
