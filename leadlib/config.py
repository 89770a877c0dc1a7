"""Settings: read once, checked, secrets masked.

The environment wins, then `[leadlib]` in `.streamlit/secrets.toml`, then the default. A setting that nobody knows is
refused by name, so that a typing mistake never passes for a default.
"""

import difflib
import hashlib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, TypedDict, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leadlib.access import People, load_people
from leadlib.badge_rules import EXAMPLE, BadgeRules, load_badge_rules
from leadlib.delivery import DigestTimes, MailServer, digest_times, mail_address, mail_addresses, mail_server
from leadlib.errors import SettingsError
from leadlib.logs import LOG_FORMS, LogForm
from leadlib.shared import PREFIX, LakeAddress, SharedAddress, lake_address
from leadlib.working_hours import USUAL_HOURS, WorkingHours, working_hours

Dialect = Literal["filter", "flat"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
Addressee = Literal["email", "slack"]
"""The ways by which digests and alerts go out."""

PRODUCTION_URL = "https://atlas.propertyfinder.com"
SANDBOX_PORTAL = "built-in sandbox"

_CHECKOUT = Path(__file__).resolve().parents[1]
# A checkout keeps its store beside app.py wherever it is started from; an installed package has no such place.
HOME = _CHECKOUT if (_CHECKOUT / "app.py").exists() else Path.cwd()


@dataclass(frozen=True)
class Secret:
    """A value that must not be shown: its repr and its text are stars, `reveal()` gives the value."""

    value: str = field(repr=False)

    def reveal(self) -> str:
        return self.value

    def __str__(self) -> str:
        return "********"

    __repr__ = __str__


class StoreSettings(TypedDict):
    """What `Store.open` and `Store.open_beside` take besides the folder."""

    timezone: ZoneInfo
    portal: str
    working_hours: WorkingHours
    sla_minutes: int
    badge_rules: BadgeRules
    shared: SharedAddress | None


@dataclass(frozen=True)
class Settings:
    """Everything an installation can set; see SETTINGS for meanings and defaults."""

    api_url: str = PRODUCTION_URL
    api_key: Secret | None = None
    api_secret: Secret | None = None
    api_token: Secret | None = None
    api_dialect: Literal["auto", "filter", "flat"] = "auto"
    database: Path = HOME / "data"
    shared: SharedAddress | None = None
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Dubai"))
    working_hours: WorkingHours = USUAL_HOURS
    calls_per_minute: int = 600
    sync_minutes: int = 5
    api_key_expires: date | None = None
    webhook_secret: Secret | None = None
    retention_months: int = 24
    sla_minutes: int = 60
    badge_rules: BadgeRules = EXAMPLE
    sql_cells: bool = True
    query_seconds: int = 20
    files_at_once: int = 2
    people: People | None = None
    log: LogForm = "text"
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    site: str = ""
    smtp: MailServer | None = None
    mail_from: str | None = None
    mail_to: tuple[str, ...] = ()
    slack_webhook: Secret | None = None
    digest: DigestTimes | None = None
    alert_quiet_hours: int = 24
    alert_overdue: int = 20

    @property
    def has_credentials(self) -> bool:
        """True if there is something to call a portal with; False means the built-in sandbox."""
        return self.api_token is not None or self.api_key is not None

    @property
    def folder(self) -> Path:
        """Where this machine keeps the store, or what is its own of a shared one."""
        return self.database

    @property
    def personal(self) -> LakeAddress | None:
        """Where the persons of a shared store lie; None for one in a folder, and where they are left out."""
        return None if self.shared is None else self.shared.personal

    @property
    def of_store(self) -> StoreSettings:
        """Those by which a store is opened, a new dictionary each time."""
        return {
            "timezone": self.timezone,
            "portal": self.portal,
            "working_hours": self.working_hours,
            "sla_minutes": self.sla_minutes,
            "badge_rules": self.badge_rules,
            "shared": self.shared,
        }

    @property
    def addressees(self) -> tuple[Addressee, ...]:
        """The ways that are set up."""
        has_mail = self.smtp is not None and self.mail_from is not None and self.mail_to
        ways: list[tuple[Addressee, bool]] = [("email", bool(has_mail)), ("slack", self.slack_webhook is not None)]
        return tuple(way for way, is_set in ways if is_set)

    @property
    def portal(self) -> str:
        """Whose leads the store holds: the portal's address, or the name of the built-in sandbox."""
        return self.api_url if self.has_credentials else SANDBOX_PORTAL


@dataclass(frozen=True)
class Setting:
    """One row of the table of settings: its name in the environment, its attribute, its parser, its meaning."""

    name: str
    attribute: str
    parse: Callable[[str], object]
    meaning: str
    default: str


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise ValueError("a base URL such as https://atlas.propertyfinder.com") from error
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL without a name and password in it: URLs are shown, credentials are not")
    is_local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("a base URL such as https://atlas.propertyfinder.com")
    if parts.scheme == "http" and not is_local:
        raise ValueError("https:// (plain http is accepted for this machine only: the token would travel readable)")
    return text.rstrip("/")


def _site(text: str) -> str:
    try:
        return _url(text) + "/"
    except ValueError as error:
        raise ValueError("the app's own address, such as https://leads.brokerage.example") from error


def _slack_webhook(text: str) -> Secret:
    try:
        return Secret(_url(text))
    except ValueError as error:
        raise ValueError("the https:// address of an incoming webhook") from error


def _dialect(text: str) -> str:
    if text not in {"auto", *DIALECTS}:
        raise ValueError("one of auto, filter, flat")
    return text


def _timezone(text: str) -> ZoneInfo:
    try:
        zone = ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, IsADirectoryError) as error:
        raise ValueError("an IANA zone such as Asia/Dubai") from error
    # The machine's own files hold more than IANA's zones, and the database knows none of those.
    if text in {"localtime", "posixrules"} or text.startswith(("posix/", "right/")):
        raise ValueError("an IANA zone such as Asia/Dubai")
    return zone


