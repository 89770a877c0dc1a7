"""The sentences under the charts of leads over time, and the row that says whether a channel went silent."""

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.metrics import MINIMUM_FOR_RATE, SILENCE_WORDS, Silence, channel_silence
from leadlib.ui import plots
from leadlib.ui.text import facts, plain
from leadlib.ui.view import View


def notes_on_volume(frame: pd.DataFrame, grain: str) -> list[str]:
    """What the limits and marks are, or why there are none, and what a click does."""
    reasons = [str(reason) for reason in frame["reason"].unique()[:1] if reason]
    if len(frame) and not frame["usual_leads"].isna().all():
        reasons.append(
            "Dotted: the limits of the usual. ◆ is outside them, ● the eighth or later in a row on one side."
        )
    if grain == "hour":
        return [*reasons, "Hours have no filter of their own: choose days to turn to the leads of a bar."]
    return [*reasons, "A click on a bar leads to its leads. Hatched: not over, cut by the filters, or not read whole."]


def notes_on_change(frame: pd.DataFrame) -> list[str]:
    """Which days were left out."""
    n_left_out = len(frame) - int(frame["n_compared"].iloc[0]) if len(frame) else 0
    if not n_left_out or frame["reason"].iloc[0]:
        return ["A day that is not over is in neither period. A click on a bar leads to its leads."]
    return [
        f"{formats.count_of(n_left_out, 'day')} left out of both sums, since it or its counterpart was not read whole. "
        "A click on a bar leads to its leads."
    ]


def notes_on_senders(grain: str) -> list[str]:
    """What must not be done with the numbers, and what a click does."""
    click = "" if grain == "hour" else " A click on a bar leads to its leads."
    twice = f"Somebody who writes in two {grain}s counts in both, so senders do not add up to those of the whole time."
    return [f"{twice}{click}"]


def draw_silence(view: View) -> None:
    """A card with a line per channel: whether it went silent, since when, and what would be usual."""
    rows = view.ask(channel_silence)
    if rows.empty:
        return
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.header("Is a channel silent?", anchor=False)
            with st.popover("What this means", type="tertiary", icon=":material/help:"):
                plots.define(["silence", "expected_leads"])
        facts({str(row["label"]): _silence_text(view, row) for _, row in rows.iterrows()})
        plain("As of the last look, whatever days are chosen.")


def _silence_text(view: View, row: pd.Series) -> str:
    verdict: Silence = row["silence"]
    since = f"last lead {formats.instant(row['last_lead_at'], view.store.timezone)}"
    words = SILENCE_WORDS[verdict]
    if row["reason"]:
        return f"{words}. {row['reason']} Here the {since}."
    hours = formats.duration(row["silent_h"] * 3600)
    expected = formats.number(row["expected_leads"], 1)
    usual = f"{since}, {hours} before the last look; {expected} would be usual since"
    chance = f"; the chance of such a pause in a month is {formats.percent(row['silence_chance'], 1)}"
    return f"{words}: {usual}{chance if verdict == 'silent' or row['expected_leads'] >= MINIMUM_FOR_RATE else ''}."
