"""The page Privacy: what it counts, the form that takes somebody out, and the list of exports."""

import csv
import hashlib
import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from leadlib.access import Access
from leadlib.cli.running import main
from leadlib.engine import Engine
from leadlib.errors import AccessError
from leadlib.export import EXPORT_LIMIT, Tickets, list_as_csv
from leadlib.store import ExportRow, Person
from leadlib.ui.engine import get_engine
from tests.conftest import DUBAI, at, make_lead, set_app_settings
from tests.test_sign_in import ask

SHELL = Path(__file__).resolve().parents[1] / "leadlib" / "ui" / "shell.py"
PHONE = "+971501234567"
SENDER = {"name": "Zebulon Canary", "contacts": [{"type": "phone", "value": PHONE}]}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Engine]:
    """An app without a sign-in, with four leads: two of one person, one that is old enough to be forgotten."""
    set_app_settings(monkeypatch, tmp_path)
    opened = get_engine()
    leads = [make_lead("p1", sender=SENDER), make_lead("p2", sender=SENDER), make_lead("other")]
    leads.append(make_lead("old", "2024-01-15T06:00:00Z"))
    opened.store.write_leads(leads, observed_at=at("2026-11-20 10:00"))
    yield opened
    get_engine.clear()


def open_page() -> AppTest:
    app = AppTest.from_file(str(SHELL), default_timeout=60)
    app.run()
    app.switch_page("../../pages/privacy.py").run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def exported(who: str, reason: str, minute: int, **changes: object) -> ExportRow:
    told: dict[str, object] = {"n_rows": 3, "sha256": "ab", "is_personal": True, "refused": None, **changes}
    moment = datetime(2026, 11, 20, 9, minute, tzinfo=UTC)
    return ExportRow(moment, who, ("type=call",), ("lead_id",), "csv", reason=reason, **told)  # type: ignore[arg-type]


@pytest.mark.usefixtures("engine")
def test_the_page_says_what_is_held_and_what_will_be_forgotten() -> None:
    shown = texts(open_page()).replace("\u00a0", " ")
    assert "24 months (LEADLIB_RETENTION_MONTHS)" in shown
    assert "the senders of 4 leads: 2 senders who can be told apart" in shown
    assert "15 Jan 2024" in shown
    assert "forgets the senders of 1 lead" in shown
    assert "Everybody who can open this app: nobody signs in" in shown
    assert "No file was made yet." in shown