def _count(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.strip().isascii() or not text.strip().isdigit() or not lowest <= int(text) <= highest:
            raise ValueError(f"a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def _webhook_secret(text: str) -> Secret:
    # The portal takes no more than 32; fewer than 16 could be guessed by trying.
    if not 16 <= len(text) <= 32 or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("16 to 32 letters, digits or signs without a space, and hard to guess")
    return Secret(text)


def _retention(text: str) -> int:
    # What the portal still shows comes back with the next sync: three months of it, and a few days.
    if text != "0" and (not text.isascii() or not text.isdigit() or not 4 <= int(text) <= 1200):
        raise ValueError("0, to keep persons for ever, or a whole number of months from 4 to 1200")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("a day such as 2026-12-31") from error


def _path(text: str, what: str) -> Path:
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{what}; the home folder it names is not known here") from error
    return path if path.is_absolute() else HOME / path


def _folder(text: str) -> Path:
    if "://" in text:
        raise ValueError("a folder, or ducklake:postgres:DSN?data=PLACE for a store that several machines share")
    return _path(text, "a folder")


def _store(text: str) -> Path | LakeAddress:
    return lake_address(text) if text.startswith(PREFIX) else _folder(text)


def _personal_store(text: str) -> LakeAddress | None:
    return None if text == "none" else lake_address(text)


def _switch(text: str) -> bool:
    if text not in {"on", "off"}:
        raise ValueError("on or off")
    return text == "on"


def _log_form(text: str) -> str:
    if text not in LOG_FORMS:
        raise ValueError(f"one of {', '.join(LOG_FORMS)}")
    return text


def _ip_address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise ValueError("an IP address such as 127.0.0.1, or 0.0.0.0 for all of them") from error


def _badge_rules(text: str) -> BadgeRules:
    return load_badge_rules(_path(text, "a file of badge rules"))


def _people(text: str) -> People:
    return load_people(_path(text, "a file of people"))


SETTINGS: tuple[Setting, ...] = (
    Setting("LEADLIB_API_URL", "api_url", _url, "Portal base URL", f"{PRODUCTION_URL} with credentials"),
    Setting("LEADLIB_API_KEY", "api_key", Secret, "Key, exchanged for a token together with the secret", "none"),
    Setting("LEADLIB_API_SECRET", "api_secret", Secret, "The key's secret", "none"),
    Setting("LEADLIB_API_TOKEN", "api_token", Secret, "A ready JWT, instead of key and secret", "none"),
    Setting(
        "LEADLIB_API_KEY_EXPIRES",
        "api_key_expires",
        _day,
        "The key's last day as the portal shows it (2026-12-31); a notice goes up 30 days before",
        "a year after its first use here",
    ),
    Setting("LEADLIB_API_DIALECT", "api_dialect", _dialect, "`auto`, `filter` or `flat`", "`auto`"),
    Setting(
        "LEADLIB_DATABASE",
        "database",
        _store,
        "Folder of the store, or `ducklake:postgres:DSN?data=PLACE` for one that several machines share "
        "([docs/scaling.md](docs/scaling.md))",
        "`data/`; the sandbox: `data/sandbox/`",
    ),
    Setting(
        "LEADLIB_PERSONAL_DATABASE",
        "personal",
        _personal_store,
        "Of a shared store: an address of their own for the persons, or `none` for a program that never gets them",
        "the same as for the rest",
    ),
    Setting(
        "LEADLIB_FOLDER",
        "folder",
        lambda text: _path(text, "a folder"),
        "Of a shared store: what this machine keeps for itself (events that wait, the copy that SQL cells ask)",
        "`data/shared-` and a few letters",
    ),
    Setting("LEADLIB_TIMEZONE", "timezone", _timezone, "IANA zone in which days begin", "`Asia/Dubai`"),
    Setting(
        "LEADLIB_WORKING_HOURS",
        "working_hours",
        working_hours,
        "When somebody is there to answer, per weekday in that zone; replies are told on this clock too",
        f"`{USUAL_HOURS}`",
    ),
    Setting("LEADLIB_CALLS_PER_MINUTE", "calls_per_minute", _count(1, 650), "Ceiling for our calls", "600"),
    Setting("LEADLIB_SYNC_MINUTES", "sync_minutes", _count(0, 1440), "Background sync interval; 0 turns it off", "5"),
    Setting(
        "LEADLIB_WEBHOOK_SECRET",
        "webhook_secret",
        _webhook_secret,
        "16 to 32 characters that sign the portal's events; without it `/webhooks/leads` takes none",
        "none",
    ),
    Setting(
        "LEADLIB_RETENTION_MONTHS",
        "retention_months",
        _retention,
        "After how many months the names, phones and addresses of a lead are deleted; 0 keeps them. Counts stay",
        "24",
    ),
    Setting(
        "LEADLIB_SLA_MINUTES",
        "sla_minutes",
        _count(1, 10_080),
        "Working minutes within which a lead should have its reply; after that it is overdue in the rescue queue",
        "60",
    ),
    Setting(
        "LEADLIB_BADGE_RULES",
        "badge_rules",
        _badge_rules,
        "TOML file of the rules by which the portal grades agents ([docs/badges.md](docs/badges.md))",
        "an example to be checked",
    ),
    Setting(
        "LEADLIB_SQL_CELLS",
        "sql_cells",
        _switch,
        "`on` or `off`: whether notebooks may ask in SQL ([docs/sql-cells.md](docs/sql-cells.md))",
        "`on`",
    ),
    Setting(
        "LEADLIB_QUERY_SECONDS",
        "query_seconds",
        _count(0, 3600),
        "How long a page waits for one answer of the store before that is stopped, and the page says so; 0: for ever",
        "20",
    ),
    Setting(
        "LEADLIB_FILES_AT_ONCE",
        "files_at_once",
        _count(1, 100),
        "How many downloads the app makes at a time; whoever asks for one more is told how many are before it",
        "2",
    ),
    Setting(
        "LEADLIB_PEOPLE",
        "people",
        _people,
        "TOML file of who may see and do what, for an app that people sign in to ([docs/access.md](docs/access.md))",
        "none: nobody signs in",
    ),
    Setting(
        "LEADLIB_LOG",
        "log",
        _log_form,
        "`text`: warnings and errors; `json`: one object a line, syncs and exports too. Nothing personal in either",
        "`text`",
    ),
    Setting(
        "LEADLIB_METRICS_PORT",
        "metrics_port",
        _count(1, 65_535),
        "Port for Prometheus ([docs/monitoring.md](docs/monitoring.md))",
        "none",
    ),
    Setting(
        "LEADLIB_METRICS_HOST",
        "metrics_host",
        _ip_address,
        "Where that port listens: whoever reaches it may read the figures",
        "`127.0.0.1`",
    ),
    Setting(
        "LEADLIB_SITE",
        "site",
        _site,
        "The app's own address, for the links in digests and alerts ([docs/digest.md](docs/digest.md))",
        "none: no links",
    ),
    Setting("LEADLIB_SMTP", "smtp", mail_server, "Mail server: `smtp://NAME:PASSWORD@HOST:587` or `smtps://…`", "none"),
    Setting("LEADLIB_MAIL_FROM", "mail_from", mail_address, "Who digests and alerts come from", "none"),
    Setting("LEADLIB_MAIL_TO", "mail_to", mail_addresses, "Who gets them, separated by commas", "none"),
    Setting("LEADLIB_SLACK_WEBHOOK", "slack_webhook", _slack_webhook, "A Slack channel that gets them too", "none"),
    Setting(
        "LEADLIB_DIGEST",
        "digest",
        digest_times,
        "When the running app sends the digest: `daily 07:30`, `monday, thursday 07:30`, on the clock of that zone",
        "never",
    ),
    Setting(
        "LEADLIB_ALERT_QUIET_HOURS",
        "alert_quiet_hours",
        _count(1, 720),
        "How long an alert that lasts is not told again",
        "24",
    ),
    Setting(
        "LEADLIB_ALERT_OVERDUE",
        "alert_overdue",
        _count(0, 1_000_000),
        "More overdue leads of the last three days than this are an alert",
        "20",
    ),
)

# Read by the tests, not by the product; listed so that it is not refused as a typing mistake.
_TEST_ONLY = {"LEADLIB_REQUIRE_BROWSER"}


def load_settings(environ: Mapping[str, str] | None = None, home: Path = HOME) -> Settings:
    """Settings from the environment, then `home/.streamlit/secrets.toml`, then the defaults.

    Without credentials the store is `data/sandbox/`, so that planted leads never stand beside real ones.
    Raises SettingsError, which names the setting and what it accepts, never the value of a secret.
    """
    texts = {**_from_secrets_file(home), **_from_environment(os.environ if environ is None else environ)}
    known = {setting.name: setting for setting in SETTINGS}
    parsed: dict[str, object] = {}
    for name, text in texts.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else f" Known settings: {', '.join(known)}."
            raise SettingsError(f"{name} is not a setting of Leadlight.{hint}", name)
        if text.strip() == "":
            raise SettingsError(f"{name} is empty. Give it a value or remove it.", name)
        try:
            parsed[known[name].attribute] = known[name].parse(text.strip())
        except ValueError as error:
            raise SettingsError(f"{name} must be {error}.", name) from error
    _place(parsed, home)
    settings = Settings(**parsed)  # type: ignore[arg-type]  # every parser above returns its attribute's type
    _check_credentials(settings, named_url="LEADLIB_API_URL" in texts)
    if not settings.has_credentials and "LEADLIB_DATABASE" not in texts:
        return Settings(**{**parsed, "database": home / "data" / "sandbox"})  # type: ignore[arg-type]
    return settings


def _place(parsed: dict[str, object], home: Path) -> None:
    """Makes of what was said of the store's place a folder on this machine, and the shared store's address."""
    address = parsed.get("database")
    for_shared = [name for name in ("personal", "folder") if name in parsed]
    personal, folder = parsed.pop("personal", address), parsed.pop("folder", None)
    if isinstance(address, LakeAddress):
        assert personal is None or isinstance(personal, LakeAddress)  # noqa: S101  # the parser gives nothing else
        parsed["shared"] = SharedAddress(address, personal)
        name = hashlib.sha256(str(address).encode()).hexdigest()[:8]
        parsed["database"] = folder or home / "data" / f"shared-{name}"
    elif for_shared:
        name = next(setting.name for setting in SETTINGS if setting.attribute == for_shared[0])
        raise SettingsError(f"{name} is for a shared store only, and LEADLIB_DATABASE names none. Remove it.", name)


def _check_credentials(settings: Settings, named_url: bool) -> None:
    if (settings.api_key is None) != (settings.api_secret is None):
        missing = "LEADLIB_API_SECRET" if settings.api_secret is None else "LEADLIB_API_KEY"
        raise SettingsError(f"{missing} is missing: a key and its secret only work together.", missing)
    if settings.api_key is not None and settings.api_token is not None:
        raise SettingsError(
            "LEADLIB_API_TOKEN is set beside LEADLIB_API_KEY. Keep one: the key renews itself, a token ends.",
            "LEADLIB_API_TOKEN",
        )
    if named_url and not settings.has_credentials:
        raise SettingsError(
            "LEADLIB_API_URL is set without credentials. Set LEADLIB_API_KEY and LEADLIB_API_SECRET (or "
            "LEADLIB_API_TOKEN), or remove the URL to use the built-in sandbox.",
            "LEADLIB_API_KEY",
        )


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in environ.items() if name.startswith("LEADLIB_") and name not in _TEST_ONLY}


def _from_secrets_file(home: Path) -> dict[str, str]:
    path = home / ".streamlit" / "secrets.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # The parser's own message may quote the line, and that line may hold a secret.
        raise SettingsError(f"{path} cannot be read as TOML ({type(error).__name__}).", "secrets.toml") from None
    table = content.get("leadlib", {})
    if not isinstance(table, dict):
        raise SettingsError(f"[leadlib] in {path} must be a table of settings.", "secrets.toml")
    return {(name if name.startswith("LEADLIB_") else f"LEADLIB_{name.upper()}"): str(v) for name, v in table.items()}
