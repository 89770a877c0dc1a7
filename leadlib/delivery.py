"""How and when messages leave the house: the mail server, who gets them, and the times of the digest."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LOCAL = {"localhost", "127.0.0.1", "::1"}
# What a mail header can carry without being encoded or cut: a name with dots, one @, a host with a dot.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


@dataclass(frozen=True)
class MailServer:
    """Where mails are handed over. `is_tls` is TLS from the first byte; otherwise STARTTLS, unless on this machine."""

    host: str
    port: int
    is_tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def is_local(self) -> bool:
        return self.host in _LOCAL


def mail_server(text: str) -> MailServer:
    """The server of smtp://NAME:PASSWORD@HOST:PORT or smtps://…; raises ValueError with what is wanted."""
    wanted = "smtp://NAME:PASSWORD@HOST:587 or smtps://NAME:PASSWORD@HOST:465, with signs such as @ in them as %40"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(wanted) from None  # the parser's own words may quote the password
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(wanted)
    if (parts.username is None) != (parts.password is None):
        raise ValueError(wanted)
    return MailServer(
        parts.hostname,
        port or {"smtp": 587, "smtps": 465}[parts.scheme],
        parts.scheme == "smtps",
        None if parts.username is None else unquote(parts.username),
        None if parts.password is None else unquote(parts.password),
    )


def mail_address(text: str) -> str:
    """One e-mail address, as it stands in a header; raises ValueError."""
    if not _ADDRESS.fullmatch(text):
        raise ValueError("an e-mail address such as leads@brokerage.example, without a name around it")
    return text


def mail_addresses(text: str) -> tuple[str, ...]:
    """Several, separated by commas; raises ValueError."""
    return tuple(mail_address(one.strip()) for one in text.split(","))


@dataclass(frozen=True)
class DigestTimes:
    """When the digest goes out, on the clock of the account's zone: at `at` on these weekdays (0 is Monday)."""

    days: tuple[int, ...]
    at: time

    def last_before(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The newest of these moments that is not after `now`, in UTC like it."""
        today = now.astimezone(zone).date()
        moments = (datetime.combine(today - timedelta(days=back), self.at, zone) for back in range(8))
        return max(m for m in moments if m.weekday() in self.days and m <= now).astimezone(now.tzinfo)


def digest_times(text: str) -> DigestTimes:
    """Of "daily 07:30" or "monday, thursday 07:30"; raises ValueError."""
    days, _, clock = text.strip().lower().rpartition(" ")
    wanted = "daily 07:30, or days of the week and a time, such as monday, thursday 07:30"
    names: Sequence[str] = [name.strip() for name in days.split(",")]
    if names == ["daily"]:
        names = _DAYS
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", clock) or not set(names) <= set(_DAYS):
        raise ValueError(wanted)
    return DigestTimes(tuple(sorted({_DAYS.index(name) for name in names})), time.fromisoformat(clock))
