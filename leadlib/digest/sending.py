"""Handing a message over: to a mail server, to Slack, into a file. What fails says what to do, and no secret."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Literal

import httpx

from leadlib.config import Addressee, Settings
from leadlib.delivery import MailServer
from leadlib.digest.message import Message, as_html, as_slack, as_text
from leadlib.errors import DeliveryError, SettingsError
from leadlib.formats import NBSP

_PATIENCE_S = 30.0


def send(message: Message, to: Addressee | Literal["file"], settings: Settings, path: Path | None = None) -> str:
    """Sends the message, and says in a few words where it went; `path` is for "file": HTML if its name ends so.

    Raises SettingsError if what it takes is not set, DeliveryError if it was not accepted.
    """
    if to == "email":
        return _mail(message, settings)
    if to == "slack":
        return _post(message, settings)
    if path is None:
        raise SettingsError("A file needs a name: add --output FILE.", "--output")
    return _write(message, path)


def _mail(message: Message, settings: Settings) -> str:
    server, sender, readers = settings.smtp, settings.mail_from, settings.mail_to
    if server is None or sender is None or not readers:
        raise SettingsError(
            "Mails need LEADLIB_SMTP (the server), LEADLIB_MAIL_FROM and LEADLIB_MAIL_TO.", "LEADLIB_SMTP"
        )
    mail = EmailMessage()
    mail["Subject"] = message.title.replace(NBSP, " ")  # beyond ASCII a subject travels encoded
    mail["From"], mail["To"] = sender, ", ".join(readers)
    # The machine's own name is nobody's business: the id is made under the sender's domain.
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain=sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"  # no out-of-office answers
    mail.set_content(as_text(message))
    mail.add_alternative(as_html(message), subtype="html")
    try:
        with _connected(server) as session:
            if server.user is not None and server.password is not None:
                session.login(server.user, server.password)
            refused = session.send_message(mail)
    except (smtplib.SMTPException, OSError) as error:
        # The server's own words may quote what it was sent.
        raise DeliveryError(
            f"The mail server {server.host}:{server.port} did not take the message ({type(error).__name__}). Check "
            "LEADLIB_SMTP, and that this machine may reach it."
        ) from None
    if refused:
        raise DeliveryError(f"The mail server refused {len(refused)} of {len(readers)} addresses of LEADLIB_MAIL_TO.")
    return f"{len(readers)} by e-mail"


def _connected(server: MailServer) -> smtplib.SMTP:
    if server.is_tls:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=_PATIENCE_S, context=ssl.create_default_context())
    session = smtplib.SMTP(server.host, server.port, timeout=_PATIENCE_S)
    if not server.is_local:  # on this machine nobody listens in, and few such servers have a certificate
        try:
            session.starttls(context=ssl.create_default_context())
        except BaseException:
            session.close()
            raise
    return session


def _post(message: Message, settings: Settings) -> str:
    if settings.slack_webhook is None:
        raise SettingsError(
            "Slack needs LEADLIB_SLACK_WEBHOOK, the address of an incoming webhook.", "LEADLIB_SLACK_WEBHOOK"
        )
    try:
        answer = httpx.post(
            settings.slack_webhook.reveal(),
            json={"text": as_slack(message), "unfurl_links": False, "unfurl_media": False},
            timeout=_PATIENCE_S,
            follow_redirects=False,
        )
    except httpx.HTTPError as error:
        raise DeliveryError(f"Slack cannot be reached ({type(error).__name__}). The next turn tries again.") from None
    if answer.status_code != 200:
        raise DeliveryError(
            f"Slack answered {answer.status_code}. If the webhook was removed there, make a new one and set "
            "LEADLIB_SLACK_WEBHOOK."
        )
    return "Slack"


def _write(message: Message, path: Path) -> str:
    form = as_html if path.suffix.lower() in {".html", ".htm"} else as_text
    try:
        path.write_text(form(message), encoding="utf-8")
    except OSError as error:
        raise DeliveryError(f"{path} cannot be written ({type(error).__name__}): is there such a folder?") from error
    return str(path)
