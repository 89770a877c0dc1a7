"""Figures in files: each says where it comes from, and is held against itself and the store."""

import csv
import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from leadlib.cli.verify import run
from leadlib.config import SANDBOX_PORTAL
from leadlib.errors import UnprovenError
from leadlib.filters import Filters, describe
from leadlib.metrics import compute
from leadlib.notebooks import (
    MetricCell,
    Notebook,
    SqlCell,
    TextCell,
    found_by,
    read_notebook,
    to_html,
    to_ipynb,
    to_marimo,
)
from leadlib.proof import (
    AnswerVerdict,
    Facts,
    answer_about,
    answer_to_csv,
    answer_to_json,
    link_of,
    read_answer,
    sql_about,
    sum_of,
    verify_answer,
)
from leadlib.sql_cells import run_sql
from leadlib.store import Store
from tests.conftest import at, make_lead

SEEN = at("2026-09-20 10:00")
CALLS = Filters.of({"type": ["call"]})
NOTEBOOK = Notebook(
    "mine",
    "Mine </script> é",
    (
        TextCell("Words\n# leadlight: {}\n</script>"),
        MetricCell("leads", "week", show="line"),
        MetricCell("replied_within", "channel", Filters(), options=(("within", 15),)),
        SqlCell("-- Stages\nselect stage, count(*) as n, avg(length(lead_id)) as m from filtered_leads group by 1"),
        SqlCell("drop table leads"),
    ),
)
MAKERS: dict[str, Callable[..., str]] = {
    "html": lambda facts, found: to_html(NOTEBOOK, facts, found),
    "ipynb": lambda facts, found: to_ipynb(NOTEBOOK, facts, found),
    "py": lambda facts, found: to_marimo(NOTEBOOK, facts, found),
}


def fill(store: Store) -> Store:
    """Twelve leads, six of them calls."""
    rows = [make_lead(str(n), f"2026-09-{n + 1:02}T06:00:00Z", channel="call" if n % 2 else "chat") for n in range(12)]
    store.write_leads(rows, observed_at=SEEN)
    store.publish()
    return store


@pytest.fixture
def leads(store: Store) -> Store:
    return fill(store)


def more(store: Store) -> None:
    store.write_leads([make_lead("new", "2026-09-02T06:00:00Z", channel="call")], observed_at=at("2026-09-21 10:00"))
    store.publish()


def written(store: Store, path: Path, name: str = "leads", by: str | None = "channel", **options: Any) -> Path:
    frame = compute(name, store, CALLS, by, **options)
    facts = Facts.of(store, CALLS, describe(CALLS), link_of(CALLS))
    about = answer_about(facts, name, by, options, frame)
    path.write_text((answer_to_csv if path.suffix == ".csv" else answer_to_json)(frame, about), encoding="utf-8")
    return path


def verdict_on(store: Store, path: Path) -> AnswerVerdict:
    file = read_answer(path)
    assert file is not None
    return verify_answer(store, file)


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_an_answer_matches_the_store_that_gave_it(leads: Store, tmp_path: Path, ending: str) -> None:
    for name, by, options in (
        ("leads", "channel", {}),
        ("breakdown", "agent", {}),
        ("volume", None, {"grain": "week"}),
        ("replied_within", "channel", {"clock": "working", "within": 1_440}),
        ("replied_within", None, {"clock": "wall"}),
        ("badges", None, {}),
    ):
        verdict = verdict_on(leads, written(leads, tmp_path / f"a.{ending}", name, by, **options))
        assert verdict.is_match, (name, verdict)
        assert (verdict.settings, verdict.has_other_rules, verdict.as_of) == ((), False, SEEN)
    nobody = Filters.of({"type": ["telegram"]})
    facts = Facts.of(leads, nobody, "Channel telegram", "/")
    empty = compute("breakdown", leads, nobody, "channel")
    about = answer_about(facts, "breakdown", "channel", {}, empty)
    path = tmp_path / f"b.{ending}"
    path.write_text((answer_to_csv if ending == "csv" else answer_to_json)(empty, about))
    assert len(empty) == 0
    assert verdict_on(leads, path).is_match


