"""The table of leads, fifty a page, and the card of the one that is chosen."""

from collections.abc import Mapping
from datetime import datetime

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.metrics.lead_rows import lead_rows
from leadlib.records import Contact
from leadlib.ui import paging
from leadlib.ui.links import param, param_key
from leadlib.ui.names import word
from leadlib.ui.selection import choose_row
from leadlib.ui.text import plain
from leadlib.ui.view import View

ORDER_WORDS = {"newest": "Newest first", "oldest": "Oldest first", "longest_waiting": "Longest waiting first"}
_SHOWN = {
    "created_local": "Created",
    "sender": "Sender",
    "status": "Status",
    "channel": "Channel",
    "agent": "Agent",
    "entity_type": "About",
    "subject": "Listing, project or developer",
    "lead_id": "Lead",
}
# A column is as wide as its first rows need, and the first rows may all be listings.
_WIDTHS_PX = {"entity_type": 105, "subject": 320}
_NO_REFERENCE = "-"
_LEFT_TO_RIGHT, _END = "\u2066", "\u2069"


def draw(view: View) -> pd.Series | None:
    """Draws one page of the filtered leads, senders masked, and gives the chosen lead; None while none is."""
    page = paging.current_page(view, view.n_leads)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Order",
            list(ORDER_WORDS),
            key=param_key("sort"),
            format_func=ORDER_WORDS.__getitem__,
            width=220,
            on_change=paging.turn_back,
        )
        first, last = paging.draw("leads", view.n_leads, page)
        plain(f"{formats.number(first)}–{formats.number(last)} of {formats.count_of(view.n_leads, 'lead')}")
    rows = view.ask(lead_rows, order=param("sort"), page=page)
    contacts = load_masked(view, rows["lead_id"].tolist())
    records = [dict(zip(rows.columns, values, strict=True)) for values in rows.itertuples(index=False)]
    shown = pd.DataFrame(
        {
            "created_local": rows["created_local"],
            "sender": [sender_text(contacts.get(lead_id, Contact())) for lead_id in rows["lead_id"]],
            "status": rows["status"].map(word),
            "channel": rows["channel"].map(word),
            "agent": [agent_text(row) for row in records],
            "entity_type": rows["entity_type"].map(word),
            "subject": [subject_text(row) for row in records],
            "lead_id": rows["lead_id"],
        }
    )
    place = choose_row(
        shown,
        rows["lead_id"].tolist(),
        key="leads",
        height=560,
        columns={
            name: st.column_config.DatetimeColumn(label, format=time_format(rows["created_local"], view))
            if name == "created_local"
            else st.column_config.TextColumn(label, width=_WIDTHS_PX.get(name))
            for name, label in _SHOWN.items()
        },
        alt=f"Leads {first} to {last}, {ORDER_WORDS[param('sort')].lower()}",
    )
    return None if place is None else rows.iloc[place]


def time_format(created: pd.Series, view: View) -> str:
    """How a table writes these times: without the year where it is this one for all of them."""
    # The year costs the room in which a phone shows the status.
    is_this_year = created.dt.year.eq(datetime.now(view.store.timezone).year).all()
    return "D MMM, HH:mm" if is_this_year else "D MMM YYYY, HH:mm"


def load_masked(view: View, lead_ids: list[str]) -> dict[str, Contact]:
    """Who sent these leads, masked, by lead id. Not cached: what is personal stays in the store."""
    known = {row["lead_id"]: contact_of(row) for row in view.store.contacts(lead_ids).to_pylist()}
    if not view.access.may_see_people:
        return known  # a mask of a mask would hide the country
    return {lead_id: contact.masked() for lead_id, contact in known.items()}


def contact_of(row: Mapping[str, str | None]) -> Contact:
    """The contact in a row of the personal file."""
    return Contact(row["sender_name"], row["sender_phone"], row["sender_email"], row["sender_whatsapp_username"])


def sender_text(contact: Contact) -> str:
    """A sender on one line: the name, then the first way to reach them."""
    reach = contact.phone or contact.email or contact.whatsapp_username
    # Kept from left to right: beside an Arabic name a number's sign would move to its end.
    parts = [contact.name, f"{_LEFT_TO_RIGHT}{reach}{_END}" if reach and contact.name else reach]
    return " · ".join(part for part in parts if part) or formats.MISSING_TEXT


def subject_text(row: dict[str, object]) -> str:
    """What a lead is about: title and reference of its listing, its project, or its developer."""
    for names in (("listing_reference", "listing_title"), ("project_title", "developer_name")):
        parts = [str(row[name]) for name in names if not formats.is_missing(row[name]) and row[name] != _NO_REFERENCE]
        if parts:
            return " · ".join(parts)
    ids = ("listing_id", "project_id", "developer_id")
    return next((str(row[name]) for name in ids if not formats.is_missing(row[name])), formats.MISSING_TEXT)


def agent_text(row: dict[str, object]) -> str:
    """The assigned agent: a name, else the public profile id, else that there is none."""
    if formats.is_missing(row["agent_id"]):
        return "Unassigned"
    return f"#{row['agent_id']}" if formats.is_missing(row["agent_name"]) else str(row["agent_name"])
