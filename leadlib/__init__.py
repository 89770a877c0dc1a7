"""Leadlight's library: `store = leadlib.open()`, then `store.metric("response_rate", by="channel")`.

docs/notebooks.md has an example. Nothing heavy is imported before it is asked for.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadlib.outside import LeadStore


def open(path: str | Path | None = None) -> "LeadStore":
    """The store in the folder that the settings name, or in `path`, to be read; the app may run meanwhile.

    Raises SettingsError or StoreError.
    """
    from leadlib.outside import open_store

    return open_store(path)
