"""Agents beside each other, as they are."""

import pandas as pd

from leadlib.filters import Filters
from leadlib.metrics.compared import compared
from leadlib.store import Store


def agents(store: Store, filters: Filters) -> pd.DataFrame:
    """One row per agent, best shrunken rate first, then those without one by leads, unassigned leads last.

    Columns as in `compared`. An agent is compared with all agents under the other filters, whichever the filters name.
    """
    return compared(store, filters, "agent")
