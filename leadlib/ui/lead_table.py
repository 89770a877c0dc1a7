"""The table of leads, fifty a page, and the card of the one that is chosen."""

import math

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.metrics.lead_rows import ROWS_PER_PAGE, lead_rows
from leadlib.records import Contact
from leadlib.ui.links import param, param_key
from leadlib.ui.names import word
from leadlib.ui.text import plain
from leadlib.ui.view import View

ORDER_WORDS = {"newest": "Newest first", "oldest": "Oldest first", "longest_waiting": "Longest waiting first"}
_SHOWN = {
    "created_local": "Created",
    "sender": "Sender",
    "channel": "Channel",
    "status": "Status",
    "agent": "Agent",
    "entity_type": "About",
    "subject": "Listing, project or developer",
    "lead_id": "Lead",
}


def draw(view: View) -> pd.Series | None:
    """Draws one page of the filtered leads, senders masked, and gives the chosen lead; None while none is."""
    if st.session_state.get("leads_filters", view.filters) != view.filters:
        st.session_state[param_key("p")] = "1"  # page 7 of other leads is nowhere
    st.session_state["leads_filters"] = view.filters
    n_pages = max(1, math.ceil(view.n_leads / ROWS_PER_PAGE))
    page = min(int(param("p")), n_pages)
    st.session_state[param_key("p")] = str(page)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Order", list(ORDER_WORDS), key=param_key("sort"), format_func=ORDER_WORDS.__getitem__, width=220)
        st.pagination(n_pages, key="leads_page", default=page, on_change=_turn)
        first = (page - 1) * ROWS_PER_PAGE + 1
        last = min(page * ROWS_PER_PAGE, view.n_leads)
        plain(f"{formats.number(first)}–{formats.number(last)} of {formats.count_of(view.n_leads, 'lead')}")
    rows = view.ask(lead_rows, order=param("sort"), page=page)
    contacts = load_contacts(view, rows["lead_id"].tolist())
    records = [dict(zip(rows.columns, values, strict=True)) for values in rows.itertuples(index=False)]
    shown = pd.DataFrame(
        {
            "created_local": rows["created_local"],
            "sender": [sender_text(contacts.get(lead_id, Contact()).masked()) for lead_id in rows["lead_id"]],
            "channel": rows["channel"].map(word),
            "status": rows["status"].map(word),
            "agent": [agent_text(row) for row in records],
            "entity_type": rows["entity_type"].map(word),
            "subject": [subject_text(row) for row in records],
            "lead_id": rows["lead_id"],
        }
    )
    event = st.dataframe(
        shown,
        hide_index=True,
        height=560,
        key=f"leads_{page}_{param('sort')}",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            name: st.column_config.DatetimeColumn(label, format="D MMM, HH:mm")
            if name == "created_local"
            else st.column_config.TextColumn(label)
            for name, label in _SHOWN.items()
        },
        alt=f"Leads {first} to {last}, {ORDER_WORDS[param('sort')].lower()}",
    )
    chosen = event["selection"]["rows"]
    return rows.iloc[chosen[0]] if chosen and chosen[0] < len(rows) else None


def _turn() -> None:
    st.session_state[param_key("p")] = str(st.session_state["leads_page"])


def load_contacts(view: View, lead_ids: list[str]) -> dict[str, Contact]:
    """Who sent these leads, by lead id. Not cached: what is personal stays in the store."""
    return {
        row["lead_id"]: Contact(
            row["sender_name"], row["sender_phone"], row["sender_email"], row["sender_whatsapp_username"]
        )
        for row in view.engine.store.contacts(lead_ids).to_pylist()
    }


def sender_text(contact: Contact) -> str:
    """A sender on one line: the name, then the first way to reach them."""
    parts = [contact.name, contact.phone or contact.email or contact.whatsapp_username]
    return " · ".join(part for part in parts if part) or formats.MISSING_TEXT


def subject_text(row: dict[str, object]) -> str:
    """What a lead is about: title and reference of its listing, its project, or its developer."""
    for names in (("listing_reference", "listing_title"), ("project_title", "developer_name")):
        parts = [str(row[name]) for name in names if not formats.is_missing(row[name])]
        if parts:
            return " · ".join(parts)
    ids = ("listing_id", "project_id", "developer_id")
    return next((str(row[name]) for name in ids if not formats.is_missing(row[name])), formats.MISSING_TEXT)


def agent_text(row: dict[str, object]) -> str:
    """The assigned agent: a name, else the public profile id, else that there is none."""
    if formats.is_missing(row["agent_id"]):
        return "Unassigned"
    return f"#{row['agent_id']}" if formats.is_missing(row["agent_name"]) else str(row["agent_name"])
