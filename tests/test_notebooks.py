"""Notebooks: to JSON and back, what a metric cell answers, and how versions are kept."""

import json
import math
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlib import charts
from leadlib.charts.day_notes import with_day_notes
from leadlib.config import Settings
from leadlib.engine import Engine
from leadlib.errors import NotebookConflictError, NotebookError
from leadlib.filters import Filters
from leadlib.formats import MISSING_TEXT
from leadlib.metrics import METRICS, compute, groups_of, metric_named, options_of
from leadlib.notebooks import (
    BUILTIN,
    SHOWS,
    Cell,
    MetricCell,
    SqlCell,
    TextCell,
    answer,
    cells_from_json,
    cells_to_json,
    is_name,
    marks_of,
    name_of,
    options_told,
    parts_words,
    shown_as,
    shows_of,
    sql_marks_of,
    sql_number_of,
    sql_shown_as,
    sql_title_of,
    table_of,
    title_of,
    value_words,
    without_images,
)
from leadlib.store import Person, Store, restore_backup
from tests.conftest import DUBAI, at, make_lead

ALL = Filters()
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60)


@st.composite
def metric_cells(draw: st.DrawFn) -> MetricCell:
    metric = draw(st.sampled_from(METRICS)).key
    by = draw(st.sampled_from([None, *groups_of(metric)]))
    filters = draw(st.sampled_from([None, ALL, Filters.of({"type": ["call", "chat"], "from": ["2026-05-31"]})]))
    options = {name: draw(st.sampled_from(choice.values)) for name, choice in options_of(metric, by).items()}
    return MetricCell(metric, by, filters, draw(st.sampled_from(SHOWS)), options_told(metric, by, options))


METRIC_CELLS = metric_cells()

SQL_CELLS = st.builds(SqlCell, TEXTS, st.sampled_from(SHOWS))


def save(store: Store, name: str = "n", after: int = 0, words: str = "Hello", author: str = "Mona") -> int:
    cells = cells_to_json([TextCell(words)])
    return store.words.save_notebook(name, after=after, title=f"Title of {words}", author=author, cells=cells).version


@given(st.lists(st.one_of(st.builds(TextCell, TEXTS), METRIC_CELLS, SQL_CELLS), max_size=6))
def test_cells_come_back_from_json_as_they_were(cells: list[Cell]) -> None:
    assert cells_from_json(cells_to_json(cells)) == tuple(cells)


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        ({"kind": "python", "code": "1"}, "Cell 1: There is no kind of cell “python”."),
        ({"kind": "text"}, "“markdown” is missing"),
        ({"kind": "text", "markdown": "a", "colour": "red"}, "“colour” is not known"),
        ({"kind": "text", "markdown": 5}, "“markdown” has to be a text"),
        ({"kind": "text", "markdown": "a" * 20_001}, "at most 20,000"),
        ({"kind": "text", "markdown": "a\x00b"}, "cannot be kept"),
        ({"kind": "text", "markdown": "\ud800"}, "cannot be kept"),
        ({"metric": "lead"}, "Did you mean “leads”?"),
        ({"by": "colour"}, "“leads” is not told by “colour”"),
        ({"by": ["day"]}, "is not told by"),
        ({"show": "pie"}, "“pie” is no form"),
        ({"filters": {"typ": ["call"]}}, "There is no filter “typ”"),
        ({"filters": {"from": ["soon"]}}, "is not a day"),
        ({"filters": {"type": "call"}}, "lists of texts"),
        ({"filters": []}, "has to be null"),
        ({"kind": "sql", "sql": "select 1"}, "“show” is missing"),
        ({"kind": "sql", "sql": None, "show": "table"}, "“sql” has to be a text"),
        ({"options": {"grain": "week"}}, "does not take “grain” here"),
        ({"options": ["week"]}, "a value by the name"),
        ({"metric": "replied_within", "by": "channel", "options": {"within": 7}}, "is no within"),
        ({"metric": "replied_within", "options": {"clock": True}}, "is no clock"),
        ("leads", "has to be an object"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_reason(cell: object, complaint: str) -> None:
    if isinstance(cell, dict) and "kind" not in cell:
        cell = {"kind": "metric", "metric": "leads", "by": None, "filters": None, "show": "number", **cell}
    with pytest.raises(NotebookError, match="Cell 1: ") as refused:
        cells_from_json(json.dumps({"format": 1, "cells": [cell]}))
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"cells": []}',
        '{"format": 2, "cells": []}',
        '{"format": true, "cells": []}',
        '{"format": 1, "cells": {}}',
        '{"format": 1, "cells": [], "more": 1}',
        json.dumps({"format": 1, "cells": [{"kind": "text", "markdown": ""}] * 101}),
        "[" * 100_000,
    ],
)
def test_what_is_no_notebook_is_refused_whole(text: str) -> None:
    with pytest.raises(NotebookError):
        cells_from_json(text)


