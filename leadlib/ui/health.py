"""The pieces of the data-health page."""

from datetime import UTC, datetime
from itertools import pairwise

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.expiry import expiry
from leadlib.filters import Filters
from leadlib.metrics.health import doubts, drift, odd_fields, rejected, sync_history
from leadlib.metrics.queries import coverage
from leadlib.past import POLLED_FOR
from leadlib.sync import believe_missing
from leadlib.ui.engine import load, may, request_sync
from leadlib.ui.numbers import COUNT
from leadlib.ui.text import facts, plain
from leadlib.ui.view import View
from leadlib.webhooks import webhook_state
from leadlib.worker import Wish

_EVERYTHING = Filters()
_KINDS = {
    "cold": "Whole window",
    "warm": "Last two weeks",
    "hot": "Last two days",
    "since": "Since a day",
    "view": "One view",
}
_OUTCOMES = {"complete": "✓ complete", "uncertain": "≈ uncertain", "failed": "✗ failed", "running": "… running"}


def draw_cards(view: View) -> None:
    """When the store was last read, how much it holds, and from when on it is whole."""
    store, zone = view.store, view.store.timezone
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


def draw_past(view: View) -> None:
    """What of the sandbox's history nobody waited for; nothing where a real account is connected."""
    past = view.engine.past
    if past is None or past.began_at is None:
        return
    zone = view.store.timezone
    began, webhooks = (formats.day(at.astimezone(zone)) for at in (past.began_at, past.began_at + POLLED_FOR))
    rest = (
        f"webhook events of {webhooks} to {formats.instant(past.ended_at, zone)}"
        if past.ended_at
        else f"webhook events since {webhooks}, which are still being applied"
    )
    plain(f"The sandbox's past was replayed when this store was new: looks at the portal from {began} on, then {rest}.")


def draw_buttons(view: View) -> None:
    """Queues a sync, for who may. The pages go on; the line on top shows how far it is."""
    if not view.access.may_sync:
        return
    worker = view.engine.worker
    is_busy = worker.status.is_running
    is_alarmed = any(alarm.kind == "mass_deletion" for alarm in view.store.alarms())
    with st.container(horizontal=True):
        st.button(
            "Sync now",
            type="primary",
            icon=":material/sync:",
            on_click=request_sync,
            args=(view.engine, Wish()),
            disabled=is_busy,
        )
        st.button(
            "Read the whole window", icon=":material/history:", on_click=request_sync,
            args=(view.engine, Wish(full=True)),
            disabled=is_busy, help="All leads that the portal still shows, about three months.",
        )  # fmt: skip
        if is_alarmed and view.access.may_manage:
            st.button(
                "The missing leads were deleted", icon=":material/delete_sweep:", on_click=_believe_missing,
                args=(view,), disabled=is_busy,
                help="Marks leads as gone that two readings, a day apart, do not find, however many they are. Their "
                "senders are forgotten; the leads still count. Holds for three days.",
            )  # fmt: skip


def _believe_missing(view: View) -> None:
    if may("may_manage"):
        believe_missing(view.engine.store, datetime.now(UTC))
        view.engine.worker.request(Wish(full=True))


