"""What goes wrong: settings, keys, portals, arguments and stores, and the exit code of each."""

import os
from collections.abc import Callable

import pytest

from tests.cli.conftest import Done, Install, Installation


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        pytest.param({"LEADLIB_API_KEY": "WRONG.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, 3, "credentials", id="key"),
        pytest.param({"LEADLIB_API_DIALECT": "klingon"}, 2, "must be one of auto, filter, flat", id="dialect"),
        pytest.param({"LEADLIB_API_KEZ": "x"}, 2, "Did you mean LEADLIB_API_KEY?", id="setting"),
        pytest.param({"LEADLIB_API_SECRET": ""}, 2, "LEADLIB_API_SECRET is empty", id="empty"),
    ],
)
def test_settings_that_do_not_work_end_with_their_code(
    plain: Installation, settings: dict[str, str], code: int, words: str
) -> None:
    done = Installation(plain.folder, plain.server, settings).run("sync")
    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("command", ["check", "sync"])
def test_key_without_the_scope_is_refused(troubled: dict[str, Callable[[], Done]], command: str) -> None:
    done = troubled[f"no-scope {command}"]()
    assert (done.code, done.out) == (3, "")
    assert "leads:read" in done.err


def test_portal_that_is_down_cannot_be_reached(troubled: dict[str, Callable[[], Done]]) -> None:
    done = troubled["down"]()
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("The portal cannot be reached. ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["sync", "--filter", "tpye=call"], "Did you mean “type”?", id="filter"),
        pytest.param(["sync", "--filter", "type"], "is not NAME=VALUE", id="no-value"),
        pytest.param(["sync", "--since", "tomorrow"], "is not a day. Write it as 2026-05-31", id="since"),
        pytest.param(["sync", "--full", "--since", "2026-11-01"], "leave out", id="full-since"),
        pytest.param(["sync", "--believe-missing", "--since", "2026-11-01"], "leave out", id="believe-since"),
        pytest.param(["metrics", "leads", "--filter", "from=31.05.2026"], "is not a day", id="day"),
        pytest.param(["metrics", "leads", "--filter", "from=2026-05-01", "--filter", "from=2026-05-02"], "one day",
                     id="two-days"),
        pytest.param(["metrics", "leads", "--filter", "agent=Maya"], "it is a whole number", id="agent"),
        pytest.param(["metrics", "laeds"], "Did you mean “leads”?", id="metric"),
        pytest.param(["metrics", "leads", "--by", "chanel"], "Did you mean “channel”?", id="group"),
        pytest.param(["metrics", "leads", "--grain", "year"], "invalid choice", id="grain"),
        pytest.param(["export", "--format", "cvs", "--output", "x.csv"], "Did you mean “csv”?", id="format"),
        pytest.param(["export", "--format", "csv", "--output", "no/such/folder/x.csv"], "no folder", id="folder"),
        pytest.param(["export", "--format", "csv", "--output", "tests"], "is a folder", id="output"),
        pytest.param(["sandbox", "--dialect", "klingon"], "invalid choice", id="dialect"),
        pytest.param(["sandbox", "--fault", "earthquake"], "known are rate-limit", id="fault"),
        pytest.param(["sandbox", "--port", "65536"], "not a whole number from 0 to 65535", id="port"),
        pytest.param(["frobnicate"], "invalid choice", id="command"),
        pytest.param([], "required", id="nothing"),
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense_end_with_2(plain: Installation, arguments: list[str], words: str) -> None:
    assert plain.server is not None
    before = plain.server.calls.copy()
    done = plain.run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert plain.server.calls == before


@pytest.mark.embedded(reason="finds something else in the place of the files")
def test_database_that_is_none_cannot_be_opened(install: Install) -> None:
    installation = install({})
    (installation.folder / "store").mkdir()
    (installation.folder / "store" / "leads.duckdb").write_bytes(b"not a database" * 1_000)
    done = installation.run("metrics", "leads")
    assert (done.code, done.out) == (5, "")
    assert done.err.startswith("The store cannot be opened. ")


def test_store_that_the_app_holds_is_left_alone(install: Install) -> None:
    installation = install({})
    with installation.store():
        done = installation.run("metrics", "leads")
    assert (done.code, done.out) == (5, "")
    assert done.err.startswith("The store is in use. ")
    assert str(os.getpid()) in done.err
