"""How old the data is and what the sync is doing: one line on every page, live while it runs."""

from datetime import UTC, datetime

import streamlit as st

from leadlib import formats
from leadlib.engine import Engine
from leadlib.freshness import Freshness, freshness
from leadlib.store import Store
from leadlib.ui.text import plain
from leadlib.ui.view import View
from leadlib.worker import WorkerStatus

_POLL_RUNNING_S = 1.0
_POLL_IDLE_S = 15.0
_ALARM_TITLES = {
    "mass_deletion": "**Many leads are missing from the portal's answers**",
    "audit": "**The portal hides leads from some questions**",
    "rejected_rows": "**Many rows of the portal are no leads**",
    "unknown_subscription": "**Somebody else receives your leads**",
    "export_limit": "**Somebody asked for more persons in files than they may take**",
    "key_expires": "**The portal's key is about to expire**",
    "silent_channel": "**A channel went silent**",
    "restored": "**The store was damaged and has been restored**",
    "unpublished": "**A copy of the numbers could not be written**",
    "read_only": "**The store is open for reading only**",
}


def draw(view: View) -> None:
    """The line, with a bar while a sync runs. The end of a sync redraws the page if it changed anything."""
    engine, store = view.engine, view.store
    status = engine.worker.status
    poll_s = _POLL_RUNNING_S if status.is_running or status.n_queued else _POLL_IDLE_S
    drawn = _what_pages_depend_on(engine, store)
    st.fragment(_line, run_every=poll_s)(engine, store, drawn)
    for alarm in store.alarms():
        st.warning(
            _ALARM_TITLES.get(alarm.kind, "Something needs your attention"), icon=":material/notification_important:"
        )
        plain(f"Since {formats.instant(alarm.raised_at, store.timezone)}: {alarm.message}")


def _freshness(engine: Engine) -> Freshness:
    return freshness(engine.store, engine.settings.sync_minutes, datetime.now(UTC))


def _what_pages_depend_on(engine: Engine, store: Store) -> tuple[object, ...]:
    status = engine.worker.status
    return (status.is_running, status.n_finished, store.as_of() is None, store.alarms())


def _line(engine: Engine, store: Store, drawn: tuple[object, ...]) -> None:
    status = engine.worker.status
    as_of = store.as_of()
    if _what_pages_depend_on(engine, store) != drawn:
        st.rerun()
    if status.progress is not None:
        progress = status.progress
        share = min(1.0, progress.n_read / progress.n_expected) if progress.n_expected else 0.0
        read = ""
        if progress.n_expected and store.agents is None:  # how many leads others have is not for somebody with a scope
            read = f" · {formats.number(progress.n_read)} of {formats.count_of(progress.n_expected, 'lead')}"
        calls = f" · {formats.count_of(progress.n_calls, 'call')}" if progress.n_calls else ""
        pace = f" · {progress.pace}" if progress.pace else ""
        st.progress(share, text=f"Syncing: {progress.phase}{read}{calls}{pace}")
    else:
        plain(idle_text(engine, store, status, as_of))
    if (age := _freshness(engine)).stale:
        # In the line that redraws itself: data grows old while nobody touches the page.
        st.warning("**What is shown is old**", icon=":material/history:")
        plain(f"{age.sentence} Data health lists the last syncs, and what came of them.")
    if status.error is not None:
        st.error(
            f"**{status.error.title}.** What is shown is as old as the line above says.", icon=":material/cloud_off:"
        )
        plain(str(status.error))


def idle_text(engine: Engine, store: Store, status: WorkerStatus, as_of: datetime | None) -> str:
    """The line between two syncs: whose data, how old, in which zone, and when the next look is due."""
    if as_of is None:
        return "No lead has been read yet."
    zone = store.timezone
    parts = [
        *([] if engine.is_sandbox else [engine.settings.api_url]),
        f"as of {formats.instant(as_of, zone)} ({formats.ago(as_of, datetime.now(UTC))})",
        f"days in {zone.key}",
    ]
    if status.seconds_to_next is not None:
        parts.append(f"next look in {formats.duration(status.seconds_to_next)}")
    text = " · ".join(parts)
    return text if text.startswith("http") else text[:1].upper() + text[1:]
