"""How long a page waits for the store, and when nobody waits any more: the session has run anew, or is closed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

from streamlit.runtime.scriptrunner_utils.script_requests import (
    ScriptRequests,
    ScriptRequestType,
    _fragment_run_should_not_preempt_script,
)
from streamlit.runtime.scriptrunner_utils.script_run_context import RunLocation, ThreadState, get_script_run_ctx

from leadlib.store import ENDLESS, Patience

_OF_A_REQUEST: ContextVar[Patience | None] = ContextVar("patience", default=None)


def patience_of_pages(seconds: int) -> Callable[[], Patience]:
    """A function that gives the patience of the thread it is called in; 0 `seconds` are as many as it takes.

    A page waits so long for each answer, and no longer than until its session runs anew or is closed. What runs
    outside of pages waits as long as it takes, or as `waiting` says.
    """

    def of_this_thread() -> Patience:
        if (given := _OF_A_REQUEST.get()) is not None:
            return given
        run = get_script_run_ctx(suppress_warning=True)
        if run is None:
            return ENDLESS
        limit = float(seconds) if seconds else None
        # What a click has begun to do is done to its end: it may be half way through when the next click comes.
        if run.script_requests is None or ThreadState.get().run_location is RunLocation.CALLBACK:
            return Patience(limit)
        return Patience(limit, partial(_is_over, run.script_requests), run.yield_check)

    return of_this_thread


@contextmanager
def waiting(patience: Patience) -> Iterator[None]:
    """Meanwhile this is the patience of the code that runs in this context, for what is not a page."""
    token = _OF_A_REQUEST.set(patience)
    try:
        yield
    finally:
        _OF_A_REQUEST.reset(token)


def _is_over(requests: ScriptRequests) -> bool:
    """True if Streamlit will end this run at its next step: it has no public way to look before one is made.

    The same conditions as in its `on_scriptrunner_yield`, which would take the request away.
    """
    if requests._state is ScriptRequestType.RERUN:
        asked = requests._rerun_data
        return not _fragment_run_should_not_preempt_script(asked.fragment_id_queue, asked.is_fragment_scoped_rerun)
    return requests._state is ScriptRequestType.STOP
