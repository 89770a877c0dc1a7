"""The commands that call the portal: sync and check."""

import json
import os
import re
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.cli.conftest import DUBAI, NOW, Done, Install, Installation, obeys_ctrl_c, on_unix


def test_sync_stores_exactly_the_leads_that_the_portal_shows(synced: Installation) -> None:
    assert synced.server is not None
    assert synced.lead_ids() == synced.server.truth.lead_ids(NOW)


def test_second_sync_of_a_portal_that_stands_still_changes_nothing(synced: Installation) -> None:
    done = synced.run("sync", "--full", "--json")
    assert done.code == 0
    counts = {name: done.json[name] for name in ("new", "changed", "rejected", "uncertain")}
    assert counts == {"new": 0, "changed": 0, "rejected": 0, "uncertain": 0}
    assert done.json["read"] == done.json["unchanged"] == len(synced.lead_ids())


def test_sync_tells_in_a_sentence_what_it_did(sample: Installation) -> None:
    done = sample.run("sync", "--full")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Nothing has changed: ")
    assert done.out.count("\n") == 1


def test_sync_of_one_view_stores_its_leads_and_no_others(install: Install) -> None:
    installation = install({})
    assert installation.server is not None
    done = installation.run("sync", "--since", "2026-11-01", "--filter", "type=call", "--filter", "type=chat", "--json")
    assert (done.code, done.json["kind"]) == (0, "view")
    assert installation.lead_ids() == {
        lead.id
        for lead in installation.server.truth.visible(NOW)
        if lead.channel in {"call", "chat"} and lead.created_at >= datetime(2026, 11, 1, tzinfo=DUBAI)
    }


def test_sync_meets_rows_that_are_no_leads(troubled: dict[str, Callable[[], Done]]) -> None:
    done = troubled["odd-rows"]()
    assert (done.code, done.json["outcome"]) == (1, "uncertain")
    assert done.json["rejected"] > 0
    assert done.json["read"] > 900


def test_sync_that_cannot_be_certain_says_so(troubled: dict[str, Callable[[], Done]]) -> None:
    done = troubled["wrong-total"]()
    assert done.code == 1
    assert "not certain to be complete" in done.out
    assert "The next sync reads the stretch again." in done.err


@on_unix
def test_progress_is_drawn_on_a_terminal_only_and_leaves_nothing_behind(install: Install) -> None:
    installation = install({})
    terminal, its_end = os.openpty()
    process = installation.start("sync", "--json", stderr=its_end)
    os.close(its_end)
    assert process.stdout is not None
    drawn = b""
    try:
        while piece := os.read(terminal, 65_536):
            drawn += piece
    except OSError:
        pass  # Linux tells the end of a terminal like this
    os.close(terminal)
    out = process.stdout.read()
    process.stdout.close()
    assert process.wait(30) == 0
    assert json.loads(out)["outcome"] == "complete"
    text = drawn.decode()
    assert re.search(r"reading leads \[#+\.*\] \d+ of \d+", text)
    assert text.endswith("\r")
    assert not text.rstrip("\r").rpartition("\r")[2].strip()


@on_unix
def test_interrupted_sync_keeps_what_it_has_and_goes_on_later(install: Install) -> None:
    installation = install({"latency_s": 0.15})
    assert installation.server is not None
    process = installation.start("sync", preexec_fn=obeys_ctrl_c)
    deadline_s = time.monotonic() + 20
    while installation.server.calls["/v1/leads"] < 12 and time.monotonic() < deadline_s:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    done = installation.ended(process)
    assert (done.code, done.out, done.err) == (130, "", "Stopped.\n")
    with installation.store() as store:
        assert list(store.query("select outcome from syncs")["outcome"]) == ["failed"]


def test_without_credentials_the_built_in_sandbox_is_read(install: Install) -> None:
    done = install().run("sync", "--since", f"{datetime.now(DUBAI):%Y-%m-%d}", "--json")
    assert done.code == 0
    assert "No credentials are set: reading the built-in sandbox" in done.err
    assert done.json["outcome"] == "complete"


# Check


@pytest.mark.parametrize(
    ("dialect", "answer"), [pytest.param("filter", "no", id="filter"), pytest.param("flat", "yes", id="flat")]
)
def test_check_tells_what_the_portal_can_do(install: Install, dialect: str, answer: str) -> None:
    installation = install({"dialect": dialect})
    assert installation.server is not None
    done = installation.run("check")
    facts = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in done.out.splitlines())
    age = datetime.now(UTC) - NOW
    assert done.code == 0
    assert facts.pop("Portal's clock").endswith("behind ours" if age.total_seconds() > 2 else "ours")
    assert int(facts.pop("Leads since then")) == pytest.approx(len(installation.server.truth.visible(NOW)), abs=3)
    assert facts == {
        "Portal": installation.server.url,
        "Token": "accepted, and may read leads (leads:read)",
        "Dialect": dialect,
        "Oldest accepted day": "23 Aug 2026 (Asia/Dubai)".replace(" ", "\u00a0", 2),
        "createdAtTo bounds": answer,
        "orderBy sorts": answer,
    }
    assert not (installation.folder / "store").exists()


def test_check_without_credentials_looks_at_the_built_in_sandbox(install: Install) -> None:
    done = install().run("check")
    assert done.code == 0
    assert "built-in sandbox (no credentials are set)" in done.out
    assert "agrees with ours" in done.out