def test_a_title_becomes_a_name_that_a_link_can_carry() -> None:
    assert name_of("Monday review") == "monday-review"
    assert name_of("  Q3 / Palm & Marina!  ") == "q3-palm-marina"
    assert name_of("مراجعة الاثنين") == "مراجعة-الاثنين"
    assert len(name_of("x" * 300)) == 80
    for title in ("", " ", "!?", "---"):
        with pytest.raises(NotebookError):
            name_of(title)
    assert not any(map(is_name, ("", "a b", "a/b", "../a", "<b>", "x" * 81)))


def test_pictures_become_links_so_that_nothing_is_loaded_from_elsewhere() -> None:
    assert without_images("![a](https://x.example/p.png)") == "[a](https://x.example/p.png)"
    assert without_images("!!![a][b]") == "[a][b]"
    assert without_images("Well done! [1]") == "Well done! [1]"


@given(TEXTS.map(lambda text: f"{text}![x](https://x.example/p.png){text}"))
def test_no_text_keeps_the_beginning_of_a_picture(text: str) -> None:
    assert "![" not in without_images(text)


def test_metric_cells_answer_what_the_command_line_answers(store: Store) -> None:
    """Three leads of two channels: two responded long ago, one call without an answer."""
    store.write_leads(
        [
            make_lead("a", "2026-09-01T06:00:00Z", status="replied"),
            make_lead("b", "2026-09-02T06:00:00Z", status="replied"),
            make_lead("c", "2026-09-08T06:00:00Z", channel="call"),
        ],
        observed_at=at("2026-09-10 10:00"),
    )
    frame = answer(store, ALL, "leads", "channel")
    pd.testing.assert_frame_equal(frame, compute("leads", store, ALL, "channel"))
    table = table_of(frame, "leads", DUBAI).frame
    assert table.to_dict("records") == [{"Name": "WhatsApp", "Leads": 2}, {"Name": "Call", "Leads": 1}]
    marks = marks_of(answer(store, ALL, "leads", "week"), "leads", "week", date(2026, 9, 10))
    assert marks["name"].tolist() == ["Week of 31\u00a0Aug\u00a02026", "Week of 7\u00a0Sep\u00a02026"]
    assert marks["label"].tolist() == [date(2026, 8, 31), date(2026, 9, 7)]
    assert marks["value"].tolist() == [2, 1]
    assert marks["is_open"].tolist() == [False, True]  # the week of the 7th ends on the 13th
    figure = charts.plot_table(marks, "line", what="Leads")
    assert list(figure.data[0].y) == [2, 1]
    noted = with_day_notes(figure, {date(2026, 9, 1): ["Campaign"], date(2026, 10, 1): ["Later"]})
    assert noted == ["1: 1\u00a0Sep\u00a02026 – Campaign"]
    said = charts.table_takeaway(marks_of(frame, "leads", "channel"), "bar", "Leads")
    assert said == "Leads: most for WhatsApp, 2; least for Call, 1."


def test_a_rate_of_a_cell_keeps_its_parts_its_interval_and_its_refusal(store: Store) -> None:
    """Six leads matured, three responded: 50 % of 6. By channel four and two: below five, no rate."""
    leads = [
        make_lead(f"{n}", "2026-09-01T06:00:00Z", status=status, channel=channel)
        for n, (status, channel) in enumerate(
            [("replied", "whatsapp")] * 3 + [("sent", "whatsapp")] + [("sent", "call")] * 2
        )
    ]
    store.write_leads(leads, observed_at=at("2026-09-10 10:00"))
    row = answer(store, ALL, "response_rate").iloc[0].to_dict()
    metric = metric_named("response_rate")
    assert (value_words(row, metric), parts_words(row, metric)) == ("50.0\u00a0%", "3 of 6")
    grouped = answer(store, ALL, "response_rate", "channel")
    table = table_of(grouped, "response_rate", DUBAI).frame
    assert table["Note"].tolist() == ["too few leads", "too few leads"]
    assert table[metric.label].isna().all()
    marks = marks_of(grouped, "response_rate", "channel")
    assert marks["value"].isna().all()
    assert "no figure that may be shown" in charts.plot_table(marks, "bar", what="Rate").layout.annotations[0].text
    assert charts.table_takeaway(marks, "bar", "Rate") == "Rate: none of the rows has a figure that may be shown."


