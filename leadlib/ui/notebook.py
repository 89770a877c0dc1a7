"""Which notebook is open, and what can be done with it: choose, copy, change, save, look back, hand on."""

from collections import Counter
from dataclasses import dataclass
from itertools import count
from urllib.parse import urlencode
from zlib import crc32

import streamlit as st

from leadlib import formats
from leadlib.errors import LeadlibError, NotebookConflictError, NotebookError
from leadlib.filters import LINK_VERSION
from leadlib.notebooks import BUILTIN, Cell, Notebook, cells_from_json, cells_to_json, name_of
from leadlib.store import NotebookVersion, Store
from leadlib.ui import links, notebook_download
from leadlib.ui import notebook_draft as drafting
from leadlib.ui.engine import author, may
from leadlib.ui.notebook_draft import Draft
from leadlib.ui.text import plain
from leadlib.ui.view import View

_PARAM = links.param_key("notebook")
_OLDER = "notebook_older"
_SAID = "notebook_said"
_AUTHOR = "notebook_author"
_LONGEST_AUTHOR = 60
_BUILTIN = {notebook.name: notebook for notebook in BUILTIN}


@dataclass(frozen=True)
class Open:
    """The notebook on the screen. `version` is the newest one that is saved, 0 if there is none."""

    notebook: Notebook
    version: int
    draft: Draft | None
    older: NotebookVersion | None

    @property
    def is_builtin(self) -> bool:
        return self.version == 0 and self.draft is None


def open_chosen(view: View) -> Open:
    """The notebook that the link names. Stops the page, and says why, if there is none that can be shown."""
    name = links.param("notebook")
    saved = view.store.words.notebook_versions(name)
    draft = drafting.drafts().get(name)
    newest = saved[0].version if saved else 0
    older = next((one for one in saved if (name, one.version) == st.session_state.get(_OLDER)), None)
    if draft is not None and view.access.may_edit_notebooks:
        return Open(Notebook(name, draft.title, draft.cells), newest, draft, None)
    if not saved and name in _BUILTIN:
        return Open(_BUILTIN[name], 0, None, None)
    if older is not None or (saved and not saved[0].is_deleted):
        shown = older or saved[0]
        return Open(Notebook(name, shown.title, _cells_of(view, shown)), newest, None, older)
    st.title("Notebook", anchor=False)
    _draw_choice(view, name)
    _draw_missing(view, name, saved)
    st.stop()


def draw_bar(view: View, opened: Open) -> None:
    """The choice of a notebook, and the buttons for the one that is open."""
    name, store = opened.notebook.name, view.store
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _draw_choice(view, name)
        if opened.draft is None and opened.older is None and view.access.may_edit_notebooks:
            if not opened.is_builtin:
                st.button("Edit", icon=":material/edit:", on_click=_edit, args=(opened,))
            st.button("Make a copy", icon=":material/content_copy:", on_click=_copy, args=(store, opened.notebook))
            st.button("New notebook", icon=":material/add:", on_click=_copy, args=(store, None))
        if opened.draft is None:
            with st.popover("Share", icon=":material/share:"):
                _draw_share(view, opened.notebook)
        if opened.version:
            with st.popover("History", icon=":material/history:"):
                _draw_history(view, opened)
    if opened.older is not None:
        _draw_older(view, opened)
    elif opened.draft is None:
        plain(_where_from(view, opened))
    _draw_said()


def draw_saving(view: View, opened: Open, draft: Draft) -> None:
    """Title, author and the buttons that end the changing."""
    name = draft.name
    with st.container(horizontal=True, vertical_alignment="bottom", key="notebook_saving"):
        st.text_input(
            "Title", draft.title, key=f"title_{name}_{draft.after}", max_chars=80, on_change=_rename, args=(draft,),
            width=320,
        )  # fmt: skip
        st.text_input(
            "Your name",
            st.session_state.get(_AUTHOR, ""),
            key="notebook_author_asked",
            max_chars=_LONGEST_AUTHOR,
            placeholder=author(),
            help="Stands in the history of this notebook, for everybody who opens this app.",
            on_change=_remember_author,
            width=200,
        )
        st.button(
            "Save", type="primary", icon=":material/save:", on_click=_save, args=(view.store, name),
            disabled=not draft.is_changed,
        )  # fmt: skip
        if draft.is_changed:
            with st.popover("Discard", icon=":material/undo:"):
                plain("What you have changed since the last save is thrown away.", tone="normal")
                st.button("Throw my changes away", on_click=_discard, args=(draft,))
        else:
            st.button("Stop editing", on_click=_discard, args=(draft,))
    if draft.is_changed:
        st.markdown(":orange-badge[:material/edit_note: Unsaved changes]")
        plain(
            "They are kept on every page of this browser tab until you save or discard them. Everybody who opens this "
            "app sees what is saved, so leave phones and addresses out."
        )