def draw_gaps(view: View) -> None:
    """Stretches between the first and the last moment read that nobody has read, or not with certainty."""
    zone = view.store.timezone
    covered = coverage(view.store)
    if covered.begins_at is None:
        plain("Nothing was read yet.")
        return
    stretches = covered.stretches
    gaps = [(end, start, "Not read") for (_, end), (start, _) in pairwise(stretches)]
    unsure = [(start, end, "Read, a lead may be missing") for start, end in doubts(view.store)]
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
    zone = view.store.timezone
    st.dataframe(
        pd.DataFrame(
            {
                "Started": [formats.instant(value, zone) for value in syncs["started_at"]],
                "What": syncs["kind"].map(_KINDS),
                "Outcome": syncs["outcome"].map(_OUTCOMES),
                "Read": syncs["n_read"],
                "Counted": syncs["n_counted"],
                "New": syncs["n_new"],
                "Changed": syncs["n_changed"],
                "Gone": syncs["n_deleted"],
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
            for name in ("Read", "Counted", "New", "Changed", "Gone", "Rejected", "Calls", "Retries")
        },
        alt="The last syncs, newest first",
    )


def draw_oddities(view: View) -> None:
    """Rows that are no leads, and values and fields that the API's documents do not know. All are kept."""
    reasons, values, fields = (load(question, _EVERYTHING) for question in (rejected, drift, odd_fields))
    if reasons.empty and values.empty and fields.empty:
        plain("Every row was a lead, and every value and field one that the API documents.")
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
    if not fields.empty:
        zone = view.store.timezone
        plain("Fields that the API's documents do not know; what they hold is kept with each lead's own text:")
        st.dataframe(
            pd.DataFrame(
                {
                    "Field": fields["path"],
                    "First seen": [formats.instant(value, zone) for value in fields["first_seen_at"]],
                    "Last seen": [formats.instant(value, zone) for value in fields["last_seen_at"]],
                    "Rows read": fields["n_rows"],
                }
            ),
            hide_index=True,
            column_config={"Rows read": st.column_config.NumberColumn(format=COUNT)},
            alt="Fields that the API's documents do not know, the newest discovery first",
        )


def _comparison(view: View) -> dict[str, str]:
    """The last comparison of totals, which follows each sweep of the whole window."""
    syncs = load(sync_history, _EVERYTHING)
    compared = syncs[syncs["portal_total"].notna()]
    if compared.empty:
        return {}
    last = compared.iloc[0]
    theirs, ours = int(last["portal_total"]), int(last["store_total"])
    at = formats.instant(last["finished_at"], view.store.timezone)
    counts = f"portal {formats.number(theirs)}, ours {formats.number(ours)}"
    return {"Leads in the window": f"{counts}, difference {formats.signed(ours - theirs)}, at {at}"}


def _key_facts(view: View) -> dict[str, str]:
    engine = view.engine
    known = None if engine.is_sandbox else expiry(engine.settings, view.store)
    if known is None:
        return {}
    return {"Key ends": formats.day(known.ends_on) + ("" if known.is_exact else " at the latest")}


def _webhook_facts(view: View) -> dict[str, str]:
    engine = view.engine
    if engine.settings.webhook_secret is None:
        return {"Webhooks": "off (LEADLIB_WEBHOOK_SECRET is not set)"}
    state = webhook_state(view.store, engine.spool)
    if not state.n_received:
        return {"Webhooks": "on, no event so far"}
    counts = [f"{formats.count_of(state.n_received, 'event')} received", f"{formats.number(state.n_applied)} applied"]
    counts += [f"{formats.number(state.n_waiting)} waiting"] * bool(state.n_waiting)
    counts += [f"{formats.number(state.n_rejected)} rejected"] * bool(state.n_rejected)
    newest = [f"the last {formats.ago(state.last_at, datetime.now(UTC))}"] * bool(state.last_at)
    return {"Webhooks": ", ".join([*counts, *newest])}


def _place_facts(view: View) -> dict[str, str]:
    files = view.store.files()
    if files is None:
        return {"Store": view.store.place}
    tidied = f"tidied up {formats.ago(files.tidied_at, datetime.now(UTC))}" if files.tidied_at else "not tidied up yet"
    counts = f"{formats.count_of(files.n_files, 'file')}, {formats.number(files.n_bytes / 1e6, 1)} MB"
    rows = f"{formats.count_of(files.n_rows_outside, 'row')} in the catalog"
    return {"Store": view.store.place, "Files of the store": f"{counts}, {rows}, {tidied}"}


def draw_facts(view: View) -> None:
    """Where the data comes from, and for whoever looks after it where it lies."""
    engine = view.engine
    known = {
        "Portal": view.store.portal,
        "Dialect": engine.dialect,
        "Time zone of days": view.store.timezone.key,
        "Commit": str(view.store.sequence()),
        **(_place_facts(view) if view.access.may_manage else {}),
        "Sync interval": formats.count_of(engine.settings.sync_minutes, "minute")
        if engine.settings.sync_minutes
        else "off",
        "Calls allowed a minute": formats.number(engine.settings.calls_per_minute),
        **_comparison(view),
        **_key_facts(view),
        **_webhook_facts(view),
    }
    facts(known)
