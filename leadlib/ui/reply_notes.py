"""What stands under the shares of leads replied to in time: on how many leads they rest, and why some are missing."""

import pandas as pd

from leadlib import formats


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
