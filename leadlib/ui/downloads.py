"""Downloads of exactly the filtered leads, built when asked for and never held in memory."""

from collections.abc import Mapping
from datetime import UTC, datetime

import streamlit as st

from leadlib import formats
from leadlib.errors import AccessError
from leadlib.export import (
    FORMATS,
    NUMBERS,
    REASON_LENGTH,
    checked_reason,
    chosen_columns,
    limits_for,
    refuse_above_limits,
    who_is,
)
from leadlib.ui.text import facts, plain
from leadlib.ui.view import View


def draw(view: View) -> None:
    """A popover with one link per file format, and the choice of personal columns, for who may download them."""
    if not view.access.may_export:
        return
    popover = st.popover("Download these leads", icon=":material/download:", key="download", on_change="rerun")
    if not popover.open:
        return  # a ticket lives ten minutes, so it is made when somebody is about to use it
    with popover:
        plain(f"{view.sentence} · {formats.count_of(view.n_leads, 'lead')}", tone="normal")
        personal = view.access.may_export_people and st.toggle(
            "With personal columns",
            key="download_personal",
            help="Names, phones, e-mail addresses and messages. Response links are never exported.",
        )
        reason = st.text_input(
            "What for", key="download_reason", max_chars=REASON_LENGTH, placeholder="Such as: calls to make on Monday",
            help="Put on record with the download, for whoever looks after this app. Name nobody here.",
        ) if personal else ""  # fmt: skip
        _draw_links(view, personal, reason)
        with st.expander("What the columns and numbers mean"):
            plain(
                "Excel and Parquet files carry these words themselves; a CSV file has no place for them. Every file "
                "carries its filters, its time and a hash of its rows, which “python -m leadlib verify” looks into."
            )
            facts({**{column.name: column.meaning for column in chosen_columns(personal)}, **NUMBERS})


def _draw_links(view: View, personal: bool, reason: str) -> None:
    """One link per format, or why there is none."""
    access, limits = view.access, limits_for(view.access)
    if personal and limits is not None and not reason.strip():
        plain("Say what the names and phones are for; then the links appear.")
        return
    try:
        checked = checked_reason(reason, access, personal=personal)
        if personal:
            who = who_is(access)
            refuse_above_limits(view.engine.store, view.store, view.filters, who=who, reason=checked, limits=limits)
        tickets = {
            fmt.label: view.engine.tickets.issue(view.filters, fmt.key, personal, access, checked)
            for fmt in FORMATS
            if fmt.key != "json"  # for programs: the command line writes it
        }
    except AccessError as refused:
        plain(str(refused), tone="normal")
        return
    draw_links(tickets)
    if personal and limits is not None:
        n_files, n_rows = view.engine.store.exports.taken(who_is(access), datetime.now(UTC))
        plain(
            f"You have taken {formats.number(n_files)} of {limits.files_an_hour} such files in the last hour, and "
            f"{formats.number(n_rows)} of {formats.number(limits.rows_a_day)} leads in the last day."
        )


def draw_links(tickets: Mapping[str, str]) -> None:
    """A link per label, each to what its ticket gives. The labels are our own words."""
    # An anchor with `download` keeps the page open; the address holds nothing but a random ticket.
    anchors = (
        f'<a href="/export/{ticket}" download class="leadlight-download">{label}</a>'
        for label, ticket in tickets.items()
    )
    st.html("".join(anchors))
