"""One sync of ours as a program: `FOLDER full|quiet`, one JSON line at the end. The portal is in the settings.

`full` reads the whole window. `quiet` runs the sync that is due the next morning: the wide one, with count probes,
also of an account so large that it is swept nightly.
"""

import json
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from benchmarks import HELD_AT
from leadlib.api import Client
from leadlib.config import load_settings
from leadlib.store import Store
from leadlib.sync import run_sync

_UNLIMITED = 10**6


def main() -> None:
    folder, how = Path(sys.argv[1]), sys.argv[2]
    # The portal's limit would be all that is measured.
    settings = replace(load_settings(), calls_per_minute=_UNLIMITED)
    with (
        Store.open(folder, timezone=settings.timezone, portal=settings.portal) as store,
        Client(settings, dialect="flat") as client,
        store.sparing_memory(),  # as `python -m leadlib sync` does
    ):
        at = HELD_AT if how == "full" else HELD_AT + timedelta(hours=19)
        row = run_sync(client, store, full=how == "full", now=lambda: at)
        n_leads = int(store.query("select count(*) as n from leads")["n"].iloc[0])
    print(json.dumps({"leads": n_leads, "kind": row.kind, "outcome": row.outcome, "changed": row.n_changed}))


if __name__ == "__main__":
    main()
