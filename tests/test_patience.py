"""Statements that take too long, or that nobody waits for any more, are stopped; those of others go on."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from streamlit.runtime.scriptrunner import RerunData, add_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests
from streamlit.runtime.scriptrunner_utils.script_run_context import RunLocation, ScriptRunContext, ThreadState
from streamlit.testing.v1 import AppTest

from leadlib.errors import QueryStoppedError, SlowQueryError, StoreError
from leadlib.filters import Filters
from leadlib.metrics import summary
from leadlib.metrics.queries import remembered
from leadlib.store import ENDLESS, Patience, Store
from leadlib.ui.engine import get_engine, load
from leadlib.ui.patience import patience_of_pages, waiting
from tests.conftest import at, make_lead, set_app_settings
from tests.slow_stores import NEVER_ENDING, make_slow_store
from tests.test_screens import SHELL, texts

LONGEST_S = 30.0


@pytest.fixture
def slow_app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Settings of an app whose page Data health asks what is never answered."""
    set_app_settings(monkeypatch, tmp_path)
    make_slow_store(tmp_path / "store")
    yield
    get_engine.clear()


class Asking(threading.Thread):
    """A thread that asks the store what is never answered, until it is stopped."""

    def __init__(self, store: Store, patience: Callable[[], Patience]) -> None:
        super().__init__(daemon=True)
        self._store = store
        self._patience = patience
        self.raised: StoreError | None = None

    def run(self) -> None:
        self._store.set_patience(self._patience)
        try:
            self._store.query(NEVER_ENDING)
        except StoreError as error:
            self.raised = error


def test_a_question_that_takes_too_long_is_stopped_and_says_what_to_do(store: Store) -> None:
    store.set_patience(lambda: Patience(seconds=0.2))
    with pytest.raises(SlowQueryError, match=r"not answered within 0\.2 s .* Ask for fewer days"):
        store.query(NEVER_ENDING)


def test_the_answer_of_the_next_question_comes_as_if_nothing_had_been(store: Store) -> None:
    store.set_patience(lambda: Patience(seconds=0.2))
    with pytest.raises(SlowQueryError):
        store.query(NEVER_ENDING)
    store.set_patience(lambda: ENDLESS)
    assert store.query("select 42 as n")["n"].tolist() == [42]


def test_a_stream_of_rows_is_stopped_too(store: Store) -> None:
    store.set_patience(lambda: Patience(seconds=0.2))
    with pytest.raises(SlowQueryError):
        list(store.batches(NEVER_ENDING, {}))


def test_whoever_is_gone_has_their_question_stopped_and_leaves_in_their_own_way(store: Store) -> None:
    is_gone, left = threading.Event(), []
    asking = Asking(store, lambda: Patience(is_gone=is_gone.is_set, leave=lambda: left.append("left")))
    asking.start()
    is_gone.set()
    asking.join(LONGEST_S)
    assert isinstance(asking.raised, QueryStoppedError)
    assert left == ["left"]


def test_others_are_answered_and_can_write_while_a_question_never_ends(store: Store) -> None:
    is_gone = threading.Event()
    asking = Asking(store, lambda: Patience(is_gone=is_gone.is_set))
    asking.start()
    store.write_leads([make_lead("one")], observed_at=at("2026-10-01 09:00"))
    n_leads = int(summary(store, Filters())["leads"].iloc[0])
    is_still_asking = asking.is_alive()
    is_gone.set()
    asking.join(LONGEST_S)
    assert (n_leads, is_still_asking, asking.is_alive()) == (1, True, False)


def test_what_is_no_page_waits_as_long_as_it_takes() -> None:
    assert patience_of_pages(20)() is ENDLESS


def test_what_is_no_page_waits_as_its_code_says() -> None:
    given = Patience(seconds=3)
    with waiting(given):
        assert patience_of_pages(20)() is given
    assert patience_of_pages(20)() is ENDLESS