def test_the_rows_of_a_statement_in_sql_match_until_they_are_others(leads: Store, tmp_path: Path) -> None:
    statement = (
        '-- Odd texts\nselect channel as "=a", count(*) as n, avg(length(lead_id)) as m, max(created_at) as newest,\n'
        "chr(13) || ',\"' || repeat('x', 135000) as t, true as is_so, null as nothing from filtered_leads group by 1"
    )
    frame = run_sql(leads.folder, statement, CALLS).frame
    facts = Facts.of(leads, CALLS, describe(CALLS), link_of(CALLS))
    path = tmp_path / "rows.csv"
    path.write_text(answer_to_csv(frame, sql_about(facts, statement, frame)), encoding="utf-8", newline="")
    verdict = verdict_on(leads, path)
    assert (verdict.is_match, verdict.n_rows, verdict.facts["sql"]) == (True, 1, statement)
    file = read_answer(path)
    assert file is not None
    with pytest.raises(UnprovenError, match="switched off"):
        verify_answer(leads, file, with_sql=False)
    more(leads)
    verdict = verdict_on(leads, path)
    assert (verdict.is_altered, verdict.is_match, verdict.columns["n"]) == (False, False, 1)
    path.write_text(path.read_text(encoding="utf-8").replace("call,6", "call,7"), encoding="utf-8", newline="")
    assert verdict_on(leads, path).is_altered


def test_an_answer_carries_its_facts(leads: Store, tmp_path: Path) -> None:
    path = written(leads, tmp_path / "a.json", "volume", None, grain="week", clock="wall")
    about = json.loads(path.read_text(encoding="utf-8"))["about"]
    assert about["filters"] == ["type=call"]
    assert about["restore_link"] == "/?v=1&type=call"
    assert about["as_of"] == "2026-09-20T14:00:00+04:00"
    assert (about["time_zone"], about["asked"], about["options"]) == ("Asia/Dubai", "volume", ["grain=week"])
    assert "LEADLIB_SLA_MINUTES=60" in about["settings"]
    assert (about["n_rows"], len(about["rows_sha256"])) == (3, 64)
    (name,) = [
        one for one in next(csv.reader(written(leads, tmp_path / "a.csv").read_text().splitlines())) if "?" in one
    ]
    assert "rows_sha256=" in name
    assert "restore_link=" in name


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_a_figure_that_was_changed_is_an_alteration(leads: Store, tmp_path: Path, ending: str) -> None:
    path = written(leads, tmp_path / f"a.{ending}")
    text = path.read_text(encoding="utf-8")
    changed = text.replace(",6,", ",7,", 1) if ending == "csv" else text.replace('"leads": 6', '"leads": 7', 1)
    assert changed != text
    path.write_text(changed, encoding="utf-8")
    verdict = verdict_on(leads, path)
    assert verdict.is_altered
    assert not verdict.is_match
    assert (verdict.n_lost, verdict.n_new, dict(verdict.columns)) == (1, 1, {"leads": 1})


def test_a_store_that_has_moved_on_is_no_alteration(leads: Store, tmp_path: Path) -> None:
    path = written(leads, tmp_path / "a.csv")
    more(leads)
    verdict = verdict_on(leads, path)
    assert not verdict.is_altered
    assert (verdict.is_match, dict(verdict.columns)) == (False, {"leads": 1})


def test_a_setting_that_has_changed_since_is_named(leads: Store, tmp_path: Path) -> None:
    path = written(leads, tmp_path / "a.csv")
    leads.sla_minutes = 30
    assert verdict_on(leads, path).settings == ("LEADLIB_SLA_MINUTES was 60 and is 30",)


