"""View: what a page works with - what its viewer may see, the filters in force, and cached answers to questions."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from leadlib import formats
from leadlib.access import Access
from leadlib.engine import Engine
from leadlib.filters import Filters, describe
from leadlib.metrics import summary
from leadlib.store import Store
from leadlib.ui.engine import current_access, load
from leadlib.ui.names import Vocabulary


@dataclass(frozen=True)
class View:
    """One run of one page, for one viewer, who sees what `access` allows: leads come from `store` alone."""

    engine: Engine
    filters: Filters
    vocabulary: Vocabulary
    access: Access = field(default_factory=current_access)

    @property
    def store(self) -> Store:
        """What the viewer may see of the store."""
        return self.engine.store_for(self.access)

    def ask(self, question: Callable[..., pd.DataFrame], **arguments: str | int | bool | None) -> pd.DataFrame:
        """The frame of a question of `leadlib.metrics` under the filters in force. Do not change it in place."""
        return load(question, self.filters, **arguments)

    @property
    def n_leads(self) -> int:
        """How many leads the filters leave."""
        return int(self.ask(summary)["leads"].iloc[0])

    @property
    def sentence(self) -> str:
        """The filters in words, with names for ids, and whose leads they choose from where that is not everybody's."""
        words = describe(self.filters, self.vocabulary.names)
        agents = self.access.agents
        return words if agents is None else f"{words} (of {formats.count_of(len(agents), 'agent')})"


def set_view(view: View | None) -> None:
    """Hands the view of this run to the page. The shell calls it; a page that runs without the shell has none."""
    st.session_state["view"] = view


def current_view() -> View:
    """The view of this run. Stops the page if the shell did not make one: no guard, no filters, no page."""
    view = st.session_state.get("view")
    if not isinstance(view, View):
        st.stop()
    return view
