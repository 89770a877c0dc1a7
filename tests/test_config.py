"""Settings: where they come from, what they accept, and that secrets never show."""

import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from leadlib.config import PRODUCTION_URL, SANDBOX_PORTAL, SETTINGS, Secret, Settings, load_settings
from leadlib.errors import SettingsError
from leadlib.shared import lake_address
from leadlib.working_hours import working_hours

KEY, SECRET, TOKEN = "CANRY.key-canary", "secret-canary", "token-canary"
PAIR = {"LEADLIB_API_KEY": KEY, "LEADLIB_API_SECRET": SECRET}


def settings_of(home: Path, secrets_toml: str | None = None, **environ: str) -> Settings:
    if secrets_toml is not None:
        (home / ".streamlit").mkdir()
        (home / ".streamlit" / "secrets.toml").write_text(secrets_toml, encoding="utf-8")
    return load_settings(environ, home)


def test_without_anything_the_sandbox_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert not settings.has_credentials
    assert settings.database == tmp_path / "data" / "sandbox"
    assert settings == Settings(database=tmp_path / "data" / "sandbox")


def test_with_credentials_the_defaults_are_the_portals(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, **PAIR)
    assert settings.has_credentials
    assert settings.api_url == PRODUCTION_URL
    assert (settings.api_dialect, settings.timezone.key, settings.calls_per_minute, settings.sync_minutes) == (
        "auto", "Asia/Dubai", 600, 5,
    )  # fmt: skip
    assert "sandbox" not in settings.database.parts


