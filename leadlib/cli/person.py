"""`person`: all that is held about one person, as a file for them."""

import argparse

from leadlib import formats
from leadlib.cli.arguments import UsageError
from leadlib.cli.output import tell
from leadlib.cli.settings import settings_asked
from leadlib.cli.stored import open_store


def run(asked: argparse.Namespace) -> int:
    if not (asked.phone or asked.email or asked.lead):
        raise UsageError("Say who: --phone, --email or --lead, each as often as needed.")
    if not asked.output.parent.is_dir() or asked.output.is_dir():
        raise UsageError(f"{asked.output.absolute()} is no file in a folder that is there. Name one.")
    settings = settings_asked()
    from leadlib.access import LOCAL
    from leadlib.export import COMMAND_LINE, checked_reason, write_person
    from leadlib.store import Person

    try:
        person = Person(tuple(asked.phone), tuple(asked.email), tuple(asked.lead))
    except ValueError as error:
        raise UsageError(f"That is nobody's: {error}.") from error
    reason = checked_reason(asked.reason, LOCAL, personal=True)
    with open_store(settings) as store:
        n_leads = write_person(store, person, asked.output, who=COMMAND_LINE, reason=reason)
    tell(f"All that is held of the person behind {formats.count_of(n_leads, 'lead')} is in {asked.output}.")
    return 0
