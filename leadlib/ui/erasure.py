"""Taking a person out, from the page Privacy: counted first, then confirmed, then on record without a word of whom.

What is typed stays in the form: in no address, no log and no other place of the session.
"""

import logging
from collections.abc import Callable

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.errors import AccessError, StoreError
from leadlib.export import who_is
from leadlib.store import Person, Store
from leadlib.ui import downloads
from leadlib.ui.engine import current_access, get_engine, may
from leadlib.ui.numbers import COUNT
from leadlib.ui.text import plain
from leadlib.ui.view import View

log = logging.getLogger(__name__)

_RIGHT = "may_manage"
_PHONES, _EMAILS, _LEADS, _WORD = "erase_phones", "erase_emails", "erase_leads", "erase_word"
_CONFIRMED_BY = "ERASE"
_COUNTED, _SAID, _TICKET = "erase_counted", "erase_said", "erase_ticket"
_KIND_WORDS = {"phone": "phone", "email": "e-mail address", "lead": "lead id"}


def draw(view: View) -> None:
    """A form that counts first and erases only what was counted, once the word is typed."""
    if view.store.is_read_only:
        plain("The store is open for reading only, so nobody can be taken out of it now.")
        return
    with st.form("erase_form"):
        first, second, third = st.columns(3)
        first.text_input("Phones", key=_PHONES, placeholder="+971 50 000 0001", help="With the country code.")
        second.text_input("E-mail addresses", key=_EMAILS, placeholder="name@example.com")
        third.text_input("Lead ids", key=_LEADS)
        plain("Give all phones and addresses of the person at once, with a comma between two.")
        with st.container(horizontal=True):
            st.form_submit_button("How many leads are theirs?", on_click=_count, args=(view.store,))
            st.form_submit_button("A file of what is held of them", on_click=_promise, args=(view.store,))
        if (counted := st.session_state.get(_COUNTED)) is not None:
            plain(f"{formats.count_of(counted[1], 'lead').capitalize()} would lose their sender.", tone="normal")
        st.text_input(f"Type {_CONFIRMED_BY} to take them out for good", key=_WORD, width=280)
        st.form_submit_button("Erase", icon=":material/person_remove:", on_click=_erase, args=(view.store,))
    if said := st.session_state.pop(_SAID, None):
        plain(said, tone="normal")
    if ticket := st.session_state.pop(_TICKET, None):
        downloads.draw_links({"What is held of them (JSON)": ticket})
        plain("The link is for you, for ten minutes. The file is on record as a personal export.")


def _typed() -> Person:
    """Raises ValueError, in words for the screen, if nobody can be meant by it."""
    phones, emails, lead_ids = (
        tuple(part.strip() for part in str(st.session_state.get(key, "")).split(",") if part.strip())
        for key in (_PHONES, _EMAILS, _LEADS)
    )
    if not (phones or emails or lead_ids):
        raise ValueError("Say who: a phone, an e-mail address or a lead id.")
    try:
        return Person(phones, emails, lead_ids)
    except ValueError as error:
        raise ValueError(f"That is nobody's: {error}.") from error


def _told(work: Callable[[Store], str | None]) -> Callable[[Store], None]:
    """A callback that does its work for who may, and has the page say what came of it."""

    def do(store: Store) -> None:
        if not may(_RIGHT):
            return
        try:
            st.session_state[_SAID] = work(store)
        except (ValueError, AccessError, StoreError) as error:
            st.session_state[_SAID] = str(error)

    return do


def _seal(store: Store, person: Person) -> str:
    """Tells if the same was typed again, and nothing of what."""
    return store.pseudonym(repr(sorted(person.marks)))


@_told
def _count(store: Store) -> str | None:
    st.session_state.pop(_COUNTED, None)
    person = _typed()
    st.session_state[_COUNTED] = (_seal(store, person), len(store.leads_of(person)))
    return None


@_told
def _promise(_: Store) -> str | None:
    st.session_state[_TICKET] = get_engine().tickets.issue_person(_typed(), current_access())
    return None


@_told
def _erase(store: Store) -> str | None:
    person = _typed()
    counted = st.session_state.get(_COUNTED)
    if counted is None or counted[0] != _seal(store, person):
        st.session_state.pop(_COUNTED, None)
        return "Nothing was erased. See first how many leads are theirs: that was not counted for what is typed now."
    if st.session_state.get(_WORD) != _CONFIRMED_BY:
        return f"Nothing was erased. Type {_CONFIRMED_BY} in capitals to confirm."
    erased = store.erase(person, who_is(current_access()))
    log.info("erasure %s: %d leads", erased.erasure_id, erased.n_leads)
    st.session_state.pop(_COUNTED, None)
    for key in (_PHONES, _EMAILS, _LEADS, _WORD):
        st.session_state[key] = ""
    return f"Erased from {formats.count_of(erased.n_leads, 'lead')}, and kept out. On record as {erased.erasure_id}."


def draw_on_record(view: View) -> None:
    """Who was taken out by whom, without a word of whom; nothing while nobody was."""
    rows = view.store.erasures()
    if not rows:
        return
    st.dataframe(
        pd.DataFrame(
            {
                "When": [formats.instant(row.erased_at, view.store.timezone) for row in rows],
                "Who erased": [row.who for row in rows],
                "Found by": [", ".join(_KIND_WORDS[kind] for kind in row.kinds) for row in rows],
                "Leads": [row.n_leads for row in rows],
                "Other places": [row.n_others for row in rows],
                "Id": [row.erasure_id for row in rows],
            }
        ),
        hide_index=True,
        column_config={name: st.column_config.NumberColumn(format=COUNT) for name in ("Leads", "Other places")},
        alt="Erasures, newest first",
    )
