"""The pieces of the page about the persons behind the leads."""

import secrets
from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.access import RIGHTS, ROLES
from leadlib.export import EXPORT_LIMIT, EXPORTS_KEPT_MONTHS, list_as_csv
from leadlib.store import LIMITS, ExportRow, Store, months_before
from leadlib.ui.engine import may
from leadlib.ui.numbers import COUNT
from leadlib.ui.text import facts, plain
from leadlib.ui.view import View

_RIGHT = "may_manage"
_EVERYBODY = "Everybody"
_WHO = "exports_of"
_REFUSED = {"files": "refused: too many files", "rows": "refused: too many leads"}


def draw_alarm(view: View) -> None:
    """The button that takes the notice of too many exports down; nothing without one."""
    if any(alarm.kind == EXPORT_LIMIT for alarm in view.store.alarms()):
        st.button("I have looked into it", key="clear_export_limit", on_click=_clear_alarm, args=(view.store,))


def _clear_alarm(store: Store) -> None:
    if may(_RIGHT):
        store.clear_alarm(EXPORT_LIMIT)


# How long


def draw_retention(view: View) -> None:
    """The setting, what is held, and what the next turn of the housekeeping will forget."""
    facts(_retention(view, datetime.now(UTC)))


def _retention(view: View, now: datetime) -> dict[str, str]:
    store, months = view.store, view.engine.settings.retention_months
    next_turn = max(now, store.personal_copied_at() + timedelta(days=1))
    before = months_before(next_turn, months) if months else datetime.min.replace(tzinfo=UTC)
    held = store.held(before)
    return {
        "Kept for": _kept_for(months),
        "Held now": f"the senders of {formats.count_of(held.n_leads, 'lead')}: "
        f"{formats.count_of(held.n_senders, 'sender')} who can be told apart",
        "Oldest": formats.day(held.oldest_at and held.oldest_at.astimezone(store.timezone)),
        "Next turn": f"forgets the senders of {formats.count_of(held.n_older, 'lead')}, within an hour after "
        f"{formats.instant(next_turn, store.timezone)}"
        if months
        else "forgets nobody",
    }


def _kept_for(months: int) -> str:
    setting = "LEADLIB_RETENTION_MONTHS"
    return f"{formats.count_of(months, 'month')} ({setting})" if months else f"ever ({setting} is 0)"


# Exports


def draw_exports(view: View) -> None:
    """All exports or one person's, newest first, and the list as a file."""
    rows = view.store.exports.rows()
    if not rows:
        plain("No file was made yet.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        people = sorted({row.who for row in rows})
        # Not in the address: who has taken what is nobody's business who is sent a link.
        who = st.selectbox("Who", [_EVERYBODY, *people], key=_WHO, width=280)
        chosen = rows if who == _EVERYBODY else [row for row in rows if row.who == who]
        st.download_button(
            "This list as CSV", lambda: list_as_csv(chosen, view.store.timezone),
            file_name=f"leadlight-exports-{secrets.token_hex(16)}.csv", mime="text/csv", key="exports_as_csv",
            on_click="ignore", icon=":material/download:",
        )  # fmt: skip
    n_personal = sum(row.is_personal and row.refused is None for row in chosen)
    n_refused = sum(row.refused is not None for row in chosen)
    refused = f", and {formats.count_of(n_refused, 'refusal')}" if n_refused else ""
    plain(f"{formats.count_of(len(chosen) - n_refused, 'file')}, {n_personal} of them with personal columns{refused}.")
    st.dataframe(
        _exports_table(chosen, view),
        hide_index=True,
        column_config={"Leads": st.column_config.NumberColumn(format=COUNT)},
        alt="Exports, newest first",
    )


def _exports_table(rows: list[ExportRow], view: View) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "When": [formats.instant(row.exported_at, view.store.timezone) for row in rows],
            "Who": [row.who for row in rows],
            "Leads": [row.n_rows for row in rows],
            "Columns": ["personal" if row.is_personal else "plain" for row in rows],
            "What for": [row.reason for row in rows],
            "Filters": [", ".join(row.filters) or "none" for row in rows],
            "Format": [row.format for row in rows],
            "Outcome": ["made" if row.refused is None else _REFUSED[row.refused] for row in rows],
            "Id": [row.export_id for row in rows],
        }
    )


# In words


def draw_record(view: View) -> None:
    """What is held, of whom, where, for how long, and who may see it."""
    facts(processing_record(view))


def _where(view: View) -> str:
    """In which files and tables persons lie, for the record of processing."""
    kept = "Backups lie where you put them. Not encrypted by this program: encrypt the disk"
    folder, address = view.store.folder, view.engine.settings.personal
    if address is None:
        return (
            f"On this machine, in {folder}: personal.duckdb, its copies in personal-copy, and events that wait in "
            f"spool. {kept}"
        )
    return (
        f"In the shared store at {address}: the files below personal, and the schema leadlight_personal of PostgreSQL. "
        f"On each machine that takes events, those that wait in {folder / 'spool'}. {kept}s, of PostgreSQL too"
    )


def processing_record(view: View) -> dict[str, str]:
    """The record of processing as names and sentences, from the settings."""
    engine, store = view.engine, view.store
    settings = engine.settings
    return {
        "Of whom": f"People who got in touch through {store.portal}",
        "What": "Name, phones, e-mail addresses and WhatsApp username of the sender; the link for responding; where a "
        "call's recording lies; what the portal added; and each lead's row as the portal gave it",
        "Where": _where(view),
        "How long": f"{_kept_for(settings.retention_months)} after the lead came; then only a key is left that names "
        "nobody. A lead that is gone at the portal loses its sender at once",
        "Who may see it": _who_may(view, "may_see_people"),
        "Who may take it along": _who_may(view, "may_export_people") + _limits_in_words(view),
        "Who receives it": "Nobody. This program speaks to the portal"
        + ("" if engine.is_sandbox else f", at {settings.api_url}")
        + "; digests, and guest links, hold no person",
        "What is on record": f"Exports for {EXPORTS_KEPT_MONTHS} months, erasures for good, neither with anything of "
        "a sender",
        "How somebody is taken out": "On this page, or by “python -m leadlib erase”; how they get what is held of "
        "them: the same way, or by “python -m leadlib person”",
    }


def _who_may(view: View, name: str) -> str:
    people = view.engine.settings.people
    if not view.engine.providers or people is None:
        return "Everybody who can open this app: nobody signs in"
    (right,) = (right for right in RIGHTS if right.name == name)
    told = []
    for role in (role for role in ROLES if role in right.roles):
        n_named = sum(access.role == role for access in people.by_email.values())
        domains = [f"everybody else at {domain}" for domain, access in people.by_domain.items() if access.role == role]
        told.append(
            f"{role}s: {formats.listed([formats.count_of(n_named, 'named address', 'named addresses'), *domains])}"
        )
    return "; ".join(told)


def _limits_in_words(view: View) -> str:
    if not view.engine.providers:
        return ", without a limit"
    n_rows = formats.number(LIMITS.rows_a_day)
    return f". Each at most {LIMITS.files_an_hour} files an hour and {n_rows} leads a day, with a reason"
