"""The open notebook as a file: made when somebody clicks, from the state of the data at that moment."""

from collections.abc import Callable

import streamlit as st

from leadlib.notebooks import Facts, Notebook, chromium, found_by, to_html, to_ipynb, to_marimo, to_pdf
from leadlib.ui.pinned import words_by_day
from leadlib.ui.text import plain
from leadlib.ui.view import View


def draw(view: View, notebook: Notebook, link: str) -> None:
    """A button per format. `link` is the address that opens the notebook as it stands in the file."""
    plain("Or take it along as a file:", tone="normal")
    browser = chromium()
    makers: dict[str, tuple[str, str, Callable[[], str | bytes]]] = {
        "Web page, to read and print": ("html", "text/html", lambda: _page(view, notebook, link)),
        **(
            {"PDF": ("pdf", "application/pdf", lambda: to_pdf(_page(view, notebook, link), browser))}
            if browser is not None
            else {}
        ),
        "Jupyter": ("ipynb", "application/x-ipynb+json", lambda: to_ipynb(notebook, view.filters, _facts(view, link))),
        "marimo": ("py", "text/x-python", lambda: to_marimo(notebook, view.filters, _facts(view, link))),
    }
    with st.container(horizontal=True):
        for label, (ending, mime, make) in makers.items():
            st.download_button(
                label, make, file_name=f"{notebook.name}.{ending}", mime=mime, key=f"notebook_as_{ending}",
                on_click="ignore", icon=":material/download:",
            )  # fmt: skip
    plain(
        "The web page and the PDF hold the numbers as they are now; a PDF takes a few seconds to make."
        if browser is not None
        else "The web page holds the numbers as they are now. For a PDF, print it: it is laid out for paper."
    )
    plain("Jupyter and marimo files ask for them whenever they run, where leadlib and this store are.")


def _page(view: View, notebook: Notebook, link: str) -> str:
    engine = view.engine
    found = found_by(engine.store, notebook, view.filters, with_sql=engine.settings.sql_cells)
    return to_html(notebook, _facts(view, link), found, view.vocabulary.names, words_by_day(engine))


def _facts(view: View, link: str) -> Facts:
    store = view.engine.store
    return Facts(store.portal, store.as_of(), store.timezone, view.sentence, link)