def _draw_choice(view: View, name: str) -> None:
    titles = _titles(view.store)
    titles.setdefault(name, f"{name} (not there)")
    # Streamlit remembers a choice by its words: where these change, as with a title, it has to be another widget.
    key = f"notebook_choice_{crc32(repr(titles).encode()):x}"
    st.selectbox(
        "Notebook", list(titles), index=list(titles).index(name), format_func=titles.__getitem__, key=key,
        on_change=_choose, args=(key,), width=320,
    )  # fmt: skip


def _choose(key: str) -> None:
    st.session_state[_PARAM] = st.session_state[key]
    _forget_older()


def _titles(store: Store) -> dict[str, str]:
    """The notebooks to choose from, by name: the built-in ones, what others have saved, what is not saved yet.

    Of those with one title each is told with its name too: a choice goes by its words.
    """
    titles = {notebook.name: notebook.title for notebook in BUILTIN}
    titles |= {one.name: one.title for one in store.words.notebooks()}
    for name, draft in drafting.drafts().items():
        titles[name] = f"{draft.title} · unsaved" if draft.is_changed else draft.title
    how_often = Counter(titles.values())
    return {name: title if how_often[title] == 1 else f"{title} ({name})" for name, title in titles.items()}


def _where_from(view: View, opened: Open) -> str:
    if opened.is_builtin:
        return "Built in: make a copy to change it." if view.access.may_edit_notebooks else "Built in."
    return _told(view, view.store.words.notebook_versions(opened.notebook.name)[0])


def _told(view: View, one: NotebookVersion) -> str:
    what = "deleted" if one.is_deleted else "saved"
    return f"Version {one.version}, {what} by {one.author} on {formats.instant(one.saved_at, view.store.timezone)}"


def _cells_of(view: View, saved: NotebookVersion) -> tuple[Cell, ...]:
    try:
        return cells_from_json(saved.cells)
    except NotebookError as error:
        raise NotebookError(f"“{saved.title}” cannot be shown as it was saved. {error}") from error


def _draw_share(view: View, notebook: Notebook) -> None:
    query = links.query_of(view.filters)
    # Also where it is the first one, which the bare address opens: which one that is may change.
    query = {"v": [LINK_VERSION], **query, "notebook": [notebook.name]}
    link = f"{st.context.url or '/notebook'}?{urlencode(query, doseq=True)}"
    plain("This link opens the notebook with the filters that are in force now.", tone="normal")
    st.code(link, language=None, wrap_lines=True)
    notebook_download.draw(view, notebook, link)


def _draw_history(view: View, opened: Open) -> None:
    name, store = opened.notebook.name, view.store
    for one in store.words.notebook_versions(name):
        with st.container(horizontal=True, vertical_alignment="center"):
            plain(_told(view, one), tone="normal")
            is_shown = one.version == (opened.older.version if opened.older else opened.version)
            if not is_shown and not one.is_deleted:
                st.button("Open", key=f"version_{one.version}", on_click=_look_back, args=(name, one.version))
    if opened.draft is None and opened.older is None and view.access.may_edit_notebooks:
        st.button(
            "Delete this notebook", icon=":material/delete:", type="tertiary", on_click=_delete, args=(store, opened),
            help="It leaves the list. Its versions are kept, and its link offers to bring it back.",
        )  # fmt: skip


def _draw_older(view: View, opened: Open) -> None:
    if opened.older is None:
        return
    with st.container(border=True):
        plain(f"{_told(view, opened.older)}. The newest is version {opened.version}.", tone="normal")
        with st.container(horizontal=True):
            if view.access.may_edit_notebooks:
                st.button(
                    "Make this the newest again", icon=":material/restore:", on_click=_restore,
                    args=(view.store, opened.older, opened.version),
                )  # fmt: skip
            st.button("Back to the newest", on_click=_forget_older)


