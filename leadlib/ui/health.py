"""The pieces of the data-health page."""

from datetime import UTC, datetime
from itertools import pairwise

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.filters import Filters
from leadlib.metrics.health import doubts, drift, rejected, sync_history
from leadlib.metrics.queries import coverage
from leadlib.ui.engine import load
from leadlib.ui.numbers import COUNT
from leadlib.ui.text import facts, plain
from leadlib.ui.view import View
from leadlib.worker import Wish

_EVERYTHING = Filters()
_KINDS = {"full": "Whole window", "recent": "Last two days", "since": "Since a day", "view": "One view"}
_OUTCOMES = {"complete": "✓ complete", "uncertain": "≈ uncertain", "failed": "✗ failed", "running": "… running"}


def draw_cards(view: View) -> None:
    """When the store was last read, how much it holds, and from when on it is whole."""
    store, zone = view.engine.store, view.engine.store.timezone
    as_of = store.as_of()
    covered = coverage(store)
    syncs = load(sync_history, _EVERYTHING)
    last_good = syncs[syncs["outcome"] == "complete"]
    left, middle, right = st.columns(3)
    left.metric(
        "Data as of", formats.ago(as_of, datetime.now(UTC)), border=True, height="stretch",
        help=f"The portal's clock at the newest observation: {formats.instant(as_of, zone)}.",
    )  # fmt: skip
    middle.metric(
        "Covered since",
        formats.day(covered.begins_at.astimezone(zone)) if covered.begins_at else formats.MISSING_TEXT,
        border=True, height="stretch",
        help="The first moment from which on every lead that the portal showed is in the store.",
    )  # fmt: skip
    right.metric(
        "Last complete sync",
        formats.ago(last_good["finished_at"].iloc[0], datetime.now(UTC)) if len(last_good) else "none yet",
        border=True, height="stretch",
        help="Complete: as many different leads came as the portal counted, and nothing moved while they were read.",
    )  # fmt: skip


def draw_buttons(view: View) -> None:
    """Queues a sync. The pages go on; the line on top shows how far it is."""
    worker = view.engine.worker
    is_busy = worker.status.is_running
    with st.container(horizontal=True):
        st.button(
            "Sync now",
            type="primary",
            icon=":material/sync:",
            on_click=worker.request,
            args=(Wish(),),
            disabled=is_busy,
        )
        st.button(
            "Read the whole window", icon=":material/history:", on_click=worker.request, args=(Wish(full=True),),
            disabled=is_busy, help="All leads that the portal still shows, about three months.",
        )  # fmt: skip


def draw_gaps(view: View) -> None:
    """Stretches between the first and the last moment read that nobody has read, or not with certainty."""
    zone = view.engine.store.timezone
    covered = coverage(view.engine.store)
    if covered.begins_at is None:
        plain("Nothing was read yet.")
        return
    stretches = covered.stretches
    gaps = [(end, start, "Not read") for (_, end), (start, _) in pairwise(stretches)]
    unsure = [(start, end, "Read, a lead may be missing") for start, end in doubts(view.engine.store)]
    if not gaps and not unsure:
        since = formats.day(covered.begins_at.astimezone(zone))
        plain(f"No gap: everything since {since} was read, and counted, without a doubt.")
        return
    counts = [formats.count_of(len(gaps), "gap")] * bool(gaps) + [
        formats.count_of(len(unsure), "uncertain stretch", "uncertain stretches")
    ] * bool(unsure)
    st.warning(f"{' and '.join(counts)} in what was read", icon=":material/warning:")
    st.dataframe(
        pd.DataFrame(
            [
                {"From": formats.instant(a, zone), "To": formats.instant(b, zone), "What": what}
                for a, b, what in sorted([*gaps, *unsure])
            ]
        ),
        hide_index=True,
        alt="The gaps and uncertain stretches, earliest first",
    )


def draw_syncs(view: View) -> None:
    """The last syncs: what each read, and what came of it."""
    syncs = load(sync_history, _EVERYTHING)
    if syncs.empty:
        plain("No sync yet.")
        return
    zone = view.engine.store.timezone
    st.dataframe(
        pd.DataFrame(
            {
                "Started": [formats.instant(value, zone) for value in syncs["started_at"]],
                "What": syncs["kind"].map(_KINDS),
                "Outcome": syncs["outcome"].map(_OUTCOMES),
                "Read": syncs["n_read"],
                "New": syncs["n_new"],
                "Changed": syncs["n_changed"],
                "Rejected": syncs["n_rejected"],
                "Calls": syncs["n_calls"],
                "Retries": syncs["n_retries"],
                "Took": [formats.duration(value) for value in syncs["seconds"]],
                "Note": syncs["message"].fillna(""),
            }
        ),
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format=COUNT)
            for name in ("Read", "New", "Changed", "Rejected", "Calls", "Retries")
        },
        alt="The last syncs, newest first",
    )


def draw_oddities(view: View) -> None:
    """Rows that are no leads, and values that the API's documents do not know. Both are kept."""
    reasons, values = load(rejected, _EVERYTHING), load(drift, _EVERYTHING)
    if reasons.empty and values.empty:
        plain("Every row was a lead, and every value one that the API documents.")
    if not reasons.empty:
        plain("Rows of the portal that are no leads; their text is kept in the personal file:")
        st.dataframe(
            reasons[["reason", "n_rows"]].rename(columns={"reason": "Reason", "n_rows": "Rows"}),
            hide_index=True,
            alt="Why rows were no leads, and how many",
        )
    if not values.empty:
        plain("Values that the API's documents do not know; the leads count, the values stand as they came:")
        st.dataframe(
            values.rename(columns={"field": "Field", "value": "Value", "leads": "Leads"}),
            hide_index=True,
            alt="Values that the API's documents do not know, and how many leads carry them",
        )


def draw_facts(view: View) -> None:
    """Where the data comes from and where it lies."""
    engine = view.engine
    known = {
        "Portal": engine.store.portal,
        "Dialect": engine.dialect,
        "Time zone of days": engine.store.timezone.key,
        "Store": str(engine.store.folder),
        "Sync interval": formats.count_of(engine.settings.sync_minutes, "minute")
        if engine.settings.sync_minutes
        else "off",
        "Calls allowed a minute": formats.number(engine.settings.calls_per_minute),
    }
    facts(known)
