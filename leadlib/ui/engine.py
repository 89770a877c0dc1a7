"""The one Engine of this server process, who asks, and cached answers from what they see of its store."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from leadlib.access import LOCAL, Access
from leadlib.config import load_settings
from leadlib.engine import Engine
from leadlib.errors import AccessError, LeadlibError, SlowQueryError
from leadlib.filters import Filters
from leadlib.metrics import without_small_groups
from leadlib.store import Store
from leadlib.ui import sign_in
from leadlib.ui.patience import patience_of_pages
from leadlib.worker import Wish

_SLOW_FOR_S = 10.0
"""For so long a question that took too long is not asked again: many may have waited for the same answer."""


def _close(engine: Engine) -> None:
    engine.close()


@st.cache_resource(show_spinner=False, on_release=_close)
def get_engine() -> Engine:
    """The engine, opened with its worker at the first call of the process. Raises SettingsError or StoreError.

    A failure is not cached: after the setting or the folder is mended, a reload of the page tries again.
    """
    settings, providers = load_settings(), sign_in.load_providers()
    sign_in.check(settings, providers)
    engine = Engine.open(settings, providers)
    engine.store.set_patience(patience_of_pages(settings.query_seconds))
    engine.worker.start()
    return engine


def is_sandbox() -> bool:
    """True if the leads are planted ones; False too where no engine can be opened, which the page itself explains."""
    try:
        return get_engine().is_sandbox
    except LeadlibError:
        return False


def has_sign_in() -> bool:
    """True if people sign in here; False too where no engine can be opened."""
    try:
        return bool(get_engine().providers)
    except LeadlibError:
        return False


def current_access() -> Access:
    """What whoever this run is for may see and do, looked up anew at each call. Raises AccessError if nothing."""
    engine = get_engine()
    if not engine.providers:
        return LOCAL
    return access_by(engine, sign_in.claims_now(), sign_in.guest_key_now())


def access_by(engine: Engine, claims: Mapping[str, object], guest_key: str) -> Access:
    """What somebody may with these claims of the provider and this key of a guest link; the sign-in counts first.

    Raises AccessError if nothing.
    """
    people, now = engine.settings.people, datetime.now(UTC)
    try:
        return sign_in.access_of(claims, people, now)
    except AccessError as refused:
        guest = sign_in.guest_access_of(engine.store.guest_links.opened_by(guest_key), people, now)
        if guest is not None:
            return guest
        if guest_key and refused.reason in {"signed_out", "expired"}:
            raise AccessError(
                "link_ended",
                "This guest link shows nothing any more: it has expired, somebody has ended it, or it was never made. "
                "Ask whoever sent it for a new one. Who works here can sign in.",
            ) from None
        raise


def may(right: str) -> bool:
    """True if whoever this run is for has a right of leadlib.access.RIGHTS, also in a callback, which runs first."""
    try:
        return bool(getattr(current_access(), right))
    except AccessError:
        return False


def author() -> str:
    """Who a text is by if they do not say: whoever has signed in, without the domain."""
    return current_access().email.partition("@")[0] or "local"


def request_sync(engine: Engine, wish: Wish) -> None:
    """For a button's on_click: asks the worker for a sync, if whoever clicks may."""
    if may("may_sync"):
        engine.worker.request(wish)


def load(question: Callable[..., pd.DataFrame], filters: Filters, **arguments: str | int | bool | None) -> pd.DataFrame:
    """The frame of `question(store, filters, **arguments)` over what whoever asks may see.

    Computed once per state of the data, for all who may see the same. Raises SlowQueryError, which says what was slow.
    """
    access = current_access()
    store = get_engine().store_for(access)
    key = (
        f"{question.__module__}.{question.__qualname__}",
        filters.selected,
        tuple(sorted(arguments.items())),
        store.data_version,
        access.key,
    )
    answer = _load(*key, _question=question, _store=store)
    if isinstance(answer, _Slow) and time.monotonic() > answer.until_s:
        _load.clear(*key)
        answer = _load(*key, _question=question, _store=store)
    if isinstance(answer, _Slow):
        raise answer.error
    # pandas copies when somebody writes, so nobody changes what others see; a cache of data would copy at each use.
    frame = answer.copy(deep=False)
    return frame if access.shared is None else without_small_groups(frame)


@dataclass(frozen=True)
class _Slow:
    """What there is in place of an answer that took too long."""

    error: SlowQueryError
    until_s: float


@st.cache_resource(max_entries=512, show_spinner=False)
def _load(
    name: str,  # with data_version and access_key, what a cached answer is told apart by
    selected: tuple[tuple[str, tuple[str, ...]], ...],
    arguments: tuple[tuple[str, str | int | bool | None], ...],
    data_version: int,
    access_key: str,
    _question: Callable[..., pd.DataFrame],
    _store: Store,
) -> pd.DataFrame | _Slow:
    try:
        return _question(_store, Filters(selected), **dict(arguments))
    except SlowQueryError as slow:
        what = re.split(r"[:.;]", (_question.__doc__ or name).partition("\n")[0])[0]
        error = SlowQueryError(
            f"“{what}” was not answered in time and was stopped, so that nobody else has to wait for it. Choose fewer "
            "days, or narrow another filter in the sidebar. Where many people ask at once, it can help to try again in "
            "a moment.",
            slow.path,
        )
        return _Slow(error, time.monotonic() + _SLOW_FOR_S)
