"""What the digest says, that it says nothing else, and that it goes out when it should, once."""

import json
import re
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import Message as Mail
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from leadlib.config import Secret, Settings
from leadlib.delivery import DigestTimes, digest_times, mail_address, mail_addresses, mail_server
from leadlib.digest import Post, alerts_now, as_html, as_slack, as_text, make_digest, send
from leadlib.digest.message import Message, Part, sentence
from leadlib.errors import DeliveryError, SettingsError
from leadlib.filters import filters_from_query
from leadlib.metrics import summary
from leadlib.store import SliceRow, Store
from tests.conftest import DUBAI, at, make_lead

SITE = "https://leads.example.com/"
AS_OF = at("2026-09-23 05:00")  # 09:00 in Dubai
READ_FROM = at("2026-08-01 00:00")


def saw(store: Store, *leads: Any) -> None:
    """The store reads everything from August on, and finds these."""
    store.write_leads(leads, observed_at=AS_OF, slice_rows=[SliceRow("a", READ_FROM, AS_OF, 1, 1, True, AS_OF)])


@pytest.fixture
def week(store: Store) -> Store:
    """Twelve leads from 16 to 22 September, six of them answered, one archived; six in the week before; one of today.

    Waiting: five of 21 and 22 September (none of them a minute within the working hour that is allowed), one of them
    with no agent, and today's.
    """
    saw(
        store,
        *(make_lead(f"a{n}", f"2026-09-1{6 + n % 4}T08:00:00Z", status="replied", channel="call") for n in range(6)),
        *(make_lead(f"b{n}", f"2026-09-2{1 + n % 2}T08:0{n}:00Z") for n in range(4)),
        make_lead("b4", "2026-09-22T08:30:00Z", publicProfile=None, channel="<b>fax</b>"),
        make_lead("b5", "2026-09-20T08:30:00Z", status="archived"),
        *(make_lead(f"c{n}", f"2026-09-1{n}T08:00:00Z", status="replied") for n in range(6)),
        make_lead("today", "2026-09-23T04:59:00Z"),
    )
    return store


def test_a_week_reads_like_this(week: Store) -> None:
    assert as_text(make_digest(week, ())).replace("\u00a0", " ").replace("\u2212", "-") == (
        "Leads of 16–22 Sep 2026\n"
        "=======================\n"
        "\n"
        "What came in\n"
        "------------\n"
        "- 12 leads from 1 sender in 7 days. The days before had 6 leads: +100 %, chance explains that.\n"
        "- Call: 6 leads (50 %).\n"
        "- WhatsApp: 5 leads (42 %).\n"
        "- Other (<b>fax</b>): 1 lead (8 %).\n"
        "\n"
        "What was answered\n"
        "-----------------\n"
        "- Response rate so far (24 h): 35–94 %, as the outcome of some is unknown.\n"
        "- Response rate of all leads: 50.0 % (6 of 12; 95 % interval 25–75 %).\n"
        "- 3 leads of these days may still be answered in time.\n"
        "\n"
        "What waits now\n"
        "--------------\n"
        "- 6 leads wait for a reply, 5 of them for more than 60 working minutes; the oldest for 1 d 21 h.\n"
        "- 5 leads of them came in the days above, 5 of which are overdue.\n"
        "- 1 lead waits with no agent assigned.\n"
        "\n"
        "As of 23 Sep 2026, 09:00 (Asia/Dubai), from test.\n"
    )


def test_each_number_leads_to_a_page_that_shows_the_same_leads(week: Store) -> None:
    message = make_digest(week, (), site=SITE)
    linked = {part.path: part.words for _, lines in message.sections for line in lines for part in line if part.path}
    for path, words in linked.items():
        address = urlsplit(path)
        filters, problems = filters_from_query(parse_qs(address.query))
        assert problems == [] or "fax" in problems[0]
        count = re.match(r"(\d+)\slead", words)
        if count and address.path != "queue":
            assert int(count[1]) == summary(week, filters)["leads"].item(), path
    assert {urlsplit(path).path for path in linked} == {"volume", "leads", "", "queue"}


def test_the_same_store_gives_the_same_words(week: Store) -> None:
    assert make_digest(week, (), site=SITE) == make_digest(week, (), site=SITE)


def test_nothing_of_a_person_and_no_agent_is_in_any_form(week: Store) -> None:
    message = make_digest(week, alerts_now(week, sync_minutes=5, most_overdue=0, now=AS_OF), site=SITE)
    for form in (as_text, as_html, as_slack):
        text = form(message)
        assert not re.search(r"Test Sender|97150|90001|example\.com/r/", text)


