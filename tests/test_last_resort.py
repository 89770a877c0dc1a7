"""S15: whatever fails on a page, a viewer sees that it did, a code, and nothing of how."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit
from streamlit.testing.v1 import AppTest

from leadlib.ui.engine import get_engine

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
CANARY = "Test Sender One, +971500000001"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppTest]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADLIB_DATABASE", str(tmp_path_factory.mktemp("store")))
        patch.setenv("LEADLIB_SYNC_MINUTES", "0")
        yield AppTest.from_file(str(ROOT / "leadlib" / "ui" / "shell.py"), default_timeout=60).run()
        get_engine.clear()


@pytest.mark.parametrize("page", PAGES)
def test_a_bug_in_a_page_shows_a_code_that_the_log_has_and_no_trace(
    app: AppTest, page: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(streamlit, "title", fail)
    with caplog.at_level(logging.ERROR, "leadlib"):
        app.switch_page(f"../../pages/{page}.py").run()
    assert not app.exception
    assert [error.value for error in app.error] == ["**This page failed on an error of its own**"]
    shown = " ".join([*(one.body for one in app.get("html")), *(one.value for one in [*app.markdown, *app.warning])])
    code = re.search(r"the code ([0-9a-f]{8})", shown)
    assert code is not None
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("leadlib.ui.shell", f"a page failed, code {code[1]}")
    ]
    for trace in (CANARY, "Test Sender", "RuntimeError", "Traceback", ".py", 'File "'):
        assert trace not in shown, trace
