"""What a page shows when there is nothing to chart: no data yet, no match, or a failure."""

from collections.abc import Sequence

import streamlit as st

from leadlib import formats
from leadlib.errors import LeadlibError, SettingsError, SlowQueryError, StoreBusyError, StoreError
from leadlib.filters import Filters
from leadlib.ui import downloads, sharing
from leadlib.ui.links import put
from leadlib.ui.text import literal, plain
from leadlib.ui.view import View

_WHAT_NEXT = {
    SettingsError: "Change it in the environment or in .streamlit/secrets.toml, then start the app again.",
    StoreBusyError: "Close the other program, then reload this page.",
    StoreError: "After mending it, reload this page.",
}


def show_error(error: LeadlibError) -> None:
    """A failure that leaves nothing to show: what happened and what to do, without a trace."""
    st.error(f"**{error.title}**", icon=":material/error:")
    plain(str(error), tone="normal")
    if isinstance(error, SlowQueryError):
        st.button("Try again", icon=":material/replay:", key="again_after_slow")
        return
    for kind, words in _WHAT_NEXT.items():
        if isinstance(error, kind):
            plain(words)
            break


def show_bug(code: str) -> None:
    """A failure that nobody foresaw: that it is ours, under which code the log has it, and what still works."""
    st.error("**This page failed on an error of its own**", icon=":material/error:")
    plain(
        "Nothing is lost, and other pages may still work. Reload to try again. If it stays, tell whoever looks after "
        f"this installation the code {code}: under it the server's log says what happened.",
        tone="normal",
    )


def show_problems(problems: Sequence[str]) -> None:
    """What in a link made no sense. The rest of the link is in force."""
    if problems:
        with st.container(border=True):
            st.markdown(":material/link_off: **Part of this link could not be used**")
            for problem in problems:
                plain(problem)


def page_title(view: View, title: str) -> None:
    """The title with the downloads, and under it the filters in words, which a screenshot needs to be understood."""
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.title(literal(title), anchor=False)
            if view.n_leads:
                downloads.draw(view)
            sharing.draw(view)
        plain(f"{view.sentence} · {formats.count_of(view.n_leads, 'lead')}", tone="normal")


def stop_before_first_sync(view: View) -> None:
    """Ends the page with what it waits for while the store has never seen a lead."""
    if view.store.as_of() is not None:
        return
    with st.container(border=True):
        if view.access.agents is not None:
            st.header("No lead is yours yet", anchor=False, icon=":material/hourglass_top:")
            plain("None of the agents whose leads you see has one in this store.")
            st.stop()
        st.header("No leads yet", anchor=False, icon=":material/hourglass_top:")
        plain("The first sync reads everything the portal still shows, about three months. This page fills by itself.")
    st.stop()


def stop_if_empty(view: View) -> None:
    """Ends the page with a helpful empty state if the filters leave no lead."""
    if view.n_leads:
        return
    stop_before_first_sync(view)
    with st.container(border=True):
        st.header("No lead matches these filters", anchor=False, icon=":material/search_off:")
        plain("Take one of them out in the sidebar, or all of them here.")
        st.button("Clear all filters", on_click=put, args=(Filters(),), key="clear_when_empty")
    st.stop()
