"""`check`: what the portal accepts, and that it can be used."""

import argparse
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from leadlib import formats
from leadlib.cells import yes_or_no
from leadlib.cli.settings import settings_asked
from leadlib.cli.tables import aligned

_SAME_TIME = timedelta(seconds=2)  # the portal tells its time in whole seconds


def run(asked: argparse.Namespace) -> int:
    settings = settings_asked()
    from leadlib.engine import Engine

    # A store of its own, thrown away: the running app may hold the real one, and nothing remembered should answer.
    with (
        tempfile.TemporaryDirectory() as folder,
        Engine.open(replace(settings, database=Path(folder), shared=None)) as engine,
    ):
        page = engine.client.page(per_page=1)
        difference = None if page.portal_at is None else page.portal_at - datetime.now(UTC)
        found = engine.client.probe()
    is_fixed = settings.api_dialect != "auto"
    oldest = found.oldest_accepted.astimezone(settings.timezone)
    facts = [
        ("Portal", f"{settings.portal} (no credentials are set)" if engine.is_sandbox else settings.portal),
        ("Token", "accepted, and may read leads (leads:read)"),
        ("Dialect", f"{found.dialect}{' (set by LEADLIB_API_DIALECT)' if is_fixed else ''}"),
        ("Oldest accepted day", f"{formats.day(oldest)} ({settings.timezone.key})"),
        ("Leads since then", formats.number(found.total)),
        ("createdAtTo bounds", yes_or_no(found.bounds_created_to)),
        ("orderBy sorts", yes_or_no(found.sorts_by_created_at)),
        ("Portal's clock", _clock_text(difference)),
    ]
    if found.dialect_note:
        facts.insert(3, ("", found.dialect_note))
    print("\n".join(aligned([list(fact) for fact in facts])))
    return 0


def _clock_text(difference: timedelta | None) -> str:
    if difference is None:
        return "unknown: the portal does not tell its time"
    if abs(difference) <= _SAME_TIME:
        return "agrees with ours"
    return f"{formats.duration(abs(difference))} {'ahead of' if difference > timedelta(0) else 'behind'} ours"