def test_what_is_no_answer_or_of_another_portal_is_not_verified_as_one(leads: Store, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("lead_id,leadlight?portal=x\n1,\n")
    assert read_answer(other) is None
    assert read_notebook(other) is None
    path = written(leads, tmp_path / "a.json")
    for old, new, words in (
        (f'"portal": "{leads.portal}"', '"portal": "elsewhere"', "elsewhere"),
        ("Asia/Dubai", "Asia/Riyadh", "LEADLIB_TIMEZONE"),
        ('"asked": "leads"', '"asked": "nonsense"', "does not know"),
    ):
        path.write_text(written(leads, path).read_text().replace(old, new))
        with pytest.raises(UnprovenError, match=words):
            verdict_on(leads, path)


def test_a_hash_depends_on_every_cell_and_on_neither_order_nor_the_last_digit() -> None:
    frame = pd.DataFrame({"a": ["x", "y"], "b": [0.1 + 0.2, 5.0], "c": [pd.NaT, pd.Timestamp("2026-09-01", tz="UTC")]})
    assert sum_of(frame) == sum_of(frame.iloc[::-1]) == sum_of(frame.assign(b=[0.3, 5]))
    others = [frame.assign(a=["x", "z"]), frame.assign(b=[0.3, 5.1]), frame.rename(columns={"a": "d"}), frame.head(1)]
    assert len({sum_of(one).sha256 for one in [frame, *others]}) == 5


# Notebooks


def notebook_file(store: Store, path: Path, *, with_sql: bool = True) -> Path:
    found = found_by(store, NOTEBOOK, CALLS, with_sql=with_sql)
    facts = Facts.of(store, CALLS, "Channel call </script>", "http://localhost/notebook?v=1")
    path.write_text(MAKERS[path.suffix[1:]](facts, found), encoding="utf-8")
    return path


def test_a_notebook_matches_the_store_that_gave_it_and_names_what_differs_later(
    open_store: Callable[..., Store],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LEADLIB_DATABASE", str(tmp_path / "store"))
    leads = fill(open_store(portal=SANDBOX_PORTAL))
    path = notebook_file(leads, tmp_path / "n.html")
    assert run(Namespace(file=path)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Match: the file is as it was written, and the store gives the same figures today.",
        "  Cell 2, Leads, by week: match, 2\u00a0rows",
        "  Cell 3, Replied within, by channel, within 15 min: match, 2\u00a0rows",
        "  Cell 4, Stages: match, 1\u00a0row",
        "  Cell 5, SQL: match, no answer",
    ]
    more(leads)
    assert run(Namespace(file=path)) == 1
    said = capsys.readouterr().out
    assert said.startswith("The file is as it was written, and the store gives other figures today.")
    assert "Cell 2, Leads, by week: differs: 2\u00a0rows then and today, and other figures." in said
    assert "Cell 4, Stages: differs: 1\u00a0row then and today, and other figures." in said


def test_every_kind_of_notebook_file_says_the_same_of_itself(leads: Store, tmp_path: Path) -> None:
    told = []
    found = found_by(leads, NOTEBOOK, CALLS, with_sql=False)
    facts = Facts.of(leads, CALLS, "Channel call </script>", "http://localhost/notebook?v=1")
    for ending, make in MAKERS.items():
        path = tmp_path / f"n.{ending}"
        path.write_text(make(facts, found), encoding="utf-8")
        file = read_notebook(path)
        assert file is not None
        assert not file.is_altered
        told.append({name: fact for name, fact in file.told.items() if name != "file_sha256"})
    assert told[0] == told[1] == told[2]
    assert told[0]["filters"] == ["type=call"]
    assert told[0]["restore_link"] == "http://localhost/notebook?v=1"
    assert [one and one["n_rows"] for one in told[0]["results"]] == [None, 2, 2, None, None]


@pytest.mark.parametrize(
    ("ending", "old", "new"),
    [
        ("html", '<td class="n">', '<td class="n">9'),
        ("html", "</h1>", "!</h1>"),
        ("ipynb", "by='week'", "by='day'"),
        ("py", "by='week'", "by='day'"),
        ("html", '"type=call"', '"type=chat"'),
        ("ipynb", '"type=call"', '"type=chat"'),
        ("py", '"type=call"', '"type=chat"'),
    ],
)
def test_a_notebook_that_was_changed_is_altered(leads: Store, tmp_path: Path, ending: str, old: str, new: str) -> None:
    path = notebook_file(leads, tmp_path / f"n.{ending}", with_sql=False)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    altered = read_notebook(path)
    assert altered is not None
    assert altered.is_altered


def test_a_jupyter_file_that_was_run_and_saved_is_the_same_file(leads: Store, tmp_path: Path) -> None:
    path = notebook_file(leads, tmp_path / "n.ipynb", with_sql=False)
    whole = json.loads(path.read_text(encoding="utf-8"))
    for cell in whole["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell |= {"execution_count": 3, "outputs": [{"output_type": "stream", "name": "stdout", "text": ["1"]}]}
    path.write_text(json.dumps(whole, indent=2), encoding="utf-8")
    again = read_notebook(path)
    assert again is not None
    assert not again.is_altered


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("n.pdf", b"%PDF-1.4", "Take the web page"),
        ("n.pdf", b"%PDF-1.4\n1 0 obj\n<</Type /Leadlight /Length 9>>\nstream\n{", "damaged"),
        ("n.html", b"<!doctype html><html>", "does not say what it answers"),
        ("n.ipynb", b'{"nbformat": 4, "metadata": {}, "cells": []}', "does not say what it answers"),
        ("n.ipynb", b'{"nbformat": 4', "damaged"),
        ("n.py", b"import marimo", "does not say what it answers"),
    ],
)
def test_a_notebook_that_cannot_be_checked_says_why(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnprovenError, match=words):
        read_notebook(path)