@pytest.mark.parametrize(
    ("name", "text", "attribute", "value"),
    [
        ("LEADLIB_API_URL", "https://example.com/base/", "api_url", "https://example.com/base"),
        ("LEADLIB_API_URL", "http://127.0.0.1:8000", "api_url", "http://127.0.0.1:8000"),
        ("LEADLIB_API_URL", "http://localhost:8000/", "api_url", "http://localhost:8000"),
        ("LEADLIB_API_DIALECT", "flat", "api_dialect", "flat"),
        ("LEADLIB_API_DIALECT", " filter ", "api_dialect", "filter"),
        ("LEADLIB_TIMEZONE", "Europe/Berlin", "timezone", ZoneInfo("Europe/Berlin")),
        ("LEADLIB_WORKING_HOURS", "Sun-Thu 08:00-18:00", "working_hours", working_hours("Sun-Thu 08:00-18:00")),
        ("LEADLIB_CALLS_PER_MINUTE", "1", "calls_per_minute", 1),
        ("LEADLIB_CALLS_PER_MINUTE", "650", "calls_per_minute", 650),
        ("LEADLIB_SLA_MINUTES", "90", "sla_minutes", 90),
        ("LEADLIB_SQL_CELLS", "off", "sql_cells", False),
        ("LEADLIB_SQL_CELLS", "on", "sql_cells", True),
        ("LEADLIB_SYNC_MINUTES", "0", "sync_minutes", 0),
        ("LEADLIB_SYNC_MINUTES", "1440", "sync_minutes", 1440),
        ("LEADLIB_DATABASE", "/srv/leads", "database", Path("/srv/leads")),
        ("LEADLIB_DATABASE", "~/leads", "database", Path.home() / "leads"),
    ],
)
def test_a_setting_is_read_and_cast(tmp_path: Path, name: str, text: str, attribute: str, value: Any) -> None:
    assert getattr(settings_of(tmp_path, **PAIR, **{name: text}), attribute) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LEADLIB_API_URL", "atlas.example.com"),
        ("LEADLIB_API_URL", "ftp://example.com"),
        ("LEADLIB_API_URL", "http://example.com"),
        ("LEADLIB_API_URL", "https://"),
        ("LEADLIB_API_URL", "https://example.com/?a=b"),
        ("LEADLIB_API_URL", "https://example.com/#a"),
        ("LEADLIB_API_URL", "https://[broken"),
        ("LEADLIB_API_DIALECT", "Filter"),
        ("LEADLIB_API_DIALECT", "sharp"),
        ("LEADLIB_TIMEZONE", "Dubai"),
        ("LEADLIB_TIMEZONE", "../etc/passwd"),
        ("LEADLIB_TIMEZONE", "Asia"),
        ("LEADLIB_TIMEZONE", "localtime"),
        ("LEADLIB_TIMEZONE", "posix/Asia/Dubai"),
        ("LEADLIB_WORKING_HOURS", "9 to 5"),
        ("LEADLIB_WORKING_HOURS", "Mon 19:00-09:00"),
        ("LEADLIB_CALLS_PER_MINUTE", "0"),
        ("LEADLIB_CALLS_PER_MINUTE", "651"),
        ("LEADLIB_CALLS_PER_MINUTE", "6e2"),
        ("LEADLIB_CALLS_PER_MINUTE", "６００"),
        ("LEADLIB_CALLS_PER_MINUTE", "-5"),
        ("LEADLIB_SYNC_MINUTES", "1441"),
        ("LEADLIB_SYNC_MINUTES", "five"),
        ("LEADLIB_SQL_CELLS", "no"),
    ],
)
def test_a_malformed_setting_is_refused_by_name(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_of(tmp_path, **PAIR, **{name: text})
    assert caught.value.name == name
    assert str(caught.value).startswith(f"{name} must be ")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
@pytest.mark.parametrize("text", ["", "   "], ids=["empty", "blank"])
def test_an_empty_setting_is_refused_rather_than_taken_for_a_default(tmp_path: Path, setting: Any, text: str) -> None:
    with pytest.raises(SettingsError, match="is empty") as caught:
        settings_of(tmp_path, **{setting.name: text})
    assert caught.value.name == setting.name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("LEADLIB_API_KEYS", "Did you mean LEADLIB_API_KEY?"),
        ("LEADLIB_CALLS_PER_MIN", "Did you mean LEADLIB_CALLS_PER_MINUTE?"),
        ("LEADLIB_" + "Q" * 30, "Known settings: LEADLIB_API_URL, "),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_known_one(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(hint)) as caught:
        settings_of(tmp_path, **{name: "x"})
    assert caught.value.name == name


def test_names_of_others_and_of_the_tests_are_left_alone(tmp_path: Path) -> None:
    assert settings_of(tmp_path, PATH="/bin", LEADLIB_REQUIRE_BROWSER="1", leadlib_x="y") == settings_of(tmp_path)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"LEADLIB_API_KEY": KEY}, "LEADLIB_API_SECRET"),
        ({"LEADLIB_API_SECRET": SECRET}, "LEADLIB_API_KEY"),
        ({**PAIR, "LEADLIB_API_TOKEN": TOKEN}, "LEADLIB_API_TOKEN"),
        ({"LEADLIB_API_URL": "https://example.com"}, "LEADLIB_API_KEY"),
    ],
    ids=["key alone", "secret alone", "key and token", "url alone"],
)
def test_credentials_that_do_not_fit_together_are_refused(tmp_path: Path, given: dict[str, str], name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_of(tmp_path, **given)
    assert caught.value.name == name
    assert "canary" not in f"{caught.value}{caught.value!r}"


def test_the_environment_wins_over_the_secrets_file(tmp_path: Path) -> None:
    toml = '[leadlib]\nLEADLIB_TIMEZONE = "Asia/Riyadh"\nsync_minutes = 7\napi_token = "token-canary"\n'
    settings = settings_of(tmp_path, toml, LEADLIB_TIMEZONE="Asia/Qatar")
    assert (settings.timezone.key, settings.sync_minutes) == ("Asia/Qatar", 7)
    assert settings.api_token is not None
    assert settings.api_token.reveal() == TOKEN


def test_a_secrets_file_of_others_is_left_alone(tmp_path: Path) -> None:
    without_file = settings_of(tmp_path)
    assert settings_of(tmp_path, '[auth]\ncookie_secret = "x"\n') == without_file


@pytest.mark.parametrize(
    ("toml", "name"),
    [
        ('[leadlib]\napi_token = "token-canary\n', "secrets.toml"),
        ('leadlib = "token-canary"\n', "secrets.toml"),
        ('[leadlib]\napi_tokn = "token-canary"\n', "LEADLIB_API_TOKN"),
        ("[leadlib]\nsync_minutes = 9999\n", "LEADLIB_SYNC_MINUTES"),
    ],
    ids=["broken line", "no table", "unknown name", "malformed value"],
)
def test_a_secrets_file_that_cannot_be_used_is_named_and_not_quoted(tmp_path: Path, toml: str, name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_of(tmp_path, toml)
    assert caught.value.name == name
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None or "canary" not in str(caught.value.__cause__)


def test_a_secrets_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_bytes(b'[leadlib]\napi_token = "\xff"\n')
    with pytest.raises(SettingsError, match="UnicodeDecodeError"):
        load_settings({}, tmp_path)


def test_a_file_of_badge_rules_is_read_and_a_mistake_in_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text('[[rule]]\nfigure = "leads"\nvalid_from = 2026-01-01\nat_least = 15\n', encoding="utf-8")
    rules = settings_of(tmp_path, **PAIR, LEADLIB_BADGE_RULES=str(file)).badge_rules
    assert [(rule.figure, rule.threshold, rule.window_days) for rule in rules.rules] == [("leads", 15, 60)]
    file.write_text('[[rule]]\nfigure = "leads"\n', encoding="utf-8")
    for path, says in ((file, "rule 1 needs a “valid_from”"), (tmp_path / "none.toml", "cannot be read")):
        with pytest.raises(SettingsError, match=f"LEADLIB_BADGE_RULES must be a file of badge rules; .*{says}"):
            settings_of(tmp_path, **PAIR, LEADLIB_BADGE_RULES=str(path))


def test_secrets_show_as_stars(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, **PAIR)
    secret = Secret(TOKEN)
    shown = f"{settings} {settings!r} {vars(settings)} {secret} {secret!r} %s" % secret
    assert "canary" not in shown
    assert "********" in shown
    assert secret.reveal() == TOKEN


def test_portal_is_the_address_or_the_sandboxs_name(tmp_path: Path) -> None:
    assert settings_of(tmp_path).portal == SANDBOX_PORTAL
    assert settings_of(tmp_path, **PAIR).portal == PRODUCTION_URL
    assert settings_of(tmp_path, **PAIR, LEADLIB_API_URL="https://x.test").portal == "https://x.test"


def test_secrets_compare_by_value() -> None:
    assert Secret("a") == Secret("a") != Secret("b")


SHARED = "ducklake:postgres:host=db.internal dbname=leads user=leadlight password=p4ss-of-nobody?data=/srv/leads/"


def test_a_shared_stores_address_is_where_its_catalog_and_its_files_lie(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, LEADLIB_DATABASE=SHARED)
    assert settings.shared is not None
    assert settings.shared.analytics.dsn == "host=db.internal dbname=leads user=leadlight password=p4ss-of-nobody"
    assert settings.shared.analytics.data == "/srv/leads"
    assert settings.personal == settings.shared.analytics
    assert settings.database.parent == tmp_path / "data"
    assert settings.of_store["shared"] == settings.shared


@pytest.mark.parametrize(
    "dsn",
    [
        "host=db.internal dbname=leads password='a hush'",
        "postgresql://leadlight:a%20hush@db.internal:5433/leads?sslmode=require",
    ],
    ids=["pairs", "URL"],
)
def test_a_shared_stores_password_is_never_shown(tmp_path: Path, dsn: str) -> None:
    settings = settings_of(tmp_path, LEADLIB_DATABASE=f"ducklake:postgres:{dsn}&data=s3://bucket/leads")
    assert settings.shared is not None
    assert settings.shared.analytics.dsn == dsn
    assert "host=db.internal" in str(settings.shared)
    assert "dbname=leads" in str(settings.shared)
    assert "hush" not in repr(settings) + str(settings.shared)


@pytest.mark.parametrize(
    "address",
    [
        "ducklake:host=x dbname=y?data=/srv/leads",
        "ducklake:postgres:host=secret dbname=y",
        "ducklake:postgres:host=secret?data=/srv/leads",
        "ducklake:postgres:host=secret dbname=y?data=srv/leads",
        "ducklake:postgres:secret?data=/srv/leads",
        "ducklake:postgres:postgresql://secret:x@h:port/db?data=/srv/leads",
    ],
    ids=["no kind", "no place", "no database", "relative place", "no DSN", "no port"],
)
def test_an_address_that_is_none_is_refused_without_its_words(tmp_path: Path, address: str) -> None:
    with pytest.raises(SettingsError, match="PLACE") as raised:
        settings_of(tmp_path, LEADLIB_DATABASE=address)
    assert "secret" not in str(raised.value)


def test_the_persons_of_a_shared_store_may_lie_elsewhere_or_stay_out(tmp_path: Path) -> None:
    own = "ducklake:postgres:host=safe dbname=persons?data=/srv/persons"
    settings = settings_of(tmp_path, LEADLIB_DATABASE=SHARED, LEADLIB_PERSONAL_DATABASE=own)
    assert (str(settings.personal), str(settings.shared)) == (own, str(lake_address(SHARED)))
    none = settings_of(tmp_path, LEADLIB_DATABASE=SHARED, LEADLIB_PERSONAL_DATABASE="none", LEADLIB_FOLDER="/var/own")
    assert none.shared is not None
    assert none.personal is None
    assert none.database == Path("/var/own")


@pytest.mark.parametrize("setting", ["LEADLIB_PERSONAL_DATABASE", "LEADLIB_FOLDER"])
def test_what_is_for_shared_stores_is_refused_for_another(tmp_path: Path, setting: str) -> None:
    with pytest.raises(SettingsError, match=f"{setting} is for a shared store only"):
        settings_of(tmp_path, **{setting: "none"})


def test_every_setting_has_its_attribute_and_words() -> None:
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    for setting in SETTINGS:
        assert hasattr(Settings(), setting.attribute)
        assert setting.meaning
        assert setting.default
