"""Sharing: the address for who can sign in, guest links for who cannot, and the list of those that were made."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import urljoin

import streamlit as st

from leadlib import formats
from leadlib.engine import Engine
from leadlib.filters import Filters, describe
from leadlib.metrics import SMALLEST_GROUP, between, summary
from leadlib.store import LONGEST, GuestLink, Offer
from leadlib.ui import links
from leadlib.ui.engine import current_access, load, may
from leadlib.ui.gate import GUEST_PATH
from leadlib.ui.screens import FOR_GUESTS, name_of, screen
from leadlib.ui.text import facts, literal, plain
from leadlib.ui.view import View

_TITLE, _PAGES, _DAYS, _NAMES, _MADE = "share_title", "share_pages", "share_days", "share_names", "share_made"
_USUAL_DAYS = 7
_RIGHT = "may_share"
_NO_SIGN_IN = (
    "Nobody signs in here, so there is nothing that a guest link could go past. How to have people sign in is "
    "written in docs/access.md."
)


def draw(view: View) -> None:
    """The popover to share a page: its address, and for who may a guest link, which is shown this once."""
    page = st.session_state["link_page"] or name_of(screen("overview"))
    # A notebook has a box of its own, with the link that opens it as it stands.
    if view.access.shared is not None or page == "notebook":
        return
    with st.popover("Share", icon=":material/share:", key="share"):
        if not view.engine.providers:
            plain("Copy the address of this page: whoever can open this app sees the same there.", tone="normal")
            plain(_NO_SIGN_IN)
            return
        plain("Who can sign in here: send them the address of this page.", tone="normal")
        if view.access.may_share:
            _draw_making(view, page)


def draw_links(view: View) -> None:
    """Every guest link that the viewer may end: what it shows, who made it, how it was used, and the end of it."""
    now = datetime.now(UTC)
    shown = [link for link in view.engine.store.guest_links.all() if _is_theirs(link)]
    if not view.engine.providers:
        plain(_NO_SIGN_IN, tone="normal")
    elif not shown:
        plain("There is no guest link yet. “Share” on top of a page makes one.", tone="normal")
    for link in shown:
        with st.container(border=True, gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.header(literal(link.offer.title), anchor=False)
                if link.is_open(now):
                    st.button(
                        "End this link",
                        key=f"end_{link.link_id}",
                        icon=":material/link_off:",
                        on_click=_end,
                        args=(view.engine, link),
                    )
            facts(_facts(view, link, now))


def _draw_making(view: View, page: str) -> None:
    if page not in FOR_GUESTS:
        plain(
            "Who cannot sign in: this page has no guest link, since it shows single leads or what people have written."
        )
        _draw_way_to_list()
        return
    filters = written_out(view)
    if filters is None:
        plain(f"Who cannot sign in: for fewer than {SMALLEST_GROUP} leads no guest link is made.")
        _draw_way_to_list()
        return
    with st.form("share_form", border=False):
        plain("Who cannot sign in: make a guest link.", tone="normal")
        st.text_input("What it is for", key=_TITLE, max_chars=60, placeholder="Marina, for the developer")
        st.multiselect(
            "Pages", FOR_GUESTS, default=[page], key=_PAGES, format_func=lambda name: screen(name).title,
        )  # fmt: skip
        st.number_input("Days until it expires", 1, LONGEST.days, _USUAL_DAYS, key=_DAYS)
        st.checkbox("Name the agents", key=_NAMES, help="Without it guests see “Agent 1”, “Agent 2” and so on.")
        plain(
            f"Whoever has the link sees these leads and no others: {describe(filters, view.vocabulary.names)}. No "
            "names, no single lead, no download. What becomes of these leads stays up to date."
        )
        st.form_submit_button("Make a guest link", on_click=_make, args=(view, page, filters))
    made_on, address = st.session_state.get(_MADE, ("", ""))
    if made_on == page:
        plain("Copy it now: it is kept nowhere, and gone with this page.", tone="normal")
        st.code(address, language=None, wrap_lines=True)
    _draw_way_to_list()


def _draw_way_to_list() -> None:
    st.page_link(screen("guest_links"), label="All guest links", icon=":material/link:")


def written_out(view: View) -> Filters | None:
    """The filters in force with both days in them, so that no lead comes to a link later; None for few leads."""
    counted = load(summary, view.filters).iloc[0]
    if counted["leads"] < SMALLEST_GROUP:
        return None
    zone = view.store.timezone
    first, last = (counted[name].astimezone(zone).date() for name in ("first_created_at", "last_created_at"))
    since, until = view.filters.first("from"), view.filters.first("to")
    return between(
        view.filters,
        date.fromisoformat(since) if since else first,
        date.fromisoformat(until) if until else last,
    )


def _make(view: View, page: str, filters: Filters) -> None:
    if not may(_RIGHT):
        return
    access, title = current_access(), " ".join(str(st.session_state[_TITLE]).split())
    if not title:
        st.toast("Say what the link is for, then make it.")
        return
    pages = tuple(name for name in [page, *FOR_GUESTS] if name in st.session_state[_PAGES])
    offer = Offer(
        title=title,
        pages=tuple(dict.fromkeys(pages)) or (page,),
        settings=links.settings_now(),
        filters=filters,
        names_agents=bool(st.session_state[_NAMES]),
        maker=access.email,
        agents=access.agents,
    )
    key = view.engine.store.guest_links.make(offer, timedelta(days=int(st.session_state[_DAYS])))
    st.session_state[_MADE] = page, urljoin(st.context.url or "", f"{GUEST_PATH}{key}")


def _is_theirs(link: GuestLink) -> bool:
    access = current_access()
    return access.may_manage or (access.may_share and link.offer.maker == access.email)


def _end(engine: Engine, link: GuestLink) -> None:
    if _is_theirs(link):
        engine.store.guest_links.end(link.link_id)


def _facts(view: View, link: GuestLink, now: datetime) -> dict[str, str]:
    zone, offer = view.store.timezone, link.offer
    if link.ended_at is not None:
        state = f"Ended {formats.instant(link.ended_at, zone)}"
    elif not link.is_open(now):
        state = f"Expired {formats.instant(link.expires_at, zone)}"
    else:
        state = f"Open until {formats.instant(link.expires_at, zone)}"
    last = f", last {formats.instant(link.last_used_at, zone)}" if link.last_used_at else ""
    return {
        "State": state,
        "Used": f"{formats.count_of(link.n_uses, 'time')}{last}",
        "Made": f"{formats.instant(link.made_at, zone)} by {offer.maker}",
        "Pages": formats.listed([screen(name).title for name in offer.pages], "and"),
        "Leads": describe(offer.filters, view.vocabulary.names),
        "Agents": "by name" if offer.names_agents else "by number",
    }
