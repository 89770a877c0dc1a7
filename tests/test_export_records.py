"""Rows S9 and S10 of the security goals: every file of leads is on record, and what is personal has limits."""

import hashlib
import inspect
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from streamlit.testing.v1 import AppTest

from leadlib.access import LOCAL, RIGHTS, ROLES, Access
from leadlib.cli.running import main
from leadlib.engine import Engine
from leadlib.errors import AccessError, ExportError, ExportLimitError, StoreReadOnlyError
from leadlib.export import COLUMNS, EXPORT_LIMIT, Format, Tickets, checked_reason, export_on_record, rows_on_record
from leadlib.filters import Filters
from leadlib.store import LIMITS, ExportRow, Limits, Person, Refusal, Store, export_log, names_somebody, store_for
from leadlib.ui import sign_in
from leadlib.ui.engine import get_engine
from tests.conftest import DUBAI, at, make_lead, set_app_settings
from tests.test_sign_in import AUTH, SHELL, ask, claims, session, set_secrets

MANAGER = Access("manager", "manager@example.com")
NOW = at("2026-11-20 09:00")
ALL = Filters()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Engine]:
    """An app that people sign in to, with three leads, and a place for temporary files that can be looked into."""
    (tmp_path / "people.toml").write_text(
        "".join(f'[[person]]\nemail = "{role}@example.com"\nrole = "{role}"\n' for role in ROLES)
        + '[[person]]\nemail = "colleague@example.com"\nrole = "manager"\n'
    )
    set_app_settings(monkeypatch, tmp_path, LEADLIB_PEOPLE=str(tmp_path / "people.toml"))
    set_secrets(monkeypatch, {"auth": AUTH})
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    opened = get_engine()
    opened.store.write_leads([make_lead(name) for name in "abc"], observed_at=at("2026-11-19 10:00"))
    yield opened
    get_engine.clear()


def row(at_: datetime = NOW, who: str = MANAGER.email, n_rows: int = 10, **changes: object) -> ExportRow:
    told: dict[str, object] = {"filters": (), "column_names": ("lead_id",), "format": "csv", "sha256": "00"}
    return ExportRow(**{"exported_at": at_, "who": who, "n_rows": n_rows, "is_personal": True, "reason": "calls",
                        **told, **changes})  # type: ignore[arg-type]  # fmt: skip


def test_the_rows_of_a_sql_cell_are_on_record_before_they_are_handed_out(store: Store) -> None:
    calls = Filters.of({"type": ["call"]})
    told = {"who": MANAGER.email, "now": NOW}
    assert rows_on_record(store, store, calls, "n,t\r\n1,é\r\n", 1, **told) == "n,t\r\n1,é\r\n"  # type: ignore[arg-type]
    (one,) = store.exports.rows()
    assert (one.format, one.n_rows, one.filters, one.column_names) == ("csv of SQL", 1, ("type=call",), ())
    assert (one.who, one.is_personal) == (MANAGER.email, False)
    assert one.sha256 == hashlib.sha256("n,t\r\n1,é\r\n".encode()).hexdigest()
    store.close()
    with pytest.raises(ExportError, match="not handed out"):
        rows_on_record(store, store, calls, "n\r\n1\r\n", 1, **told)  # type: ignore[arg-type]


def export(store: Store, path: Path, fmt: Format = "csv", **options: object) -> object:
    told: dict[str, object] = {"who": MANAGER.email, "reason": "calls", "limits": LIMITS, "personal": True}
    return export_on_record(store, store, ALL, fmt, path, now=lambda: NOW, **{**told, **options})  # type: ignore[arg-type]


# On record


def test_S9_a_download_is_on_record_with_all_that_tells_which_and_nothing_of_a_person(app: Engine) -> None:
    ticket = app.tickets.issue(Filters.of({"type": ["whatsapp"]}), "csv", True, MANAGER, "  calls on\nMonday ")
    before = datetime.now(UTC)
    answer = ask(f"/export/{ticket}", session(MANAGER.email))
    (found,) = app.store.exports.rows()
    assert before <= found.exported_at <= datetime.now(UTC)
    assert (found.who, found.filters, found.format, found.n_rows) == (MANAGER.email, ("type=whatsapp",), "csv", 3)
    assert found.column_names == tuple(column.name for column in COLUMNS)
    assert found.sha256 == hashlib.sha256(answer.content).hexdigest()
    assert (found.is_personal, found.reason, found.refused) == (True, "calls on Monday", None)
    assert re.fullmatch("[0-9a-f]{16}", found.export_id)
    assert "Test Sender" not in repr(found)
    assert "500000001" not in repr(found)
    assert "Test Sender One" in answer.text