def test_a_form_that_does_not_fit_is_a_table_with_the_reason(store: Store) -> None:
    store.write_leads([make_lead("a"), make_lead("b", channel="call")], observed_at=at("2026-09-17 10:00"))
    frame = answer(store, ALL, "leads", "channel")
    assert shown_as("bar", frame, "leads") == ("bar", "")
    assert shown_as("number", frame, "leads")[0] == "table"
    assert "2\u00a0rows" in shown_as("number", frame, "leads")[1]
    assert shown_as("line", answer(store, ALL, "verdict"), "verdict")[0] == "table"
    assert shows_of("leads", None)[0] == "number"
    assert shows_of("leads", "week")[0] == "line"
    assert title_of(MetricCell("leads", "week")) == "Leads, by week"


def test_a_cell_asks_its_metric_on_a_clock_within_an_age_and_per_week(store: Store) -> None:
    store.write_leads(
        [make_lead(str(n), f"2026-09-{n + 1:02}T06:00:00Z") for n in range(9)], observed_at=at("2026-09-10 10:00")
    )
    weekly = MetricCell("repeat_leads", options=(("grain", "week"),))
    frame = answer(store, ALL, weekly.metric, **weekly.asked)
    pd.testing.assert_frame_equal(frame, compute("repeat_leads", store, ALL, grain="week"))
    assert title_of(weekly).endswith(", per week")
    marks = marks_of(frame, "repeat_leads", None, date(2026, 9, 10), weekly.grain)
    assert list(marks["name"]) == ["Week of 31\u00a0Aug\u00a02026", "Week of 7\u00a0Sep\u00a02026"]
    assert list(marks["is_open"]) == [False, True]
    quick = MetricCell("replied_within", "channel", options=(("clock", "working"), ("within", 15)))
    frame = answer(store, ALL, quick.metric, quick.by, **quick.asked)
    assert set(frame["age_min"]) == {15}
    assert set(frame["clock"]) == {"working"}
    assert title_of(quick) == "Replied within, by channel, within 15 min, on the working clock"
    # Which age is asked for goes without saying where each has a row, and changes nothing of how long replies take.
    assert set(options_of("replied_within")) == set(options_of("median_reply_min", "agent")) == {"clock"}
    assert options_of("leads", "week") == {}
    assert options_told("replied_within", "channel", {"clock": "wall", "within": 15, "grain": "week"}) == (
        ("within", 15),
    )


def test_a_notebook_that_was_saved_before_cells_had_options_opens() -> None:
    cell = {"kind": "metric", "metric": "replied_within", "by": "channel", "filters": None, "show": "bar"}
    assert cells_from_json(json.dumps({"format": 1, "cells": [cell]})) == (
        MetricCell("replied_within", "channel", show="bar"),
    )
    assert "options" not in cells_to_json([MetricCell("replied_within", "channel")])


def test_rows_of_sql_are_drawn_by_the_kinds_of_their_columns() -> None:
    by_day = pd.DataFrame({"day": [date(2026, 9, 1), date(2026, 9, 2)], "calls": [1, 2], "chats": [3.5, math.nan]})
    marks = sql_marks_of(by_day)
    assert marks[["label", "group", "value", "text"]].fillna(-1).to_numpy().tolist() == [
        [date(2026, 9, 1), "calls", 1, "1"],
        [date(2026, 9, 2), "calls", 2, "2"],
        [date(2026, 9, 1), "chats", 3.5, "3.50"],
        [date(2026, 9, 2), "chats", -1, "–"],
    ]
    assert marks["name"].iloc[0] == "1\u00a0Sep\u00a02026"
    assert sql_marks_of(pd.DataFrame({"n": [7, 8]}))[["name", "value"]].to_numpy().tolist() == [["1", 7], ["2", 8]]
    hours = sql_marks_of(pd.DataFrame({"hour": [0, 1], "leads": [5, 6]}))  # a number may be what a row is about
    assert hours[["name", "value"]].to_numpy().tolist() == [["0", 5], ["1", 6]]
    assert sql_shown_as("bar", pd.DataFrame({"a": ["x"]}))[0] == "table"
    assert sql_shown_as("number", by_day)[0] == "table"
    assert sql_shown_as("number", by_day.head(1)) == ("number", "")
    assert sql_number_of(by_day.head(1)) == ("calls", "1")
    assert sql_shown_as("line", by_day.head(0)) == ("line", "")
    assert charts.table_takeaway(sql_marks_of(by_day.head(0)), "line", "N") == "N: no rows."


