"""The open notebook as a file: made when somebody clicks, from the state of the data at that moment."""

from collections.abc import Callable

import streamlit as st

from leadlib.errors import NotebookError
from leadlib.notebooks import Found, Notebook, chromium, found_by, to_html, to_ipynb, to_marimo, to_pdf
from leadlib.places import Places
from leadlib.proof import Facts
from leadlib.ui.downloads import others_words
from leadlib.ui.pinned import words_by_day
from leadlib.ui.text import plain
from leadlib.ui.view import View

_LONGEST_WAIT_S = 60.0


def draw(view: View, notebook: Notebook, link: str) -> None:
    """A button per format. `link` is the address that opens the notebook as it stands in the file."""
    plain("Or take it along as a file:", tone="normal")
    browser = chromium()

    def code(make: Callable[[Notebook, Facts, list[Found]], str]) -> str:
        return make(notebook, _facts(view, link), _found(view, notebook))

    makers: dict[str, tuple[str, str, Callable[[], str | bytes]]] = {
        "Web page, to read and print": ("html", "text/html", lambda: _page(view, notebook, link)),
        **(
            {"PDF": ("pdf", "application/pdf", lambda: to_pdf(_page(view, notebook, link), browser))}
            if browser is not None
            else {}
        ),
        "Jupyter": (
            "ipynb",
            "application/x-ipynb+json",
            lambda: code(to_ipynb),
        ),
        "marimo": ("py", "text/x-python", lambda: code(to_marimo)),
    }
    with st.container(horizontal=True):
        for label, (ending, mime, make) in makers.items():
            st.download_button(
                label, _in_turn(view.engine.files, make), file_name=f"{notebook.name}.{ending}", mime=mime,
                key=f"notebook_as_{ending}", on_click="ignore", icon=":material/download:",
            )  # fmt: skip
    if others := others_words(view.engine.files):
        plain(others)
    plain(
        "The web page and the PDF hold the numbers as they are now; a PDF takes a few seconds to make."
        if browser is not None
        else "The web page holds the numbers as they are now. For a PDF, print it: it is laid out for paper."
    )
    plain("Jupyter and marimo files ask for them whenever they run, where leadlib and this store are.")


def _in_turn(files: Places, make: Callable[[], str | bytes]) -> Callable[[], str | bytes]:
    """`make`, which waits for its turn beside all other downloads."""

    def wait_and_make() -> str | bytes:
        with files.line_up() as turn:
            if not turn.wait(_LONGEST_WAIT_S):
                raise NotebookError("Other files are still being made. Ask for this one again in a moment.")
            return make()

    return wait_and_make


def _page(view: View, notebook: Notebook, link: str) -> str:
    day_notes = words_by_day(view.store)
    return to_html(notebook, _facts(view, link), _found(view, notebook), view.vocabulary.names, day_notes)


def _found(view: View, notebook: Notebook) -> list[Found]:
    with_sql = view.engine.settings.sql_cells and view.access.may_use_sql
    return found_by(view.store, notebook, view.filters, with_sql=with_sql)


def _facts(view: View, link: str) -> Facts:
    return Facts.of(view.store, view.filters, view.sentence, link)