def test_S9_as_many_downloads_as_rows(app: Engine, request: pytest.FixtureRequest) -> None:
    hashes = []
    for number in range(100 if request.config.getoption("--matrix") == "full" else 4):
        ticket = app.tickets.issue(ALL, "json" if number % 2 else "csv", False, Access("viewer", "viewer@example.com"))
        answer = ask(f"/export/{ticket}", session("viewer@example.com"))
        assert answer.status_code == 200
        hashes.append(hashlib.sha256(answer.content).hexdigest())
    assert sorted(found.sha256 for found in app.store.exports.rows("viewer@example.com")) == sorted(hashes)


@pytest.mark.parametrize("personal", [True, False])
def test_S9_the_command_line_is_on_record_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], personal: bool
) -> None:
    monkeypatch.setenv("LEADLIB_DATABASE", str(tmp_path / "store"))
    path = tmp_path / "leads.csv"
    asked = ["--personal", "--reason", "for the audit"] if personal else ["--filter", "type=call"]
    assert main(["export", "--format", "csv", "--output", str(path), *asked]) == 0
    capsys.readouterr()
    with Store.open(tmp_path / "store", timezone=DUBAI, portal="") as store:
        (found,) = store.exports.rows()
    assert (found.who, found.is_personal) == ("command line", personal)
    assert found.reason == ("for the audit" if personal else "")
    assert found.filters == (() if personal else ("type=call",))
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_S9_a_file_that_cannot_be_put_on_record_is_not_handed_out(
    app: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreReadOnlyError("The disk is full.", "personal.duckdb")

    monkeypatch.setattr(app.store.exports, "add", refuse)
    ticket = app.tickets.issue(ALL, "csv", False, MANAGER)
    answer = ask(f"/export/{ticket}", session(MANAGER.email))
    assert (answer.status_code, "not handed out" in answer.text) == (500, True)
    assert list((tmp_path / "tmp").iterdir()) == []
    with pytest.raises(ExportError, match="put on record"):
        export(app.store, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_S9_the_record_comes_before_the_file(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.csv"
    was_there = []
    add = store.exports.add
    monkeypatch.setattr(store.exports, "add", lambda *told: (was_there.append(path.exists()), add(*told))[1])
    export(store, path)
    assert (was_there, path.exists()) == ([False], True)


def test_S9_the_record_outlives_backup_and_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEADLIB_DATABASE", str(tmp_path / "store"))
    with Store.open(tmp_path / "store", timezone=DUBAI, portal="") as store:
        store.exports.add(row(filters=("type=call", "agent=90001")))
        before = store.exports.rows()
    assert main(["backup", str(tmp_path / "backup")]) == 0
    monkeypatch.setenv("LEADLIB_DATABASE", str(tmp_path / "again"))
    assert main(["restore", str(tmp_path / "backup")]) == 0
    capsys.readouterr()
    with Store.open(tmp_path / "again", timezone=DUBAI, portal="") as store:
        assert store.exports.rows() == before
        assert before[0].filters == ("type=call", "agent=90001")


def test_S9_the_record_is_only_added_to_and_kept_for_24_months(app: Engine) -> None:
    log = app.store.exports
    now = datetime.now(UTC)
    log.add(row(now - timedelta(days=800), reason="old"))
    log.add(row(now - timedelta(days=700), reason="young"))
    app.keep_store(now + timedelta(days=1))
    assert [found.reason for found in log.rows()] == ["young"]
    text = inspect.getsource(export_log)
    assert text.count("update exports") == 1  # a filter that is a person's phone, when they are erased
    assert text.count("delete from exports") == 1
    assert {name for name in vars(type(log)) if not name.startswith("_")} == {
        "add", "add_refused", "refusal", "taken", "rows", "written_at", "forget_before"
    }  # fmt: skip


def test_S9_an_export_is_in_the_next_copy_of_the_personal_file(app: Engine) -> None:
    app.store.copy_personal()
    before = app.store.personal_copied_at()
    app.store.exports.add(row(datetime.now(UTC)))
    app.keep_store(datetime.now(UTC))
    assert app.store.personal_copied_at() > before


def test_nobody_who_sees_a_part_sees_what_others_took(store: Store) -> None:
    seen = store_for(store, Access("viewer", "viewer@example.com", agents=(90001,)))
    with pytest.raises(StoreReadOnlyError):
        seen.exports.rows()


def test_a_filter_that_is_somebodys_phone_or_address_is_not_on_record(store: Store) -> None:
    typed = (
        "listing=+971 50 123 4567",
        "tag=jane@example.com",
        "listing=EX-RENT-001",
        "agent=9000123",
        "from=2026-01-01",
    )
    store.exports.add(row(filters=typed))
    assert store.exports.rows()[0].filters == ("listing=…", "tag=…", *typed[2:])


# Reasons and rights


@pytest.mark.parametrize(
    ("reason", "why"),
    [("", "no_reason"), (" \n", "no_reason"), ("x" * 201, "bad_reason"), ("call +971501234567", "bad_reason"),
     ("for 050 123 4567", "bad_reason"), ("jane@example.com", "bad_reason"), ("a\x00b", "bad_reason")],
)  # fmt: skip
def test_S9_a_personal_file_needs_a_reason_that_names_nobody(reason: str, why: str) -> None:
    tickets = Tickets()
    with pytest.raises(AccessError) as refused:
        tickets.issue(ALL, "csv", True, MANAGER, reason)
    assert refused.value.reason == why
    assert checked_reason("x" * 200, MANAGER, personal=True) == "x" * 200


def test_where_nobody_signs_in_a_reason_may_be_left_out() -> None:
    assert checked_reason("", LOCAL, personal=True) == ""
    assert checked_reason("", MANAGER, personal=False) == ""
    assert not names_somebody("ticket 12345, 20 Nov 2026, 5,000 rows")


def test_S9_personal_files_are_for_owners_and_managers(app: Engine) -> None:
    (right,) = (right for right in RIGHTS if right.name == "may_export_people")
    assert set(right.roles) == {"owner", "manager"}
    for role in ROLES:
        access = Access(role, f"{role}@example.com")
        if role in right.roles:
            ticket = app.tickets.issue(ALL, "csv", True, access, "calls")
            assert ask(f"/export/{ticket}", session(access.email)).status_code == 200
        else:
            with pytest.raises(AccessError) as refused:
                app.tickets.issue(ALL, "csv", True, access, "calls")
            assert refused.value.reason == "no_right"


# Limits


def test_S9_the_sixth_personal_file_in_an_hour_is_refused_with_an_alarm(app: Engine, tmp_path: Path) -> None:
    ids = [app.tickets.issue(ALL, "csv", True, MANAGER, "calls") for _ in range(6)]
    assert [ask(f"/export/{i}", session(MANAGER.email)).status_code for i in ids[:5]] == [200] * 5
    assert app.store.alarms() == ()
    for _ in range(3):
        answer = ask(f"/export/{ids[5]}", session(MANAGER.email))
        assert answer.status_code == 429
        assert "The next one is possible at" in answer.text
        assert "Test Sender" not in answer.text
    assert [alarm.kind for alarm in app.store.alarms()] == [EXPORT_LIMIT]
    assert MANAGER.email not in app.store.alarms()[0].message
    assert [found.refused for found in app.store.exports.rows()] == ["files", None, None, None, None, None]
    assert list((tmp_path / "tmp").iterdir()) == []
    # Nobody else is held up by it, nor are files without what is personal.
    others = app.tickets.issue(ALL, "csv", True, Access("manager", "colleague@example.com"), "calls")
    assert ask(f"/export/{others}", session("colleague@example.com")).status_code == 200
    plain = app.tickets.issue(ALL, "csv", False, MANAGER)
    assert ask(f"/export/{plain}", session(MANAGER.email)).status_code == 200


LIMIT_CASES: dict[str, tuple[list[tuple[int, int]], int, Refusal | None]] = {
    "as many as there may be": ([], 5_000, None),
    "more than ever": ([], 5_001, Refusal("rows", None)),
    "five files, more than an hour ago": ([(-61, 10)] * 5, 10, None),
    "the fifth is an hour old": ([(-60, 10), *[(-5, 10)] * 4], 10, None),
    "nearly": ([(-59, 10), *[(-5, 10)] * 4], 10, Refusal("files", NOW + timedelta(minutes=1))),
    "4,000 + 1,000": ([(-120, 4_000)], 1_000, None),
    "4,000 + 1,001": ([(-120, 4_000)], 1_001, Refusal("rows", NOW + timedelta(hours=22))),
    "a day ago": ([(-1_440, 4_000)], 1_001, None),
    "both must have gone": ([(-180, 2_000), (-120, 2_000)], 3_001, Refusal("rows", NOW + timedelta(hours=22))),
    "one must have gone": ([(-180, 2_000), (-120, 2_000)], 3_000, Refusal("rows", NOW + timedelta(hours=21))),
}
"""Files taken before, as (minutes ago, leads); the leads wanted now; what is in the way."""


def test_S9_limits_by_the_minute_and_the_row(store: Store) -> None:
    log = store.exports
    for who, (taken, n_rows, expected) in LIMIT_CASES.items():
        for minutes, rows in taken:
            log.add(row(NOW + timedelta(minutes=minutes), who, rows))
        log.add(row(NOW, who, 4_900, is_personal=False))
        assert log.refusal(who, n_rows, NOW) == expected, who
        outcome = log.add(row(NOW, who, n_rows), LIMITS)
        assert (outcome if isinstance(outcome, Refusal) else None) == expected, who
        if expected is not None and expected.again_at is not None:
            assert log.refusal(who, n_rows, expected.again_at) is None, who
            assert log.refusal(who, n_rows, expected.again_at - timedelta(seconds=1)) == expected, who


def test_S9_rows_are_counted_before_a_file_is_made_and_again_after(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write_leads([make_lead(name) for name in "abc"], observed_at=at("2026-11-19 10:00"))
    with pytest.raises(ExportLimitError, match="Narrow the filters") as refused:
        export(store, tmp_path / "out.csv", limits=Limits(5, 2))
    assert refused.value.again_at is None
    monkeypatch.setattr(store.exports, "refusal", lambda *_: None)  # as if two leads had come in between
    with pytest.raises(ExportLimitError):
        export(store, tmp_path / "out.csv", limits=Limits(5, 2))
    assert list(tmp_path.glob("out*")) == []
    assert [found.n_rows for found in store.exports.rows()] == [0]


def test_S9_eight_at_once_get_five_files(store: Store, tmp_path: Path) -> None:
    start = Barrier(8)
    refused: list[ExportLimitError] = []

    def work(number: int) -> None:
        start.wait()
        try:
            export(store, tmp_path / f"out-{number}.csv")
        except ExportLimitError as error:
            refused.append(error)

    threads = [Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), len(list(tmp_path.glob("out-*.csv")))) == (3, 5)


def test_where_nobody_signs_in_there_is_no_limit_and_all_is_on_record(store: Store, tmp_path: Path) -> None:
    for number in range(7):
        export(store, tmp_path / f"{number}.csv", who="local", limits=None)
    assert len(store.exports.rows("local")) == 7
    assert store.alarms() == ()


# Tickets


def test_S10_a_ticket_is_for_who_asked_and_for_ten_minutes(
    app: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = app.tickets.issue(ALL, "csv", True, MANAGER, "calls")
    assert len(ticket) * 6 >= 128
    fetched: dict[str, Callable[[], object]] = {
        "nobody": lambda: ask(f"/export/{ticket}"),
        "a forged cookie": lambda: ask(f"/export/{ticket}", {"_streamlit_user": "forged"}),
        "a colleague with the same rights": lambda: ask(f"/export/{ticket}", session("colleague@example.com")),
        "the owner": lambda: ask(f"/export/{ticket}", session("owner@example.com")),
        "no such ticket": lambda: ask(f"/export/{ticket[:-1]}x", session(MANAGER.email)),
    }
    answers = {who: fetch() for who, fetch in fetched.items()}
    assert {who: answer.status_code for who, answer in answers.items()} == dict.fromkeys(fetched, 404)  # type: ignore[attr-defined]
    # Whoever is refused cannot tell a ticket that is there from one that is not.
    assert len({answer.text for answer in answers.values()}) == 1  # type: ignore[attr-defined]
    mine = ask(f"/export/{ticket}", session(MANAGER.email))
    assert (mine.status_code, mine.headers["cache-control"]) == (200, "no-store")
    assert list((tmp_path / "tmp").iterdir()) == []
    later_s = app.tickets._monotonic_s() + 600
    monkeypatch.setattr(app.tickets, "_monotonic_s", lambda: later_s)
    assert ask(f"/export/{ticket}", session(MANAGER.email)).status_code == 404


# Erasures


def test_an_erasure_is_on_record_without_a_word_of_whom(store: Store) -> None:
    store.write_leads([make_lead("a"), make_lead("b"), make_lead("c", sender={"name": "Other"})], observed_at=NOW)
    store.exports.add(row(filters=("listing=971500000001", "type=call")))
    person = Person(phones=("+971 50 000 0001",), emails=("jane@example.com",))
    assert store.leads_of(person) == {"a", "b"}
    erased = store.erase(person, MANAGER.email)
    (found,) = store.erasures()
    assert (found.erasure_id, found.who, found.kinds) == (erased.erasure_id, MANAGER.email, ("email", "phone"))
    assert (found.n_leads, found.n_others) == (2, 0)
    assert store.leads_of(person) == set()
    assert store.exports.rows()[0].filters == ("listing=…", "type=call")
    assert "500000001" not in repr(store.erasures())
    assert "jane" not in repr(store.erasures())


def test_the_store_is_read_and_written_while_somebody_is_erased(store: Store) -> None:
    """The app goes on: the personal file is written anew under it, and whoever asks meanwhile waits."""
    sender = {"name": "Other", "contacts": []}
    store.write_leads([make_lead("a"), make_lead("b", sender=sender)], observed_at=NOW)
    failed: list[Exception] = []
    is_over = False

    def work() -> None:
        try:
            while not is_over:
                assert store.contacts(["b"]).num_rows == 1
                store.exports.add(row())
                time.sleep(0.002)
        except Exception as error:  # noqa: BLE001  # whatever it is, this thread must not swallow it
            failed.append(error)

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(3):
        store.erase(Person(lead_ids=(f"gone-{number}",)), "test")
    is_over = True
    for thread in threads:
        thread.join()
    assert failed == []
    n_rows = len(store.exports.rows())
    store.close()
    with Store.open(store.folder, timezone=DUBAI, portal="test") as again:
        assert (len(again.exports.rows()), len(again.erasures())) == (n_rows, 3)
        assert again.contacts(["b"]).num_rows == 1


def test_what_is_held_of_persons_is_counted(store: Store) -> None:
    nobody = {"name": None, "contacts": []}
    leads = [make_lead("a", "2024-09-15T06:00:00Z"), make_lead("b"), make_lead("c", sender=nobody)]
    store.write_leads(leads, observed_at=NOW)
    held = store.held(at("2024-09-15 06:00"))
    assert (held.n_leads, held.n_senders, held.n_older, held.oldest_at) == (2, 1, 0, at("2024-09-15 06:00"))
    assert store.held(at("2024-09-15 06:01")).n_older == 1
    store.forget_persons(at("2024-09-15 06:01"))
    assert store.held(NOW).n_leads == 1


# On the screen


def open_download(monkeypatch: pytest.MonkeyPatch, email: str) -> AppTest:
    """The page Leads with its download box open, personal columns wanted where they can be, as somebody sees it."""
    monkeypatch.setattr(sign_in, "claims_now", lambda: {**claims(email), "iat": 32503680000})
    app = AppTest.from_file(str(SHELL), default_timeout=60)
    app.session_state["download"] = True
    app.run()
    app.switch_page("../../pages/leads.py").run()
    if "download_personal" in [toggle.key for toggle in app.toggle]:
        app.toggle(key="download_personal").set_value(True).run()
    assert not app.exception
    return app


def offered(app: AppTest) -> tuple[int, str]:
    """How many links there are, and all words."""
    words = " ".join(element.proto.body for element in app.get("html"))
    return words.count('href="/export/'), words


def test_the_box_gives_links_once_a_reason_is_there_and_says_why_there_are_none(
    app: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_download(monkeypatch, MANAGER.email)
    n_links, words = offered(page)
    assert (n_links, "Say what the names and phones are for" in words) == (0, True)
    n_links, words = offered(page.text_input(key="download_reason").set_value("call jane@example.com").run())
    assert (n_links, "must name nobody" in words) == (0, True)
    n_links, words = offered(page.text_input(key="download_reason").set_value("calls").run())
    assert (n_links, "0 of 5 such files in the last hour" in words) == (3, True)
    assert "calls" not in repr(page.query_params)
    for _ in range(5):
        app.store.exports.add(row(datetime.now(UTC)))
    n_links, words = offered(page.run())
    assert (n_links, "The next one is possible at" in words) == (0, True)
    assert [alarm.kind for alarm in app.store.alarms()] == [EXPORT_LIMIT]
    viewer = open_download(monkeypatch, "viewer@example.com")
    assert (offered(viewer)[0], viewer.toggle.values) == (3, [])
