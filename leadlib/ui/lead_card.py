"""One lead in full. What is personal, and the response link, each wait for a click of their own."""

import json
from collections.abc import Mapping

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.records import Contact
from leadlib.ui.lead_table import agent_text, contact_of, subject_text
from leadlib.ui.names import word
from leadlib.ui.text import facts, plain
from leadlib.ui.view import View


def draw(view: View, lead: pd.Series) -> None:
    """The facts of the lead, its witnessed history, and the two deliberate clicks."""
    row = {str(name): value for name, value in lead.items()}
    lead_id = str(row["lead_id"])
    with st.container(border=True):
        st.header("The chosen lead", anchor=False)
        about, person = st.columns([3, 2], gap="large")
        with about:
            facts(_facts(view, row))
            _history(view, lead_id)
        with person:
            # Nothing where the person was erased; the lead's facts stay.
            personal: Mapping[str, str | None] = next(iter(view.store.contacts([lead_id]).to_pylist()), {})
            _sender(view, lead_id, personal)
            if view.access.may_open_response_links:
                _response_link(lead_id, personal)


def _facts(view: View, row: dict[str, object]) -> dict[str, str]:
    zone = view.store.timezone
    profile = "" if formats.is_missing(row["agent_id"]) else f" (public profile {row['agent_id']})"
    call = (
        f"{formats.duration(row['call_talk_time_s'])} talked after {formats.duration(row['call_wait_time_s'])} waiting"  # type: ignore[arg-type]
        if not formats.is_missing(row["call_talk_time_s"])
        else ""
    )
    known = {
        "Lead": str(row["lead_id"]),
        "Created": formats.instant(row["created_at"], zone),  # type: ignore[arg-type]
        "Channel": word(str(row["channel"])),
        "Status": word(str(row["status"])),
        "About": f"{word(str(row['entity_type']))}: {subject_text(row)}",
        "Listing id": row["listing_id"],
        "Project id": row["project_id"],
        "Developer": row["developer_name"] if not formats.is_missing(row["developer_name"]) else row["developer_id"],
        "Agent": agent_text(row) + profile,
        "Call": call,
        "Distribution": row["distribution_type"],
        "Tags": ", ".join(row["tags"]),  # type: ignore[arg-type]
        "First seen": formats.instant(row["first_seen_at"], zone),  # type: ignore[arg-type]
        "Last seen": formats.instant(row["last_seen_at"], zone),  # type: ignore[arg-type]
    }
    return {name: str(value) for name, value in known.items() if not formats.is_missing(value) and value}


def _history(view: View, lead_id: str) -> None:
    seen = view.store.query(
        "select stage, status, not_before, not_after, source from status_observations where lead_id = $lead_id "
        "order by not_after",
        {"lead_id": lead_id},
    )
    zone = view.store.timezone
    st.subheader("Status history", anchor=False)
    plain("As witnessed: each status was first true somewhere between the two times.")
    st.dataframe(
        pd.DataFrame(
            {
                "Status": seen["status"].map(word),
                "After": [formats.instant(value, zone) for value in seen["not_before"]],
                "Not after": [formats.instant(value, zone) for value in seen["not_after"]],
            }
        ),
        hide_index=True,
        height="content",
        placeholder=formats.MISSING_TEXT,
        alt="The statuses of this lead, earliest first",
    )


def _sender(view: View, lead_id: str, personal: Mapping[str, str | None]) -> None:
    st.subheader("Sender", anchor=False)
    contact = contact_of(personal) if personal else Contact()
    # Who may not see people has masks from the store already.
    is_shown = view.access.may_see_people and st.toggle("Show personal details", key=f"reveal_{lead_id}")
    if view.access.may_see_people and not is_shown:
        contact = contact.masked()
    facts(
        {
            "Name": contact.name or formats.MISSING_TEXT,
            "Phone": contact.phone or formats.MISSING_TEXT,
            "E-mail": contact.email or formats.MISSING_TEXT,
            "WhatsApp": contact.whatsapp_username or formats.MISSING_TEXT,
        }
    )
    if is_shown:
        if enrichment := personal.get("enrichment"):
            plain("What the portal added:")
            st.json(json.loads(enrichment))
        if recording := personal.get("call_record_url"):
            plain("Recording:")
            st.code(recording, language=None, wrap_lines=True)


def _response_link(lead_id: str, personal: Mapping[str, str | None]) -> None:
    link = personal.get("response_link")
    if not link:
        return
    st.subheader("Response link", anchor=False)
    st.warning("Opening this link counts as your agent's reply at the portal. Copy it only to answer the lead.")
    if st.toggle("Show the link as text", key=f"link_{lead_id}"):
        # As text on purpose: an anchor could be opened, prefetched or previewed by accident.
        st.code(link, language=None, wrap_lines=True)
