"""The pieces of the calibration page, which only the built-in sandbox has."""

import math
from collections.abc import Callable, Mapping

import pandas as pd
import streamlit as st

from leadlib import charts, formats
from leadlib.calibration import CHANGES, ESTIMATES, calibration
from leadlib.ui import numbers
from leadlib.ui.text import plain
from leadlib.ui.view import View


def load_or_stop(view: View) -> pd.DataFrame:
    """The frame of `calibration`; ends the page where no truth was planted, or nothing was read yet."""
    truth = view.engine.truth
    if truth is None:
        with st.container(border=True):
            st.header("Nothing was planted here", anchor=False, icon=":material/science_off:")
            plain(
                "This page compares figures with the truth that was planted in the built-in sandbox. Of a real account "
                "nobody knows the truth, so there is nothing to compare with."
            )
        st.stop()
    frame = calibration(view.store, truth)
    if frame.empty:
        plain("Nothing was read yet. This page fills by itself.")
        st.stop()
    past = view.engine.past
    if past is not None and past.is_unfinished:
        plain("The sandbox's past is still being replayed, so some figures will change.")
    return frame


def of(frame: pd.DataFrame, *topics: str) -> pd.DataFrame:
    """The rows of some topics."""
    return frame[frame["topic"].isin(topics)].reset_index(drop=True)


def of_estimates(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows whose intervals are stated to hold the truth 95 times in 100."""
    return of(frame, *ESTIMATES)


def on_median(frame: pd.DataFrame) -> list[str]:
    """A sentence on the median, which is no share and so stands in no bar."""
    rows = of(frame, "median_reply_min")
    if rows.empty:
        return []
    row = rows.iloc[0]
    planted = f"planted {_duration(row['planted'])}"
    if formats.is_missing(row["is_inside"]):
        return [f"The median time to a reply cannot be told from these looks ({planted})."]
    low, high = _duration(row["low"]), _duration(row["high"])
    inside = "inside" if row["is_inside"] else "outside"
    return [f"Median time to a reply {_duration(row['estimate'])}, interval {low} to {high}; {planted}: {inside}."]


def draw_times_and_changes(frame: pd.DataFrame) -> None:
    """Times between stages, of agents and until rates settle, and the parts of a change, beside the planted ones."""
    order = list(_TOPICS)
    told = of(frame, *order)
    told = told[told["is_inside"].notna()].sort_values(
        "topic", key=lambda topics: topics.map(order.index), kind="stable"
    )
    plain(f"{charts.calibration_takeaway(told)} Others are refused, for the looks do not tell.")
    written = [_WORDS.get(topic, _duration) for topic in told["topic"]]
    shown = {
        "What": [f"{_TOPICS[topic]}: {label}" for topic, label in zip(told["topic"], told["label"], strict=True)],
        "Leads": told["leads"],
        **{
            heading: [words(value) for words, value in zip(written, told[column], strict=True)]
            for heading, column in (("Estimate", "estimate"), ("From", "low"), ("To", "high"), ("Planted", "planted"))
        },
        "Inside": told["is_inside"].map({True: "yes", False: "no"}),
    }
    columns = {"Leads": st.column_config.NumberColumn(format=numbers.COUNT)}
    numbers.draw(numbers.Twin(pd.DataFrame(shown), columns), alt="Times and parts of a change, and what was planted")


def draw_counts(frame: pd.DataFrame) -> None:
    """Leads by channel and by stage beside the planted ones: whole numbers, which have to agree."""
    rows = of(frame, "leads", "reached")
    n_wrong = int((~rows["is_inside"].astype(bool)).sum())
    wrong = (
        "each is what was planted" if n_wrong == 0 else f"{formats.number(n_wrong)} of them are not what was planted"
    )
    plain(
        f"Leads by channel and by the stage they reached, as the store knows them: {wrong}. A stage has bounds where "
        "leads were archived before they were first seen."
    )
    numbers.draw(numbers.twin(rows, []), alt="Leads by channel and by stage, and how many were planted")


def _duration(minutes: float) -> str:
    return "never" if math.isinf(minutes) else formats.duration(minutes * 60)


def _hours(hours: float) -> str:
    return _duration(hours * 60)


_WORDS: Mapping[str, Callable[[float], str]] = {"settled_h": _hours, **dict.fromkeys(CHANGES, formats.points)}
_TOPICS = {
    "median_reply_min": "All leads",
    "median_step_min": "Median step",
    "settled_h": "95 % of replies",
    "rate_effect": "Change by other rates",
    "mix_effect": "Change by another mix",
    "agent_median_min": "Median reply",
    "agent_p90_min": "Nine in ten replies",
}
