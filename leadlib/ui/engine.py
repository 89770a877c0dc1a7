"""The one Engine of this server process, and cached answers from its store."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from leadlib.config import load_settings
from leadlib.engine import Engine
from leadlib.errors import LeadlibError
from leadlib.filters import Filters


def _close(engine: Engine) -> None:
    engine.close()


@st.cache_resource(show_spinner=False, on_release=_close)
def get_engine() -> Engine:
    """The engine, opened with its worker at the first call of the process. Raises SettingsError or StoreError.

    A failure is not cached: after the setting or the folder is mended, a reload of the page tries again.
    """
    engine = Engine.open(load_settings())
    engine.worker.start()
    return engine


def is_sandbox() -> bool:
    """True if the leads are planted ones; False too where no engine can be opened, which the page itself explains."""
    try:
        return get_engine().is_sandbox
    except LeadlibError:
        return False


def load(question: Callable[..., pd.DataFrame], filters: Filters, **arguments: str | int | bool | None) -> pd.DataFrame:
    """The frame of `question(store, filters, **arguments)`, computed once per state of the data, for all viewers."""
    store = get_engine().store
    frame = _load(
        f"{question.__module__}.{question.__qualname__}",
        filters.selected,
        tuple(sorted(arguments.items())),
        store.data_version,
        _question=question,
    )
    # pandas copies when somebody writes, so nobody changes what others see; a cache of data would copy at each use.
    return frame.copy(deep=False)


@st.cache_resource(max_entries=512, show_spinner=False)
def _load(
    name: str,  # with data_version, what a cached answer is told apart by
    selected: tuple[tuple[str, tuple[str, ...]], ...],
    arguments: tuple[tuple[str, str | int | bool | None], ...],
    data_version: int,
    _question: Callable[..., pd.DataFrame],
) -> pd.DataFrame:
    return _question(get_engine().store, Filters(selected), **dict(arguments))
