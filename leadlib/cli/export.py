"""`export`: the stored leads as a file."""

import argparse
from pathlib import Path

from leadlib import formats
from leadlib.cli.arguments import UsageError, filters_asked
from leadlib.cli.output import tell
from leadlib.cli.settings import settings_asked
from leadlib.cli.stored import as_of, open_store
from leadlib.filters import describe


def run(asked: argparse.Namespace) -> int:
    path: Path = asked.output
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent.absolute()} to write into. Make it first.")
    if path.is_dir():
        raise UsageError(f"{path.absolute()} is a folder. Name a file in it.")
    filters = filters_asked(asked.filter)
    settings = settings_asked()
    from leadlib.access import LOCAL
    from leadlib.export import COMMAND_LINE, checked_reason, export_on_record, format_named, limits_for

    fmt = format_named(asked.format)
    reason = checked_reason(asked.reason, LOCAL, personal=asked.personal)
    with open_store(settings) as store:
        done = export_on_record(
            store, store, filters, fmt.key, path,
            who=COMMAND_LINE, reason=reason, limits=limits_for(LOCAL), personal=asked.personal,
        )  # fmt: skip
        columns = "with personal columns" if asked.personal else "without personal columns"
        tell(f"{formats.count_of(done.rows, 'lead').capitalize()} in {path} ({fmt.label}, {columns}).")
        tell(f"{describe(filters)}, {as_of(store)}.")
    return 0
