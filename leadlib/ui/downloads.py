"""Downloads of exactly the filtered leads, built when asked for and never held in memory."""

import streamlit as st

from leadlib import formats
from leadlib.export import FORMATS, NUMBERS, chosen_columns
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
        links = []
        for fmt in FORMATS:
            if fmt.key == "json":
                continue  # for programs: the command line writes it
            ticket = view.engine.tickets.issue(view.filters, fmt.key, personal, view.access)
            links.append(f'<a href="/export/{ticket}" download class="leadlight-download">{fmt.label}</a>')
        # An anchor with `download` keeps the page open; the address holds nothing but a random ticket.
        st.html("".join(links))
        with st.expander("What the columns and numbers mean"):
            plain(
                "Excel and Parquet files carry these words themselves; a CSV file has no place for them. Every file "
                "carries its filters, its time and a hash of its rows, which “python -m leadlib verify” looks into."
            )
            facts({**{column.name: column.meaning for column in chosen_columns(personal)}, **NUMBERS})
