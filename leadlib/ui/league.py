"""Listings, projects and developers: the table of all, what is missed among them, and the ways to their leads."""

from collections.abc import Sequence

import pandas as pd

from leadlib.metrics import dimension_named, league
from leadlib.ui import compared
from leadlib.ui.guests import without_ways
from leadlib.ui.text import plain
from leadlib.ui.view import View

_COLUMNS = (
    *("verdict", "leads", "matured", "response_rate", "shrunken_rate", "rank", "replies_short", "waiting"),
    *("oldest_waiting_h", "unique_senders", "response_rate_of_all", "pending"),
)


_NAME_PX = 320
"""A listing's reference and the first words of its title."""


def draw(view: View, by: str) -> None:
    """One row a listing, project or developer, judged as agents are. A row drills to its leads."""
    name = dimension_named(by).label
    plain(without_ways("Best shrunken rate first. Choose a row to go to its leads. A click on a heading sorts."))
    alt = f"{name}s with their response rates, ranks and verdicts, best shrunken rate first"
    row = compared.draw(view.ask(league, by=by), name, _COLUMNS, key=f"league_{by}", alt=alt, name_px=_NAME_PX)
    if row is not None:
        compared.offer_leads(view, by, row)


def notes_on_missed(rows: pd.DataFrame) -> Sequence[str]:
    """Where a bar leads to, if there is any."""
    return ("A bar leads to all leads of its row, those that wait longest on top.",) if rows["is_missed"].any() else ()


def notes_on_decay(by: str) -> Sequence[str]:
    """What the decay does not say, in words."""
    return (
        f"New are {by}s whose first lead came after four weeks without any. Weeks that were not read whole are left "
        "out.",
        f"The portal does not say when a {by} is sold, let or taken off: it counts on, without leads. Those still on "
        "offer fade more slowly.",
    )
