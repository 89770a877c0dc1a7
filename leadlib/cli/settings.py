"""What a command is told by the machine it runs on."""

from leadlib.config import Settings, load_settings
from leadlib.logs import set_up


def settings_asked() -> Settings:
    """The settings; where they ask for a log as JSON, there is one from here on. Raises SettingsError."""
    settings = load_settings()
    if settings.log == "json":
        set_up("json")
    return settings
