"""Downloads of exactly the filtered leads, built when asked for and never held in memory."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import streamlit as st

from leadlib import formats
from leadlib.engine import Engine
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
from leadlib.places import Places
from leadlib.ui.text import facts, plain
from leadlib.ui.view import View

_POLL_S = 1.0
_REMEMBERED = 40


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
    _draw_line(view.engine, list(tickets.values()))
    if personal and limits is not None:
        n_files, n_rows = view.engine.store.exports.taken(who_is(access), datetime.now(UTC))
        plain(
            f"You have taken {formats.number(n_files)} of {limits.files_an_hour} such files in the last hour, and "
            f"{formats.number(n_rows)} of {formats.number(limits.rows_a_day)} leads in the last day."
        )


def _draw_line(engine: Engine, tickets: list[str]) -> None:
    """What becomes of the files that were asked for here, and how many of others come before one that will be."""
    asked: list[str] = st.session_state.setdefault("download_asked", [])
    asked[:] = [*(one for one in asked if one not in tickets), *tickets][-_REMEMBERED:]

    def tell() -> None:
        plain(line_words(engine.files, asked), tone="normal")

    st.fragment(tell, run_every=_POLL_S)()


def line_words(files: Places, asked: Sequence[str]) -> str:
    """How far the files are that were `asked` for; empty if none of them is in line and a new one would not wait."""
    waits = [n_ahead for ticket in asked if (n_ahead := files.n_ahead(ticket)) is not None]
    told = []
    if n_making := waits.count(0):
        told.append("Your file is being made." if n_making == 1 else f"{n_making} of your files are being made.")
    told += [
        f"A file of yours waits for {formats.count_of(n_ahead, 'file')} before it; it comes by itself."
        for n_ahead in filter(None, waits)
    ]
    return " ".join(told) if waits else others_words(files)


def others_words(files: Places) -> str:
    """Of how many files of others somebody would have to wait who asked for one now; empty if they would not."""
    if not files.n_ahead_of_next:
        return ""
    theirs = formats.count_of(files.n_ahead_of_next, "file")
    return f"Others are downloading: a file that you ask for now begins after {theirs} of theirs."


def draw_links(tickets: Mapping[str, str]) -> None:
    """A link per label, each to what its ticket gives. The labels are our own words."""
    # An anchor with `download` keeps the page open; the address holds nothing but a random ticket.
    anchors = (
        f'<a href="/export/{ticket}" download class="leadlight-download">{label}</a>'
        for label, ticket in tickets.items()
    )
    st.html("".join(anchors))