def test_somebody_is_counted_then_confirmed_then_erased_and_never_named(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    app = open_page()
    press(app, "Erase")
    assert "Say who" in texts(app)
    app.text_input(key="erase_phones").set_value("00971 50 123 4567")
    press(app, "Erase")
    assert "See first how many leads are theirs" in texts(app)
    press(app, "How many leads are theirs?")
    assert "2\u00a0leads would lose their sender." in texts(app)
    press(app, "Erase")
    assert "Type ERASE in capitals" in texts(app)
    assert engine.store.erasures() == []
    app.text_input(key="erase_word").set_value("ERASE")
    app.text_input(key="erase_leads").set_value("other")  # which was not counted
    press(app, "Erase")
    assert "See first" in texts(app)
    app.text_input(key="erase_leads").set_value("")
    press(app, "How many leads are theirs?")
    press(app, "Erase")
    (found,) = engine.store.erasures()
    assert (found.who, found.kinds, found.n_leads) == ("local", ("phone",), 2)
    assert f"On record as {found.erasure_id}" in texts(app)
    assert engine.store.contacts(["p1", "p2", "other"])["lead_id"].to_pylist() == ["other"]
    assert [app.text_input(key=key).value for key in ("erase_phones", "erase_word")] == ["", ""]
    held = repr(app.session_state) + repr(app.query_params) + caplog.text + texts(app)
    assert "1234567" not in held
    assert "123 4567" not in held
    assert app.dataframe[-1].value["Found by"].tolist() == ["phone"]


def test_exports_are_listed_newest_first_for_everybody_or_one_person(engine: Engine) -> None:
    log = engine.store.exports
    log.add(exported("ann@example.com", "calls", 1))
    log.add(exported("ben@example.com", "", 2, is_personal=False))
    log.add_refused(exported("ann@example.com", "more calls", 3), "files")
    app = open_page()
    assert app.dataframe[0].value["Who"].tolist() == ["ann@example.com", "ben@example.com", "ann@example.com"]
    assert app.dataframe[0].value["Outcome"].tolist() == ["refused: too many files", "made", "made"]
    assert "2\u00a0files, 1 of them with personal columns, and 1\u00a0refusal." in texts(app)
    app.selectbox(key="exports_of").select("ben@example.com").run()
    assert app.dataframe[0].value["Columns"].tolist() == ["plain"]
    assert "ben" not in repr(app.query_params)


def test_the_list_as_csv_has_everything_and_no_formula(engine: Engine) -> None:
    engine.store.exports.add(exported("ann@example.com", "=1+1", 1))
    text = list_as_csv(engine.store.exports.rows(), DUBAI)
    (found,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert (found["exported_at"], found["who"]) == ("2026-11-20T13:01:00+04:00", "ann@example.com")
    assert (found["n_rows"], found["sha256"], found["reason"]) == ("3", "ab", "'=1+1")
    assert (found["filters"], found["refused"]) == ("type=call", "")


def test_the_notice_of_too_many_exports_stays_until_it_was_looked_into(engine: Engine) -> None:
    assert "I have looked into it" not in [button.label for button in open_page().button]
    engine.store.raise_alarm(EXPORT_LIMIT, "Somebody asked for more.")
    app = open_page()
    assert [warning.value for warning in app.warning] == [
        "**Somebody asked for more persons in files than they may take**"
    ]
    press(app, "I have looked into it")
    assert engine.store.alarms() == ()


def test_all_that_is_held_of_a_person_is_in_their_file_and_nothing_of_others(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.store.words.note_on_day(at("2026-11-01 00:00").date(), f"called {PHONE}", "ann")
    get_engine.clear()  # the command needs the files for itself
    path = tmp_path / "person.json"
    assert main(["person", "--phone", "00971501234567", "--output", str(path), "--reason", "asked for it"]) == 0
    assert "2\u00a0leads" in capsys.readouterr().err
    text = path.read_text(encoding="utf-8")
    told = json.loads(text)
    assert [row["lead_id"] for row in told["leads"]] == ["p1", "p2"]
    assert {row["sender_name"] for row in told["lead_contacts"]} == {"Zebulon Canary"}
    assert [row["raw"]["sender"] for row in told["lead_payloads"]] == [SENDER, SENDER]
    assert [row["words"] for row in told["day_notes"]] == [f"called {PHONE}"]
    assert {row["lead_id"] for row in told["status_observations"]} == {"p1", "p2"}
    assert told["about"]["searched_by"] == ["phone"]
    assert "example.com/r/" not in text
    assert "Test Sender One" not in text
    assert path.stat().st_mode & 0o077 == 0
    (row,) = get_engine().store.exports.rows()
    assert (row.who, row.is_personal, row.n_rows, row.reason) == ("command line", True, 2, "asked for it")
    assert row.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "1234567" not in repr(row)


def test_the_page_gives_the_file_for_a_person_by_a_ticket_that_is_on_record(engine: Engine) -> None:
    app = open_page()
    app.text_input(key="erase_phones").set_value(PHONE)
    press(app, "A file of what is held of them")
    (ticket,) = re.findall(r'/export/([\w-]{22})"', texts(app))
    answer = ask(f"/export/{ticket}")
    assert [row["lead_id"] for row in answer.json()["leads"]] == ["p1", "p2"]
    assert answer.headers["cache-control"] == "no-store"
    assert re.search("leadlight-person-[0-9a-f]{12}.json", answer.headers["content-disposition"])
    (row,) = engine.store.exports.rows()
    assert (row.who, row.is_personal, row.sha256) == ("local", True, hashlib.sha256(answer.content).hexdigest())
    assert "1234567" not in repr(row)


@pytest.mark.parametrize("access", [Access("manager"), Access("viewer"), Access("owner", agents=(1,))])
def test_a_file_for_a_person_is_for_who_looks_after_all_leads(access: Access) -> None:
    with pytest.raises(AccessError):
        Tickets().issue_person(Person(phones=(PHONE,)), access)
