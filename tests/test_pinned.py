"""Views that people pin and notes on days: what is put up is there for everybody, on every page, until taken down."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from leadlib import charts
from leadlib.charts.day_notes import with_day_notes
from leadlib.filters import Filters
from leadlib.metrics import funnel, senders_over_time, volume
from leadlib.store import Person, Store, restore_backup
from leadlib.ui.engine import get_engine
from leadlib.ui.text import literal
from tests.conftest import at, make_lead

ROOT = Path(__file__).resolve().parents[1]
SHELL = ROOT / "leadlib" / "ui" / "shell.py"
CALLS = {"v": ["1"], "type": ["call"], "by": ["stage"]}


# Kept


def test_what_is_put_up_is_there_after_a_restart_until_it_is_taken_down(open_store: Callable[..., Store]) -> None:
    first = open_store()
    first.words.save_view("Calls", "volume", CALLS, "Mona")
    first.words.note_on_day(date(2026, 9, 12), "Campaign started", "Mona")
    first.words.note_on_day(date(2026, 9, 1), "New hours", "local")
    first.close()
    again = open_store()
    (view,) = again.words.saved_views()
    assert (view.title, view.page, view.query, view.author) == ("Calls", "volume", CALLS, "Mona")
    assert [(note.day, note.words) for note in again.words.day_notes()] == [
        (date(2026, 9, 1), "New hours"),
        (date(2026, 9, 12), "Campaign started"),
    ]
    again.words.take_down(view)
    again.words.take_down(again.words.day_notes()[0])
    again.words.take_down(view)
    assert again.words.saved_views() == ()
    assert [note.words for note in again.words.day_notes()] == ["Campaign started"]


def test_a_name_that_is_taken_brings_the_new_view(store: Store) -> None:
    store.words.save_view("Calls", "volume", CALLS, "Mona")
    store.words.save_view("Calls", "funnel", {}, "Omar")
    assert [(view.page, view.author) for view in store.words.saved_views()] == [("funnel", "Omar")]


def test_views_and_notes_are_in_a_backup_and_in_no_generation(store: Store, tmp_path: Path) -> None:
    store.write_leads([make_lead("a")], observed_at=at("2026-09-16 00:00"))
    store.words.save_view("Calls", "volume", CALLS, "Mona")
    store.words.note_on_day(date(2026, 9, 12), "Campaign started", "Mona")
    store.publish()
    store.back_up(tmp_path / "backup")
    restore_backup(tmp_path / "backup", tmp_path / "restored")
    with Store.open(tmp_path / "restored", timezone=store.timezone, portal="test") as restored:
        assert restored.words.saved_views() == store.words.saved_views()
        assert restored.words.day_notes() == store.words.day_notes()
    published = [path.name for path in (store.folder / "generations").rglob("*")]
    assert any("leads" in name for name in published)
    assert not any("saved_views" in name or "day_notes" in name for name in published)


def test_a_person_who_is_erased_is_erased_from_them_too(store: Store) -> None:
    store.words.save_view("Ring 050 000 0001 now", "leads", {}, "local")
    store.words.save_view("Calls", "volume", CALLS, "local")
    store.words.note_on_day(date(2026, 9, 12), "Met someone@example.com", "local")
    erased = store.erase(Person(phones=("0500000001",), emails=("someone@example.com",)), "test")
    assert erased.n_keepsakes == 2
    assert [view.title for view in store.words.saved_views()] == ["Calls"]
    assert store.words.day_notes() == ()


def test_words_that_were_written_are_copied_for_repairs_sooner_than_the_rest(store: Store) -> None:
    before = store.words.written_at()
    store.words.note_on_day(date(2026, 9, 12), "Campaign started", "local")
    noted_at = store.words.written_at()
    assert noted_at > before
    store.words.take_down(store.words.day_notes()[0])
    assert store.words.written_at() > noted_at


# On charts


@pytest.fixture
def counted(store: Store) -> Store:
    for number, day in enumerate(("2026-09-01", "2026-09-07", "2026-09-16")):
        store.write_leads([make_lead(str(number), f"{day}T06:00:00Z")], observed_at=at("2026-09-17 00:00"))
    return store


def lines(figure: go.Figure) -> list[str]:
    return [shape.x0 for shape in figure.layout.shapes if shape.line.dash == "dot" and shape.x0 == shape.x1]


@pytest.mark.parametrize("grain", ["hour", "day", "week"])
def test_notes_of_the_days_that_a_chart_shows_stand_on_it(counted: Store, grain: str) -> None:
    """Days go from 1 to 17 September, weeks from Monday 31 August to Sunday 20 September."""
    notes = {
        date(2026, 8, 30): ["before"],
        date(2026, 9, 12): ["Campaign started"],
        date(2026, 9, 16): ["Campaign <b>ended</b>", "Mona left"],
        date(2026, 9, 21): ["after"],
    }
    figure = charts.plot_volume(volume(counted, Filters(), grain=grain), grain=grain)
    before = lines(figure)
    assert with_day_notes(figure, notes) == [
        "1: 12\u00a0Sep\u00a02026 – Campaign started",
        "2: 16\u00a0Sep\u00a02026 – Campaign <b>ended</b>; Mona left",
    ]
    assert [day for day in lines(figure) if day not in before] == ["2026-09-12", "2026-09-16"]
    shown = {note.text: note.hovertext for note in figure.layout.annotations if note.hovertext}
    assert shown == {"<b>1</b>": "Campaign started", "<b>2</b>": "Campaign &lt;b&gt;ended&lt;/b&gt;<br>Mona left"}


def test_a_day_within_the_last_week_is_shown_in_weeks(counted: Store) -> None:
    weekly = charts.plot_volume(volume(counted, Filters(), grain="week"), grain="week")
    daily = charts.plot_volume(volume(counted, Filters()))
    notes = {date(2026, 9, 19): ["Fair"]}  # Saturday of the last week, and after the last day
    assert with_day_notes(weekly, notes) == ["1: 19\u00a0Sep\u00a02026 – Fair"]
    assert with_day_notes(daily, notes) == []


def test_charts_that_share_an_axis_of_days_have_notes_and_others_have_none(counted: Store) -> None:
    notes = {date(2026, 9, 7): ["Fair"]}
    assert with_day_notes(charts.plot_senders(senders_over_time(counted, Filters())), notes)
    figure = charts.plot_funnel(funnel(counted, Filters()))
    before = figure.to_json()
    assert with_day_notes(figure, notes) == []
    assert figure.to_json() == before
    assert with_day_notes(charts.plot_volume(pd.DataFrame()), notes) == []


# On the screen


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AppTest]:
    monkeypatch.setenv("LEADLIB_DATABASE", str(tmp_path / "data"))
    monkeypatch.setenv("LEADLIB_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LEADLIB_API_TOKEN", "none")
    monkeypatch.setenv("LEADLIB_SYNC_MINUTES", "0")
    get_engine.clear()
    engine = get_engine()
    engine.store.write_leads(
        [make_lead(f"{day}-{n}", f"2026-09-{day:02d}T06:00:00Z") for day in range(1, 17) for n in range(3)],
        observed_at=at("2026-09-17 00:00"),
    )
    yield AppTest.from_file(str(SHELL), default_timeout=60)
    engine.close()
    get_engine.clear()


def said(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


def test_a_pinned_view_brings_page_filters_and_settings_back(app: AppTest) -> None:
    app.query_params["type"] = "whatsapp"
    app.query_params["grain"] = "week"
    app.run()
    app.switch_page("../../pages/volume.py").run()
    app.text_input(key="pin_title").set_value("Chats *a week*")
    app.text_input(key="pin_author").set_value("Mona")
    next(button for button in app.button if button.label == "Pin it").click().run()
    assert not app.exception
    (view,) = get_engine().store.words.saved_views()
    assert (view.title, view.page, view.author) == ("Chats *a week*", "volume", "Mona")
    assert view.query == {"v": ["1"], "type": ["whatsapp"], "grain": ["week"]}
    fresh = AppTest.from_file(str(SHELL), default_timeout=60).run()
    assert fresh.session_state["filter_type"] == []
    button = fresh.button(key=f"pinned_{view.keepsake_id}")
    assert button.label == literal("Chats *a week*") == "Chats \\*a week\\*"
    button.click().run()
    assert not fresh.exception
    assert fresh.title[0].value == "Volume"
    assert fresh.session_state["filter_type"] == ["whatsapp"]
    assert fresh.session_state["param_grain"] == "week"


def test_a_note_stands_under_the_charts_over_time_until_it_is_taken_down(app: AppTest) -> None:
    app.run()
    next(box for box in app.date_input if box.key == "note_day").set_value(date(2026, 9, 12))
    app.text_input(key="note_words").set_value("Campaign <i>started</i>")
    next(button for button in app.button if button.label == "Note it").click().run()
    assert not app.exception
    assert "1: 12\u00a0Sep\u00a02026 – Campaign &lt;i&gt;started&lt;/i&gt;" in said(app)
    (note,) = get_engine().store.words.day_notes()
    app.button(key=f"down_{note.keepsake_id}").click().run()
    assert "12\u00a0Sep\u00a02026 – Campaign" not in said(app)


def test_a_view_without_a_name_and_a_note_without_a_day_are_not_kept(app: AppTest) -> None:
    app.run()
    next(button for button in app.button if button.label == "Pin it").click().run()
    assert [toast.value for toast in app.toast] == ["Give the view a name, then pin it."]
    app.text_input(key="note_words").set_value("Campaign started")
    next(button for button in app.button if button.label == "Note it").click().run()
    assert get_engine().store.words.saved_views() == get_engine().store.words.day_notes() == ()
