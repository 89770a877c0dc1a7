"""What the filters can offer."""

import pandas as pd

from leadlib.filters import Filters
from leadlib.metrics.queries import ask
from leadlib.store import Store


def choices(store: Store, filters: Filters) -> pd.DataFrame:
    """One row per field and value that any lead carries, most leads first within a field; `filters` have no say.

    Columns: field (key of FIELDS), value (str, "none" for leads without one), label (str or missing), leads (int).
    """
    return ask(store, "choices", filters)
