"""What stands beside the shares of leads replied to in time: the clock, on how many leads they rest, what is missing.

And the ways from a share to its leads.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import pandas as pd

from leadlib import formats
from leadlib.filters import Filters
from leadlib.ui import drill
from leadlib.ui.text import plain
from leadlib.ui.view import View


def on_clock(view: View, clock: str) -> None:
    """Says which hours the working clock counts; nothing on the wall clock."""
    if clock == "working":
        store = view.store
        plain(
            f"Minutes count during {store.working_hours} ({store.timezone.key}) alone, set by LEADLIB_WORKING_HOURS. "
            "What came and was answered outside of them counts as answered at once. Public holidays are not known."
        )


def show_channel(channel: str) -> None:
    """For a chart's on_choose: asks for the leads of a channel."""
    drill.to_leads("type", channel)


def show_week(view: View, channels: pd.DataFrame) -> Callable[[str], None]:
    """For a chart's on_choose: what asks for the leads of a week that its share counts.

    `channels` is a frame of `replies_by` channel under the filters in force.
    """
    return lambda monday: drill.to_leads_under(of_week(view.filters, list(channels["key"]), monday))


def of_week(filters: Filters, channels: Sequence[str], monday: str) -> Filters:
    """The same filters for what of a week they leave, and for those of the channels that are no calls."""
    sunday = (date.fromisoformat(monday) + timedelta(days=6)).isoformat()
    within = {"from": max([monday, *filters["from"]]), "to": min([sunday, *filters["to"]])}
    asked = Filters.of({**dict(filters.selected), **{key: [day] for key, day in within.items()}})
    return asked.with_values("type", [channel for channel in channels if channel != "call"])


def on_shares(shares: pd.DataFrame) -> list[str]:
    """Sentences for a frame of `reply_shares`; none without leads."""
    if shares.empty:
        return []
    row = shares.iloc[0]
    counted = (
        f"{formats.count_of(row['n_replied'], 'lead')} with a reply, {formats.number(row['n_archived'])} archived "
        f"without one, {formats.number(row['n_waiting'])} waiting"
    )
    unknown = ""
    if row["n_unknown"]:
        unknown = f"; {formats.number(row['n_unknown'])} of unknown history are left out"
    untold = list(shares.loc[shares["reason"] != "", "label"])
    sentences = [f"{counted}{unknown}."]
    if untold:
        sentences.append(
            f"Within {formats.listed(untold, 'or')}: the portal was not looked at closely enough. It tells a lead's "
            "status, not when that changed, so only looks at young leads say how many replies came this early."
        )
    return sentences
