"""`digest`: what a manager should know, sent or written now."""

import argparse
from datetime import UTC, datetime

from leadlib.cli.output import tell
from leadlib.cli.settings import settings_asked
from leadlib.cli.stored import open_to_read


def run(asked: argparse.Namespace) -> int:
    settings = settings_asked()
    from leadlib.digest import alerts_now, make_digest, send

    with open_to_read(settings, "the digest speaks of the state after its last sync") as store:
        alerts = alerts_now(
            store,
            sync_minutes=settings.sync_minutes,
            most_overdue=settings.alert_overdue,
            now=datetime.now(UTC),
        )
        message = make_digest(store, alerts, days=asked.days, site=settings.site)
    tell(f"“{message.title}” went to {send(message, asked.to, settings, asked.output)}.")
    return 0