def test_few_leads_have_no_rate_and_a_gap_is_told(store: Store) -> None:
    store.write_leads([make_lead("a", "2026-09-20T08:00:00Z")], observed_at=AS_OF)
    store.write_leads(
        [],
        observed_at=AS_OF,
        slice_rows=[SliceRow("a", at("2026-09-19 00:00"), AS_OF, 1, 1, True, AS_OF)],
    )
    text = as_text(make_digest(store, ()))
    assert "1\u00a0lead" in text
    assert "Not all of these days was read, so there may have been more." in text
    assert "%" not in text.partition("What was answered")[2].partition("What waits")[0].replace("95\u00a0%", "")


def test_an_empty_store_has_nothing_to_tell(store: Store) -> None:
    message = make_digest(store, ())
    assert message.title == "Leads: nothing to tell yet"
    assert "The store is empty." in as_text(message)


def test_alerts_are_the_alarms_old_data_and_a_backlog(week: Store) -> None:
    def kinds(now: datetime, most_overdue: int = 5) -> list[str]:
        return [one.kind for one in alerts_now(week, sync_minutes=5, most_overdue=most_overdue, now=now)]

    assert kinds(AS_OF) == []
    assert kinds(AS_OF, most_overdue=4) == ["backlog"]
    week.raise_alarm("silent_channel", "Call: no lead since Monday.")
    week.raise_alarm("unknown_subscription", "Somewhere.")
    assert kinds(AS_OF) == ["silent_channel", "unknown_subscription"]
    row = week.begin_sync(kind="cold", dialect="flat", started_at=AS_OF)
    assert row
    week.raise_alarm("audit", "A lead came late.")
    message = make_digest(week, alerts_now(week, sync_minutes=5, most_overdue=9, now=AS_OF), site=SITE)
    assert "A channel went silent. Call: no lead since Monday. See where it stands. [1]" in as_text(message)
    assert f"  [1] {SITE}volume" in as_text(message)


TRAP = Message("A & <b>", (("*Now*", (sentence("~x~ ", Part("<i>1</i>", "leads?v=1&type=call")),)),), "|foot|", SITE)


def test_words_are_words_in_every_form() -> None:
    assert "<b>" not in as_html(TRAP)
    assert f'<a href="{SITE}leads?v=1&amp;type=call">&lt;i&gt;1&lt;/i&gt;</a>' in as_html(TRAP)
    assert f"<{SITE}leads?v=1&type=call|&lt;i&gt;1&lt;/i&gt;>" in as_slack(TRAP)
    assert as_slack(TRAP).startswith("*A &amp; &lt;b&gt;*\n**\u200bNow*\u200b*\n• ~\u200bx~\u200b ")
    assert f"<i>1</i> [1]\n  [1] {SITE}leads?v=1&type=call" in as_text(TRAP)


# Times


@pytest.mark.parametrize(
    ("text", "now", "last"),
    [
        ("daily 07:30", "2026-11-25 03:30", "2026-11-25 03:30"),
        ("daily 07:30", "2026-11-25 03:29", "2026-11-24 03:30"),
        ("monday, Thursday 07:30", "2026-11-25 12:00", "2026-11-23 03:30"),
        ("thursday 07:30", "2026-11-26 03:00", "2026-11-19 03:30"),
        ("sunday 00:00", "2026-11-21 20:00", "2026-11-21 20:00"),
    ],
)
def test_times_are_on_the_clock_of_the_account(text: str, now: str, last: str) -> None:
    assert digest_times(text).last_before(at(now), DUBAI) == at(last)


def test_an_hour_that_the_clock_skips_still_has_its_digest() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert digest_times("sunday 02:30").last_before(at("2026-03-29 12:00"), berlin) == at("2026-03-29 01:30")


