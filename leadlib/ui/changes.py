"""Why did it change: the choice of what is compared, and from each part of a change the way to its leads."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.filters import MISSING, Filters, field_named
from leadlib.metrics import metric_named, summary
from leadlib.ui import drill
from leadlib.ui.controls import pick
from leadlib.ui.engine import load
from leadlib.ui.links import param, param_key
from leadlib.ui.view import View

COMPARE_WORDS = {"moments": "Two moments", "periods": "Two periods"}
PERIOD_WORDS = {"all": "All leads", "7": "7 days", "30": "30 days", "90": "90 days"}
MIX_WORDS = {"channel": "Channel", "entity_type": "Entity type", "agent": "Agent"}
FIGURE_WORDS = {
    "leads": metric_named("leads").short_label,
    "response_rate": metric_named("response_rate").short_label,
    "response_rate_of_all": metric_named("response_rate_of_all").short_label,
}
_FILTERS_OF = {"channel": "type", "entity_type": "entity", "agent": "agent"}


def pick_moments() -> dict[str, str | None]:
    """Draws the choice of the two moments and of the period; the arguments for `why_changed`."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.date_input(
            "Then: the start of",
            value=None,
            key=param_key("then"),
            format="YYYY-MM-DD",
            help="As leads were known when this day began in the account's zone. Empty: a week before.",
            width=170,
        )
        st.date_input(
            "Now: the start of",
            value=None,
            key=param_key("now"),
            format="YYYY-MM-DD",
            help="As leads were known when this day began. Empty: the newest look at the portal.",
            width=170,
        )
        period = pick("period", "Leads of the last", PERIOD_WORDS)
    return {"then": param("then") or None, "now": param("now") or None, "period": period}


def compared(frame: pd.DataFrame, view: View) -> str:
    """Which moments are compared, in words; nothing where there are none."""
    if frame.empty:
        return ""
    zone = view.store.timezone
    then, now = (formats.instant(frame[name].iloc[0].to_pydatetime(), zone) for name in ("then_at", "now_at"))
    return (
        f"As known on {then} and on {now}. Agents and statuses are those of the moment; everything else about a lead "
        "is as it is today. Both moments count by the same definitions, so that no part of a change comes from those."
    )


def to_part(view: View, frame: pd.DataFrame, figure: str, period: str) -> Callable[[str], None]:
    """For a chart's on_choose: turns to the leads of a part, if filters can tell exactly these."""
    targets = part_filters(view, frame, figure, period)
    return lambda key: drill.to_leads_under(targets[key]) if key in targets else None


def part_filters(view: View, frame: pd.DataFrame, figure: str, period: str) -> Mapping[str, Filters]:
    """The filters that leave exactly the leads of a part, for those parts of which there are such."""
    if frame.empty or figure == "response_rate":  # no filter tells whether a lead has matured
        return {}
    zone = view.store.timezone
    then, now = (frame[name].iloc[0].to_pydatetime().astimezone(zone) for name in ("then_at", "now_at"))
    last = None if now.time() != now.time().min else now.date() - timedelta(days=1)
    first = now.date() - timedelta(days=int(period)) if period != "all" else None
    wanted = {"new": _narrowed(view.filters, then.date(), last), "now": _narrowed(view.filters, first, last)}
    if first is not None:
        back = then.date() - timedelta(days=int(period))
        wanted["left_period"] = _narrowed(view.filters, back, first - timedelta(days=1))
    n_leads = frame.set_index("key")[f"{figure}_in_part"]
    return {
        key: filters
        for key, filters in wanted.items()
        if filters is not None and n_leads[key] > 0 and load(summary, filters)["leads"].iloc[0] == n_leads[key]
    }


def _narrowed(filters: Filters, first: date | None, last: date | None) -> Filters | None:
    """The filters with these days beside their own; None if no day is left."""
    firsts = [day for day in (filters.first("from"), first and first.isoformat()) if day]
    lasts = [day for day in (filters.first("to"), last and last.isoformat()) if day]
    days = {"from": (max(firsts),) if firsts else (), "to": (min(lasts),) if lasts else ()}
    if firsts and lasts and max(firsts) > min(lasts):
        return None
    return Filters.of({**dict(filters.selected), **days})


def to_group(view: View, frame: pd.DataFrame, by: str) -> Callable[[str], None]:
    """For a chart's on_choose: turns to the leads that a group has in the period."""
    return lambda key: _to_group(view, frame, by, key)


def _to_group(view: View, frame: pd.DataFrame, by: str, key: str) -> None:
    filters = group_filters(view, frame, by, key)
    if filters is not None:
        drill.to_leads_under(filters)


def group_filters(view: View, frame: pd.DataFrame, by: str, key: str) -> Filters | None:
    """The filters that leave the leads of a group, or of all groups, in the current period; None if none do."""
    days = _narrowed(view.filters, frame["current_from"].iloc[0], frame["current_to"].iloc[0])
    if key == "now" or days is None:
        return days
    field = field_named(_FILTERS_OF[by])
    if key not in set(frame["key"]) or (key == MISSING and not field.may_be_missing) or not key:
        return None
    return days.with_values(field.key, [key])


def period_notes(frame: pd.DataFrame) -> list[str]:
    """What has to be said beside a comparison of periods."""
    return ["Both periods at the same age: the earlier one as it was known so many days ago.", *_small(frame)]


def _small(frame: pd.DataFrame) -> list[str]:
    if frame.empty or frame["reason"].iloc[0]:
        return []
    small = frame.iloc[1:]["rate_effect_low"].isna().sum()
    return (
        [f"{formats.count_of(small, 'group')} with under 20 matured leads in a period: no interval."] if small else []
    )