class TestRun:
    """The patience of one run of a page's script, under Streamlit's own bookkeeping of what is asked of the run."""

    @pytest.fixture
    def requests(self) -> ScriptRequests:
        requests = ScriptRequests()
        requests.request_rerun(RerunData())
        requests.on_scriptrunner_ready()  # the run has begun
        return requests

    def of_run(
        self, requests: ScriptRequests, seconds: int = 20, location: RunLocation = RunLocation.MAIN_SCRIPT
    ) -> Patience:
        """What a thread is ready to wait that Streamlit has given such a run."""
        told: list[Patience] = []

        def run() -> None:
            ThreadState.initialize(run_location=location)
            told.append(patience_of_pages(seconds)())

        context = ScriptRunContext("s", print, "", None, None, "", {}, None, None, script_requests=requests)  # type: ignore[arg-type]
        thread = threading.Thread(target=run)
        add_script_run_ctx(thread, context)
        thread.start()
        thread.join()
        return told[0]

    def test_waits_while_nothing_else_is_asked_of_it(self, requests: ScriptRequests) -> None:
        patience = self.of_run(requests)
        assert (patience.seconds, patience.is_gone()) == (20.0, False)

    def test_has_no_limit_where_the_setting_is_0(self, requests: ScriptRequests) -> None:
        assert self.of_run(requests, seconds=0).seconds is None

    def test_is_over_when_the_session_runs_anew(self, requests: ScriptRequests) -> None:
        patience = self.of_run(requests)
        requests.request_rerun(RerunData())
        assert patience.is_gone()

    def test_is_over_when_the_session_is_closed(self, requests: ScriptRequests) -> None:
        patience = self.of_run(requests)
        requests.request_stop()
        assert patience.is_gone()

    def test_goes_on_when_a_part_of_the_page_redraws_itself(self, requests: ScriptRequests) -> None:
        patience = self.of_run(requests)
        requests.request_rerun(RerunData(fragment_id="the line with the age of the data"))
        assert not patience.is_gone()

    def test_goes_on_to_the_end_of_what_a_click_has_begun(self, requests: ScriptRequests) -> None:
        patience = self.of_run(requests, location=RunLocation.CALLBACK)
        requests.request_rerun(RerunData())
        assert not patience.is_gone()


def never_answered(store: Store, _: Filters) -> pd.DataFrame:
    """Pairs of numbers: as many as there are."""
    return store.query(NEVER_ENDING)


def test_many_who_wait_for_one_slow_answer_are_told_at_once_and_do_not_stand_in_line(slow_app: None) -> None:
    """Each would otherwise ask it anew after the one before, and the last of fifty wait for minutes."""
    get_engine().store.set_patience(lambda: Patience(seconds=1.0))
    asked: list[str] = []

    def ask() -> None:
        try:
            load(never_answered, Filters())
        except SlowQueryError as slow:
            asked.append(str(slow))

    threads = [threading.Thread(target=ask) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)  # one after the other they would take thirty seconds
    assert len(asked) == 30
    assert set(asked) == {asked[0]}
    assert asked[0].startswith("“Pairs of numbers” was not answered in time")


def test_what_was_slow_once_is_asked_again_after_a_while(slow_app: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadlib.ui.engine._SLOW_FOR_S", 0.0)
    get_engine().store.set_patience(lambda: Patience(seconds=0.2))
    sql = [NEVER_ENDING, "select 42 as n"]

    def slow_once(store: Store, _: Filters) -> pd.DataFrame:
        """A number."""
        return store.query(sql.pop(0))

    with pytest.raises(SlowQueryError, match="“A number” was not answered"):
        load(slow_once, Filters())
    get_engine().store.set_patience(lambda: ENDLESS)
    assert load(slow_once, Filters())["n"].tolist() == [42]


def test_the_page_says_what_was_slow_and_what_helps(slow_app: None) -> None:
    app = AppTest.from_file(str(SHELL), default_timeout=60).run()
    assert [title.value for title in app.title] == ["Overview"]
    get_engine().store.set_patience(patience_of_pages(2))
    app.switch_page("../../pages/health.py").run()
    assert not app.exception
    assert [error.value for error in app.error] == ["**This took too long**"]
    assert "“Fields that no document of the API has” was not answered in time and was stopped" in texts(app)
    assert "narrow another filter in the sidebar" in texts(app)
    assert [button.label for button in app.button if button.key == "again_after_slow"] == ["Try again"]


def test_of_many_who_ask_the_same_at_once_one_makes_the_answer_and_the_others_get_it(store: Store) -> None:
    made: list[str] = []
    may_end = threading.Event()

    def make() -> str:
        made.append("once")
        may_end.wait(LONGEST_S)
        return "the answer"

    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(remembered(store, "key", make))) for _ in range(8)]
    for thread in threads:
        thread.start()
    may_end.set()
    for thread in threads:
        thread.join(LONGEST_S)
    assert (made, answers) == (["once"], ["the answer"] * 8)


def test_whoever_waits_for_the_answer_of_another_can_leave(store: Store) -> None:
    may_end, has_begun = threading.Event(), threading.Event()

    def make() -> str:
        has_begun.set()
        may_end.wait(LONGEST_S)
        return "the answer"

    maker = threading.Thread(target=lambda: remembered(store, "key", make))
    maker.start()
    has_begun.wait(LONGEST_S)
    store.set_patience(lambda: Patience(is_gone=lambda: True))
    with pytest.raises(QueryStoppedError):
        remembered(store, "key", make)
    may_end.set()
    maker.join(LONGEST_S)