@pytest.mark.parametrize("text", ["", "07:30", "daily", "daily 25:00", "weekly 07:30", "daily 7:30", "daily, 07:30 x"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="daily 07:30"):
        digest_times(text)


def test_a_mail_servers_address_is_read_and_its_password_not_shown() -> None:
    server = mail_server("smtp://leads%40x.example:p%40ss@mail.example")
    assert (server.host, server.port, server.is_tls, server.user, server.password) == (
        "mail.example", 587, False, "leads@x.example", "p@ss",
    )  # fmt: skip
    assert "p@ss" not in repr(server)
    assert mail_server("smtps://mail.example").port == 465


@pytest.mark.parametrize(
    "text", ["mail.example", "http://mail.example", "smtp://", "smtp://u@h", "smtp://h:x", "smtp://h/p"]
)
def test_other_servers_are_refused_without_their_password(text: str) -> None:
    with pytest.raises(ValueError, match="smtp://NAME"):
        mail_server(text)


def test_addresses_are_addresses() -> None:
    assert mail_addresses("a@x.example, b@y.example") == ("a@x.example", "b@y.example")
    for text in ("a", "a@x.example\nBcc: c@d", "A <a@x.example>", "a@x.example,", "a b@x.example"):
        with pytest.raises(ValueError, match="an e-mail address"):
            mail_addresses(text)
    with pytest.raises(ValueError, match="an e-mail address"):
        mail_address("a@x.example, b@y.example")


# A real mail server, and what stands for Slack


class Inbox:
    """A mail server on this machine that takes mails from whoever knows the password."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.is_full = False

    def authenticated(self, *_: object) -> AuthResult:
        login = _[-1]
        assert isinstance(login, LoginPassword)
        return AuthResult(success=login.password == b"p@ss", handled=False)  # the answer is the server's to give

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
        if self.is_full:
            return "452 full of +971500000001"
        self.mails.append(BytesParser(policy=default).parsebytes(envelope.content))
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, str]]:
    box = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Which is the point of STARTTLS to other machines; to this one there is none to be eavesdropped on.
    warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
    server = Controller(
        box,
        hostname="127.0.0.1",
        port=port,
        authenticator=box.authenticated,
        auth_required=True,
        auth_require_tls=False,
    )
    server.start()
    try:
        yield box, f"127.0.0.1:{port}"
    finally:
        server.stop()


@pytest.fixture
def slack() -> Iterator[tuple[list[str], str]]:
    texts: list[str] = []

    class Slack(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            is_known = self.path == "/services/T0/B0"
            if is_known:
                texts.append(body["text"])
            self.send_response(200 if is_known else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slack)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield texts, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def by_mail(place: str, word: str = "p%40ss") -> Settings:
    return Settings(
        smtp=mail_server(f"smtp://leads:{word}@{place}"),
        mail_from="leads@brokerage.example",
        mail_to=("a@brokerage.example", "b@brokerage.example"),
        site=SITE,
    )


def test_a_mail_arrives_with_both_forms(week: Store, inbox: tuple[Inbox, str]) -> None:
    box, place = inbox
    message = make_digest(week, (), site=SITE)
    assert send(message, "email", by_mail(place)) == "2 by e-mail"
    (mail,) = box.mails
    assert mail["Subject"] == "Leads of 16–22 Sep 2026"
    assert (mail["From"], mail["To"]) == ("leads@brokerage.example", "a@brokerage.example, b@brokerage.example")
    text, html = mail.iter_parts()  # type: ignore[attr-defined]
    assert text.get_content().replace("\r\n", "\n") == as_text(message)
    assert html.get_content().strip() == as_html(message)
    assert mail["Message-ID"].endswith("@brokerage.example>")


def test_a_server_that_refuses_is_told_without_its_words_and_without_the_password(
    week: Store, inbox: tuple[Inbox, str]
) -> None:
    box, place = inbox
    message = make_digest(week, ())
    with pytest.raises(DeliveryError, match=r"\(SMTPAuthenticationError\)\. Check LEADLIB_SMTP") as wrong:
        send(message, "email", by_mail(place, "secret-word"))
    assert "secret-word" not in str(wrong.value)
    box.is_full = True
    with pytest.raises(DeliveryError, match="SMTPDataError") as full:
        send(message, "email", by_mail(place))
    assert "97150" not in str(full.value)
    assert full.value.__cause__ is None
    with pytest.raises(DeliveryError, match="ConnectionRefusedError"):
        send(message, "email", by_mail("127.0.0.1:1"))


def test_slack_gets_its_own_form_and_a_removed_webhook_is_told(week: Store, slack: tuple[list[str], str]) -> None:
    texts, place = slack
    message = make_digest(week, (), site=SITE)
    good = Settings(slack_webhook=Secret(f"{place}/services/T0/B0"))
    assert send(message, "slack", good) == "Slack"
    assert texts == [as_slack(message)]
    with pytest.raises(DeliveryError, match="Slack answered 404") as wrong:
        send(message, "slack", Settings(slack_webhook=Secret(f"{place}/services/gone")))
    assert "services" not in str(wrong.value)


def test_a_file_has_the_form_that_its_name_asks_for(week: Store, tmp_path: Path) -> None:
    message = make_digest(week, ())
    send(message, "file", Settings(), tmp_path / "digest.html")
    send(message, "file", Settings(), tmp_path / "digest.txt")
    assert (tmp_path / "digest.html").read_text(encoding="utf-8") == as_html(message)
    assert (tmp_path / "digest.txt").read_text(encoding="utf-8") == as_text(message)
    with pytest.raises(DeliveryError, match="is there such a folder"):
        send(message, "file", Settings(), tmp_path / "none" / "digest.txt")


def test_what_is_not_set_is_named() -> None:
    for to, name in (("email", "LEADLIB_SMTP"), ("slack", "LEADLIB_SLACK_WEBHOOK"), ("file", "--output")):
        with pytest.raises(SettingsError, match=name):
            send(TRAP, to, Settings())  # type: ignore[arg-type]


# When it goes out


@pytest.fixture
def post(week: Store, inbox: tuple[Inbox, str]) -> Callable[..., list[str]]:
    """A function that takes turns at these times and gives the subjects of all mails so far."""
    box, place = inbox
    made = Post(week, replace(by_mail(place), digest=DigestTimes((0, 1, 2, 3, 4, 5, 6), at("2026-01-01 07:30").time())))

    def take(*times: datetime, again: bool = False) -> list[str]:
        nonlocal made
        if again:
            made = Post(week, made._settings)
        for now in times:
            made.turn(now)
        return [str(mail["Subject"]) for mail in box.mails]

    return take


DIGEST = "Leads of 16–22 Sep 2026"
MORNING = at("2026-09-24 03:30")  # 07:30 in Dubai


def test_a_digest_goes_out_at_its_time_once_and_not_for_a_time_before_it_was_switched_on(
    post: Callable[..., list[str]],
) -> None:
    assert post(MORNING - timedelta(hours=3)) == []
    assert post(MORNING - timedelta(seconds=1)) == []
    assert post(MORNING + timedelta(seconds=20)) == [DIGEST]
    assert post(MORNING + timedelta(minutes=2), again=True) == [DIGEST]
    assert post(MORNING + timedelta(days=1)) == [DIGEST] * 2


def test_a_digest_that_was_missed_comes_later_but_not_half_a_day_later(post: Callable[..., list[str]]) -> None:
    assert post(MORNING - timedelta(hours=3)) == []
    assert post(MORNING + timedelta(hours=11), again=True) == [DIGEST]
    assert post(MORNING + timedelta(days=1, hours=13)) == [DIGEST]
    assert post(MORNING + timedelta(days=2)) == [DIGEST] * 2


def test_what_could_not_be_sent_is_tried_again_after_a_rest(
    post: Callable[..., list[str]], inbox: tuple[Inbox, str], caplog: pytest.LogCaptureFixture
) -> None:
    box, _ = inbox
    post(MORNING - timedelta(hours=3))
    box.is_full = True
    assert post(MORNING, MORNING + timedelta(minutes=1)) == []
    assert [one.name for one in caplog.records if one.name.startswith("leadlib")] == ["leadlib.digest.posting"]
    assert "97150" not in caplog.text
    box.is_full = False
    assert post(MORNING + timedelta(minutes=9)) == []
    assert post(MORNING + timedelta(minutes=10)) == [DIGEST]


def test_an_alert_is_told_when_it_begins_and_again_only_after_the_quiet_period(
    post: Callable[..., list[str]], week: Store
) -> None:
    begin = MORNING + timedelta(hours=1)
    assert post(begin) == []
    week.raise_alarm("silent_channel", "Call: no lead since Monday.")
    told = ["A channel went silent"]
    assert post(begin + timedelta(minutes=1)) == told
    assert post(begin + timedelta(hours=2), again=True) == told
    week.raise_alarm("unknown_subscription", "Somewhere.")
    told.append("Leads go to an unknown address")
    assert post(begin + timedelta(hours=3)) == told
    week.clear_alarm("silent_channel")
    week.raise_alarm("silent_channel", "Call: no lead since Tuesday.")
    assert post(begin + timedelta(hours=4)) == told
    assert "A channel went silent" in post(begin + timedelta(hours=24, minutes=1))[2:]


def test_without_an_address_nothing_is_looked_up(store: Store) -> None:
    Post(store, Settings(digest=digest_times("daily 07:30"))).turn(datetime.now(UTC))
    assert store.recall("digest_sent_by_email") is None