def _draw_missing(view: View, name: str, saved: list[NotebookVersion]) -> None:
    with st.container(border=True):
        if not saved:
            st.header("There is no such notebook", anchor=False, icon=":material/search_off:")
            plain(f"Nothing is saved under “{name}”. Choose another one, or ask for the link again.")
            return
        st.header("This notebook was deleted", anchor=False, icon=":material/delete:")
        plain(f"{_told(view, saved[0])}. Its versions are kept.")
        if view.access.may_edit_notebooks:
            st.button("Bring it back", on_click=_restore, args=(view.store, saved[0], saved[0].version))
    _draw_said()


def _draw_said() -> None:
    said = st.session_state.pop(_SAID, None)
    if said is not None:
        (st.success if said[0] else st.error)(said[1], icon=":material/check:" if said[0] else ":material/error:")


def _author() -> str:
    return str(st.session_state.get(_AUTHOR) or author())


def _remember_author() -> None:
    # The field vanishes with the page, and with it what Streamlit keeps of it.
    st.session_state[_AUTHOR] = " ".join(st.session_state["notebook_author_asked"].split())


def _rename(draft: Draft) -> None:
    title = st.session_state[f"title_{draft.name}_{draft.after}"]
    drafting.rename(draft.name, " ".join(title.split()))


def _edit(opened: Open) -> None:
    if not may("may_edit_notebooks"):
        return
    drafting.begin(opened.notebook, opened.version)


def _copy(store: Store, notebook: Notebook | None) -> None:
    if not may("may_edit_notebooks"):
        return
    title = "New notebook" if notebook is None else f"{notebook.title} (copy)"
    name = _free_name(store, title)
    drafting.begin(Notebook(name, title, () if notebook is None else notebook.cells), after=0)
    st.session_state[_PARAM] = name


def _free_name(store: Store, title: str, own: str | None = None) -> str:
    wanted = name_of(title)
    taken = ({*_BUILTIN, *drafting.drafts()}) - {own}
    names = (wanted if n == 1 else f"{wanted[:70]}-{n}" for n in count(1))
    return next(name for name in names if name not in taken and not store.words.notebook_versions(name))


def _save(store: Store, name: str) -> None:
    if not may("may_edit_notebooks"):
        return
    draft = drafting.drafts()[name]
    try:
        name_of(draft.title)
        # A new notebook is called by the title that it has when it is saved first; then links hold its name.
        saved_as = name if draft.after else _free_name(store, draft.title, own=name)
        saved = store.words.save_notebook(
            saved_as, after=draft.after, title=draft.title, author=_author(), cells=cells_to_json(draft.cells)
        )
    except NotebookConflictError as error:
        drafting.go_on_after(name, error.newest)
        st.session_state[_SAID] = (False, str(error))
    except LeadlibError as error:
        st.session_state[_SAID] = (False, f"It was not saved. {error}")
    else:
        drafting.discard(name)
        st.session_state[_PARAM] = saved_as
        st.session_state[_SAID] = (True, f"Saved as version {saved.version}.")


def _discard(draft: Draft) -> None:
    drafting.discard(draft.name)
    if draft.after == 0:
        st.session_state[_PARAM] = BUILTIN[0].name


def _look_back(name: str, version: int) -> None:
    st.session_state[_OLDER] = (name, version)


def _forget_older() -> None:
    st.session_state.pop(_OLDER, None)


def _restore(store: Store, old: NotebookVersion, newest: int) -> None:
    if not may("may_edit_notebooks"):
        return
    try:
        saved = store.words.save_notebook(old.name, after=newest, title=old.title, author=_author(), cells=old.cells)
    except LeadlibError as error:
        st.session_state[_SAID] = (False, str(error))
    else:
        st.session_state[_SAID] = (True, f"Version {old.version} is the newest again, as version {saved.version}.")
        _forget_older()


def _delete(store: Store, opened: Open) -> None:
    if not may("may_edit_notebooks"):
        return
    try:
        store.words.delete_notebook(opened.notebook.name, after=opened.version, author=_author())
    except LeadlibError as error:
        st.session_state[_SAID] = (False, str(error))