def test_a_comment_in_the_first_line_is_the_title_of_a_sql_cell() -> None:
    assert sql_title_of(SqlCell("-- Leads by hour\nselect 1")) == "Leads by hour"
    assert [sql_title_of(SqlCell(sql)) for sql in ("", "select 1", "--\nselect 1")] == ["SQL"] * 3


def test_lines_of_more_than_one_group_and_numbers_below_nothing_are_drawn() -> None:
    rows = [("a", "x", 1.0), ("b", "x", -2.0), ("a", "y", 3.0), ("b", "y", math.nan)]
    marks = pd.DataFrame(
        [(label, label, group, value, math.nan, math.nan, str(value), False) for label, group, value in rows],
        columns=["label", "name", "group", "value", "low", "high", "text", "is_open"],
    )
    lines = charts.plot_table(marks, "line", what="N").data
    assert [(line.name, list(line.y)) for line in lines] == [("x", [1.0, -2.0]), ("y", [3.0, None])]
    bars = charts.plot_table(marks, "bar", what="N")
    assert [value for value in bars.data[1].x if not math.isnan(value)] == [1.0, 3.0]
    assert charts.table_takeaway(marks.iloc[:1], "bar", "N") == "N, a, x: 1.0."


def test_every_kind_of_metric_reads_as_table_chart_and_words(store: Store) -> None:
    """Of an empty store, and of one with leads where it can be grouped: one metric of each question and unit."""
    kinds = {(metric.question, metric.unit): metric for metric in METRICS}
    for n_leads in (0, 4):
        leads = [make_lead(str(n), f"2026-09-0{n + 1}T06:00:00Z", channel="chat") for n in range(n_leads)]
        store.write_leads(leads, observed_at=at("2026-09-07 10:00"))
        for metric in kinds.values():
            for by in groups_of(metric.key)[-1:] if n_leads and groups_of(metric.key) else [None]:
                frame = answer(store, ALL, metric.key, by)
                assert metric.key in frame, (metric.key, by)
                table = table_of(frame, metric.key, DUBAI).frame
                assert metric.label in table.columns, (metric.key, by)
                marks = marks_of(frame, metric.key, by, date(2026, 9, 7))
                assert len(marks) == len(table), (metric.key, by)
                assert charts.table_takeaway(marks, "bar", metric.label).endswith(".")


@pytest.mark.parametrize("notebook", BUILTIN, ids=lambda notebook: notebook.name)
def test_built_in_notebooks_are_read_again_and_answer_on_an_empty_store(notebook, store: Store) -> None:  # type: ignore[no-untyped-def]
    assert is_name(notebook.name)
    assert notebook.name == name_of(notebook.title)
    assert cells_from_json(cells_to_json(notebook.cells)) == notebook.cells
    cells = [cell for cell in notebook.cells if isinstance(cell, MetricCell)]
    assert len(cells) > 8
    for cell in cells:
        # What is offered for it in the editor is what it is shown as.
        assert cell.show in shows_of(cell.metric, cell.by), cell
        assert isinstance(answer(store, ALL, cell.metric, cell.by), pd.DataFrame)


def test_each_save_is_a_version_and_none_is_ever_changed(store: Store) -> None:
    assert store.words.notebooks() == []
    assert store.words.notebook("n") is None
    assert [save(store), save(store, after=1, words="Again"), save(store, "other")] == [1, 2, 1]
    assert [(one.name, one.version) for one in store.words.notebooks()] == [("other", 1), ("n", 2)]
    newest, first = store.words.notebook("n"), store.words.notebook("n", 1)
    assert newest is not None
    assert first is not None
    assert cells_from_json(newest.cells) == (TextCell("Again"),)
    assert (cells_from_json(first.cells), first.title, first.author) == ((TextCell("Hello"),), "Title of Hello", "Mona")
    assert newest.saved_at > first.saved_at
    assert store.words.notebook("n", 3) is None


