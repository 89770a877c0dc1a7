"""What the first visitor would otherwise wait for: modules, the first questions and the first picture."""

import importlib
import pkgutil

from leadlib import charts, ui
from leadlib.engine import Engine
from leadlib.filters import Filters
from leadlib.metrics import breakdown, funnel, summary, summary_change, volume

_NOT_A_MODULE_TO_IMPORT = "shell"  # the page script, which draws


def load_all() -> None:
    """Imports everything that pages are made of."""
    for module in pkgutil.iter_modules(ui.__path__, f"{ui.__name__}."):
        if not module.name.endswith(f".{_NOT_A_MODULE_TO_IMPORT}"):
            importlib.import_module(module.name)


def ask_first(engine: Engine) -> None:
    """Asks what the Overview without filters shows, so that it is in memory, and draws a picture of it."""
    store, everything = engine.store, Filters()
    for question in (summary, summary_change, funnel):
        question(store, everything)
    breakdown(store, everything, by="entity_type")
    breakdown(store, everything, by="agent", limit=12)
    by_day = volume(store, everything, grain="day", by="channel")
    charts.plot_volume(by_day, theme="light").to_json()
