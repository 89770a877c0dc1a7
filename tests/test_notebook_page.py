"""The notebook's page, run in this process: built-in ones, a copy changed and saved, versions, links."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from leadlib.filters import Filters
from leadlib.formats import MISSING_TEXT
from leadlib.metrics import compute, metric_named
from leadlib.notebooks import (
    BUILTIN,
    MetricCell,
    Show,
    SqlCell,
    TextCell,
    cells_from_json,
    cells_to_json,
    title_of,
    value_words,
)
from leadlib.store import Store
from leadlib.ui.engine import get_engine
from leadlib.ui.text import literal
from tests.conftest import at, make_lead
from tests.test_screens import open_app, texts

CALLS = Filters.of({"type": ["call"]})


@pytest.fixture(autouse=True)
def leads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Store]:
    """The store of a sandbox that is not read: forty leads of two channels and ten days, half of them responded."""
    monkeypatch.setenv("LEADLIB_DATABASE", str(tmp_path / "data"))
    monkeypatch.setenv("LEADLIB_API_URL", "http://localhost:9")
    monkeypatch.setenv("LEADLIB_API_KEY", "key")
    monkeypatch.setenv("LEADLIB_API_SECRET", "secret")
    monkeypatch.setenv("LEADLIB_SYNC_MINUTES", "0")
    store = get_engine().store
    store.write_leads(
        [
            make_lead(
                str(n),
                f"2026-09-{n % 10 + 1:02}T06:00:00Z",
                channel="call" if n % 4 == 0 else "whatsapp",
                status="replied" if n % 2 else "sent",
            )
            for n in range(40)
        ],
        observed_at=at("2026-09-20 10:00"),
    )
    yield store
    get_engine.clear()


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def choice(app: AppTest) -> Selectbox:
    return next(box for box in app.selectbox if box.label == "Notebook")


def cards(app: AppTest) -> dict[str, str]:
    return {card.label: card.value for card in app.metric}


def shown(cell: MetricCell, filters: Filters, store: Store) -> str:
    """The number of a cell, from the function that the command line calls."""
    frame = compute(cell.metric, store, cell.filters or filters, cell.by)
    return MISSING_TEXT if frame.empty else value_words(frame.iloc[0].to_dict(), metric_named(cell.metric))


def copy_of(name: str = "monday-review", **query: str) -> AppTest:
    app = open_app("notebook", notebook=name, **query)
    press(app, "Make a copy")
    return app


@pytest.mark.parametrize("notebook", BUILTIN, ids=lambda notebook: notebook.name)
def test_a_built_in_notebook_shows_the_numbers_of_the_command_line(notebook, leads: Store) -> None:  # type: ignore[no-untyped-def]
    app = open_app("notebook", notebook=notebook.name, type="call")
    assert not app.error
    assert not app.warning
    numbers = [cell for cell in notebook.cells if isinstance(cell, MetricCell) and cell.show == "number"]
    assert cards(app) == {title_of(cell): shown(cell, CALLS, leads) for cell in numbers}
    titles = {header.value for header in app.header}
    assert {literal(title_of(c)) for c in notebook.cells if isinstance(c, MetricCell) and c.show != "number"} <= titles
    assert "Edit" not in [button.label for button in app.button]


@pytest.mark.parametrize("notebook", BUILTIN, ids=lambda notebook: notebook.name)
def test_a_built_in_notebook_stands_where_no_lead_is_left(notebook) -> None:  # type: ignore[no-untyped-def]
    app = open_app("notebook", notebook=notebook.name, type="telegram")
    assert not app.error
    assert cards(app)["Leads"] == "0"


def test_a_copy_is_changed_saved_and_opened_by_its_link_under_other_filters(leads: Store) -> None:
    app = copy_of()
    assert any("Unsaved changes" in block.value for block in app.markdown)
    app.text_input(key="title_monday-review-copy_0").set_value("Calls & chats").run()
    app.text_input(key="notebook_author_asked").set_value("Mona").run()
    press(app, "Add text")
    app.text_area[-1].set_value("## Look here\n\n![x](https://x.example/p.png)").run()
    press(app, "Save")
    assert [block.value for block in app.success] == ["Saved as version 1."]
    assert app.query_params["notebook"] in ("calls-chats", ["calls-chats"])
    saved = leads.words.notebook("calls-chats")
    assert saved is not None
    assert (saved.title, saved.author) == ("Calls & chats", "Mona")
    assert len(cells_from_json(saved.cells)) == len(BUILTIN[0].cells) + 1
    colleague = open_app("notebook", notebook="calls-chats", type="call")
    assert colleague.title[0].value == literal("Calls & chats")
    assert cards(colleague)["Leads"] == "10"
    assert "## Look here\n\n[x](https://x.example/p.png)" in [block.value for block in colleague.markdown]
    assert "Version 1, saved by Mona" in texts(colleague)


def test_cells_are_moved_doubled_and_taken_out() -> None:
    app = copy_of()
    begun = list(BUILTIN[0].cells)
    ids = [piece.id for piece in app.session_state["notebook_drafts"]["monday-review-copy"].pieces]

    def now() -> list[object]:
        return list(app.session_state["notebook_drafts"]["monday-review-copy"].cells)

    app.button(key=f"down_{ids[0]}").click().run()
    assert now() == [begun[1], begun[0], *begun[2:]]
    app.button(key=f"up_{ids[0]}").click().run()
    app.button(key=f"twice_{ids[1]}").click().run()
    assert now() == [*begun[:2], begun[1], *begun[2:]]
    app.button(key=f"out_{ids[1]}").click().run()
    assert now() == begun
    assert not app.exception


def test_a_metric_takes_the_filters_of_the_moment_for_its_own(leads: Store) -> None:
    app = open_app("notebook", type="call")
    press(app, "New notebook")
    press(app, "Add a metric")
    (piece,) = app.session_state["notebook_drafts"]["new-notebook"].pieces
    app.selectbox(key=f"by_{piece.id}").set_value("").run()
    app.button_group(key=f"whose_{piece.id}").set_value("Own ones").run()
    app.multiselect(key="filter_type").set_value([]).run()
    (cell,) = app.session_state["notebook_drafts"]["new-notebook"].cells
    assert cell == MetricCell("leads", None, CALLS, "number")
    assert cards(app)["Leads"] == "10"
    app.selectbox(key=f"metric_{piece.id}").set_value("verdict").run()
    (cell,) = app.session_state["notebook_drafts"]["new-notebook"].cells
    assert cell == MetricCell("verdict", None, CALLS, "table")


def saved_sql(store: Store, sql: str, show: Show = "table") -> None:
    store.publish()
    cells = cells_to_json([SqlCell(sql, show)])
    store.words.save_notebook("sql", after=0, title="SQL", author="Mona", cells=cells)


def test_a_metric_takes_the_clock_and_the_age_that_its_question_takes(leads: Store) -> None:
    cells = cells_to_json([MetricCell("replied_within", show="table")])
    leads.words.save_notebook("quick", after=0, title="Quick", author="Mona", cells=cells)
    app = open_app("notebook", notebook="quick")
    press(app, "Edit")
    boxes = {box.label: box for box in app.selectbox}
    assert "Clock" in boxes
    assert not {"Grain", "In time is within"} & set(boxes)
    boxes["Grouped"].select("channel").run()
    next(box for box in app.selectbox if box.label == "In time is within").select("15").run()
    next(box for box in app.selectbox if box.label == "Clock").select("working").run()
    title = "Replied within, by channel, within 15 min, on the working clock"
    assert literal(title) in [head.value for head in app.header]
    press(app, "Save")
    saved = leads.words.notebook("quick")
    assert saved is not None
    (cell,) = cells_from_json(saved.cells)
    assert isinstance(cell, MetricCell)
    assert cell.asked == {"within": 15, "clock": "working"}
    press(app, "Edit")
    next(box for box in app.selectbox if box.label == "Metric").select("leads").run()
    assert not {"Clock", "In time is within"} & {box.label for box in app.selectbox}
    assert not app.exception


def test_a_sql_cell_answers_under_the_filters_of_the_page(leads: Store) -> None:
    saved_sql(leads, "-- Leads by channel\nselect channel, count(*) as leads from filtered_leads group by 1 order by 1")
    app = open_app("notebook", notebook="sql")
    assert [header.value for header in app.header] == ["Leads by channel"]
    assert app.dataframe[-1].value.to_dict("records") == [
        {"channel": "call", "leads": 10},
        {"channel": "whatsapp", "leads": 30},
    ]
    app.multiselect(key="filter_type").set_value(["call"]).run()
    assert app.dataframe[-1].value.to_dict("records") == [{"channel": "call", "leads": 10}]


def test_a_sql_cell_that_fails_names_its_line_and_the_others_go_on(leads: Store) -> None:
    leads.publish()
    cells = cells_to_json(
        [SqlCell("select channel,\n  colour\nfrom leads"), SqlCell("select count(*) as n from leads", "number")]
    )
    leads.words.save_notebook("sql", after=0, title="SQL", author="Mona", cells=cells)
    app = open_app("notebook", notebook="sql")
    assert "This cell has no answer" in app.warning[0].value
    assert "Line 2: " in texts(app)
    assert "  colour" in [block.value for block in app.code]
    assert cards(app) == {"n": "40"}
    press(app, "Run again")


def test_a_sql_cell_is_added_and_changed(leads: Store) -> None:
    leads.publish()
    app = open_app("notebook")
    press(app, "New notebook")
    press(app, "Add SQL")
    assert app.dataframe[-1].value["leads"].tolist() == [30, 10]
    app.text_area[0].set_value("select 40 + 2 as answer").run()
    assert app.dataframe[-1].value.to_dict("records") == [{"answer": 42}]
    (cell,) = app.session_state["notebook_drafts"]["new-notebook"].cells
    assert cell == SqlCell("select 40 + 2 as answer", "table")
    assert [button.proto.label for button in app.get("download_button")][-1] == "These rows as CSV"
    press(app, "Add SQL")
    tables = [box for box in app.selectbox if box.label == "Relation"]
    tables[1].select("leads").run()
    assert [box.value for box in app.selectbox if box.label == "Relation"] == ["filtered_leads", "leads"]
    assert not app.exception


def test_sql_that_is_switched_off_is_neither_run_nor_offered(leads: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    saved_sql(leads, "select 1 as one")
    monkeypatch.setenv("LEADLIB_SQL_CELLS", "off")
    get_engine.clear()
    app = open_app("notebook", notebook="sql")
    assert "SQL cells are switched off in this installation" in texts(app)
    assert not app.dataframe
    press(app, "Edit")
    assert "Add SQL" not in [button.label for button in app.button]


def test_a_pdf_is_offered_where_there_is_a_browser_and_else_the_way_to_print_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    app = open_app("notebook")
    assert "PDF" not in [button.proto.label for button in app.get("download_button")]
    assert "For a PDF, print it" in texts(app)
    (tmp_path / "chromium").touch(mode=0o755)
    app = open_app("notebook")
    assert "PDF" in [button.proto.label for button in app.get("download_button")]
    assert "For a PDF, print it" not in texts(app)


def test_unsaved_changes_outlast_other_pages_and_other_notebooks() -> None:
    app = copy_of()
    press(app, "Add text")
    app.text_area[-1].set_value("Not saved yet").run()
    app.switch_page("../../pages/volume.py").run()
    app.switch_page("../../pages/notebook.py").run()
    assert app.text_area[-1].value == "Not saved yet"
    choice(app).set_value("project-launch").run()
    assert app.title[0].value == "Project launch"
    choice(app).set_value("monday-review-copy").run()
    assert app.text_area[-1].value == "Not saved yet"
    app.text_input(key="title_monday-review-copy_0").set_value("Called otherwise").run()
    assert choice(app).value == "monday-review-copy"
    press(app, "Throw my changes away")
    assert app.title[0].value == "Monday review"
    assert app.session_state["notebook_drafts"] == {}


def test_two_who_save_at_once_are_told_and_both_versions_are_kept(leads: Store) -> None:
    cells = cells_to_json([TextCell("One")])
    leads.words.save_notebook("weekly", after=0, title="Weekly", author="Mona", cells=cells)
    app = open_app("notebook", notebook="weekly")
    press(app, "Edit")
    app.text_area[0].set_value("Two").run()
    leads.words.save_notebook("weekly", after=1, title="Weekly", author="Omar", cells=cells)
    press(app, "Save")
    assert "Omar has saved version 2" in app.error[0].value
    assert app.text_area[0].value == "Two"
    press(app, "Save")
    assert [(one.version, one.author) for one in leads.words.notebook_versions("weekly")] == [
        (3, "local"),
        (2, "Omar"),
        (1, "Mona"),
    ]


def test_an_older_version_is_looked_at_and_brought_back(leads: Store) -> None:
    for n, words in enumerate(("First words", "Second words")):
        cells = cells_to_json([TextCell(words)])
        leads.words.save_notebook("weekly", after=n, title="Weekly", author="Mona", cells=cells)
    app = open_app("notebook", notebook="weekly")
    app.button(key="version_1").click().run()
    assert "First words" in [block.value for block in app.markdown]
    assert "The newest is version 2." in texts(app)
    press(app, "Make this the newest again")
    newest = leads.words.notebook("weekly")
    assert newest is not None
    assert (newest.version, cells_from_json(newest.cells)) == (3, (TextCell("First words"),))


def test_a_deleted_notebook_says_so_at_its_link_and_comes_back(leads: Store) -> None:
    leads.words.save_notebook(
        "weekly", after=0, title="Weekly", author="Mona", cells=cells_to_json([TextCell("Words")])
    )
    app = open_app("notebook", notebook="weekly")
    press(app, "Delete this notebook")
    assert "This notebook was deleted" in [header.value for header in app.header]
    assert leads.words.notebooks() == []
    press(app, "Bring it back")
    assert app.title[0].value == "Weekly"
    assert [one.name for one in leads.words.notebooks()] == ["weekly"]


def test_notebooks_of_one_title_are_told_apart(leads: Store) -> None:
    for name, words in (("weekly", "The first"), ("weekly-2", "The second")):
        cells = cells_to_json([TextCell(words)])
        leads.words.save_notebook(name, after=0, title="Weekly", author="Mona", cells=cells)
    app = open_app("notebook", notebook="weekly-2")
    assert {"Weekly (weekly)", "Weekly (weekly-2)"} < set(choice(app).options)
    app.multiselect(key="filter_type").set_value(["call"]).run()
    assert "The second" in [block.value for block in app.markdown]
    choice(app).set_value("weekly").run()
    assert "The first" in [block.value for block in app.markdown]
    assert app.title[0].value == "Weekly"


def test_a_link_to_no_notebook_and_a_name_that_can_be_none_are_said() -> None:
    app = open_app("notebook", notebook="nobody-knows")
    assert "There is no such notebook" in [header.value for header in app.header]
    assert "“a b” is not a value of “notebook”" in texts(open_app("notebook", notebook="a b"))


def test_a_notebook_of_another_leadlight_is_an_error_in_words(leads: Store) -> None:
    strange = json.dumps({"format": 1, "cells": [{"kind": "python", "code": "1"}]})
    leads.words.save_notebook("odd", after=0, title="Odd", author="Mona", cells=strange)
    app = open_app("notebook", notebook="odd")
    assert "There is no kind of cell “python”" in texts(app)