def test_who_saves_on_an_older_version_is_told_and_loses_nothing(store: Store) -> None:
    save(store)
    save(store, after=1, author="Omar")
    with pytest.raises(NotebookConflictError, match="Omar has saved version 2") as refused:
        save(store, after=1)
    assert refused.value.newest == 2
    with pytest.raises(NotebookConflictError, match="version 0"):
        save(store, "new", after=4)
    assert [one.version for one in store.words.notebook_versions("n")] == [2, 1]


def test_a_deleted_notebook_leaves_the_list_and_can_come_back(store: Store) -> None:
    save(store)
    store.words.delete_notebook("n", after=1, author="Omar")
    assert store.words.notebooks() == []
    assert store.words.notebook("n") is None
    assert [(one.version, one.is_deleted, one.author) for one in store.words.notebook_versions("n")] == [
        (2, True, "Omar"),
        (1, False, "Mona"),
    ]
    save(store, after=2, words="Back")
    assert [one.title for one in store.words.notebooks()] == ["Title of Back"]


def test_saving_a_notebook_leaves_the_answers_of_the_leads_as_they_are(store: Store) -> None:
    before = store.data_version
    save(store)
    assert store.data_version == before


@pytest.mark.embedded(reason="a backup is restored into a folder, and from there into a lake: test_migrate.py")
def test_a_backup_brings_notebooks_back(store: Store, tmp_path: Path) -> None:
    save(store)
    save(store, after=1, words="Again")
    store.back_up(tmp_path / "backup")
    restore_backup(tmp_path / "backup", tmp_path / "restored")
    with Store.open(tmp_path / "restored", timezone=DUBAI, portal="test") as restored:
        assert restored.words.notebook_versions("n") == store.words.notebook_versions("n")


@pytest.mark.embedded(reason="damages the files")
@pytest.mark.parametrize(("damage", "left"), [("bit", {"copied", "later"}), ("end", {"copied"}), ("gone", {"copied"})])
def test_notebooks_survive_the_repair_of_a_damaged_file(tmp_path: Path, damage: str, left: set[str]) -> None:
    """One was saved before the daily copy, one after it: that comes back too where the file can be read in part."""
    folder = tmp_path / "store"
    with Store.open(folder, timezone=DUBAI, portal="test") as store:
        store.write_leads([make_lead(str(n)) for n in range(20)], observed_at=at("2026-09-17 10:00"))
        save(store, "copied")
        store.copy_personal()
        save(store, "later")
    path = folder / "personal.duckdb"
    content = bytearray(path.read_bytes())
    path.unlink()
    if damage == "bit":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "end":
        path.write_bytes(content[:-1])
    with Store.open(folder, timezone=DUBAI, portal="test") as mended:
        assert {one.name for one in mended.words.notebooks()} == left
        assert [alarm.kind for alarm in mended.alarms()] == ["restored"]
        assert save(mended, "copied", after=1) == 2


def test_notebooks_are_in_no_published_generation(store: Store) -> None:
    save(store)
    store.publish()
    names = [path.name for path in (store.folder / "generations").rglob("*")]
    assert names
    assert not any("notebooks" in name for name in names)


def test_a_person_who_is_erased_is_erased_from_notebooks_too(open_store: Callable[..., Store]) -> None:
    store = open_store()
    save(store, "named", words="Call +971 50 123 4567 back")
    save(store, "other", words="Call 50 123 45 back")
    erased = store.erase(Person(phones=("+971501234567",)), "test")
    assert erased.n_notebooks == 1
    assert [one.name for one in store.words.notebooks()] == ["other"]


def test_a_saved_notebook_is_copied_for_repairs_without_waiting_for_the_day(tmp_path: Path) -> None:
    with Engine.open(Settings(database=tmp_path / "store", sync_minutes=0)) as engine:
        engine.keep_store()
        before = engine.store.personal_copied_at()
        engine.keep_store()
        assert engine.store.personal_copied_at() == before
        save(engine.store)
        engine.keep_store()
        assert engine.store.personal_copied_at() > before


def test_a_verdict_that_is_missing_is_a_dash_and_no_word() -> None:
    assert value_words({"verdict": math.nan}, metric_named("verdict")) == MISSING_TEXT
    assert value_words({"verdict": None}, metric_named("verdict")) == MISSING_TEXT
